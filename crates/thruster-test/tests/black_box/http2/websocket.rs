//! WebSockets over HTTP/2 (RFC 8441): an extended CONNECT from the client, an upgrade of HTTP/1.1
//! for the child, and the same bytes for both.

use std::io::Read;
use std::time::Duration;

use http::Request;
use http::request::Builder;
use thruster_test::{Exchange, event, pace, thrust, upstream};

use super::http2;

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                      Upgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n";

/// An extended CONNECT for `protocol`.
fn connect(protocol: &'static str) -> Builder {
    Request::builder()
        .method("CONNECT")
        .uri("http://test.example/cable?room=1")
        .extension(h2::ext::Protocol::from_static(protocol))
        .header("sec-websocket-version", "13")
}

/// Switches, and gives back what comes in.
fn switch_and_echo(exchange: &mut Exchange) {
    exchange.send(SWITCH);
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = exchange.stream.read(&mut piece) {
        exchange.send(&piece[..length]);
    }
    exchange.send("bye");
    exchange.close();
}

#[test]
fn an_extended_connect_becomes_an_upgrade_and_bytes_go_both_ways() {
    let app = upstream(switch_and_echo);
    let proxy = http2(&app);
    let client = proxy.connect_http2();
    let mut stream = client.open(connect("websocket"), false);
    let response = stream.head().expect("an answer");
    assert_eq!(response.status, 200);
    for name in ["connection", "upgrade", "sec-websocket-accept", "content-length"] {
        assert_eq!(response.header(name), "", "{name}");
    }
    for word in ["hello", "world"] {
        stream.send(word.as_bytes());
        assert_eq!(stream.data().expect("data").as_deref(), Some(word.as_bytes()));
    }
    // Our half is closed, and the other still speaks.
    stream.finish();
    assert_eq!(stream.data().expect("data").as_deref(), Some(&b"bye"[..]));
    assert_eq!(stream.data().expect("an end"), None);
    let head = app.received().to_lowercase();
    assert!(head.starts_with("get /cable?room=1 http/1.1\r\n"), "{head}");
    for field in ["upgrade: websocket", "connection: upgrade", "sec-websocket-version: 13"] {
        assert!(head.contains(&format!("\r\n{field}")), "{field} in {head}");
    }
    assert!(head.contains("\r\nsec-websocket-key: ") && head.contains("\r\nhost: test.example"));
    let line = proxy.logged_request();
    assert_eq!((&line["path"], &line["proto"]), (&"/cable".into(), &"HTTP/2.0".into()));
    assert_eq!((&line["bytes_in"], &line["bytes_out"]), (&10.into(), &13.into()));
}

#[test]
fn what_the_child_says_right_behind_its_101_is_not_lost() {
    let app = upstream(|exchange| {
        exchange.send(format!("{SWITCH}first words"));
        exchange.close();
    });
    let proxy = http2(&app);
    let mut stream = proxy.connect_http2().open(connect("websocket"), false);
    assert_eq!(stream.head().expect("an answer").status, 200);
    assert_eq!(stream.data().expect("data").as_deref(), Some(&b"first words"[..]));
}

#[test]
fn a_child_that_does_not_switch_opens_no_tunnel() {
    let app = upstream(|exchange| match exchange.header("x-answer") {
        "page" => exchange.respond(200, "no socket here"),
        _ => exchange.respond(403, "not for you"),
    });
    let proxy = http2(&app);
    let client = proxy.connect_http2();
    let refused = client.open(connect("websocket"), false).response();
    assert_eq!((refused.status, refused.text()), (403, "not for you"));
    // A 200 would say that the tunnel is open (RFC 8441 section 5).
    let mut page = client.open(connect("websocket").header("x-answer", "page"), false);
    if let Ok(answer) = page.head() {
        assert!(!(200..300).contains(&answer.status), "{}", answer.status);
    }
    assert_eq!(client.get("/").status, 403, "the connection is as good as ever");
}

#[test]
fn an_unknown_protocol_is_refused() {
    let app = upstream(switch_and_echo);
    let proxy = http2(&app);
    let client = proxy.connect_http2();
    assert_eq!(
        client.open(connect("carrier-pigeon"), false).head().expect("an answer").status,
        501
    );
    assert!(app.has_received_nothing());
    assert_eq!(proxy.logged_request()["status"], 501);
}

#[test]
fn a_client_that_resets_the_tunnel_frees_the_child() {
    let (heard, hello) = event();
    let (hung_up, noticed) = event();
    let app = upstream(move |exchange| {
        exchange.send(SWITCH);
        heard.send(exchange.line()).expect("a test that listens");
        hung_up.send(exchange.is_hung_up_on()).expect("a test that listens");
    });
    let proxy = http2(&app);
    let client = proxy.connect_http2();
    let mut stream = client.open(connect("websocket"), false);
    stream.head().expect("an answer");
    stream.send(b"hello\n");
    assert_eq!(hello.wait(), "hello");
    stream.reset();
    assert!(noticed.wait());
    assert_eq!(proxy.logged_request()["bytes_in"], 6);
}

#[test]
fn a_tunnel_outlives_every_timeout() {
    let app = upstream(switch_and_echo);
    let proxy = thrust()
        .with("H2C_ENABLED", 1)
        .with("HTTP_IDLE_TIMEOUT", 1)
        .with("HTTP_READ_TIMEOUT", 1)
        .with("HTTP_WRITE_TIMEOUT", 1)
        .with("PROXY_TIMEOUT", 1)
        .run(&app);
    let client = proxy.connect_http2();
    let mut stream = client.open(connect("websocket"), false);
    stream.head().expect("an answer");
    pace(Duration::from_millis(2500));
    stream.send(b"still there?");
    assert_eq!(stream.data().expect("data").as_deref(), Some(&b"still there?"[..]));
}

#[test]
fn many_tunnels_share_a_connection() {
    let app = upstream(switch_and_echo);
    let proxy = http2(&app);
    let client = proxy.connect_http2();
    let mut streams: Vec<_> = (0..50).map(|_| client.open(connect("websocket"), false)).collect();
    for stream in &mut streams {
        assert_eq!(stream.head().expect("an answer").status, 200);
    }
    for (number, stream) in streams.iter_mut().enumerate().rev() {
        stream.send(number.to_string().as_bytes());
        let echo = stream.data().expect("data").expect("an echo");
        assert_eq!(echo, number.to_string());
    }
}
