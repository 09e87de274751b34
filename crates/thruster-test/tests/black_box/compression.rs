//! What is made for one client is coded on its way out, and no byte waits for the next one.

mod settings;

use std::io::Read;

use thruster_test::{Response, Upstream, event, thrust, upstream};

const HTML: &str = "Content-Type: text/html; charset=utf-8\nCache-Control: private";

/// What a page is made of.
pub fn page() -> String {
    (0..400).map(|n| format!("<li class=\"post\">Post number {n}</li>\n")).collect()
}

/// A child with one page.
pub fn publishing(fields: &'static str) -> Upstream {
    upstream(move |exchange| exchange.answer(200, fields, &page()))
}

/// What a client makes of a body with this Content-Encoding.
pub fn decoded(coding: &str, mut body: &[u8]) -> String {
    let mut text = String::new();
    let read = match coding {
        "" => body.read_to_string(&mut text),
        "gzip" => flate2::read::MultiGzDecoder::new(body).read_to_string(&mut text),
        "br" => brotli::Decompressor::new(body, 4096).read_to_string(&mut text),
        "zstd" => zstd::Decoder::new(body).and_then(|mut zstd| zstd.read_to_string(&mut text)),
        other => panic!("{other}"),
    };
    read.expect("what was coded can be decoded");
    text
}

fn coding(response: &Response) -> &str {
    response.header("content-encoding")
}

#[test]
fn the_client_gets_the_coding_it_likes_best_and_we_find_cheapest() {
    let app = publishing(HTML);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for (accepted, expected) in [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, br", "br"),
        ("gzip;q=1, br;q=0.9", "gzip"),
        ("identity, gzip;q=0.1", ""),
        ("zstd;q=0, br;q=0, *", "gzip"),
        ("deflate", ""),
    ] {
        let response = client.ask("GET", "/", &format!("Accept-Encoding: {accepted}"));
        assert_eq!(coding(&response), expected, "{accepted}");
        assert!(decoded(expected, &response.body) == page(), "{accepted}");
        assert_eq!(response.header("vary"), "Accept-Encoding");
    }
    assert_eq!(coding(&client.get("/")), "");
}

#[test]
fn a_coded_answer_promises_nothing_of_the_plain_one() {
    let app = publishing("Content-Type: text/css\nETag: \"a\"\nVary: Origin\nAccept-Ranges: bytes");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let get = client.ask("GET", "/", "Accept-Encoding: gzip");
    assert_eq!((get.header("etag"), get.header("vary")), ("W/\"a\"", "Origin, Accept-Encoding"));
    assert_eq!((get.header("content-length"), get.header("accept-ranges")), ("", ""));
    let head = client.ask("HEAD", "/", "Accept-Encoding: gzip");
    for name in ["content-encoding", "etag", "vary", "content-length", "accept-ranges"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
}

#[test]
fn what_is_small_coded_or_not_to_be_touched_passes_as_it_is() {
    for (status, fields, length) in [
        (200, "Content-Type: text/html", 1023),
        (200, "Content-Type: image/png", 5000),
        (200, "Content-Type: text/html\nContent-Encoding: br", 5000),
        (200, "Content-Type: text/html\nCache-Control: no-transform", 5000),
        (206, "Content-Type: text/html\nContent-Range: bytes 0-4999/9999", 5000),
        (200, "", 5000),
    ] {
        let app = upstream(move |exchange| exchange.answer(status, fields, &"x".repeat(length)));
        let proxy = thrust().run(&app);
        let response = proxy.connect().ask("GET", "/", "Accept-Encoding: gzip");
        assert_eq!(response.body, "x".repeat(length).as_bytes(), "{fields}");
        assert_eq!(response.header("content-length"), length.to_string(), "{fields}");
    }
}

#[test]
fn an_event_reaches_the_client_before_the_next_is_made() {
    for accepted in ["gzip", "br", "zstd"] {
        let (seen, next) = event::<()>();
        let app = upstream(move |exchange| {
            exchange.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                 Transfer-Encoding: chunked\r\n\r\n",
            );
            for number in 0..3 {
                exchange.send(format!("9\r\ndata: {number}\n\n\r\n"));
                next.wait();
            }
            exchange.send("0\r\n\r\n");
        });
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accepted}\r\n\r\n"));
        assert_eq!(coding(&client.head()), accepted);
        let (mut body, mut number) = (Vec::new(), 0);
        while let Some(chunk) = client.chunk() {
            body.extend(chunk);
            // Each event ends a chunk, but a head may be a chunk of its own.
            if number < 3 && begun(accepted, &body).ends_with(&format!("data: {number}\n\n")) {
                number += 1;
                seen.send(()).expect("the child waits");
            }
        }
        assert_eq!(decoded(accepted, &body), "data: 0\n\ndata: 1\n\ndata: 2\n\n");
    }
}

/// What can be decoded of a body that has only begun.
fn begun(coding: &str, body: &[u8]) -> String {
    let mut plain = vec![0; 1000];
    let mut reader: Box<dyn Read> = match coding {
        "gzip" => Box::new(flate2::read::GzDecoder::new(body)),
        "br" => Box::new(brotli::Decompressor::new(body, 4096)),
        _ => Box::new(zstd::Decoder::new(body).expect("a decoder")),
    };
    let mut length = 0;
    while let Ok(read @ 1..) = reader.read(&mut plain[length..]) {
        length += read;
    }
    String::from_utf8(plain[..length].to_vec()).expect("text")
}

#[test]
fn a_short_body_of_unknown_length_stays_plain_and_a_long_one_does_not_wait() {
    let (seen, next) = event::<()>();
    let app = upstream(move |exchange| {
        exchange.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n",
        );
        if exchange.target() == "/short" {
            return exchange.send("5\r\nshort\r\n0\r\n\r\n");
        }
        exchange.send(format!("800\r\n{}\r\n", "x".repeat(0x800)));
        next.wait();
        exchange.send("0\r\n\r\n");
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET /long HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    assert_eq!(coding(&client.head()), "gzip");
    let mut body = client.chunk().expect("a beginning");
    while begun("gzip", &body).len() < 1000 {
        body.extend(client.chunk().expect("more of it"));
    }
    seen.send(()).expect("the child waits");
    while let Some(chunk) = client.chunk() {
        body.extend(chunk);
    }
    client.line();
    assert_eq!(decoded("gzip", &body).len(), 0x800);
}

#[test]
fn a_large_body_is_coded_whole_and_others_get_their_turn() {
    let body: String = (0..200_000).map(|n| format!("row {n}\n")).collect();
    let expected = body.clone();
    let app = upstream(move |exchange| match exchange.target() {
        "/large" => exchange.answer(200, "Content-Type: text/plain", &body),
        _ => exchange.answer(200, "Content-Type: text/plain", "small"),
    });
    let proxy = thrust().run(&app);
    for accepted in ["gzip", "br", "zstd"] {
        let mut client = proxy.connect();
        let large = client.ask("GET", "/large", &format!("Accept-Encoding: {accepted}"));
        assert!(decoded(accepted, &large.body) == expected, "{accepted}");
        assert_eq!(client.get("/small").text(), "small");
    }
    let http2 = thrust().with("H2C_ENABLED", 1).run(&app);
    let head = thruster_test::Http2::request("GET", "/large").header("accept-encoding", "br");
    let large = http2.connect_http2().open(head, true).response();
    assert!(decoded("br", &large.body) == expected);
}

#[test]
fn an_answer_that_breaks_off_does_not_look_whole() {
    let app = upstream(|exchange| {
        exchange
            .send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 90000\r\n\r\n");
        exchange.send("x".repeat(50_000));
        exchange.close();
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    client.head();
    assert!(!client.remains().ends_with(b"0\r\n\r\n"));
    assert!(proxy.logged_request()["error"].as_str().is_some_and(|e| e.contains("broke off")));
}
