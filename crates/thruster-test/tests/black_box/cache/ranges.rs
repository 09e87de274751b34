//! Parts of what is kept (RFC 9110 section 14), and what becomes of parts the application gives.

use super::{STALE, get_until, got, numbering, said};
use crate::sendfile::parts_of;
use thruster_test::{Client, Response, Upstream, thrust, upstream, values};

const DIGITS: &str = "0123456789";
const FIELDS: &str = "Cache-Control: max-age=60\nETag: \"a\"\n\
                      Last-Modified: Thu, 15 Jan 2026 12:00:00 GMT\n\
                      Date: Thu, 01 Jan 2099 00:00:00 GMT\nContent-Type: text/plain";

/// A child with ten digits, that knows of parts.
fn digits(fields: &'static str) -> Upstream {
    upstream(move |exchange| match exchange.header("range") {
        "" => exchange.answer(200, fields, DIGITS),
        "bytes=2-4" => {
            exchange.answer(206, &format!("{fields}\nContent-Range: bytes 2-4/10"), "234");
        }
        range => panic!("{range} is for the cache"),
    })
}

fn part(client: &mut Client, range: &str) -> Response {
    client.ask("GET", "/", &format!("Range: {range}"))
}

#[test]
fn a_part_of_what_is_kept_is_given() {
    let app = digits(FIELDS);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    for (range, content_range, body) in [
        ("bytes=0-3", "bytes 0-3/10", "0123"),
        ("bytes=0-0", "bytes 0-0/10", "0"),
        ("bytes=4-", "bytes 4-9/10", "456789"),
        ("bytes=9-99999999999999999999", "bytes 9-9/10", "9"),
        ("bytes=0-", "bytes 0-9/10", DIGITS),
        ("bytes=-3", "bytes 7-9/10", "789"),
        ("bytes=-11", "bytes 0-9/10", DIGITS),
        ("BYTES=1-2", "bytes 1-2/10", "12"),
    ] {
        let response = part(&mut client, range);
        assert_eq!((response.status, got(&response)), (206, ("hit", body)), "{range}");
        assert_eq!(response.header("content-range"), content_range, "{range}");
        assert_eq!(response.all("content-length"), [body.len().to_string()], "{range}");
        assert_eq!(
            (response.header("etag"), response.header("content-type")),
            ("\"a\"", "text/plain")
        );
    }
}

#[test]
fn what_are_no_good_ranges_gets_the_whole() {
    let app = digits(FIELDS);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    for range in [
        "bytes=0-1,4-3",
        "bytes=0-,0-0",
        "items=0-1",
        "bytes=",
        "bytes=-",
        "bytes=4-3",
        "bytes=a-b",
        "bytes 0-1",
        "bytes=0x0-1",
        "bytes=+1-2",
        "bytes=1-2-3",
        "0-1",
        "bytes=--1",
    ] {
        let response = part(&mut client, range);
        assert_eq!((response.status, got(&response)), (200, ("hit", DIGITS)), "{range}");
        assert_eq!(response.header("content-range"), "", "{range}");
    }
    // RFC 9110 section 14.2: a range is for GET alone.
    let head = client.ask("HEAD", "/", "Range: bytes=0-1");
    assert_eq!((head.status, head.header("content-length")), (200, "10"));
}

#[test]
fn several_parts_of_what_is_kept_are_given_together() {
    let app = digits(FIELDS);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    let response = part(&mut client, "bytes=7-8,0-1");
    assert_eq!((response.status, response.header("x-cache")), (206, "hit"));
    assert_eq!(
        parts_of(&response),
        [("7-8/10".into(), "78".into()), ("0-1/10".into(), "01".into())]
    );
    let joined = part(&mut client, "bytes=0-1,2-3");
    assert_eq!((joined.status, got(&joined)), (206, ("hit", "0123")));
    assert_eq!(joined.header("content-range"), "bytes 0-3/10");
}

#[test]
fn what_lies_beyond_the_end_is_416() {
    let app = digits(FIELDS);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    for range in ["bytes=10-", "bytes=10-11", "bytes=99999999999999999999-", "bytes=-0"] {
        let response = part(&mut client, range);
        assert_eq!((response.status, got(&response)), (416, ("hit", "")), "{range}");
        assert_eq!(response.header("content-range"), "bytes */10", "{range}");
        // It is not about the body that would have been sent.
        assert_eq!(response.header("content-type"), "", "{range}");
    }
}

#[test]
fn of_nothing_there_is_no_part() {
    // RFC 9110 section 14.2 lets us ignore the wish.
    let app = upstream(|exchange| exchange.answer(200, FIELDS, ""));
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    for range in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
        let response = part(&mut client, range);
        assert_eq!((response.status, got(&response)), (200, ("hit", "")), "{range}");
    }
}

#[test]
fn a_part_is_given_only_if_it_is_one_of_the_same() {
    let app = digits(FIELDS);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    for (condition, status) in [
        ("If-Range: \"a\"", 206),
        ("If-Range: Thu, 15 Jan 2026 12:00:00 GMT", 206),
        ("If-Range: \"b\"", 200),
        // RFC 9110 section 13.1.5: compared strongly.
        ("If-Range: W/\"a\"", 200),
        ("If-Range: Thu, 15 Jan 2026 12:00:01 GMT", 200),
        ("If-Range: Thu, 15 Jan 2026 11:59:59 GMT", 200),
        ("If-Range: *", 200),
        ("If-Range: nonsense", 200),
        ("If-None-Match: \"a\"", 304),
        ("If-None-Match: \"b\"", 206),
        ("If-Modified-Since: Thu, 15 Jan 2026 12:00:00 GMT", 304),
    ] {
        let response = client.ask("GET", "/", &format!("Range: bytes=2-4\n{condition}"));
        let body = match status {
            200 => DIGITS,
            206 => "234",
            _ => "",
        };
        assert_eq!((response.status, got(&response)), (status, ("hit", body)), "{condition}");
    }
}

#[test]
fn a_weak_tag_never_makes_a_part() {
    let app = digits("Cache-Control: max-age=60\nETag: W/\"a\"");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    let response = client.ask("GET", "/", "Range: bytes=2-4\nIf-Range: W/\"a\"");
    assert_eq!((response.status, response.text()), (200, DIGITS));
}

#[test]
fn an_error_has_no_parts() {
    let app = upstream(|exchange| exchange.answer(404, FIELDS, DIGITS));
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    let response = part(&mut client, "bytes=2-4");
    assert_eq!((response.status, got(&response)), (404, ("hit", DIGITS)));
}

#[test]
fn a_part_of_something_large_is_byte_for_byte() {
    let body: String = (0..100_000).map(|n| format!("{n:08}")).collect();
    let whole = body.clone();
    let app = upstream(move |exchange| exchange.answer(200, FIELDS, &whole));
    let proxy = thrust().with("H2C_ENABLED", true).run(&app);
    let mut client = proxy.connect();
    assert!(client.get("/").text() == body);
    for (first, last) in [(0, 799_999), (8, 15), (65_530, 131_080), (799_992, 799_999)] {
        let response = part(&mut client, &format!("bytes={first}-{last}"));
        assert_eq!((response.status, response.header("x-cache")), (206, "hit"));
        assert!(response.text() == &body[first..=last], "{first} to {last}");
        let head = thruster_test::Http2::request("GET", "/")
            .header("range", format!("bytes={first}-{last}"));
        let response = proxy.connect_http2().open(head, true).response();
        assert_eq!(response.status, 206);
        assert!(response.text() == &body[first..=last], "{first} to {last} in HTTP/2");
    }
}

#[test]
fn after_a_part_for_one_client_the_whole_is_fetched_for_the_others() {
    let app = digits(FIELDS);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let first = client.ask("GET", "/", "Range: bytes=2-4\nIf-Range: \"a\"");
    assert_eq!((first.status, got(&first)), (206, ("miss", "234")));
    assert_eq!(first.header("content-range"), "bytes 2-4/10");
    let head = app.received();
    assert_eq!(
        (values(&head, "range"), values(&head, "if-range")),
        (vec!["bytes=2-4"], vec!["\"a\""])
    );
    let head = app.received();
    assert_eq!((values(&head, "range"), values(&head, "if-range")), (vec![], vec![]));
    let hit = get_until(&mut client, "/", |response| response.header("x-cache") == "hit");
    assert_eq!((hit.status, hit.text()), (200, DIGITS));
    let second = part(&mut client, "bytes=5-");
    assert_eq!((second.status, got(&second)), (206, ("hit", "56789")));
    assert!(app.has_received_nothing());
}

#[test]
fn a_part_of_what_nobody_may_keep_is_all_that_is_fetched() {
    let app = digits("Cache-Control: private, max-age=60\nETag: \"a\"");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for _ in 0..3 {
        let response = part(&mut client, "bytes=2-4");
        assert_eq!((response.status, got(&response)), (206, ("miss", "234")));
        assert_eq!(values(&app.received(), "range"), ["bytes=2-4"]);
    }
    assert_eq!(client.get("/").text(), DIGITS);
    assert_eq!(values(&app.received(), "range"), [""; 0]);
}

#[test]
fn what_is_too_large_to_keep_is_not_fetched_for_a_part() {
    let app = upstream(|exchange| match exchange.target() {
        "/" => exchange.answer(
            206,
            "Cache-Control: max-age=60\nContent-Range: bytes 2-4/9999999",
            "234",
        ),
        _ => exchange.answer(200, "", "other"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for _ in 0..3 {
        let response = part(&mut client, "bytes=2-4");
        assert_eq!((response.status, got(&response)), (206, ("miss", "234")));
        client.get("/other");
        assert_eq!(values(&app.received(), "range"), ["bytes=2-4"]);
        assert!(app.received().starts_with("GET /other "));
    }
}

#[test]
fn a_part_of_what_has_expired_comes_from_the_whole_that_a_304_confirms() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(200, STALE, DIGITS),
        _ => exchange.answer(304, "Cache-Control: max-age=60\nETag: \"a\"", ""),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    app.received();
    let response = part(&mut client, "bytes=2-4");
    assert_eq!((response.status, got(&response)), (206, ("miss", "234")));
    assert_eq!(said(&response, "fwd-status"), Some("304"));
    let head = app.received();
    assert_eq!((values(&head, "range"), values(&head, "if-none-match")), (vec![], vec!["\"a\""]));
    assert_eq!(got(&part(&mut client, "bytes=0-1")), ("hit", "01"));
}
