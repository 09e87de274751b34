//! Files that the child names with X-Sendfile, and that thrust sends in the place of its body.

mod broken;
mod cached;
mod multipart;
mod parts;
pub mod roots;
pub mod zero_copy;

use std::path::Path;

use thruster_test::{Client, Folder, Http2, Response, Upstream, thrust, upstream, values};

use crate::bodies::noise;

/// A server that names this file in every answer, with these fields besides.
fn naming(file: &Path, fields: &'static str) -> Upstream {
    answering_with(file, "200 OK", fields)
}

fn answering_with(file: &Path, status: &'static str, fields: &'static str) -> Upstream {
    let file = file.to_str().expect("a path in UTF-8").to_owned();
    upstream(move |exchange| {
        exchange.body();
        let named = format!("X-Sendfile: {file}\r\nContent-Length: 0\r\n");
        exchange.send(format!("HTTP/1.1 {status}\r\n{fields}{named}\r\n"));
    })
}

/// The parts of a multipart/byteranges body, checked to the byte: where each is from, and what it
/// is.
pub fn parts_of(response: &Response) -> Vec<(String, String)> {
    let kind = response.header("content-type");
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=");
    let boundary = boundary.unwrap_or_else(|| panic!("no boundary: {kind}"));
    assert_eq!(response.header("content-range"), "", "each part has its own");
    let text = response.text();
    let text = text.strip_suffix(&format!("\r\n--{boundary}--\r\n")).expect("an end");
    let text = text.strip_prefix(&format!("--{boundary}\r\n")).expect("a beginning");
    let between = format!("\r\n--{boundary}\r\n");
    let parts = text.split(&*between).map(|part| {
        let (head, body) = part.split_once("\r\n\r\n").expect("a head");
        let range = head.strip_prefix("content-type: text/plain\r\ncontent-range: bytes ");
        (range.unwrap_or_else(|| panic!("{head}")).to_owned(), body.to_owned())
    });
    parts.collect()
}

/// A request with these fields, a line each, and its response.
fn request(client: &mut Client, method: &str, fields: &str) -> Response {
    client.ask(method, "/file", fields)
}

#[test]
fn the_child_is_told_that_it_may_name_files() {
    let app = Upstream::saying("hello");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for fields in ["", "X-Sendfile-Type: X-Accel-Redirect\r\nX-Sendfile-Type: other\r\n"] {
        request(&mut client, "GET", fields);
        assert_eq!(values(&app.received(), "x-sendfile-type"), ["X-Sendfile"], "{fields}");
    }
}

#[test]
fn switched_off_nobody_is_told_and_nothing_is_sent() {
    let folder = Folder::new();
    let file = folder.file("secret", "of the file");
    let app = upstream(move |exchange| {
        let file = file.display();
        exchange.send(format!("HTTP/1.1 200 OK\r\nX-Sendfile: {file}\r\nContent-Length: 3\r\n"));
        exchange.send("\r\nown");
    });
    let proxy = thrust().with("X_SENDFILE_ENABLED", 0).run(&app);
    let mut client = proxy.connect();
    // A child that is asked so by the client would name its files to the client.
    for fields in ["", "X-Sendfile-Type: X-Sendfile\r\n"] {
        assert_eq!(request(&mut client, "GET", fields).text(), "own");
        assert!(values(&app.received(), "x-sendfile-type").is_empty(), "{fields}");
    }
}

#[test]
fn the_file_is_sent_in_place_of_the_body() {
    let folder = Folder::new();
    let file = folder.file("file", "of the file");
    for body in [
        "Content-Length: 8\r\n\r\nof no us",
        "Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    ] {
        let file = file.clone();
        let app = upstream(move |exchange| {
            let file = file.display();
            exchange.send(format!("HTTP/1.1 200 OK\r\nX-Sendfile: {file}\r\n{body}"));
        });
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        for _ in 0..3 {
            let response = client.get("/file");
            assert_eq!((response.status, response.text()), (200, "of the file"));
            assert_eq!(response.header("content-length"), "11");
            assert_eq!(response.header("x-sendfile"), "", "where it lies is nobody's business");
            let line = proxy.logged_request();
            assert_eq!((&line["status"], line.get("error")), (&200.into(), None), "{line}");
            assert_eq!(
                (&line["bytes_out"], &line["resp_content_length"]),
                (&11.into(), &11.into())
            );
        }
    }
}

#[test]
fn status_and_fields_are_the_childs() {
    let folder = Folder::new();
    let file = folder.file("404.html", "nothing here");
    for status in ["200 OK", "201 Created", "404 Not Found", "422 No", "503 Later"] {
        let fields = "Content-Type: text/x-own\r\nContent-Disposition: attachment; filename=\"a b\"\r\n\
                      Cache-Control: no-store\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Own: kept\r\n\
                      ETag: W/\"own\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        let app = answering_with(&file, status, fields);
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        // A part of what is no success would be taken for a part of a success.
        let range = if status.starts_with("200") { "" } else { "Range: bytes=0-1\r\n" };
        let response = request(&mut client, "GET", range);
        assert_eq!(response.status.to_string(), status[..3], "{status}");
        assert_eq!(response.text(), "nothing here", "{status}");
        for field in fields.lines() {
            let (name, value) = field.split_once(": ").expect("a field");
            let field = (name.to_ascii_lowercase(), value.to_owned());
            assert!(response.headers.contains(&field), "{field:?}: {response:?}");
        }
        let named = |name: &str| response.headers.iter().filter(|(n, _)| n == name).count();
        assert_eq!((named("etag"), named("last-modified"), named("content-type")), (1, 1, 1));
    }
}

#[test]
fn a_type_the_child_does_not_tell_goes_by_the_name() {
    let folder = Folder::new();
    for (name, expected) in [
        ("a.html", "text/html"),
        ("a.pdf", "application/pdf"),
        ("a.PNG", "image/png"),
        ("a.css", "text/css"),
    ] {
        let file = folder.file(name, "content");
        let app = naming(&file, "");
        let proxy = thrust().run(&app);
        let response = proxy.connect().get("/file");
        assert!(response.header("content-type").starts_with(expected), "{name}: {response:?}");
    }
    let file = folder.file("page.html", "content");
    let app = naming(&file, "Content-Type: text/plain\r\n");
    let proxy = thrust().run(&app);
    assert_eq!(proxy.connect().get("/file").header("content-type"), "text/plain");
}

#[test]
fn a_file_has_validators_that_change_with_it() {
    let folder = Folder::new();
    let file = folder.file("file", "one");
    let app = naming(&file, "");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let (first, again) = (client.get("/file"), client.get("/file"));
    let (etag, modified) = (first.header("etag"), first.header("last-modified"));
    assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 2, "{etag}");
    assert!(modified.ends_with(" GMT"), "{modified}");
    assert_eq!((again.header("etag"), again.header("last-modified")), (etag, modified));
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(3);
    let written = std::fs::File::options().write(true).open(&file).expect("the file");
    written.set_modified(later).expect("a time of change");
    let touched = client.get("/file");
    assert_ne!(touched.header("etag"), etag);
    assert_ne!(touched.header("last-modified"), modified);
    folder.file("file", "longer");
    written.set_modified(later).expect("a time of change");
    let longer = client.get("/file");
    assert_eq!(longer.text(), "longer");
    assert_ne!(longer.header("etag"), touched.header("etag"));
}

#[test]
fn names_are_taken_as_they_are() {
    let folder = Folder::new();
    for name in ["with blanks", "100%.txt", "a%20b", "a?b#c", "Übersicht für März.txt", "a;b,c\"d"]
    {
        let file = folder.file(name, name);
        let app = naming(&file, "");
        let proxy = thrust().run(&app);
        let response = proxy.connect().get("/file");
        assert_eq!((response.status, response.text()), (200, name));
    }
}

#[test]
fn a_head_tells_of_the_file() {
    let folder = Folder::new();
    let file = folder.file("file", "of the file");
    let app = naming(&file, "Content-Type: text/plain\r\n");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let whole = client.get("/file");
    let response = request(&mut client, "HEAD", "");
    assert_eq!((response.status, response.header("content-length")), (200, "11"));
    for name in ["etag", "last-modified", "content-type"] {
        assert_eq!(response.header(name), whole.header(name));
    }
    assert_eq!(client.get("/file").text(), "of the file", "nothing followed the HEAD");
}

#[test]
fn an_empty_file_is_an_empty_body() {
    let folder = Folder::new();
    let file = folder.file("empty", "");
    let app = naming(&file, "");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for (method, range) in [("GET", ""), ("HEAD", ""), ("GET", "Range: bytes=0-\r\n"), ("GET", "")]
    {
        let response = request(&mut client, method, range);
        // RFC 9110 section 14.2 lets us pass over a range; none can be a part of nothing.
        assert!(response.status == 200 || response.status == 416 && !range.is_empty());
        assert_eq!((response.header("content-length"), response.text()), ("0", ""));
    }
}

#[test]
fn a_large_file_arrives_byte_for_byte() {
    let folder = Folder::new();
    let body = noise(7_654_321);
    let file = folder.file("large", &body);
    let app = naming(&file, "");
    let proxy = thrust().with("H2C_ENABLED", 1).run(&app);
    let mut client = proxy.connect();
    for _ in 0..2 {
        assert!(client.get("/file").body == body);
        assert_eq!(proxy.logged_request()["bytes_out"], body.len());
    }
    let http2 = proxy.connect_http2();
    assert!(http2.get("/file").body == body);
    let head = http2.open(Http2::request("GET", "/file").header("range", "bytes=5-6000004"), true);
    let part = head.response();
    assert_eq!(part.status, 206);
    assert!(part.body == body[5..6_000_005]);
}

#[test]
fn an_answer_to_a_post_may_name_a_file_too() {
    let folder = Folder::new();
    let file = folder.file("export.csv", "a,b\n");
    let app = naming(&file, "Content-Type: text/csv\r\n");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let response = client.post("/export", b"all");
    assert_eq!((response.status, response.text()), (200, "a,b\n"));
    assert_eq!(response.header("x-cache"), "bypass");
    client
        .send("POST /export HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0\r\nContent-Length: 0\r\n\r\n");
    let response = client.response("POST");
    assert_eq!((response.status, response.text()), (200, "a,b\n"), "ranges are of GET alone");
}

#[test]
fn what_has_no_body_gets_none_from_a_file() {
    let folder = Folder::new();
    let file = folder.file("file", "of the file");
    for (status, code) in [("304 Not Modified", 304), ("204 No Content", 204)] {
        let file = file.display().to_string();
        let app = upstream(move |exchange| {
            let named = format!("ETag: \"a\"\r\nX-Sendfile: {file}\r\n");
            exchange.send(format!("HTTP/1.1 {status}\r\n{named}\r\n"));
        });
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        for _ in 0..2 {
            let response = request(&mut client, "GET", "If-None-Match: \"a\"\r\n");
            assert_eq!((response.status, response.header("x-sendfile")), (code, ""));
        }
    }
}

#[test]
fn an_empty_name_is_no_file() {
    let app = upstream(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nX-Sendfile: \r\nContent-Length: 3\r\n\r\nown");
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for _ in 0..2 {
        let response = client.get("/");
        assert_eq!((response.status, response.text()), (200, "own"));
        assert!(!response.headers.iter().any(|(name, _)| name == "x-sendfile"), "{response:?}");
    }
}
