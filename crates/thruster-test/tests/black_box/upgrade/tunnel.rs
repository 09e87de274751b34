//! What goes through a connection that has switched protocols.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use thruster_test::{Client, Thrust, event, pace, thrust, upstream};
use tungstenite::{Message, accept, client};

use super::switch_and_echo;

const UPGRADE: &str = "GET /cable HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n";
const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

/// A client on its way through a tunnel.
fn switched(proxy: &Thrust) -> Client {
    let mut client = proxy.connect();
    client.send(UPGRADE);
    assert_eq!(client.head().status, 101);
    client
}

#[test]
fn what_the_child_says_right_behind_its_101_is_not_lost() {
    let app = upstream(|exchange| {
        exchange.send(format!("{SWITCH}{}", "first words".repeat(1000)));
        exchange.close();
    });
    let proxy = thrust().run(&app);
    let mut client = switched(&proxy);
    assert_eq!(client.rest(), "first words".repeat(1000).as_bytes());
    drop(client);
    assert_eq!(proxy.logged_request()["bytes_out"], 11_000);
}

#[test]
fn what_the_client_says_right_behind_its_request_is_not_lost() {
    let app = upstream(switch_and_echo);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    // More than is read at once, and all of it before the switch.
    let line = format!("{}\n", "x".repeat(9999));
    client.send(format!("{UPGRADE}{line}"));
    assert_eq!(client.head().status, 101);
    assert_eq!(client.bytes(10_000), line.as_bytes());
}

#[test]
fn a_client_may_close_its_half_and_listen_on() {
    let app = upstream(|exchange| {
        exchange.send(SWITCH);
        let mut all = Vec::new();
        exchange.stream.read_to_end(&mut all).expect("a clean end");
        exchange.send(format!("{} bytes", all.len()));
        exchange.close();
    });
    let proxy = thrust().run(&app);
    let mut client = switched(&proxy);
    client.send("five!").finish();
    assert_eq!(client.rest(), b"5 bytes");
    let line = proxy.logged_request();
    assert_eq!((&line["status"], line.get("error")), (&101.into(), None));
    assert_eq!((&line["bytes_in"], &line["bytes_out"]), (&5.into(), &7.into()));
    assert_eq!(line["path"], "/cable");
}

#[test]
fn the_child_may_close_its_half_and_listen_on() {
    let (told, heard) = event();
    let app = upstream(move |exchange| {
        exchange.send(format!("{SWITCH}last words"));
        exchange.stream.get_ref().shutdown(std::net::Shutdown::Write).expect("an open connection");
        let mut all = String::new();
        exchange.stream.read_to_string(&mut all).expect("a clean end");
        told.send(all).expect("a test that listens");
    });
    let proxy = thrust().run(&app);
    let mut client = switched(&proxy);
    assert_eq!(client.rest(), b"last words");
    client.send("and an answer");
    drop(client);
    assert_eq!(heard.wait(), "and an answer");
}

#[test]
fn a_tunnel_is_logged_when_it_ends_and_not_before() {
    let app = upstream(switch_and_echo);
    let proxy = thrust().run(&app);
    let mut tunnel = switched(&proxy);
    tunnel.send("hello\n");
    assert_eq!(tunnel.bytes(6), b"hello\n");
    proxy.connect().get("/plain");
    assert_eq!(proxy.logged_request()["path"], "/plain", "the tunnel is still there");
    tunnel.send("\n");
    assert_eq!(tunnel.rest(), b"bye\n");
    drop(tunnel);
    let line = proxy.logged_request();
    assert_eq!((&line["path"], &line["status"]), (&"/cable".into(), &101.into()));
    assert_eq!((&line["bytes_in"], &line["bytes_out"]), (&7.into(), &10.into()));
}

#[test]
fn a_tunnel_that_breaks_off_is_logged_with_what_went_through() {
    let app = upstream(switch_and_echo);
    let proxy = thrust().run(&app);
    let mut client = switched(&proxy);
    client.send("hello\n");
    assert_eq!(client.bytes(6), b"hello\n");
    let socket = socket2::SockRef::from(client.stream());
    socket.set_linger(Some(Duration::ZERO)).expect("a socket that can be reset");
    drop(client);
    let line = proxy.logged_request();
    assert_eq!(line["status"], 101);
    assert_eq!((&line["bytes_in"], &line["bytes_out"]), (&6.into(), &6.into()));
}

#[test]
fn a_client_that_vanishes_frees_the_child() {
    let (hung_up, noticed) = event();
    let app = upstream(move |exchange| {
        exchange.send(SWITCH);
        hung_up.send(exchange.is_hung_up_on()).expect("a test that listens");
    });
    let proxy = thrust().run(&app);
    drop(switched(&proxy));
    assert!(noticed.wait());
}

#[test]
fn a_tunnel_outlives_every_timeout() {
    let app = upstream(switch_and_echo);
    let proxy = thrust()
        .with("HTTP_IDLE_TIMEOUT", 1)
        .with("HTTP_READ_TIMEOUT", 1)
        .with("HTTP_WRITE_TIMEOUT", 1)
        .with("PROXY_TIMEOUT", 1)
        .run(&app);
    let mut client = switched(&proxy);
    pace(Duration::from_millis(2500));
    client.send("still there?\n");
    assert_eq!(client.bytes(13), b"still there?\n");
}

#[test]
fn much_goes_both_ways_at_once() {
    const PIECE: [u8; 10_000] = [b'x'; 10_000];
    const PIECES: usize = 500;
    let app = upstream(|exchange| {
        exchange.send(SWITCH);
        let mut sink = exchange.stream.get_ref().try_clone().expect("a second handle");
        let sender = thread::spawn(move || (0..PIECES).try_for_each(|_| sink.write_all(&PIECE)));
        let mut all = Vec::new();
        exchange.stream.read_to_end(&mut all).expect("a clean end");
        assert_eq!(all, PIECE.repeat(PIECES));
        sender.join().expect("no panic").expect("a client that reads");
        exchange.close();
    });
    let proxy = thrust().run(&app);
    let mut client = switched(&proxy);
    let mut sink: TcpStream = client.stream().try_clone().expect("a second handle");
    let sender = thread::spawn(move || {
        (0..PIECES).try_for_each(|_| sink.write_all(&PIECE)).expect("a child that reads");
        sink.shutdown(std::net::Shutdown::Write).expect("an open connection");
    });
    assert_eq!(client.rest(), PIECE.repeat(PIECES));
    sender.join().expect("no panic");
    let line = proxy.logged_request();
    let all = PIECE.len() * PIECES;
    assert_eq!((&line["bytes_in"], &line["bytes_out"]), (&all.into(), &all.into()));
}

#[test]
fn a_websocket_echoes() {
    let app = upstream(|exchange| {
        // The handshake wants the head that has been read already.
        let head = format!("{}\r\n\r\n", exchange.head);
        let stream = exchange.stream.get_ref().try_clone().expect("a second handle");
        let replay = Replay { head: head.into_bytes().into(), stream };
        let mut socket = accept(replay).expect("a handshake");
        while let Ok(message) = socket.read() {
            if message.is_text() || message.is_binary() {
                socket.send(message).expect("a client that reads");
            }
        }
        exchange.close();
    });
    let proxy = thrust().run(&app);
    let stream = TcpStream::connect(proxy.address()).expect("somebody listens");
    let (mut socket, response) = client("ws://test.example/cable", stream).expect("a handshake");
    assert_eq!(response.status(), 101);
    for message in [Message::text("hello"), Message::binary(vec![7; 200_000])] {
        socket.send(message.clone()).expect("a child that reads");
        assert_eq!(socket.read().expect("an echo"), message);
    }
    socket.close(None).expect("an open socket");
    while socket.read().is_ok() {}
    drop(socket);
    let line = proxy.logged_request();
    assert_eq!((&line["status"], line.get("error")), (&101.into(), None));
    assert!(
        line["bytes_in"].as_u64() > Some(200_000) && line["bytes_out"].as_u64() > Some(200_000)
    );
}

/// A stream whose head is read once more.
struct Replay {
    head: std::collections::VecDeque<u8>,
    stream: TcpStream,
}

impl Read for Replay {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.head.is_empty() { self.stream.read(into) } else { self.head.read(into) }
    }
}

impl Write for Replay {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}
