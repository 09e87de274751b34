//! A body that is read from a disk. Reading may block, so threads that may do so read it, one
//! piece ahead of the client.

use std::fs::File;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::JoinHandle;

/// Bytes read at once: large enough that the way to the thread and back hardly counts.
const PIECE: usize = 256 * 1024;

/// Something that can be read anywhere, by a thread that may block.
pub trait ReadAt: Send + Sync + 'static {
    /// Reads from `at`, at most `length` bytes; none at all is the end.
    ///
    /// # Errors
    /// What the system says, or that what was read is damaged.
    fn read_at(&self, at: u64, length: usize) -> io::Result<Bytes>;
}

impl ReadAt for File {
    fn read_at(&self, at: u64, length: usize) -> io::Result<Bytes> {
        let mut piece = vec![0; length];
        let read = FileExt::read_at(self, &mut piece, at)?;
        piece.truncate(read);
        Ok(piece.into())
    }
}

pub struct FileBody {
    source: Arc<dyn ReadAt>,
    /// What is still to be sent.
    rest: Range<u64>,
    piece: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileBody {
    /// A body of exactly these bytes of `source`.
    pub fn new(source: Arc<dyn ReadAt>, range: Range<u64>) -> Self {
        FileBody { source, rest: range, piece: None }
    }

    /// Bytes still to come.
    pub fn rest(&self) -> u64 {
        self.rest.end - self.rest.start
    }

    /// # Errors
    /// The file cannot be read, or has become shorter than it was.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
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
                if !self.rest.is_empty() {
                    self.piece = Some(read(self.source.clone(), self.rest.clone()));
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
