//! The ways a request can end, and what is logged of each.

use std::sync::mpsc::Sender;

use thruster_test::{Client, Exchange, Thrust, Upstream, event, thrust, upstream};

/// Sends one request's bytes, and has the answer, if there is one, thrown away.
fn say(proxy: &Thrust, bytes: &str) -> Client {
    let mut client = proxy.connect();
    client.send(bytes);
    client
}

/// Tells that a request has arrived, and waits for thrust to hang up.
fn hold(exchange: &mut Exchange, arrived: &Sender<()>) {
    arrived.send(()).expect("a test that listens");
    assert!(exchange.is_hung_up_on());
}

#[test]
fn a_client_that_leaves_before_the_answer_is_a_499() {
    let (arrived, arrival) = event();
    let app = upstream(move |exchange| hold(exchange, &arrived));
    let proxy = thrust().run(&app);
    let client = say(&proxy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    arrival.wait();
    drop(client);
    let line = proxy.logged_request();
    assert_eq!((&line["path"], &line["status"]), (&"/slow".into(), &499.into()));
    assert_eq!((&line["error"], &line["bytes_out"]), (&"client went away".into(), &0.into()));
    assert!(line.get("upstream").is_none() && line["request_id"].is_string(), "{line}");
}

#[test]
fn a_client_that_leaves_in_the_middle_of_the_answer_is_a_499() {
    let (arrived, arrival) = event();
    let app = upstream(move |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        hold(exchange, &arrived);
    });
    let proxy = thrust().run(&app);
    let mut client = say(&proxy, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.bytes(4), b"half");
    arrival.wait();
    drop(client);
    let line = proxy.logged_request();
    assert_eq!((&line["status"], &line["bytes_out"]), (&499.into(), &4.into()));
    assert!(line["upstream"].is_number(), "{line}");
}

#[test]
fn a_client_that_leaves_in_the_middle_of_its_upload_is_a_499() {
    let (arrived, arrival) = event();
    let app = upstream(move |exchange| hold(exchange, &arrived));
    let proxy = thrust().run(&app);
    let client = say(&proxy, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
    arrival.wait();
    drop(client);
    let line = proxy.logged_request();
    assert_eq!((&line["status"], &line["bytes_in"]), (&499.into(), &4.into()));
    assert_eq!(line["req_content_length"], 100);
}

#[test]
fn a_client_that_leaves_in_the_middle_of_its_head_is_a_499() {
    let app = Upstream::saying("hello");
    let proxy = thrust().run(&app);
    drop(say(&proxy, "GET / HTTP/1.1\r\nHost"));
    let line = proxy.logged_request();
    assert_eq!((&line["status"], &line["error"]), (&499.into(), &"client went away".into()));
}

#[test]
fn a_connection_without_a_request_is_no_request() {
    let app = Upstream::saying("hello");
    let proxy = thrust().run(&app);
    drop(proxy.connect());
    let mut client = proxy.connect();
    client.get("/");
    drop(client);
    assert_eq!(proxy.logged_request()["status"], 200);
    proxy.connect().get("/second");
    assert_eq!(proxy.logged_request()["path"], "/second");
}

#[test]
fn nobody_behind_us_is_a_502() {
    let proxy = thrust().run_alone();
    assert_eq!(proxy.connect().get("/x").status, 502);
    let line = proxy.logged_request();
    assert_eq!((&line["path"], &line["status"]), (&"/x".into(), &502.into()));
    let error = line["error"].as_str().expect("an error");
    assert!(error.starts_with("no connection to the command: "), "{error}");
    assert!(line["request_id"].is_string() && line.get("upstream").is_none(), "{line}");
}

#[test]
fn an_answer_that_never_begins_is_a_502() {
    let app = upstream(Exchange::close);
    let proxy = thrust().run(&app);
    assert_eq!(proxy.connect().post("/x", b"body").status, 502);
    let line = proxy.logged_request();
    assert_eq!(line["status"], 502);
    assert!(
        line["error"].as_str().is_some_and(|e| e.starts_with("no answer from the command: ")),
        "{line}"
    );
}

#[test]
fn an_answer_that_breaks_off_is_told() {
    let app = upstream(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        exchange.close();
    });
    let proxy = thrust().run(&app);
    let mut client = say(&proxy, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.bytes(4), b"half");
    assert!(client.is_closed());
    let line = proxy.logged_request();
    assert_eq!((&line["status"], &line["bytes_out"]), (&200.into(), &4.into()));
    assert!(line["error"].as_str().is_some_and(|e| e.contains("in the middle")), "{line}");
}

#[test]
fn a_head_that_is_none_is_logged_with_the_rule_it_breaks() {
    let app = Upstream::saying("hello");
    let proxy = thrust().run(&app);
    for (bytes, status, error) in [
        ("GET / HTTP/1.1\r\n\r\n", 400, "missing Host"),
        ("GET / HTTP/1.1\r\nHost: a\r\nBad name: x\r\n\r\n", 400, "bad field name"),
        ("GET /\r\n\r\n", 400, "bad request line"),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "HTTP version not supported here"),
    ] {
        let mut client = say(&proxy, bytes);
        assert_eq!(client.response("GET").status, status, "{bytes:?}");
        let line = proxy.logged_request();
        assert_eq!((&line["status"], &line["error"]), (&status.into(), &error.into()));
        let peer = client.stream().local_addr().expect("an address").to_string();
        assert_eq!(line["remote_addr"], peer);
    }
    assert!(app.has_received_nothing());
}

#[test]
fn what_a_limit_refuses_is_logged_with_its_path_and_id() {
    let app = Upstream::saying("hello");
    let proxy = thrust().with("MAX_REQUEST_BODY", 10).run(&app);
    let response = proxy.connect().post("/upload", &[b'x'; 11]);
    assert_eq!(response.status, 413);
    let line = proxy.logged_request();
    assert_eq!((&line["path"], &line["status"]), (&"/upload".into(), &413.into()));
    assert_eq!(line["error"], "request body larger than MAX_REQUEST_BODY");
    assert!(line["request_id"].is_string(), "{line}");
}

#[test]
fn every_answer_of_ours_names_the_request_it_answers() {
    let proxy = thrust().run_alone();
    let id = proxy.connect().get("/").header("x-request-id").to_owned();
    assert_eq!(id.len(), 36, "a user who sees a 502 can tell us which");
    assert_eq!(proxy.logged_request()["request_id"], id);
}

#[test]
fn pipelined_requests_have_a_line_each_in_their_order() {
    let app = Upstream::saying("hello");
    let proxy = thrust().run(&app);
    let requests: String =
        (0..20).map(|n| format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    let mut client = say(&proxy, &requests);
    for number in 0..20 {
        assert_eq!(client.response("GET").text(), "hello");
        assert_eq!(proxy.logged_request()["path"], format!("/{number}"));
    }
}
