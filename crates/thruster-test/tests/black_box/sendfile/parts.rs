//! Parts of a file, and files that the client has already.

use thruster_test::{Client, Folder, Thrust, Upstream, thrust};

use super::{naming, request};

const CONTENT: &str = "0123456789abcdefghij";

fn serving(folder: &Folder) -> (Upstream, Thrust, Client) {
    let file = folder.file("file", CONTENT);
    let app = naming(&file, "Content-Type: text/plain\r\n");
    let proxy = thrust().run(&app);
    let client = proxy.connect();
    (app, proxy, client)
}

#[test]
fn one_range_is_answered_with_that_part() {
    let folder = Folder::new();
    let (_app, _proxy, mut client) = serving(&folder);
    for (range, part, content_range) in [
        ("bytes=0-0", "0", "bytes 0-0/20"),
        ("bytes=5-9", "56789", "bytes 5-9/20"),
        ("bytes=15-", "fghij", "bytes 15-19/20"),
        ("bytes=-3", "hij", "bytes 17-19/20"),
        ("bytes=-100", CONTENT, "bytes 0-19/20"),
        ("bytes=18-99999999999999999999", "ij", "bytes 18-19/20"),
        ("BYTES=19-19", "j", "bytes 19-19/20"),
    ] {
        let response = request(&mut client, "GET", &format!("Range: {range}\r\n"));
        assert_eq!((response.status, response.text()), (206, part), "{range}");
        assert_eq!(response.header("content-range"), content_range);
        assert_eq!(response.header("content-length"), part.len().to_string());
        assert_eq!(response.header("content-type"), "text/plain");
        assert_ne!(response.header("etag"), "");
    }
}

#[test]
fn a_range_behind_the_end_is_refused_with_the_length() {
    let folder = Folder::new();
    let (_app, proxy, mut client) = serving(&folder);
    for range in ["bytes=20-", "bytes=99999999999999999999-", "bytes=20-30", "bytes=-0"] {
        let response = request(&mut client, "GET", &format!("Range: {range}\r\n"));
        assert_eq!((response.status, response.text()), (416, ""), "{range}");
        assert_eq!(response.header("content-range"), "bytes */20");
        assert_eq!(response.header("content-length"), "0");
        let line = proxy.logged_request();
        assert_eq!((&line["status"], line.get("error")), (&416.into(), None));
    }
}

#[test]
fn what_are_not_ranges_of_a_get_is_answered_with_the_whole() {
    let folder = Folder::new();
    let (_app, _proxy, mut client) = serving(&folder);
    for range in [
        "bytes=0-1,6-5",
        "bytes=0-,0-0",
        "bytes=5-2",
        "bytes=",
        "bytes=a-b",
        "lines=1-2",
        "0-1",
        "bytes=--1",
    ] {
        let response = request(&mut client, "GET", &format!("Range: {range}\r\n"));
        assert_eq!((response.status, response.text()), (200, CONTENT), "{range}");
        assert_eq!(response.header("content-range"), "");
    }
    let response = request(&mut client, "HEAD", "Range: bytes=0-1\r\n");
    assert_eq!((response.status, response.header("content-length")), (200, "20"));
    assert_eq!(client.get("/file").text(), CONTENT);
}

#[test]
fn a_range_of_something_else_is_answered_with_the_whole() {
    let folder = Folder::new();
    let (_app, _proxy, mut client) = serving(&folder);
    let whole = client.get("/file");
    let (etag, modified) = (whole.header("etag"), whole.header("last-modified"));
    let other = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (if_range, status) in [
        (etag, 206),
        (&*format!("W/{etag}"), 200),
        ("\"other\"", 200),
        (other, 200),
        ("nonsense", 200),
    ] {
        let fields = format!("Range: bytes=5-9\r\nIf-Range: {if_range}\r\n");
        let response = request(&mut client, "GET", &fields);
        let part = if status == 206 { "56789" } else { CONTENT };
        assert_eq!((response.status, response.text()), (status, part), "{if_range}");
    }
    // The file was changed a moment ago: to give the part or the whole is up to us.
    let fields = format!("Range: bytes=5-9\r\nIf-Range: {modified}\r\n");
    let response = request(&mut client, "GET", &fields);
    assert!(matches!((response.status, response.text()), (206, "56789") | (200, CONTENT)));
}

#[test]
fn who_has_the_file_is_told_that_it_is_the_same() {
    let folder = Folder::new();
    let (_app, proxy, mut client) = serving(&folder);
    let whole = client.get("/file");
    proxy.logged_request();
    let (etag, modified) = (whole.header("etag"), whole.header("last-modified"));
    let early = "Sun, 06 Nov 1994 08:49:37 GMT";
    for method in ["GET", "HEAD"] {
        for (fields, status) in [
            (format!("If-None-Match: {etag}\r\n"), 304),
            (format!("If-None-Match: \"a\", W/{etag}\r\n"), 304),
            ("If-None-Match: *\r\n".into(), 304),
            (format!("If-None-Match: {etag}\r\nRange: bytes=0-1\r\n"), 304),
            ("If-None-Match: \"a\"\r\n".into(), 200),
            (format!("If-Modified-Since: {modified}\r\n"), 304),
            (format!("If-Modified-Since: {early}\r\n"), 200),
            ("If-Modified-Since: yesterday\r\n".into(), 200),
            (format!("If-None-Match: \"a\"\r\nIf-Modified-Since: {modified}\r\n"), 200),
            (format!("If-None-Match: {etag}\r\nIf-Modified-Since: {early}\r\n"), 304),
        ] {
            let response = request(&mut client, method, &fields);
            assert_eq!(response.status, status, "{method} {fields}");
            assert_eq!(response.header("etag"), etag, "{fields}");
            assert_eq!(proxy.logged_request()["status"], status);
            match (method, status) {
                ("GET", 200) => assert_eq!(response.text(), CONTENT),
                _ => assert_eq!(response.text(), ""),
            }
        }
    }
}

#[test]
fn a_precondition_that_fails_is_a_412_without_a_body() {
    let folder = Folder::new();
    let (_app, _proxy, mut client) = serving(&folder);
    let etag = client.get("/file").header("etag").to_owned();
    let early = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (fields, status) in [
        ("If-Match: \"other\"\r\n".into(), 412),
        (format!("If-Match: W/{etag}\r\n"), 412),
        (format!("If-Unmodified-Since: {early}\r\n"), 412),
        (format!("If-Match: \"a\", {etag}\r\n"), 200),
        ("If-Match: *\r\n".into(), 200),
        (format!("If-Match: {etag}\r\nIf-Unmodified-Since: {early}\r\n"), 200),
    ] {
        let response = request(&mut client, "GET", &fields);
        let body = if status == 200 { CONTENT } else { "" };
        assert_eq!((response.status, response.text()), (status, body), "{fields}");
        assert_eq!(response.header("content-length"), body.len().to_string());
    }
}
