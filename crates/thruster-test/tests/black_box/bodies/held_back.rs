//! Whoever reads slowly holds back the one who sends; what is between them stays small.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use thruster_test::{PATIENCE, event, thrust, upstream};

/// More than all socket buffers on the way can hold.
const TOO_MUCH: usize = 200_000_000;

/// What may wait between the two ends: two sockets' buffers on each side, and little of ours.
const ENOUGH: usize = 50_000_000;

/// Writes until the other side takes no more, and returns how much it took.
fn fill(mut stream: &TcpStream) -> usize {
    stream.set_write_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    let piece = [b'x'; 65_536];
    let mut written = 0;
    while written < TOO_MUCH {
        match stream.write(&piece) {
            Ok(length) => written += length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error} after {written} bytes"),
        }
    }
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    written
}

#[test]
fn a_client_that_does_not_read_holds_the_child_back() {
    let (sender, filled) = event();
    let app = upstream(move |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n");
        sender.send(fill(exchange.stream.get_ref())).expect("a test that listens");
        exchange.close();
    });
    let proxy = thrust().run(&app);
    let before = proxy.memory();
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    let filled = filled.wait();
    assert!(filled < ENOUGH, "somebody holds {filled} bytes");
    assert!(proxy.memory() < before + 4_000_000, "we do");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.rest().len(), filled);
}

#[test]
fn a_child_that_does_not_read_holds_the_client_back() {
    let (read_on, told) = event();
    let app = upstream(move |exchange| {
        let length: usize = told.wait();
        let mut body = vec![0; length];
        std::io::Read::read_exact(&mut exchange.stream, &mut body).expect("all that was sent");
        exchange.respond(200, "all read");
    });
    let proxy = thrust().run(&app);
    let before = proxy.memory();
    let mut client = proxy.connect();
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {TOO_MUCH}\r\n\r\n"));
    app.received();
    let filled = fill(client.stream());
    assert!(filled < ENOUGH, "somebody holds {filled} bytes");
    assert!(proxy.memory() < before + 4_000_000, "we do");
    read_on.send(filled).expect("a child that listens");
    assert_eq!(client.response("POST").text(), "all read");
}
