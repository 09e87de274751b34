//! The chunked coding and what only it can carry: trailers.

use serde_json::Value;
use thruster_test::{Upstream, thrust, upstream, values};

#[test]
fn a_chunked_request_reaches_the_child_chunked() {
    let app = Upstream::echo();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT", "GET"] {
        client.send(format!(
            "{method} / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n\
             5;name=\"value\"\r\nhello\r\n00a\r\n, chunked!\r\n0;last\r\n\r\n"
        ));
        assert_eq!(client.response(method).text(), "hello, chunked!", "{method}");
        let head = app.received();
        assert_eq!(values(&head, "transfer-encoding"), ["chunked"], "{head}");
        assert_eq!(values(&head, "content-length"), [""; 0], "{head}");
    }
}

#[test]
fn a_get_with_a_length_keeps_its_body() {
    let app = Upstream::echo();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(client.response("GET").text(), "hello");
}

#[test]
fn an_empty_chunked_body_is_a_body() {
    let app = Upstream::echo();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_eq!(client.response("POST").text(), "");
    assert_eq!(client.get("/next").status, 200);
}

#[test]
fn an_empty_body_with_a_length_says_so_to_the_child() {
    let app = Upstream::echo();
    let proxy = thrust().run(&app);
    assert_eq!(proxy.connect().post("/", b"").status, 200);
    assert_eq!(values(&app.received(), "content-length"), ["0"]);
}

#[test]
fn chunks_reach_the_child_as_they_come() {
    let app = upstream(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while let Some(chunk) = exchange.chunk() {
            let chunk = String::from_utf8_lossy(&chunk).to_uppercase();
            exchange.send(format!("{:x}\r\n{chunk}\r\n", chunk.len()));
        }
        exchange.line();
        exchange.send("0\r\n\r\n");
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(client.head().status, 200);
    for word in ["one", "two", "three"] {
        client.send(format!("{:x}\r\n{word}\r\n", word.len()));
        assert_eq!(client.chunk(), Some(word.to_uppercase().into_bytes()));
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.chunk(), None);
    assert_eq!(client.fields(), []);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
}

/// What the child gets to see of these trailers, one line each.
fn trailers_at_the_child(announced: &str, trailers: &str) -> String {
    let app = upstream(|exchange| {
        let before = exchange.head.len();
        exchange.body();
        let trailers = exchange.head[before..].trim().to_owned();
        exchange.respond(200, &trailers);
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\n{announced}Transfer-Encoding: chunked\r\n\r\n\
         2\r\nok\r\n0\r\n{trailers}\r\n"
    ));
    let response = client.response("POST");
    assert_eq!(client.get("/next").status, 200);
    response.text().to_owned()
}

#[test]
fn announced_trailers_of_a_request_reach_the_child() {
    let announced = "Trailer: Digest, X-Time\r\n";
    let seen = trailers_at_the_child(announced, "Digest: abc\r\nX-Time: 5\r\n");
    assert_eq!((values(&seen_as_head(&seen), "digest"), seen.lines().count()), (vec!["abc"], 2));
    assert_eq!(values(&seen_as_head(&seen), "x-time"), ["5"]);
}

#[test]
fn trailers_nobody_announced_do_no_harm() {
    // They may be left out (RFC 9110 section 6.5.1), and hyper does so.
    let seen = trailers_at_the_child("", "Digest: abc\r\n");
    assert!(["", "digest: abc"].contains(&seen.as_str()), "{seen}");
}

#[test]
fn trailers_do_not_pose_as_fields_that_were_judged() {
    let announced = "Trailer: Content-Length, Host, Transfer-Encoding, Cookie, Authorization, \
                     X-Forwarded-For, X_Forwarded_For, X-Request-Id, Trailer, X-Time\r\n";
    let seen = trailers_at_the_child(
        announced,
        "Content-Length: 5\r\nHost: b\r\nTransfer-Encoding: chunked\r\nCookie: a=1\r\n\
         Authorization: b\r\nX-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\n\
         X-Request-Id: forged\r\nTrailer: x\r\nX-Time: 5\r\n",
    );
    assert_eq!(seen.to_ascii_lowercase(), "x-time: 5");
}

fn seen_as_head(trailers: &str) -> String {
    format!("\r\n{trailers}")
}

#[test]
fn trailers_of_an_answer_reach_the_client() {
    let app = upstream(|exchange| {
        exchange.send(
            "HTTP/1.1 200 OK\r\nTrailer: Server-Timing\r\nTransfer-Encoding: chunked\r\n\r\n\
             2\r\nok\r\n0\r\nServer-Timing: app;dur=5\r\nDigest: abc\r\nSet-Cookie: a=1\r\n\
             Content-Length: 99\r\n\r\n",
        );
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for _ in 0..2 {
        let response = client.get("/");
        assert_eq!(response.text(), "ok");
        let trailer = |name: &str| {
            let mut fields = response.trailers.iter();
            fields.find(|(n, _)| n == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(trailer("server-timing"), Some("app;dur=5"));
        assert_eq!(trailer("digest"), Some("abc"));
        assert_eq!(trailer("content-length"), None);
    }
    assert_eq!(app.connections(), 1);
    let line = proxy.logged_request();
    assert_eq!((&line["status"], &line["error"]), (&200.into(), &Value::Null));
}
