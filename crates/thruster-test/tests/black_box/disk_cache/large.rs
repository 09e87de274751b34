//! Bodies that are too large for memory: they are answered from the disk, in whole and in part.

use serde_json::{Value, json};
use thruster_test::{Client, Folder, Http2, thrust, upstream};

use super::{
    FIELDS, SMALL, assert_is, being_written, files, holding, on, started, until, wait_for,
};
use crate::bodies::noise;

/// More than a few blocks, and no multiple of anything.
const LARGE: usize = 3_456_789;

fn kept(folder: &Folder, body: &[u8]) -> (thruster_test::Upstream, thruster_test::Thrust) {
    let app = holding(body);
    let (proxy, control) = started(folder, &app, 0);
    let response = proxy.connect().get("/large");
    assert_is(&response, "miss", body);
    assert!(response.header("cache-status").contains("stored"), "{:?}", response.headers);
    wait_for(&control, 1);
    app.received();
    (app, proxy)
}

#[test]
fn they_are_answered_from_the_disk() {
    let folder = Folder::new();
    let body = noise(LARGE);
    let (app, proxy) = kept(&folder, &body);
    let mut client = proxy.connect();
    proxy.logged_request();
    for _ in 0..3 {
        let response = client.get("/large");
        assert_is(&response, "hit", &body);
        assert_eq!(response.header("content-length"), LARGE.to_string());
        assert_eq!(response.header("etag"), "\"v1\"");
        assert!(response.header("age").parse::<u64>().is_ok());
        let line = proxy.logged_request();
        assert_eq!((&line["bytes_out"], line.get("error")), (&LARGE.into(), None));
        assert_eq!(line["cache"], "hit");
    }
    assert!(app.has_received_nothing());
}

#[test]
fn parts_of_them_are_too() {
    let folder = Folder::new();
    let body = noise(LARGE);
    let (app, proxy) = kept(&folder, &body);
    let mut client = proxy.connect();
    for (range, part) in [
        ("0-0", 0..1),
        ("0-262143", 0..262_144),
        ("262143-262144", 262_143..262_145),
        ("1000000-1999999", 1_000_000..2_000_000),
        ("3456788-", LARGE - 1..LARGE),
        ("-1000", LARGE - 1000..LARGE),
        ("0-", 0..LARGE),
    ] {
        let response = client.ask("GET", "/large", &format!("Range: bytes={range}"));
        assert_eq!((response.status, response.header("x-cache")), (206, "hit"), "{range}");
        let expected = format!("bytes {}-{}/{LARGE}", part.start, part.end - 1);
        assert_eq!(response.header("content-range"), expected);
        assert!(response.body == body[part], "{range}");
    }
    let beyond = client.ask("GET", "/large", &format!("Range: bytes={LARGE}-"));
    assert_eq!((beyond.status, beyond.text()), (416, ""));
    assert_eq!(beyond.header("content-range"), format!("bytes */{LARGE}"));
    let other = client.ask("GET", "/large", "Range: bytes=0-1\r\nIf-Range: \"v0\"");
    assert_is(&other, "hit", &body);
    let same = client.ask("GET", "/large", "Range: bytes=0-1\r\nIf-Range: \"v1\"");
    assert_eq!((same.status, &*same.body), (206, &body[..2]));
    assert!(app.has_received_nothing());
}

#[test]
fn who_has_one_already_and_who_only_wants_the_head_are_answered_too() {
    let folder = Folder::new();
    let body = noise(LARGE);
    let (app, proxy) = kept(&folder, &body);
    let mut client = proxy.connect();
    for fields in ["If-None-Match: \"v1\"", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"] {
        let same = client.ask("GET", "/large", fields);
        assert_eq!((same.status, same.header("x-cache")), (304, "hit"), "{fields}");
    }
    let head = client.ask("HEAD", "/large", "");
    assert_eq!((head.status, head.header("x-cache")), (200, "hit"));
    assert_eq!(head.header("content-length"), LARGE.to_string());
    assert!(app.has_received_nothing());
}

#[test]
fn http2_gets_them_too() {
    let folder = Folder::new();
    let body = noise(LARGE);
    let app = holding(body.clone());
    let proxy = on(&folder).with("H2C_ENABLED", 1).run(&app);
    let control = proxy.control();
    let client = proxy.connect_http2();
    assert_is(&client.get("/large"), "miss", &body);
    wait_for(&control, 1);
    assert_is(&client.get("/large"), "hit", &body);
    let part = Http2::request("GET", "/large").header("range", "bytes=3000000-");
    assert!(client.open(part, true).response().body == body[3_000_000..]);
}

#[test]
fn a_body_without_a_length_is_kept_as_well() {
    let folder = Folder::new();
    let body = noise(LARGE);
    let answer = body.clone();
    let app = upstream(move |exchange| {
        exchange.send(format!("HTTP/1.1 200 OK\r\n{FIELDS}Transfer-Encoding: chunked\r\n\r\n"));
        for piece in answer.chunks(99_999) {
            exchange.send(format!("{:x}\r\n", piece.len()));
            exchange.send(piece);
            exchange.send("\r\n");
        }
        exchange.send("0\r\n\r\n");
    });
    let (proxy, control) = started(&folder, &app, 0);
    let mut client = proxy.connect();
    assert_is(&client.get("/large"), "miss", &body);
    wait_for(&control, 1);
    let hit = client.get("/large");
    assert_is(&hit, "hit", &body);
    assert_eq!(hit.header("content-length"), LARGE.to_string(), "now it is known");
    let part = client.ask("GET", "/large", "Range: bytes=-5");
    assert_eq!((part.status, &*part.body), (206, &body[LARGE - 5..]));
}

/// Asserts that the answers of a child with a body of this length are not kept.
fn assert_not_kept(app: &thruster_test::Upstream, proxy: &thruster_test::Thrust, body: &[u8]) {
    let mut client = proxy.connect();
    for _ in 0..2 {
        assert_is(&client.get("/large"), "miss", body);
        app.received();
    }
}

#[test]
fn what_is_too_large_for_the_disk_is_not_kept() {
    let folder = Folder::new();
    let body = noise(5 * SMALL);
    for (framing, is_told) in
        [(format!("Content-Length: {}", body.len()), true), ("Connection: close".into(), false)]
    {
        let answer = body.clone();
        let app = upstream(move |exchange| {
            exchange.send(format!("HTTP/1.1 200 OK\r\n{FIELDS}{framing}\r\n\r\n"));
            exchange.send(&answer);
            exchange.close();
        });
        let proxy = on(&folder).with("DISK_CACHE_ITEM_SIZE", 4 * SMALL).run(&app);
        let control = proxy.control();
        assert_not_kept(&app, &proxy, &body);
        if is_told {
            let refused = &control.report()["not_cached"][0];
            assert_eq!(refused["reason"], "too-large", "{refused}");
        }
        until("nothing is left of it", || being_written(&folder) == 0);
        wait_for(&control, 0);
        assert!(files(&folder).is_empty());
    }
}

#[test]
fn without_a_disk_tier_they_are_not_kept() {
    let folder = Folder::new();
    let body = noise(2 * SMALL);
    let app = holding(body.clone());
    let storage = folder.path().display();
    let proxy = thrust().with("STORAGE_PATH", storage).with("MAX_CACHE_ITEM_SIZE", SMALL).run(&app);
    assert_not_kept(&app, &proxy, &body);
    assert!(proxy.connect().get("/large").header("cache-status").contains("detail=too-large"));
    assert!(!folder.at("cache").exists(), "what is off makes no folder");
}

#[test]
fn what_memory_has_no_room_for_goes_to_the_disk() {
    let folder = Folder::new();
    let app = upstream(|exchange| {
        let body = exchange.target().repeat(2000);
        exchange.answer(200, "Cache-Control: max-age=600", &body);
    });
    let proxy = on(&folder).with("CACHE_SIZE", 150_000).run(&app);
    let control = proxy.control();
    let mut client = proxy.connect();
    let targets: Vec<_> = (10..60).map(|number| format!("/{number}")).collect();
    for target in &targets {
        client.get(target);
        app.received();
    }
    // Between memory and disk an entry may be nowhere for a moment.
    let all_are_held = |report: &Value| {
        let held = report["entries"].as_array().into_iter().flatten();
        let held: Vec<_> = held.filter_map(|entry| entry["url"].as_str()).collect();
        targets.iter().all(|target| held.contains(&&*format!("http://test.example{target}")))
    };
    for target in &targets {
        let report = control.report_where(all_are_held);
        assert!(report["memory"]["bytes"].as_u64() <= Some(150_000), "{report}");
        assert_is(&client.get(target), "hit", target.repeat(2000).as_bytes());
    }
    assert!(app.has_received_nothing());
    assert!(control.purge(&json!({ "all": true })) >= targets.len() as u64);
    assert_eq!(client.get(&targets[0]).header("x-cache"), "miss");
}

#[test]
fn the_disk_alone_is_a_cache_too() {
    let folder = Folder::new();
    let app = holding("small");
    let proxy = on(&folder).with("CACHE_SIZE", 0).run(&app);
    let control = proxy.control();
    let mut client: Client = proxy.connect();
    assert_is(&client.get("/"), "miss", b"small");
    wait_for(&control, 1);
    assert_is(&client.get("/"), "hit", b"small");
}
