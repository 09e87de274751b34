//! Where messages begin and end on an HTTP/1 connection: persistence, lengths, chunks.

mod answers;
mod chunks;
mod continuing;

use thruster_test::{Upstream, thrust, upstream, values};

/// A server that answers with the target it was asked for, after reading the body.
fn naming() -> Upstream {
    upstream(|exchange| {
        let body = exchange.body();
        let said = format!("{} {}", exchange.target(), String::from_utf8_lossy(&body));
        exchange.respond(200, said.trim_end());
    })
}

#[test]
fn one_connection_carries_many_requests() {
    let app = naming();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for number in 0..200 {
        let target = format!("/{number}");
        let response = match number % 3 {
            0 => client.post(&target, b""),
            1 => client.post(&target, b"body"),
            _ => client.get(&target),
        };
        assert_eq!(response.header("connection"), "");
        assert_eq!(response.text().split(' ').next(), Some(&*target));
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let app = naming();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let pipeline: String =
        (0..50).map(|n| format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    client.send(pipeline);
    for number in 0..50 {
        assert_eq!(client.response("GET").text(), format!("/{number}"));
    }
}

#[test]
fn requests_pipelined_behind_bodies_begin_where_the_bodies_end() {
    let app = naming();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send(
        "POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n\
         POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\nGET /no HTTP/1.1\r\n\
         POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T: 1\r\n\r\n\
         HEAD /4 HTTP/1.1\r\nHost: a\r\n\r\n\
         GET /5 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(client.response("POST").text(), "/1 helloworld");
    assert_eq!(client.response("POST").text(), "/2 GET /no HTTP/1.1");
    assert_eq!(client.response("POST").text(), "/3");
    assert_eq!(client.response("HEAD").header("content-length"), "2");
    assert_eq!(client.response("GET").text(), "/5");
}

#[test]
fn a_pipelined_request_waits_for_its_turn() {
    let app = naming();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\no");
    client.send("kGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    client.send("GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    client.send("GET /4 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response("POST").text(), "/1 ok");
    assert_eq!(client.response("GET").text(), "/2");
    let last = client.response("GET");
    assert_eq!((last.text(), last.header("connection")), ("/3", "close"));
    assert_eq!(client.remains(), b"");
}

#[test]
fn connection_close_is_answered_and_followed() {
    let app = naming();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n");
    let response = client.response("GET");
    assert_eq!((response.text(), response.header("connection")), ("/1", "close"));
    assert!(client.is_closed());
}

#[test]
fn a_client_of_http_1_0_is_answered_and_left() {
    let app = naming();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET /old HTTP/1.0\r\n\r\n");
    let response = client.response("GET");
    assert_eq!((response.text(), response.header("connection")), ("/old", "close"));
    assert!(client.is_closed());
    let head = app.received();
    assert!(head.starts_with("GET /old HTTP/1.1\r\n"), "{head}");
    assert_eq!(values(&head, "host").len(), 1, "HTTP/1.1 must have one: {head}");
    assert_eq!(proxy.logged_request()["proto"], "HTTP/1.0");
}

#[test]
fn a_client_of_http_1_0_may_ask_to_stay() {
    let app = naming();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for target in ["/1", "/2"] {
        client.send(format!("GET {target} HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
        let response = client.response("GET");
        assert_eq!((response.text(), response.header("connection")), (target, "keep-alive"));
    }
    client.send("POST /3 HTTP/1.0\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(client.response("POST").text(), "/3 ok");
    assert!(client.is_closed());
}

#[test]
fn a_request_may_drip_in_byte_by_byte() {
    let app = naming();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.stream().set_nodelay(true).expect("an open connection");
    let request = "POST /drip HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nX-T: 1\r\n\r\n";
    for byte in request.bytes() {
        client.send([byte]);
    }
    assert_eq!(client.response("POST").text(), "/drip abcd");
    assert_eq!(client.get("/next").text(), "/next");
}

#[test]
fn requests_may_be_cut_anywhere() {
    let app = naming();
    let proxy = thrust().run(&app);
    let requests = "POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                    3\r\nabc\r\n0\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 3\r\nHost: a\r\n\r\n\
                    defGET /3 HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut client = proxy.connect();
    client.stream().set_nodelay(true).expect("an open connection");
    for cut in 1..requests.len() {
        let (before, after) = requests.split_at(cut);
        client.send(before).send(after);
        assert_eq!(client.response("POST").text(), "/1 abc", "cut at {cut}");
        assert_eq!(client.response("POST").text(), "/2 def", "cut at {cut}");
        assert_eq!(client.response("GET").text(), "/3", "cut at {cut}");
    }
}

#[test]
fn empty_lines_before_a_request_are_passed_over() {
    let app = naming();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response("GET").text(), "/1");
    assert_eq!(client.response("GET").text(), "/2");
    assert_eq!(client.send("\r\n").get("/3").text(), "/3");
}

#[test]
fn an_empty_line_after_the_last_body_is_no_request() {
    // Browsers of old sent one after a POST.
    let app = naming();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_eq!(client.post("/1", b"ok").text(), "/1 ok");
    client.send("\r\n").finish();
    assert!(client.is_closed());
    assert_eq!(proxy.connect().get("/2").text(), "/2");
    assert_eq!(proxy.logged_request()["path"], "/1");
    assert_eq!(proxy.logged_request()["path"], "/2");
}

#[test]
fn lines_of_a_head_may_end_in_a_line_feed_alone() {
    // RFC 9112 section 2.2 allows it, and what reaches the child has proper ends.
    let app = naming();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET /lf HTTP/1.1\nHost: a\nX-Field: 1\n\n");
    assert_eq!(client.response("GET").text(), "/lf");
    let head = app.received();
    assert_eq!(head.matches('\n').count(), head.matches("\r\n").count());
    assert_eq!(client.get("/next").text(), "/next");
}
