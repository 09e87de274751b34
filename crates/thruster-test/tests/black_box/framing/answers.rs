//! How answers are delimited, and how one that breaks off is told from a whole one.

use std::sync::Mutex;
use std::sync::mpsc::channel;

use thruster_test::{Client, Upstream, thrust, upstream};

/// A server that answers with these bytes and hangs up.
fn saying_and_closing(answer: &'static str) -> Upstream {
    upstream(move |exchange| {
        exchange.send(answer);
        exchange.close();
    })
}

fn ask(client: &mut Client, version: &str) -> u16 {
    client.send(format!("GET / {version}\r\nHost: a\r\n\r\n"));
    client.head().status
}

#[test]
fn the_answer_to_head_tells_the_length_and_has_no_body() {
    let app = upstream(|exchange| match exchange.target() {
        "/length" => exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"),
        "/chunked" => exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        _ => exchange.send("HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\n"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for (target, length) in [("/length", "1234"), ("/chunked", ""), ("/none", "9")] {
        client.send(format!("HEAD {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(client.response("HEAD").header("content-length"), length);
    }
    assert_eq!(app.connections(), 1);
    assert_eq!(proxy.logged_request()["bytes_out"], 0);
}

#[test]
fn no_content_and_not_modified_have_no_body() {
    let app = upstream(|exchange| match exchange.target() {
        "/204" => exchange.send("HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"),
        "/204-length" => exchange.send("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
        "/304" => exchange.send("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n"),
        "/304-length" => exchange.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"),
        _ => exchange.respond(200, "body"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for (target, status, length) in
        [("/204", 204, ""), ("/204-length", 204, ""), ("/304", 304, ""), ("/304-length", 304, "99")]
    {
        let response = client.get(target);
        assert_eq!((response.status, response.header("content-length")), (status, length));
        assert_eq!(response.header("transfer-encoding"), "");
    }
    assert_eq!(client.get("/").text(), "body");
}

#[test]
fn an_empty_answer_says_that_it_is_empty() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for _ in 0..2 {
        assert_eq!(client.get("/").header("content-length"), "0");
    }
}

#[test]
fn an_answer_without_a_length_is_chunked() {
    let app = saying_and_closing("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold server");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for _ in 0..2 {
        let response = client.get("/");
        assert_eq!(response.header("transfer-encoding"), "chunked");
        assert_eq!(response.text(), "old server");
    }
}

#[test]
fn an_answer_without_a_length_ends_with_the_connection_for_http_1_0() {
    let app = upstream(|exchange| {
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        exchange.send(answer);
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let head = client.head();
    assert_eq!(head.header("transfer-encoding"), "");
    assert_eq!(head.header("connection"), "close");
    assert_eq!(client.rest(), b"hello");
}

#[test]
fn an_answer_with_both_length_and_chunks_has_only_chunks() {
    let app = upstream(|exchange| {
        exchange.send(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
             5\r\nhello\r\n0\r\n\r\n",
        );
    });
    let proxy = thrust().run(&app);
    let response = proxy.connect().get("/");
    assert_eq!(response.header("content-length"), "");
    assert_eq!(response.text(), "hello");
}

#[test]
fn a_cut_answer_with_a_length_is_cut_for_the_client() {
    let app = saying_and_closing("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_eq!(ask(&mut client, "HTTP/1.1"), 200);
    assert_eq!(client.remains(), b"half");
    let line = proxy.logged_request();
    assert_eq!((&line["status"], &line["bytes_out"]), (&200.into(), &4.into()));
    assert!(line["error"].as_str().is_some_and(|e| e.contains("in the middle")), "{line}");
}

#[test]
fn a_cut_chunked_answer_has_no_last_chunk() {
    for answer in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nnonsense\r\n0\r\n\r\n",
    ] {
        let app = saying_and_closing(answer);
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        assert_eq!(ask(&mut client, "HTTP/1.1"), 200);
        assert_eq!(client.remains(), b"4\r\nhalf\r\n", "{answer}");
        assert!(proxy.logged_request()["error"].is_string());
    }
}

#[test]
fn a_cut_answer_that_ends_with_the_connection_ends_in_a_reset() {
    // Nothing else tells a client of HTTP/1.0 that there should have been more.
    let app = saying_and_closing("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_eq!(ask(&mut client, "HTTP/1.0"), 200);
    assert!(client.is_reset());
}

#[test]
fn each_event_of_a_stream_arrives_before_the_next_is_made() {
    let (next, asked) = channel();
    let asked = Mutex::new(asked);
    let app = upstream(move |exchange| {
        exchange.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
             Transfer-Encoding: chunked\r\n\r\n",
        );
        while let Ok(number) = asked.lock().expect("no panic before").recv() {
            let event = format!("data: {number}\n\n");
            exchange.send(format!("{:x}\r\n{event}\r\n", event.len()));
        }
        exchange.send("0\r\n\r\n");
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    // The head comes before the first event, too.
    assert_eq!(ask(&mut client, "HTTP/1.1"), 200);
    for number in 0..20 {
        next.send(number).expect("a script that listens");
        assert_eq!(client.chunk(), Some(format!("data: {number}\n\n").into_bytes()));
    }
    drop(next);
    assert_eq!(client.chunk(), None);
}

#[test]
fn each_piece_of_a_slow_answer_with_a_length_arrives_at_once() {
    let (next, asked) = channel::<&str>();
    let asked = Mutex::new(asked);
    let app = upstream(move |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n");
        while let Ok(piece) = asked.lock().expect("no panic before").recv() {
            exchange.send(piece);
        }
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_eq!(ask(&mut client, "HTTP/1.1"), 200);
    for _ in 0..3 {
        next.send("0123456789").expect("a script that listens");
        assert_eq!(client.bytes(10), b"0123456789");
    }
    assert_eq!(proxy.logged_request()["bytes_out"], 30);
}
