//! From the first TERM to the end: who is still answered, who is told to go, and when the
//! command hears of it.

use std::os::unix::net::UnixDatagram;
use std::process::Command;

use thruster_test::{Client, PATIENCE, Thrust, Upstream, event, executable, thrust, upstream};

/// A command that tells when it hears a TERM, and ends on it with a status of its own.
const TELLS: [&str; 3] = [
    "sh",
    "-c",
    r#"trap 'echo "{\"msg\":\"heard TERM\"}"; exit 7' TERM; while :; do sleep 0.05; done"#,
];

fn heard(proxy: &Thrust) {
    proxy.log_where(|line| line["msg"] == "heard TERM");
}

#[test]
fn the_command_hears_of_it_when_the_last_answer_is_out() {
    let (go_on, told) = event::<()>();
    let (asked, arrived) = event();
    let app = upstream(move |exchange| {
        asked.send(()).expect("a test that listens");
        told.wait();
        exchange.respond(200, "at last");
    });
    let mut proxy = thrust().command(&TELLS).with("DRAIN_TIMEOUT", 60).run(&app);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    arrived.wait();
    proxy.signal("TERM");
    proxy.log_where(|line| line["msg"] == "Stopping");
    go_on.send(()).expect("an upstream that listens");
    let response = client.response("GET");
    assert_eq!((response.text(), response.header("connection")), ("at last", "close"));
    // Its line comes before what the command says.
    assert_eq!(proxy.logged_request()["status"], 200);
    heard(&proxy);
    assert_eq!(proxy.wait().code(), Some(7));
}

#[test]
fn a_second_signal_is_passed_at_once() {
    let (asked, arrived) = event();
    let app = upstream(move |exchange| {
        asked.send(()).expect("a test that listens");
        assert!(exchange.is_hung_up_on());
    });
    let proxy = thrust().command(&TELLS).with("DRAIN_TIMEOUT", 600).run(&app);
    let mut client = proxy.connect();
    client.send("GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n");
    arrived.wait();
    proxy.signal("TERM");
    proxy.log_where(|line| line["msg"] == "Stopping");
    proxy.signal("TERM");
    heard(&proxy);
}

#[test]
fn a_request_under_way_on_an_idle_connection_is_answered() {
    let app = Upstream::saying("hello");
    let proxy = thrust().command(&TELLS).with("DRAIN_TIMEOUT", 60).run(&app);
    let mut client = proxy.connect();
    client.get("/");
    proxy.signal("TERM");
    proxy.log_where(|line| line["msg"] == "Stopping");
    let response = client.get("/again");
    assert_eq!((response.text(), response.header("connection")), ("hello", "close"));
    assert!(client.is_closed());
    heard(&proxy);
}

#[test]
fn a_websocket_is_told_to_go_between_two_frames() {
    let (go_on, told) = event::<()>();
    let app = upstream(move |exchange| {
        exchange.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        );
        // A frame of five bytes, cut in the middle: the goodbye has to wait for the rest.
        exchange.send(b"\x81\x05he");
        told.wait();
        exchange.send(b"llo\x81\x01!");
        assert!(exchange.is_hung_up_on());
    });
    let mut proxy = thrust().command(&TELLS).with("DRAIN_TIMEOUT", 1).run(&app);
    let mut client = proxy.connect();
    client.send(
        "GET /cable HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    assert_eq!(client.head().status, 101);
    assert_eq!(client.bytes(4), b"\x81\x05he");
    proxy.signal("TERM");
    proxy.log_where(|line| line["msg"] == "Stopping");
    go_on.send(()).expect("an upstream that listens");
    assert_eq!(client.bytes(3), b"llo");
    let rest = client.rest_until(b"\x88\x02\x03\xe9");
    assert!(matches!(rest.as_slice(), b"" | b"\x81\x01!"), "{rest:?}");
    assert_eq!(proxy.wait().code(), Some(7));
}

#[test]
fn systemd_is_told_when_we_are_ready_and_when_we_stop() {
    let path = std::env::temp_dir().join(format!("notify-{}", std::process::id()));
    let systemd = UnixDatagram::bind(&path).expect("a socket");
    systemd.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let app = Upstream::saying("hello");
    let proxy = thrust().command(&TELLS).with("NOTIFY_SOCKET", path.display()).run(&app);
    let next = || {
        let mut said = [0; 64];
        let length = systemd.recv(&mut said).expect("a word");
        String::from_utf8_lossy(&said[..length]).into_owned()
    };
    assert_eq!(next(), "READY=1");
    proxy.signal("TERM");
    assert_eq!(next(), "STOPPING=1");
    std::fs::remove_file(&path).expect("the socket's name");
}

#[test]
fn a_socket_of_systemds_is_listened_on_and_left_open() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let app = Upstream::saying("hello");
    // The socket comes as descriptor 3, and for the process that the shell becomes.
    let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"";
    let mut process = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(executable())
        .args(["sh", "-c", "test -z \"$LISTEN_FDS$LISTEN_PID\" && exec sleep 600"])
        .env("TARGET_PORT", app.port().to_string())
        .env("LOG_REQUESTS", "0")
        .stdin(std::os::fd::OwnedFd::from(listener.try_clone().expect("a descriptor")))
        .spawn()
        .expect("a shell");
    assert_eq!(Client::connect(address).get("/").text(), "hello");
    process.kill().expect("a running process");
    process.wait().expect("an ended process");
    // Whoever comes next is waited for by the next process.
    drop(Client::connect(address));
}

#[test]
fn a_body_is_collected_before_the_child_is_asked() {
    let app = Upstream::echo();
    let proxy = thrust().with("BUFFER_REQUESTS", "1kB").run(&app);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    // Another request overtakes it: nothing has been asked for it yet.
    assert_eq!(proxy.connect().get("/other").status, 200);
    assert!(app.received().starts_with("GET /other "));
    assert!(app.has_received_nothing());
    client.send("0\r\n\r\n");
    assert_eq!(client.response("POST").text(), "hello");
    let head = app.received().to_ascii_lowercase();
    assert!(head.contains("content-length: 5"), "{head}");
    // A larger one is passed on as soon as there is too much of it.
    let large = "x".repeat(5_000);
    assert_eq!(client.post("/", large.as_bytes()).text(), large);
}
