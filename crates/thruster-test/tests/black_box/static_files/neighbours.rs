//! Codings that were made beforehand, beside the file.

use std::fs::File;
use std::time::{Duration, SystemTime};

use super::{app, serving};
use thruster_test::{Folder, thrust};

const FILES: [&str; 4] = ["app.css", "app.css.br", "app.css.zst", "app.css.gz"];

/// Each says which one it is: what is in them is nobody's business here.
fn built() -> Folder {
    let public = Folder::new();
    for name in FILES {
        public.file(name, name);
    }
    public
}

#[test]
fn the_client_gets_the_coding_it_likes_best() {
    let public = built();
    let app = app();
    let proxy = serving(public.path(), &app);
    let mut client = proxy.connect();
    let mut tags = Vec::new();
    for (accepted, coding, file) in [
        ("gzip, deflate, br, zstd", "br", "app.css.br"),
        ("gzip, zstd", "zstd", "app.css.zst"),
        ("gzip", "gzip", "app.css.gz"),
        ("br;q=0.5, gzip", "gzip", "app.css.gz"),
        ("br;q=0, *", "zstd", "app.css.zst"),
        ("identity, br;q=0.9", "", "app.css"),
        ("*;q=0", "", "app.css"),
        ("deflate", "", "app.css"),
        ("", "", "app.css"),
    ] {
        let response = client.ask("GET", "/app.css", &format!("Accept-Encoding: {accepted}"));
        assert_eq!((response.text(), response.header("content-encoding")), (file, coding));
        assert_eq!(response.header("content-type"), "text/css; charset=utf-8");
        assert_eq!(response.all("vary"), ["Accept-Encoding"]);
        assert_eq!(response.all("content-length"), [file.len().to_string()]);
        tags.push(response.header("etag").to_owned());
    }
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 4, "other bytes have another tag: {tags:?}");
    assert!(app.has_received_nothing());
}

#[test]
fn a_coding_has_conditions_and_parts_of_its_own() {
    let public = built();
    let app = app();
    let proxy = serving(public.path(), &app);
    let mut client = proxy.connect();
    let whole = client.ask("GET", "/app.css", "Accept-Encoding: br");
    let tag = whole.header("etag");
    let again =
        client.ask("GET", "/app.css", &format!("Accept-Encoding: br\nIf-None-Match: {tag}"));
    assert_eq!((again.status, again.header("vary")), (304, "Accept-Encoding"));
    let plain = client.ask("GET", "/app.css", &format!("If-None-Match: {tag}"));
    assert_eq!((plain.status, plain.text()), (200, "app.css"));
    let part = client.ask("GET", "/app.css", "Accept-Encoding: br\nRange: bytes=-2");
    assert_eq!((part.status, part.text(), part.header("content-encoding")), (206, "br", "br"));
    let head = client.ask("HEAD", "/app.css", "Accept-Encoding: br");
    assert_eq!((head.header("content-encoding"), head.header("content-length")), ("br", "10"));
}

#[test]
fn what_is_older_than_the_file_is_of_another_one() {
    let public = built();
    let earlier = SystemTime::now() - Duration::from_secs(3600);
    let old = File::options().write(true).open(public.at("app.css.br")).expect("it is there");
    old.set_modified(earlier).expect("its time can be set");
    let app = app();
    let proxy = serving(public.path(), &app);
    let response = proxy.connect().ask("GET", "/app.css", "Accept-Encoding: br, gzip;q=0.1");
    assert_eq!(response.text(), "app.css.gz");
}

#[test]
fn only_codings_that_are_wanted_are_looked_for() {
    let public = built();
    let app = app();
    for (setting, file) in [("gzip,br", "app.css.gz"), ("zstd", "app.css.zst"), ("off", "app.css")]
    {
        let proxy = thrust()
            .with("STATIC_PATH", public.path().display())
            .with("COMPRESSION", setting)
            .run(&app);
        let response = proxy.connect().ask("GET", "/app.css", "Accept-Encoding: br, zstd, gzip");
        assert_eq!(response.text(), file, "{setting}");
    }
}

#[test]
fn a_neighbour_alone_is_only_itself() {
    let public = Folder::new();
    public.file("app.js.gz", "coded");
    let app = app();
    let proxy = serving(public.path(), &app);
    let mut client = proxy.connect();
    let response = client.ask("GET", "/app.js", "Accept-Encoding: gzip");
    assert_eq!(response.text(), "of the app");
    let itself = client.ask("GET", "/app.js.gz", "Accept-Encoding: gzip");
    assert_eq!((itself.text(), itself.header("content-encoding")), ("coded", ""));
}

#[test]
fn without_a_neighbour_text_is_coded_as_it_goes_out() {
    let public = Folder::new();
    let page = "<p>a paragraph</p>\n".repeat(1000);
    public.file("page.html", &page);
    let app = app();
    let proxy = serving(public.path(), &app);
    let mut client = proxy.connect();
    let coded = client.ask("GET", "/page", "Accept-Encoding: gzip");
    assert_eq!(
        (coded.header("content-encoding"), coded.header("vary")),
        ("gzip", "Accept-Encoding")
    );
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&coded.body[..]);
    std::io::Read::read_to_string(&mut decoder, &mut text).expect("it can be decoded");
    assert!(text == page);
    let tag = coded.header("etag");
    assert!(tag.starts_with("W/"), "{tag}");
    let again = client.ask("GET", "/page", &format!("Accept-Encoding: gzip\nIf-None-Match: {tag}"));
    assert_eq!(again.status, 304);
    // It is public, and so the same bytes each time.
    assert!(client.ask("GET", "/page", "Accept-Encoding: gzip").body == coded.body);
}
