//! Uploads that stand still, and uploads that are merely slow.

use std::time::Duration;

use thruster_test::{Upstream, event, pace, upstream};

use super::impatient;

/// A slow client's pause: under the timeout, and eight of them are far over it.
const PAUSE: Duration = Duration::from_millis(400);

#[test]
fn an_upload_that_stalls_is_cut_and_the_child_is_freed() {
    let (hung_up, noticed) = event();
    let app = upstream(move |exchange| hung_up.send(exchange.is_hung_up_on()).expect("a test"));
    let proxy = impatient().run(&app);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
    let response = client.response("POST");
    assert_eq!((response.status, response.header("connection")), (408, "close"));
    assert!(client.is_closed());
    assert!(noticed.wait());
    let line = proxy.logged_request();
    assert_eq!((&line["status"], &line["bytes_in"]), (&408.into(), &4.into()));
    assert_eq!(line["error"], "request body stalled for HTTP_READ_TIMEOUT");
}

#[test]
fn a_chunked_upload_that_stalls_is_cut_too() {
    let app = upstream(|exchange| assert!(exchange.is_hung_up_on()));
    let proxy = impatient().run(&app);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    assert_eq!(client.response("POST").status, 408);
    assert!(client.is_closed());
}

#[test]
fn an_upload_may_take_long_while_it_moves() {
    let app = Upstream::echo();
    let proxy = impatient().run(&app);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n");
    for byte in b"patience" {
        pace(PAUSE);
        client.send([*byte]);
    }
    assert_eq!(client.response("POST").text(), "patience");
    assert_eq!(client.get("/").status, 200, "the connection is as good as ever");
}

#[test]
fn a_chunked_upload_may_take_long_while_it_moves() {
    let app = Upstream::echo();
    let proxy = impatient().run(&app);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for byte in b"patience" {
        pace(PAUSE);
        client.send([b"1\r\n", &[*byte][..], b"\r\n"].concat());
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.response("POST").text(), "patience");
}

#[test]
fn an_upload_is_not_cut_because_the_child_takes_its_time() {
    // Megabytes stand in the kernel's buffers and behind them, and the child looks elsewhere.
    const LENGTH: usize = 20_000_000;
    let app = upstream(|exchange| {
        pace(super::LONG);
        let length = exchange.body().len();
        exchange.respond(200, &length.to_string());
    });
    let proxy = impatient().run(&app);
    assert_eq!(proxy.connect().post("/", &vec![b'x'; LENGTH]).text(), LENGTH.to_string());
}

#[test]
fn a_client_that_never_sends_what_it_was_asked_to_is_cut() {
    let app = upstream(|exchange| assert!(exchange.is_hung_up_on()));
    let proxy = impatient().run(&app);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.head().status, 100);
    assert_eq!(client.response("POST").status, 408);
}
