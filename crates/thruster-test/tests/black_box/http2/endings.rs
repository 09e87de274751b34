//! How streams and connections end over HTTP/2, in good order and otherwise.

use std::io::Write;
use std::time::{Duration, Instant};

use thruster_test::{Http2, Thrust, Upstream, event, pace, thrust, upstream};

use super::frames::{
    DATA, END_HEADERS, END_STREAM, Frames, GET, GOAWAY, HEADERS, NO_WINDOW, SETTINGS, WINDOW_UPDATE,
};
use super::http2;

#[test]
fn a_reset_stream_ends_the_childs_request_and_no_other() {
    let (hung_up, noticed) = event();
    let app = upstream(move |exchange| match exchange.target() {
        "/slow" => hung_up.send(exchange.is_hung_up_on()).expect("a test that listens"),
        _ => exchange.respond(200, "hello"),
    });
    let proxy = http2(&app);
    let client = proxy.connect_http2();
    let mut slow = client.open(Http2::request("GET", "/slow"), true);
    assert!(app.received().starts_with("GET /slow "));
    slow.reset();
    assert!(noticed.wait());
    let line = proxy.logged_request();
    assert_eq!((&line["path"], &line["status"]), (&"/slow".into(), &499.into()));
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn a_stream_reset_in_the_middle_of_the_answer_is_logged() {
    let (hung_up, noticed) = event();
    let app = upstream(move |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        hung_up.send(exchange.is_hung_up_on()).expect("a test that listens");
    });
    let proxy = http2(&app);
    let mut stream = proxy.connect_http2().open(Http2::request("GET", "/"), true);
    stream.head().expect("an answer");
    assert_eq!(stream.data().expect("data").as_deref(), Some(&b"half"[..]));
    stream.reset();
    assert!(noticed.wait());
    let line = proxy.logged_request();
    assert_eq!((&line["status"], &line["bytes_out"]), (&499.into(), &4.into()));
}

#[test]
fn an_answer_that_breaks_off_is_no_whole_one() {
    let app = upstream(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        exchange.close();
    });
    let proxy = http2(&app);
    let mut stream = proxy.connect_http2().open(Http2::request("GET", "/"), true);
    // The reset may overtake what was under way, the head included.
    let is_answered = stream.head().is_ok();
    while is_answered && stream.data().is_ok_and(|data| data.expect("no end of the body") == "half")
    {
    }
    assert!(proxy.logged_request()["error"].as_str().is_some_and(|e| e.contains("broke off")));
}

#[test]
fn what_is_under_way_is_finished_when_the_command_ends() {
    let (go_on, told) = event();
    let app = upstream(move |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        told.wait();
        exchange.send("world");
    });
    let mut proxy = thrust().with("H2C_ENABLED", 1).with("DRAIN_TIMEOUT", 0).run(&app);
    let mut frames = Frames::open(&proxy);
    frames.send(HEADERS, END_STREAM | END_HEADERS, 1, GET);
    assert_eq!(frames.next(DATA).payload, b"hello");
    // What thrust wraps here only sleeps; that the upstream lives on is what makes this a test.
    proxy.signal("TERM");
    frames.next(GOAWAY);
    go_on.send(()).expect("an upstream that listens");
    assert_eq!(frames.next(DATA).payload, b"world");
    frames.until_closed();
    assert_eq!(proxy.wait().code(), Some(128 + 15));
    let lines = proxy.last_lines();
    let request = lines.iter().find(|line| line.contains("\"Request\"")).expect("a log line");
    assert!(request.contains("\"status\":200") && !request.contains("\"error\""), "{request}");
}

#[test]
fn an_idle_connection_is_closed_in_good_order() {
    let app = Upstream::saying("hello");
    let proxy = thrust().with("H2C_ENABLED", 1).with("HTTP_IDLE_TIMEOUT", 1).run(&app);
    let mut used = proxy.connect_http2();
    let mut unused = proxy.connect_http2();
    assert_eq!(used.get("/").text(), "hello");
    assert!(used.end().is_ok());
    assert!(unused.end().is_ok());
}

#[test]
fn a_connection_with_an_answer_under_way_is_not_idle() {
    let (go_on, told) = event();
    let app = upstream(move |exchange| match exchange.target() {
        "/events" => {
            exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
            told.wait();
            exchange.send("6\r\nsecond\r\n0\r\n\r\n");
        }
        _ => exchange.respond(200, "hello"),
    });
    let proxy = thrust()
        .with("H2C_ENABLED", 1)
        .with("HTTP_IDLE_TIMEOUT", 1)
        .with("HTTP_READ_TIMEOUT", 1)
        .with("HTTP_WRITE_TIMEOUT", 1)
        .run(&app);
    let client = proxy.connect_http2();
    let mut events = client.open(Http2::request("GET", "/events"), true);
    events.head().expect("an answer");
    assert_eq!(events.data().expect("data").as_deref(), Some(&b"first"[..]));
    pace(Duration::from_millis(2500));
    assert_eq!(client.get("/").text(), "hello", "a new stream beside a long one");
    go_on.send(()).expect("an upstream that listens");
    assert_eq!(events.data().expect("data").as_deref(), Some(&b"second"[..]));
    assert_eq!(events.data().expect("an end"), None);
}

#[test]
fn a_stream_that_takes_nothing_frees_the_child() {
    let (broken, noticed) = event();
    let app = upstream(move |exchange| match exchange.target() {
        "/endless" => {
            exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
            while exchange.stream.get_mut().write_all(&chunk).is_ok() {}
            broken.send(()).expect("a test that listens");
        }
        _ => exchange.respond(200, "hello"),
    });
    let proxy = thrust().with("H2C_ENABLED", 1).with("HTTP_WRITE_TIMEOUT", 1).run(&app);
    let client = proxy.connect_http2();
    // The first window is filled, and never opened again; the connection itself is fine.
    let mut stream = client.open(Http2::request("GET", "/endless"), true);
    stream.head().expect("an answer");
    noticed.wait();
    assert_eq!(proxy.logged_request()["status"], 499);
}

#[test]
fn answers_that_nobody_takes_are_given_up_also_when_the_child_is_done() {
    let app = Upstream::saying(Box::leak("x".repeat(300_000).into_boxed_str()));
    let proxy = thrust().with("H2C_ENABLED", 1).with("HTTP_WRITE_TIMEOUT", 1).run(&app);
    let client = proxy.connect_http2();
    let mut streams: Vec<_> =
        (0..5).map(|_| client.open(Http2::request("GET", "/"), true)).collect();
    for stream in &mut streams {
        stream.head().expect("an answer");
        app.received();
    }
    for _ in &streams {
        let line = proxy.logged_request();
        assert_eq!(line["status"], 499, "{line}");
    }
}

#[test]
fn an_upload_that_stalls_is_refused() {
    let app = upstream(|exchange| assert!(exchange.is_hung_up_on()));
    let proxy = thrust().with("H2C_ENABLED", 1).with("HTTP_READ_TIMEOUT", 1).run(&app);
    let client = proxy.connect_http2();
    let mut stream = client.open(Http2::request("POST", "/"), false);
    stream.send(b"half a body");
    assert_eq!(stream.head().expect("an answer").status, 408);
    assert_eq!(proxy.logged_request()["status"], 408);
}

#[test]
fn a_silent_connection_does_not_hold_the_end_up() {
    let app = Upstream::saying("hello");
    let mut proxy =
        thrust().with("H2C_ENABLED", 1).with("DRAIN_TIMEOUT", 0).with("DEBUG", 1).run(&app);
    // One has said nothing, and the other's HTTP/2 is idle.
    let _silent = proxy.connect();
    let client = proxy.connect_http2();
    assert_eq!(client.get("/").text(), "hello");
    proxy.signal("TERM");
    proxy.wait();
    let late: Vec<_> = proxy.last_lines();
    assert!(!late.iter().any(|line| line.contains("connections still open")), "{late:?}");
}

/// One that would wait for its clients longer than a test does.
fn patient(app: &Upstream) -> Thrust {
    thrust().with("H2C_ENABLED", 1).with("DRAIN_TIMEOUT", 15).run(app)
}

#[test]
fn a_client_that_answers_no_ping_is_not_waited_for() {
    let app = Upstream::saying("hello");
    let mut proxy = patient(&app);
    let mut frames = Frames::open(&proxy);
    assert!(frames.is_heard());
    let told = Instant::now();
    proxy.signal("TERM");
    assert_eq!(frames.last_words(), Some(0), "it is told all the same");
    proxy.wait();
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
}

#[test]
fn a_client_that_answers_no_ping_gets_what_it_asked_for() {
    let (go_on, told) = event();
    let app = upstream(move |exchange| {
        told.wait();
        exchange.respond(200, "hello");
    });
    let proxy = patient(&app);
    let mut frames = Frames::open(&proxy);
    frames.send(HEADERS, END_STREAM | END_HEADERS, 1, GET);
    app.received();
    proxy.signal("TERM");
    proxy.log_where(|line| line["msg"] == "Stopping");
    pace(Duration::from_millis(1500));
    go_on.send(()).expect("an upstream that listens");
    assert_eq!(frames.try_next(DATA).expect("an answer").payload, b"hello");
    assert_eq!(frames.last_words(), None, "it has been told before");
}

#[test]
fn an_answer_that_waits_for_a_window_outlasts_the_drain() {
    let app = Upstream::saying("hello");
    let proxy = patient(&app);
    let mut frames = Frames::open(&proxy);
    frames.send(SETTINGS, 0, 0, NO_WINDOW);
    frames.send(HEADERS, END_STREAM | END_HEADERS, 1, GET);
    frames.try_next(HEADERS).expect("an answer");
    proxy.signal("TERM");
    proxy.log_where(|line| line["msg"] == "Stopping");
    pace(Duration::from_millis(1500));
    frames.send(WINDOW_UPDATE, 0, 1, b"\0\0\0\x05");
    assert_eq!(frames.try_next(DATA).expect("the rest").payload, b"hello");
}
