//! Fields that are for the next hop only, and so end here (RFC 9110 section 7.6.1).

use http::header::{
    CONNECTION, HeaderMap, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};

/// Hop-by-hop whether or not Connection names them. `Trailer` is not one by RFC 9110, but
/// tells of a framing that ends here; the trailers themselves are passed on.
const ALWAYS: [HeaderName; 7] = [
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Named by Connection or not, these are never taken away: a client that lists them wants to
/// make the next server misread the request.
const NEVER: [HeaderName; 4] = [
    http::header::HOST,
    http::header::CONTENT_LENGTH,
    http::header::COOKIE,
    http::header::AUTHORIZATION,
];

/// Removes the fields that end here.
pub fn remove(headers: &mut HeaderMap) {
    // Most requests have no Connection field at all, and none of more than one line.
    while let Some(named) = headers.remove(CONNECTION) {
        for token in tokens(&named) {
            if let Ok(name) = HeaderName::from_bytes(token)
                && !NEVER.contains(&name)
            {
                headers.remove(name);
            }
        }
    }
    // One look at the names costs less than seven at the table, and most often finds nothing.
    if headers.keys().any(|name| ALWAYS.contains(name)) {
        for name in &ALWAYS {
            headers.remove(name);
        }
    }
}

/// Whether a list field has this token, in any letter case, on any of its lines.
pub fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let mut lines = headers.get_all(name).iter();
    lines.any(|line| tokens(line).any(|t| t.eq_ignore_ascii_case(token.as_bytes())))
}

fn tokens(line: &http::HeaderValue) -> impl Iterator<Item = &[u8]> {
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
