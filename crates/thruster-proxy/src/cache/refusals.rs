//! The last answers that were not kept, and why: for the person who wonders.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use http::StatusCode;
use thruster_cache::Key;

/// How many are remembered.
const LAST: usize = 100;

#[derive(Clone)]
pub struct Refusal {
    pub key: Key,
    pub status: StatusCode,
    pub reason: &'static str,
    pub at: SystemTime,
}

#[derive(Default)]
pub struct Refusals(Mutex<VecDeque<Refusal>>);

impl Refusals {
    /// Remembers one, unless somebody else is at it: no request waits for this.
    pub fn add(&self, refusal: Refusal) {
        if let Ok(mut last) = self.0.try_lock() {
            if last.len() == LAST {
                last.pop_front();
            }
            last.push_back(refusal);
        }
    }

    /// All of them, the youngest first.
    pub fn list(&self) -> Vec<Refusal> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().rev().cloned().collect()
    }
}
