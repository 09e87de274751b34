//! The way out, when the command has ended: what is under way is finished, and nothing new begins.

use std::net::TcpStream;

use thruster_test::{Exchange, ThrustBuilder, Upstream, event, thrust, upstream};

/// Passes a TERM on at once, and tells when the command has ended.
fn leaving() -> ThrustBuilder {
    thrust().with("DRAIN_TIMEOUT", 0).with("DEBUG", 1)
}

/// Answers at once, but for `/slow`, of which the second half waits for a word of the test's.
fn app() -> (Upstream, std::sync::mpsc::Sender<()>) {
    let (go_on, told) = event();
    let script = move |exchange: &mut Exchange| match exchange.target() {
        "/slow" => {
            exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
            told.wait();
            exchange.send("world");
        }
        "/late" => {
            told.wait();
            exchange.respond(200, "at last");
        }
        _ => exchange.respond(200, "hello"),
    };
    (upstream(script), go_on)
}

#[test]
fn answers_under_way_are_finished() {
    let (app, go_on) = app();
    let mut proxy = leaving().run(&app);
    let mut clients: Vec<_> = (0..8).map(|_| proxy.connect()).collect();
    for client in &mut clients {
        client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.head().status, 200);
        assert_eq!(client.bytes(5), b"hello");
    }
    proxy.signal("TERM");
    proxy.log_where(|line| line["msg"] == "The command has ended");
    // Whose answer goes on first is not said.
    clients.iter().for_each(|_| go_on.send(()).expect("an upstream that listens"));
    for client in &mut clients {
        assert_eq!(client.bytes(5), b"world");
        assert!(client.is_closed());
    }
    assert_eq!(proxy.wait().code(), Some(128 + 15));
    let requests: Vec<_> = proxy.last_lines();
    let whole = requests.iter().filter(|line| line.contains("\"bytes_out\":10}"));
    assert_eq!(whole.count(), 8, "{requests:?}");
}

#[test]
fn an_answer_is_finished_on_whichever_connection_to_the_child_it_comes() {
    // Cores share the connections that wait for another request. The first client's core has
    // opened the one on which the second client's answer comes, and has nothing left to do.
    let (app, go_on) = app();
    let mut proxy = leaving().run(&app);
    let mut first = proxy.connect();
    assert_eq!(first.get("/").text(), "hello");
    let mut second = proxy.connect();
    second.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(second.head().status, 200);
    assert_eq!(second.bytes(5), b"hello");
    assert_eq!(app.connections(), 1, "both have used the same one");
    proxy.signal("TERM");
    proxy.log_where(|line| line["msg"] == "The command has ended");
    assert!(first.is_closed());
    go_on.send(()).expect("an upstream that listens");
    assert_eq!(second.bytes(5), b"world");
    proxy.wait();
}

#[test]
fn the_last_answer_says_that_there_will_be_no_other() {
    let (app, go_on) = app();
    let mut proxy = leaving().run(&app);
    let mut client = proxy.connect();
    client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n");
    app.received();
    proxy.signal("TERM");
    proxy.log_where(|line| line["msg"] == "The command has ended");
    go_on.send(()).expect("an upstream that listens");
    let response = client.response("GET");
    assert_eq!(response.text(), "at last");
    assert!(client.is_closed());
    proxy.wait();
    assert!(TcpStream::connect(proxy.address()).is_err(), "nobody listens any more");
}

#[test]
fn idle_connections_do_not_hold_the_end_up() {
    let app = Upstream::saying("hello");
    let mut proxy = leaving().run(&app);
    let _silent = proxy.connect();
    let mut used = proxy.connect();
    assert_eq!(used.get("/").text(), "hello");
    proxy.signal("TERM");
    assert!(used.is_closed());
    proxy.wait();
    let lines = proxy.last_lines();
    assert!(!lines.iter().any(|line| line.contains("connections still open")), "{lines:?}");
}
