//! What stands in for an error, and what does not (RFC 5861 section 4).

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use super::super::{got, numbering, said};
use super::REFRESHED;
use socket2::{Domain, Socket, Type};
use thruster_test::thrust;

const IF_ERROR: &str = "Cache-Control: max-age=60, stale-if-error=600\nAge: 100\nETag: \"a\"";

#[test]
fn a_failing_application_is_covered_for() {
    for status in [500, 502, 503, 504] {
        let app = numbering(move |exchange, number| match number {
            1 => exchange.answer(200, IF_ERROR, "old"),
            2 | 3 => exchange.answer(status, "", "broken"),
            _ => exchange.answer(200, REFRESHED, "new"),
        });
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        assert_eq!(got(&client.get("/")), ("miss", "old"));
        proxy.logged_request();
        for _ in 0..2 {
            let spare = client.get("/");
            assert_eq!((spare.status, got(&spare)), (200, ("hit", "old")), "{status}");
            assert_eq!(said(&spare, "detail"), Some("stale-if-error"));
            let line = proxy.logged_request();
            assert_eq!(
                (&line["cache"], &line["cache_reason"]),
                (&"hit".into(), &"stale-if-error".into())
            );
        }
        assert_eq!(got(&client.get("/")), ("miss", "new"));
        assert_eq!(got(&client.get("/")), ("hit", "new"));
    }
}

#[test]
fn an_answer_that_is_no_failure_is_passed_on() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(200, IF_ERROR, "old"),
        _ => exchange.answer(exchange.target()[1..].parse().expect("a status"), "", "said"),
    });
    for status in [400, 403, 404, 410, 422, 429, 501] {
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        let target = format!("/{status}");
        client.get(&target);
        let second = client.get(&target);
        assert_eq!((second.status, got(&second)), (status, ("miss", "said")));
    }
}

#[test]
fn an_application_that_breaks_off_is_covered_for() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(200, IF_ERROR, "old"),
        _ => exchange.close(),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    let spare = client.get("/");
    assert_eq!(
        (spare.status, got(&spare), said(&spare, "detail")),
        (200, ("hit", "old"), Some("stale-if-error"))
    );
}

#[test]
fn an_application_that_does_not_answer_is_covered_for() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(200, IF_ERROR, "old"),
        _ => assert!(exchange.is_hung_up_on()),
    });
    let proxy = thrust().with("PROXY_TIMEOUT", 1).run(&app);
    let mut client = proxy.connect();
    client.get("/");
    let spare = client.get("/");
    assert_eq!(
        (spare.status, got(&spare), said(&spare, "detail")),
        (200, ("hit", "old"), Some("stale-if-error"))
    );
}

#[test]
fn an_application_that_is_gone_is_covered_for() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    // Patience for a child that may come back is for those who have nothing else.
    let proxy = thrust().with("BOOT_TIMEOUT", 600).run_to(address.port());
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n");
    let mut child = accept_with_request(&listener);
    let fields = IF_ERROR.replace('\n', "\r\n");
    write!(child, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n{fields}\r\n\r\nold").expect("a client");
    assert_eq!(got(&client.response("GET")), ("miss", "old"));
    child.shutdown(Shutdown::Both).expect("an open connection");
    drop(listener);
    // Taken at once, so that nobody else comes to listen there.
    let held = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    held.set_reuse_address(true).and_then(|()| held.bind(&address.into())).expect("the same port");
    for _ in 0..2 {
        let spare = client.get("/");
        assert_eq!((spare.status, got(&spare)), (200, ("hit", "old")));
        assert_eq!(said(&spare, "detail"), Some("stale-if-error"));
    }
}

/// The connection on which the head of a request has come. Thrust looks whether somebody is
/// there before it asks for anything.
fn accept_with_request(listener: &TcpListener) -> TcpStream {
    loop {
        let (stream, _) = listener.accept().expect("a connection");
        let mut reader = BufReader::new(stream.try_clone().expect("another handle"));
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|length| length > 2) {}
        if line.starts_with("GET / ") {
            return stream;
        }
    }
}

#[test]
fn an_error_is_not_covered_for_longer_than_allowed() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(
            200,
            "Cache-Control: max-age=60, stale-while-revalidate=600, stale-if-error=10\nAge: 100",
            "old",
        ),
        _ => exchange.answer(500, "", "broken"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    // With max-age in the request nothing stale is given first (RFC 9111 section 5.2.1.1).
    let broken = client.ask("GET", "/", "Cache-Control: max-age=300");
    assert_eq!((broken.status, got(&broken)), (500, ("miss", "broken")));
    // RFC 5861 section 4: the request may allow more.
    let spare = client.ask("GET", "/", "Cache-Control: max-age=300, stale-if-error=600");
    assert_eq!((spare.status, got(&spare)), (200, ("hit", "old")));
}

#[test]
fn who_wants_to_be_sure_hears_of_the_error() {
    for fields in [IF_ERROR, "Cache-Control: max-age=60"] {
        let app = numbering(move |exchange, number| match number {
            1 => exchange.answer(200, fields, "old"),
            _ => exchange.answer(500, "", "broken"),
        });
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        client.get("/");
        for directive in ["no-cache", "max-age=0"] {
            let broken = client.ask("GET", "/", &format!("Cache-Control: {directive}"));
            assert_eq!(
                (broken.status, got(&broken)),
                (500, ("miss", "broken")),
                "{directive} {fields}"
            );
        }
    }
}

#[test]
fn what_was_marked_as_stale_covers_for_an_error_only_where_it_may() {
    for (fields, status) in [
        ("Cache-Control: max-age=60", 500),
        ("Cache-Control: max-age=60, must-revalidate, stale-if-error=600", 500),
        ("Cache-Control: max-age=60, stale-if-error=600", 200),
    ] {
        let app = numbering(move |exchange, number| match number {
            1 => exchange.answer(200, fields, "old"),
            _ => exchange.answer(500, "", "broken"),
        });
        let proxy = thrust().with_control().run(&app);
        let mut client = proxy.connect();
        client.get("/");
        let marked = proxy.control().purge(&serde_json::json!({ "all": true, "soft": true }));
        assert_eq!(marked, 1);
        assert_eq!(client.get("/").status, status, "{fields}");
    }
}

#[test]
fn what_covers_for_an_error_may_be_a_part_or_a_304() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(200, IF_ERROR, "old"),
        _ => exchange.answer(503, "", "broken"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    for (fields, status, body) in [
        ("Range: bytes=1-", 206, "ld"),
        ("If-None-Match: \"a\"", 304, ""),
        ("If-None-Match: \"b\"", 200, "old"),
    ] {
        let spare = client.ask("GET", "/", fields);
        assert_eq!((spare.status, got(&spare)), (status, ("hit", body)), "{fields}");
    }
    let head = client.ask("HEAD", "/", "");
    assert_eq!((head.status, got(&head), head.header("content-length")), (200, ("hit", ""), "3"));
}
