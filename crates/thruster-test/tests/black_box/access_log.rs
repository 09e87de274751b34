//! One line for every request, whatever became of it, and what the line says.

mod ends;
mod writing;

use serde_json::Value;
use thruster_test::{Thrust, Upstream, thrust, upstream};

#[test]
fn a_line_has_every_field_with_its_type() {
    let app = upstream(|exchange| {
        exchange.body();
        exchange.send(
            "HTTP/1.1 201 Created\r\nContent-Type: text/html; charset=utf-8\r\n\
             Content-Length: 11\r\n\r\nhello world",
        );
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let response = client
        .send(
            "POST /things?a=1&b=2 HTTP/1.1\r\nHost: a\r\nUser-Agent: test/1.0\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        )
        .response("POST");
    let line = proxy.logged_request();
    let peer = client.stream().local_addr().expect("an address").to_string();
    let expected = serde_json::json!({
        "level": "INFO", "msg": "Request", "path": "/things", "status": 201, "method": "POST",
        "req_content_length": 2, "req_content_type": "application/json",
        "resp_content_length": 11, "resp_content_type": "text/html; charset=utf-8",
        "remote_addr": peer, "user_agent": "test/1.0", "cache": "bypass", "query": "a=1&b=2",
        "proto": "HTTP/1.1", "request_id": response.header("x-request-id"),
        "bytes_in": 2, "bytes_out": 11,
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&line[name], value, "{name}");
    }
    assert!(line["dur"].is_u64(), "whole milliseconds: {line}");
    assert!(line["upstream"].as_f64().is_some_and(|took| took >= 0.0), "milliseconds: {line}");
    assert!(line.get("error").is_none(), "nothing went wrong: {line}");
    assert_eq!(line["request_id"].as_str().map(str::len), Some(36));
    // RFC 3339 with nanoseconds: 2026-11-22T02:25:07.069454567Z.
    let time = line["time"].as_str().expect("a time");
    assert!(time.len() == 30 && time.as_bytes()[10] == b'T' && time.ends_with('Z'), "{time}");
}

#[test]
fn a_get_has_no_content_and_a_chunked_body_no_known_length() {
    let app = Upstream::echo();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    let line = proxy.logged_request();
    assert_eq!((&line["req_content_length"], &line["bytes_in"]), (&0.into(), &0.into()));
    assert_eq!((&line["req_content_type"], &line["query"]), (&"".into(), &"".into()));
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send("4\r\nbody\r\n0\r\n\r\n").response("POST");
    let line = proxy.logged_request();
    assert_eq!((&line["req_content_length"], &line["bytes_in"]), (&(-1).into(), &4.into()));
}

#[test]
fn an_answer_without_a_body_is_as_good_as_any() {
    let app = upstream(|exchange| match exchange.target() {
        "/empty" => exchange.respond(200, ""),
        "/none" => exchange.send("HTTP/1.1 204 No Content\r\n\r\n"),
        "/same" => exchange.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
        _ => exchange.send("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for (target, status) in [("/empty", 200), ("/none", 204), ("/same", 304), ("/moved", 302)] {
        assert_eq!(client.get(target).status, status);
        let line = proxy.logged_request();
        assert_eq!((&line["status"], line.get("error")), (&status.into(), None), "{target}");
        assert_eq!(line["bytes_out"], 0);
    }
}

#[test]
fn the_clients_own_request_id_is_logged() {
    let app = Upstream::saying("hello");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: from-the-router\r\n\r\n");
    assert_eq!(client.response("GET").header("x-request-id"), "from-the-router");
    assert_eq!(proxy.logged_request()["request_id"], "from-the-router");
}

#[test]
fn values_that_rails_would_filter_are_not_repeated() {
    let app = Upstream::saying("hello");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/?a=1&user%5Bpassword%5D=hunter2&TOKEN=t0ken&b=2&api_key=k3y&e=%65mail&cvc=123");
    let query = "a=1&user%5Bpassword%5D=[FILTERED]&TOKEN=[FILTERED]&b=2&api_key=[FILTERED]\
                 &e=%65mail&cvc=[FILTERED]";
    assert_eq!(proxy.logged_request()["query"], query);
    assert!(app.received().contains("hunter2"), "the child gets it all the same");
}

#[test]
fn a_semicolon_does_not_uncover_the_rest_of_a_secret() {
    // Rack 2 ends a parameter at a semicolon, Rack 3 does not: to it this is one password.
    let app = Upstream::saying("hello");
    let proxy = thrust().run(&app);
    proxy.connect().get("/?password=hunter;2secret&a=1");
    let query = proxy.logged_request()["query"].as_str().expect("a query").to_owned();
    assert!(!query.contains("hunter") && !query.contains("2secret"), "{query}");
    assert!(query.ends_with("&a=1"), "{query}");
}

/// What is logged of a request with this X-Forwarded-For.
fn logged_for(proxy: &Thrust, list: &str) -> (String, Value) {
    let mut client = proxy.connect();
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {list}\r\n\r\n"));
    client.response("GET");
    let peer = client.stream().local_addr().expect("an address").to_string();
    (peer, proxy.logged_request()["remote_addr"].clone())
}

#[test]
fn the_address_is_the_peers_unless_the_peer_is_believed() {
    let app = Upstream::saying("hello");
    let believing = thrust().run(&app);
    assert_eq!(logged_for(&believing, "198.51.100.7").1, "198.51.100.7");
    assert_eq!(logged_for(&believing, "6.6.6.6, 198.51.100.7, 10.0.0.1").1, "198.51.100.7");
    let doubting = thrust().with("FORWARD_HEADERS", 0).run(&app);
    let (peer, logged) = logged_for(&doubting, "198.51.100.7");
    assert_eq!(logged, peer);
}

#[test]
fn requests_need_not_be_logged() {
    let app = Upstream::saying("hello");
    let mut proxy = thrust().with("LOG_REQUESTS", 0).run(&app);
    assert_eq!(proxy.connect().get("/").text(), "hello");
    assert_eq!(proxy.connect().send("nonsense\r\n\r\n").response("GET").status, 400);
    proxy.signal("TERM");
    proxy.wait();
    let lines = proxy.last_lines();
    assert!(!lines.iter().any(|line| line.contains("\"Request\"")), "{lines:?}");
}

#[test]
fn text_is_one_readable_line_whatever_the_client_says() {
    let app = Upstream::saying("hello");
    let proxy = thrust().with("LOG_FORMAT", "text").run(&app);
    let mut client = proxy.connect();
    // Tab, DEL's neighbour, and the two bytes of U+009B, which some terminals obey as ESC [.
    client.send(b"GET /a HTTP/1.1\r\nHost: a\r\nUser-Agent: a\tb~ \xc2\x9b31m \xff\r\n\r\n");
    assert_eq!(client.response("GET").status, 200);
    client.send("GET /b?q=%0a HTTP/1.1\r\nHost: a\r\n\r\n").response("GET");
    let lines: Vec<_> = std::iter::from_fn(|| Some(proxy.line()))
        .filter(|l| l.contains("Request"))
        .take(2)
        .collect();
    assert!(lines[0].contains(" INFO ") && lines[0].contains(" path=/a status=200 "), "{lines:?}");
    assert!(lines[1].contains(" path=/b "), "{lines:?}");
    for line in &lines {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}
