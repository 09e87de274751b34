//! What is not kept, and the name that the refusal has.

use super::{counting, got, numbering, row, said};
use thruster_test::{thrust, upstream};

/// A status, fields, and why that is not kept.
const REFUSED: &[(u16, &str, &str)] = &[
    (200, "", "no-freshness"),
    (200, "Cache-Control: public", "no-freshness"),
    (200, "ETag: \"a\"\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT", "no-freshness"),
    (200, "Cache-Control: no-store, max-age=60", "no-store"),
    (200, "Cache-Control: public, max-age=60\nCache-Control: No-Store", "no-store"),
    (200, "CDN-Cache-Control: no-store\nCache-Control: public, max-age=60", "no-store"),
    (200, "Cache-Control: private, max-age=60", "private"),
    (200, "Cache-Control: public, max-age=60, private", "private"),
    (200, "CDN-Cache-Control: private, max-age=60", "private"),
    (200, "Cache-Control: no-cache, max-age=60", "no-cache"),
    (200, "Cache-Control: max-age=0", "expired"),
    (200, "Cache-Control: s-maxage=0, max-age=60", "expired"),
    (200, "Cache-Control: max-age=soon", "expired"),
    (200, "Cache-Control: max-age=60\nAge: 60", "expired"),
    (200, "Cache-Control: max-age=60\nDate: Thu, 01 Jan 2026 00:00:00 GMT", "expired"),
    (200, "Expires: 0", "expired"),
    (200, "Expires: Thu, 01 Jan 2026 00:00:00 GMT", "expired"),
    (200, "Date: Thu, 01 Jan 2099 00:00:00 GMT\nExpires: Thu, 01 Jan 2099 00:00:00 GMT", "expired"),
    (200, "Cache-Control: max-age=60, must-revalidate, stale-if-error=600\nAge: 60", "expired"),
    (200, "Cache-Control: max-age=60\nSet-Cookie: a=1", "set-cookie"),
    // RFC 9213 section 2.2: what is public by Cache-Control alone is not so for us.
    (200, "CDN-Cache-Control: max-age=60\nCache-Control: public\nSet-Cookie: a=1", "set-cookie"),
    (200, "Cache-Control: max-age=60\nVary: *", "vary-star"),
    (200, "Cache-Control: max-age=60\nVary: Accept\nVary: Cookie, *", "vary-star"),
    (201, "Cache-Control: public, max-age=60", "status"),
    (202, "Cache-Control: public, max-age=60", "status"),
    (400, "Cache-Control: public, max-age=60", "status"),
    (401, "Cache-Control: public, max-age=60", "status"),
    (403, "Cache-Control: public, max-age=60", "status"),
    (418, "Cache-Control: public, max-age=60", "status"),
    (422, "Cache-Control: public, max-age=60", "status"),
    (429, "Cache-Control: public, max-age=60", "status"),
    (500, "Cache-Control: public, max-age=60", "status"),
    (502, "Cache-Control: public, max-age=60", "status"),
    (503, "Cache-Control: public, max-age=60", "status"),
    (599, "Cache-Control: public, max-age=60, must-understand", "status"),
];

#[test]
fn what_is_not_kept_has_a_reason() {
    let app = upstream(|exchange| {
        let (status, fields, _) = row(exchange, REFUSED);
        exchange.answer(*status, fields, "body");
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for (number, (status, fields, reason)) in REFUSED.iter().enumerate() {
        for _ in 0..2 {
            let response = client.get(&format!("/{number}"));
            assert_eq!((response.status, got(&response)), (*status, ("miss", "body")), "{fields}");
            assert_eq!(said(&response, "detail"), Some(*reason), "{status} {fields}");
            assert_eq!(said(&response, "fwd"), Some("miss"), "{fields}");
            assert_eq!(said(&response, "stored"), None, "{fields}");
            let line = proxy.logged_request();
            assert_eq!(
                (&line["cache"], &line["cache_reason"]),
                (&"miss".into(), &(*reason).into())
            );
            app.received();
        }
    }
}

#[test]
fn a_cookie_that_is_not_public_is_for_one() {
    let app = numbering(|exchange, number| {
        let fields = format!("Cache-Control: max-age=60\nSet-Cookie: session={number}");
        exchange.answer(200, &fields, "welcome");
    });
    let proxy = thrust().run(&app);
    for session in ["session=1", "session=2"] {
        let response = proxy.connect().get("/");
        assert_eq!((got(&response), response.header("set-cookie")), (("miss", "welcome"), session));
    }
}

#[test]
fn a_part_is_not_kept_as_the_whole() {
    let app = upstream(|exchange| {
        let fields = "Cache-Control: no-cache\nContent-Range: bytes 0-3/10";
        exchange.answer(206, fields, "0123");
    });
    let proxy = thrust().run(&app);
    for _ in 0..2 {
        let response = proxy.connect().ask("GET", "/", "Range: bytes=0-3");
        assert_eq!((response.status, got(&response)), (206, ("miss", "0123")));
        let reason = said(&response, "detail").expect("a reason");
        assert!(reason.starts_with("partial"), "{reason}");
    }
}

#[test]
fn a_request_may_forbid_to_keep_the_answer() {
    let app = counting("Cache-Control: max-age=60");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let first = client.ask("GET", "/", "Cache-Control: max-age=100, NO-STORE");
    assert_eq!((got(&first), said(&first, "detail")), (("miss", "1"), Some("request-no-store")));
    assert_eq!(proxy.logged_request()["cache_reason"], "request-no-store");
    assert_eq!(got(&client.get("/")), ("miss", "2"));
    assert_eq!(got(&client.get("/")), ("hit", "2"));
}

#[test]
fn only_get_leaves_anything() {
    let app = numbering(|exchange, number| {
        exchange.answer(404, "Cache-Control: public, max-age=60", &number.to_string());
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for (number, method) in
        ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "get"].iter().enumerate()
    {
        let response = client.ask(method, "/", "");
        assert_eq!(got(&response), ("bypass", &*(number + 1).to_string()), "{method}");
        assert_eq!(said(&response, "fwd"), Some("method"), "{method}");
    }
    let head = client.ask("HEAD", "/", "");
    assert_eq!((head.status, got(&head)), (404, ("miss", "")));
    assert_eq!(got(&client.get("/")), ("miss", "9"));
    assert_eq!(got(&client.get("/")), ("hit", "9"));
    // And nothing else is answered with what it has left.
    assert_eq!(got(&client.ask("POST", "/", "")), ("bypass", "10"));
    assert_eq!(got(&client.ask("OPTIONS", "/", "")), ("bypass", "11"));
    assert_eq!(got(&client.get("/")), ("hit", "9"));
}

#[test]
fn what_is_too_large_is_not_kept() {
    let app = upstream(|exchange| {
        let body = "x".repeat(exchange.target()[2..].parse().expect("a size"));
        let fields = "Cache-Control: max-age=60";
        if exchange.target().starts_with("/l") {
            return exchange.answer(200, fields, &body);
        }
        let (one, two) = body.split_at(10);
        exchange.send(format!("HTTP/1.1 200 OK\r\n{fields}\r\nTransfer-Encoding: chunked\r\n\r\n"));
        for piece in [one, two, ""] {
            exchange.send(format!("{:x}\r\n{piece}\r\n", piece.len()));
        }
    });
    let proxy = thrust().with("MAX_CACHE_ITEM_SIZE", 5000).run(&app);
    for (target, last) in
        [("/l5000", "hit"), ("/l5001", "miss"), ("/c5000", "hit"), ("/c5001", "miss")]
    {
        let first = proxy.connect().get(target);
        assert_eq!(
            (first.header("x-cache"), first.body.len()),
            ("miss", target[2..].parse().expect("a size"))
        );
        let second = proxy.connect().get(target);
        assert!(second.body == first.body, "{target}");
        assert_eq!(second.header("x-cache"), last, "{target}");
        if target == "/l5001" {
            assert_eq!(said(&first, "detail"), Some("too-large"));
        }
    }
}

#[test]
fn without_room_there_is_no_cache() {
    let app = counting("Cache-Control: max-age=60");
    let proxy = thrust().with("CACHE_SIZE", 0).run(&app);
    for number in ["1", "2"] {
        let response = proxy.connect().get("/");
        assert_eq!((got(&response), said(&response, "fwd")), (("bypass", number), Some("bypass")));
        assert_eq!(proxy.logged_request()["cache"], "bypass");
    }
}
