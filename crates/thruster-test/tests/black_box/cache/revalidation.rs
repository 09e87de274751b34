//! What is kept but not good enough: the application is asked whether it still is, and its 304
//! makes it as good as new. And what a request may demand of the cache.

use super::{STALE, counting, got, numbering, said, ttl};
use thruster_test::{thrust, values};

const DATE: &str = "Thu, 15 Jan 2026 12:00:00 GMT";

#[test]
fn what_has_expired_is_refreshed_by_a_304() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(200, &format!("{STALE}\nX-Version: 1\nX-Kept: yes"), "body"),
        _ => exchange.answer(304, "Cache-Control: max-age=60\nETag: \"a\"\nX-Version: 2", ""),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_eq!(got(&client.get("/")), ("miss", "body"));
    assert_eq!(values(&app.received(), "if-none-match"), [""; 0]);
    let refreshed = client.get("/");
    assert_eq!((refreshed.status, got(&refreshed)), (200, ("miss", "body")));
    let told = ["fwd", "fwd-status", "stored"].map(|name| said(&refreshed, name));
    assert_eq!(told, [Some("stale"), Some("304"), Some("")]);
    assert_eq!(values(&app.received(), "if-none-match"), ["\"a\""]);
    let hit = client.get("/");
    assert_eq!(got(&hit), ("hit", "body"));
    assert!((50..=60).contains(&ttl(&hit)), "{}", ttl(&hit));
    for response in [refreshed, hit] {
        assert_eq!((response.all("x-version"), response.all("x-kept")), (vec!["2"], vec!["yes"]));
        assert_eq!(response.all("cache-control"), ["max-age=60"]);
        assert_eq!(response.all("content-length"), ["4"]);
    }
    assert!(app.has_received_nothing());
}

#[test]
fn every_validator_is_asked_about() {
    let rows: [(&'static str, &[&str], &[&str]); 3] = [
        ("ETag: W/\"a\"", &["W/\"a\""], &[]),
        ("Last-Modified: Thu, 15 Jan 2026 12:00:00 GMT", &[], &[DATE]),
        ("ETag: \"a\"\nLast-Modified: Thu, 15 Jan 2026 12:00:00 GMT", &["\"a\""], &[DATE]),
    ];
    for (validators, tags, dates) in rows {
        let app = numbering(move |exchange, number| {
            let fields = format!("Cache-Control: max-age=60\n{validators}");
            exchange.answer(if number == 1 { 200 } else { 304 }, &fields, "body");
        });
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        client.get("/");
        app.received();
        let response = client.ask("GET", "/", "Cache-Control: no-cache");
        assert_eq!((response.status, got(&response)), (200, ("miss", "body")), "{validators}");
        let head = app.received();
        assert_eq!(values(&head, "if-none-match"), tags);
        assert_eq!(values(&head, "if-modified-since"), dates);
    }
}

#[test]
fn a_clients_own_conditions_do_not_get_mixed_up_with_ours() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(200, STALE, "body"),
        _ if values(&exchange.head, "if-none-match") == ["\"a\""] => {
            exchange.answer(304, STALE, "");
        }
        _ => exchange.answer(500, "", "not what was kept"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    app.received();
    for (fields, status) in [
        ("If-None-Match: \"a\"", 304),
        ("If-None-Match: \"z\", \"y\"", 200),
        ("If-None-Match: W/\"a\"", 304),
        ("If-Modified-Since: Thu, 15 Jan 2026 12:00:00 GMT", 200),
        ("", 200),
    ] {
        let response = client.ask("GET", "/", fields);
        let body = if status == 200 { "body" } else { "" };
        assert_eq!((response.status, got(&response)), (status, ("miss", body)), "{fields}");
        let head = app.received();
        assert_eq!(values(&head, "if-none-match"), ["\"a\""], "{fields}");
        assert_eq!(values(&head, "if-modified-since"), [""; 0], "{fields}");
    }
}

#[test]
fn what_has_changed_replaces_what_was_kept() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(200, STALE, "old"),
        _ => exchange.answer(200, "Cache-Control: max-age=60\nETag: \"b\"", "new"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_eq!(got(&client.get("/")), ("miss", "old"));
    let new = client.get("/");
    assert_eq!((got(&new), said(&new, "fwd-status")), (("miss", "new"), Some("200")));
    let hit = client.get("/");
    assert_eq!((got(&hit), hit.all("etag")), (("hit", "new"), vec!["\"b\""]));
}

#[test]
fn a_304_about_something_else_is_no_confirmation() {
    // RFC 9111 section 4.3.4: what it names is not what is kept.
    let app = numbering(|exchange, number| match exchange.header("if-none-match") {
        "\"a\"" => exchange.answer(304, "Cache-Control: max-age=60\nETag: \"b\"", ""),
        _ if number == 1 => exchange.answer(200, STALE, "old"),
        _ => exchange.answer(200, "Cache-Control: max-age=60\nETag: \"b\"", "new"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_eq!(got(&client.get("/")), ("miss", "old"));
    let response = client.get("/");
    assert_eq!((response.status, got(&response)), (200, ("miss", "new")));
    assert_eq!(got(&client.get("/")), ("hit", "new"));
}

#[test]
fn a_304_that_takes_leave_back_is_not_kept() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(200, STALE, "body"),
        2 => exchange.answer(304, "Cache-Control: no-store\nETag: \"a\"", ""),
        _ => exchange.answer(200, "", "third"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    let confirmed = client.get("/");
    assert_eq!((confirmed.status, got(&confirmed)), (200, ("miss", "body")));
    assert_eq!((said(&confirmed, "detail"), said(&confirmed, "stored")), (Some("no-store"), None));
    assert_eq!(got(&client.get("/")), ("miss", "third"));
}

#[test]
fn a_cookie_that_comes_with_a_304_is_for_the_one_who_asked() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(200, STALE, "body"),
        _ => exchange.answer(
            304,
            "Cache-Control: public, max-age=60\nETag: \"a\"\nSet-Cookie: a=1",
            "",
        ),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    let refreshed = client.get("/");
    assert_eq!((got(&refreshed), refreshed.header("set-cookie")), (("miss", "body"), "a=1"));
    let hit = client.get("/");
    assert_eq!((got(&hit), hit.header("set-cookie")), (("hit", "body"), ""));
}

#[test]
fn a_request_may_demand_to_be_sure() {
    let app = counting("Cache-Control: max-age=60\nAge: 20");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    for (fields, x_cache) in [
        ("Cache-Control: max-age=40", "hit"),
        ("Cache-Control: min-fresh=10", "hit"),
        ("Cache-Control: max-stale", "hit"),
        ("Cache-Control: only-if-cached", "hit"),
        // RFC 9111 section 5.4: Pragma is for those who do not know Cache-Control.
        ("Pragma: no-cache\nCache-Control: max-age=40", "hit"),
        ("Cache-Control: no-cache", "miss"),
        ("Cache-Control: No-Cache", "miss"),
        ("Cache-Control: max-age=0", "miss"),
        ("Cache-Control: max-age=10", "miss"),
        ("Cache-Control: min-fresh=50", "miss"),
        ("Cache-Control: max-age=\"10\"", "miss"),
        ("Cache-Control: max-stale\nCache-Control: no-cache", "miss"),
        ("Pragma: no-cache", "miss"),
    ] {
        let response = client.ask("GET", "/", fields);
        assert_eq!(response.header("x-cache"), x_cache, "{fields}");
        let why = (x_cache == "miss").then_some("request");
        assert_eq!(said(&response, "fwd"), why, "{fields}");
        // What has been demanded is there for all.
        assert_eq!(got(&client.get("/")), ("hit", response.text()), "{fields}");
    }
}

#[test]
fn a_request_may_put_up_with_what_is_stale() {
    let app = counting("Cache-Control: max-age=60, stale-if-error=600\nAge: 100");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    for fields in ["Cache-Control: max-stale", "Cache-Control: max-stale=300, max-age=200"] {
        let response = client.ask("GET", "/", fields);
        assert_eq!(got(&response), ("hit", "1"), "{fields}");
        assert!(ttl(&response) < 0, "it is told how stale it is");
    }
    for (number, fields) in
        [("2", "Cache-Control: max-stale=10"), ("3", "Cache-Control: max-stale, max-age=90")]
    {
        assert_eq!(got(&client.ask("GET", "/", fields)), ("miss", number), "{fields}");
    }
}

#[test]
fn only_if_cached_is_answered_at_once_or_not_at_all() {
    let app = counting(STALE);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for target in ["/", "/stale"] {
        if target == "/stale" {
            client.get(target);
            app.received();
        }
        for method in ["GET", "HEAD"] {
            let response = client.ask(method, target, "Cache-Control: only-if-cached");
            assert_eq!(response.status, 504, "{method} {target}");
        }
    }
    assert!(app.has_received_nothing());
    let response = client.ask("GET", "/stale", "Cache-Control: only-if-cached, max-stale");
    assert_eq!((response.status, got(&response)), (200, ("hit", "1")));
}

#[test]
fn head_is_answered_from_get() {
    let app = counting("Cache-Control: max-age=60\nContent-Type: text/plain");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_eq!(got(&client.ask("HEAD", "/", "")), ("miss", ""));
    assert_eq!(got(&client.get("/")), ("miss", "2"), "a HEAD leaves nothing");
    let head = client.ask("HEAD", "/", "");
    assert_eq!((head.status, got(&head)), (200, ("hit", "")));
    assert_eq!((head.header("content-length"), head.header("content-type")), ("1", "text/plain"));
    assert_eq!(got(&client.get("/")), ("hit", "2"));
}

#[test]
fn head_refreshes_what_get_has_left() {
    // RFC 9111 section 4.3.5.
    let app = numbering(|exchange, _| match exchange.target() {
        _ if !exchange.head.starts_with("HEAD ") => exchange.answer(200, STALE, "body"),
        "/same" => exchange.answer(200, "Cache-Control: max-age=60\nETag: \"a\"\nX-New: 1", "body"),
        "/length" => exchange.answer(200, "Cache-Control: max-age=60\nETag: \"a\"", "longer"),
        _ => exchange.answer(200, "Cache-Control: max-age=60\nETag: \"b\"", "body"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for target in ["/same", "/length", "/other"] {
        client.get(target);
        app.received();
        assert_eq!(got(&client.ask("HEAD", target, "")), ("miss", ""));
        app.received();
    }
    let hit = client.get("/same");
    assert_eq!((got(&hit), hit.header("x-new")), (("hit", "body"), "1"));
    for target in ["/length", "/other"] {
        assert_eq!(got(&client.get(target)), ("miss", "body"));
        assert_eq!(values(&app.received(), "if-none-match"), [""; 0], "there is nothing left");
    }
}
