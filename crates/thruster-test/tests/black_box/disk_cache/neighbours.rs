//! Two on one folder, as in a rolling deploy, and a folder that must not outgrow its size.

use std::os::unix::fs::MetadataExt;

use serde_json::json;
use thruster_test::{Control, Folder, upstream};

use super::{SMALL, assert_is, end, files, holding, kill, on, started, until, wait_for};
use crate::bodies::noise;

#[test]
fn the_second_on_a_folder_takes_over_when_the_first_ends() {
    for is_killed in [false, true] {
        let folder = Folder::new();
        let body = noise(5 * SMALL);
        let (app, other) = (holding(body.clone()), holding("of another time"));
        let (first, control) = started(&folder, &app, 0);
        assert_is(&first.connect().get("/large"), "miss", &body);
        wait_for(&control, 1);
        let (second, control) = started(&folder, &other, 0);
        let mut client = second.connect();
        for cache in ["miss", "hit"] {
            assert_is(&client.get("/small"), cache, b"of another time");
        }
        assert_is(&first.connect().get("/large"), "hit", &body);
        if is_killed {
            kill(first)
        } else {
            end(first)
        }
        wait_for(&control, 1);
        assert_is(&client.get("/large"), "hit", &body);
    }
}

#[test]
fn two_on_one_folder_answer_right() {
    let folder = Folder::new();
    let saying = |text: &'static str| {
        upstream(move |exchange| {
            let body = format!("{text} {}", exchange.target()).repeat(SMALL / 5);
            exchange.answer(200, "Cache-Control: max-age=600", &body);
        })
    };
    let (old, new) = (saying("old"), saying("new"));
    let (first, _) = started(&folder, &old, 0);
    let (second, _) = started(&folder, &new, 0);
    let (mut of_first, mut of_second) = (first.connect(), second.connect());
    for number in 0..20 {
        let target = format!("/{}", number % 7);
        let expected = |text: &str| format!("{text} {target}").repeat(SMALL / 5);
        assert_eq!(of_first.get(&target).text(), expected("old"));
        assert_eq!(of_second.get(&target).text(), expected("new"));
    }
}

#[test]
fn what_the_second_purges_is_not_found_when_it_takes_over() {
    let folder = Folder::new();
    let body = noise(5 * SMALL);
    let (app, other) = (holding(body.clone()), holding("new"));
    let (first, of_first) = started(&folder, &app, 0);
    for target in ["/a", "/b", "/c"] {
        first.connect().get(target);
    }
    wait_for(&of_first, 3);
    let (second, of_second) = started(&folder, &other, 0);
    of_second.purge(&json!({ "url": "/a" }));
    second.connect().post("/b", b"");
    kill(first);
    wait_for(&of_second, 1);
    let mut client = second.connect();
    assert_is(&client.get("/a"), "miss", b"new");
    assert_is(&client.get("/b"), "miss", b"new");
    assert_is(&client.get("/c"), "hit", &body);
}

fn bytes_on_disk(folder: &Folder) -> u64 {
    // Blocks are what a disk runs out of; a file system may round each file up to one of them.
    let sizes = files(folder).into_iter().filter_map(|file| file.metadata().ok());
    sizes.map(|file| file.size()).sum()
}

fn newest_is_listed(control: &Control, target: &str) -> bool {
    let url = json!(format!("http://test.example{target}"));
    let report = control.report();
    report["entries"].as_array().is_some_and(|entries| entries.iter().any(|e| e["url"] == url))
}

#[test]
fn the_folder_keeps_to_its_size() {
    const SIZE: u64 = 1_000_000;
    let folder = Folder::new();
    let body = noise(5 * SMALL);
    let app = holding(body.clone());
    let proxy = on(&folder).with("DISK_CACHE_SIZE", SIZE).run(&app);
    let control = proxy.control();
    let mut client = proxy.connect();
    for number in 0..40 {
        let target = format!("/{number}");
        assert_is(&client.get(&target), "miss", &body);
        until("it is written", || newest_is_listed(&control, &target));
        let report = control.report();
        assert!(report["disk"]["bytes"].as_u64() <= Some(SIZE), "{report}");
        // Used again and again, it is the last to go.
        assert_is(&client.get("/0"), "hit", &body);
    }
    until("what had to go has gone", || bytes_on_disk(&folder) <= SIZE);
    let report = control.report();
    let entries = report["disk"]["entries"].as_u64().expect("a number");
    assert!((5..10).contains(&entries), "{report}");
    assert_is(&client.get("/39"), "hit", &body);
    assert_is(&client.get("/1"), "miss", &body);
    end(proxy);
    // A smaller size at the next start is kept to as well.
    let proxy = on(&folder).with("DISK_CACHE_SIZE", SIZE / 2).run(&app);
    let control = proxy.control();
    let report = control.report_where(|report| {
        let disk = &report["disk"];
        disk["entries"].as_u64() > Some(0) && disk["bytes"].as_u64() <= Some(SIZE / 2)
    });
    assert_eq!(report["disk"]["size"], SIZE / 2);
    until("what had to go has gone", || bytes_on_disk(&folder) <= SIZE / 2);
    assert_is(&proxy.connect().get("/39"), "hit", &body);
}

#[test]
fn what_is_larger_than_the_whole_disk_tier_is_not_kept() {
    let folder = Folder::new();
    let body = noise(5 * SMALL);
    let app = holding(body.clone());
    let proxy = on(&folder).with("DISK_CACHE_SIZE", 4 * SMALL).run(&app);
    let mut client = proxy.connect();
    for _ in 0..3 {
        assert_is(&client.get("/"), "miss", &body);
    }
    assert_eq!(bytes_on_disk(&folder), 0);
}
