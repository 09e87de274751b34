//! TLS with clients.

mod acme;
mod handshake;
mod hsts;
mod local;
mod names;
mod own;
mod redirect;

use thruster_test::{Authority, Folder, Http2, Upstream, thrust, upstream, values};

/// More than any buffer on the way holds.
const LARGE: usize = 3_000_000;

fn large() -> Vec<u8> {
    (0..LARGE as u32).map(|n| b' ' + (n % 89) as u8).collect()
}

#[test]
fn http1_is_spoken_and_the_child_hears_of_https() {
    let authority = Authority::new();
    let app = Upstream::saying("hello");
    let proxy = thrust().with_certificates(&[&authority.certify(&["a.example"])]).run(&app);
    let mut client = proxy.connect_tls("a.example", &authority.trust());
    assert_eq!(client.get("/1").text(), "hello");
    assert_eq!(values(&app.received(), "X-Forwarded-Proto"), ["https"]);
    assert_eq!(client.get("/2").text(), "hello", "on the same connection");
}

#[test]
fn who_offers_http2_gets_it() {
    let authority = Authority::new();
    let app = Upstream::saying("hello");
    let proxy = thrust().with_certificates(&[&authority.certify(&["a.example"])]).run(&app);
    let client = Http2::connect_tls(proxy.https(), "a.example", &authority.trust());
    assert_eq!(client.get("/").text(), "hello");
    assert_eq!(values(&app.received(), "X-Forwarded-Proto"), ["https"]);
    assert_eq!(proxy.logged_request()["proto"], "HTTP/2.0");
}

#[test]
fn the_clients_own_word_on_the_scheme_is_not_passed_on() {
    let authority = Authority::new();
    let app = Upstream::saying("");
    let proxy = thrust().with_certificates(&[&authority.certify(&["a.example"])]).run(&app);
    let mut client = proxy.connect_tls("a.example", &authority.trust());
    client.ask("GET", "/", "X-Forwarded-Proto: http\nX-Forwarded-For: 6.6.6.6");
    let received = app.received();
    assert_eq!(values(&received, "X-Forwarded-Proto"), ["https"]);
    assert_eq!(values(&received, "X-Forwarded-For"), ["127.0.0.1"]);
}

#[test]
fn large_bodies_come_through_both_ways() {
    let authority = Authority::new();
    let app = Upstream::echo();
    let proxy = thrust().with_certificates(&[&authority.certify(&["a.example"])]).run(&app);
    let mut client = proxy.connect_tls("a.example", &authority.trust());
    let body = large();
    for _ in 0..2 {
        // The answer comes when all of it is there, so nobody has to read meanwhile.
        assert!(client.post("/", &body).body == body);
    }
    let client = Http2::connect_tls(proxy.https(), "a.example", &authority.trust());
    assert!(client.post("/", &body).body == body);
}

#[test]
fn files_come_through_whole_and_in_parts() {
    let (authority, folder) = (Authority::new(), Folder::new());
    let body = large();
    let path = folder.file("a.bin", &body).display().to_string();
    let app = upstream(move |exchange| exchange.answer(200, &format!("X-Sendfile: {path}\n"), ""));
    let proxy = thrust().with_certificates(&[&authority.certify(&["a.example"])]).run(&app);
    let mut client = proxy.connect_tls("a.example", &authority.trust());
    assert!(client.get("/").body == body);
    let part = client.ask("GET", "/", "Range: bytes=1000000-2500000");
    assert!(part.status == 206 && part.body == body[1_000_000..=2_500_000]);
    let client = Http2::connect_tls(proxy.https(), "a.example", &authority.trust());
    assert!(client.get("/").body == body);
}

#[test]
fn requests_sent_ahead_are_answered_in_order() {
    let authority = Authority::new();
    let app = upstream(|exchange| {
        let target = exchange.target().to_owned();
        exchange.respond(200, &target);
    });
    let proxy = thrust().with_certificates(&[&authority.certify(&["a.example"])]).run(&app);
    let mut client = proxy.connect_tls("a.example", &authority.trust());
    // Together they are more than is read at once, and TLS has them all before the first is asked.
    let padding = "x".repeat(3000);
    let requests = (0..8)
        .map(|n| format!("GET /{n} HTTP/1.1\r\nHost: a.example\r\nX-Padding: {padding}\r\n\r\n"));
    client.send(requests.collect::<String>());
    for n in 0..8 {
        assert_eq!(client.response("GET").text(), format!("/{n}"));
    }
}

#[test]
fn a_tunnel_carries_bytes_both_ways_as_they_come() {
    let authority = Authority::new();
    let app = upstream(|exchange| {
        exchange.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: shout\r\nConnection: upgrade\r\n\r\n",
        );
        loop {
            let line = exchange.line();
            exchange.send(format!("{}!\r\n", line.to_uppercase()));
        }
    });
    let proxy = thrust().with_certificates(&[&authority.certify(&["a.example"])]).run(&app);
    let mut client = proxy.connect_tls("a.example", &authority.trust());
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\n");
    assert_eq!(client.head().status, 101);
    for word in ["one", "two", "three"] {
        client.send(format!("{word}\r\n"));
        assert_eq!(client.line(), format!("{}!", word.to_uppercase()));
    }
}

#[test]
fn flushed_pieces_arrive_one_by_one() {
    let authority = Authority::new();
    let (go_on, awaited) = std::sync::mpsc::channel::<()>();
    let awaited = std::sync::Mutex::new(awaited);
    let app = upstream(move |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        for piece in ["a", "b", "c"] {
            exchange.send(format!("1\r\n{piece}\r\n"));
            awaited.lock().expect("no panic").recv().expect("a reader");
        }
        exchange.send("0\r\n\r\n");
    });
    let proxy = thrust().with_certificates(&[&authority.certify(&["a.example"])]).run(&app);
    let mut client = proxy.connect_tls("a.example", &authority.trust());
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().status, 200);
    for piece in ["a", "b", "c"] {
        assert_eq!(client.chunk().as_deref(), Some(piece.as_bytes()));
        go_on.send(()).expect("the application waits");
    }
    assert_eq!(client.chunk(), None);
}

#[test]
fn an_answer_that_breaks_off_does_not_look_whole() {
    let authority = Authority::new();
    let app = upstream(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        exchange.close();
    });
    let proxy = thrust().with_certificates(&[&authority.certify(&["a.example"])]).run(&app);
    let mut client = proxy.connect_tls("a.example", &authority.trust());
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().header("content-length"), "100");
    assert_eq!(client.bytes(4), b"half");
    assert!(client.is_cut_off(), "no close_notify came");
}
