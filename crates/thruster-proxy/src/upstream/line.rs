//! The line in front of the child, one for all cores: who is served next when there is more to
//! do than threads to do it.
//!
//! Puma up to version 6 serves the next request of a connection it has just answered before
//! those that came earlier on other connections; and while it waits for that next request
//! (0.2 s), the thread does nothing else. So an answered connection is only used again, or kept
//! at all, while nobody has been waiting. This needs no knowledge of Puma's version, threads or
//! workers: only of what we have sent and not seen answered.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::{self, KeepAlive};
use crate::error::Error;

/// A request that waits this long for its first byte may be one that waits for a thread. Short
/// against a Rails action, long against the tens of microseconds that a new connection costs.
const LONG: Duration = Duration::from_millis(5);

/// What a fresh connection costs all together, most of it in Ruby. While the child answers faster
/// than one request in this time, cutting the line costs those in it less than that.
const CONNECTION_COST: Duration = Duration::from_micros(400);

/// A pause between two answers that tells of an idle child, not of a slow one.
const LONGEST_TURN: Duration = Duration::from_millis(20);

pub struct Line {
    waiting: Mutex<Waiting>,
    /// Places with the child, where MAX_CONCURRENCY limits them. First come, first served.
    places: Option<Arc<Semaphore>>,
    queue_timeout: Duration,
    keep_alive: KeepAlive,
    has_accepted: AtomicBool,
    has_complained: AtomicBool,
    /// Who waits for a child that does not accept: one knocks, the others stand behind.
    pub door: tokio::sync::Mutex<()>,
}

/// A request that the child has, and has not begun to answer.
pub struct Asked {
    line: Arc<Line>,
    number: u64,
    in_order: bool,
}

impl Line {
    pub fn new(config: &config::Upstream) -> Self {
        Line {
            waiting: Mutex::default(),
            places: config.max_concurrency.map(|n| Arc::new(Semaphore::new(n as usize))),
            queue_timeout: config.queue_timeout,
            keep_alive: config.keep_alive,
            has_accepted: AtomicBool::new(false),
            has_complained: AtomicBool::new(false),
            door: tokio::sync::Mutex::default(),
        }
    }

    /// Whether the child has ever accepted a connection.
    pub fn has_accepted(&self) -> bool {
        self.has_accepted.load(Relaxed)
    }

    /// Somebody has waited for it to accept, to the end of the patience there is.
    pub fn waited_in_vain(&self) {
        if !self.has_accepted() && !self.has_complained.swap(true, Relaxed) {
            tracing::warn!(
                "The command does not accept connections where PORT told it to; does it listen \
                 elsewhere?"
            );
        }
    }

    pub fn accepted(&self) {
        self.has_accepted.store(true, Relaxed);
    }

    /// Waits for a place with the child; `None` where places are not limited.
    ///
    /// # Errors
    /// [`Error::QueueTimeout`].
    pub async fn place(&self) -> Result<Option<OwnedSemaphorePermit>, Error> {
        let Some(places) = &self.places else { return Ok(None) };
        if let Ok(place) = places.clone().try_acquire_owned() {
            return Ok(Some(place));
        }
        // Boxed, because it is rare, and would make every request's future larger.
        let place = places.clone().acquire_owned();
        let place = Box::pin(tokio::time::timeout(self.queue_timeout, place)).await;
        Ok(Some(place.map_err(|_| Error::QueueTimeout)?.expect("the semaphore is never closed")))
    }

    /// Whether a connection may be used again, or kept for that: not while somebody has been
    /// waiting for long.
    pub fn may_keep_alive(&self) -> bool {
        match self.keep_alive {
            KeepAlive::Auto => !self.lock().is_long(Instant::now),
            KeepAlive::On => true,
            KeepAlive::Off => false,
        }
    }

    /// The child has been asked. `in_order` tells that it got the request on a fresh connection,
    /// and so serves it after all that came before.
    pub fn ask(self: &Arc<Self>, now: Instant, in_order: bool) -> Asked {
        Asked { number: self.lock().enter(now), line: self.clone(), in_order }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// The child has begun to answer.
    pub fn answered(self, now: Instant) {
        self.line.lock().answered(self.number, self.in_order, now);
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.line.lock().leave(self.number);
    }
}

/// Requests that have been asked and not answered, oldest first.
struct Waiting {
    next: u64,
    asked: VecDeque<(u64, Instant)>,
    last_answer: Option<Instant>,
    /// The time between two answers of a busy child, averaged over about a hundred.
    turn: Duration,
}

impl Default for Waiting {
    fn default() -> Self {
        let asked = VecDeque::new();
        Waiting { next: 0, asked, last_answer: None, turn: LONGEST_TURN }
    }
}

impl Waiting {
    fn enter(&mut self, now: Instant) -> u64 {
        self.next += 1;
        self.asked.push_back((self.next, now));
        self.next
    }

    fn leave(&mut self, number: u64) {
        if let Ok(place) = self.asked.binary_search_by_key(&number, |&(number, _)| number) {
            self.asked.remove(place);
        }
    }

    fn answered(&mut self, number: u64, in_order: bool, now: Instant) {
        self.leave(number);
        // One that cannot have cut the line is being answered: those before it are not waiting
        // for a thread, they have one. (Else one slow action would make the line look long.)
        while in_order && self.asked.front().is_some_and(|&(first, _)| first < number) {
            self.asked.pop_front();
        }
        let turn =
            self.last_answer.map_or(LONGEST_TURN, |last| now.saturating_duration_since(last));
        self.turn = (self.turn * 127 + turn.min(LONGEST_TURN)) / 128;
        self.last_answer = Some(now);
    }

    /// `now` is asked only where it matters.
    fn is_long(&self, now: impl Fn() -> Instant) -> bool {
        let has_waited =
            |&(_, since): &(u64, Instant)| now().saturating_duration_since(since) > LONG;
        self.turn > CONNECTION_COST && self.asked.front().is_some_and(has_waited)
    }
}

#[cfg(test)]
mod tests;
