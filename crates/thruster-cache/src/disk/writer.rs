//! A large body on its way to the disk, piece by piece, and those who read along what has arrived.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;

use super::format::BLOCK;
use super::queue::Command;
use super::shared::Shared;

/// Takes a body for the disk. Dropped before it is finished, nothing stays of it.
pub struct Writer {
    shared: Arc<Shared>,
    progress: Arc<Progress>,
    /// Bytes that were taken so far.
    taken: u64,
    is_finished: bool,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, progress: Arc<Progress>) -> Self {
        Writer { shared, progress, taken: 0, is_finished: false }
    }

    /// Queues a piece. `false`: it has failed, for want of room, speed or luck, and there is no use
    /// in going on.
    pub fn write(&mut self, bytes: Bytes) -> bool {
        if self.has_failed() {
            return false;
        }
        self.taken = self.taken.saturating_add(bytes.len() as u64);
        let is_taken = self.taken <= self.shared.item_size
            && (bytes.is_empty()
                || self.shared.queue.push(Command::Piece(self.progress.number, bytes)));
        if !is_taken {
            self.progress.fail();
        }
        is_taken
    }

    /// Bytes of body that are in the file, and can be read back.
    pub fn written(&self) -> u64 {
        self.progress.written()
    }

    pub fn has_failed(&self) -> bool {
        self.progress.has_failed()
    }

    /// Reads back what is in the file; `None` if it has failed with nothing there.
    pub fn reader(&self) -> Option<Partial> {
        let is_hopeless = self.has_failed() && self.written() == 0;
        (!is_hopeless).then(|| Partial(self.progress.clone()))
    }

    /// Has `listener` called when more can be read back and when it fails, in place of the one
    /// before. On the disk thread, mostly: it should be quick.
    pub fn on_progress(&self, listener: Box<dyn Fn() + Send + Sync>) {
        self.progress.listen(listener.into());
    }

    /// The body is whole. The entry is found once all that was queued is written.
    pub fn finish(mut self) {
        self.is_finished =
            !self.has_failed() && self.shared.queue.push(Command::Finish(self.progress.number));
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.is_finished {
            self.progress.fail();
            self.shared.queue.push(Command::Abort(self.progress.number));
        }
    }
}

/// Reads the part of a body that has been written, also after the rest has failed or is done.
#[derive(Clone)]
pub struct Partial(Arc<Progress>);

impl Partial {
    /// Bytes that can be read.
    pub fn written(&self) -> u64 {
        self.0.written()
    }

    /// Nothing will be added.
    pub fn has_failed(&self) -> bool {
        self.0.has_failed()
    }

    /// Bytes from `at` on, at most so many, and not more than a block; none at the end of what is
    /// there. They were written a moment ago by this process, and are not checked. Blocks.
    ///
    /// # Errors
    /// Those of the system.
    pub fn read(&self, at: u64, at_most: usize) -> io::Result<Bytes> {
        let there = self.0.written().saturating_sub(at);
        let Some((file, body_at)) = self.0.file.get().filter(|_| there > 0) else {
            return Ok(Bytes::new());
        };
        let mut bytes = vec![0; there.min(at_most.min(BLOCK) as u64) as usize];
        file.read_exact_at(&mut bytes, body_at + at)?;
        Ok(bytes.into())
    }
}

/// How far a body has come. Shared between who writes it, the disk thread and who reads along.
pub(super) struct Progress {
    pub number: u64,
    file: OnceLock<(Arc<File>, u64)>,
    written: AtomicU64,
    has_failed: AtomicBool,
    listener: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
}

impl Progress {
    pub fn new(number: u64) -> Self {
        Progress {
            number,
            file: OnceLock::new(),
            written: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
            listener: Mutex::new(None),
        }
    }

    /// The file is there, and its body begins at `body_at`.
    pub fn begin(&self, file: Arc<File>, body_at: u64) {
        // There is one beginning.
        let _ = self.file.set((file, body_at));
    }

    pub fn advance(&self, written: u64) {
        self.written.store(written, Ordering::Release);
        self.tell();
    }

    pub fn fail(&self) {
        if !self.has_failed.swap(true, Ordering::AcqRel) {
            self.tell();
        }
    }

    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    fn listen(&self, listener: Arc<dyn Fn() + Send + Sync>) {
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(listener);
    }

    fn tell(&self) {
        // Called without the lock: it may want to listen anew.
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(listener) = listener {
            listener();
        }
    }
}
