//! How long a client may take nothing of what we send. That a write waits is no sign of it: the
//! kernel holds megabytes for a slow reader and asks for more only when many of them are gone.
//! So the kernel is asked whether its queue has shrunk before the client is given up.

use std::io;
use std::os::fd::BorrowedFd;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::deadline::Patience;

pub struct SendPatience {
    patience: Patience,
    /// Bytes in the kernel's queue when the wait began.
    queued: Option<libc::c_int>,
}

impl SendPatience {
    pub fn new(limit: Option<Duration>) -> Self {
        SendPatience { patience: Patience::new(limit), queued: None }
    }

    /// Something was written.
    pub fn moved(&mut self) {
        self.patience.moved();
        self.queued = None;
    }

    /// A write waits; ready once the client has taken nothing for too long.
    pub fn poll_exhausted(&mut self, cx: &mut Context<'_>, socket: BorrowedFd<'_>) -> Poll<()> {
        let mut before = self.queued.unwrap_or_else(|| queued(socket).unwrap_or(0));
        self.queued = Some(before);
        loop {
            ready!(self.patience.poll_exhausted(cx));
            match queued(socket) {
                Ok(now) if now < before => {
                    before = now;
                    self.queued = Some(now);
                    self.patience.moved();
                }
                _ => return Poll::Ready(()),
            }
        }
    }
}

/// Bytes that the other side has not acknowledged.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn queued(socket: BorrowedFd<'_>) -> io::Result<libc::c_int> {
    use std::os::fd::AsRawFd;

    let mut bytes = 0;
    // SAFETY: TIOCOUTQ (SIOCOUTQ on sockets) writes one int.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) } {
        0 => Ok(bytes),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(not(target_os = "linux"))]
fn queued(_: BorrowedFd<'_>) -> io::Result<libc::c_int> {
    Err(io::ErrorKind::Unsupported.into())
}
