//! Our half of an HTTP/1 connection: what waits to be written, and the patience we have with a
//! client that does not read.

use std::io;
use std::os::fd::AsFd;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use crate::error::Error;
use crate::file_body::FileBody;
use crate::http1::Outbox;
use crate::send_patience::SendPatience;
use crate::zero_copy;

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
        self.poll_flush_to(cx, |outbox, half, cx| outbox.poll_write(cx, half))
    }

    /// The same where bytes of a file come right behind it.
    pub fn poll_flush_before_file(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush_to(cx, |outbox, half, cx| {
            outbox.poll_write(cx, &mut zero_copy::WithMore((*half).as_ref()))
        })
    }

    fn poll_flush_to(
        &mut self,
        cx: &mut Context<'_>,
        write: fn(&mut Outbox, &mut OwnedWriteHalf, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<Result<(), Error>> {
        while self.outbox.waiting() > 0 {
            match write(&mut self.outbox, &mut self.half, cx) {
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

    /// Sends what the kernel has at hand of a file, and returns how much that was: nothing, if the
    /// file is to be read instead. All that waits must have been written.
    ///
    /// # Errors
    /// The client is gone or has stalled, or the file has become shorter.
    pub fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        body: &mut FileBody,
    ) -> Poll<Result<u64, Error>> {
        let stream: &TcpStream = self.half.as_ref();
        loop {
            if stream.poll_write_ready(cx).map_err(|_| Error::ClientGone)?.is_pending() {
                ready!(self.patience.poll_exhausted(cx, stream.as_fd()));
                return Poll::Ready(Err(Error::ClientStalled));
            }
            let Some(at_hand) = body.at_hand() else {
                body.fetch();
                return Poll::Ready(Ok(0));
            };
            let send = || zero_copy::send(stream.as_fd(), at_hand.file, at_hand.at, at_hand.length);
            match stream.try_io(Interest::WRITABLE, send) {
                Ok(0) => {
                    let end = io::ErrorKind::UnexpectedEof;
                    return Poll::Ready(Err(Error::FileCut(end.into())));
                }
                Ok(sent) => {
                    self.patience.moved();
                    body.sent(sent);
                    return Poll::Ready(Ok(sent));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if zero_copy::is_refusal(&error) => {
                    body.is_only_read();
                    return Poll::Ready(Ok(0));
                }
                Err(error) if zero_copy::is_of_file(&error) => {
                    return Poll::Ready(Err(Error::FileCut(error)));
                }
                Err(_) => return Poll::Ready(Err(Error::ClientGone)),
            }
        }
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
