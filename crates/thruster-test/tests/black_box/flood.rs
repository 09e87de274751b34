//! More than is reasonable, of everything: thrust gives what it has and stays alive.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use socket2::SockRef;
use thruster_test::{Client, Thrust, Upstream, thrust};

/// Connections that are open at once.
const MANY: usize = 2000;

fn app() -> (Upstream, Thrust) {
    // Our ends of them need descriptors too, and the default may be 1,024.
    let limit = rlimit::increase_nofile_limit(MANY as u64 * 2 + 500).expect("a limit");
    assert!(limit > MANY as u64 + 500, "this test needs a higher hard limit than {limit}");
    let app = Upstream::saying("hello");
    let proxy = thrust().run(&app);
    (app, proxy)
}

/// Has the connection reset, not closed, when it is dropped.
fn will_reset(client: &Client) {
    let socket = SockRef::from(client.stream());
    socket.set_linger(Some(Duration::ZERO)).expect("a socket that can be reset");
}

#[test]
fn thousands_of_idle_connections_are_held_and_answered() {
    let (_app, proxy) = app();
    let mut warm = proxy.connect();
    assert_eq!(warm.get("/").text(), "hello");
    let before = proxy.memory();
    let mut clients: Vec<_> = (0..MANY).map(|_| proxy.connect()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/").text(), "hello");
    }
    // All are there, and have said something: this is what they cost while they are idle.
    let each = proxy.memory().saturating_sub(before) / MANY as u64;
    assert!(each < 25 * 1024, "{each} bytes for an idle connection");
    for client in &mut clients {
        assert_eq!(client.get("/").text(), "hello", "idle, not forgotten");
    }
    assert!(proxy.descriptors() > MANY);
    drop(clients);
    descriptors_fall_to(&proxy, 100);
    assert_eq!(warm.get("/").text(), "hello");
}

#[test]
fn connections_reset_at_once_do_no_harm() {
    let (_app, proxy) = app();
    for _ in 0..5 {
        let clients: Vec<_> = (0..200).map(|_| proxy.connect()).collect();
        for (number, client) in clients.into_iter().enumerate() {
            will_reset(&client);
            let mut client = client;
            // Before a word, in the middle of one, and right behind a whole request.
            match number % 3 {
                0 => {}
                1 => drop(client.try_send("GET / HT")),
                _ => drop(client.try_send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
            }
        }
    }
    assert_eq!(proxy.connect().get("/").text(), "hello");
    descriptors_fall_to(&proxy, 100);
}

#[test]
fn heads_that_are_never_finished_do_not_stop_others() {
    let (_app, proxy) = app();
    let unfinished: Vec<_> = (0..500)
        .map(|number| {
            let mut client = proxy.connect();
            match number % 2 {
                0 => client.send("GET / HTTP/1.1\r\nHost: a\r\n"),
                _ => client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"),
            };
            client
        })
        .collect();
    for _ in 0..100 {
        assert_eq!(proxy.connect().get("/").text(), "hello");
    }
    drop(unfinished);
    descriptors_fall_to(&proxy, 100);
}

#[test]
fn garbage_is_refused_and_does_no_harm() {
    let (_app, proxy) = app();
    // Any generator will do that makes the same bytes each time.
    let mut state = 7_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    for number in 0..200 {
        let length = 1 + usize::from(next()) * (1 + number % 8);
        let mut garbage: Vec<u8> = (0..length).map(|_| next()).collect();
        garbage.extend(b"\r\n\r\n");
        let mut client = proxy.connect();
        // It may be refused before all of it is sent.
        drop(client.try_send(&garbage));
        let status = client.response("GET").status;
        assert!(matches!(status, 400 | 431 | 501 | 505), "{status} for {garbage:?}");
    }
    assert_eq!(proxy.connect().get("/").text(), "hello");
}

#[test]
fn tls_spoken_to_a_plain_port_is_refused() {
    let (_app, proxy) = app();
    let mut client = proxy.connect();
    // The beginning of a ClientHello.
    client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    assert_eq!(client.response("GET").status, 400);
    assert!(client.is_closed());
}

#[test]
fn without_a_descriptor_left_we_wait_for_one() {
    const LIMIT: u32 = 64;
    let app = Upstream::saying("hello");
    let command = thrust().command(&["sh", "-c", "echo up; exec sleep infinity"]);
    let proxy = command.with_descriptors(LIMIT).run(&app);
    // To start a command takes descriptors, too.
    while proxy.line() != "up" {}
    let mut first = proxy.connect();
    assert_eq!(first.get("/").text(), "hello");
    // More than it can accept: the rest waits in the kernel's queue.
    let clients: Vec<_> = (0..2 * LIMIT).map(|_| TcpStream::connect(proxy.address())).collect();
    assert!(clients.iter().all(Result::is_ok));
    proxy.log_where(|line| line["level"] == "WARN" && line["msg"].to_string().contains("accept"));
    assert_eq!(first.get("/").text(), "hello", "who is in is served");
    drop(clients);
    for _ in 0..100 {
        assert_eq!(proxy.connect().get("/").text(), "hello");
    }
    descriptors_fall_to(&proxy, 40);
}

#[test]
fn a_crowd_at_once_is_answered_to_the_last() {
    let (_app, proxy) = app();
    let address = proxy.address();
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(move || {
                for _ in 0..10 {
                    assert_eq!(Client::connect(address).get("/").text(), "hello");
                }
            });
        }
    });
    descriptors_fall_to(&proxy, 150);
}

/// Waits until thrust has let go of its connections. Those to the child may stay for a while.
fn descriptors_fall_to(proxy: &Thrust, most: usize) {
    let mut client = proxy.connect();
    // Each request is an event at thrust that comes after the ends of the others.
    let rounds = (0..10_000).take_while(|_| {
        client.get("/");
        proxy.descriptors() > most
    });
    assert!(rounds.count() < 10_000, "{} descriptors are still open", proxy.descriptors());
}
