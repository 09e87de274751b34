//! Bodies that are refused: too large, or chunked badly, before or after the child has begun.

use thruster_test::{Event, Upstream, event, thrust, upstream};

const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A server that reads each request until it is hung up on, and tells what it got of the body.
fn listener() -> (Upstream, Event<Vec<u8>>) {
    let (sender, got) = event();
    let app = upstream(move |exchange| {
        let mut body = Vec::new();
        // That it ends in the middle is the point.
        drop(std::io::Read::read_to_end(&mut exchange.stream, &mut body));
        sender.send(body).expect("a test that listens");
        exchange.close();
    });
    (app, got)
}

#[test]
fn bad_chunks_are_refused_and_the_child_is_hung_up_on() {
    let (app, got) = listener();
    let proxy = thrust().run(&app);
    for bad in [
        "x\r\n",
        "\r\n",
        "-1\r\n",
        "+5\r\n",
        "0x5\r\nhello\r\n",
        "5 \r\nhello\r\n",
        " 5\r\nhello\r\n",
        "5\nhello\r\n",
        "5\r\nhelloX\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\rhello\r\n",
        "5;\0\r\nhello\r\n",
        "5;a=\"\u{1}\"\r\nhello\r\n",
        "FFFFFFFFFFFFFFFF\r\n",
        "10000000000000000\r\n",
        "1_0\r\n",
        "0\r\nno colon\r\n\r\n",
        "0\r\nX-A : 1\r\n\r\n",
        "0\r\n folded: 1\r\n\r\n",
        "0\r\nX-A: \0\r\n\r\n",
    ] {
        let mut client = proxy.connect();
        client.send(format!("{CHUNKED}3\r\nabc\r\n"));
        assert!(app.received().contains("chunked"));
        client.send(bad).send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        let response = client.response("POST");
        assert_eq!((response.status, response.header("connection")), (400, "close"), "{bad:?}");
        assert!(!response.body.is_empty() && response.header("content-type") == "text/plain");
        assert!(client.is_closed(), "{bad:?}");
        let body = got.wait();
        assert!(!body.ends_with(b"0\r\n\r\n"), "the child took {bad:?} for a whole request");
        let line = proxy.logged_request();
        assert_eq!((&line["status"], &line["method"]), (&400.into(), &"POST".into()), "{bad:?}");
        assert!(line["error"].as_str().is_some_and(|e| e.starts_with("bad ")), "{line}");
        assert!(proxy.unread_requests().is_empty());
    }
    assert!(app.has_received_nothing());
}

#[test]
fn a_body_does_not_end_in_a_line_feed_alone() {
    // What stands before us may not take that for the end.
    for end in ["0\r\n\n", "0\r\nX-A: 1\n\n", "0\r\nX-A: 1\r\n\n"] {
        let (app, _got) = listener();
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        client.send(format!("{CHUNKED}{end}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(client.response("POST").status, 400, "{end:?}");
        client.finish();
        assert_eq!(client.remains(), b"", "{end:?}");
    }
}

#[test]
fn endless_size_lines_and_trailers_are_refused() {
    let (app, _got) = listener();
    let proxy = thrust().run(&app);
    let size = format!("{CHUNKED}5;{}", "x".repeat(100_000));
    let trailers = format!("{CHUNKED}0\r\n{}", "X-A: b\r\n".repeat(1000));
    let trailer = format!("{CHUNKED}0\r\nX-A: {}", "b".repeat(100_000));
    for (request, status) in [(size, 400), (trailers, 431), (trailer, 431)] {
        let mut client = proxy.connect();
        client.send(request);
        assert_eq!(client.response("POST").status, status);
        assert_eq!(proxy.logged_request()["status"], status);
    }
}

#[test]
fn a_bad_chunk_in_the_middle_of_the_answer_breaks_both_off() {
    let (sender, hung_up) = event();
    let app = upstream(move |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
        sender.send(exchange.is_hung_up_on()).expect("a test that listens");
        exchange.close();
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send(format!("{CHUNKED}3\r\nabc\r\n"));
    assert_eq!(client.head().status, 200);
    assert_eq!(client.chunk().as_deref(), Some(&b"half"[..]));
    client.send("nonsense\r\n");
    assert_eq!(client.remains(), b"", "no last chunk, and no second answer");
    assert!(hung_up.wait());
    let line = proxy.logged_request();
    assert_eq!(line["error"], "bad chunk size", "{line}");
}

#[test]
fn a_body_announced_as_too_large_reaches_nobody() {
    let app = Upstream::echo();
    let proxy = thrust().with("MAX_REQUEST_BODY", 10).run(&app);
    let mut client = proxy.connect();
    for length in ["11", "18446744073709551615"] {
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"));
        let response = client.response("POST");
        assert_eq!((response.status, response.header("connection")), (413, "close"));
        assert!(!response.body.is_empty() && client.is_closed());
        let line = proxy.logged_request();
        assert_eq!((&line["status"], &line["bytes_in"]), (&413.into(), &0.into()));
        assert!(line["error"].is_string());
        client = proxy.connect();
    }
    assert_eq!(app.connections(), 0);
}

#[test]
fn a_body_as_large_as_allowed_is_served() {
    let app = Upstream::echo();
    let proxy = thrust().with("MAX_REQUEST_BODY", 10).run(&app);
    let mut client = proxy.connect();
    assert_eq!(client.post("/", b"0123456789").text(), "0123456789");
    client.send(format!("{CHUNKED}5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"));
    assert_eq!(client.response("POST").text(), "0123456789");
}

#[test]
fn a_chunked_body_is_refused_as_soon_as_it_is_too_large() {
    let (app, got) = listener();
    let proxy = thrust().with("MAX_REQUEST_BODY", 10).run(&app);
    for rest in ["6\r\n567890\r\n", "6\r\n567890\r\n0\r\n\r\n", "fffffff\r\n567890"] {
        let mut client = proxy.connect();
        client.send(format!("{CHUNKED}5\r\n01234\r\n"));
        app.received();
        client.send(rest);
        let response = client.response("POST");
        assert_eq!((response.status, response.header("connection")), (413, "close"));
        assert!(client.is_closed());
        let body = got.wait();
        assert!(!String::from_utf8_lossy(&body).contains("567890"), "{body:?}");
        assert!(!body.ends_with(b"0\r\n\r\n"), "the child took it for a whole request");
        assert_eq!(proxy.logged_request()["status"], 413);
    }
}

#[test]
fn a_client_that_sends_on_can_still_read_its_refusal() {
    let (app, _got) = listener();
    let proxy = thrust().with("MAX_REQUEST_BODY", 10).run(&app);
    let five_megabytes = vec![b'x'; 5_000_000];
    let announced = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n".to_owned();
    for head in [announced, format!("{CHUNKED}4c4b40\r\n")] {
        let mut client = proxy.connect();
        client.send(head).send(&five_megabytes);
        assert_eq!(client.response("POST").status, 413);
        assert!(client.is_closed());
    }
}

#[test]
fn a_refused_body_does_not_disturb_others() {
    let (sender, both) = event();
    let app = upstream(move |exchange| {
        let is_whole = exchange.target() == "/whole";
        sender.send(()).expect("a test that listens");
        if is_whole {
            let body = exchange.body();
            return exchange.respond(200, &String::from_utf8_lossy(&body));
        }
        exchange.is_hung_up_on();
        exchange.close();
    });
    let proxy = thrust().run(&app);
    let (mut good, mut bad) = (proxy.connect(), proxy.connect());
    good.send("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    bad.send(format!("{CHUNKED}2\r\nab\r\n"));
    for _ in 0..2 {
        both.wait();
    }
    bad.send("nonsense\r\n");
    assert_eq!(bad.response("POST").status, 400);
    good.send("cd");
    assert_eq!(good.response("POST").text(), "abcd");
}
