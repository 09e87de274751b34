//! Texts without a coding beside them: coded as they go out at first, and from what is kept later.

use std::fs::File;
use std::io::Read;
use std::time::{Duration, Instant, SystemTime};

use thruster_test::{Client, Folder, Response, thrust};

use super::{app, serving};

fn page() -> String {
    (0..400).map(|n| format!("<li class=\"post\">Post number {n}</li>\n")).collect()
}

/// Writes it as if that had been so many seconds ago.
fn write(folder: &Folder, text: &str, age: u64) {
    let path = folder.file("page.html", text);
    let file = File::options().write(true).open(path).expect("the file");
    let time = SystemTime::now() - Duration::from_secs(age);
    file.set_modified(time).expect("its time can be set");
}

/// The answer under this coding, once it has been made: what is coded on its way has no length.
fn made(client: &mut Client, coding: &str) -> Response {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let response = client.ask("GET", "/page", &format!("Accept-Encoding: {coding}"));
        assert_eq!((response.status, response.header("content-encoding")), (200, coding));
        if !response.header("content-length").is_empty() {
            return response;
        }
        assert!(Instant::now() < end, "{coding} is never made");
    }
}

fn decoded(response: &Response) -> String {
    let body = &response.body[..];
    let mut text = String::new();
    let read = match response.header("content-encoding") {
        "gzip" => flate2::read::MultiGzDecoder::new(body).read_to_string(&mut text),
        "br" => brotli::Decompressor::new(body, 4096).read_to_string(&mut text),
        "zstd" => {
            zstd::Decoder::new(body).and_then(|mut decoder| decoder.read_to_string(&mut text))
        }
        other => panic!("{other}"),
    };
    read.expect("what was coded can be decoded");
    text
}

#[test]
fn those_who_come_later_get_what_was_made_once() {
    let public = Folder::new();
    write(&public, &page(), 100);
    let app = app();
    let proxy = serving(public.path(), &app);
    let mut client = proxy.connect();
    for coding in ["br", "zstd", "gzip"] {
        let accepting = format!("Accept-Encoding: {coding}");
        let live = client.ask("GET", "/page", &accepting);
        let kept = made(&mut client, coding);
        for response in [&live, &kept] {
            assert_eq!(response.header("content-encoding"), coding);
            assert!(decoded(response) == page(), "{coding}");
            assert_eq!(response.all("vary"), ["Accept-Encoding"]);
            assert_eq!(response.header("accept-ranges"), "");
            assert_eq!(response.header("content-type"), "text/html; charset=utf-8");
            assert_eq!(response.header("cache-control"), "public, no-cache");
        }
        assert!(kept.header("etag").starts_with("W/"), "{kept:?}");
        assert_eq!(kept.header("etag"), live.header("etag"));
        assert_eq!(kept.all("content-length"), [kept.body.len().to_string()]);
        assert!(kept.body.len() < page().len() / 4, "{coding}");
        let head = client.ask("HEAD", "/page", &accepting);
        for name in ["content-length", "content-encoding", "etag", "vary", "last-modified"] {
            assert_eq!(head.all(name), kept.all(name), "{name}");
        }
    }
    assert!(app.has_received_nothing());
}

#[test]
fn conditions_and_parts_are_the_same_before_and_after() {
    let public = Folder::new();
    write(&public, &page(), 100);
    let app = app();
    let proxy = serving(public.path(), &app);
    let mut client = proxy.connect();
    let mut ask = |fields: &str| {
        let response = client.ask("GET", "/page", &format!("Accept-Encoding: gzip\n{fields}"));
        let names = ["etag", "vary", "content-range", "content-encoding", "last-modified"];
        let told = names.map(|name| response.header(name).to_owned());
        // The same text under a coding may be other bytes.
        let part = if response.status == 206 { response.body } else { Vec::new() };
        (response.status, told, part)
    };
    let strong = ask("Range: bytes=0-0").1[0].clone();
    let conditions = [
        format!("If-None-Match: W/{strong}"),
        format!("If-None-Match: {strong}"),
        format!("If-Match: {strong}"),
        "If-Match: \"other\"".to_owned(),
        "Range: bytes=5-9".to_owned(),
        format!("Range: bytes=5-9\nIf-Range: {strong}"),
        format!("Range: bytes=5-9\nIf-Range: W/{strong}"),
        "Range: bytes=999999-".to_owned(),
    ];
    let before = conditions.each_ref().map(|fields| ask(fields));
    let statuses = before.each_ref().map(|(status, ..)| *status);
    assert_eq!(statuses, [304, 304, 200, 412, 206, 206, 200, 416]);
    let (_, not_modified, _) = &before[0];
    assert_eq!(not_modified[..2], [format!("W/{strong}"), "Accept-Encoding".to_owned()]);
    made(&mut proxy.connect(), "gzip");
    assert_eq!(conditions.each_ref().map(|fields| ask(fields)), before);
}

#[test]
fn a_file_that_changes_is_coded_anew() {
    let public = Folder::new();
    write(&public, &page(), 100);
    let app = app();
    let proxy = serving(public.path(), &app);
    let mut client = proxy.connect();
    let first = made(&mut client, "br");
    // Of the same length, and no younger.
    let other = page().replace("Post", "Toast").replacen("Toast number", "Post numbers", 1);
    let other = &other.as_bytes()[..page().len()];
    let other = str::from_utf8(other).expect("letters");
    write(&public, other, 200);
    assert!(decoded(&client.ask("GET", "/page", "Accept-Encoding: br")) == other);
    let second = made(&mut client, "br");
    assert!(decoded(&second) == other);
    assert_ne!(first.header("etag"), second.header("etag"));
}

#[test]
fn without_a_cache_or_for_a_guarded_client_nothing_is_kept() {
    let public = Folder::new();
    write(&public, &page(), 100);
    let app = app();
    let ask = |proxy: &thruster_test::Thrust, fields: &str| {
        let mut client = proxy.connect();
        let ask = || client.ask("GET", "/page", &format!("Accept-Encoding: gzip\n{fields}"));
        // A thread would long have made it by the last one.
        let last = std::iter::repeat_with(ask).take(300).last().expect("one");
        (last.header("content-encoding").to_owned(), last.header("content-length").to_owned())
    };
    let off = thrust().with("STATIC_PATH", public.path().display()).with("CACHE_SIZE", 0).run(&app);
    assert_eq!(ask(&off, ""), ("gzip".to_owned(), String::new()));
    let guarding = thrust()
        .with("STATIC_PATH", public.path().display())
        .with("GZIP_COMPRESSION_DISABLE_ON_AUTH", 1)
        .run(&app);
    made(&mut guarding.connect(), "gzip");
    let plain = page().len().to_string();
    assert_eq!(ask(&guarding, "Cookie: a=b"), (String::new(), plain.clone()));
    assert_eq!(ask(&guarding, "Cache-Control: no-transform"), (String::new(), plain));
}

#[test]
fn what_could_be_coded_varies_for_everybody() {
    let public = Folder::new();
    write(&public, &page(), 100);
    public.file("image.png", page());
    let app = app();
    let proxy = serving(public.path(), &app);
    let mut client = proxy.connect();
    let tag = client.get("/page").header("etag").to_owned();
    for fields in ["", "Accept-Encoding: gzip", "Accept-Encoding: identity", "Cookie: a=b"] {
        let whole = client.ask("GET", "/page", fields);
        let again = client.ask("GET", "/page", &format!("If-None-Match: {tag}\n{fields}"));
        assert_eq!((whole.status, again.status), (200, 304));
        for response in [whole, again] {
            assert_eq!(response.all("vary"), ["Accept-Encoding"], "{fields}");
        }
    }
    assert_eq!(client.get("/image.png").header("vary"), "");
}
