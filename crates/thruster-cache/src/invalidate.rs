//! What a request that changes something makes invalid (RFC 9111 section 4.4): its target, and
//! what the response says has changed with it.

use http::header::{CONTENT_LOCATION, HeaderValue, LOCATION};
use http::{HeaderMap, Method, StatusCode};

use crate::Key;

/// The keys to forget after this answer to a request for `key`.
pub fn invalidated(
    key: &Key,
    method: &Method,
    status: StatusCode,
    response: &HeaderMap,
) -> Vec<Key> {
    // A method we do not know may do anything; an error has done nothing.
    if method.is_safe() || !(status.is_success() || status.is_redirection()) {
        return Vec::new();
    }
    let mut keys = vec![key.clone()];
    for name in [LOCATION, CONTENT_LOCATION] {
        let reference = response.get(name).map(HeaderValue::as_bytes);
        if let Some(target) = reference.and_then(|reference| resolve(key, reference)) {
            let other = key.sibling(&target);
            if !keys.contains(&other) {
                keys.push(other);
            }
        }
    }
    keys
}

/// The target that a reference means, seen from `key` (RFC 3986 section 5.2.2). `None` if it is of
/// another origin: one server has no say over another's.
fn resolve(key: &Key, reference: &[u8]) -> Option<Vec<u8>> {
    let (scheme, host) = origin(key)?;
    let reference = before(reference, b"#");
    let (has_authority, reference) = match authority(reference) {
        Authority::Of(other, named, rest) => {
            let is_same_scheme = other.is_none_or(|other| other.eq_ignore_ascii_case(scheme));
            if !is_same_scheme || !is_same_host(scheme, host, named) {
                return None;
            }
            (true, rest)
        }
        Authority::Foreign => return None,
        Authority::None => (false, reference),
    };
    let path = before(reference, b"?");
    let query = &reference[path.len()..];
    let base = before(key.target(), b"?");
    let (path, query) = match path {
        [] if has_authority => (b"/".to_vec(), query),
        [] if query.is_empty() => (base.to_vec(), &key.target()[base.len()..]),
        [] => (base.to_vec(), query),
        [b'/', ..] => (without_dots(path), query),
        _ => {
            let folder = base.iter().rposition(|&b| b == b'/').map_or(0, |slash| slash + 1);
            (without_dots(&[&base[..folder], path].concat()), query)
        }
    };
    Some([&path, query].concat())
}

/// How a reference begins.
enum Authority<'a> {
    /// Its scheme, if it names one, its host and port, and what follows.
    Of(Option<&'a [u8]>, &'a [u8], &'a [u8]),
    /// A scheme without a host: nothing of ours.
    Foreign,
    None,
}

fn authority(reference: &[u8]) -> Authority<'_> {
    let colon = before(reference, b":/?").len();
    let scheme = match reference.get(colon) {
        Some(b':') if is_scheme(&reference[..colon]) => Some(&reference[..colon]),
        _ => None,
    };
    let rest = scheme.map_or(reference, |scheme| &reference[scheme.len() + 1..]);
    match (rest.strip_prefix(b"//"), scheme) {
        (Some(rest), _) => {
            let named = before(rest, b"/?");
            Authority::Of(scheme, named, &rest[named.len()..])
        }
        (None, Some(_)) => Authority::Foreign,
        (None, None) => Authority::None,
    }
}

fn is_scheme(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_alphabetic)
        && text.iter().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b))
}

/// Scheme and host of a key, whose origin may say more after a blank.
fn origin(key: &Key) -> Option<(&[u8], &[u8])> {
    match authority(before(key.origin(), b" ")) {
        Authority::Of(Some(scheme), host, _) => Some((scheme, host)),
        _ => None,
    }
}

/// A port that goes without saying may be said (RFC 9110 section 4.2.3).
fn is_same_host(scheme: &[u8], one: &[u8], other: &[u8]) -> bool {
    let port: &[u8] = if scheme.eq_ignore_ascii_case(b"https") { b":443" } else { b":80" };
    let short = |host: &'_ [u8]| -> Vec<u8> {
        let host = host.strip_suffix(port).or(host.strip_suffix(b":")).unwrap_or(host);
        host.to_ascii_lowercase()
    };
    short(one) == short(other)
}

/// Takes `.` and `..` out of an absolute path (RFC 3986 section 5.2.4).
fn without_dots(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut segments = path.split(|&b| b == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_dot = matches!(segment, b"." | b"..");
        if segment == b".." {
            kept.pop();
        } else if !is_dot {
            kept.push(segment);
        }
        // What ends in dots is a folder.
        if is_dot && segments.peek().is_none() {
            kept.push(b"");
        }
    }
    [b"/", kept.join(&b'/').as_slice()].concat()
}

/// The text up to the first of these.
fn before<'a>(text: &'a [u8], ends: &[u8]) -> &'a [u8] {
    &text[..text.iter().position(|b| ends.contains(b)).unwrap_or(text.len())]
}

#[cfg(test)]
mod tests;
