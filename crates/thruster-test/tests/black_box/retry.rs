//! Connections to the child: kept, replaced, tried once more; and what it means to the client
//! when there is no answer to be had.

mod bad_gateway;

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use std::net::{Ipv6Addr, Shutdown};

use thruster_test::{Exchange, Upstream, event, thrust, upstream, upstream_at};

/// A server that answers the first request on its first connection, and breaks that connection
/// off when it has read the second; it breaks off the first connection on which it is asked for
/// `/once`, too.
fn breaking_off() -> Upstream {
    let is_first = AtomicBool::new(true);
    upstream(move |exchange| {
        exchange.body();
        let is_once = exchange.target() == "/once" && is_first.swap(false, SeqCst);
        match (exchange.connection, exchange.number) {
            (0, 1) => exchange.close(),
            _ if is_once => exchange.close(),
            _ => exchange.respond(200, "answered"),
        }
    })
}

#[test]
fn a_request_that_cannot_be_repeated_gets_a_fresh_connection() {
    // The kept one goes for it: a thread of Puma may be listening there.
    let app = Upstream::echo();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    for sent in 2..5 {
        assert_eq!(client.post("/", b"body").text(), "body");
        assert_eq!(app.connections(), sent);
        client.get("/");
        assert_eq!(app.connections(), sent, "what can be repeated uses what the other has left");
    }
}

#[test]
fn a_kept_connection_carries_the_next_request() {
    let app = upstream(|exchange| {
        exchange.body();
        match exchange.target() {
            "/204" => exchange.send("HTTP/1.1 204 No Content\r\n\r\n"),
            "/304" => exchange.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
            "/head" => exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
            "/chunked" => exchange
                .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
            _ => exchange.respond(200, "ok"),
        }
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for _ in 0..5 {
        for target in ["/204", "/304", "/chunked", "/"] {
            client.get(target);
        }
        client.send("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.response("HEAD").status, 200);
    }
    assert_eq!(app.connections(), 1);
}

#[test]
fn clients_share_kept_connections() {
    let app = Upstream::saying("ok");
    let proxy = thrust().run(&app);
    for _ in 0..50 {
        assert_eq!(proxy.connect().get("/").text(), "ok");
    }
    let cores = std::thread::available_parallelism().expect("a number").get();
    assert!(app.connections() <= cores, "{} connections", app.connections());
}

#[test]
fn a_connection_that_the_child_wants_to_close_is_not_kept() {
    for field in ["HTTP/1.1 200 OK\r\nConnection: close\r\n", "HTTP/1.0 200 OK\r\n"] {
        let app = upstream(move |exchange| {
            exchange.send(format!("{field}Content-Length: 2\r\n\r\nok"));
        });
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        for _ in 0..3 {
            let response = client.get("/");
            assert_eq!((response.text(), response.header("connection")), ("ok", ""));
        }
        assert_eq!(app.connections(), 3);
    }
}

#[test]
fn a_kept_connection_that_was_closed_is_replaced_silently() {
    let (sender, closed) = event();
    let app = upstream(move |exchange| {
        exchange.body();
        exchange.respond(200, "ok");
        if exchange.header("x-stay").is_empty() {
            exchange.stream.get_ref().shutdown(Shutdown::Both).expect("an open connection");
            exchange.close();
            sender.send(()).expect("a test that listens");
        }
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for number in 0..20 {
        // Closed before it is sent, it reaches nobody twice: any method may be sent again.
        let response = if number % 2 == 0 { client.get("/") } else { client.post("/", b"body") };
        assert_eq!((response.status, response.text()), (200, "ok"));
        closed.wait();
    }
    assert_eq!(app.connections(), 20);
}

#[test]
fn a_request_lost_with_a_kept_connection_is_sent_once_more() {
    for request in ["GET /lost", "HEAD /lost", "OPTIONS /lost", "DELETE /lost", "PUT /lost"] {
        let app = breaking_off();
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        assert_eq!(client.get("/first").text(), "answered");
        app.received();
        client.send(format!("{request}?%zz HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\n"));
        assert_eq!(client.response(&request[..4]).status, 200, "{request}");
        let (once, again) = (app.received(), app.received());
        assert!(once.starts_with(&format!("{request}?%zz HTTP/1.1\r\n")), "{once}");
        assert_eq!(once, again, "the same, with the same id");
        assert!(app.has_received_nothing());
        assert_eq!(app.connections(), 2);
        proxy.logged_request();
        let line = proxy.logged_request();
        assert_eq!((&line["status"], &line["path"]), (&200.into(), &"/lost".into()));
    }
}

#[test]
fn a_request_that_may_have_been_processed_is_not_sent_again() {
    for request in [
        "POST /once HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
        "POST /once HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "POST /once HTTP/1.1\r\nHost: a\r\n\r\n",
        "PATCH /once HTTP/1.1\r\nHost: a\r\n\r\n",
        "TRANSFER /once HTTP/1.1\r\nHost: a\r\n\r\n",
        "PUT /once HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    ] {
        let app = breaking_off();
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        assert_eq!(client.get("/first").text(), "answered");
        app.received();
        client.send(request);
        assert_eq!(client.response("POST").status, 502, "{request}");
        assert!(app.received().contains(" /once HTTP/1.1"));
        assert!(app.has_received_nothing(), "{request}");
        proxy.logged_request();
        let line = proxy.logged_request();
        assert_eq!(line["status"], 502);
        assert!(line["error"].is_string(), "{line}");
    }
}

#[test]
fn one_repetition_is_enough() {
    let app = upstream(|exchange| match (exchange.connection, exchange.number) {
        (0, 0) => exchange.respond(200, ""),
        _ => exchange.close(),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_eq!(client.get("/first").status, 200);
    app.received();
    // Now on a kept connection and on a fresh one, then on two fresh ones.
    for _ in 0..2 {
        assert_eq!(client.get("/lost").status, 502);
        for _ in 0..2 {
            assert!(app.received().starts_with("GET /lost "));
        }
        assert!(app.has_received_nothing());
    }
    assert_eq!(app.connections(), 4);
}

/// A server that answers its first request properly and each later one like this.
fn going_wrong(script: impl Fn(&mut Exchange) + Send + Sync + 'static) -> Upstream {
    upstream(move |exchange| match exchange.target() {
        "/wrong" => script(exchange),
        _ => exchange.respond(200, "right"),
    })
}

#[test]
fn an_answer_that_has_begun_is_not_asked_for_again() {
    for beginning in [
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ] {
        let app = going_wrong(move |exchange| {
            exchange.send(beginning);
            exchange.close();
        });
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        assert_eq!(client.get("/right").text(), "right");
        app.received();
        client.send("GET /wrong HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut response = client.response("GET");
        while response.status < 200 {
            response = client.response("GET");
        }
        assert_eq!(response.status, 502, "{beginning}");
        app.received();
        assert!(app.has_received_nothing(), "{beginning}");
    }
}

#[test]
fn bytes_behind_an_answer_are_not_the_next_answer() {
    const FORGED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 86\r\n\r\n",
    ] {
        let app = going_wrong(move |exchange| exchange.send(format!("{answer}{FORGED}")));
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        client.get("/wrong");
        assert_eq!(client.get("/right").text(), "right", "{answer}");
    }
    let app = going_wrong(|exchange| exchange.respond(200, FORGED));
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("HEAD /wrong HTTP/1.1\r\nHost: a\r\n\r\n");
    client.response("HEAD");
    assert_eq!(client.get("/right").text(), "right", "a HEAD answered with a body");
}

#[test]
fn the_child_may_listen_on_ipv6_alone() {
    let app = upstream_at(Ipv6Addr::LOCALHOST.into(), |exchange| exchange.respond(200, "six"));
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for _ in 0..2 {
        assert_eq!(client.get("/").text(), "six");
    }
    assert_eq!(app.connections(), 1);
}
