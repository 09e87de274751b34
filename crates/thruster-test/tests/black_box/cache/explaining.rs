//! What clients and the log are told of what the cache did, and why.

use super::{STALE, counting, got, numbering, said, ttl};
use serde_json::Value;
use thruster_test::{Response, thrust, upstream};

/// Our line of Cache-Status.
fn status(response: &Response) -> String {
    response.all("cache-status").last().copied().unwrap_or_default().to_owned()
}

#[test]
fn a_miss_and_a_hit_are_told_in_full() {
    let app = counting("Cache-Control: max-age=600");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let (miss, hit) = (client.get("/"), client.get("/"));
    let expected = [
        (&miss, "miss", "thruster; fwd=miss; fwd-status=200; ttl=600; stored"),
        (&hit, "hit", "thruster; hit; ttl=600"),
    ];
    for (response, x_cache, full) in expected {
        assert_eq!(response.all("x-cache"), [x_cache]);
        // A busy machine takes a few seconds off it.
        let told = status(response).replace(&format!("ttl={}", ttl(response)), "ttl=600");
        assert_eq!((told.as_str(), (590..=600).contains(&ttl(response))), (full, true));
        let line = proxy.logged_request();
        assert_eq!((&line["cache"], line.get("cache_reason")), (&Value::from(x_cache), None));
    }
}

#[test]
fn each_outcome_has_its_words() {
    let app = numbering(|exchange, _| match exchange.target() {
        "/private" => exchange.answer(200, "Cache-Control: private", "body"),
        "/vary" => exchange.answer(200, "Cache-Control: max-age=60\nVary: Cookie", "body"),
        "/stale" if !exchange.header("if-none-match").is_empty() => exchange.answer(304, STALE, ""),
        "/stale" => exchange.answer(200, STALE, "body"),
        _ => exchange.answer(200, "Cache-Control: max-age=60\nETag: \"a\"", "body"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for target in ["/", "/vary", "/stale"] {
        client.get(target);
        proxy.logged_request();
    }
    for (method, target, fields, x_cache, told) in [
        ("GET", "/private", "", "miss", "fwd=miss; fwd-status=200; detail=private"),
        ("GET", "/vary", "Cookie: a=1", "miss", "fwd=vary-miss; fwd-status=200; ttl; stored"),
        ("GET", "/stale", "", "miss", "fwd=stale; fwd-status=304; ttl; stored"),
        ("GET", "/", "Cache-Control: no-cache", "miss", "fwd=request; fwd-status=200; ttl; stored"),
        ("GET", "/", "If-None-Match: \"a\"", "hit", "hit; ttl"),
        ("HEAD", "/", "", "hit", "hit; ttl"),
        ("POST", "/post", "", "bypass", "fwd=method; fwd-status=200"),
        ("GET", "/", "If-Match: \"a\"", "bypass", "fwd=bypass; fwd-status=200"),
    ] {
        let response = client.ask(method, target, fields);
        assert_eq!(response.header("x-cache"), x_cache, "{method} {target} {fields}");
        let line = proxy.logged_request();
        assert_eq!(line["cache"], x_cache);
        let detail = said(&response, "detail");
        assert_eq!(line.get("cache_reason").and_then(Value::as_str), detail);
        let ours = status(&response);
        let parts = ours
            .split("; ")
            .skip(1)
            .filter(|part| x_cache != "bypass" || !part.starts_with("detail="));
        let parts = parts.map(|part| if part.starts_with("ttl=") { "ttl" } else { part });
        assert_eq!(parts.collect::<Vec<_>>().join("; "), told, "{method} {target} {fields}");
    }
}

#[test]
fn those_before_us_keep_their_words() {
    let app = counting(
        "Cache-Control: max-age=60\nCache-Status: origin; hit; ttl=5, inner; fwd=miss\nX-Cache: HIT from inner",
    );
    let proxy = thrust().run(&app);
    let first = proxy.connect().get("/");
    assert_eq!(first.all("x-cache"), ["miss"]);
    let lines = first.all("cache-status");
    assert_eq!(lines[0], "origin; hit; ttl=5, inner; fwd=miss");
    assert!(lines[1].starts_with("thruster; fwd=miss; "), "{lines:?}");
    let hit = proxy.connect().get("/");
    assert_eq!(hit.all("x-cache"), ["hit"]);
    let ours = hit.all("cache-status").into_iter().filter(|line| line.starts_with("thruster"));
    assert_eq!(ours.count(), 1, "{:?}", hit.all("cache-status"));
    assert!(status(&hit).starts_with("thruster; hit"));
}

#[test]
fn an_upgrade_passes_by() {
    let app = upstream(|exchange| match exchange.header("upgrade") {
        "" => exchange.answer(200, "Cache-Control: max-age=60", "page"),
        _ => {
            exchange.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
            exchange.close();
        }
    });
    let proxy = thrust().run(&app);
    proxy.connect().get("/");
    proxy.logged_request();
    let mut client = proxy.connect();
    client.send(
        "GET / HTTP/1.1\r\nHost: test.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    let head = client.head();
    assert_eq!((head.status, head.header("x-cache")), (101, "bypass"));
    assert_eq!(client.rest(), b"");
    drop(client);
    assert_eq!(proxy.logged_request()["cache"], "bypass");
    assert_eq!(got(&proxy.connect().get("/")), ("hit", "page"));
}

#[test]
fn what_the_child_marks_for_purging_is_told_to_nobody() {
    let app = upstream(|exchange| {
        let age = if exchange.target() == "/kept" { "max-age=60" } else { "no-store" };
        exchange.answer(
            200,
            &format!("Cache-Control: {age}\nCache-Tag: a, b\nSurrogate-Key: c d"),
            "body",
        );
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for (method, target) in [
        ("GET", "/kept"),
        ("GET", "/kept"),
        ("HEAD", "/kept"),
        ("GET", "/not"),
        ("HEAD", "/not"),
        ("POST", "/"),
    ] {
        let response = client.ask(method, target, "");
        assert_eq!(
            (response.header("cache-tag"), response.header("surrogate-key")),
            ("", ""),
            "{method} {target}"
        );
    }
}

#[test]
fn what_went_wrong_is_no_miss_of_the_caches() {
    let proxy = thrust().run_alone();
    let response = proxy.connect().get("/");
    assert_eq!((response.status, response.header("cache-control")), (502, "no-store"));
    assert_ne!(response.header("x-cache"), "hit");
    assert_ne!(proxy.logged_request()["cache"], "hit");
}
