//! One shard: a segmented LRU. What is new is on probation; what is used again is protected. Room
//! is made on probation first, so a crawler that asks for everything once flushes only what nobody
//! else has asked for twice. What falls out of the protected segment gets another probation.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;

use super::Found;
use super::resource::Resource;
use super::segment::{Segment, TABLES};
use crate::{Coding, Entry, Key, Purge};

pub struct Shard {
    probation: Segment,
    protected: Segment,
    capacity: usize,
    /// Most resources at one time since the tables were shrunk, which they do not do by themselves.
    peak: usize,
}

#[derive(Clone, Copy)]
enum Place {
    Probation,
    Protected,
}

impl Shard {
    pub fn new(capacity: usize) -> Self {
        Shard { probation: Segment::new(), protected: Segment::new(), capacity, peak: 0 }
    }

    pub fn entries(&self) -> usize {
        self.probation.entries + self.protected.entries
    }

    pub fn weight(&self) -> usize {
        self.probation.weight + self.protected.weight + self.peak * TABLES
    }

    pub fn find(&mut self, hash: u64, key: &Key, request: &HeaderMap) -> Found {
        if let Some(resource) = self.protected.resources.get(&hash) {
            return resource.find(key, request);
        }
        let Some(resource) = self.probation.resources.get(&hash) else { return Found::Nothing };
        let found = resource.find(key, request);
        if !matches!(found, Found::Nothing)
            && let Some(resource) = self.probation.pop(hash)
        {
            self.put(hash, resource, Place::Protected);
        }
        found
    }

    /// See [`Memory::insert`](super::Memory::insert). Returns what was replaced; `left` gets what
    /// had to leave.
    pub fn insert(
        &mut self,
        hash: u64,
        entry: Arc<Entry>,
        is_too_large: bool,
        left: &mut Vec<Arc<Entry>>,
    ) -> Option<Arc<Entry>> {
        let (mut resource, place) =
            self.take(hash).unwrap_or_else(|| (Resource::new(), Place::Probation));
        if !resource.is_empty() && !resource.is_of(&entry.key) {
            left.extend(std::mem::replace(&mut resource, Resource::new()).into_entries());
        }
        let replaced = resource.remove_variant(&entry.variant);
        if is_too_large || !self.has_room_for(Resource::weigh(&entry)) {
            left.push(entry);
            self.put(hash, resource, place);
            self.shrink_if_sparse();
        } else {
            left.extend(resource.push(entry.clone()));
            self.put_changed(hash, resource, place, &entry, left);
        }
        replaced
    }

    /// See [`Memory::attach`](super::Memory::attach).
    pub fn attach(
        &mut self,
        hash: u64,
        entry: &Arc<Entry>,
        coding: Coding,
        body: Bytes,
        left: &mut Vec<Arc<Entry>>,
    ) {
        let weight = Resource::weigh(entry) + body.len();
        if self.has(hash, entry)
            && self.has_room_for(weight)
            && entry.attach(coding, body)
            && let Some((mut resource, place)) = self.take(hash)
        {
            resource.reweigh(entry);
            self.put_changed(hash, resource, place, entry, left);
        }
    }

    pub fn remove(&mut self, hash: u64, entry: &Arc<Entry>) -> bool {
        let is_here = self.has(hash, entry);
        if is_here && let Some((mut resource, place)) = self.take(hash) {
            resource.remove(entry);
            self.put(hash, resource, place);
            self.shrink_if_sparse();
        }
        is_here
    }

    /// Purges what is selected, under this hash alone or everywhere; returns what that was.
    pub fn purge(&mut self, purge: &Purge, hash: Option<u64>) -> Vec<Arc<Entry>> {
        let resources: Vec<(u64, &Resource)> = match hash {
            Some(hash) => self.peek(hash).map(|resource| (hash, resource)).into_iter().collect(),
            None => self.resources().collect(),
        };
        let is_selected = |entry: &Arc<Entry>| purge.selection.includes(&entry.key, &entry.tags);
        let entries = resources.into_iter().flat_map(|(hash, resource)| {
            resource.entries().filter(|entry| is_selected(entry)).map(move |entry| (hash, entry))
        });
        let found: Vec<(u64, Arc<Entry>)> =
            entries.map(|(hash, entry)| (hash, entry.clone())).collect();
        for (hash, entry) in &found {
            if purge.is_soft {
                entry.outdate();
            } else {
                self.remove(*hash, entry);
            }
        }
        found.into_iter().map(|(_, entry)| entry).collect()
    }

    /// The protected ones first: what is on probation has been used once.
    pub fn list(&self, limit: usize) -> Vec<Arc<Entry>> {
        let entries = self.resources().flat_map(|(_, resource)| resource.entries());
        entries.take(limit).cloned().collect()
    }

    pub fn drain(&mut self) -> Vec<Arc<Entry>> {
        let entries = self.list(usize::MAX);
        *self = Shard::new(self.capacity);
        entries
    }

    fn resources(&self) -> impl Iterator<Item = (u64, &Resource)> {
        let segments = self.protected.resources.iter().chain(self.probation.resources.iter());
        segments.map(|(hash, resource)| (*hash, resource))
    }

    fn peek(&self, hash: u64) -> Option<&Resource> {
        let protected = self.protected.resources.peek(&hash);
        protected.or_else(|| self.probation.resources.peek(&hash))
    }

    fn has(&self, hash: u64, entry: &Arc<Entry>) -> bool {
        self.peek(hash).is_some_and(|resource| resource.has(entry))
    }

    /// Whether an entry of this weight fits once everything else has left.
    fn has_room_for(&self, weight: usize) -> bool {
        weight.saturating_add(Resource::OVERHEAD + TABLES) <= self.capacity
    }

    fn take(&mut self, hash: u64) -> Option<(Resource, Place)> {
        let protected = self.protected.pop(hash).map(|resource| (resource, Place::Protected));
        protected.or_else(|| Some((self.probation.pop(hash)?, Place::Probation)))
    }

    /// Puts a resource at the young end of a segment, unless nothing is left of it.
    fn put(&mut self, hash: u64, resource: Resource, place: Place) {
        if resource.is_empty() {
            return;
        }
        // The rest is for what is new: it has to stay for long enough to be asked for again.
        let most_protected = self.capacity / 5 * 4;
        // One that fills the segment alone would empty it.
        let footprint = resource.weight() + TABLES;
        if matches!(place, Place::Probation) || footprint > most_protected {
            self.probation.push(hash, resource);
            return;
        }
        self.protected.push(hash, resource);
        while self.protected.footprint() > most_protected
            && let Some((hash, resource)) = self.protected.pop_oldest()
        {
            self.probation.push(hash, resource);
        }
    }

    /// Puts a resource back that has grown by `entry`, and makes room for it: of its own other
    /// variants, if they would not fit together into the shard, and then of other resources.
    fn put_changed(
        &mut self,
        hash: u64,
        mut resource: Resource,
        place: Place,
        entry: &Arc<Entry>,
        left: &mut Vec<Arc<Entry>>,
    ) {
        while resource.weight() + TABLES > self.capacity
            && let Some(other) = resource.remove_oldest_but(entry)
        {
            left.push(other);
        }
        while self.weight_with(&resource) > self.capacity
            && let Some(victim) = self.pop_victim()
        {
            left.extend(victim.into_entries());
            self.shrink_if_sparse();
        }
        self.put(hash, resource, place);
        self.peak = self.peak.max(self.len());
    }

    /// What all would weigh with one more.
    fn weight_with(&self, resource: &Resource) -> usize {
        let growth = (self.len() + 1).saturating_sub(self.peak);
        self.weight() + growth * TABLES + resource.weight()
    }

    /// Whatever was unused for longest, on probation first.
    fn pop_victim(&mut self) -> Option<Resource> {
        let oldest = self.probation.pop_oldest().or_else(|| self.protected.pop_oldest());
        oldest.map(|(_, resource)| resource)
    }

    fn len(&self) -> usize {
        self.probation.resources.len() + self.protected.resources.len()
    }

    /// Gives back what the tables no longer need. Seldom enough: most of what they held has left
    /// since the last time. With one resource left always, as it may need all the room there is.
    fn shrink_if_sparse(&mut self) {
        let now = self.len();
        if self.peak > now && (now <= 1 || now < self.peak / 4) {
            self.probation.shrink();
            self.protected.shrink();
            self.peak = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, Life, Variant};
    use http::StatusCode;
    use std::time::{Duration, SystemTime};

    fn entry(target: &str) -> Arc<Entry> {
        let life = Life::new(SystemTime::UNIX_EPOCH, Duration::ZERO);
        let key = Key::new(b"http://a.example", target.as_bytes());
        let body = Body::Whole(Bytes::new());
        let headers = HeaderMap::new();
        let variant = Variant::default();
        Arc::new(Entry::new(key, variant, life, StatusCode::OK, headers, vec![], body))
    }

    #[test]
    fn keys_of_one_hash_are_told_apart() {
        let (mut shard, mut left) = (Shard::new(100_000), Vec::new());
        let (first, second) = (entry("/a"), entry("/b"));
        let find = |shard: &mut Shard, entry: &Entry| shard.find(7, &entry.key, &HeaderMap::new());
        shard.insert(7, first.clone(), false, &mut left);
        assert!(matches!(find(&mut shard, &second), Found::Nothing));
        assert!(matches!(find(&mut shard, &first), Found::Entry(_)));
        assert!(left.is_empty());

        shard.insert(7, second.clone(), false, &mut left);
        assert!(left.len() == 1 && Arc::ptr_eq(&left[0], &first));
        assert!(matches!(find(&mut shard, &first), Found::Nothing));
        assert!(matches!(find(&mut shard, &second), Found::Entry(_)));
        assert!(!shard.remove(7, &first) && shard.remove(7, &second));
    }

    #[test]
    fn what_is_no_longer_protected_outlives_what_was_on_probation() {
        let one = Resource::OVERHEAD + TABLES + Resource::weigh(&entry("/"));
        let (mut shard, mut left) = (Shard::new(one * 10), Vec::new());
        let used_once = entry("/");
        shard.insert(100, used_once.clone(), false, &mut left);
        for hash in 0..9 {
            shard.insert(hash, entry("/"), false, &mut left);
            shard.find(hash, &entry("/").key, &HeaderMap::new());
        }
        assert_eq!(shard.protected.resources.len(), 8, "of ten, 4/5 are protected");
        assert!(shard.probation.resources.contains(&0) && left.is_empty());
        shard.insert(200, entry("/"), false, &mut left);
        assert!(left.len() == 1 && Arc::ptr_eq(&left[0], &used_once));
    }
}
