//! HTTP/2 by prior knowledge: what a client may expect of any HTTP/2 server, and what the child,
//! which speaks HTTP/1.1, gets to see of it.

mod endings;
mod frames;
mod hostile;
mod refusals;
mod resets;
mod shut_windows;
mod websocket;

use std::thread;

use http::{HeaderMap, HeaderValue};
use thruster_test::{Http2, Thrust, Upstream, thrust, upstream};

/// In front of `app`, with HTTP/2 switched on.
fn http2(app: &Upstream) -> Thrust {
    thrust().with("H2C_ENABLED", 1).run(app)
}

#[test]
fn a_get_reaches_the_child_as_http_1() {
    let app = Upstream::saying("hello");
    let proxy = http2(&app);
    let response = proxy.connect_http2().get("/path?q=100%&a;b");
    assert_eq!((response.status, response.text()), (200, "hello"));
    assert_eq!(response.header("content-length"), "5");
    let head = app.received();
    assert!(head.starts_with("GET /path?q=100%&a;b HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nhost: test.example\r\n"), "{head}");
    let line = proxy.logged_request();
    assert_eq!((&line["proto"], &line["status"]), (&"HTTP/2.0".into(), &200.into()));
}

#[test]
fn a_body_goes_up_and_comes_back() {
    let app = Upstream::echo();
    let proxy = http2(&app);
    let body = "x".repeat(300_000);
    assert_eq!(proxy.connect_http2().post("/", body.as_bytes()).text(), body);
    let line = proxy.logged_request();
    assert_eq!((&line["bytes_in"], &line["bytes_out"]), (&300_000.into(), &300_000.into()));
}

#[test]
fn a_head_request_gets_the_length_and_no_body() {
    let app = upstream(|exchange| exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"));
    let proxy = http2(&app);
    let response = proxy.connect_http2().open(Http2::request("HEAD", "/"), true).response();
    assert_eq!((response.status, response.header("content-length")), (200, "1234"));
    assert!(response.body.is_empty());
    let line = proxy.logged_request();
    assert_eq!((&line["status"], line.get("error")), (&200.into(), None));
}

#[test]
fn an_empty_answer_is_logged_as_whole() {
    let app = upstream(|exchange| exchange.send("HTTP/1.1 204 No Content\r\n\r\n"));
    let proxy = http2(&app);
    assert_eq!(proxy.connect_http2().get("/").status, 204);
    let line = proxy.logged_request();
    assert_eq!((&line["status"], line.get("error")), (&204.into(), None));
}

#[test]
fn many_streams_share_a_connection() {
    let app = upstream(|exchange| {
        let target = exchange.target().to_owned();
        exchange.respond(200, &target);
    });
    let proxy = http2(&app);
    let client = proxy.connect_http2();
    let streams: Vec<_> = (0..100)
        .map(|number| client.open(Http2::request("GET", &format!("/{number}")), true))
        .collect();
    // The last first: none waits for another.
    for (number, stream) in streams.into_iter().enumerate().rev() {
        assert_eq!(stream.response().text(), format!("/{number}"));
    }
}

#[test]
fn cookie_crumbs_become_one_field() {
    let app = Upstream::saying("");
    let proxy = http2(&app);
    let crumbs = Http2::request("GET", "/").header("cookie", "a=1").header("cookie", "b=2; c=3");
    proxy.connect_http2().open(crumbs, true).response();
    let head = app.received();
    assert!(head.contains("\r\ncookie: a=1; b=2; c=3"), "{head}");
    assert_eq!(head.to_lowercase().matches("cookie:").count(), 1);
}

#[test]
fn trailers_go_both_ways() {
    let app = upstream(|exchange| {
        exchange.body();
        exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n");
        let sum = exchange.head.lines().last().expect("a trailer").to_lowercase();
        exchange.send(format!("2\r\nok\r\n0\r\nX-Seen: {sum}\r\n\r\n"));
    });
    let proxy = http2(&app);
    let head = Http2::request("POST", "/").header("trailer", "x-sum");
    let mut stream = proxy.connect_http2().open(head, false);
    stream.send(b"body").finish_with(HeaderMap::from_iter([(
        "x-sum".parse().expect("a name"),
        HeaderValue::from_static("42"),
    )]));
    let response = stream.response();
    assert_eq!(response.text(), "ok");
    assert_eq!(response.trailers, [("x-seen".to_owned(), "x-sum: 42".to_owned())]);
}

#[test]
fn fields_for_one_hop_end_here() {
    let app = upstream(|exchange| {
        exchange.send(
            "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
             Transfer-Encoding: chunked\r\nX-Kept: 1\r\n\r\n0\r\n\r\n",
        );
    });
    let proxy = http2(&app);
    let head = Http2::request("GET", "/").header("te", "trailers").header("x-kept", "1");
    let response = proxy.connect_http2().open(head, true).response();
    for name in ["connection", "x-hop", "keep-alive", "transfer-encoding"] {
        assert_eq!(response.header(name), "", "{name}");
    }
    assert_eq!(response.header("x-kept"), "1");
    let head = app.received();
    assert!(head.contains("x-kept: 1") && !head.contains("\r\nte:"), "{head}");
}

#[test]
fn a_large_download_is_byte_exact_however_slowly_the_window_opens() {
    const PIECE: usize = 100_000;
    const PIECES: usize = 200;
    let app = upstream(|exchange| {
        let length = PIECE * PIECES;
        exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
        for number in 0..PIECES {
            exchange.send([number as u8].repeat(PIECE));
        }
    });
    let proxy = http2(&app);
    let client = proxy.connect_http2();
    let mut stream = client.open(Http2::request("GET", "/"), true);
    assert_eq!(stream.head().expect("an answer").status, 200);
    let mut received = 0;
    while let Some(data) = stream.data().expect("a whole body") {
        for (at, byte) in (received..).zip(&data) {
            assert_eq!(usize::from(*byte), at / PIECE % 256, "at {at}");
        }
        received += data.len();
    }
    assert_eq!(received, PIECE * PIECES);
    assert_eq!(proxy.logged_request()["bytes_out"], received);
}

#[test]
fn http_1_is_spoken_on_the_same_port() {
    let app = Upstream::saying("hello");
    let proxy = http2(&app);
    // The first letter, and no more, is that of HTTP/2's preface.
    let mut client = proxy.connect();
    client.send("P").send("OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.response("POST").text(), "hello");
    assert_eq!(client.get("/").text(), "hello");
    assert_eq!(proxy.connect_http2().get("/").text(), "hello");
}

#[test]
fn streams_of_many_connections_do_not_mix() {
    let app = Upstream::echo();
    let proxy = http2(&app);
    thread::scope(|scope| {
        for client in 0..4 {
            let address = proxy.address();
            scope.spawn(move || {
                let connection = Http2::connect(address);
                for number in 0..50 {
                    let body = format!("{client}/{number}").repeat(500);
                    assert_eq!(connection.post("/", body.as_bytes()).text(), body);
                }
            });
        }
    });
}
