//! The front without a command: what a program has that starts one within itself.

use std::net::SocketAddr;

use thruster_proxy::Front;
use thruster_proxy::config::Config;
use thruster_proxy::config::env::load;
use thruster_test::{Client, Control, Folder, Upstream, event, upstream};

/// In front of `upstream`, with its control socket there.
fn config(upstream: &Upstream, control: &str, storage: &str) -> Config {
    let port = upstream.port().to_string();
    let environment = [
        ("TARGET_PORT", port.as_str()),
        ("HTTP_PORT", "0"),
        ("BIND", "127.0.0.1"),
        ("LOG_REQUESTS", "off"),
        ("CONTROL_SOCKET", control),
        ("DISK_CACHE_SIZE", "1MB"),
        ("STORAGE_PATH", storage),
    ];
    load(&environment).expect("settings").config
}

fn stop(front: Front) {
    let (end, stopped) = event();
    let thread = front.stop(move || end.send(()).expect("somebody waits"));
    stopped.wait();
    thread.join().expect("no panic");
}

fn is_refused(address: SocketAddr) -> bool {
    std::net::TcpStream::connect(address).is_err()
}

#[test]
fn it_serves_until_it_is_stopped_and_leaves_nothing_open() {
    let (upstream, folder) = (Upstream::saying("hello"), Folder::new());
    let socket = folder.at("control.sock");
    let control = socket.to_str().expect("UTF-8");
    let storage = folder.path().to_str().expect("UTF-8");
    // Twice: nothing of the first, be it a port, a socket or a lock, is in the way of the second.
    for _ in 0..2 {
        let front = Front::start(&config(&upstream, control, storage)).expect("a front");
        let address = front.http();
        assert_eq!(front.https(), None);
        assert_eq!(Client::connect(address).get("/").text(), "hello");
        assert!(Control::at(&socket).report().is_object());
        stop(front);
        assert!(is_refused(address));
        assert!(!socket.exists());
    }
}

#[test]
fn a_stop_lets_an_answer_finish() {
    let (go, gone) = event();
    let upstream = upstream(move |exchange| {
        gone.wait();
        exchange.respond(200, "in the end");
    });
    let folder = Folder::new();
    let storage = folder.path().to_str().expect("UTF-8");
    let front = Front::start(&config(&upstream, "", storage)).expect("a front");
    let mut client = Client::connect(front.http());
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    upstream.received();
    let (end, stopped) = event();
    let thread = front.stop(move || end.send(()).expect("somebody waits"));
    go.send(()).expect("somebody waits");
    assert_eq!(client.response("GET").text(), "in the end");
    stopped.wait();
    thread.join().expect("no panic");
}

#[test]
fn one_that_is_dropped_ends_by_itself() {
    let (upstream, folder) = (Upstream::saying("hello"), Folder::new());
    let storage = folder.path().to_str().expect("UTF-8");
    let front = Front::start(&config(&upstream, "", storage)).expect("a front");
    let mut client = Client::connect(front.http());
    assert_eq!(client.get("/").text(), "hello");
    drop(front);
    assert!(client.is_closed());
}

#[test]
fn what_keeps_it_from_serving_is_told() {
    let (upstream, folder) = (Upstream::saying("hello"), Folder::new());
    let storage = folder.path().to_str().expect("UTF-8");
    let mut config = config(&upstream, "", storage);
    config.listen.http_port = thruster_proxy::config::Port::Fixed(upstream.port());
    let complaint = Front::start(&config).err().expect("the port is taken");
    assert!(complaint.contains("the port is in use by another process"), "{complaint}");
}
