//! Clients that ask for much and take nothing, or next to nothing. What waits for them is
//! bounded, and so is the time.

use thruster_test::{Thrust, Upstream, thrust, upstream};

use super::frames::{
    END_HEADERS, END_STREAM, Frames, GET, HEADERS, NO_WINDOW, SETTINGS, WINDOW_UPDATE, frame,
};
use super::http2;

const STREAMS: u32 = 100;
const LARGE: usize = 1 << 20;

/// What answers that nobody takes may weigh, in bytes: those read ahead have a bound of 64 MiB
/// for all, and each may have a piece more on its way.
const BOUND: u64 = 100 << 20;

/// Large answers, each different, that may be kept for a while if `cached`.
fn large(cached: bool) -> Upstream {
    let fields = if cached { "Cache-Control: public, max-age=60" } else { "" };
    upstream(move |exchange| exchange.answer(200, fields, &"x".repeat(LARGE - 1)))
}

/// In front of `app`, and out of patience after a second.
fn impatient(app: &Upstream) -> Thrust {
    let proxy = thrust().with("H2C_ENABLED", 1).with("HTTP_IDLE_TIMEOUT", 1);
    proxy.with("HTTP_WRITE_TIMEOUT", 1).with("MAX_CACHE_ITEM_SIZE", LARGE).run(app)
}

/// Asks for as many answers as may be under way, with windows of so many bytes.
fn ask_for_many(proxy: &Thrust, window: u8) -> Frames {
    let mut frames = Frames::open(proxy);
    frames.send(SETTINGS, 0, 0, &[&NO_WINDOW[..5], &[window]].concat());
    for stream in (0..STREAMS).map(|number| 2 * number + 1) {
        frames.send(HEADERS, END_STREAM | END_HEADERS, stream, GET);
    }
    for _ in 0..STREAMS {
        frames.next(HEADERS);
    }
    frames
}

#[test]
fn answers_that_nobody_takes_are_let_go_of() {
    let app = large(false);
    let proxy = impatient(&app);
    let before = proxy.memory();
    let mut frames = ask_for_many(&proxy, 0);
    let grown = proxy.memory().saturating_sub(before);
    assert!(grown < BOUND, "{grown} bytes for answers that nobody takes");
    assert_eq!(proxy.connect_http2().get("/").body.len(), LARGE - 1);
    frames.last_words();
    for _ in 0..STREAMS {
        proxy.log_where(|line| line["status"] == 499);
    }
}

#[test]
fn cached_answers_that_nobody_takes_are_let_go_of() {
    let app = large(true);
    let proxy = impatient(&app);
    // What is cached is cached for this name.
    take_one(&proxy);
    app.received();
    let before = proxy.memory();
    for window in [0, 1] {
        let mut frames = ask_for_many(&proxy, window);
        let grown = proxy.memory().saturating_sub(before);
        assert!(grown < 16 << 20, "{grown} bytes for answers that are in memory already");
        take_one(&proxy);
        frames.last_words();
    }
    assert!(app.has_received_nothing());
}

/// Takes one answer, whole.
fn take_one(proxy: &Thrust) {
    let mut frames = Frames::open(proxy);
    frames.send(WINDOW_UPDATE, 0, 0, &(1_u32 << 30).to_be_bytes());
    frames.send(SETTINGS, 0, 0, b"\x00\x04\x40\0\0\0");
    frames.send(HEADERS, END_STREAM | END_HEADERS, 1, GET);
    let mut length = 0;
    while length < LARGE - 1 {
        length += frames.next(super::frames::DATA).payload.len();
    }
}

#[test]
fn an_answer_taken_byte_by_byte_is_cut_off() {
    let app = large(false);
    let proxy = http2(&app);
    let mut frames = Frames::open(&proxy);
    frames.send(SETTINGS, 0, 0, NO_WINDOW);
    frames.send(HEADERS, END_STREAM | END_HEADERS, 1, GET);
    frames.next(HEADERS);
    for _ in 0..15 {
        frames.try_send(&frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\x01").repeat(100));
        if !frames.is_heard() {
            break;
        }
    }
    frames.last_words();
    let line = proxy.log_where(|line| line["msg"] == "An HTTP/2 client was cut off");
    assert_eq!(line["reason"], "too many frames that ask for nothing");
}

#[test]
fn a_connection_that_waits_for_the_child_is_not_stuck() {
    let (go_on, told) = thruster_test::event();
    let app = upstream(move |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        told.wait();
        exchange.send("world");
    });
    let proxy = impatient(&app);
    let mut frames = Frames::open(&proxy);
    frames.send(HEADERS, END_STREAM | END_HEADERS, 1, GET);
    assert_eq!(frames.next(super::frames::DATA).payload, b"hello");
    thruster_test::pace(std::time::Duration::from_millis(2500));
    go_on.send(()).expect("an upstream that listens");
    assert_eq!(frames.next(super::frames::DATA).payload, b"world");
}
