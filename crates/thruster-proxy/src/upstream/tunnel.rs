//! A connection to the child that has switched protocols: bytes, both ways, until both ends
//! have said their last.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional};

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
        mut self,
        mut client: impl AsyncRead + AsyncWrite + Unpin,
        record: &mut Record,
        drain: Drain,
    ) {
        record.ended();
        if client.write_all(&self.early).await.is_ok() {
            record.sent(self.early.len());
            let mut copying = pin!(copy_bidirectional(&mut client, &mut self.stream));
            let copied = tokio::select! {
                copied = &mut copying => Some(copied),
                // The child has ended, and the client may not care to close its own end.
                () = drain.over() => tokio::time::timeout(LAST_BYTES, copying).await.ok(),
            };
            if let Some(Ok((received, sent))) = copied {
                record.tunnelled(received, sent);
            }
        }
    }
}
