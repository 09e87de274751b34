//! What the fields of a response say once its body is coded, or might have been.

use http::HeaderMap;
use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, HeaderName, HeaderValue, VARY,
};
use thruster_cache::{Coding, conditional};

use crate::hop_by_hop::has_token;

/// What described the bytes as they were: their number, that parts of them can be had (ours are
/// made anew each time, and need not be the same), and their digests (RFC 9530, RFC 3230, RFC
/// 1864), which are over the coded bytes.
const OUTDATED: [HeaderName; 6] = [
    CONTENT_LENGTH,
    ACCEPT_RANGES,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];

/// Makes the fields those of the response under `coding`.
pub fn mark(headers: &mut HeaderMap, coding: Coding) {
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    vary_by_coding(headers);
    // The same coding of the same body may come out as other bytes tomorrow, so a strong validator
    // would promise too much (RFC 9110 section 8.8.1).
    conditional::weaken(headers);
    for name in &OUTDATED {
        headers.remove(name);
    }
}

/// Adds Accept-Encoding to Vary, which is also for the response that stays as it is because this
/// client wants it so (RFC 9110 section 12.5.5).
pub fn vary_by_coding(headers: &mut HeaderMap) {
    // Mostly there is no other.
    if !headers.contains_key(VARY) {
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        return;
    }
    if has_token(headers, VARY, "accept-encoding") || has_token(headers, VARY, "*") {
        return;
    }
    // In one line, for there are caches that read only one.
    let lines: Vec<&[u8]> = headers.get_all(VARY).iter().map(HeaderValue::as_bytes).collect();
    let names = lines.into_iter().filter(|line| !line.trim_ascii().is_empty());
    let all: Vec<&[u8]> = names.chain([&b"Accept-Encoding"[..]]).collect();
    let all = HeaderValue::from_bytes(&all.join(&b", "[..]));
    headers.insert(VARY, all.expect("field values joined are a field value"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::ETAG;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let field = |&(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), value.parse().unwrap())
        };
        fields.iter().map(field).collect()
    }

    fn vary(lines: &[&str]) -> Vec<String> {
        let mut headers: HeaderMap =
            lines.iter().map(|line| (VARY, line.parse().unwrap())).collect();
        vary_by_coding(&mut headers);
        headers.get_all(VARY).iter().map(|line| line.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn accept_encoding_joins_what_the_application_varies_by() {
        assert_eq!(vary(&[]), ["Accept-Encoding"]);
        assert_eq!(vary(&[""]), ["Accept-Encoding"]);
        assert_eq!(vary(&["Origin"]), ["Origin, Accept-Encoding"]);
        assert_eq!(
            vary(&["Origin, Accept", "Cookie"]),
            ["Origin, Accept, Cookie, Accept-Encoding"]
        );
        assert_eq!(vary(&["X-Accept-Encoding"]), ["X-Accept-Encoding, Accept-Encoding"]);
    }

    #[test]
    fn a_vary_that_says_it_already_stays_as_it_is() {
        assert_eq!(
            vary(&["Origin", "accept-encoding , Cookie"]),
            ["Origin", "accept-encoding , Cookie"]
        );
        assert_eq!(vary(&["*"]), ["*"]);
        assert_eq!(vary(&["Origin", "*"]), ["Origin", "*"]);
    }

    #[test]
    fn a_coded_response_says_so_and_promises_no_bytes() {
        let mut coded = headers(&[
            ("content-type", "text/css"),
            ("content-length", "5000"),
            ("accept-ranges", "bytes"),
            ("content-digest", "sha-256=:abc=:"),
            ("etag", "\"v1\""),
            ("vary", "Origin"),
        ]);
        mark(&mut coded, Coding::Brotli);
        let expected = headers(&[
            ("content-type", "text/css"),
            ("content-encoding", "br"),
            ("etag", "W/\"v1\""),
            ("vary", "Origin, Accept-Encoding"),
        ]);
        assert_eq!(coded, expected);
    }

    #[test]
    fn only_a_strong_validator_is_weakened() {
        for tag in ["W/\"v1\"", "v1", "*", ""] {
            let mut coded = headers(&[("etag", tag)]);
            mark(&mut coded, Coding::Gzip);
            assert_eq!(coded["etag"], tag);
        }
        let mut without = HeaderMap::new();
        mark(&mut without, Coding::Zstd);
        assert!(!without.contains_key(ETAG));
    }
}
