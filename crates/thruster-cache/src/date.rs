//! Fields that hold a date (RFC 9110 section 5.6.7).

use std::time::SystemTime;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

/// The date in a field that may come once. What is no date, or several, is none: it is not for us
/// to choose.
pub fn of(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let mut lines = headers.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none()).and_then(parse)
}

pub fn parse(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}
