//! How long a stored response may be used (RFC 9111 section 4.2, RFC 5861): what its own fields
//! say, and when it came.

use std::time::{Duration, SystemTime};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// When the response, or the last 304 for it, came.
    pub received: SystemTime,
    /// How old it was then (RFC 9111 section 4.2.3).
    pub initial_age: Duration,
    /// How old it may become and be fresh.
    pub lifetime: Duration,
    /// For how long after that it may be served while it is being refreshed.
    pub stale_while_revalidate: Duration,
    /// For how long after that it may be served when the application fails.
    pub stale_if_error: Duration,
    /// Never to be served stale, whatever else is said (must-revalidate, proxy-revalidate,
    /// s-maxage).
    pub must_revalidate: bool,
    /// May answer requests with Authorization (RFC 9111 section 3.5).
    pub is_for_authorized: bool,
}

impl Life {
    /// One that is fresh for so long from now on, and whose response says nothing else.
    pub fn new(received: SystemTime, lifetime: Duration) -> Self {
        Life {
            received,
            initial_age: Duration::ZERO,
            lifetime,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            must_revalidate: false,
            is_for_authorized: false,
        }
    }

    /// How old the response is now.
    pub fn age(&self, now: SystemTime) -> Duration {
        self.initial_age + now.duration_since(self.received).unwrap_or_default()
    }

    /// Seconds for which it stays fresh; below zero, for which it has been stale.
    pub fn ttl(&self, now: SystemTime) -> i64 {
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        seconds(self.lifetime).saturating_sub(seconds(self.age(now)))
    }

    pub fn is_fresh(&self, now: SystemTime) -> bool {
        self.age(now) < self.lifetime
    }

    /// For how long it has been stale; zero while it is fresh.
    pub fn staleness(&self, now: SystemTime) -> Duration {
        self.age(now).saturating_sub(self.lifetime)
    }
}
