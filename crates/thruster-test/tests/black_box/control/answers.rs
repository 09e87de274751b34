//! `GET /cache`: what is held, and what is not and why.

use serde_json::{Value, json};
use thruster_test::{thrust, upstream};

use super::{KEPT, fill, started, tagging};

#[test]
fn an_entry_is_told_of_with_all_that_is_known() {
    let app = upstream(|exchange| {
        let fields = "Cache-Control: max-age=60\r\nAge: 7\r\nCache-Tag: a, b\r\nSurrogate-Key: c";
        exchange.answer(404, fields, "hello world");
    });
    let (proxy, control) = started(&app);
    let mut client = proxy.connect();
    for _ in 0..3 {
        client.get("/posts/1?a=b");
    }
    let report = control.report();
    let entry = &report["entries"][0];
    for (name, value) in [
        ("url", json!("http://test.example/posts/1?a=b")),
        ("status", json!(404)),
        ("fresh", json!(true)),
        ("size", json!(11)),
        ("hits", json!(2)),
        ("codings", json!([])),
        ("tags", json!(["a", "b", "c"])),
        ("tier", json!("memory")),
    ] {
        assert_eq!(entry[name], value, "{name}: {entry}");
    }
    let (age, ttl) = (entry["age"].as_i64().expect("age"), entry["ttl"].as_i64().expect("ttl"));
    assert!((7..30).contains(&age) && age + ttl == 60, "{entry}");
    assert_eq!(report["entries"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["not_cached"], json!([]));
}

#[test]
fn what_the_tiers_hold_is_counted() {
    let app = tagging();
    let proxy = thrust().with_control().with("CACHE_SIZE", 5_000_000).run(&app);
    let control = proxy.control();
    let nothing = json!({ "entries": 0, "bytes": 0, "size": 0 });
    let report = control.report();
    assert_eq!(report["memory"], json!({ "entries": 0, "bytes": 0, "size": 5_000_000 }));
    assert_eq!(report["disk"], nothing);
    fill(&proxy, &["/a", "/b", "/c"]);
    let report = control.report();
    assert_eq!(report["memory"]["entries"], 3);
    let bytes = report["memory"]["bytes"].as_u64().expect("a number");
    assert!((100..100_000).contains(&bytes), "{report}");
    assert_eq!(report["disk"], nothing);
    control.purge(&json!({ "all": true }));
    assert_eq!(control.report()["memory"], json!({ "entries": 0, "bytes": 0, "size": 5_000_000 }));
}

#[test]
fn as_many_are_listed_as_wanted() {
    let app = tagging();
    let (proxy, control) = started(&app);
    let targets: Vec<_> = (0..105).map(|number| format!("/{number}")).collect();
    fill(&proxy, &targets.iter().map(String::as_str).collect::<Vec<_>>());
    for (query, expected) in [
        ("", 100),
        ("?limit=0", 0),
        ("?limit=1", 1),
        ("?limit=102", 102),
        ("?limit=10000", 105),
        ("?limit=99999999", 105),
    ] {
        let (status, report) = control.get(&format!("/cache{query}"));
        let listed = report["entries"].as_array().expect("a list");
        assert_eq!((status, listed.len()), (200, expected), "{query}");
        assert_eq!(report["memory"]["entries"], 105, "{query}: counted are all");
    }
    for query in ["?limit=", "?limit=a", "?limit=-1", "?limit=1.5"] {
        let (status, answer) = control.get(&format!("/cache{query}"));
        assert_eq!(status, 400, "{query}");
        assert!(answer["error"].is_string(), "{answer}");
    }
}

#[test]
fn what_was_not_kept_is_told_with_the_reason() {
    let app = upstream(|exchange| match exchange.target() {
        "/no-store" => exchange.answer(200, "Cache-Control: no-store", ""),
        "/private" => exchange.answer(200, "Cache-Control: private, max-age=60", ""),
        "/set-cookie" => exchange.answer(200, "Cache-Control: max-age=60\r\nSet-Cookie: a=1", ""),
        "/vary-star" => exchange.answer(200, "Cache-Control: max-age=60\r\nVary: *", ""),
        "/status" => exchange.answer(500, "Cache-Control: max-age=60", ""),
        _ => exchange.answer(200, "", ""),
    });
    let (proxy, control) = started(&app);
    let mut client = proxy.connect();
    let reasons = ["no-store", "private", "set-cookie", "vary-star", "status", "no-freshness"];
    for reason in reasons {
        client.get(&format!("/{reason}"));
    }
    client.post("/post", b"");
    let report = control.report();
    assert_eq!(report["entries"], json!([]));
    let refused = report["not_cached"].as_array().expect("a list");
    let told: Vec<_> = refused.iter().map(|answer| answer["reason"].clone()).rev().collect();
    assert_eq!(told, reasons, "the newest comes first, and a POST is none of them");
    for (answer, reason) in refused.iter().rev().zip(reasons) {
        assert_eq!(answer["url"], format!("http://test.example/{reason}"));
        assert_eq!(answer["status"], if reason == "status" { 500 } else { 200 });
        assert!(answer["age"].as_u64().is_some_and(|age| age < 20), "{answer}");
    }
}

#[test]
fn the_last_hundred_that_were_not_kept_are_told_of() {
    let app = upstream(|exchange| exchange.answer(200, "Cache-Control: no-store", ""));
    let (proxy, control) = started(&app);
    let mut client = proxy.connect();
    for number in 0..110 {
        client.get(&format!("/{number}"));
    }
    let report = control.report();
    let refused = report["not_cached"].as_array().expect("a list");
    assert_eq!(refused.len(), 100);
    assert_eq!(refused[0]["url"], "http://test.example/109");
    assert_eq!(refused[99]["url"], "http://test.example/10");
}

#[test]
fn codings_are_told_of_when_they_are_made() {
    let app = upstream(|exchange| {
        let fields = format!("{KEPT}\r\nContent-Type: text/html");
        exchange.answer(200, &fields, &"hello world ".repeat(1000));
    });
    let (proxy, control) = started(&app);
    let mut client = proxy.connect();
    client.get("/");
    assert_eq!(control.report()["entries"][0]["codings"], json!([]));
    let has = |report: &Value, coding: &str| {
        report["entries"][0]["codings"].as_array().is_some_and(|made| made.contains(&coding.into()))
    };
    for coding in ["gzip", "br"] {
        let accepted = format!("Accept-Encoding: {coding}");
        client.ask("GET", "/", &accepted);
        let report = control.report_where(|report| has(report, coding));
        assert_eq!(report["entries"][0]["size"], 12_000);
        assert_eq!(client.ask("GET", "/", &accepted).header("content-encoding"), coding);
    }
    assert!(has(&control.report(), "gzip") && has(&control.report(), "br"));
}

#[test]
fn with_the_cache_off_there_is_nothing_to_tell_and_nothing_to_purge() {
    let app = tagging();
    let proxy = thrust().with_control().with("CACHE_SIZE", 0).run(&app);
    let control = proxy.control();
    let mut client = proxy.connect();
    assert_eq!(client.get("/").header("x-cache"), "bypass");
    assert_eq!(control.report()["memory"], json!({ "entries": 0, "bytes": 0, "size": 0 }));
    assert_eq!(control.purge(&json!({ "all": true })), 0);
}
