//! How lines reach stdout: whole, all of them, and never in the way of a request.

use std::collections::HashSet;
use std::thread;

use serde_json::Value;
use thruster_test::{Client, Upstream, event, thrust, upstream};

#[test]
fn lines_stay_whole_among_the_childs() {
    const CLIENTS: usize = 20;
    const REQUESTS: usize = 200;
    let app = Upstream::saying("hello");
    let mut proxy = thrust()
        .command(&["sh", "-c", "trap 'exit 0' TERM; while :; do echo a line of the child; done"])
        .run(&app);
    let address = proxy.address();
    let padding = "x".repeat(300);
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let padding = &padding;
            scope.spawn(move || {
                let mut connection = Client::connect(address);
                for number in 0..REQUESTS {
                    connection.get(&format!("/{client}/{number}?{padding}"));
                }
            });
        }
    });
    proxy.signal("TERM");
    assert!(proxy.wait().success());
    let mut paths = HashSet::new();
    for line in proxy.last_lines() {
        if line != "a line of the child" {
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
            if line["msg"] == "Request" {
                assert_eq!(line["query"], padding);
                paths.insert(line["path"].as_str().expect("a path").to_owned());
            }
        }
    }
    assert_eq!(paths.len(), CLIENTS * REQUESTS);
}

#[test]
fn lines_longer_than_a_pipe_takes_at_once_stay_whole_too() {
    let app = Upstream::saying("hello");
    let mut proxy = thrust()
        .command(&["sh", "-c", "trap 'exit 0' TERM; while :; do echo a line of the child; done"])
        .run(&app);
    let mut client = proxy.connect();
    let agent = "x".repeat(60_000);
    for _ in 0..150 {
        client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: {agent}\r\n\r\n"));
        assert_eq!(client.response("GET").text(), "hello");
    }
    proxy.signal("TERM");
    proxy.wait();
    let lines = proxy.last_lines();
    let ours = lines.iter().filter(|line| *line != "a line of the child");
    let ours = ours.map(|line| {
        let start = &line[..line.len().min(100)];
        serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {start}"))
    });
    assert_eq!(ours.filter(|line| line["msg"] == "Request").count(), 150);
}

#[test]
fn no_line_is_lost_when_the_command_ends_right_after() {
    let app = Upstream::saying("hello");
    for _ in 0..10 {
        let mut proxy = thrust().run(&app);
        let mut client = proxy.connect();
        for _ in 0..50 {
            client.get("/");
        }
        proxy.signal("TERM");
        proxy.wait();
        let lines = proxy.last_lines();
        assert_eq!(lines.iter().filter(|line| line.contains("\"Request\"")).count(), 50);
    }
}

#[test]
fn what_is_under_way_when_we_have_to_go_is_logged() {
    let (arrived, arrival) = event();
    let app = upstream(move |exchange| {
        if exchange.target() == "/tunnel" {
            exchange
                .send("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello");
        }
        arrived.send(()).expect("a test that listens");
        assert!(exchange.is_hung_up_on());
    });
    let mut proxy = thrust().with("DRAIN_TIMEOUT", 0).run(&app);
    let mut stuck = proxy.connect();
    stuck.send("GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut tunnel = proxy.connect();
    tunnel.send("GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    assert_eq!(tunnel.head().status, 101);
    assert_eq!(tunnel.bytes(5), b"hello");
    arrival.wait();
    arrival.wait();
    // The command ends, but what it left behind holds on to both for ever.
    proxy.signal("TERM");
    proxy.wait();
    let lines = proxy.last_lines();
    for path in ["/stuck", "/tunnel"] {
        let field = format!("\"path\":\"{path}\"");
        assert!(lines.iter().any(|line| line.contains(&field)), "{path} in {lines:?}");
    }
}

#[test]
fn a_stdout_that_is_closed_does_not_stop_the_serving() {
    let app = Upstream::saying("hello");
    // By default it would be a command that minds.
    let command = thrust().command(&["sleep", "infinity"]);
    let proxy = command.with_stdout_closed().run(&app);
    let mut client = proxy.connect();
    for _ in 0..1000 {
        assert_eq!(client.get("/").text(), "hello");
    }
}

#[test]
fn a_stdout_that_nobody_reads_does_not_stop_the_serving() {
    let app = Upstream::saying("hello");
    let proxy = thrust().with_stdout_unread().run(&app);
    let mut client = proxy.connect();
    // Far more than a pipe and our own queue hold.
    let target = format!("/?{}", "x".repeat(15_000));
    for _ in 0..500 {
        assert_eq!(client.get(&target).text(), "hello");
    }
    let memory = proxy.memory();
    assert!(memory < 64 << 20, "{memory} bytes");
}
