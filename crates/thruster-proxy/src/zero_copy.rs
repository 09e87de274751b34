//! Bytes of a file on their way to a socket without a copy of ours: sendfile(2), which Linux has.
//! It knows no O_NONBLOCK for the file's side: what is not in memory it reads from the disk, while
//! all others on the core wait. So the kernel is asked first whether the bytes are at hand.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use socket2::SockRef;
use tokio::io::{AsyncWrite, Interest};
use tokio::net::TcpStream;

/// Bytes that may leave in one call: some 0.1 ms, after which it is the turn of others.
pub const TURN: u64 = 1024 * 1024;

/// How far apart we ask whether bytes are at hand: what the kernel reads ahead at once by default
/// (read_ahead_kb), so that what lies between two that are at hand mostly is too.
const STRIDE: u64 = 128 * 1024;

/// Up to so many bytes only the last is asked for: mostly they came into memory together, and each
/// question took 2 % of what it takes to send 20 KB.
const SHORT: u64 = 64 * 1024;

/// How many of these bytes can be sent without waiting for a disk.
pub fn at_hand(file: BorrowedFd<'_>, from: u64, to: u64) -> u64 {
    let is_short = to.saturating_sub(from) <= SHORT;
    // Somebody may have asked for a part of the file that begins later.
    if !is_short && !system::is_at_hand(file, from) {
        return 0;
    }
    let mut hot = from;
    while hot < to {
        let next = (hot + STRIDE).min(to);
        if !system::is_at_hand(file, next - 1) {
            break;
        }
        hot = next;
    }
    hot - from
}

/// Reads these bytes if all of them, or the first of them, are at hand. `None`: a thread is to find
/// out what there is. File systems that cannot tell (overlay, as of Linux 6.18) leave it to one.
pub fn read_at_hand(file: BorrowedFd<'_>, at: u64, length: usize) -> Option<Bytes> {
    let mut piece = Vec::with_capacity(length);
    let read = system::read_at_hand(file, at, &mut piece, length).ok()?;
    // Also the end of a file that has become shorter.
    (read > 0).then(|| piece.into())
}

/// Sends bytes of the file from `at`, and returns how many; none at all is its end.
///
/// # Errors
/// What the system says, of the file or of the socket.
pub fn send(socket: BorrowedFd<'_>, file: BorrowedFd<'_>, at: u64, length: u64) -> io::Result<u64> {
    loop {
        match system::send(socket, file, at, length) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            sent => return sent,
        }
    }
}

/// Whether an error tells that this file cannot be sent in this way, and may well be read.
pub fn is_refusal(error: &io::Error) -> bool {
    let refusals = [libc::EINVAL, libc::ENOSYS, libc::EOPNOTSUPP, libc::EOVERFLOW];
    error.raw_os_error().is_some_and(|code| refusals.contains(&code))
}

/// Whether an error is the file's and not the socket's.
pub fn is_of_file(error: &io::Error) -> bool {
    [libc::EIO, libc::ESTALE, libc::EBADF].map(Some).contains(&error.raw_os_error())
}

/// A socket whose next bytes are to leave together with those of a file that come behind them: the
/// head and the beginning of the body in one packet.
pub struct WithMore<'s>(pub &'s TcpStream);

impl AsyncWrite for WithMore<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = SockRef::from(self.0);
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            let send = || socket.send_vectored_with_flags(slices, system::MORE);
            match self.0.try_io(Interest::WRITABLE, send) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::os::fd::{AsRawFd, BorrowedFd};

    pub const MORE: libc::c_int = libc::MSG_MORE;

    /// Whether a byte is in the page cache. File systems that cannot tell (some of FUSE, older
    /// overlays) are believed to have it, as by every other server that calls sendfile(2).
    #[allow(unsafe_code)]
    pub fn is_at_hand(file: BorrowedFd<'_>, at: u64) -> bool {
        let Ok(at) = libc::off_t::try_from(at) else { return false };
        let mut byte = 0_u8;
        let slice = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        // SAFETY: the one slice is of one byte that outlives the call.
        let read =
            unsafe { libc::preadv2(file.as_raw_fd(), &raw const slice, 1, at, libc::RWF_NOWAIT) };
        read >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::WouldBlock
    }

    /// Reads as many bytes into the piece if it has room for them, and returns how many there were.
    #[allow(unsafe_code)]
    pub fn read_at_hand(
        file: BorrowedFd<'_>,
        at: u64,
        piece: &mut Vec<u8>,
        length: usize,
    ) -> io::Result<usize> {
        let too_far = |_| io::Error::from_raw_os_error(libc::EOVERFLOW);
        let at = libc::off_t::try_from(at).map_err(too_far)?;
        let room = piece.spare_capacity_mut();
        let slice =
            libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: length.min(room.len()) };
        // SAFETY: the one slice is of room that nobody else has, and that outlives the call.
        let read =
            unsafe { libc::preadv2(file.as_raw_fd(), &raw const slice, 1, at, libc::RWF_NOWAIT) };
        let read = usize::try_from(read).map_err(|_| io::Error::last_os_error())?;
        // SAFETY: the call has written so many bytes into the room behind those there were.
        unsafe { piece.set_len(piece.len() + read) };
        Ok(read)
    }

    #[allow(unsafe_code)]
    pub fn send(
        socket: BorrowedFd<'_>,
        file: BorrowedFd<'_>,
        at: u64,
        length: u64,
    ) -> io::Result<u64> {
        let too_far = |_| io::Error::from_raw_os_error(libc::EOVERFLOW);
        let mut at = libc::off_t::try_from(at).map_err(too_far)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        // SAFETY: it reads and writes the one offset, and no other memory of ours.
        let sent =
            unsafe { libc::sendfile(socket.as_raw_fd(), file.as_raw_fd(), &raw mut at, length) };
        u64::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::os::fd::BorrowedFd;

    pub const MORE: libc::c_int = 0;

    pub fn is_at_hand(_: BorrowedFd<'_>, _: u64) -> bool {
        false
    }

    pub fn read_at_hand(_: BorrowedFd<'_>, _: u64, _: &mut Vec<u8>, _: usize) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn send(_: BorrowedFd<'_>, _: BorrowedFd<'_>, _: u64, _: u64) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_was_just_written_is_at_hand_and_leaves_from_where_it_is_asked() {
        let path = std::env::temp_dir().join(format!("zero-copy-{:016x}", fastrand::u64(..)));
        let body: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &body).expect("a file");
        let file = std::fs::File::open(&path).expect("the file");
        std::fs::remove_file(&path).expect("the file");
        assert_eq!(at_hand(file.as_fd(), 5, 300_000), 299_995);
        assert_eq!(read_at_hand(file.as_fd(), 9, 1000).expect("bytes"), body[9..1009]);
        assert_eq!(read_at_hand(file.as_fd(), 299_990, 1000).expect("bytes"), body[299_990..]);
        assert!(read_at_hand(file.as_fd(), 300_000, 1000).is_none());
        let (ours, mut theirs) = UnixStream::pair().expect("sockets");
        assert_eq!(send(ours.as_fd(), file.as_fd(), 7, 1000).expect("sent"), 1000);
        let mut come = [0; 1000];
        theirs.read_exact(&mut come).expect("as many bytes");
        assert_eq!(come, body[7..1007]);
        assert_eq!(send(ours.as_fd(), file.as_fd(), 300_000, 10).expect("the end"), 0);
        assert!(is_refusal(&send(ours.as_fd(), file.as_fd(), u64::MAX, 1).expect_err("too far")));
    }
}
