//! Everything the cores share of the cache: both tiers, what is on its way into them, and the
//! order in which things get in and out.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use thruster_cache::disk::{Disk, Place, Stored};
use thruster_cache::memory::Memory;
use thruster_cache::{Body, Coding, Entry, Key, Purge, Selection};
use tokio::sync::Semaphore;

use super::encoder::Encoder;
use super::flights::{Flights, Lead};
use super::loners::Loners;
use super::refusals::Refusals;
use crate::compress;
use crate::config::Config;
use crate::static_files::CodedFiles;

/// Questions to the application that no client waits for, at one time: a client that asks for a
/// byte each of many files must not have all of them fetched at once.
const FETCHES: usize = 8;

/// How long the last entries may take to reach the disk. Docker kills after 10 s.
const PATIENCE: Duration = Duration::from_secs(3);

/// One in so many bytes of CACHE_SIZE is for codings of files, where there may be any. The texts of
/// an application's `public/` without codings of their own are a few megabytes at most.
const SHARE_OF_FILES: u64 = 8;

pub struct Store {
    pub memory: Memory,
    pub disk: Disk,
    pub flights: Arc<Flights>,
    pub loners: Loners,
    pub refusals: Refusals,
    /// Largest body that is kept in memory, and on the disk.
    pub memory_item: u64,
    pub disk_item: u64,
    /// Bounds what is asked for behind clients' backs at one time.
    pub fetches: Arc<Semaphore>,
    /// Files below STATIC_PATH under codings of ours.
    pub coded_files: Arc<CodedFiles>,
    encoder: Option<Encoder>,
    /// Purges that are at work, and those that have begun at all.
    purging: AtomicUsize,
    purges: AtomicU64,
}

/// A moment between two purges. What was true then may be kept only if none has begun since.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Epoch(Option<u64>);

impl Store {
    pub fn open(config: &Config) -> Arc<Self> {
        let folder = config.storage_path.join("cache");
        let codes_files = config.files.static_path.is_some() && config.compression.enabled;
        let config = &config.cache;
        let for_files = if codes_files { config.size / SHARE_OF_FILES } else { 0 };

        Arc::new_cyclic(|store: &std::sync::Weak<Store>| {
            let store = store.clone();
            let encoder = Encoder::start(move |entry, coding, body| {
                if let Some(store) = store.upgrade() {
                    store.attach(entry, coding, body);
                }
            });
            let encoder = encoder.inspect_err(|error| {
                tracing::warn!(%error, "What is cached is not compressed");
            });
            Store {
                memory: Memory::new(config.size - for_files, config.max_item_size),
                disk: Disk::open(folder, config.disk_size, config.disk_item_size),
                flights: Flights::new(),
                loners: Loners::new(),
                refusals: Refusals::default(),
                memory_item: config.max_item_size.min(config.size),
                disk_item: config.disk_item_size.min(config.disk_size),
                fetches: Arc::new(Semaphore::new(FETCHES)),
                coded_files: Arc::new(CodedFiles::new(for_files, config.max_item_size)),
                encoder: encoder.ok(),
                purging: AtomicUsize::new(0),
                purges: AtomicU64::new(0),
            }
        })
    }

    /// Whether anything is ever kept.
    pub fn is_on(&self) -> bool {
        self.memory_item > 0 || self.disk_item > 0
    }

    /// Now, as far as purges are concerned.
    pub fn epoch(&self) -> Epoch {
        let begun = self.purges.load(SeqCst);
        Epoch((self.purging.load(SeqCst) == 0).then_some(begun))
    }

    /// Whether no purge has been at work since, nor then.
    pub fn is_still(&self, epoch: Epoch) -> bool {
        epoch.0.is_some() && self.epoch() == epoch
    }

    /// Fetches what was there at `epoch`, into memory if it fits. Blocks.
    pub fn load(&self, place: Place, epoch: Epoch) -> Option<Arc<Entry>> {
        let entry = self.disk.load(place)?;
        let Body::Disk(stored) = &entry.body else { return Some(Arc::new(entry)) };
        if stored.length() > self.memory_item {
            return Some(Arc::new(entry));
        }
        let body = read_whole(stored).inspect_err(|error| {
            tracing::warn!(%error, key = %entry.key, "A cached body is damaged");
        });
        let mut entry = entry.with_body(Body::Whole(body.ok()?));
        entry.is_codable =
            compress::is_eligible(entry.status, &entry.headers, Some(entry.length()));
        let entry = Arc::new(entry);
        if self.insert(&entry, epoch) {
            return Some(entry);
        }
        // Without a place to keep them, codings would be made for one client each.
        let mut alone = entry.with_body(entry.body.clone());
        alone.is_codable = false;
        Some(Arc::new(alone))
    }

    /// Keeps what a flight has brought, unless it was purged meanwhile.
    pub fn keep(&self, entry: &Arc<Entry>, lead: &Lead) -> bool {
        if lead.is_doomed() {
            return false;
        }
        // What there was is out of date, also if this one never gets to the disk.
        self.disk.supersede(entry);
        let is_kept = self.insert_at(entry, self.epoch());
        // Purges doom flights first: what was not doomed before may be now, but what gets in
        // after that is found by the purge.
        if lead.is_doomed() {
            self.remove(entry);
            return false;
        }
        is_kept
    }

    /// Keeps what was so at `epoch`.
    fn insert(&self, entry: &Arc<Entry>, epoch: Epoch) -> bool {
        if !self.is_still(epoch) || !self.insert_at(entry, epoch) {
            return false;
        }
        let is_valid = self.is_still(epoch);
        if !is_valid {
            self.memory.remove(entry);
        }
        is_valid
    }

    fn insert_at(&self, entry: &Arc<Entry>, epoch: Epoch) -> bool {
        let left = self.memory.insert(entry.clone());
        // What is too large for memory alone comes back at once.
        let is_kept = !left.iter().any(|one| Arc::ptr_eq(one, entry));
        self.evict(left, epoch);
        is_kept
    }

    /// Hands on what memory has no room for. What a purge may have passed by meanwhile goes.
    fn evict(&self, evicted: Vec<Arc<Entry>>, epoch: Epoch) {
        for entry in evicted {
            if self.is_still(epoch) {
                self.disk.keep(entry.clone());
            }
            if !self.is_still(epoch) {
                self.forget_on_disk(&entry);
            }
        }
    }

    fn forget_on_disk(&self, entry: &Entry) {
        let selection = Selection::Key(entry.key.clone());
        self.disk.purge_later(Purge { selection, is_soft: false });
    }

    /// Asks for a coding of the entry's body, for the next who would like it.
    pub fn encode(&self, entry: &Arc<Entry>, coding: Coding) {
        if let Some(encoder) = &self.encoder {
            encoder.ask(entry, coding);
        }
    }

    /// Has this done by the thread that codes; whether it will be.
    pub fn do_later(&self, work: impl FnOnce() + Send + 'static) -> bool {
        self.encoder.as_ref().is_some_and(|encoder| encoder.ask_for(Box::new(work)))
    }

    fn attach(&self, entry: &Arc<Entry>, coding: Coding, body: Bytes) {
        let epoch = self.epoch();
        let evicted = self.memory.attach(entry, coding, body);
        self.evict(evicted, epoch);
        if entry.coded(coding).is_none() {
            // There was no room for it, and there will be none the next time.
            entry.give_up(coding);
        }
    }

    /// Takes one entry out, of both tiers.
    pub fn remove(&self, entry: &Arc<Entry>) {
        self.memory.remove(entry);
        self.forget_on_disk(entry);
    }

    /// Takes what a validation has made of an entry.
    pub fn renew(&self, stale: &Arc<Entry>, entry: &Arc<Entry>, lead: &Lead) -> bool {
        match stale.body {
            Body::Whole(_) | Body::File(_) => self.keep(entry, lead),
            Body::Disk(_) if lead.is_doomed() => false,
            Body::Disk(_) => {
                self.disk.refresh(entry.clone());
                if lead.is_doomed() {
                    self.forget_on_disk(entry);
                }
                !lead.is_doomed()
            }
        }
    }

    /// Purges, and returns how much was found. Blocks until no later request can be answered
    /// from it.
    pub fn purge(&self, purge: &Purge) -> usize {
        self.purge_with(purge, |disk| disk.purge(purge))
    }

    /// Purges without waiting for the disk, which has forgotten all the same.
    pub fn invalidate(&self, key: Key) {
        let purge = Purge { selection: Selection::Key(key), is_soft: false };
        self.purge_with(&purge, |disk| {
            disk.purge_later(purge.clone());
            0
        });
    }

    fn purge_with(&self, purge: &Purge, on_disk: impl FnOnce(&Disk) -> usize) -> usize {
        self.purging.fetch_add(1, SeqCst);
        self.purges.fetch_add(1, SeqCst);
        self.flights.doom(&purge.selection);
        let in_memory = self.memory.purge(purge);
        // What is in both tiers is one response.
        let here_alone = in_memory.iter().filter(|entry| !self.disk.has(entry)).count();
        let found = here_alone + on_disk(&self.disk);
        self.purging.fetch_sub(1, SeqCst);
        found
    }

    /// Puts what memory holds where it outlives us.
    pub fn save(&self) {
        self.disk.save(self.memory.drain());
    }

    /// Waits until it is there.
    pub fn close(&self) {
        self.disk.close(PATIENCE);
    }
}

fn read_whole(stored: &Stored) -> io::Result<Bytes> {
    let length = stored.length() as usize;
    let mut whole = BytesMut::new();
    while whole.len() < length {
        let piece = stored.read(whole.len() as u64, length - whole.len())?;
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if piece.len() == length {
            return Ok(piece);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}
