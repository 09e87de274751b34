//! What is on the disk, as far as a request, a purge and the budget have to know it. In memory, so
//! that finding touches no file. In shards, since a purge by tag or prefix looks at every entry
//! and must not hold all requests up meanwhile. Only the disk thread adds.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use lru::LruCache;

use super::head::Name;
use crate::{Key, Purge, Selection, Variant};

/// Enough that a purge holds up few, few enough to look at all their ends for what is oldest.
const SHARDS: usize = 16;

/// Variants of one key; one more replaces the oldest. An application that makes more varies by
/// something that nobody sends twice.
const MAX_VARIANTS: usize = 16;

/// Memory for the index, in bytes: some 300,000 entries. However much disk there is, its index
/// must not outgrow what it stands in for.
const MAX_WEIGHT: usize = 128 * 1024 * 1024;

/// What an entry takes besides its texts: a record, the nodes of map and list, and what the
/// allocator adds. `examples/disk_startup.rs` tells.
const RECORD_WEIGHT: usize = 320;

/// The most entries that the index can hold.
pub const MAX_RECORDS: usize = MAX_WEIGHT / RECORD_WEIGHT;

pub struct Index {
    shards: [Mutex<Shard>; SHARDS],
    /// Keyed at random: clients choose keys.
    hasher: RandomState,
    /// Counts uses.
    clock: AtomicI64,
    /// Counts back through the uses before ours.
    calendar: AtomicI64,
    entries: AtomicUsize,
    bytes: AtomicU64,
    weight: AtomicUsize,
}

type Shard = LruCache<Key, Resource, RandomState>;

/// All variants of a key, the oldest first.
struct Resource {
    /// By the clock of the index: what was used later has the higher number.
    used: i64,
    records: Vec<Record>,
}

/// One entry.
#[derive(Debug, Clone)]
pub struct Record {
    pub name: Name,
    /// Tells it from others that had or will have its name.
    pub generation: u64,
    pub variant: Variant,
    pub tags: Box<[Box<str>]>,
    pub head_sum: u64,
    /// What its file takes on the disk.
    pub size: u64,
    pub is_outdated: bool,
    /// How often it was found.
    pub hits: u32,
}

/// Where an entry is that was found.
#[derive(Debug, Clone)]
pub struct Place {
    pub(super) key: Key,
    pub(super) variant: Variant,
    pub(super) name: Name,
    pub(super) generation: u64,
    pub(super) is_outdated: bool,
}

impl Record {
    fn weight(&self, key: &Key) -> usize {
        let variant = self.variant.0.iter().map(|(n, v)| 48 + n.as_str().len() + v.len());
        let tags = self.tags.iter().map(|tag| 48 + tag.len());
        RECORD_WEIGHT + key.as_bytes().len() + variant.sum::<usize>() + tags.sum::<usize>()
    }
}

impl Index {
    pub fn new() -> Self {
        let shard = |_| Mutex::new(LruCache::unbounded_with_hasher(RandomState::new()));
        Index {
            shards: std::array::from_fn(shard),
            hasher: RandomState::new(),
            clock: AtomicI64::new(0),
            calendar: AtomicI64::new(0),
            entries: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
            weight: AtomicUsize::new(0),
        }
    }

    pub fn entries(&self) -> usize {
        self.entries.load(Relaxed)
    }

    /// What the files take on the disk.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Whether it is more than `bytes` on the disk allow, or more than the index may take itself.
    pub fn is_over(&self, bytes: u64) -> bool {
        self.bytes() > bytes || self.weight.load(Relaxed) > MAX_WEIGHT
    }

    /// The entry for a request with these fields, which is a use of it: of those that fit, the
    /// latest (RFC 9111 section 4).
    pub fn find(&self, key: &Key, request: &HeaderMap) -> Option<Place> {
        let mut shard = self.shard(key);
        let resource = shard.get_mut(key)?;
        resource.used = self.tick();
        let fits = |record: &&mut Record| record.variant.matches(request);
        let record = resource.records.iter_mut().rev().find(fits)?;
        record.hits = record.hits.saturating_add(1);
        Some(Place {
            key: key.clone(),
            variant: record.variant.clone(),
            name: record.name,
            generation: record.generation,
            is_outdated: record.is_outdated,
        })
    }

    pub fn peek(&self, key: &Key, variant: &Variant) -> Option<Record> {
        let shard = self.shard(key);
        shard.peek(key)?.records.iter().find(|record| record.variant == *variant).cloned()
    }

    /// Adds an entry as the latest. The name of one that had to go for it is returned, unless the
    /// new one has the same.
    pub fn insert(&self, key: &Key, record: Record) -> Option<Name> {
        let mut shard = self.shard(key);
        let resource = shard.get_or_insert_mut(key.clone(), Resource::new);
        resource.used = self.tick();
        let same = resource.records.iter().position(|other| other.variant == record.variant);
        let replaced = match same {
            None if resource.records.len() == MAX_VARIANTS => Some(0),
            same => same,
        };
        let replaced = replaced.map(|at| resource.records.remove(at));
        self.count(key, &record);
        let name = record.name;
        resource.records.push(record);
        drop(shard);
        let replaced = replaced?;
        self.discount(key, &replaced);
        (replaced.name != name).then_some(replaced.name)
    }

    /// Adds an entry that has lain on the disk for longer than all others that were added so.
    /// `false`: there is a later one, or there are too many.
    pub fn insert_oldest(&self, key: Key, record: Record) -> bool {
        let mut shard = self.shard(&key);
        if let Some(resource) = shard.peek_mut(&key) {
            let is_known = resource.records.iter().any(|other| other.variant == record.variant);
            if is_known || resource.records.len() == MAX_VARIANTS {
                return false;
            }
            self.count(&key, &record);
            resource.records.insert(0, record);
        } else {
            self.count(&key, &record);
            // Below zero: everything that has been used since then is above.
            let used = self.calendar.fetch_sub(1, Relaxed) - 1;
            shard.put(key.clone(), Resource { used, records: vec![record] });
            shard.demote(&key);
        }
        true
    }

    /// Removes what has not been used for longest; its name is returned.
    pub fn evict(&self) -> Option<Name> {
        let oldest = |shard: &Mutex<Shard>| lock(shard).peek_lru().map(|(_, r)| r.used);
        let ends = self.shards.iter().filter_map(|shard| Some((oldest(shard)?, shard)));
        let (_, shard) = ends.min_by_key(|&(used, _)| used)?;
        let mut shard = lock(shard);
        let key = shard.peek_lru()?.0.clone();
        let resource = shard.peek_mut(&key)?;
        let record = resource.records.remove(0);
        if resource.records.is_empty() {
            shard.pop(&key);
        }
        self.discount(&key, &record);
        Some(record.name)
    }

    /// Tells the variants of a key from all others that had or will have their places.
    pub fn generations(&self, key: &Key) -> Vec<u64> {
        let shard = self.shard(key);
        let records = shard.peek(key).map_or(&[][..], |resource| &resource.records);
        records.iter().map(|record| record.generation).collect()
    }

    /// Removes this very entry.
    pub fn remove(&self, key: &Key, generation: u64) -> Option<Record> {
        let mut shard = self.shard(key);
        let resource = shard.peek_mut(key)?;
        let at = resource.records.iter().position(|record| record.generation == generation)?;
        let record = resource.records.remove(at);
        if resource.records.is_empty() {
            shard.pop(key);
        }
        self.discount(key, &record);
        Some(record)
    }

    /// Removes what is selected, or marks it; the names of all of it are returned.
    pub fn purge(&self, purge: &Purge) -> Vec<Name> {
        let mut names = Vec::new();
        if let Selection::Key(key) = &purge.selection {
            self.purge_in(&mut self.shard(key), [key.clone()], purge, &mut names);
            return names;
        }
        for shard in &self.shards {
            let mut shard = lock(shard);
            let is_selected =
                |key: &Key, record: &Record| purge.selection.includes(key, &record.tags);
            let keys: Vec<Key> = shard
                .iter()
                .filter(|(key, resource)| resource.records.iter().any(|r| is_selected(key, r)))
                .map(|(key, _)| key.clone())
                .collect();
            self.purge_in(&mut shard, keys, purge, &mut names);
        }
        names
    }

    /// The entries used last, with their keys.
    pub fn list(&self, limit: usize) -> Vec<(Key, Record)> {
        let mut listed = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            let records = shard.iter().flat_map(|(key, resource)| {
                resource.records.iter().rev().map(move |record| (resource.used, key, record))
            });
            listed.extend(records.take(limit).map(|(used, k, r)| (used, k.clone(), r.clone())));
        }
        listed.sort_by_key(|&(used, ..)| std::cmp::Reverse(used));
        listed.truncate(limit);
        listed.into_iter().map(|(_, key, record)| (key, record)).collect()
    }

    pub fn clear(&self) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            while let Some((key, resource)) = shard.pop_lru() {
                resource.records.iter().for_each(|record| self.discount(&key, record));
            }
        }
    }

    fn purge_in(
        &self,
        shard: &mut Shard,
        keys: impl IntoIterator<Item = Key>,
        purge: &Purge,
        names: &mut Vec<Name>,
    ) {
        for key in keys {
            let Some(resource) = shard.peek_mut(&key) else { continue };
            resource.records.retain_mut(|record| {
                if !purge.selection.includes(&key, &record.tags) {
                    return true;
                }
                names.push(record.name);
                if purge.is_soft {
                    record.is_outdated = true;
                } else {
                    self.discount(&key, record);
                }
                purge.is_soft
            });
            if resource.records.is_empty() {
                shard.pop(&key);
            }
        }
    }

    fn count(&self, key: &Key, record: &Record) {
        self.entries.fetch_add(1, Relaxed);
        self.bytes.fetch_add(record.size, Relaxed);
        self.weight.fetch_add(record.weight(key), Relaxed);
    }

    fn discount(&self, key: &Key, record: &Record) {
        self.entries.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(record.size, Relaxed);
        self.weight.fetch_sub(record.weight(key), Relaxed);
    }

    fn tick(&self) -> i64 {
        self.clock.fetch_add(1, Relaxed) + 1
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, Shard> {
        lock(&self.shards[self.hasher.hash_one(key) as usize % SHARDS])
    }
}

impl Resource {
    fn new() -> Self {
        // Nearly all have one, and an empty vector would make room for four.
        Resource { used: 0, records: Vec::with_capacity(1) }
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
