//! How much of an answer we take off the child's hands before its client wants it. A thread of
//! Puma is held until its answer is written: slow readers are to hold our memory instead, up to
//! BUFFER_RESPONSES each, and a bound for all together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes for all responses together. Past them everybody gets the [`LEAST`]: a thousand slow
/// readers must not fill the memory of a small machine.
const ALL: usize = 64 << 20;

/// What keeps a connection busy, and no more.
const LEAST: usize = 64 << 10;

/// The bound, one for all cores.
#[derive(Clone)]
pub struct ReadAhead {
    each: usize,
    total: Arc<AtomicUsize>,
}

/// What one response holds of it.
pub struct Held {
    bound: ReadAhead,
    bytes: usize,
}

impl ReadAhead {
    pub fn new(each: u64) -> Self {
        let each = usize::try_from(each).unwrap_or(usize::MAX).max(LEAST);
        ReadAhead { each, total: Arc::default() }
    }

    pub fn hold(&self) -> Held {
        Held { bound: self.clone(), bytes: 0 }
    }

    /// As [`hold`](Self::hold), for something that has a bound of its own.
    pub fn hold_up_to(&self, each: u64) -> Held {
        let each = usize::try_from(each).unwrap_or(usize::MAX);
        Held { bound: ReadAhead { each, total: self.total.clone() }, bytes: 0 }
    }
}

impl Held {
    /// So many bytes wait now. Returns whether there may be more.
    pub fn set(&mut self, bytes: usize) -> bool {
        let all = match bytes >= self.bytes {
            true => self.bound.total.fetch_add(bytes - self.bytes, Relaxed),
            false => self.bound.total.fetch_sub(self.bytes - bytes, Relaxed),
        };
        self.bytes = bytes;
        bytes < LEAST.min(self.bound.each) || bytes < self.bound.each && all < ALL
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_bound_and_all_have_one_together() {
        let bound = ReadAhead::new(1 << 20);
        let (mut first, mut second) = (bound.hold(), bound.hold());
        assert!(first.set((1 << 20) - 1) && !first.set(1 << 20));
        first.set(ALL);
        assert!(second.set(LEAST - 1) && !second.set(LEAST));
        drop(first);
        assert!(second.set(LEAST));
    }
}
