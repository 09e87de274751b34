//! A connection to the child that has switched protocols: bytes, both ways, until both ends
//! have said their last.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional};

use super::target::Stream;
use crate::access_log::Record;

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
    ) {
        record.ended();
        if client.write_all(&self.early).await.is_ok() {
            record.sent(self.early.len());
            if let Ok((received, sent)) = copy_bidirectional(&mut client, &mut self.stream).await {
                record.tunnelled(received, sent);
            }
        }
    }
}
