//! Requests that are refused: with the right status, a word of why, a line in the log, and no
//! effect on anybody else.

mod bodies;

use thruster_test::{Http2, Thrust, Upstream, thrust};

/// Sends what is to be refused on a connection of its own, and returns the status and the log's
/// word for the reason. Whatever the reason, a refusal looks the same.
fn refusal(proxy: &Thrust, request: &[u8]) -> (u16, String) {
    let shown = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
    let mut client = proxy.connect();
    // The refusal may come before the last byte has gone.
    drop(client.try_send(request));
    let response = client.response("GET");
    assert_eq!(response.header("connection"), "close", "{shown:?}");
    assert_eq!(response.header("content-type"), "text/plain", "{shown:?}");
    assert!((1..200).contains(&response.body.len()), "{shown:?}: {response:?}");
    assert!(client.is_closed(), "{shown:?}");
    let line = proxy.logged_request();
    assert_eq!(line["status"], response.status, "{shown:?}: {line}");
    let error = line["error"].as_str().unwrap_or_else(|| panic!("no error in {line}")).to_owned();
    assert!(response.text().contains(&error), "{:?} for {error}", response.text());
    assert!(proxy.unread_requests().is_empty(), "one line is enough");
    (response.status, error)
}

/// Each of these is refused with this status and for this reason, the child hears of none, and a
/// connection that was there before does not notice.
fn refused<T: AsRef<[u8]>>(status: u16, reason: &str, requests: impl IntoIterator<Item = T>) {
    let app = Upstream::saying("served");
    let proxy = thrust().run(&app);
    let mut bystander = proxy.connect();
    bystander.send("GET /by");
    for request in requests {
        let request = request.as_ref();
        let shown = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
        let (code, error) = refusal(&proxy, request);
        assert_eq!((code, error.as_str()), (status, reason), "{shown:?}");
    }
    assert_eq!(app.connections(), 0);
    bystander.send("stander HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(bystander.response("GET").text(), "served");
    assert!(app.received().starts_with("GET /bystander "));
}

fn with_fields(fields: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[test]
fn a_length_beside_a_coding_is_refused() {
    refused(
        400,
        "Content-Length with Transfer-Encoding",
        [
            with_fields("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
            with_fields("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
            with_fields("transfer-encoding: chunked\r\ncontent-length: x\r\n"),
            with_fields("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n"),
        ],
    );
}

#[test]
fn a_repeated_length_is_refused() {
    refused(
        400,
        "repeated Content-Length",
        [
            with_fields("Content-Length: 5\r\nContent-Length: 5\r\n"),
            with_fields("Content-Length: 5\r\nX-A: b\r\ncontent-length: 6\r\n"),
        ],
    );
}

#[test]
fn a_length_that_is_no_number_is_refused() {
    let bad = [
        "5, 5",
        "5, 6",
        "5,",
        "+5",
        "-1",
        "0x5",
        "5 5",
        "5\t5",
        "5;",
        "five",
        "",
        "\"5\"",
        "5.0",
        "1e1",
        "18446744073709551616",
        "99999999999999999999999999",
        "\u{0665}",
    ];
    let bad = bad.iter().map(|length| with_fields(&format!("Content-Length: {length}\r\n")));
    refused(400, "bad Content-Length", bad);
}

#[test]
fn unknown_codings_are_refused() {
    let unknown = [
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "identity",
        "chunked, chunked",
        "xchunked",
        "chunkedx",
        "chunked;q=1",
        "\"chunked\"",
        "",
    ];
    let unknown = unknown.iter().map(|te| with_fields(&format!("Transfer-Encoding: {te}\r\n")));
    refused(501, "unknown Transfer-Encoding", unknown);
}

#[test]
fn a_coding_is_named_once_and_not_in_http_1_0() {
    let twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n";
    refused(400, "repeated Transfer-Encoding", [with_fields(twice)]);
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    refused(400, "Transfer-Encoding in HTTP/1.0", [old]);
}

#[test]
fn a_request_names_one_host() {
    refused(400, "missing Host", ["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHosts: a\r\n\r\n"]);
    refused(
        400,
        "repeated Host",
        [
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nhost: b\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        ],
    );
    let bad = ["a b", "a/b", "user@a", "a?b", "a#b", "a\\b", "a\"b", "<a>", "a\u{e9}", "http://a"];
    refused(400, "bad Host", bad.map(|host| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")));
}

#[test]
fn field_names_are_plain_and_end_at_the_colon() {
    let bad = [
        "X-A : 1\r\n",
        "Content-Length : 5\r\n",
        "Transfer-Encoding\t: chunked\r\n",
        " X-A: 1\r\n",
        ": 1\r\n",
        "no colon\r\n",
        "X-\u{1}: 1\r\n",
        "X-\0: 1\r\n",
        "X-\u{e9}: 1\r\n",
        "X(A): 1\r\n",
        "X,A: 1\r\n",
    ];
    refused(400, "bad field name", bad.map(with_fields));
}

#[test]
fn folded_lines_are_refused() {
    let folded = ["X-A: 1\r\n 2\r\n", "X-A: 1\r\n\t2\r\n", "X-A:\r\n chunked\r\n"];
    refused(400, "bad field name", folded.map(with_fields));
}

#[test]
fn control_characters_are_no_part_of_a_value() {
    let controls = ['\0', '\u{1}', '\u{8}', '\u{b}', '\r', '\u{1b}', '\u{7f}'];
    let inside = controls.map(|control| with_fields(&format!("X-A: b{control}c\r\n")));
    refused(400, "bad field value", inside);
}

#[test]
fn a_request_line_has_three_parts_and_no_control_characters() {
    let bad = [
        "GET /a b HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET\t/ HTTP/1.1",
        " GET / HTTP/1.1",
        "GET /\u{1} HTTP/1.1",
        "GET /\0 HTTP/1.1",
        "GET /\u{7f} HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/1",
        "GET / XHTTP/1.1",
        "G\u{e9}T / HTTP/1.1",
        "G@T / HTTP/1.1",
        "GET",
    ];
    refused(400, "bad request line", bad.map(|line| format!("{line}\r\nHost: a\r\n\r\n")));
    let more = ["GET / HTTP/1.1 ", "GET / HTTP/1.1.1", "GET / HTTP/1.1\rHost: a\r"];
    refused(400, "bad line end", more.map(|line| format!("{line}\r\nHost: a\r\n\r\n")));
}

#[test]
fn a_target_is_a_path_or_a_url_of_http() {
    let bad = [
        "relative",
        "example.com:80",
        "/path#fragment",
        "ftp://a/",
        "http://",
        "http://user@a/",
        "http:///path",
        "**",
        "?query",
    ];
    let bad = bad.map(|target| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
    refused(400, "bad request target", bad);
}

#[test]
fn absurd_targets_are_too_long() {
    // Beyond our limit, beyond what a `Uri` holds, and beyond what a head may be.
    for length in [16 * 1024 + 1, 70_000, 200_000] {
        let path = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(length - 1));
        let query = format!("GET /?{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(length - 2));
        let late = format!("GET /{}?a=b HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(length));
        refused(414, "request target too long", [path, query, late]);
    }
}

#[test]
fn a_long_target_is_not_absurd() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    let target = format!("/?{}", "q".repeat(16 * 1024 - 2));
    assert_eq!(proxy.connect().get(&target).status, 200);
    assert!(app.received().starts_with(&format!("GET {target} HTTP/1.1\r\n")));
}

#[test]
fn header_floods_are_refused() {
    let flood = |fields: String| format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    refused(
        431,
        "request head too large",
        [
            flood("X-A: b\r\n".repeat(1000)),
            flood("X-A: b\r\n".repeat(50_000)),
            flood(format!("X-A: {}\r\n", "b".repeat(200_000))),
            flood(format!("Cookie: {}\r\n", "b".repeat(10_000)).repeat(20)),
            flood(format!("{}: b\r\n", "X".repeat(200_000))),
            format!("GET / HTTP/1.1\r\nHost: a\r\nX-A: {}", "b".repeat(200_000)),
        ],
    );
}

#[test]
fn large_heads_are_no_floods() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let many: String = (0..100).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "b".repeat(100_000));
    for fields in [many, large] {
        client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        assert_eq!(client.response("GET").status, 200);
        assert!(app.received().to_ascii_lowercase().contains(fields.to_ascii_lowercase().trim()));
    }
}

#[test]
fn tunnels_to_elsewhere_are_not_our_trade() {
    let connect =
        ["a.example:443", "/"].map(|to| format!("CONNECT {to} HTTP/1.1\r\nHost: a\r\n\r\n"));
    refused(501, "CONNECT is for forward proxies", connect);
}

#[test]
fn other_versions_and_protocols_are_refused() {
    refused(400, "bad request line", ["GET /\r\n", "GET /\r\n\r\n"]);
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\n\0\xff\x13\x01\x13\x02";
    refused(400, "bad request line", [&hello[..], b"\0", b"SSH-2.0-OpenSSH_9.7\r\n", b"\xff\xfe"]);
    refused(
        505,
        "HTTP version not supported here",
        [
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            "GET / HTTP/0.9\r\nHost: a\r\n\r\n",
            "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
        ],
    );
}

#[test]
fn a_bad_request_behind_a_good_one_is_refused_in_its_turn() {
    let app = Upstream::saying("good");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send(
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /bad HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(client.response("GET").text(), "good");
    assert_eq!(client.response("GET").status, 400);
    assert!(client.is_closed());
    assert!(app.received().starts_with("GET / "));
    assert!(app.has_received_nothing());
}

#[test]
fn a_refusal_to_an_unfinished_request_does_not_wait_for_the_rest() {
    let proxy = thrust().with("HTTP_READ_TIMEOUT", 600).run_alone();
    let mut client = proxy.connect();
    client.send("GET /\u{1}");
    assert_eq!(client.response("GET").status, 400);
}

#[test]
fn a_head_is_refused_without_a_body() {
    let proxy = thrust().with("H2C_ENABLED", 1).with("MAX_REQUEST_BODY", 1).run_alone();
    let client = proxy.connect_http2();
    let mut large = client.open(Http2::request("HEAD", "/").header("content-length", "2"), false);
    assert_eq!(large.head().expect("an answer").status, 413);
    assert_eq!(large.data().expect("no error"), None);
    let mut client = proxy.connect();
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(client.head().status, 413);
    assert_eq!(client.finish().remains(), b"");
}
