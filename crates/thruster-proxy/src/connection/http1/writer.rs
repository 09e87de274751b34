//! Our half of an HTTP/1 connection: what waits to be written, and the patience we have with a
//! client that does not read.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::io::Interest;

use crate::error::Error;
use crate::file_body::FileBody;
use crate::http1::Outbox;
use crate::send_patience::SendPatience;
use crate::transport::WriteHalf;
use crate::zero_copy;

pub struct Writer {
    half: WriteHalf,
    pub outbox: Outbox,
    patience: SendPatience,
}

impl Writer {
    pub fn new(half: WriteHalf, patience: Option<Duration>) -> Self {
        Writer { half, outbox: Outbox::default(), patience: SendPatience::new(patience) }
    }

    pub fn into_half(self) -> WriteHalf {
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
        self.poll_flush_to(cx, |outbox, half, cx| match half.plain() {
            Some(stream) => outbox.poll_write(cx, &mut zero_copy::WithMore(stream)),
            None => outbox.poll_write(cx, half),
        })
    }

    fn poll_flush_to(
        &mut self,
        cx: &mut Context<'_>,
        write: fn(&mut Outbox, &mut WriteHalf, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<Result<(), Error>> {
        while self.outbox.waiting() > 0 {
            match write(&mut self.outbox, &mut self.half, cx) {
                Poll::Ready(Ok(1..)) => self.patience.moved(),
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(Error::ClientGone)),
                Poll::Pending => return self.poll_exhausted(cx),
            }
        }
        // TLS takes more than the socket does.
        match Pin::new(&mut self.half).poll_flush(cx) {
            Poll::Ready(flushed) => Poll::Ready(flushed.map_err(|_| Error::ClientGone)),
            Poll::Pending => self.poll_exhausted(cx),
        }
    }

    fn poll_exhausted(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Writer { half, patience, .. } = self;
        ready!(half.with_socket(|stream| patience.poll_exhausted(cx, stream.as_fd())));
        Poll::Ready(Err(Error::ClientStalled))
    }

    /// Without TLS: the kernel can send files on its own, and there is no goodbye but its own.
    pub fn is_plain(&self) -> bool {
        self.half.plain().is_some()
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
        let Some(stream) = self.half.plain() else { return Poll::Ready(Ok(0)) };
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
        // Where the system refuses, an abrupt end is the best we can do.
        drop(
            self.half.with_socket(|socket| {
                socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO))
            }),
        );
        // Its drop would say goodbye first.
        self.half.forget();
    }
}
