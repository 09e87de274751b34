use proptest::prelude::*;

use super::*;
use crate::vocabulary::fields;

const ORIGIN: &str = "http://a.example";

/// The targets forgotten after `method` for `/b/c/d;p?q` was answered so.
fn forgotten(method: &str, status: u16, response: &[(&'static str, &str)]) -> Vec<String> {
    let key = Key::new(ORIGIN.as_bytes(), b"/b/c/d;p?q");
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let status = StatusCode::from_u16(status).unwrap();
    let keys = invalidated(&key, &method, status, &fields(response));
    assert!(keys.iter().all(|key| key.origin() == ORIGIN.as_bytes()));
    keys.iter().map(|key| String::from_utf8(key.target().to_vec()).unwrap()).collect()
}

fn resolved(origin: &str, reference: &str) -> Option<String> {
    let key = Key::new(origin.as_bytes(), b"/b/c/d;p?q");
    resolve(&key, reference.as_bytes()).map(|target| String::from_utf8(target).unwrap())
}

/// RFC 9111 section 4.4.
#[test]
fn only_what_changed_something_invalidates() {
    for method in ["POST", "PUT", "DELETE", "PATCH", "PURGE"] {
        for status in [200, 201, 204, 302, 303] {
            assert_eq!(forgotten(method, status, &[]), ["/b/c/d;p?q"], "{method} {status}");
        }
        for status in [101, 400, 404, 422, 500, 503] {
            assert!(forgotten(method, status, &[("location", "/x")]).is_empty(), "{status}");
        }
    }
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        assert!(forgotten(method, 200, &[("location", "/x")]).is_empty(), "{method}");
    }
}

#[test]
fn location_and_content_location_are_forgotten_too() {
    let both = [("location", "/x"), ("content-location", "http://a.example/y?z#f")];
    assert_eq!(forgotten("POST", 303, &both), ["/b/c/d;p?q", "/x", "/y?z"]);
    let same = [("location", "/x"), ("content-location", "../../x")];
    assert_eq!(forgotten("POST", 201, &same), ["/b/c/d;p?q", "/x"]);
    assert_eq!(forgotten("POST", 201, &[("location", "?q")]), ["/b/c/d;p?q"]);
    let foreign = [("location", "http://b.example/x"), ("content-location", "mailto:x")];
    assert_eq!(forgotten("POST", 201, &foreign), ["/b/c/d;p?q"]);
}

/// The examples of RFC 3986 section 5.4, without their fragments.
#[test]
fn references_are_resolved() {
    for (reference, target) in [
        ("g", "/b/c/g"),
        ("./g", "/b/c/g"),
        ("g/", "/b/c/g/"),
        ("/g", "/g"),
        ("?y", "/b/c/d;p?y"),
        ("g?y", "/b/c/g?y"),
        ("#s", "/b/c/d;p?q"),
        ("g#s", "/b/c/g"),
        ("g?y#s", "/b/c/g?y"),
        (";x", "/b/c/;x"),
        ("g;x?y#s", "/b/c/g;x?y"),
        ("", "/b/c/d;p?q"),
        (".", "/b/c/"),
        ("./", "/b/c/"),
        ("..", "/b/"),
        ("../", "/b/"),
        ("../g", "/b/g"),
        ("../..", "/"),
        ("../../", "/"),
        ("../../g", "/g"),
        ("../../../g", "/g"),
        ("../../../../g", "/g"),
        ("/./g", "/g"),
        ("/../g", "/g"),
        ("g.", "/b/c/g."),
        (".g", "/b/c/.g"),
        ("g..", "/b/c/g.."),
        ("./../g", "/b/g"),
        ("./g/.", "/b/c/g/"),
        ("g/./h", "/b/c/g/h"),
        ("g/../h", "/b/c/h"),
        ("g;x=1/./y", "/b/c/g;x=1/y"),
        ("g;x=1/../y", "/b/c/y"),
        ("g?y/./x", "/b/c/g?y/./x"),
        ("g?y/../x", "/b/c/g?y/../x"),
        ("g#s/../x", "/b/c/g"),
        ("/a//b/", "/a//b/"),
        ("?y:z", "/b/c/d;p?y:z"),
        ("g/h:i", "/b/c/g/h:i"),
    ] {
        assert_eq!(resolved(ORIGIN, reference).as_deref(), Some(target), "{reference}");
    }
}

#[test]
fn an_origin_is_the_same_under_any_of_its_names() {
    for (origin, reference, target) in [
        (ORIGIN, "http://a.example", Some("/")),
        (ORIGIN, "http://a.example?x", Some("/?x")),
        (ORIGIN, "HTTP://A.Example:80/../g", Some("/g")),
        (ORIGIN, "http://a.example:/g", Some("/g")),
        (ORIGIN, "//a.example/g", Some("/g")),
        (ORIGIN, "https://a.example/g", None),
        (ORIGIN, "http://a.example:443/g", None),
        (ORIGIN, "http://a.example:8080/g", None),
        (ORIGIN, "http://a.example.org/g", None),
        (ORIGIN, "http://x@a.example/g", None),
        (ORIGIN, "//b.example/g", None),
        (ORIGIN, "http:/g", None),
        (ORIGIN, "http:g", None),
        (ORIGIN, "data:x", None),
        (ORIGIN, ":/g", Some("/b/c/:/g")),
        ("https://a.example:443", "https://a.example/g", Some("/g")),
        ("http://a.example:3000", "http://a.example:3000/g", Some("/g")),
        ("http://a.example:3000", "http://a.example/g", None),
        ("http://[::1]:80", "http://[::1]/g", Some("/g")),
        ("http://a.example x-forwarded-host=b", "http://a.example/g", Some("/g")),
        ("nothing", "/g", None),
    ] {
        assert_eq!(resolved(origin, reference).as_deref(), target, "{origin} {reference}");
    }
}

proptest! {
    #[test]
    fn whatever_is_referred_to_is_a_plain_absolute_path(reference in "[a./?#:;]{0,24}") {
        if let Some(target) = resolved(ORIGIN, &reference) {
            let path = target.split('?').next().unwrap_or_default();
            prop_assert!(path.starts_with('/') && !target.contains('#'), "{target}");
            prop_assert!(!path.split('/').any(|segment| matches!(segment, "." | "..")), "{target}");
        }
    }
}
