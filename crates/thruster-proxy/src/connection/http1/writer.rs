//! Our half of an HTTP/1 connection: what waits to be written, and the patience we have with a
//! client that does not read.

use std::os::fd::AsFd;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use crate::error::Error;
use crate::http1::Outbox;
use crate::send_patience::SendPatience;

pub struct Writer {
    half: OwnedWriteHalf,
    pub outbox: Outbox,
    patience: SendPatience,
}

impl Writer {
    pub fn new(half: OwnedWriteHalf, patience: Option<Duration>) -> Self {
        Writer { half, outbox: Outbox::default(), patience: SendPatience::new(patience) }
    }

    pub fn into_half(self) -> OwnedWriteHalf {
        self.half
    }

    /// Writes all that waits.
    ///
    /// # Errors
    /// The client is gone, or has not taken a byte for too long.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.outbox.waiting() > 0 {
            match self.outbox.poll_write(cx, &mut self.half) {
                Poll::Ready(Ok(1..)) => self.patience.moved(),
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(Error::ClientGone)),
                Poll::Pending => {
                    let stream: &TcpStream = self.half.as_ref();
                    ready!(self.patience.poll_exhausted(cx, stream.as_fd()));
                    return Poll::Ready(Err(Error::ClientStalled));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the connection in a way that cannot be taken for the end of a body.
    pub fn reset(self) {
        let socket = socket2::SockRef::from(self.half.as_ref());
        // Where the system refuses, an abrupt end is the best we can do.
        drop(socket.set_linger(Some(Duration::ZERO)));
        // Its drop would say goodbye first.
        self.half.forget();
    }
}
