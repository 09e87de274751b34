//! Expect: 100-continue: who asks for the body, and who never does.

use thruster_test::{Upstream, thrust, upstream};

const ASK: &str = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";

#[test]
fn a_waiting_client_is_asked_for_its_body() {
    let app = Upstream::echo();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for framing in ["Content-Length: 2\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"] {
        client.send(format!("{ASK}{framing}"));
        let interim = client.response("POST");
        assert_eq!((interim.status, interim.headers.len()), (100, 0));
        client.send(if framing.starts_with('C') { "ok" } else { "2\r\nok\r\n0\r\n\r\n" });
        assert_eq!(client.response("POST").text(), "ok");
    }
}

#[test]
fn the_childs_own_wish_for_the_body_is_not_a_second_one() {
    let app = upstream(|exchange| {
        exchange.send("HTTP/1.1 100 Continue\r\n\r\n");
        let body = exchange.body();
        exchange.respond(200, &String::from_utf8_lossy(&body));
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send(format!("{ASK}Content-Length: 2\r\n\r\n"));
    assert_eq!(client.response("POST").status, 100);
    let response = client.send("ok").response("POST");
    assert_eq!((response.status, response.text()), (200, "ok"));
}

#[test]
fn a_client_that_does_not_wait_is_not_asked() {
    let app = Upstream::echo();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send(format!("{ASK}Content-Length: 2\r\n\r\nok"));
    assert_eq!(client.response("POST").status, 200);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.response("POST").status, 200);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.response("GET").status, 200);
    client.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    client.send("ok");
    assert_eq!(client.response("POST").status, 200);
}

#[test]
fn a_body_that_is_too_large_is_not_asked_for() {
    let app = Upstream::echo();
    let proxy = thrust().with("MAX_REQUEST_BODY", 10).run(&app);
    let mut client = proxy.connect();
    client.send(format!("{ASK}Content-Length: 11\r\n\r\n"));
    let response = client.response("POST");
    assert_eq!((response.status, response.header("connection")), (413, "close"));
    assert!(client.is_closed());
    assert_eq!(app.connections(), 0);
}

#[test]
fn a_body_that_nobody_can_receive_is_not_asked_for() {
    let proxy = thrust().run_alone();
    let mut client = proxy.connect();
    client.send(format!("{ASK}Content-Length: 11\r\n\r\n"));
    let response = client.response("POST");
    // The body may come or not: the place of the next request is in doubt.
    assert_eq!((response.status, response.header("connection")), (502, "close"));
    assert!(client.is_closed());
}
