//! All that is kept under one key: its variants, found and invalidated together.

use std::sync::Arc;

use http::HeaderMap;

use super::Found;
use crate::{Entry, Key, Variant};

/// Variants under one key. An application that varies by more than this (by Cookie, say) would
/// fill the cache with answers nobody asks for again, and every look-up compares them in turn.
const MOST_VARIANTS: usize = 16;

/// What an allocator adds to a block, for its own use and for rounding up.
const BLOCK: usize = 16;

/// Blocks an entry consists of: itself, its key, its body, its tags, its fields and their index.
const BLOCKS: usize = 6;

/// A bucket of a `HeaderMap`, and its place in the index. It has room for more fields than are in
/// it, twice as many and more where there are few.
const FIELD: usize = 112;

/// One key's entries. Never empty once it is in a shard.
pub struct Resource {
    /// The youngest last.
    slots: Vec<Slot>,
    weight: usize,
}

/// An entry, and what it weighed when it was last weighed: accounts must not change by themselves.
struct Slot {
    entry: Arc<Entry>,
    weight: usize,
}

impl Resource {
    /// What any takes: its node in a list, which has the hash and two neighbours, and its slots'
    /// block.
    pub const OVERHEAD: usize = size_of::<(u64, Resource, [usize; 2])>() + 2 * BLOCK;

    pub fn new() -> Self {
        Resource { slots: Vec::new(), weight: Self::OVERHEAD }
    }

    /// Memory that an entry takes as part of a resource.
    pub fn weigh(entry: &Entry) -> usize {
        // The two counters of an `Arc` come before what it holds.
        let shell = size_of::<Slot>() + size_of::<[usize; 2]>() + BLOCKS * BLOCK;
        let fields = &entry.headers;
        let spare = fields.capacity().saturating_sub(fields.len()) * FIELD;
        // A block for each name, and one for all values.
        let texts = (fields.len() + 1) * BLOCK;
        shell + entry.weight() + spare + texts
    }

    pub fn weight(&self) -> usize {
        self.weight
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub fn is_of(&self, key: &Key) -> bool {
        self.slots.first().is_some_and(|slot| slot.entry.key == *key)
    }

    /// The entries, youngest first.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.slots.iter().rev().map(|slot| &slot.entry)
    }

    pub fn into_entries(self) -> impl Iterator<Item = Arc<Entry>> {
        self.slots.into_iter().rev().map(|slot| slot.entry)
    }

    /// The youngest that matches: "a cache MUST use the most recent one" (RFC 9111 section 4).
    pub fn find(&self, key: &Key, request: &HeaderMap) -> Found {
        if !self.is_of(key) {
            return Found::Nothing;
        }
        match self.entries().find(|entry| entry.variant.matches(request)) {
            Some(entry) => Found::Entry(entry.clone()),
            None => Found::OtherVariants,
        }
    }

    pub fn has(&self, entry: &Arc<Entry>) -> bool {
        self.entries().any(|own| Arc::ptr_eq(own, entry))
    }

    /// Adds the entry as the youngest. Returns the oldest if that is one too many.
    pub fn push(&mut self, entry: Arc<Entry>) -> Option<Arc<Entry>> {
        let oldest = (self.slots.len() >= MOST_VARIANTS).then(|| self.take(0));
        let weight = Self::weigh(&entry);
        self.weight += weight;
        // Most have one variant for ever; room for four would be the least that `push` makes.
        self.slots.reserve_exact(1);
        self.slots.push(Slot { entry, weight });
        oldest
    }

    pub fn remove(&mut self, entry: &Arc<Entry>) -> Option<Arc<Entry>> {
        let at = self.slots.iter().position(|slot| Arc::ptr_eq(&slot.entry, entry))?;
        Some(self.take(at))
    }

    pub fn remove_variant(&mut self, variant: &Variant) -> Option<Arc<Entry>> {
        let at = self.slots.iter().position(|slot| slot.entry.variant == *variant)?;
        Some(self.take(at))
    }

    /// Removes the oldest but this one.
    pub fn remove_oldest_but(&mut self, entry: &Arc<Entry>) -> Option<Arc<Entry>> {
        let at = self.slots.iter().position(|slot| !Arc::ptr_eq(&slot.entry, entry))?;
        Some(self.take(at))
    }

    /// Weighs an entry anew that has grown.
    pub fn reweigh(&mut self, entry: &Arc<Entry>) {
        for slot in self.slots.iter_mut().filter(|slot| Arc::ptr_eq(&slot.entry, entry)) {
            self.weight -= slot.weight;
            slot.weight = Self::weigh(&slot.entry);
            self.weight += slot.weight;
        }
    }

    fn take(&mut self, at: usize) -> Arc<Entry> {
        let slot = self.slots.remove(at);
        self.weight -= slot.weight;
        slot.entry
    }
}
