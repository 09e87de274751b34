//! What a request asks for, as the application sees it: whatever it may take for its own name
//! belongs to the key, or one client could choose the links that all others get.

use bytes::{BufMut, BytesMut};
use http::header::{FORWARDED, HOST, HeaderName};
use http::{HeaderValue, Request};
use thruster_cache::Key;

use crate::forwarded::{RawTarget, X_FORWARDED_HOST, X_FORWARDED_PROTO};

/// What Rack and Rails build URLs with, besides Host and the first X-Forwarded-Proto.
static OTHERS: [HeaderName; 3] = [
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-ssl"),
    HeaderName::from_static("x-forwarded-scheme"),
];

/// Between the parts of an origin that has more of them. No field value can contain it.
const PART: u8 = 1;

/// The key of a request whose fields have been rewritten by [`crate::forwarded`].
pub fn of<B>(request: &Request<B>) -> Key {
    let headers = request.headers();
    let lines = |name: HeaderName| headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
    let host = headers.get(HOST).map_or(&b""[..], HeaderValue::as_bytes).to_ascii_lowercase();
    let mut schemes = lines(X_FORWARDED_PROTO);
    let mut origin = BytesMut::with_capacity(64);
    origin.extend_from_slice(schemes.next().unwrap_or_default());
    origin.extend_from_slice(b"://");
    origin.extend_from_slice(&host);
    let plain = origin.len();
    let mut add = |name: &HeaderName, value: &[u8]| {
        origin.put_slice(if origin.len() == plain { b" " } else { b"" });
        origin.put_u8(PART);
        origin.put_slice(name.as_str().as_bytes());
        origin.put_u8(b'=');
        origin.put_slice(value);
    };
    // All lines of all fields: nobody knows which one counts for the application.
    schemes.for_each(|line| add(&X_FORWARDED_PROTO, line));
    if !lines(X_FORWARDED_HOST).map(<[u8]>::to_ascii_lowercase).eq([&*host]) {
        lines(X_FORWARDED_HOST).for_each(|line| add(&X_FORWARDED_HOST, line));
    }
    // Hardly any request has one of these, and one look at all names tells.
    if headers.keys().any(|name| *name == FORWARDED || OTHERS.contains(name)) {
        for name in &OTHERS {
            lines(name.clone()).for_each(|line| add(name, line));
        }
        for line in headers.get_all(FORWARDED) {
            named_by(line).for_each(|pair| add(&FORWARDED, pair));
        }
    }
    match request.extensions().get::<RawTarget>() {
        Some(RawTarget(raw)) => Key::new(&origin, raw),
        None => {
            let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
            Key::new(&origin, target.as_bytes())
        }
    }
}

/// The parts of Forwarded (RFC 7239) that name a host or a scheme. A quoted value may be cut
/// into more parts than it has, which only keeps more apart.
fn named_by(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    let parts = line.as_bytes().split(|b| b",;".contains(b)).map(<[u8]>::trim_ascii);
    parts.filter(|part| {
        let begins =
            |name: &[u8]| part.get(..name.len()).is_some_and(|p| p.eq_ignore_ascii_case(name));
        begins(b"host") || begins(b"proto")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(target: &str, fields: &[(&str, &str)]) -> String {
        let mut request = Request::get(target).header("x-forwarded-proto", "http");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        of(&request.body(()).unwrap()).to_string()
    }

    #[test]
    fn the_key_is_a_url() {
        assert_eq!(key("/a?b=1", &[("host", "A.example")]), "http://a.example/a?b=1");
        let agreed = [("host", "a"), ("x-forwarded-host", "A"), ("forwarded", "for=1.2.3.4")];
        assert_eq!(key("/", &agreed), "http://a/");
    }

    #[test]
    fn what_the_application_may_take_for_its_name_is_part_of_it() {
        let plain = key("/", &[("host", "a")]);
        for (name, value) in [
            ("x-forwarded-host", "evil"),
            ("x-forwarded-port", "8080"),
            ("x-forwarded-ssl", "on"),
            ("x-forwarded-scheme", "https"),
            ("forwarded", "for=1.2.3.4; Host=evil"),
            ("forwarded", "for=x, proto=https"),
            ("x-forwarded-proto", "https"),
        ] {
            assert_ne!(key("/", &[("host", "a"), (name, value)]), plain, "{name}");
        }
    }

    #[test]
    fn what_is_said_in_several_lines_is_told_apart() {
        let named = |hosts: &[&str]| {
            let fields = hosts.iter().map(|host| ("x-forwarded-host", *host));
            key("/", &[("host", "a")].into_iter().chain(fields).collect::<Vec<_>>())
        };
        assert_ne!(named(&["b", "a"]), named(&["b"]));
        assert_ne!(named(&["a", "a"]), named(&["a"]));
        let ported = [("host", "a"), ("x-forwarded-host", "b"), ("x-forwarded-port", "1")];
        assert_ne!(named(&["b x-forwarded-port=1"]), key("/", &ported));
    }
}
