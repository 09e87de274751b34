//! What the control socket does not understand, and clients that keep it waiting.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::json;
use thruster_test::{Control, Upstream, answer};

use super::{fill, kept, started, tagging};

fn assert_refused(control: &Control, request: impl AsRef<[u8]>, statuses: &[u16]) {
    let text = String::from_utf8_lossy(request.as_ref()).chars().take(200).collect::<String>();
    let (status, body) = control.send(request);
    assert!(statuses.contains(&status), "{status} for {text:?}");
    assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()), "{body}");
}

#[test]
fn a_purge_that_is_not_understood_purges_nothing() {
    let app = tagging();
    let (proxy, control) = started(&app);
    fill(&proxy, &["/", "/a"]);
    let tags = json!({ "tags": vec!["x"; 1001] }).to_string();
    for body in [
        "",
        "all",
        "{",
        "{}",
        "[]",
        "null",
        "\"/\"",
        "{\"soft\": true}",
        "{\"all\": false}",
        "{\"all\": \"true\"}",
        "{\"all\": true, \"soft\": 1}",
        "{\"all\": true, \"soft\": \"true\"}",
        "{\"all\": true, \"hard\": true}",
        "{\"url\": \"/\", \"tag\": \"a\"}",
        "{\"url\": 1}",
        "{\"url\": \"\"}",
        "{\"url\": \"a\"}",
        "{\"url\": [\"/\"]}",
        "{\"url\": \"ftp://test.example/\"}",
        "{\"prefix\": \"\"}",
        "{\"prefix\": null}",
        "{\"tag\": [\"a\"]}",
        "{\"tags\": \"a\"}",
        "{\"tags\": [1]}",
        "{\"all\": true} {\"all\": true}",
        "{\"all\": true",
        "{\"ALL\": true}",
        &tags,
    ] {
        let length = body.len();
        let head = "POST /purge HTTP/1.1\r\nHost: control\r\n";
        assert_refused(&control, format!("{head}Content-Length: {length}\r\n\r\n{body}"), &[400]);
    }
    assert_eq!(kept(&proxy, &["/", "/a"]), ["/", "/a"]);
}

#[test]
fn other_targets_and_methods_are_refused() {
    let app = Upstream::saying("hello");
    let (_proxy, control) = started(&app);
    for target in ["/", "/purges", "/purge/", "/cache/1", "/CACHE", "*", "//purge"] {
        for method in ["GET", "POST"] {
            assert_refused(&control, format!("{method} {target} HTTP/1.1\r\n\r\n"), &[404]);
        }
    }
    for request in ["GET /purge", "DELETE /purge", "POST /cache", "DELETE /cache", "PURGE /cache"] {
        assert_refused(&control, format!("{request} HTTP/1.1\r\n\r\n"), &[405]);
    }
    assert_eq!(control.purge(&json!({ "all": true })), 0, "it goes on");
}

#[test]
fn garbage_is_refused() {
    let app = Upstream::saying("hello");
    let (_proxy, control) = started(&app);
    for garbage in [
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03",
        "nonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET /cache HTTP/9.9\r\n\r\n",
        "GET /cache HTTP/1.1\r\nno colon\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        assert_refused(&control, garbage, &[400, 404, 505]);
    }
    assert_eq!(control.get("/cache").0, 200);
}

#[test]
fn what_is_too_large_is_refused() {
    let app = Upstream::saying("hello");
    let (_proxy, control) = started(&app);
    let long = "x".repeat(20_000);
    assert_refused(&control, format!("GET /{long} HTTP/1.1\r\n\r\n"), &[414, 431]);
    assert_refused(&control, format!("GET /cache HTTP/1.1\r\nX: {long}\r\n\r\n"), &[431]);
    let many = "X: y\r\n".repeat(2000);
    assert_refused(&control, format!("GET /cache HTTP/1.1\r\n{many}\r\n"), &[400, 431]);
    for length in ["65537", "1000000000000", "99999999999999999999999", "-1", "x", "1, 1", ""] {
        let head = format!("POST /purge HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
        assert_refused(&control, head, &[400, 413]);
    }
    let chunked = "POST /purge HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_refused(&control, chunked, &[400, 411, 413, 501]);
    // As much as is allowed: a body that is understood, and long.
    let body = format!("{{\"url\": \"/{}\"}}", "x".repeat(65_000));
    assert_eq!(control.post("/purge", &body).0, 200);
}

#[test]
fn a_request_may_come_in_pieces() {
    let app = tagging();
    let (proxy, control) = started(&app);
    fill(&proxy, &["/"]);
    let mut stream = control.connect();
    let body = "{\"all\": true}";
    let head = format!("POST /purge HTTP/1.1\r\nHost: c\r\nContent-Length: {}", body.len());
    for piece in [&head[..3], &head[3..30], &head[30..], "\r\n\r", "\n", &body[..5], &body[5..]] {
        stream.write_all(piece.as_bytes()).expect("somebody reads");
    }
    assert_eq!(answer(stream), (200, json!({ "purged": 1 })));
}

#[test]
fn those_who_keep_it_waiting_hold_up_nobody_else() {
    let app = tagging();
    let (proxy, control) = started(&app);
    fill(&proxy, &["/"]);
    let stuck =
        ["", "POST /purge HT", "POST /purge HTTP/1.1\r\nContent-Length: 13\r\n\r\n{\"all\""];
    let held: Vec<_> = stuck
        .iter()
        .map(|beginning| {
            let mut stream = control.connect();
            stream.write_all(beginning.as_bytes()).expect("room for so little");
            stream
        })
        .collect();
    let begun = Instant::now();
    assert_eq!(control.purge(&json!({ "all": true })), 1);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "the others were waited for, {took:?} long");
    drop(held);
}

#[test]
fn those_who_leave_in_the_middle_do_no_harm() {
    let app = tagging();
    let (proxy, control) = started(&app);
    fill(&proxy, &["/"]);
    let before = proxy.descriptors();
    for number in 0..200 {
        let mut stream = control.connect();
        let request = "POST /purge HTTP/1.1\r\nContent-Length: 13\r\n\r\n{\"all\": true}";
        stream.write_all(&request.as_bytes()[..number % 50]).expect("room for so little");
    }
    assert_eq!(control.report()["memory"]["entries"], 1, "half a purge is none");
    assert!(proxy.descriptors() <= before + 5);
}
