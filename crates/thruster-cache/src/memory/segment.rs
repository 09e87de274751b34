//! Resources in the order of their last use, and what they weigh: one half of a shard.

use std::num::NonZeroUsize;

use lru::LruCache;

use super::resource::Resource;

/// What the tables of a shard's two segments take for a resource, at most. A bucket is a pointer
/// to the key, one to the value and a control byte; 7/8 of them may be filled. A table that
/// removals have littered doubles while just over half of that is in use: 4 * 8/7 buckets for each
/// resource. And each may have been in either segment.
pub const TABLES: usize = 2 * (2 * size_of::<usize>() + 1) * 32 / 7;

/// By the keyed hash of the key, which the resource itself compares. Two keys of one hash, which
/// nobody can search for, displace each other.
pub struct Segment {
    pub resources: LruCache<u64, Resource>,
    pub weight: usize,
    pub entries: usize,
}

impl Segment {
    pub fn new() -> Self {
        Segment { resources: LruCache::unbounded(), weight: 0, entries: 0 }
    }

    /// What it takes of the shard.
    pub fn footprint(&self) -> usize {
        self.weight + self.resources.len() * TABLES
    }

    /// Adds one at the young end.
    pub fn push(&mut self, hash: u64, resource: Resource) {
        self.weight += resource.weight();
        self.entries += resource.len();
        self.resources.put(hash, resource);
    }

    pub fn pop(&mut self, hash: u64) -> Option<Resource> {
        let resource = self.resources.pop(&hash)?;
        self.forget(&resource);
        Some(resource)
    }

    pub fn pop_oldest(&mut self) -> Option<(u64, Resource)> {
        let (hash, resource) = self.resources.pop_lru()?;
        self.forget(&resource);
        Some((hash, resource))
    }

    pub fn shrink(&mut self) {
        // The table is shrunk only on the way to another limit. Neither is ever reached.
        const OTHER: NonZeroUsize = NonZeroUsize::new(usize::MAX - 1).expect("it is not zero");
        self.resources.resize(OTHER);
        self.resources.resize(NonZeroUsize::MAX);
    }

    fn forget(&mut self, resource: &Resource) {
        self.weight -= resource.weight();
        self.entries -= resource.len();
    }
}
