//! The disk tier: what memory evicts and what is too large for it, kept over restarts and deploys.
//!
//! One process at a time owns the folder, and one thread of it does all that changes files, in the
//! order in which it was asked. An entry is a file that is whole or absent. What goes wrong on the
//! disk is a miss, and told once.

mod copies;
mod draft;
mod folder;
pub mod format;
pub mod head;
pub mod image;
mod index;
mod loading;
mod pending;
mod queue;
mod shared;
mod stored;
mod thread;
mod unchanged;
mod writer;

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};
use tracing::Dispatch;
use tracing::dispatcher::{get_default, with_default};

use crate::{Body, Entry, Key, Life, Purge, Selection};
use folder::path_of;
use queue::Command;
use shared::{Shared, Standing};
use thread::DiskThread;
use writer::Progress;

pub use format::BLOCK;
pub use index::Place;
pub use stored::Stored;
pub use writer::{Partial, Writer};

/// A cache on disk. Its clones are the same one; with the last of them it is closed.
#[derive(Clone)]
pub struct Disk(Option<Arc<Door>>);

/// What the index knows of an entry, and what its file says.
#[derive(Debug)]
pub struct Listed {
    pub key: Key,
    pub status: StatusCode,
    pub life: Life,
    pub tags: Vec<Box<str>>,
    /// Bytes on the disk.
    pub size: u64,
    pub is_outdated: bool,
    /// How often it was found here since the process began.
    pub hits: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    pub entries: usize,
    /// What their files take on the disk.
    pub bytes: u64,
    /// What they may take.
    pub size: u64,
    /// Not everything is found yet.
    pub is_loading: bool,
    /// `false` while another process has the folder, or it cannot be used.
    pub is_owner: bool,
}

impl Disk {
    /// Uses `folder` for `size` bytes, bodies of up to `item_size` each. Returns at once: the
    /// folder is taken, and the index loaded, by a thread. No size is no cache, and no file.
    pub fn open(folder: PathBuf, size: u64, item_size: u64) -> Self {
        if size == 0 {
            return Disk(None);
        }
        let shared = Arc::new(Shared::new(folder, size, item_size));
        let thread = DiskThread::new(shared.clone());
        // Whoever hears the one who opens it hears the thread as well.
        let listener = get_default(Dispatch::clone);
        let run = move || with_default(&listener, || thread.run());
        match std::thread::Builder::new().name("disk".into()).spawn(run) {
            Ok(_) => Disk(Some(Arc::new(Door(shared)))),
            Err(error) => {
                shared.complain(&error);
                Disk(None)
            }
        }
    }

    /// Where the entry for this request is. Touches no file.
    pub fn find(&self, key: &Key, request: &HeaderMap) -> Option<Place> {
        self.shared()?.index.find(key, request)
    }

    /// Opens an entry and checks all but its body. `None`: it is gone, or was damaged and is gone
    /// now. Blocks.
    pub fn load(&self, place: Place) -> Option<Entry> {
        let shared = self.shared()?;
        match shared.load(&place) {
            Ok(entry) => Some(entry),
            Err(error) => {
                shared.lose(&place, &error);
                None
            }
        }
    }

    /// Queues what memory has evicted. Dropped are entries too large, those that nobody could use,
    /// and all while too much is queued.
    pub fn keep(&self, entry: Arc<Entry>) {
        let is_on_disk = matches!(entry.body, Body::Disk(_));
        if let Some(shared) = self.shared()
            && !is_on_disk
            && is_useful(&entry, SystemTime::now())
        {
            shared.write(entry);
        }
    }

    /// The same for all that memory holds, as fast as the disk takes it. Blocks.
    pub fn save(&self, entries: Vec<Arc<Entry>>) {
        let Some(shared) = self.shared().filter(|shared| shared.standing() != Standing::Waiting)
        else {
            return;
        };
        let now = SystemTime::now();
        for entry in entries.into_iter().filter(|entry| is_useful(entry, now)) {
            let is_here = matches!(entry.body, Body::Disk(_));
            if !is_here && !shared.queue.push_patiently(Command::Write(entry)) {
                return;
            }
        }
    }

    /// There is a newer answer than what is kept here of the entry's key and variant.
    pub fn supersede(&self, entry: &Entry) {
        if let Some(shared) = self.shared()
            && let Some(there) = shared.index.peek(&entry.key, &entry.variant)
        {
            shared.forget(&entry.key, there.generation);
        }
    }

    /// Whether an entry of this key and variant is known to be here.
    pub fn has(&self, entry: &Entry) -> bool {
        let known = |shared: &Arc<Shared>| shared.index.peek(&entry.key, &entry.variant).is_some();
        self.shared().is_some_and(known)
    }

    /// Queues new fields for an entry, after a 304. Its body may be the [`Stored`] one.
    pub fn refresh(&self, entry: Arc<Entry>) {
        if let Some(shared) = self.shared() {
            shared.write(entry);
        }
    }

    /// Takes an entry whose body comes later, whatever that of `head` is. `None`: it is too large,
    /// or nothing can be kept now.
    pub fn begin(&self, head: Arc<Entry>) -> Option<Writer> {
        let shared = self.shared()?;
        let length = head.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok());
        let is_too_large = length
            .and_then(|length| length.parse::<u64>().ok())
            .is_some_and(|length| length > shared.item_size.min(shared.size));
        if is_too_large || shared.standing() == Standing::Waiting {
            return None;
        }
        let progress = Arc::new(Progress::new(shared.next_generation()));
        let is_queued = shared.queue.push(Command::Begin(head, progress.clone()));
        is_queued.then(|| Writer::new(shared.clone(), progress))
    }

    /// Purges what is here and what is queued before it; returns how many entries it found once
    /// that is done, and holds even if the process is killed then. Blocks.
    pub fn purge(&self, purge: &Purge) -> usize {
        let Some(shared) = self.shared() else { return 0 };
        let (reply, answer) = mpsc::channel();
        if !shared.queue.push(Command::Purge(purge.clone(), Some(reply))) {
            return 0;
        }
        answer.recv().unwrap_or(0)
    }

    /// The same without waiting for it.
    pub fn purge_later(&self, purge: Purge) {
        if let Some(shared) = self.shared() {
            // What is known under one key is not found any more from now on.
            if let (Selection::Key(key), false) = (&purge.selection, purge.is_soft) {
                shared.forget_all(key);
            }
            // A closed cache answers nothing.
            shared.queue.push(Command::Purge(purge, None));
        }
    }

    /// The entries used last. Blocks: reads the head of each.
    pub fn list(&self, limit: usize) -> Vec<Listed> {
        let Some(shared) = self.shared() else { return Vec::new() };
        let listed = |(key, record): (Key, index::Record)| {
            let file = File::open(path_of(&shared.folder, record.name)).ok()?;
            let (_, head) = image::read_head(&file, file.metadata().ok()?.len()).ok()?;
            (head.key == key).then_some(Listed {
                key,
                status: head.status,
                life: head.life,
                tags: head.tags,
                size: record.size,
                is_outdated: record.is_outdated,
                hits: record.hits,
            })
        };
        shared.index.list(limit).into_iter().filter_map(listed).collect()
    }

    pub fn stats(&self) -> Stats {
        let Some(shared) = self.shared() else {
            return Stats { entries: 0, bytes: 0, size: 0, is_loading: false, is_owner: false };
        };
        let standing = shared.standing();
        Stats {
            entries: shared.index.entries(),
            bytes: shared.index.bytes(),
            size: shared.size,
            is_loading: matches!(standing, Standing::Starting | Standing::Loading),
            is_owner: matches!(standing, Standing::Loading | Standing::Owner),
        }
    }

    /// Takes no more, writes what is queued, and leaves the folder to the next process. What is not
    /// done within `patience` is not done.
    pub fn close(&self, patience: Duration) {
        let Some(shared) = self.shared() else { return };
        shared.queue.close();
        if !shared.has_ended(patience) {
            shared.queue.clear();
        }
    }

    fn shared(&self) -> Option<&Arc<Shared>> {
        self.0.as_ref().map(|door| &door.0)
    }
}

/// Closes when the last one has left.
struct Door(Arc<Shared>);

impl Drop for Door {
    fn drop(&mut self) {
        self.0.queue.close();
    }
}

/// Whether anybody could be served with it: it is fresh, or can be validated, or may be served
/// stale.
fn is_useful(entry: &Entry, now: SystemTime) -> bool {
    let has_validator =
        [header::ETAG, header::LAST_MODIFIED].iter().any(|name| entry.headers.contains_key(name));
    let grace = entry.life.stale_while_revalidate.max(entry.life.stale_if_error);
    has_validator || entry.life.is_fresh(now) || entry.life.staleness(now) <= grace
}
