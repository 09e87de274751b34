//! Clients that are slow with their heads, idle, or slow to read.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use thruster_test::{Exchange, PATIENCE, Upstream, event, pace, upstream};

use super::{LONG, impatient};

const CHUNK: usize = 0x10000;

/// Answers with chunks until the client has had `count`, or thrust hangs up; tells which.
fn send_chunks(exchange: &mut Exchange, count: usize) -> bool {
    exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = [&b"10000\r\n"[..], &[b'x'; CHUNK], b"\r\n"].concat();
    let stream = exchange.stream.get_mut();
    (0..count).all(|_| stream.write_all(&chunk).is_ok()) && stream.write_all(b"0\r\n\r\n").is_ok()
}

/// A connection of a client with little room for what it has not read yet.
fn small_window(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(CHUNK).expect("a small buffer");
    socket.connect(&address.into()).expect("somebody listens");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

#[test]
fn a_head_that_drips_in_is_cut_however_steadily() {
    let app = Upstream::saying("hello");
    let proxy = impatient().run(&app);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    let mut drip = client.stream().try_clone().expect("a second handle");
    let dripping = thread::spawn(move || {
        // It would go on for longer than the test's patience.
        (0..200).take_while(|_| drip.write_all(b"x").is_ok()).for_each(|_| {
            pace(Duration::from_millis(200));
        });
    });
    let response = client.response("GET");
    assert_eq!((response.status, response.header("connection")), (408, "close"));
    let line = proxy.logged_request();
    assert_eq!(line["status"], 408);
    assert_eq!(line["error"], "request head not complete within HTTP_READ_TIMEOUT");
    assert!(app.has_received_nothing());
    drop(client);
    dripping.join().expect("no panic");
}

#[test]
fn the_second_head_has_its_time_too() {
    let app = Upstream::saying("hello");
    let proxy = impatient().run(&app);
    let mut client = proxy.connect();
    assert_eq!(client.get("/").text(), "hello");
    client.send("GET / HTTP/1.1\r\nHo");
    assert_eq!(client.response("GET").status, 408);
    assert!(client.is_closed());
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let app = Upstream::saying("hello");
    let proxy = impatient().run(&app);
    let mut unused = proxy.connect();
    let mut used = proxy.connect();
    assert_eq!(used.get("/").text(), "hello");
    assert_eq!(used.rest(), b"");
    assert_eq!(unused.rest(), b"");
    assert_eq!(proxy.logged_request()["status"], 200);
    assert!(proxy.unread_requests().is_empty(), "an idle end is no request");
}

#[test]
fn a_connection_in_use_is_never_idle() {
    let app = Upstream::saying("hello");
    let proxy = impatient().run(&app);
    let mut client = proxy.connect();
    for _ in 0..6 {
        assert_eq!(client.get("/").text(), "hello");
        pace(Duration::from_millis(500));
    }
}

#[test]
fn a_client_that_reads_nothing_is_cut_and_the_child_is_freed() {
    let (ended, noticed) = event();
    let app = upstream(move |exchange| {
        ended.send(send_chunks(exchange, 10_000)).expect("a test that listens");
    });
    let proxy = impatient().run(&app);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(!noticed.wait(), "the child was hung up on");
    let line = proxy.logged_request();
    assert_eq!(line["status"], 499);
    assert_eq!(line["error"], "client stopped reading for HTTP_WRITE_TIMEOUT");
}

#[test]
fn a_client_that_reads_slowly_gets_it_all() {
    const CHUNKS: usize = 256;
    let app = upstream(|exchange| assert!(send_chunks(exchange, CHUNKS)));
    let proxy = impatient().run(&app);
    let mut client = small_window(proxy.address());
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("sent");
    let mut received = Vec::new();
    for _ in 0..10 {
        pace(Duration::from_millis(400));
        (&client).take(4 * CHUNK as u64).read_to_end(&mut received).expect("more");
    }
    client.read_to_end(&mut received).expect("a clean end");
    assert!(received.ends_with(b"\r\n0\r\n\r\n"));
    let head = received.windows(4).position(|end| end == b"\r\n\r\n").expect("a head");
    assert_eq!(received[head..].iter().filter(|byte| **byte == b'x').count(), CHUNKS * CHUNK);
    assert_eq!(proxy.logged_request()["bytes_out"], CHUNKS * CHUNK);
}

#[test]
fn a_pause_between_two_pieces_of_an_answer_is_not_the_clients() {
    // The client reads all there is; the clock for its reading must not run meanwhile.
    let app = upstream(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
        exchange.send([b'x'; 100_000]);
        pace(LONG);
        exchange.send([b'x'; 100_000]);
    });
    let proxy = impatient().run(&app);
    assert_eq!(proxy.connect().get("/").body.len(), 200_000);
}
