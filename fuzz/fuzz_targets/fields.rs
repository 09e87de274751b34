//! Fields of requests and responses: whatever they say, every rule comes to a decision, and no
//! decision breaks the promises that the others build upon.

#![no_main]

use std::time::{Duration, SystemTime};

use http::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use http::{Method, StatusCode};
use libfuzzer_sys::fuzz_target;
use thruster_cache::range::{Selected, select};
use thruster_cache::refresh::{Refreshed, refresh, refresh_by_head};
use thruster_cache::{Key, Variant, accepts_coding, conditional, invalidate, reuse, storable, take_tags};

/// Names that a line can begin with, by number: the fuzzer would take long to find them.
const NAMES: [&str; 24] = [
    "accept", "accept-encoding", "age", "authorization", "cache-control", "cache-tag",
    "cdn-cache-control", "content-encoding", "content-length", "content-location", "date", "etag",
    "expires", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since",
    "last-modified", "location", "pragma", "range", "set-cookie", "vary",
];

fuzz_target!(|bytes: &[u8]| {
    let middle = bytes.len() / 2;
    let (request, mut response) = (fields(&bytes[..middle]), fields(&bytes[middle..]));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let tags = take_tags(&mut response);
    assert!(tags.is_err() || tags.is_ok_and(|tags| tags.len() <= 256));
    if let Ok(plan) = storable::plan(&Method::GET, &request, StatusCode::OK, &response, now, now) {
        assert!(!plan.headers.contains_key(SET_COOKIE), "somebody's cookie");
        assert!(plan.variant.matches(&request), "its own request");
        reuse::reuse(&request, &plan.life, false, now + plan.life.lifetime);
        reuse::may_replace_error(&request, &plan.life, now + plan.life.lifetime);
    }
    conditional::evaluate(&Method::GET, &request, &response);
    conditional::not_modified(&response);
    let parts = match select(&Method::GET, &request, &response, 1000) {
        Selected::Part(part) => vec![part],
        Selected::Parts(parts) => parts,
        Selected::Whole | Selected::Unsatisfiable => Vec::new(),
    };
    assert!(parts.len() <= 16 && parts.iter().map(|part| part.end - part.start).sum::<u64>() <= 1000);
    for part in parts {
        assert!(part.start < part.end && part.end <= 1000, "{part:?}");
    }
    if let Refreshed::Updated(headers) = refresh(&response, &request) {
        let mut validating = request.clone();
        let has_validator = conditional::condition(&mut validating, &headers);
        assert!(has_validator || !validating.contains_key("if-none-match"), "asks for nothing");
    }
    refresh_by_head(&response, &request, 1000);
    let key = Key::new(b"http://a.example", b"/posts/1?page=2");
    for other in invalidate::invalidated(&key, &Method::POST, StatusCode::OK, &response) {
        assert_eq!(other.origin(), key.origin(), "another origin's");
    }
    drop(Variant::of(&response, &request));
    accepts_coding(&request, response.get("content-encoding").map_or("", |v| v.to_str().unwrap_or("")));
});

/// A line each: a number for the name, then the value.
fn fields(bytes: &[u8]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in bytes.split(|&b| b == b'\n').filter(|line| !line.is_empty()).take(64) {
        let name = HeaderName::from_static(NAMES[line[0] as usize % NAMES.len()]);
        if let Ok(value) = HeaderValue::from_bytes(&line[1..]) {
            fields.append(name, value);
        }
    }
    fields
}
