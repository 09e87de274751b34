//! Patience measures progress: what moves may take for ever, what stands still is cut. The
//! settings are 1 second each, and peers pause longer than that where they may.

mod clients;
mod uploads;

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use thruster_test::{ThrustBuilder, Upstream, event, pace, thrust, upstream};

/// Longer than any timeout in these tests.
const LONG: Duration = Duration::from_millis(2500);

/// Every timeout that concerns a client, at its shortest.
fn impatient() -> ThrustBuilder {
    thrust().with("HTTP_IDLE_TIMEOUT", 1).with("HTTP_READ_TIMEOUT", 1).with("HTTP_WRITE_TIMEOUT", 1)
}

#[test]
fn an_event_stream_may_be_silent_for_long() {
    let (go_on, told) = event();
    let app = upstream(move |exchange| {
        exchange.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
             Transfer-Encoding: chunked\r\n\r\nd\r\ndata: first\n\n\r\n",
        );
        told.wait();
        exchange.send("e\r\ndata: second\n\n\r\n0\r\n\r\n");
    });
    let proxy = impatient().with("PROXY_TIMEOUT", 1).run(&app);
    let mut client = proxy.connect();
    client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.chunk().as_deref(), Some(&b"data: first\n\n"[..]));
    pace(LONG);
    go_on.send(()).expect("an upstream that listens");
    assert_eq!(client.chunk().as_deref(), Some(&b"data: second\n\n"[..]));
    assert_eq!(client.chunk(), None);
    client.fields();
    let line = proxy.logged_request();
    assert_eq!((&line["status"], line.get("error")), (&200.into(), None));
}

#[test]
fn a_slow_application_is_waited_for() {
    let app = upstream(|exchange| {
        pace(LONG);
        exchange.respond(200, "at last");
    });
    let proxy = impatient().run(&app);
    assert_eq!(proxy.connect().get("/").text(), "at last");
    assert!(proxy.logged_request()["upstream"].as_f64() > Some(2000.0));
}

#[test]
fn an_application_that_does_not_answer_in_time_is_a_504() {
    let (hung_up, noticed) = event();
    let app = upstream(move |exchange| match exchange.target() {
        "/slow" => hung_up.send(exchange.is_hung_up_on()).expect("a test that listens"),
        _ => exchange.respond(200, "hello"),
    });
    let proxy = thrust().with("PROXY_TIMEOUT", 1).run(&app);
    let mut client = proxy.connect();
    let response = client.get("/slow");
    assert_eq!((response.status, response.text()), (504, "Gateway Timeout\n"));
    assert!(noticed.wait(), "the child is spared an answer nobody waits for");
    let line = proxy.logged_request();
    assert_eq!(line["status"], 504);
    assert_eq!(line["error"], "the command did not answer within PROXY_TIMEOUT");
    assert_eq!(client.get("/").text(), "hello", "the client's connection is as good as ever");
}

#[test]
fn an_application_that_accepts_nobody_is_a_504_too() {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
    socket.listen(0).expect("a short queue");
    let address = socket.local_addr().expect("an address").as_socket().expect("of IPv4");
    // The queue is full once somebody is left standing outside.
    let waiting: Vec<_> = std::iter::from_fn(|| {
        TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok()
    })
    .collect();
    assert!(!waiting.is_empty());
    let proxy = thrust().with("PROXY_TIMEOUT", 1).run_to(address.port());
    assert_eq!(proxy.connect().get("/").status, 504);
    assert_eq!(proxy.logged_request()["status"], 504);
}

#[test]
fn the_timeout_of_the_application_ends_with_the_head_of_its_answer() {
    let app = upstream(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        pace(LONG);
        exchange.send("world");
    });
    let proxy = thrust().with("PROXY_TIMEOUT", 1).run(&app);
    assert_eq!(proxy.connect().get("/").text(), "helloworld");
}

#[test]
fn the_clients_own_pauses_are_not_held_against_the_application() {
    let app = Upstream::echo();
    let proxy = thrust().with("PROXY_TIMEOUT", 1).run(&app);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    pace(LONG);
    client.send("world");
    let response = client.response("POST");
    assert_eq!((response.status, response.text()), (200, "helloworld"));
}

#[test]
fn zero_is_never() {
    let app = Upstream::echo();
    let proxy = thrust()
        .with("HTTP_IDLE_TIMEOUT", 0)
        .with("HTTP_READ_TIMEOUT", 0)
        .with("HTTP_WRITE_TIMEOUT", 0)
        .with("PROXY_TIMEOUT", 0)
        .run(&app);
    let mut client = proxy.connect();
    pace(LONG);
    client.send("POST / HTTP/1.1\r\n");
    pace(LONG);
    client.send("Host: a\r\nContent-Length: 5\r\n\r\n");
    pace(LONG);
    client.send("hello");
    assert_eq!(client.response("POST").text(), "hello");
}
