//! Conditional requests (RFC 9110 section 13): judged against a response at hand, and made of one
//! that has to be validated.

use http::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG,
    HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use http::{Method, header};

use crate::list::{self, Quotes};
use crate::{date, etag};

/// Fields that make a request conditional, or one for a part.
const CONDITIONS: [HeaderName; 6] =
    [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, IF_RANGE, RANGE];

/// Metadata of the body that a 304 does not have. Not everything that begins with Content- is:
/// Content-Location stays, and Content-Security-Policy is about something else.
const OF_THE_BODY: [HeaderName; 9] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    header::CONTENT_DISPOSITION,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// What the conditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Answer as if there were none.
    Proceed,
    /// 304.
    NotModified,
    /// 412.
    PreconditionFailed,
}

/// Judges a request by the validators of what would be answered with 200, in the order of RFC 9110
/// section 13.2.2 (Range and If-Range, the last in it, are [`range::select`](crate::range::select)'s).
pub fn evaluate(method: &Method, request: &HeaderMap, response: &HeaderMap) -> Verdict {
    let is_read = *method == Method::GET || *method == Method::HEAD;
    // Most requests have no condition: none of this is read for them.
    let modified = || date::of(response, &LAST_MODIFIED);
    let is_too_new = || {
        let since = date::of(request, &IF_UNMODIFIED_SINCE);
        since.is_some_and(|since| modified().is_some_and(|modified| modified > since))
    };
    let is_changed = if request.contains_key(IF_MATCH) {
        !has_match(request, &IF_MATCH, response, etag::is_same_strongly)
    } else {
        is_too_new()
    };
    if is_changed {
        return Verdict::PreconditionFailed;
    }
    if request.contains_key(IF_NONE_MATCH) {
        return match has_match(request, &IF_NONE_MATCH, response, etag::is_same_weakly) {
            false => Verdict::Proceed,
            true if is_read => Verdict::NotModified,
            true => Verdict::PreconditionFailed,
        };
    }
    // A cache goes by Date where there is no Last-Modified (RFC 9111 section 4.3.2).
    let modified = || modified().or_else(|| date::of(response, &DATE));
    let since = date::of(request, &IF_MODIFIED_SINCE).filter(|_| is_read);
    match since.is_some_and(|since| modified().is_some_and(|modified| modified <= since)) {
        true => Verdict::NotModified,
        false => Verdict::Proceed,
    }
}

/// The fields of a 304 instead of a 200 with these (RFC 9110 section 15.4.5): all but those that
/// describe the body the client has.
pub fn not_modified(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in &OF_THE_BODY {
        headers.remove(name);
    }
    // Last-Modified guides cache updates only where there is no ETag to do it.
    if headers.contains_key(ETAG) {
        headers.remove(LAST_MODIFIED);
    }
    headers
}

/// Makes a strong ETag weak: under another coding the bytes are others, and the content the same.
pub fn weaken(headers: &mut HeaderMap) {
    let Some(tag) = headers.get(ETAG).filter(|tag| etag::is_strong(tag.as_bytes())) else { return };
    let weak = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat());
    headers.insert(ETAG, weak.expect("a field value stays one"));
}

/// Makes of a request one that validates a stored response (RFC 9111 section 4.3.1), whatever it
/// was conditional upon before. False if there is nothing to validate by: then it is an ordinary
/// request for the whole.
pub fn condition(request: &mut HeaderMap, stored: &HeaderMap) -> bool {
    remove_conditions(request);
    let tag = stored.get(ETAG).filter(|tag| !tag.is_empty());
    let modified = stored.get(LAST_MODIFIED).filter(|date| date::parse(date).is_some());
    if let Some(tag) = tag {
        request.insert(IF_NONE_MATCH, tag.clone());
    }
    if let Some(modified) = modified {
        request.insert(IF_MODIFIED_SINCE, modified.clone());
    }
    tag.is_some() || modified.is_some()
}

/// Makes of a request one for the whole, without conditions.
pub fn remove_conditions(request: &mut HeaderMap) {
    for name in &CONDITIONS {
        request.remove(name);
    }
}

/// Whether a list of entity tags has that of the response, or is `*`.
fn has_match(
    request: &HeaderMap,
    name: &HeaderName,
    response: &HeaderMap,
    is_same: fn(&[u8], &[u8]) -> bool,
) -> bool {
    let tag = response.get(ETAG).map(HeaderValue::as_bytes);
    let mut tags = list::of(request, name, Quotes::Tags);
    let is_any = || list::of(request, name, Quotes::Tags).eq([b"*"]);
    tags.any(|given| tag.is_some_and(|tag| is_same(given, tag))) || is_any()
}

#[cfg(test)]
mod tests;
