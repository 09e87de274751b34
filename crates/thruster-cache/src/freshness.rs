//! How old a response was when it came, and how old it may become (RFC 9111 section 4.2).

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, DATE, EXPIRES};

use crate::date;
use crate::directives::{self, MOST, ResponseDirectives};
use crate::list::{self, Quotes};

/// The freshness lifetime that the response gives itself (RFC 9111 section 4.2.1). `None` if it
/// gives itself none: then there is none, we do not guess.
pub fn lifetime(
    directives: &ResponseDirectives,
    response: &HeaderMap,
    received: SystemTime,
) -> Option<Duration> {
    let said = directives.s_maxage.or(directives.max_age);
    if said.is_some() || directives.is_targeted {
        return said;
    }
    if !response.contains_key(EXPIRES) {
        return None;
    }
    let date = date::of(response, &DATE).unwrap_or(received);
    // What is no date has passed, "especially the value 0" (section 5.3). Of several, the first to.
    let lifetimes = response.get_all(EXPIRES).iter().map(|expires| {
        let lasts = date::parse(expires).and_then(|expires| expires.duration_since(date).ok());
        lasts.unwrap_or_default().min(MOST)
    });
    lifetimes.min()
}

/// The corrected initial age (RFC 9111 section 4.2.3) of a response that was asked for and came at
/// these times.
pub fn initial_age(response: &HeaderMap, asked: SystemTime, received: SystemTime) -> Duration {
    let date = date::of(response, &DATE).unwrap_or(received);
    let apparent_age = received.duration_since(date).unwrap_or_default();
    let response_delay = received.duration_since(asked).unwrap_or_default();
    let corrected_age = age_value(response).saturating_add(response_delay);
    apparent_age.max(corrected_age)
}

/// Of several the first counts, and one that is no number does not (RFC 9111 section 5.1).
fn age_value(response: &HeaderMap) -> Duration {
    let first = list::of(response, &AGE, Quotes::Plain).next();
    first.and_then(directives::seconds).unwrap_or_default()
}
