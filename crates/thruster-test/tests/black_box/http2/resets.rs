//! Requests that are taken back. The child may be at work already, so there is an end to it: how
//! many each client may give up, not only how many it may have under way.

use thruster_test::{Http2, Upstream, event, upstream};

use super::frames::{
    END_HEADERS, END_STREAM, Frames, GET, HEADERS, RST_STREAM, WINDOW_UPDATE, frame,
};
use super::hostile::ENHANCE_YOUR_CALM;
use super::http2;

/// Gives requests up in this way, each once the child may have it, until the connection ends.
/// Returns how many there were.
fn given_up(how: impl Fn(u32) -> Vec<u8>) -> u32 {
    let app = upstream(|exchange| match exchange.header("host") {
        "a" => drop(exchange.is_hung_up_on()),
        _ => exchange.respond(200, "hello"),
    });
    let proxy = http2(&app);
    let other = proxy.connect_http2();
    let mut frames = Frames::open(&proxy);
    let mut given_up = 0;
    for stream in (0..5000).map(|number| 2 * number + 1) {
        frames.try_send(&frame(HEADERS, END_STREAM | END_HEADERS, stream, GET));
        if !frames.is_heard() {
            break;
        }
        frames.try_send(&how(stream));
        given_up += 1;
        if given_up % 50 == 0 {
            assert_eq!(other.get("/").text(), "hello");
        }
    }
    let line = proxy.log_where(|line| line["msg"] == "An HTTP/2 client was cut off");
    assert_eq!(line["reason"], "too many requests given up");
    assert_eq!(other.get("/").text(), "hello");
    given_up
}

#[test]
fn whoever_only_resets_is_cut_off() {
    let resets = given_up(|stream| frame(RST_STREAM, 0, stream, b"\0\0\0\x08"));
    // As many as two pages have, and what time adds while a slow machine gets there.
    assert!((256..1000).contains(&resets), "{resets}");
}

#[test]
fn whoever_has_us_reset_is_cut_off() {
    // A window beyond 2^31 - 1 is a stream error (RFC 9113 section 6.9.1).
    let resets = given_up(|stream| frame(WINDOW_UPDATE, 0, stream, b"\x7f\xff\xff\xff"));
    assert!((256..1000).contains(&resets), "{resets}");
}

#[test]
fn requests_reset_in_the_same_breath_are_cut_off() {
    let app = Upstream::saying("hello");
    let proxy = http2(&app);
    let other = proxy.connect_http2();
    let mut frames = Frames::open(&proxy);
    let pairs = (0..2000).map(|number| 2 * number + 1).map(|stream| {
        let head = frame(HEADERS, END_STREAM | END_HEADERS, stream, GET);
        [head, frame(RST_STREAM, 0, stream, b"\0\0\0\x08")].concat()
    });
    frames.try_send(&pairs.collect::<Vec<_>>().concat());
    let code = frames.last_words();
    assert!(matches!(code, None | Some(ENHANCE_YOUR_CALM)), "{code:?}");
    assert_eq!(other.get("/").text(), "hello");
}

#[test]
fn a_page_may_be_left_in_the_middle_more_than_once() {
    let (arrived, told) = event();
    let app = upstream(move |exchange| match exchange.target() {
        "/slow" => {
            arrived.send(()).expect("a test that listens");
            exchange.is_hung_up_on();
        }
        _ => exchange.respond(200, "hello"),
    });
    let proxy = http2(&app);
    let client = proxy.connect_http2();
    for _ in 0..2 {
        let open = |_| client.open(Http2::request("GET", "/slow"), true);
        let mut page: Vec<_> = (0..100).map(open).collect();
        page.iter().for_each(|_| told.wait());
        page.iter_mut().for_each(|stream| stream.reset());
        assert_eq!(client.get("/").text(), "hello");
    }
}

#[test]
fn no_more_requests_reach_the_child_than_may_be_under_way() {
    let (hang_up, told) = event::<()>();
    let app = upstream(move |exchange| match exchange.header("host") {
        "a" => told.wait(),
        _ => exchange.respond(200, "hello"),
    });
    let proxy = http2(&app);
    let mut frames = Frames::open(&proxy);
    let heads = (0..500).map(|number| 2 * number + 1);
    let heads = heads.map(|stream| frame(HEADERS, END_STREAM | END_HEADERS, stream, GET));
    frames.try_send(&heads.collect::<Vec<_>>().concat());
    let refused = (0..500 - 128).map(|_| frames.next(RST_STREAM).payload);
    // REFUSED_STREAM (RFC 9113 section 7): they may be sent again.
    assert!(refused.into_iter().all(|code| code == b"\0\0\0\x07"));
    for _ in 0..128 {
        app.received();
    }
    assert_eq!(proxy.connect_http2().get("/").text(), "hello");
    assert!(app.received().contains("test.example"), "no other of the many came through");
    drop(hang_up);
}
