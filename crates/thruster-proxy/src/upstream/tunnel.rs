//! A connection to the child that has switched protocols: bytes, both ways, until both ends
//! have said their last, or the drain says it for them.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, copy_bidirectional};

use super::target::Stream;
use super::websocket::{Frames, GOING_AWAY};
use crate::access_log::Record;
use crate::drain::Drain;

/// How long what the child has said last may take to reach the client, and the client's own
/// Close to reach us.
const LAST_BYTES: Duration = Duration::from_secs(1);

pub struct Tunnel {
    pub stream: Stream,
    /// What the child said right after its 101.
    pub early: Bytes,
    /// A protocol in which we know how to say goodbye.
    pub is_websocket: bool,
    /// WebSockets are closed at random moments of this much of a drain, lest all clients come
    /// back at once.
    pub spread: Duration,
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
        let pace = Pace::default();
        let mut client = Watched::new(client, self.is_websocket.then(|| pace.clone()));
        let mut child = Watched::new(self.stream, None);
        let (is_websocket, moment) = (self.is_websocket, self.spread.mul_f64(fastrand::f64()));
        let goodbye = async {
            drain.clone().begun().await;
            if !is_websocket {
                return drain.over().await;
            }
            tokio::select! {
                () = tokio::time::sleep(moment) => {}
                () = drain.clone().over() => {}
            }
            tokio::select! {
                () = pace.pause_between_frames() => {}
                () = drain.over() => {}
            }
        };
        let is_to_close = {
            let mut copying = pin!(async {
                client.write_all(&self.early).await?;
                copy_bidirectional(&mut client, &mut child).await
            });
            let is_over = tokio::select! {
                _ = &mut copying => true,
                () = goodbye => false,
            };
            if !is_over && !is_websocket {
                // The child has ended, and the client may not care to close its own end.
                drop(tokio::time::timeout(LAST_BYTES, copying).await);
            }
            !is_over && is_websocket
        };
        if is_to_close {
            drop(tokio::time::timeout(LAST_BYTES, say_goodbye(&mut client)).await);
        }
        record.tunnelled(child.written, client.written);
    }
}

/// Sends a Close and waits for the client to end the connection, as it is to do in answer.
async fn say_goodbye<S: AsyncRead + AsyncWrite + Unpin>(client: &mut Watched<S>) -> io::Result<()> {
    client.pace = None;
    client.write_all(&GOING_AWAY).await?;
    client.flush().await?;
    // What it was about to say is lost with the child that would have heard it.
    let mut unheard = [0; 1024];
    while client.read(&mut unheard).await? > 0 {}
    Ok(())
}

/// Where the stream of frames to a client stands, and whether it is to pause.
#[derive(Clone, Default)]
struct Pace(Arc<Mutex<Standing>>);

#[derive(Default)]
struct Standing {
    frames: Frames,
    is_to_pause: bool,
    waker: Option<Waker>,
}

impl Pace {
    /// Lets the frame under way be finished, and no other begin.
    async fn pause_between_frames(&self) {
        poll_fn(|cx| {
            let mut standing = self.lock();
            standing.is_to_pause = true;
            if standing.frames.is_between() {
                return Poll::Ready(());
            }
            standing.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that counts what is written, and keeps the pace.
struct Watched<S> {
    stream: S,
    written: u64,
    pace: Option<Pace>,
}

impl<S> Watched<S> {
    fn new(stream: S, pace: Option<Pace>) -> Self {
        Watched { stream, written: 0, pace }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(pace) = &self.pace {
            let standing = pace.lock();
            if standing.is_to_pause {
                bytes = &bytes[..standing.frames.rest_of_frame(bytes)];
            }
            if bytes.is_empty() {
                // Whoever asked for the pause will drop what waits here.
                return Poll::Pending;
            }
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.written += written as u64;
        if let Some(pace) = &self.pace {
            let mut standing = pace.lock();
            standing.frames.advance(&bytes[..written]);
            if standing.is_to_pause
                && standing.frames.is_between()
                && let Some(waker) = standing.waker.take()
            {
                waker.wake();
            }
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
