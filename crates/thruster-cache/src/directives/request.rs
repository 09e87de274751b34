//! What a request says of caching (RFC 9111 section 5.2.1).

use std::time::Duration;

use http::HeaderMap;
use http::header::{CACHE_CONTROL, PRAGMA};

use super::{Argument, Directive, MOST};
use crate::list::{self, Quotes};

/// The directives of a request that mean something to a cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestDirectives {
    pub no_store: bool,
    pub no_cache: bool,
    pub only_if_cached: bool,
    pub max_age: Option<Duration>,
    /// For how long what it gets may have been stale; [`Duration::MAX`] is for ever.
    pub max_stale: Option<Duration>,
    pub min_fresh: Option<Duration>,
    /// RFC 5861 section 4.
    pub stale_if_error: Option<Duration>,
}

impl RequestDirectives {
    pub fn of(request: &HeaderMap) -> Self {
        let mut directives = Self::default();
        if request.contains_key(CACHE_CONTROL) {
            list::of(request, &CACHE_CONTROL, Quotes::Strings)
                .for_each(|member| directives.add(&Directive::parse(member)));
        } else {
            // Only without Cache-Control does Pragma count (RFC 9111 section 5.4).
            directives.no_cache = list::of(request, &PRAGMA, Quotes::Strings)
                .any(|member| Directive::parse(member).is("no-cache"));
        }
        directives
    }

    /// What is said twice is meant in its narrower sense, and what cannot be read in the narrowest.
    fn add(&mut self, directive: &Directive<'_>) {
        let seconds = directive.seconds();
        if directive.is("no-store") {
            self.no_store = true;
        } else if directive.is("no-cache") {
            self.no_cache = true;
        } else if directive.is("only-if-cached") {
            self.only_if_cached = true;
        } else if directive.is("max-age") {
            narrow(&mut self.max_age, seconds.unwrap_or_default());
        } else if directive.is("min-fresh") {
            self.min_fresh = self.min_fresh.max(Some(seconds.unwrap_or(MOST)));
        } else if directive.is("max-stale") {
            // "If no value is assigned, any age" (section 5.2.1.2).
            let is_any = matches!(directive.argument, Argument::Absent);
            let limit = if is_any { Duration::MAX } else { seconds.unwrap_or_default() };
            narrow(&mut self.max_stale, limit);
        } else if directive.is("stale-if-error") {
            narrow(&mut self.stale_if_error, seconds.unwrap_or_default());
        }
    }
}

/// Keeps the smaller.
pub(super) fn narrow(limit: &mut Option<Duration>, other: Duration) {
    *limit = Some(limit.map_or(other, |limit| limit.min(other)));
}
