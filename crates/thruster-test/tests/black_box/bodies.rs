//! Bodies, up and down: whole, early, given up, and never held in memory.

mod aborted;
mod held_back;

use std::io::Read;
use std::net::Shutdown;

use thruster_test::{Upstream, thrust, upstream};

/// Bytes without a pattern that a mistake could hide in.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        // Xorshift, after Marsaglia.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// As chunks of these sizes, in turn.
fn chunked(body: &[u8], sizes: &[usize]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), body);
    for &size in sizes.iter().cycle() {
        let (chunk, after) = rest.split_at(size.min(rest.len()));
        out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
        rest = after;
        if rest.is_empty() {
            // The last chunk is the empty one.
            if !chunk.is_empty() {
                out.extend_from_slice(b"0\r\n\r\n");
            }
            return out;
        }
    }
    unreachable!("a cycle has no end")
}

/// A server that answers a body with what is wrong with it.
fn expecting(expected: Vec<u8>) -> Upstream {
    upstream(move |exchange| {
        let body = exchange.body();
        let first = body.iter().zip(&expected).position(|(a, b)| a != b);
        let verdict = match first {
            None if body.len() == expected.len() => "the same".to_owned(),
            None => format!("{} instead of {} bytes", body.len(), expected.len()),
            Some(place) => format!("another byte at {place}"),
        };
        exchange.respond(200, &verdict);
    })
}

#[test]
fn a_large_upload_arrives_byte_for_byte() {
    let body = noise(7_654_321);
    let app = expecting(body.clone());
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for _ in 0..2 {
        assert_eq!(client.post("/", &body).text(), "the same");
        assert_eq!(proxy.logged_request()["bytes_in"], body.len());
    }
}

#[test]
fn a_large_chunked_upload_arrives_byte_for_byte() {
    let body = noise(3_000_001);
    let app = expecting(body.clone());
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for sizes in [&[1, 2, 3, 500, 70_000][..], &[2_000_000], &[16_384], &[65_535, 65_537]] {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        client.send(chunked(&body, sizes));
        assert_eq!(client.response("POST").text(), "the same", "{sizes:?}");
        assert_eq!(proxy.logged_request()["bytes_in"], body.len());
    }
}

#[test]
fn a_large_download_arrives_byte_for_byte() {
    let body = noise(7_654_321);
    let answer = body.clone();
    let app = upstream(move |exchange| {
        let length = answer.len();
        exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
        exchange.send(&answer);
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for _ in 0..2 {
        assert!(client.get("/").body == body);
        assert_eq!(proxy.logged_request()["bytes_out"], body.len());
    }
    assert_eq!(app.connections(), 1);
}

#[test]
fn a_large_chunked_download_arrives_byte_for_byte() {
    let body = noise(3_000_001);
    let answer = body.clone();
    let app = upstream(move |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        exchange.send(match exchange.target() {
            "/odd" => chunked(&answer, &[1, 2, 3, 500, 70_000]),
            _ => chunked(&answer, &[2_000_000]),
        });
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for target in ["/odd", "/huge"] {
        assert!(client.get(target).body == body);
        assert_eq!(proxy.logged_request()["bytes_out"], body.len());
    }
}

#[test]
fn both_bodies_may_be_under_way_at_once() {
    let app = upstream(|exchange| {
        let length = exchange.header("content-length").to_owned();
        exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
        let mut left: usize = length.parse().expect("a length");
        let mut piece = [0; 10_000];
        while left > 0 {
            let read = exchange.stream.read(&mut piece).expect("more of the body");
            exchange.send(&piece[..read]);
            left -= read;
        }
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let body = noise(2_000_000);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n");
    assert_eq!(client.head().status, 200);
    for piece in body.chunks(100_000) {
        client.send(piece);
        assert!(client.bytes(piece.len()) == piece);
    }
    let line = proxy.logged_request();
    assert_eq!((&line["bytes_in"], &line["bytes_out"]), (&body.len().into(), &body.len().into()));
}

#[test]
fn an_answer_may_come_before_the_body() {
    let app = upstream(|exchange| {
        exchange.respond(422, "enough");
        exchange.is_hung_up_on();
        exchange.close();
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n");
    let response = client.response("POST");
    assert_eq!((response.status, response.text()), (422, "enough"));
    assert_eq!(proxy.logged_request()["status"], 422);
    // With the rest of the body outstanding there is no next request, and that is announced.
    assert_eq!(response.header("connection"), "close");
}

#[test]
fn an_early_answer_reaches_a_client_that_is_still_sending() {
    // The child reads on all the same, as far as there is something to read.
    let app = upstream(|exchange| {
        exchange.respond(422, "enough");
        let mut body = exchange.stream.by_ref().take(5_000_000);
        drop(std::io::copy(&mut body, &mut std::io::sink()));
    });
    let proxy = thrust().run(&app);
    let body = noise(5_000_000);
    for _ in 0..10 {
        let mut client = proxy.connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n").send(&body);
        let response = client.response("POST");
        assert_eq!((response.status, response.text()), (422, "enough"));
        assert_eq!(proxy.logged_request()["status"], 422);
    }
}

#[test]
fn an_early_answer_outlives_the_connection_it_came_on() {
    // Puma refuses a body by answering and hanging up, with the body unread.
    let app = upstream(|exchange| {
        exchange.respond(413, "too much for me");
        exchange.stream.get_ref().shutdown(Shutdown::Both).expect("an open connection");
        exchange.close();
    });
    let proxy = thrust().run(&app);
    let body = noise(5_000_000);
    for _ in 0..30 {
        let mut client = proxy.connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n").send(&body);
        let response = client.response("POST");
        let line = proxy.logged_request();
        assert_eq!((response.status, response.text()), (413, "too much for me"), "{line}");
        assert_eq!((&line["status"], &line["error"]), (&413.into(), &serde_json::Value::Null));
    }
}
