//! Clients that leave in the middle: the child learns of it at once, and so does the log.

use thruster_test::{Event, Exchange, Thrust, Upstream, event, thrust, upstream};

/// A server that does something and then waits to be hung up on; tells whether it was.
fn waiting(first: impl Fn(&mut Exchange) + Send + Sync + 'static) -> (Upstream, Event<bool>) {
    let (sender, hung_up) = event();
    let app = upstream(move |exchange| {
        first(exchange);
        sender.send(exchange.is_hung_up_on()).expect("a test that listens");
        exchange.close();
    });
    (app, hung_up)
}

fn assert_given_up(hung_up: &Event<bool>, proxy: &Thrust) -> serde_json::Value {
    assert!(hung_up.wait(), "the child waits for ever");
    let line = proxy.logged_request();
    assert_eq!((&line["status"], &line["error"]), (&499.into(), &"client went away".into()));
    assert!(proxy.unread_requests().is_empty());
    line
}

#[test]
fn an_upload_given_up_is_given_up_towards_the_child() {
    let (app, hung_up) = waiting(|_| {});
    let proxy = thrust().run(&app);
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let mut client = proxy.connect();
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n5\r\nhello\r\n"));
        app.received();
        drop(client);
        let line = assert_given_up(&hung_up, &proxy);
        assert_eq!(line["bytes_in"], if framing.starts_with('C') { 10 } else { 5 });
    }
}

#[test]
fn an_upload_that_ends_early_is_no_whole_body() {
    let (sender, got) = event();
    let app = upstream(move |exchange| {
        let mut body = Vec::new();
        drop(std::io::Read::read_to_end(&mut exchange.stream, &mut body));
        sender.send(body).expect("a test that listens");
        exchange.close();
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    app.received();
    client.finish();
    client.remains();
    let body = got.wait();
    assert!(!body.ends_with(b"0\r\n\r\n"), "the child took half a body for a whole one");
    assert_eq!(proxy.logged_request()["error"], "client went away");
}

#[test]
fn a_client_that_does_not_wait_for_its_answer_frees_the_child() {
    let (app, hung_up) = waiting(|_| {});
    let proxy = thrust().run(&app);
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /pipelined HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let mut client = proxy.connect();
        client.send(request);
        app.received();
        drop(client);
        assert_given_up(&hung_up, &proxy);
        assert!(app.has_received_nothing(), "nobody waits for what was pipelined");
    }
}

#[test]
fn a_client_that_leaves_a_silent_stream_frees_the_child() {
    let (app, hung_up) = waiting(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevent\r\n");
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.chunk().as_deref(), Some(&b"event"[..]));
    drop(client);
    let line = assert_given_up(&hung_up, &proxy);
    assert_eq!(line["bytes_out"], 5);
}

#[test]
fn a_download_given_up_is_given_up_towards_the_child() {
    let (sender, stopped) = event();
    let app = upstream(move |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
        let piece = [0; 65_536];
        while std::io::Write::write_all(exchange.stream.get_mut(), &piece).is_ok() {}
        sender.send(()).expect("a test that listens");
        exchange.close();
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().status, 200);
    client.bytes(1_000_000);
    drop(client);
    stopped.wait();
    let line = proxy.logged_request();
    assert_eq!((&line["status"], &line["error"]), (&499.into(), &"client went away".into()));
    assert!(line["bytes_out"].as_u64().is_some_and(|bytes| bytes >= 1_000_000), "{line}");
}

#[test]
fn a_client_that_leaves_while_both_bodies_are_under_way_frees_the_child() {
    let (app, hung_up) = waiting(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevent\r\n");
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.chunk().as_deref(), Some(&b"event"[..]));
    drop(client);
    assert_given_up(&hung_up, &proxy);
}

#[test]
fn a_client_that_leaves_after_an_upload_into_a_running_answer_frees_the_child() {
    let (app, hung_up) = waiting(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevent\r\n");
        exchange.body();
        exchange.send("4\r\nread\r\n");
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.chunk().as_deref(), Some(&b"event"[..]));
    client.send("hello");
    assert_eq!(client.chunk().as_deref(), Some(&b"read"[..]));
    drop(client);
    assert_given_up(&hung_up, &proxy);
}

#[test]
fn the_longest_of_lengths_is_an_upload_like_any_other() {
    let (app, hung_up) = waiting(|_| {});
    let proxy = thrust().run(&app);
    for length in [u64::MAX, u64::MAX - 1, i64::MAX as u64] {
        let mut client = proxy.connect();
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nhi"));
        assert!(app.received().contains(&format!("content-length: {length}")));
        drop(client);
        assert_given_up(&hung_up, &proxy);
    }
}
