//! Range requests (RFC 9110 section 14): which part of a whole body a client gets.

use std::ops::Range;
use std::time::Duration;

use http::Method;
use http::header::{DATE, ETAG, HeaderMap, HeaderValue, IF_RANGE, LAST_MODIFIED, RANGE};

use crate::list::{self, Quotes};
use crate::{date, etag, number};

/// Ranges that are looked at in one request. Readers of documents ask for a few, and who asks for
/// many means the work it makes (section 17.15).
const MOST_RANGES: usize = 16;

/// What a request selects of the body of a 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selected {
    Whole,
    /// Never empty: 206.
    Part(Range<u64>),
    /// Several that neither overlap nor touch, in the order they were asked for: 206 too, as
    /// multipart/byteranges.
    Parts(Vec<Range<u64>>),
    /// 416.
    Unsatisfiable,
}

/// Selects, for a response with these fields whose body has this length. What are not
/// ranges in bytes, too many of them, or more than all, selects the whole (section 14.2).
pub fn select(method: &Method, request: &HeaderMap, response: &HeaderMap, length: u64) -> Selected {
    // An empty body has no part, and a client that always asks for one is not helped by a 416.
    if *method != Method::GET || length == 0 {
        return Selected::Whole;
    }
    match byte_ranges(request) {
        Some(ranges) if is_same_as_before(request, response) => gather(ranges, length),
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

/// The ranges of a request that has some, in bytes.
fn byte_ranges(request: &HeaderMap) -> Option<impl Iterator<Item = &[u8]>> {
    let mut lines = request.get_all(RANGE).iter().map(HeaderValue::as_bytes);
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    let (unit, ranges) = line.split_at_checked(6)?;
    let ranges = list::members(ranges, Quotes::Plain).filter(|range| !range.is_empty());
    unit.eq_ignore_ascii_case(b"bytes=").then_some(ranges)
}

/// Puts the ranges of one request together. Those that lie behind the end are passed over, if
/// another does not.
fn gather<'r>(ranges: impl Iterator<Item = &'r [u8]>, length: u64) -> Selected {
    let (mut parts, mut asked) = (Vec::new(), 0_u64);
    let mut otherwise = Selected::Whole;
    for (number, range) in ranges.enumerate() {
        match parse(range, length) {
            _ if number >= MOST_RANGES => return Selected::Whole,
            None => return Selected::Whole,
            Some(part) if part.is_empty() => otherwise = Selected::Unsatisfiable,
            Some(part) => {
                asked = asked.saturating_add(part.end - part.start);
                join(&mut parts, part);
            }
        }
    }
    match parts.pop() {
        None => otherwise,
        Some(_) if asked > length => Selected::Whole,
        Some(part) if parts.is_empty() => Selected::Part(part),
        Some(last) => {
            parts.push(last);
            Selected::Parts(parts)
        }
    }
}

/// Adds a part to those before it, or makes it one with all of them that it overlaps or touches,
/// in the place of the first.
fn join(parts: &mut Vec<Range<u64>>, mut part: Range<u64>) {
    let is_apart =
        |other: &Range<u64>, part: &Range<u64>| other.end < part.start || part.end < other.start;
    let place = parts.iter().position(|other| !is_apart(other, &part)).unwrap_or(parts.len());
    // None of those before touches another, so the union touches no more than the part does.
    parts.retain(|other| {
        let is_kept = is_apart(other, &part);
        if !is_kept {
            part = part.start.min(other.start)..part.end.max(other.end);
        }
        is_kept
    });
    parts.insert(place, part);
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

/// Reads `first-last`, `first-` or `-suffix` (section 14.1.2); what lies behind the end is empty,
/// and what cannot be read `None`. A number too great to be read is behind the end of everything.
fn parse(range: &[u8], length: u64) -> Option<Range<u64>> {
    let dash = range.iter().position(|&b| b == b'-')?;
    let (first, last) = (&range[..dash], &range[dash + 1..]);
    if first.is_empty() {
        return number::parse(last).map(|suffix| length.saturating_sub(suffix)..length);
    }
    let last = if last.is_empty() { Some(u64::MAX) } else { number::parse(last) };
    let (first, last) = number::parse(first).zip(last).filter(|(first, last)| first <= last)?;
    Some(first.min(length)..last.saturating_add(1).min(length))
}

#[cfg(test)]
mod tests;
