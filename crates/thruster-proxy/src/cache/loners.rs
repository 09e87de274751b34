//! Keys whose last answer could not be kept. Requests for them do not wait for each other: the
//! next answer would most likely be of no use to the others either.
//!
//! A table of fixed size that forgets: where two keys meet, the younger one stays. To forget one
//! costs a wait for an answer that is not shared; to take one key for another, which needs 40
//! equal bits, costs an answer that is not kept.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thruster_cache::Key;

/// How long a key is remembered. Long enough for bursts, short enough for a page that has
/// become cacheable. Arbitrary.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Places, of 8 bytes each.
const PLACES: usize = 1 << 14;

/// The low bits of a place tell the second, the others are the key's.
const TIME_BITS: u32 = 24;

pub struct Loners {
    places: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Loners {
    pub fn new() -> Self {
        let places = std::iter::repeat_with(AtomicU64::default).take(PLACES).collect();
        Loners { places, hasher: RandomState::new() }
    }

    pub fn remember(&self, key: &Key, now: SystemTime) {
        let (place, mark) = self.place(key);
        place.store(mark | second(now), Relaxed);
    }

    pub fn forget(&self, key: &Key) {
        let (place, mark) = self.place(key);
        if place.load(Relaxed) & !time_mask() == mark {
            place.store(0, Relaxed);
        }
    }

    pub fn includes(&self, key: &Key, now: SystemTime) -> bool {
        let (place, mark) = self.place(key);
        let found = place.load(Relaxed);
        let age = second(now).wrapping_sub(found) & time_mask();
        found & !time_mask() == mark && age < REMEMBERED.as_secs()
    }

    fn place(&self, key: &Key) -> (&AtomicU64, u64) {
        let hash = self.hasher.hash_one(key);
        (&self.places[hash as usize % PLACES], hash & !time_mask())
    }
}

/// Of the day's clock, which every request asks anyway; it comes round after half a year. Whoever
/// asks with an earlier second than a key's is told that it is forgotten.
fn second(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() & time_mask()
}

const fn time_mask() -> u64 {
    (1 << TIME_BITS) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loner_is_remembered_for_a_while() {
        let start = SystemTime::now();
        let loners = Loners::new();
        let key = |target: &str| Key::new(b"http://a", target.as_bytes());
        assert!(!loners.includes(&key("/a"), start));
        loners.remember(&key("/a"), start);
        assert!(loners.includes(&key("/a"), start + REMEMBERED - Duration::from_secs(1)));
        assert!(!loners.includes(&key("/a"), start + REMEMBERED));
        assert!(!loners.includes(&key("/b"), start));
        loners.remember(&key("/a"), start + REMEMBERED);
        loners.forget(&key("/b"));
        assert!(loners.includes(&key("/a"), start + REMEMBERED));
        loners.forget(&key("/a"));
        assert!(!loners.includes(&key("/a"), start + REMEMBERED));
    }
}
