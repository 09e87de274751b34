//! Large downloads while they are under way: one request to the child for all, whoever reads how
//! fast, and nothing kept that is not whole.

use std::sync::mpsc::Sender;

use serde_json::json;
use thruster_test::{Client, Folder, Upstream, event, upstream};

use super::{FIELDS, SMALL, assert_is, being_written, files, holding, started, until, wait_for};
use crate::bodies::noise;

const LARGE: usize = 4_000_000;
const HALF: usize = LARGE / 2;

/// A server that sends the first half of this body, and the second when it is told to.
fn in_halves(body: &[u8]) -> (Upstream, Sender<()>) {
    let (go_on, told) = event::<()>();
    let body = body.to_vec();
    let app = upstream(move |exchange| {
        let length = body.len();
        exchange.send(format!("HTTP/1.1 200 OK\r\n{FIELDS}Content-Length: {length}\r\n\r\n"));
        let (first, second) = body.split_at(length / 2);
        exchange.send(first);
        told.wait();
        exchange.send(second);
    });
    (app, go_on)
}

fn ask(client: &mut Client) -> &mut Client {
    client.send("GET /large HTTP/1.1\r\nHost: test.example\r\n\r\n")
}

/// Asks, and reads the first half.
fn begin(client: &mut Client, body: &[u8]) {
    let head = ask(client).head();
    assert_eq!((head.status, head.header("content-length")), (200, &*body.len().to_string()));
    assert!(client.bytes(body.len() / 2) == body[..body.len() / 2]);
}

#[test]
fn those_who_come_later_get_the_first_half_from_the_disk() {
    let folder = Folder::new();
    let body = noise(LARGE);
    let (app, go_on) = in_halves(&body);
    let (proxy, control) = started(&folder, &app, 0);
    let mut clients: Vec<_> = (0..4).map(|_| proxy.connect()).collect();
    begin(&mut clients[0], &body);
    app.received();
    until("it is on the disk", || being_written(&folder) > HALF as u64);
    for client in &mut clients[1..] {
        begin(client, &body);
    }
    assert!(app.has_received_nothing());
    go_on.send(()).expect("an upstream that listens");
    for client in &mut clients {
        assert!(client.bytes(LARGE - HALF) == body[HALF..]);
    }
    wait_for(&control, 1);
    assert_is(&clients[0].get("/large"), "hit", &body);
    assert!(app.has_received_nothing());
}

#[test]
fn those_who_come_together_share_one_answer() {
    let folder = Folder::new();
    let body = noise(LARGE);
    let (go_on, told) = event::<()>();
    let answer = body.clone();
    let app = upstream(move |exchange| {
        if exchange.connection == 0 && exchange.number == 0 {
            told.wait();
        }
        exchange.send(format!("HTTP/1.1 200 OK\r\n{FIELDS}Content-Length: {LARGE}\r\n\r\n"));
        exchange.send(&answer);
    });
    let (proxy, control) = started(&folder, &app, 0);
    let mut clients: Vec<_> = (0..6).map(|_| proxy.connect()).collect();
    for client in &mut clients {
        ask(client);
    }
    app.received();
    go_on.send(()).expect("an upstream that listens");
    std::thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(|| assert!(client.response("GET").body == body));
        }
    });
    assert!(app.has_received_nothing(), "the child was asked more than once");
    wait_for(&control, 1);
}

#[test]
fn who_reads_slowly_holds_up_nobody_else() {
    // More than all socket buffers on the way can hold.
    let body = noise(40_000_000);
    let folder = Folder::new();
    let app = holding(body.clone());
    let (proxy, control) = started(&folder, &app, 0);
    let before = proxy.memory();
    let mut slow = proxy.connect();
    assert_eq!(ask(&mut slow).head().status, 200);
    app.received();
    let mut fast = proxy.connect();
    assert!(ask(&mut fast).response("GET").body == body);
    assert!(app.has_received_nothing(), "the child was asked twice");
    wait_for(&control, 1);
    assert!(proxy.memory() < before + 20_000_000, "what is on the disk need not be in memory");
    assert!(slow.bytes(body.len()) == body);
}

#[test]
fn it_goes_on_when_who_asked_first_has_left() {
    let folder = Folder::new();
    let body = noise(LARGE);
    let (app, go_on) = in_halves(&body);
    let (proxy, control) = started(&folder, &app, 0);
    let (mut first, mut second) = (proxy.connect(), proxy.connect());
    begin(&mut first, &body);
    app.received();
    until("it is on the disk", || being_written(&folder) > HALF as u64);
    begin(&mut second, &body);
    drop(first);
    assert_eq!(proxy.logged_request()["status"], 499);
    go_on.send(()).expect("an upstream that listens");
    assert!(second.bytes(LARGE - HALF) == body[HALF..]);
    wait_for(&control, 1);
    assert_is(&second.get("/large"), "hit", &body);
    assert!(app.has_received_nothing());
}

#[test]
fn it_is_kept_when_nobody_is_left() {
    let folder = Folder::new();
    let body = noise(LARGE);
    let (app, go_on) = in_halves(&body);
    let (proxy, control) = started(&folder, &app, 0);
    let mut client = proxy.connect();
    begin(&mut client, &body);
    app.received();
    drop(client);
    assert_eq!(proxy.logged_request()["status"], 499);
    go_on.send(()).expect("an upstream that listens");
    wait_for(&control, 1);
    assert_is(&proxy.connect().get("/large"), "hit", &body);
    assert!(app.has_received_nothing());
}

#[test]
fn an_interrupted_one_is_not_kept() {
    let body = noise(LARGE);
    for framing in ["Content-Length: 4000000", "Transfer-Encoding: chunked"] {
        let folder = Folder::new();
        let half = body[..HALF].to_vec();
        let app = upstream(move |exchange| {
            exchange.send(format!("HTTP/1.1 200 OK\r\n{FIELDS}{framing}\r\n\r\n"));
            if framing.starts_with('T') {
                exchange.send(format!("{:x}\r\n", half.len() + 1));
            }
            exchange.send(&half);
            exchange.close();
        });
        let (proxy, control) = started(&folder, &app, 0);
        for _ in 0..2 {
            let mut client = proxy.connect();
            assert_eq!(ask(&mut client).head().status, 200);
            let remains = client.remains();
            assert!(!remains.ends_with(b"\r\n0\r\n\r\n") && remains.len() < LARGE, "{framing}");
            assert!(app.received().starts_with("GET "), "it is asked for again");
            assert!(proxy.logged_request()["error"].is_string());
        }
        until("nothing is left of it", || being_written(&folder) == 0);
        assert_eq!(control.report()["entries"], json!([]));
        assert!(files(&folder).is_empty());
    }
}

#[test]
fn one_that_was_purged_on_its_way_is_not_kept() {
    let body = noise(LARGE);
    for what in
        [json!({ "url": "/large" }), json!({ "all": true }), json!({ "all": true, "soft": true })]
    {
        let folder = Folder::new();
        let (app, go_on) = in_halves(&body);
        let (proxy, control) = started(&folder, &app, 0);
        let mut client = proxy.connect();
        begin(&mut client, &body);
        app.received();
        control.purge(&what);
        go_on.send(()).expect("an upstream that listens");
        assert!(client.bytes(LARGE - HALF) == body[HALF..], "{what}: who asked before gets it");
        until("nothing is left of it", || being_written(&folder) == 0);
        assert!(files(&folder).is_empty(), "{what}");
        go_on.send(()).expect("an upstream that listens");
        assert_is(&client.get("/large"), "miss", &body);
        app.received();
    }
}

#[test]
fn a_small_one_without_a_length_stays_in_memory() {
    let folder = Folder::new();
    let app = upstream(|exchange| {
        exchange.send(format!("HTTP/1.1 200 OK\r\n{FIELDS}Transfer-Encoding: chunked\r\n\r\n"));
        exchange.send("5\r\nhello\r\n0\r\n\r\n");
    });
    let (proxy, control) = started(&folder, &app, 0);
    for cache in ["miss", "hit"] {
        assert_is(&proxy.connect().get("/"), cache, b"hello");
    }
    assert_eq!(control.report()["entries"][0]["tier"], "memory");
    let large = holding(noise(SMALL + 1));
    let other = Folder::new();
    let (proxy, control) = started(&other, &large, 0);
    proxy.connect().get("/");
    wait_for(&control, 1);
    assert_eq!(control.report()["entries"][0]["tier"], "disk");
}
