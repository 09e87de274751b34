//! The memory tier: CACHE_SIZE bytes of entries ready to send. Split into shards, so that hits on
//! different keys do not wait for each other. What a shard keeps and gives up is decided in
//! `shard`; what is kept under one key, in `resource`.

mod resource;
mod segment;
mod shard;

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec;

use bytes::Bytes;
use http::HeaderMap;

use crate::{Body, Coding, Entry, Key, Purge, Selection};
use shard::Shard;

/// Cores that would wait for each other are fewer than this on the machines Puma runs on.
const MOST_SHARDS: u64 = 16;

/// The largest items a shard should have room for. With fewer, one of them would flush all that
/// happens to live in its shard while the others stand empty.
const ITEMS_PER_SHARD: u64 = 4;

pub struct Memory {
    shards: Box<[Mutex<Shard>]>,
    /// Keyed: the shard and the place in it are not for clients to choose.
    hasher: RandomState,
    size: u64,
    item_size: u64,
}

/// What there is for a request.
#[derive(Debug)]
pub enum Found {
    Entry(Arc<Entry>),
    /// Answers to requests that differ in a field which Vary names.
    OtherVariants,
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    pub entries: usize,
    /// Memory they take, with all that is needed to find them.
    pub bytes: u64,
    /// Memory they may take.
    pub size: u64,
}

impl Memory {
    /// Room for `size` bytes, and for bodies of up to `item_size` that fit together with their
    /// fields. Without any room everything is refused and nothing found.
    pub fn new(size: u64, item_size: u64) -> Self {
        let shards = size / item_size.saturating_mul(ITEMS_PER_SHARD).max(1);
        let shards = shards.clamp(1, MOST_SHARDS);
        let capacity = usize::try_from(size / shards).unwrap_or(usize::MAX);
        let shards = (0..shards).map(|_| Mutex::new(Shard::new(capacity))).collect();
        Memory { shards, hasher: RandomState::new(), size, item_size }
    }

    /// The answer kept for this request. Counts as a use of all that is kept under the key.
    pub fn find(&self, key: &Key, request: &HeaderMap) -> Found {
        let (hash, mut shard) = self.shard(key);
        shard.find(hash, key, request)
    }

    /// Keeps the entry instead of the one of the same key and variant, and returns what had to
    /// leave for it. That is the entry itself if it is too large: the older one goes all the same,
    /// since it is no longer the answer.
    pub fn insert(&self, entry: Arc<Entry>) -> Vec<Arc<Entry>> {
        let is_too_large =
            matches!(&entry.body, Body::Whole(body) if body.len() as u64 > self.item_size);
        let mut left = Vec::new();
        let (hash, mut shard) = self.shard(&entry.key);
        let replaced = shard.insert(hash, entry, is_too_large, &mut left);
        // Freeing a body is not worth anybody's wait.
        drop(shard);
        drop(replaced);
        left
    }

    /// Keeps the body under a coding made meanwhile, if that very entry is still here and has room
    /// to grow; returns what had to leave for it.
    pub fn attach(&self, entry: &Arc<Entry>, coding: Coding, body: Bytes) -> Vec<Arc<Entry>> {
        let mut left = Vec::new();
        let (hash, mut shard) = self.shard(&entry.key);
        shard.attach(hash, entry, coding, body, &mut left);
        left
    }

    /// Removes that very entry, not one that has taken its place; whether it was here.
    pub fn remove(&self, entry: &Arc<Entry>) -> bool {
        let (hash, mut shard) = self.shard(&entry.key);
        shard.remove(hash, entry)
    }

    /// Removes what is selected, or marks it as stale, and returns it.
    pub fn purge(&self, purge: &Purge) -> Vec<Arc<Entry>> {
        if let Selection::Key(key) = &purge.selection {
            let (hash, mut shard) = self.shard(key);
            let found = shard.purge(purge, Some(hash));
            drop(shard);
            return found;
        }
        self.shards.iter().flat_map(|shard| lock(shard).purge(purge, None)).collect()
    }

    /// The entries used last, those first; in that order within a shard, and roughly over all.
    pub fn list(&self, limit: usize) -> Vec<Arc<Entry>> {
        let lists = self.shards.iter().map(|shard| lock(shard).list(limit));
        interleave(lists.map(Vec::into_iter).collect(), limit)
    }

    /// Empties it; what was in it, in the order of [`list`](Self::list).
    pub fn drain(&self) -> Vec<Arc<Entry>> {
        let lists = self.shards.iter().map(|shard| lock(shard).drain());
        interleave(lists.map(Vec::into_iter).collect(), usize::MAX)
    }

    pub fn stats(&self) -> Stats {
        let mut stats = Stats { entries: 0, bytes: 0, size: self.size };
        for shard in &self.shards {
            let shard = lock(shard);
            stats.entries += shard.entries();
            stats.bytes += shard.weight() as u64;
        }
        stats
    }

    fn shard(&self, key: &Key) -> (u64, MutexGuard<'_, Shard>) {
        let hash = self.hasher.hash_one(key);
        // The tables within a shard are hashed anew, so any bits will do.
        let index = hash % self.shards.len() as u64;
        (hash, lock(&self.shards[index as usize]))
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first of each list, then the second of each, and so on.
fn interleave(mut lists: Vec<vec::IntoIter<Arc<Entry>>>, limit: usize) -> Vec<Arc<Entry>> {
    let mut all = Vec::new();
    while all.len() < limit {
        let before = all.len();
        all.extend(lists.iter_mut().filter_map(Iterator::next));
        if all.len() == before {
            break;
        }
    }
    all.truncate(limit);
    all
}
