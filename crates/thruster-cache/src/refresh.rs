//! What a 304, or the answer to HEAD, changes in a stored response (RFC 9111 sections 3.2, 4.3.4
//! and 4.3.5). How long that may be used now is for [`plan`](crate::storable::plan) to say.

use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, HeaderMap,
    HeaderName, LAST_MODIFIED, SET_COOKIE, TRANSFER_ENCODING,
};

use crate::{etag, number};

/// What an update does not touch: what the stored body depends upon (the update has none), and
/// cookies, which are for the one who asked.
const UNTOUCHED: [HeaderName; 7] = [
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    TRANSFER_ENCODING,
    SET_COOKIE,
    HeaderName::from_static("set-cookie2"),
];

/// What an update comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// The fields, with those of the update that are not kept, such as its Age: they are for
    /// [`plan`](crate::storable::plan) to count and remove.
    Updated(HeaderMap),
    /// It is about another representation than the one that is stored.
    Mismatch,
}

/// A 304 for a stored response, which was asked for by that response's validators.
pub fn refresh(stored: &HeaderMap, update: &HeaderMap) -> Refreshed {
    let validator = |headers: &HeaderMap, name| headers.get(name).cloned();
    let is_of_another = match (validator(update, ETAG), validator(update, LAST_MODIFIED)) {
        // A strong one must be there, a weak one correspond (section 4.3.4).
        (Some(new), _) => !stored.get(ETAG).is_some_and(|tag| {
            let is_strong = etag::is_strong(new.as_bytes());
            let is_same = if is_strong { etag::is_same_strongly } else { etag::is_same_weakly };
            is_same(new.as_bytes(), tag.as_bytes())
        }),
        (None, Some(new)) => stored.get(LAST_MODIFIED) != Some(&new),
        // A 304 need not repeat Last-Modified (RFC 9110 section 15.4.5).
        (None, None) => false,
    };
    if is_of_another { Refreshed::Mismatch } else { Refreshed::Updated(merged(stored, update)) }
}

/// The 200 to a HEAD for what is stored with a body of this length (section 4.3.5). On a mismatch
/// the stored response is out of date.
pub fn refresh_by_head(stored: &HeaderMap, response: &HeaderMap, length: u64) -> Refreshed {
    let has_same = |name| response.get(&name).is_none_or(|new| stored.get(&name) == Some(new));
    let is_as_long = response
        .get(CONTENT_LENGTH)
        .is_none_or(|new| number::parse(new.as_bytes()) == Some(length));
    if has_same(ETAG) && has_same(LAST_MODIFIED) && is_as_long {
        Refreshed::Updated(merged(stored, response))
    } else {
        Refreshed::Mismatch
    }
}

/// Each field of the update in the place of the stored one (section 3.2).
fn merged(stored: &HeaderMap, update: &HeaderMap) -> HeaderMap {
    let mut headers = stored.clone();
    // Without one of its own it was made when it came, not when the stored response was (RFC 9110
    // section 6.6.1): with the old Date it would be born stale.
    headers.remove(DATE);
    for name in update.keys().filter(|name| !UNTOUCHED.contains(name)) {
        headers.remove(name);
        for value in update.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    headers
}

#[cfg(test)]
mod tests;
