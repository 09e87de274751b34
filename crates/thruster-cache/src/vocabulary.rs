//! The words that the tests of the rules share.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::HeaderName;

use crate::Life;

/// Fields in this order; the same name twice is two lines.
pub fn fields(fields: &[(&'static str, &str)]) -> HeaderMap {
    let field = |&(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), value.parse().expect("a field value"))
    };
    fields.iter().map(field).collect()
}

/// A moment, in seconds from one that the tests begin at: 1994-11-06 08:49:37.
pub fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(784_111_777 + seconds)
}

pub fn date(seconds: u64) -> String {
    httpdate::fmt_http_date(at(seconds))
}

/// Came at 0, is fresh for a minute, and for everybody.
pub fn life() -> Life {
    Life { is_for_authorized: true, ..Life::new(at(0), Duration::from_secs(60)) }
}
