//! A body that is read from a disk. Reading may block, so threads that may do so read it, one
//! piece ahead of the client; or the kernel sends what it has at hand without anybody reading it.
//! What is short and at hand is read right here.

use std::fs::File;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::zero_copy;

/// Bytes read at once: large enough that the way to the thread and back hardly counts.
const PIECE: usize = 256 * 1024;

/// Bodies from this length on may be sent by the kernel, behind a head that waits for them
/// (MSG_MORE). Less is read in one piece, and leaves with the head in one call. At 20 KB, to have it
/// sent took 0.94 of the CPU of reading it; without MSG_MORE it had taken 1.12.
const LEAST_SENT: u64 = 16 * 1024;

/// Bodies up to this length are read without a thread where the kernel has them at hand, which takes
/// less than the way to the thread and back.
const MOST_AT_HAND: u64 = 64 * 1024;

/// Something that can be read anywhere, by a thread that may block.
pub trait ReadAt: Send + Sync + 'static {
    /// Reads from `at`, at most `length` bytes; none at all is the end.
    ///
    /// # Errors
    /// What the system says, or that what was read is damaged.
    fn read_at(&self, at: u64, length: usize) -> io::Result<Bytes>;

    /// The file whose bytes these are, unchecked and at the same places, if there is one.
    fn as_file(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl ReadAt for File {
    fn read_at(&self, at: u64, length: usize) -> io::Result<Bytes> {
        let mut piece = vec![0; length];
        let read = FileExt::read_at(self, &mut piece, at)?;
        piece.truncate(read);
        Ok(piece.into())
    }

    fn as_file(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

pub struct FileBody {
    source: Arc<dyn ReadAt>,
    /// What is still to be sent.
    rest: Range<u64>,
    piece: Option<JoinHandle<io::Result<Bytes>>>,
    way: Way,
    /// As far as the kernel was found to have it at hand.
    hot_until: u64,
}

/// How the bytes leave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Read, until somebody asks for the other.
    Undecided,
    /// Sent by the kernel where it has them at hand, read where it has not.
    Sent,
    Read,
}

/// Bytes that the kernel can send at once.
pub struct AtHand<'f> {
    pub file: BorrowedFd<'f>,
    pub at: u64,
    pub length: u64,
}

impl FileBody {
    /// A body of exactly these bytes of `source`.
    pub fn new(source: Arc<dyn ReadAt>, range: Range<u64>) -> Self {
        FileBody { source, rest: range, piece: None, way: Way::Undecided, hot_until: 0 }
    }

    /// Bytes still to come.
    pub fn rest(&self) -> u64 {
        self.rest.end - self.rest.start
    }

    /// Whether the kernel can send what comes next. Who asks will have it do so.
    pub fn is_at_hand(&mut self) -> bool {
        if self.way == Way::Undecided {
            let is_long = self.rest() >= LEAST_SENT;
            self.way =
                if is_long && self.source.as_file().is_some() { Way::Sent } else { Way::Read };
        }
        self.at_hand().is_some()
    }

    /// What the kernel can send in one turn.
    pub fn at_hand(&mut self) -> Option<AtHand<'_>> {
        // A piece that is being read leaves as such.
        if self.way != Way::Sent || self.piece.is_some() || self.rest.is_empty() {
            return None;
        }
        let file = self.source.as_file()?;
        let Range { start, end } = self.rest;
        if self.hot_until <= start {
            let end = end.min(start.saturating_add(zero_copy::TURN));
            self.hot_until = start + zero_copy::at_hand(file, start, end);
        }
        let length = self.hot_until - start;
        (length > 0).then_some(AtHand { file, at: start, length })
    }

    /// What is left, if that is little and the kernel has it at hand.
    fn read_at_hand(&self) -> Option<Bytes> {
        if self.piece.is_some() || self.rest() > MOST_AT_HAND {
            return None;
        }
        zero_copy::read_at_hand(self.source.as_file()?, self.rest.start, self.rest() as usize)
    }

    /// Has the next piece read.
    pub fn fetch(&mut self) {
        if self.piece.is_none() && !self.rest.is_empty() {
            self.piece = Some(read(self.source.clone(), self.rest.clone()));
        }
    }

    /// The kernel has sent so many.
    pub fn sent(&mut self, bytes: u64) {
        self.rest.start += bytes;
    }

    /// The kernel does not send this file: from here on it is read.
    pub fn is_only_read(&mut self) {
        self.way = Way::Read;
    }

    /// # Errors
    /// The file cannot be read, or has become shorter than it was.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        if let Some(piece) = self.read_at_hand() {
            self.rest.start += piece.len() as u64;
            return Poll::Ready(Some(Ok(piece)));
        }
        let rest = self.rest.clone();
        let source = &self.source;
        let piece = self.piece.get_or_insert_with(|| read(source.clone(), rest));
        let read_piece = ready!(Pin::new(piece).poll(cx)).map_err(io::Error::other).flatten();
        self.piece = None;
        Poll::Ready(Some(match read_piece {
            Ok(piece) if piece.is_empty() => {
                self.rest = 0..0;
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(piece) => {
                self.rest.start += piece.len() as u64;
                if self.at_hand().is_none() {
                    self.fetch();
                }
                Ok(piece)
            }
            Err(error) => {
                self.rest = 0..0;
                Err(error)
            }
        }))
    }
}

fn read(source: Arc<dyn ReadAt>, rest: Range<u64>) -> JoinHandle<io::Result<Bytes>> {
    let length = usize::try_from(rest.end - rest.start).unwrap_or(PIECE).min(PIECE);
    tokio::task::spawn_blocking(move || source.read_at(rest.start, length))
}
