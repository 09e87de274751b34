//! A connection to the child that has switched protocols: bytes, both ways, until both ends
//! have said their last.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, copy_bidirectional};

use super::target::Stream;
use crate::access_log::Record;
use crate::drain::Drain;

/// How long what the child has said last may take to reach the client.
const LAST_BYTES: Duration = Duration::from_secs(1);

pub struct Tunnel {
    pub stream: Stream,
    /// What the child said right after its 101.
    pub early: Bytes,
}

impl Tunnel {
    /// Joins the client's end to the child's, and tells the record what went through. That one
    /// end breaks off is how most of these end, and no error worth a word.
    pub async fn join(
        self,
        client: impl AsyncRead + AsyncWrite + Unpin,
        record: &mut Record,
        drain: Drain,
    ) {
        record.ended();
        let (mut client, mut child) = (Counted::new(client), Counted::new(self.stream));
        if client.write_all(&self.early).await.is_ok() {
            let mut copying = pin!(copy_bidirectional(&mut client, &mut child));
            tokio::select! {
                _ = &mut copying => {}
                // The child has ended, and the client may not care to close its own end.
                () = drain.over() => drop(tokio::time::timeout(LAST_BYTES, copying).await),
            }
        }
        record.tunnelled(child.written, client.written);
    }
}

/// Counts what is written, also when it ends in an error.
struct Counted<S> {
    stream: S,
    written: u64,
}

impl<S> Counted<S> {
    fn new(stream: S) -> Self {
        Counted { stream, written: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.written += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
