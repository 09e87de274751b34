//! Range requests (RFC 9110 section 14): which part of a whole body a client gets.

use std::ops::Range;
use std::time::Duration;

use http::Method;
use http::header::{DATE, ETAG, HeaderMap, HeaderValue, IF_RANGE, LAST_MODIFIED, RANGE};

use crate::list::{self, Quotes};
use crate::{date, etag, number};

/// What a request selects of the body of a 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selected {
    Whole,
    /// Never empty: 206.
    Part(Range<u64>),
    /// 416.
    Unsatisfiable,
}

/// Selects, for a response with these fields whose body has this length. Whatever is not one
/// range in bytes selects the whole (section 14.2 leaves several to us).
pub fn select(method: &Method, request: &HeaderMap, response: &HeaderMap, length: u64) -> Selected {
    // An empty body has no part, and a client that always asks for one is not helped by a 416.
    if *method != Method::GET || length == 0 {
        return Selected::Whole;
    }
    match only_range(request) {
        Some(range) if is_same_as_before(request, response) => parse(range, length),
        _ => Selected::Whole,
    }
}

/// The Content-Range of a part.
pub fn content_range(range: &Range<u64>, length: u64) -> HeaderValue {
    let last = range.end.saturating_sub(1);
    HeaderValue::try_from(format!("bytes {}-{last}/{length}", range.start)).expect("plain text")
}

/// The Content-Range of a 416.
pub fn unsatisfied_range(length: u64) -> HeaderValue {
    HeaderValue::try_from(format!("bytes */{length}")).expect("plain text")
}

/// The one range of a request that has one.
fn only_range(request: &HeaderMap) -> Option<&[u8]> {
    let mut lines = request.get_all(RANGE).iter().map(HeaderValue::as_bytes);
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    let (unit, ranges) = line.split_at_checked(6)?;
    let mut ranges = list::members(ranges, Quotes::Plain).filter(|range| !range.is_empty());
    let range = ranges.next().filter(|_| unit.eq_ignore_ascii_case(b"bytes="))?;
    ranges.next().is_none().then_some(range)
}

/// Whether the client's part, if it tells of which response it has it, is of this one (section
/// 13.1.5).
fn is_same_as_before(request: &HeaderMap, response: &HeaderMap) -> bool {
    let mut lines = request.get_all(IF_RANGE).iter();
    let Some(validator) = lines.next() else { return true };
    if lines.next().is_some() {
        return false;
    }
    let tag = response.get(ETAG).map(HeaderValue::as_bytes);
    if tag.is_some_and(|tag| etag::is_same_strongly(validator.as_bytes(), tag)) {
        return true;
    }
    let modified = date::of(response, &LAST_MODIFIED);
    modified.is_some() && modified == date::parse(validator) && is_strong_date(response)
}

/// Last-Modified can stand for the bytes only if a second had passed when they were sent (section
/// 8.8.2.2). Without a Date it is a file that we look at ourselves.
fn is_strong_date(response: &HeaderMap) -> bool {
    if !response.contains_key(DATE) {
        return true;
    }
    let (sent, modified) = (date::of(response, &DATE), date::of(response, &LAST_MODIFIED));
    let since = sent.zip(modified).and_then(|(sent, modified)| sent.duration_since(modified).ok());
    since.is_some_and(|since| since >= Duration::from_secs(1))
}

/// Reads `first-last`, `first-` or `-suffix` (section 14.1.2). A number too great to be read is
/// behind the end of everything.
fn parse(range: &[u8], length: u64) -> Selected {
    let Some(dash) = range.iter().position(|&b| b == b'-') else { return Selected::Whole };
    let (first, last) = (&range[..dash], &range[dash + 1..]);
    if first.is_empty() {
        return match number::parse(last) {
            None => Selected::Whole,
            Some(0) => Selected::Unsatisfiable,
            Some(suffix) => Selected::Part(length.saturating_sub(suffix)..length),
        };
    }
    let last = if last.is_empty() { Some(u64::MAX) } else { number::parse(last) };
    match number::parse(first).zip(last) {
        None => Selected::Whole,
        Some((first, last)) if first > last => Selected::Whole,
        Some((first, _)) if first >= length => Selected::Unsatisfiable,
        Some((first, last)) => Selected::Part(first..last.saturating_add(1).min(length)),
    }
}

#[cfg(test)]
mod tests;
