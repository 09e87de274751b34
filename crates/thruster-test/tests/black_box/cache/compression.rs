//! Codings of what is kept, made behind the scenes for those who come later.

use super::{ask_until, got, numbering, row};
use crate::compression::{decoded, page, publishing};
use thruster_test::{Client, Response, thrust, upstream};

const PAGE: &str = "Cache-Control: max-age=60\nContent-Type: text/html; charset=utf-8\nETag: \"a\"";

/// What a hit has under this coding, as soon as it is made.
fn coded(client: &mut Client, accepted: &str, coding: &str) -> Response {
    let fields = format!("Accept-Encoding: {accepted}");
    // What is coded for one client alone has no length.
    ask_until(client, "/", &fields, |response| {
        response.header("content-encoding") == coding
            && !response.header("content-length").is_empty()
    })
}

#[test]
fn a_later_hit_gets_the_coding_that_an_earlier_one_asked_for() {
    let app = publishing(PAGE);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let first = client.ask("GET", "/", "Accept-Encoding: gzip");
    assert_eq!((first.header("x-cache"), first.header("content-encoding")), ("miss", "gzip"));
    assert!(decoded("gzip", &first.body) == page());
    for coding in ["br", "zstd", "gzip"] {
        let hit = coded(&mut client, coding, coding);
        assert_eq!((hit.status, hit.header("x-cache")), (200, "hit"));
        assert!(decoded(coding, &hit.body) == page());
        assert!(hit.body.len() < page().len() / 4, "{coding}");
        assert_eq!(hit.all("etag"), ["W/\"a\""], "another coding is not the same bytes");
        assert_eq!(hit.all("vary"), ["Accept-Encoding"]);
        assert_eq!(hit.all("content-length"), [hit.body.len().to_string()]);
        assert_eq!(hit.header("content-type"), "text/html; charset=utf-8");
    }
    app.received();
    assert!(app.has_received_nothing());
}

#[test]
fn everybody_is_told_that_it_varies() {
    let app = publishing(PAGE);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for fields in ["", "Accept-Encoding: gzip", "Accept-Encoding: identity", "If-None-Match: \"a\""]
    {
        let response = client.ask("GET", "/", fields);
        assert_eq!(response.all("vary").join(", "), "Accept-Encoding", "{fields}");
    }
    let head = client.ask("HEAD", "/", "");
    assert_eq!(head.header("vary"), "Accept-Encoding");
}

#[test]
fn what_varies_already_varies_by_that_too() {
    let app = publishing("Cache-Control: max-age=60\nContent-Type: text/css\nVary: Cookie, Origin");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    let hit = coded(&mut client, "gzip", "gzip");
    let vary = hit.all("vary").join(", ").to_ascii_lowercase();
    let mut names: Vec<_> = vary.split(',').map(str::trim).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept-encoding", "cookie", "origin"]);
    assert_eq!(
        client.ask("GET", "/", "Accept-Encoding: gzip\nCookie: a=1").header("x-cache"),
        "miss"
    );
}

#[test]
fn the_client_chooses_and_then_we() {
    let app = publishing(PAGE);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    for coding in ["br", "zstd", "gzip"] {
        coded(&mut client, coding, coding);
    }
    for (accepted, coding) in [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, zstd", "zstd"),
        ("gzip;q=0.9, br;q=0.9, zstd;q=0.8", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("zstd;q=0.2, gzip;q=0.1", "zstd"),
        ("br;q=0, gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("*", "br"),
        ("br;q=0, zstd;q=0, *;q=0.5", "gzip"),
        ("gzip;q=0", ""),
        ("identity", ""),
        ("identity, gzip;q=0.5", ""),
        ("deflate", ""),
        ("compress, unknown", ""),
        ("", ""),
    ] {
        let response = client.ask("GET", "/", &format!("Accept-Encoding: {accepted}"));
        assert_eq!(response.header("content-encoding"), coding, "{accepted}");
        assert!(decoded(coding, &response.body) == page(), "{accepted}");
    }
    let plain = client.get("/");
    assert_eq!((plain.header("content-encoding"), plain.all("etag")), ("", vec!["\"a\""]));
    assert!(plain.text() == page());
}

#[test]
fn a_coded_answer_is_recognised_by_its_tag() {
    let app = publishing(PAGE);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    coded(&mut client, "gzip", "gzip");
    for tag in ["W/\"a\"", "\"a\""] {
        for accepted in ["gzip", "identity"] {
            let fields = format!("Accept-Encoding: {accepted}\nIf-None-Match: {tag}");
            let response = client.ask("GET", "/", &fields);
            assert_eq!((response.status, got(&response)), (304, ("hit", "")), "{fields}");
        }
    }
    let head = client.ask("HEAD", "/", "Accept-Encoding: gzip");
    assert_eq!((head.header("content-encoding"), head.all("etag")), ("gzip", vec!["W/\"a\""]));
    // The coded body has no parts: what is asked for is a part of the page as it is.
    let part = client.ask("GET", "/", "Accept-Encoding: gzip\nRange: bytes=0-3");
    assert_eq!((part.status, part.text(), part.header("content-encoding")), (206, "<li ", ""));
}

/// What stays as it is however often it is asked for: a witness tells when it would be coded.
const PLAIN: &[(&str, usize)] = &[
    ("Cache-Control: max-age=60\nContent-Type: text/html", 1023),
    ("Cache-Control: max-age=60\nContent-Type: image/png", 5000),
    ("Cache-Control: max-age=60\nContent-Type: application/zip", 5000),
    ("Cache-Control: max-age=60", 5000),
    ("Cache-Control: max-age=60, no-transform\nContent-Type: text/html", 5000),
    ("Cache-Control: max-age=60\nContent-Type: text/html\nContent-Encoding: identity", 5000),
    ("Cache-Control: max-age=60\nContent-Type: text/html\nContent-Encoding: br", 5000),
    // The witness.
    ("Cache-Control: max-age=60\nContent-Type: text/html", 1024),
];

#[test]
fn what_is_small_compressed_or_not_to_be_touched_stays_as_it_is() {
    let app = upstream(|exchange| {
        let (fields, length) = row(exchange, PLAIN);
        exchange.answer(200, fields, &"x".repeat(*length));
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for target in (0..PLAIN.len()).map(|number| format!("/{number}")) {
        for _ in 0..3 {
            client.ask("GET", &target, "Accept-Encoding: gzip, br;q=0.5");
        }
    }
    let witness = format!("/{}", PLAIN.len() - 1);
    ask_until(&mut client, &witness, "Accept-Encoding: gzip", |response| {
        response.header("content-encoding") == "gzip"
    });
    for (number, (fields, length)) in PLAIN.iter().enumerate().take(PLAIN.len() - 1) {
        let hit = client.ask("GET", &format!("/{number}"), "Accept-Encoding: gzip, br;q=0.5");
        assert_eq!((hit.header("x-cache"), hit.body.len()), ("hit", *length), "{fields}");
    }
}

#[test]
fn compression_can_be_switched_off() {
    let app = publishing(PAGE);
    let proxy = thrust().with("GZIP_COMPRESSION_ENABLED", 0).run(&app);
    let mut client = proxy.connect();
    for _ in 0..5 {
        let response = client.ask("GET", "/", "Accept-Encoding: gzip");
        assert_eq!((response.header("content-encoding"), response.header("vary")), ("", ""));
        assert_eq!(response.all("etag"), ["\"a\""]);
    }
}

#[test]
fn who_logs_in_may_be_spared_compression() {
    let app = publishing("Cache-Control: public, max-age=60\nContent-Type: text/html");
    let proxy = thrust().with("GZIP_COMPRESSION_DISABLE_ON_AUTH", 1).run(&app);
    let mut client = proxy.connect();
    client.get("/");
    coded(&mut client, "gzip", "gzip");
    for field in ["Cookie: a=1", "Authorization: Basic YTpi", "X-Csrf-Token: a"] {
        let hit = client.ask("GET", "/", &format!("Accept-Encoding: gzip\n{field}"));
        assert_eq!((hit.header("x-cache"), hit.header("content-encoding")), ("hit", ""), "{field}");
        assert!(hit.text() == page());
    }
}

#[test]
fn what_is_confirmed_keeps_its_codings() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(200, PAGE, &page()),
        _ => exchange.answer(304, PAGE, ""),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    coded(&mut client, "br", "br");
    let confirmed = client.ask("GET", "/", "Accept-Encoding: br\nCache-Control: no-cache");
    assert_eq!((confirmed.header("x-cache"), confirmed.header("content-encoding")), ("miss", "br"));
    let hit = client.ask("GET", "/", "Accept-Encoding: br");
    assert_eq!((hit.header("x-cache"), hit.header("content-encoding")), ("hit", "br"));
    assert_eq!((hit.all("etag"), hit.all("vary")), (vec!["W/\"a\""], vec!["Accept-Encoding"]));
    assert!(decoded("br", &hit.body) == page());
    let plain = client.get("/");
    assert_eq!((plain.all("etag"), plain.all("vary")), (vec!["\"a\""], vec!["Accept-Encoding"]));
}

#[test]
fn a_refreshed_answer_is_coded_anew() {
    let app = numbering(|exchange, number| {
        let fields = "Cache-Control: max-age=60\nContent-Type: text/plain";
        exchange.answer(200, fields, &number.to_string().repeat(3000));
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    assert!(decoded("br", &coded(&mut client, "br", "br").body) == "1".repeat(3000));
    assert_eq!(client.ask("GET", "/", "Cache-Control: no-cache").header("x-cache"), "miss");
    let live = client.ask("GET", "/", "Accept-Encoding: br");
    assert!(decoded(live.header("content-encoding"), &live.body) == "2".repeat(3000));
    assert!(decoded("br", &coded(&mut client, "br", "br").body) == "2".repeat(3000));
}
