//! Random lengths against BREACH: who can make a page repeat a guess, and sees how long it is under
//! a coding, could learn of a secret in it. Noise in the length does not prevent that; it makes
//! it take many more guesses.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub struct Jitter {
    most: u64,
    /// A keyed hash of a counter. What makes request ids would be quicker, but those are shown to
    /// everybody, and tell what comes next.
    key: RandomState,
    drawn: AtomicU64,
}

impl Jitter {
    pub fn up_to(most: u32) -> Self {
        Jitter { most: most.into(), key: RandomState::new(), drawn: AtomicU64::new(0) }
    }

    /// How many bytes to add to the next response: from none to the most, each as likely. `None` if
    /// there is to be no padding at all.
    pub fn draw(&self) -> Option<usize> {
        if self.most == 0 {
            return None;
        }
        let random = self.key.hash_one(self.drawn.fetch_add(1, Relaxed));
        // At most 32,768, so that the remainder is as good as even.
        Some((random % (self.most + 1)) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_up_to_the_most_is_drawn() {
        let jitter = Jitter::up_to(32);
        let mut seen = [false; 33];
        for _ in 0..10_000 {
            seen[jitter.draw().expect("some padding")] = true;
        }
        assert!(seen.into_iter().all(|is_seen| is_seen), "{seen:?}");
    }

    #[test]
    fn none_is_none() {
        let jitter = Jitter::up_to(0);
        assert!((0..100).all(|_| jitter.draw().is_none()));
    }
}
