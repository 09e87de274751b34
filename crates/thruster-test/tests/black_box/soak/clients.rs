//! The clients: those that behave, and those that leave at any point.

use std::net::SocketAddr;
use std::time::Duration;

use fastrand::Rng;
use http::Request;
use socket2::SockRef;
use thruster_test::{Client, Http2};

/// A client's visit, from connecting to leaving.
type Visit = fn(SocketAddr, &mut Rng);

pub const CLIENTS: [Visit; 7] =
    [keep_alive, pipelining, uploading, tunnelling, leaving, multiplexing, websocket_in_http2];

fn keep_alive(address: SocketAddr, dice: &mut Rng) {
    let mut client = Client::connect(address);
    for _ in 0..dice.usize(1..50) {
        let size = dice.usize(0..100_000) >> dice.usize(0..10);
        if dice.bool() {
            assert_eq!(client.get(&format!("/bytes/{size}")).body.len(), size);
        } else {
            let chunks = size % 100;
            assert_eq!(client.get(&format!("/chunks/{chunks}")).text(), "chunk".repeat(chunks));
        }
    }
}

fn pipelining(address: SocketAddr, dice: &mut Rng) {
    let mut client = Client::connect(address);
    let sizes: Vec<_> = (0..dice.usize(2..40)).map(|_| dice.usize(0..5000)).collect();
    let requests: String =
        sizes.iter().map(|size| format!("GET /bytes/{size} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    client.send(requests);
    // Now and then somebody leaves before the last answers.
    let wanted = if dice.u8(0..4) == 0 { dice.usize(0..sizes.len()) } else { sizes.len() };
    for size in &sizes[..wanted] {
        assert_eq!(client.response("GET").body.len(), *size);
    }
}

fn uploading(address: SocketAddr, dice: &mut Rng) {
    let mut client = Client::connect(address);
    for _ in 0..dice.usize(1..10) {
        let body = vec![b'a' + dice.u8(0..26); dice.usize(0..300_000) >> dice.usize(0..8)];
        let response = if dice.bool() {
            client.post("/echo", &body)
        } else {
            client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
            for chunk in body.chunks(dice.usize(1..50_000)) {
                client.send(format!("{:x}\r\n", chunk.len())).send(chunk).send("\r\n");
            }
            client.send("0\r\n\r\n").response("POST")
        };
        assert_eq!(response.body, body);
    }
}

fn tunnelling(address: SocketAddr, dice: &mut Rng) {
    let mut client = Client::connect(address);
    client.send(
        "GET /tunnel HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    );
    assert_eq!(client.head().status, 101);
    for _ in 0..dice.usize(0..20) {
        let words = vec![b'w'; dice.usize(1..10_000)];
        assert_eq!(client.send(&words).bytes(words.len()), words);
    }
    match dice.bool() {
        true => assert_eq!(client.finish().rest(), b""),
        false => leave(client, dice),
    }
}

/// Breaks off at any byte of the request or of the answer.
fn leaving(address: SocketAddr, dice: &mut Rng) {
    let requests = [
        "GET /endless/0 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /bytes/1000000 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n{:5000}", ""),
        format!(
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
             1388\r\n{:5000}\r\n0\r\n\r\n",
            ""
        ),
    ];
    let request = dice.choice(&requests).expect("some requests");
    let mut client = Client::connect(address);
    let is_whole = dice.bool();
    client.send(&request[..if is_whole { request.len() } else { dice.usize(0..request.len()) }]);
    if is_whole && dice.bool() {
        assert_eq!(client.head().status, 200);
        client.bytes(dice.usize(0..4000));
    }
    leave(client, dice);
}

/// Closes, or resets.
fn leave(client: Client, dice: &mut Rng) {
    if dice.bool() {
        let socket = SockRef::from(client.stream());
        socket.set_linger(Some(Duration::ZERO)).expect("a socket that can be reset");
    }
}

fn multiplexing(address: SocketAddr, dice: &mut Rng) {
    let client = Http2::connect(address);
    for _ in 0..dice.usize(1..10) {
        let sizes: Vec<_> = (0..dice.usize(1..20)).map(|_| dice.usize(0..50_000)).collect();
        let request = |size: &usize| Http2::request("GET", &format!("/bytes/{size}"));
        let streams: Vec<_> = sizes.iter().map(|size| client.open(request(size), true)).collect();
        for (mut stream, size) in streams.into_iter().zip(sizes) {
            match dice.u8(0..4) {
                0 => stream.reset(),
                _ => assert_eq!(stream.response().body.len(), size),
            }
        }
        let body = vec![b'x'; dice.usize(0..200_000)];
        assert_eq!(client.post("/echo", &body).body, body);
    }
}

fn websocket_in_http2(address: SocketAddr, dice: &mut Rng) {
    let client = Http2::connect(address);
    // Brings the settings that allow what follows.
    client.get("/bytes/1");
    let connect = Request::builder()
        .method("CONNECT")
        .uri("http://test.example/tunnel")
        .extension(h2::ext::Protocol::from_static("websocket"));
    let mut stream = client.open(connect, false);
    assert_eq!(stream.head().expect("an answer").status, 200);
    for _ in 0..dice.usize(0..20) {
        stream.send(b"hello");
        assert_eq!(stream.data().expect("data").as_deref(), Some(&b"hello"[..]));
    }
    match dice.bool() {
        true => {
            stream.finish();
            assert_eq!(stream.data().expect("a clean end"), None);
        }
        false => stream.reset(),
    }
}
