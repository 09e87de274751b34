//! What is done to something makes what is kept of it worthless (RFC 9111 section 4.4).

use super::{got, numbering, row};
use thruster_test::{Client, Event, Response, Upstream, event, thrust, upstream};

/// A child that lets everybody keep what it gives, and answers all else with a status and fields.
fn child(status: u16, fields: &'static str) -> Upstream {
    numbering(move |exchange, number| match exchange.head.starts_with("GET ") {
        true => exchange.answer(200, "Cache-Control: max-age=60", &number.to_string()),
        false => exchange.answer(status, fields, ""),
    })
}

fn ask(client: &mut Client, method: &str, host: &str, target: &str) -> Response {
    let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    client.send(head).response(method)
}

/// Whether these are kept; asks for them if not.
fn kept(client: &mut Client, host: &str, targets: &[&str]) -> Vec<bool> {
    let hits =
        targets.iter().map(|target| ask(client, "GET", host, target).header("x-cache") == "hit");
    hits.collect()
}

#[test]
fn every_unsafe_method_that_succeeds_invalidates() {
    for status in [200, 201, 204, 302, 303] {
        let app = child(status, "");
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        for method in ["POST", "PUT", "PATCH", "DELETE", "PURGE", "FROB", "get"] {
            kept(&mut client, "test.example", &["/"]);
            assert_eq!(kept(&mut client, "test.example", &["/"]), [true]);
            assert_eq!(client.ask(method, "/", "").status, status);
            assert_eq!(kept(&mut client, "test.example", &["/"]), [false], "{method} {status}");
        }
    }
}

#[test]
fn what_fails_or_is_safe_changes_nothing() {
    for (status, methods) in [
        (400, &["POST", "DELETE"][..]),
        (404, &["PUT"]),
        (409, &["PATCH"]),
        (422, &["POST"]),
        (500, &["POST", "FROB"]),
        (200, &["HEAD", "OPTIONS", "TRACE"]),
    ] {
        let app = child(status, "Location: /");
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        for method in methods {
            kept(&mut client, "test.example", &["/"]);
            assert_eq!(
                client.ask(method, "/", "").status,
                if *method == "HEAD" { 200 } else { status }
            );
            assert_eq!(kept(&mut client, "test.example", &["/"]), [true], "{method} {status}");
        }
    }
}

#[test]
fn only_what_was_meant_goes() {
    let app = child(204, "");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let targets = ["/posts/1", "/posts", "/posts/1/", "/posts/1?a", "/posts/11", "/Posts/1", "/"];
    kept(&mut client, "test.example", &targets);
    kept(&mut client, "other.example", &["/posts/1"]);
    ask(&mut client, "DELETE", "TEST.example", "/posts/1");
    assert_eq!(
        kept(&mut client, "test.example", &targets),
        [false, true, true, true, true, true, true]
    );
    assert_eq!(kept(&mut client, "other.example", &["/posts/1"]), [true]);
}

#[test]
fn what_location_names_goes_too_if_it_is_of_the_same_origin() {
    const ROWS: &[(&str, bool)] = &[
        ("Location: /a/b?c", true),
        ("Content-Location: /a/b?c", true),
        ("Location: http://test.example/a/b?c", true),
        ("Location: http://TEST.example/a/b?c#top", true),
        ("Location: //test.example/a/b?c", true),
        ("Location: a/b?c", true),
        ("Location: ./x/../a/b?c", true),
        ("Location: /elsewhere\nContent-Location: /a/b?c", true),
        ("Location: http://other.example/a/b?c", false),
        ("Location: https://test.example/a/b?c", false),
        ("Location: http://test.example:81/a/b?c", false),
        ("Location: //other.example/a/b?c", false),
        ("Location: /a/b", false),
        ("Location: /a/b?C", false),
        ("Location:", false),
        ("Location: http://", false),
        ("Location: ::::", false),
    ];
    let app = upstream(|exchange| match exchange.head.starts_with("GET ") {
        true => exchange.answer(200, "Cache-Control: max-age=60", "body"),
        false => exchange.answer(303, row(exchange, ROWS).0, ""),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for (number, (fields, goes)) in ROWS.iter().enumerate() {
        kept(&mut client, "test.example", &["/a/b?c"]);
        kept(&mut client, "other.example", &["/a/b?c"]);
        client.ask("POST", &format!("/{number}"), "");
        assert_eq!(kept(&mut client, "test.example", &["/a/b?c"]), [!goes], "{fields}");
        assert_eq!(kept(&mut client, "other.example", &["/a/b?c"]), [true], "{fields}");
    }
}

#[test]
fn every_variant_goes() {
    let app = upstream(|exchange| {
        exchange.answer(200, "Cache-Control: max-age=60\nVary: Accept-Language", "body");
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let languages = ["Accept-Language: de", "Accept-Language: en", ""];
    for x_cache in ["miss", "hit"] {
        for language in languages {
            assert_eq!(got(&client.ask("GET", "/", language)), (x_cache, "body"));
        }
    }
    client.ask("POST", "/", "Accept-Language: de");
    for language in languages {
        assert_eq!(got(&client.ask("GET", "/", language)), ("miss", "body"));
    }
}

#[test]
fn what_was_on_its_way_is_not_kept() {
    let (go_on, told): (_, Event<()>) = event();
    let app = upstream(move |exchange| {
        if exchange.head.starts_with("POST ") {
            return exchange.answer(204, "", "");
        }
        exchange
            .send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 6\r\n\r\nold");
        told.wait();
        exchange.send("age");
    });
    let proxy = thrust().run(&app);
    let mut early = proxy.connect();
    early.send("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n");
    assert_eq!(early.head().status, 200);
    assert_eq!(early.bytes(3), b"old");
    assert_eq!(proxy.connect().ask("POST", "/", "").status, 204);
    // Nor does anybody join it now.
    let mut late = proxy.connect();
    late.send("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n");
    assert_eq!(late.head().status, 200);
    for wanted in ["GET", "POST", "GET"] {
        assert!(app.received().starts_with(wanted));
    }
    go_on.send(()).expect("a child that listens");
    assert_eq!(early.bytes(3), b"age");
    go_on.send(()).expect("a child that listens");
    assert_eq!(late.bytes(6), b"oldage");
    assert_eq!(got(&proxy.connect().get("/")), ("hit", "oldage"), "the second one");
    assert!(app.has_received_nothing());
}

#[test]
fn what_was_asked_for_before_is_not_kept() {
    let (go_on, told): (_, Event<()>) = event();
    let app = numbering(move |exchange, number| {
        if exchange.head.starts_with("POST ") {
            return exchange.answer(204, "", "");
        }
        if number == 1 {
            told.wait();
        }
        exchange.answer(200, "Cache-Control: max-age=60", &number.to_string());
    });
    let proxy = thrust().run(&app);
    let mut early = proxy.connect();
    early.send("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n");
    app.received();
    assert_eq!(proxy.connect().ask("POST", "/", "").status, 204);
    go_on.send(()).expect("a child that listens");
    assert_eq!(early.response("GET").text(), "1");
    assert_eq!(got(&proxy.connect().get("/")), ("miss", "3"));
    assert_eq!(got(&proxy.connect().get("/")), ("hit", "3"));
}
