//! What outlives the process.

use serde_json::json;
use thruster_test::{Folder, upstream, values};

use super::{
    SMALL, assert_is, being_written, end, files, holding, kill, on, started, until, wait_for,
};
use crate::bodies::noise;

#[test]
fn what_was_in_memory_outlives_a_deploy() {
    let folder = Folder::new();
    let app = upstream(|exchange| {
        let fields = "Cache-Control: max-age=600\r\nContent-Type: text/html\r\nETag: \"v1\"\r\n\
                      Link: </a>\r\nLink: </b>\r\nX-Own: of the child\r\nVary: Accept-Language";
        let body = format!("{} in {}", exchange.target(), exchange.header("accept-language"));
        exchange.answer(200, fields, &body);
    });
    let (proxy, _control) = started(&folder, &app, 0);
    let mut client = proxy.connect();
    let asked = [("/a", "de"), ("/a", "en"), ("/b?c", "de")];
    let ask = |client: &mut thruster_test::Client, (target, language): (&str, &str)| {
        client.ask("GET", target, &format!("Accept-Language: {language}"))
    };
    let before: Vec<_> = asked.iter().map(|&what| ask(&mut client, what)).collect();
    end(proxy);
    assert_eq!(files(&folder).len(), 3);
    let other = holding("of another time");
    let (proxy, control) = started(&folder, &other, 3);
    let mut client = proxy.connect();
    for (what, before) in asked.into_iter().zip(&before) {
        for _ in 0..2 {
            let after = ask(&mut client, what);
            assert_is(&after, "hit", &before.body);
            for name in ["content-type", "etag", "date", "x-own", "vary", "cache-control"] {
                assert_eq!(after.header(name), before.header(name), "{name}");
            }
            assert_eq!(after.all("link"), ["</a>", "</b>"]);
            assert!(after.header("age").parse::<u64>().is_ok(), "{after:?}");
        }
    }
    assert!(other.has_received_nothing());
    assert_is(&ask(&mut client, ("/a", "fr")), "miss", b"of another time");
    let listed = control.report();
    let urls: Vec<_> =
        listed["entries"].as_array().into_iter().flatten().map(|e| &e["url"]).collect();
    assert!(urls.contains(&&json!("http://test.example/b?c")), "{listed}");
}

#[test]
fn what_was_written_outlives_a_kill() {
    let folder = Folder::new();
    let body = noise(5 * SMALL);
    let app = holding(body.clone());
    let (proxy, control) = started(&folder, &app, 0);
    assert_is(&proxy.connect().get("/large"), "miss", &body);
    wait_for(&control, 1);
    kill(proxy);
    let other = holding("of another time");
    let (proxy, _control) = started(&folder, &other, 1);
    assert_is(&proxy.connect().get("/large"), "hit", &body);
    assert!(other.has_received_nothing());
}

#[test]
fn what_was_being_written_when_it_was_killed_is_gone() {
    let folder = Folder::new();
    let body = noise(10 * SMALL);
    let half = body[..5 * SMALL].to_vec();
    let app = upstream(move |exchange| {
        let fields = "Cache-Control: max-age=600\r\nContent-Length: 200000\r\n\r\n";
        exchange.send(format!("HTTP/1.1 200 OK\r\n{fields}"));
        exchange.send(&half);
        assert!(exchange.is_hung_up_on());
        exchange.close();
    });
    let (proxy, _control) = started(&folder, &app, 0);
    let mut client = proxy.connect();
    client.send("GET /large HTTP/1.1\r\nHost: test.example\r\n\r\n");
    assert_eq!(client.head().status, 200);
    client.bytes(5 * SMALL);
    until("half of it is on the disk", || being_written(&folder) > SMALL as u64);
    kill(proxy);
    assert_ne!(being_written(&folder), 0);
    let app = holding(body.clone());
    let (proxy, control) = started(&folder, &app, 0);
    until("the half is removed", || being_written(&folder) == 0);
    assert_is(&proxy.connect().get("/large"), "miss", &body);
    wait_for(&control, 1);
    assert_is(&proxy.connect().get("/large"), "hit", &body);
}

#[test]
fn what_was_purged_stays_purged() {
    let folder = Folder::new();
    let app = holding(noise(2 * SMALL));
    let (proxy, control) = started(&folder, &app, 0);
    let mut client = proxy.connect();
    for target in ["/a", "/b", "/c"] {
        client.get(target);
    }
    wait_for(&control, 3);
    assert_eq!(control.purge(&json!({ "url": "/a" })), 1);
    assert_eq!(control.purge(&json!({ "url": "/b", "soft": true })), 1);
    assert_eq!(client.get("/a").header("x-cache"), "miss");
    wait_for(&control, 3);
    assert_eq!(control.purge(&json!({ "url": "/a" })), 1);
    assert_eq!(files(&folder).len(), 2, "when the answer comes, it is gone");
    kill(proxy);
    let app = upstream(|exchange| match exchange.header("if-none-match") {
        "" => exchange.answer(200, "Cache-Control: max-age=600", "new"),
        _ => exchange.answer(304, "Cache-Control: max-age=600\r\nETag: \"v1\"", ""),
    });
    let (proxy, control) = started(&folder, &app, 2);
    let mut client = proxy.connect();
    assert_is(&client.get("/a"), "miss", b"new");
    app.received();
    let stale = client.get("/b");
    assert!(stale.header("cache-status").contains("fwd=stale"), "{:?}", stale.headers);
    assert_eq!(values(&app.received(), "if-none-match"), ["\"v1\""]);
    assert!(stale.body == noise(2 * SMALL));
    control.report_where(|report| {
        let all = report["entries"].as_array();
        all.is_some_and(|all| all.len() == 3 && all.iter().all(|entry| entry["fresh"] == true))
    });
    assert_is(&client.get("/b"), "hit", &noise(2 * SMALL));
    assert_is(&client.get("/c"), "hit", &noise(2 * SMALL));
    assert!(app.has_received_nothing());
    assert_eq!(control.purge(&json!({ "prefix": "http://test.example/" })), 3);
}

#[test]
fn tags_outlive_it_too() {
    let folder = Folder::new();
    let app = upstream(|exchange| {
        let tags = exchange.target().trim_start_matches('/').to_owned();
        let fields = format!("Cache-Control: max-age=600\r\nCache-Tag: {tags}");
        exchange.answer(200, &fields, &"x".repeat(SMALL / 2));
    });
    let (proxy, _control) = started(&folder, &app, 0);
    let mut client = proxy.connect();
    for target in ["/one,all", "/two,all", "/three"] {
        client.get(target);
    }
    end(proxy);
    let (proxy, control) = started(&folder, &app, 3);
    assert_eq!(control.purge(&json!({ "tag": "all" })), 2);
    let mut client = proxy.connect();
    for (target, cache) in [("/one,all", "miss"), ("/two,all", "miss"), ("/three", "hit")] {
        assert_eq!(client.get(target).header("x-cache"), cache, "{target}");
    }
}

#[test]
fn a_post_invalidates_what_an_earlier_process_kept() {
    let folder = Folder::new();
    let app = holding(noise(2 * SMALL));
    let (proxy, _control) = started(&folder, &app, 0);
    for target in ["/a", "/b"] {
        proxy.connect().get(target);
    }
    end(proxy);
    let (proxy, _control) = started(&folder, &app, 2);
    let mut client = proxy.connect();
    client.post("/a", b"");
    assert_eq!(client.get("/a").header("x-cache"), "miss");
    assert_eq!(client.get("/b").header("x-cache"), "hit");
}

#[test]
fn a_pointer_to_a_file_outlives_it_and_the_file_is_looked_at() {
    let (folder, public) = (Folder::new(), Folder::new());
    let (page, swept) = (public.file("page", "of the file"), public.file("swept", "gone soon"));
    let name = public.path().display().to_string();
    let app = upstream(move |exchange| {
        let target = exchange.target();
        let fields = format!("Cache-Control: max-age=600\r\nX-Sendfile: {name}{target}");
        exchange.answer(200, &fields, "");
    });
    let (proxy, _control) = started(&folder, &app, 0);
    let mut client = proxy.connect();
    assert_eq!(client.get("/page").text(), "of the file");
    assert_eq!(client.get("/swept").text(), "gone soon");
    end(proxy);
    std::fs::remove_file(swept).expect("the file");
    let other = holding("of another time");
    let (proxy, _control) = started(&folder, &other, 2);
    let mut client = proxy.connect();
    assert_is(&client.get("/page"), "hit", b"of the file");
    assert!(other.has_received_nothing());
    assert_is(&client.get("/swept"), "miss", b"of another time");
    std::fs::write(&page, "changed").expect("the file");
    assert_is(&client.get("/page"), "miss", b"of another time");
}

#[test]
fn a_deploy_that_drains_saves_what_came_last() {
    let folder = Folder::new();
    let app = holding("hello");
    let mut proxy = on(&folder).with("DRAIN_TIMEOUT", 5).run(&app);
    proxy.control();
    let mut client = proxy.connect();
    client.get("/first");
    proxy.signal("TERM");
    proxy.log_where(|line| line["msg"] == "Stopping");
    assert_is(&client.get("/last"), "miss", b"hello");
    proxy.wait();
    let (_proxy, _control) = started(&folder, &app, 2);
}

#[test]
fn the_folder_is_for_nobody_else() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let app = holding(noise(2 * SMALL));
    let (proxy, control) = started(&folder, &app, 0);
    proxy.connect().get("/");
    wait_for(&control, 1);
    let mode = |path: &std::path::Path| {
        std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    };
    assert_eq!(mode(&folder.at("cache")), 0o700);
    for file in files(&folder) {
        assert_eq!(mode(&file) & 0o077, 0, "{}", file.display());
    }
}
