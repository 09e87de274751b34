//! Fields that are for the next hop only, and so end here (RFC 9110 section 7.6.1).

use http::header::{CONNECTION, EXPECT, HeaderMap, HeaderName, HeaderValue, TRAILER, UPGRADE};
use http::{Request, Version};

use crate::body::RequestBody;

/// Whether a field is hop-by-hop though Connection does not name it. `Trailer` is none by RFC 9110,
/// but tells of a framing that ends here; the trailers themselves are passed on.
fn always_ends_here(name: &&HeaderName) -> bool {
    matches!(
        name.as_str(),
        "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Named by Connection or not, these are never taken away: a client that lists them wants to
/// make the next server misread the request.
static NEVER: [HeaderName; 4] = [
    http::header::HOST,
    http::header::CONTENT_LENGTH,
    http::header::COOKIE,
    http::header::AUTHORIZATION,
];

/// Removes what ends here from a request, and returns the protocol it would like to switch to.
pub fn on_request(request: &mut Request<RequestBody>) -> Option<HeaderValue> {
    let may_switch = request.body().is_empty() && request.version() != Version::HTTP_10;
    let headers = request.headers_mut();
    // A switch after a body would leave two readings of where the new protocol begins, and
    // HTTP/2 is not for the child: both are served as the plain requests they also are.
    let protocol = headers
        .get(UPGRADE)
        .filter(|wish| may_switch && !wish.as_bytes().to_ascii_lowercase().starts_with(b"h2"))
        .filter(|_| has_token(headers, CONNECTION, "upgrade"))
        .cloned();
    remove(headers);
    // The client gets its 100 from us, when the child asks for the body.
    headers.remove(EXPECT);
    protocol
}

/// Removes the fields that end here.
pub fn remove(headers: &mut HeaderMap) {
    // Most messages have no Connection field at all. (`remove` gives back the first line only.)
    if headers.contains_key(CONNECTION) {
        let lines: Vec<_> = headers.get_all(CONNECTION).iter().cloned().collect();
        for name in lines.iter().flat_map(tokens).filter_map(|t| HeaderName::from_bytes(t).ok()) {
            if !NEVER.contains(&name) {
                headers.remove(name);
            }
        }
        headers.remove(CONNECTION);
    }
    // One look at the names costs less than seven at the table, and most often finds nothing.
    while let Some(name) = headers.keys().find(always_ends_here).cloned() {
        headers.remove(name);
    }
}

/// Whether a list field has this token, in any letter case, on any of its lines.
pub fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let mut lines = headers.get_all(name).iter();
    lines.any(|line| tokens(line).any(|t| t.eq_ignore_ascii_case(token.as_bytes())))
}

/// The members of one line, without the blanks around them; none is empty.
pub fn tokens(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    line.as_bytes().split(|&b| b == b',').map(<[u8]>::trim_ascii).filter(|t| !t.is_empty())
}

/// Fields that may not come as trailers (RFC 9110 section 6.5.1): they would be merged into a
/// head that has been judged already.
pub fn remove_from_trailers(trailers: &mut HeaderMap) {
    remove(trailers);
    for name in NEVER.iter().chain([&TRAILER]) {
        trailers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers<const N: usize>(fields: [(&'static str, &'static str); N]) -> HeaderMap {
        fields
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn what_connection_names_ends_here_but_not_what_matters() {
        let mut map = headers([
            ("connection", "X-Secret, cookie"),
            ("connection", "close, Host"),
            ("x-secret", "1"),
            ("cookie", "a=b"),
            ("host", "x"),
            ("te", "trailers"),
            ("accept", "*/*"),
        ]);
        remove(&mut map);
        let mut left: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "cookie", "host"]);
    }

    #[test]
    fn tokens_are_found_on_any_line_in_any_case() {
        let map = headers([("connection", "foo , Upgrade"), ("connection", "CLOSE")]);
        assert!(has_token(&map, CONNECTION, "upgrade") && has_token(&map, CONNECTION, "close"));
        assert!(!has_token(&map, CONNECTION, "up"));
    }
}
