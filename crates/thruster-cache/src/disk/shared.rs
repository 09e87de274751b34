//! What the disk thread and all others have in common: the index, the queue, and reading.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::folder::path_of;
use super::format::Damage;
use super::image;
use super::index::{Index, Place};
use super::queue::{Command, Queue};
use super::stored::Stored;
use crate::{Body, Entry, Key};

/// How exactly the last use is known to the next process. A write for each use would be too much.
const USE: Duration = Duration::from_secs(60);

/// What the disk thread and all others have in common.
pub struct Shared {
    pub folder: PathBuf,
    pub size: u64,
    pub item_size: u64,
    pub index: Index,
    pub queue: Queue,
    standing: Mutex<Standing>,
    has_changed: Condvar,
    has_complained: AtomicBool,
    generations: AtomicU64,
}

/// How the disk thread stands to the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has not looked yet.
    Starting,
    /// It cannot have the folder, for now.
    Waiting,
    /// It has it, and does not know yet what is in it.
    Loading,
    Owner,
    Ended,
}

impl Shared {
    pub fn new(folder: PathBuf, size: u64, item_size: u64) -> Self {
        Shared {
            folder,
            size,
            item_size,
            index: Index::new(),
            queue: Queue::default(),
            standing: Mutex::new(Standing::Starting),
            has_changed: Condvar::new(),
            has_complained: AtomicBool::new(false),
            generations: AtomicU64::new(0),
        }
    }

    pub fn standing(&self) -> Standing {
        *self.lock()
    }

    pub fn stand(&self, standing: Standing) {
        *self.lock() = standing;
        self.has_changed.notify_all();
    }

    /// Waits for the disk thread to end; `false` if it has not.
    pub fn has_ended(&self, patience: Duration) -> bool {
        let is_at_work = |standing: &mut Standing| *standing != Standing::Ended;
        let waited = self.has_changed.wait_timeout_while(self.lock(), patience, is_at_work);
        let (standing, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *standing == Standing::Ended
    }

    pub fn next_generation(&self) -> u64 {
        self.generations.fetch_add(1, Relaxed)
    }

    pub fn write(&self, entry: Arc<Entry>) {
        let is_too_large = entry.length() > self.item_size && !matches!(entry.body, Body::File(_));
        if self.standing() == Standing::Waiting {
            return;
        }
        let (key, variant) = (entry.key.clone(), entry.variant.clone());
        if is_too_large || !self.queue.push(Command::Write(entry)) {
            // What it would have replaced is out of date.
            let there = self.index.peek(&key, &variant);
            there.into_iter().for_each(|there| self.forget(&key, there.generation));
        }
    }

    pub fn load(self: &Arc<Self>, place: &Place) -> io::Result<Entry> {
        let file = File::open(path_of(&self.folder, place.name))?;
        let image::Image { head, header, body } = image::open(&file)?;
        if head.key != place.key || head.variant != place.variant {
            return Err(Damage::Name.into());
        }
        let now = SystemTime::now();
        let used = file.metadata()?.modified()?;
        if now.duration_since(used).is_ok_and(|unused| unused > USE) {
            // For the next process's order only.
            let _ = file.set_modified(now);
        }
        let body = match head.pointer.clone() {
            Some(pointer) => Body::File(pointer),
            None => {
                let home = Arc::downgrade(self);
                Body::Disk(Stored::new(file, body, home, place.clone()))
            }
        };
        let entry = head.into_entry(body);
        if header.is_outdated || place.is_outdated {
            entry.outdate();
        }
        Ok(entry)
    }

    /// An entry could not be read. It is forgotten if its file is to blame: the process may just
    /// have no descriptors left.
    pub fn lose(&self, place: &Place, error: &io::Error) {
        if error.kind() == io::ErrorKind::NotFound || Damage::is_in(error) {
            tracing::debug!(%error, key = %place.key, "Lost on disk");
            self.forget(&place.key, place.generation);
        }
    }

    /// Forgets all variants of a key.
    pub fn forget_all(&self, key: &Key) {
        for generation in self.index.generations(key) {
            self.forget(key, generation);
        }
    }

    pub fn forget(&self, key: &Key, generation: u64) {
        if let Some(record) = self.index.remove(key, generation) {
            self.queue.push(Command::Discard(key.clone(), record.variant));
        }
    }

    /// Says once that the disk does not do what it should.
    pub fn complain(&self, error: &io::Error) {
        let folder = self.folder.display();
        if Damage::is_in(error) {
            tracing::debug!(%error, %folder, "A damaged file");
        } else if self.has_complained.swap(true, Relaxed) {
            tracing::debug!(%error, %folder, "The disk cache fails again");
        } else {
            tracing::warn!(%error, %folder, "The disk cache fails; what it cannot do is not cached");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
