//! Whether a stored response may be used now (RFC 9111 section 4): what it is good for by itself,
//! and what the request will have.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::Life;
use crate::directives::RequestDirectives;

/// What may be done with a stored response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    Fresh,
    /// Stale, but to be served while it is being refreshed (RFC 5861 section 3).
    StaleWhileRevalidate,
    /// Stale, and the request takes it so (max-stale).
    StaleAccepted,
    /// The application has to be asked first.
    Validate(Why),
    /// The request has Authorization, and nothing says that the response is for such: go on as if
    /// it were not stored.
    Withheld,
}

/// Why a stored response must be validated before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is too old.
    Stale,
    /// It was purged softly.
    Outdated,
    /// The request will not have it: no-cache, or its max-age, or its min-fresh.
    Request,
}

/// Decides over a stored response of this life; `is_outdated` if it was purged softly.
pub fn reuse(request: &HeaderMap, life: &Life, is_outdated: bool, now: SystemTime) -> Reuse {
    if is_withheld(request, life) {
        return Reuse::Withheld;
    }
    let wanted = RequestDirectives::of(request);
    if is_refused(&wanted, life, is_outdated, now) {
        return Reuse::Validate(Why::Request);
    }
    let is_fresh = life.is_fresh(now);
    if is_fresh && !is_outdated {
        return Reuse::Fresh;
    }
    let why = if is_fresh { Why::Outdated } else { Why::Stale };
    if life.must_revalidate {
        return Reuse::Validate(why);
    }
    let staleness = life.staleness(now);
    // A request with max-age wants nothing stale, unless it has max-stale too (RFC 9111 section
    // 5.2.1.1).
    let takes_stale = wanted.max_age.is_none() || wanted.max_stale.is_some();
    if is_within(staleness, life.stale_while_revalidate) && takes_stale {
        return Reuse::StaleWhileRevalidate;
    }
    if wanted.max_stale.is_some_and(|limit| is_within(staleness, limit)) {
        return Reuse::StaleAccepted;
    }
    Reuse::Validate(why)
}

/// Whether a stored response may be served because the application has failed (RFC 5861 section
/// 4: either side can say so).
pub fn may_replace_error(request: &HeaderMap, life: &Life, now: SystemTime) -> bool {
    let wanted = RequestDirectives::of(request);
    let limit = life.stale_if_error.max(wanted.stale_if_error.unwrap_or_default());
    !life.must_revalidate
        && !is_withheld(request, life)
        && !is_refused(&wanted, life, false, now)
        && is_within(life.staleness(now), limit)
}

/// The answer is not to be stored (RFC 9111 section 5.2.1.5).
pub fn wants_no_store(request: &HeaderMap) -> bool {
    RequestDirectives::of(request).no_store
}

fn is_withheld(request: &HeaderMap, life: &Life) -> bool {
    request.contains_key(AUTHORIZATION) && !life.is_for_authorized
}

/// Whether the request will not have it, stale or fresh.
fn is_refused(wanted: &RequestDirectives, life: &Life, is_outdated: bool, now: SystemTime) -> bool {
    let age = life.age(now);
    let left = if is_outdated { Duration::ZERO } else { life.lifetime.saturating_sub(age) };
    wanted.no_cache
        || wanted.max_age.is_some_and(|limit| age > limit)
        || wanted.min_fresh.is_some_and(|least| left < least)
}

/// A limit of zero permits nothing, not even to what became stale this moment.
fn is_within(staleness: Duration, limit: Duration) -> bool {
    !limit.is_zero() && staleness <= limit
}

#[cfg(test)]
mod tests;
