use super::*;

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let field = |&(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), value.parse().unwrap())
    };
    fields.iter().map(field).collect()
}

fn is_typed_eligible(kind: &str) -> bool {
    is_eligible(StatusCode::OK, &headers(&[("content-type", kind)]), None)
}

#[test]
fn text_in_all_its_forms_is_eligible() {
    for kind in [
        "text/html",
        "text/html; charset=utf-8",
        "TEXT/CSS ;charset=x",
        "text/event-stream",
        "application/json",
        "application/vnd.api+json; charset=utf-8",
        "application/javascript",
        "application/rss+XML",
        "application/manifest+json",
        "application/wasm",
        "image/svg+xml",
        "image/x-icon",
        "font/ttf",
        "font/otf",
        "application/vnd.ms-fontobject",
    ] {
        assert!(is_typed_eligible(kind), "{kind}");
    }
}

#[test]
fn what_is_compressed_already_or_unknown_is_not() {
    for kind in [
        "image/png",
        "image/jpeg",
        "image/webp",
        "image/avif",
        "video/mp4",
        "audio/mpeg",
        "font/woff",
        "font/woff2",
        "application/zip",
        "application/gzip",
        "application/pdf",
        "application/octet-stream",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "multipart/byteranges; boundary=+json",
        "application/jsonp",
        "textual",
        "text",
        "",
    ] {
        assert!(!is_typed_eligible(kind), "{kind}");
    }
    assert!(!is_eligible(StatusCode::OK, &HeaderMap::new(), Some(5000)));
}

#[test]
fn small_bodies_stay_as_they_are() {
    let text = headers(&[("content-type", "text/plain")]);
    for (length, expected) in [(Some(0), false), (Some(1023), false), (Some(1024), true)] {
        assert_eq!(is_eligible(StatusCode::OK, &text, length), expected, "{length:?}");
    }
    assert!(is_eligible(StatusCode::OK, &text, None));
}

#[test]
fn only_whole_bodies_are_coded() {
    let text = headers(&[("content-type", "text/plain")]);
    for (status, expected) in
        [(101, false), (200, true), (204, false), (205, false), (206, false), (304, false)]
    {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(is_eligible(status, &text, None), expected, "{status}");
    }
    for status in [201, 404, 422, 500] {
        assert!(is_eligible(StatusCode::from_u16(status).unwrap(), &text, None), "{status}");
    }
    let part = headers(&[("content-type", "text/plain"), ("content-range", "bytes 0-9/10")]);
    assert!(!is_eligible(StatusCode::OK, &part, None));
}

#[test]
fn what_is_coded_or_not_to_be_touched_is_left_alone() {
    for (name, value) in [
        ("content-encoding", "gzip"),
        ("content-encoding", "identity"),
        ("cache-control", "no-transform"),
        ("cache-control", "public, No-Transform"),
    ] {
        let fields = headers(&[("content-type", "text/html"), (name, value)]);
        assert!(!is_eligible(StatusCode::OK, &fields, None), "{name}: {value}");
    }
    let second_line = headers(&[
        ("content-type", "text/html"),
        ("cache-control", "public"),
        ("cache-control", "max-age=5,no-transform"),
    ]);
    assert!(!is_eligible(StatusCode::OK, &second_line, None));
}

#[test]
fn exchanges_about_somebody_are_guarded() {
    for name in ["cookie", "authorization", "x-csrf-token"] {
        assert!(is_guarded_request(&headers(&[(name, "x")])), "{name}");
    }
    for (name, value) in [
        ("set-cookie", "a=b"),
        ("cache-control", "max-age=0, private"),
        ("cache-control", "private=\"set-cookie\""),
        ("cache-control", "No-Store"),
        ("vary", "Accept, Cookie"),
    ] {
        assert!(is_guarded_response(&headers(&[(name, value)])), "{name}: {value}");
    }
    let second_line = headers(&[("cache-control", "max-age=5"), ("cache-control", "private")]);
    assert!(is_guarded_response(&second_line));
}

#[test]
fn exchanges_about_nobody_are_not() {
    let request = headers(&[("accept", "*/*"), ("set-cookie", "x"), ("vary", "Cookie")]);
    let response = headers(&[
        ("cache-control", "public, max-age=5, no-cache"),
        ("vary", "Accept-Encoding, X-Cookie"),
        ("cookie", "x"),
    ]);
    assert!(!is_guarded_request(&request) && !is_guarded_response(&response));
}
