//! Requests over HTTP/2 that are refused, and what the child sees of them: nothing.

use std::io::Read;

use http::Request;
use thruster_test::{Http2, Thrust, Upstream, event, thrust, upstream, values};

use super::frames::{END_HEADERS, END_STREAM, Frames, HEADERS};
use super::http2;

#[test]
fn http_2_is_refused_unless_it_is_switched_on() {
    let app = Upstream::saying("hello");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(client.response("GET").status, 505);
    assert!(client.is_closed());
    assert_eq!(proxy.logged_request()["status"], 505);
    assert!(app.has_received_nothing());
}

#[test]
fn a_host_field_will_do_where_there_is_no_authority() {
    let app = Upstream::saying("hello");
    let proxy = http2(&app);
    // Indexed `:method: GET`, `:scheme: http`, `:path: /`; literal `host: a`.
    assert_eq!(status_of_headers(&proxy, b"\x82\x86\x84\x0f\x17\x01a"), 200);
    assert!(app.received().contains("\r\nhost: a\r\n"));
}

#[test]
fn a_request_without_any_host_is_refused() {
    let app = Upstream::saying("hello");
    let proxy = http2(&app);
    assert_eq!(status_of_headers(&proxy, b"\x82\x86\x84"), 400);
    let line = proxy.logged_request();
    assert_eq!((&line["status"], &line["error"]), (&400.into(), &"missing :authority".into()));
    assert!(app.has_received_nothing());
}

/// Sends this as the HEADERS of one whole request, and reads the answer's `:status`.
fn status_of_headers(proxy: &Thrust, block: &[u8]) -> u16 {
    let mut frames = Frames::open(proxy);
    frames.send(HEADERS, END_STREAM | END_HEADERS, 1, block);
    let answer = frames.next(HEADERS);
    // RFC 7541 appendix A: the indexed fields 8 and 12.
    match answer.payload[0] {
        0x88 => 200,
        0x8c => 400,
        other => panic!("not an indexed status of 200 or 400: {other:#x}"),
    }
}

#[test]
fn what_breaks_a_limit_is_refused() {
    let app = Upstream::saying("hello");
    let proxy = thrust().with("H2C_ENABLED", 1).with("MAX_REQUEST_BODY", 100).run(&app);
    let client = proxy.connect_http2();
    assert_eq!(client.get(&format!("/{}", "x".repeat(20_000))).status, 414);
    let announced = Http2::request("POST", "/").header("content-length", "101");
    assert_eq!(client.open(announced, false).head().expect("an answer").status, 413);
    assert!(app.has_received_nothing());
    assert_eq!(client.get("/").status, 200);
    assert_eq!(proxy.logged_request()["status"], 414);
    assert_eq!(proxy.logged_request()["status"], 413);
}

#[test]
fn a_body_that_grows_too_large_is_refused() {
    let (gave, given) = event();
    let app = upstream(move |exchange| {
        let mut body = exchange.line().into_bytes();
        gave.send(body.clone()).expect("a test that listens");
        // That it ends, and how much there was, is what counts; it need not end well.
        drop(exchange.stream.read_to_end(&mut body));
        gave.send(body).expect("a test that listens");
    });
    let proxy = thrust().with("H2C_ENABLED", 1).with("MAX_REQUEST_BODY", 100).run(&app);
    let client = proxy.connect_http2();
    let mut stream = client.open(Http2::request("POST", "/"), false);
    stream.send(&[b'x'; 60]);
    assert!(given.wait().eq_ignore_ascii_case(b"3c"), "the first chunk's size");
    stream.send(&[b'x'; 60]);
    assert_eq!(stream.head().expect("an answer").status, 413);
    assert_eq!(proxy.logged_request()["status"], 413);
    let body = String::from_utf8_lossy(&given.wait()).into_owned();
    assert!(body.matches('x').count() <= 100 && !body.contains("\r\n0\r\n"), "{body}");
}

#[test]
fn the_child_never_sees_two_lengths() {
    let app = Upstream::echo();
    let proxy = http2(&app);
    let client = proxy.connect_http2();
    let post = |second: &str| {
        let head = Http2::request("POST", "/");
        let head = head.header("content-length", "4").header("content-length", second);
        let mut stream = client.open(head, false);
        stream.send(b"body").finish();
        stream.head()
    };
    // A malformed request: a 400 and a reset are both right (RFC 9113 section 8.1.1).
    assert!(post("40").is_ok_and(|answer| answer.status == 400) || app.has_received_nothing());
    // The same length twice is as good as once (RFC 9110 section 8.6), and reaches the child so.
    if post("4").is_ok_and(|answer| answer.status == 200) {
        assert_eq!(values(&app.received(), "content-length"), ["4"]);
    }
    assert_eq!(client.get("/").status, 200, "the connection is as good as ever");
}

#[test]
fn a_plain_connect_is_refused() {
    let app = Upstream::saying("hello");
    let proxy = http2(&app);
    let client = proxy.connect_http2();
    let connect = Request::builder().method("CONNECT").uri("example.com:443");
    assert_eq!(client.open(connect, false).head().expect("an answer").status, 501);
    assert_eq!(proxy.logged_request()["status"], 501);
    assert_eq!(client.get("/").status, 200);
}
