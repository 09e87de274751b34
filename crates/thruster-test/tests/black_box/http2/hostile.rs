//! Clients that send frames for their own sake. Each is cut off after a bounded number of them,
//! which costs next to nothing, and others notice nothing.

use thruster_test::{Http2, Upstream};

use super::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, GET, HEADERS, PING, PRIORITY, RST_STREAM,
    SETTINGS, WINDOW_UPDATE,
};
use super::http2;

/// RFC 9113 section 7.
pub const ENHANCE_YOUR_CALM: u8 = 0xb;

/// What a few cut off clients may leave behind, in bytes; allocators are slow to give back.
pub const LITTLE: u64 = 8 << 20;

/// More frames than are forgiven, and fewer than twice as many.
const MANY: usize = 1500;

/// Has several clients do this, and sees them cut off while another is served.
fn are_cut_off(attack: impl Fn(&mut Frames)) {
    let app = Upstream::saying("hello");
    let proxy = http2(&app);
    let other = proxy.connect_http2();
    assert_eq!(other.get("/").text(), "hello");
    let before = proxy.memory();
    let attackers = (0..4).map(|_| {
        let mut frames = Frames::open(&proxy);
        attack(&mut frames);
        frames
    });
    for mut attacker in attackers.collect::<Vec<_>>() {
        assert_eq!(other.get("/").text(), "hello");
        let code = attacker.last_words();
        assert!(matches!(code, None | Some(ENHANCE_YOUR_CALM)), "{code:?}");
    }
    let grown = proxy.memory().saturating_sub(before);
    assert!(grown < LITTLE, "{grown} bytes more");
    assert_eq!(other.get("/").text(), "hello");
}

#[test]
fn pings_without_end() {
    are_cut_off(|frames| frames.flood(MANY, PING, 0, 0, b"are you?"));
}

#[test]
fn settings_without_end() {
    are_cut_off(|frames| frames.flood(MANY, SETTINGS, 0, 0, b""));
}

#[test]
fn settings_as_long_as_can_be() {
    // One that nobody knows.
    are_cut_off(|frames| frames.flood(30, SETTINGS, 0, 0, &b"\xff\x00\0\0\0\0".repeat(2730)));
}

#[test]
fn priorities_without_end() {
    are_cut_off(|frames| frames.flood(MANY, PRIORITY, 0, 1, b"\0\0\0\0\x10"));
}

#[test]
fn window_updates_without_end() {
    are_cut_off(|frames| frames.flood(MANY, WINDOW_UPDATE, 0, 0, b"\0\0\0\x01"));
}

#[test]
fn frames_that_nobody_knows_without_end() {
    are_cut_off(|frames| frames.flood(MANY, 0xfa, 0, 0, b"what is it?"));
}

#[test]
fn resets_of_what_is_over_without_end() {
    are_cut_off(|frames| {
        frames.send(HEADERS, END_STREAM | END_HEADERS, 1, GET);
        frames.next(DATA);
        frames.flood(MANY, RST_STREAM, 0, 1, b"\0\0\0\x08");
    });
}

#[test]
fn an_upload_of_nothing_without_end() {
    are_cut_off(|frames| {
        // `:method: POST`, and the rest of a GET.
        frames.send(HEADERS, END_HEADERS, 1, b"\x83\x86\x84\x41\x01a");
        frames.flood(MANY, DATA, 0, 1, b"");
    });
}

#[test]
fn a_head_in_pieces_without_end() {
    for piece in [&b""[..], b"\x00\x01a\x01b"] {
        are_cut_off(|frames| {
            frames.send(HEADERS, END_STREAM, 1, GET);
            frames.flood(MANY, CONTINUATION, 0, 1, piece);
        });
    }
}

#[test]
fn a_small_head_that_unpacks_to_a_large_one() {
    // A field of 4,000 bytes for the table (RFC 7541 section 6.2.1), and then again and again.
    let field = [&b"\x40\x01a\x7f\xa1\x1e"[..], &[b'x'; 4000]].concat();
    let head = [GET, &field, &[0xbe; 300]].concat();
    are_cut_off(|frames| frames.send(HEADERS, END_STREAM | END_HEADERS, 1, &head));
}

/// Heads of 160 KB that take 46 bytes each but for the first, one a stream.
fn flood_of_large_heads(frames: &mut Frames) {
    let field = [&b"\x40\x01a\x7f\xa1\x1e"[..], &[b'x'; 4000]].concat();
    let head = |number: u32| {
        let first = if number == 0 { &field[..] } else { b"" };
        // A GET that leaves the table alone.
        let head = [b"\x82\x86\x84\x01\x01a", first, &[0xbe; 40]].concat();
        super::frames::frame(HEADERS, END_STREAM | END_HEADERS, 2 * number + 1, &head)
    };
    for number in 0..1000 {
        frames.try_send(&head(number));
        // Each has its answer, a 431, before the next: no stream is one too many.
        if frames.try_next(HEADERS).is_none() {
            return;
        }
    }
}

#[test]
fn heads_that_are_too_large_without_end() {
    are_cut_off(flood_of_large_heads);
}

#[test]
fn whoever_sends_heads_that_are_too_large_is_named_in_the_log() {
    let app = Upstream::saying("hello");
    let proxy = http2(&app);
    flood_of_large_heads(&mut Frames::open(&proxy));
    let line = proxy.log_where(|line| line["msg"] == "An HTTP/2 client was cut off");
    assert_eq!(line["reason"], "too many requests that cannot be taken");
    assert!(app.has_received_nothing());
}

#[test]
fn more_streams_than_are_allowed_again_and_again() {
    let heads = |stream: u32| frame_of_get(2 * stream + 1);
    // Nobody waits for the answers: they find no window.
    are_cut_off(|frames| {
        frames.send(SETTINGS, 0, 0, super::frames::NO_WINDOW);
        frames.try_send(&(0..3000).flat_map(heads).collect::<Vec<_>>());
    });
}

#[test]
fn whoever_is_cut_off_is_named_in_the_log() {
    let app = Upstream::saying("hello");
    let proxy = http2(&app);
    let mut frames = Frames::open(&proxy);
    frames.flood(MANY, PING, 0, 0, b"are you?");
    frames.last_words();
    let line = proxy.log_where(|line| line["msg"] == "An HTTP/2 client was cut off");
    assert_eq!(line["reason"], "too many frames that ask for nothing");
    assert!(line["client"].as_str().is_some_and(|client| client.starts_with("127.0.0.1:")));
}

#[test]
fn a_head_that_is_too_large_is_refused_and_nothing_else() {
    let app = Upstream::saying("hello");
    let proxy = http2(&app);
    let client = proxy.connect_http2();
    let large = Http2::request("GET", "/").header("x-large", "x".repeat(200_000));
    assert_eq!(client.open(large, true).head().expect("an answer").status, 431);
    assert!(app.has_received_nothing());
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn a_head_of_too_many_fields_is_refused_and_nothing_else() {
    let app = Upstream::saying("hello");
    let proxy = http2(&app);
    let client = proxy.connect_http2();
    let fields = |number| {
        let head = Http2::request("GET", "/");
        let head = (0..number).fold(head, |head, n| head.header(format!("x-{n}"), "1"));
        client.open(head, true).head().expect("an answer").status
    };
    // Cookies may come in many pieces, and are one field.
    assert_eq!((fields(127), fields(128)), (200, 431));
    assert_eq!(proxy.logged_request()["status"], 200);
    assert_eq!(proxy.logged_request()["error"], "request head too large");
    let cookies = (0..500).fold(Http2::request("GET", "/"), |head, _| head.header("cookie", "a=1"));
    assert_eq!(client.open(cookies, true).head().expect("an answer").status, 200);
}

#[test]
fn what_lively_clients_do_is_no_attack() {
    let app = Upstream::saying("hello");
    let proxy = http2(&app);
    let mut frames = Frames::open(&proxy);
    for stream in (0..2000).map(|number| 2 * number + 1) {
        frames.flood(1, PRIORITY, 0, stream, b"\0\0\0\0\x10");
        frames.try_send(&frame_of_get(stream));
        frames.flood(1, WINDOW_UPDATE, 0, stream, b"\0\0\0\x05");
        frames.flood(1, WINDOW_UPDATE, 0, 0, b"\0\0\0\x05");
        assert_eq!(frames.next(DATA).payload, b"hello");
        assert!(stream % 10 != 1 || frames.is_heard());
    }
}

fn frame_of_get(stream: u32) -> Vec<u8> {
    super::frames::frame(HEADERS, END_STREAM | END_HEADERS, stream, GET)
}
