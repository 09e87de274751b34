//! Files that are not what they were: a miss, and never a wrong answer.

use std::fs;
use std::path::Path;

use thruster_test::{Folder, Thrust, Upstream};

use super::{
    SMALL, assert_is, being_written, end, files, holding, kill, on, started, until, wait_for,
};
use crate::bodies::noise;

fn change(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("an entry");
    change(&mut bytes);
    fs::write(path, bytes).expect("an entry");
}

/// What becomes of a file's bytes.
type Damage = fn(&mut Vec<u8>);

/// Each way in which a file can be damaged.
fn damages() -> Vec<(&'static str, Damage)> {
    vec![
        ("emptied", |bytes| bytes.clear()),
        ("cut to a byte", |bytes| bytes.truncate(1)),
        ("cut in the head", |bytes| bytes.truncate(40)),
        ("cut in the middle", |bytes| bytes.truncate(bytes.len() / 2)),
        ("cut by a byte", |bytes| bytes.truncate(bytes.len() - 1)),
        ("longer by a byte", |bytes| bytes.push(0)),
        ("twice the same", |bytes| bytes.extend_from_within(..)),
        ("another first byte", |bytes| bytes[0] ^= 1),
        ("another byte in the head", |bytes| bytes[60] ^= 0x80),
        ("another byte in the body", |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }),
        ("another last byte", |bytes| *bytes.last_mut().expect("a byte") ^= 1),
        ("all zeros", |bytes| bytes.fill(0)),
        ("all ones", |bytes| bytes.fill(0xff)),
    ]
}

#[test]
fn a_damaged_file_is_a_miss() {
    for (name, damage) in damages() {
        for length in [SMALL / 2, 5 * SMALL] {
            let folder = Folder::new();
            let body = noise(length);
            let app = holding(body.clone());
            let (proxy, _control) = started(&folder, &app, 0);
            assert_is(&proxy.connect().get("/"), "miss", &body);
            end(proxy);
            let [file] = &files(&folder)[..] else { panic!("not one file") };
            change(file, damage);
            let other = holding("another");
            let proxy = on(&folder).run(&other);
            let control = proxy.control();
            // Damage of the body shows when it is read.
            if name.ends_with("the body") {
                wait_for(&control, 1);
            }
            assert_is_right(&proxy, &body, name);
            assert_is(&proxy.connect().get("/"), "hit", b"another");
        }
    }
}

/// Asserts that the first request gets nothing wrong, and the next the new body.
fn assert_is_right(proxy: &Thrust, damaged: &[u8], name: &str) {
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n");
    let head = client.head();
    assert_eq!(head.status, 200, "{name}");
    let is_broken_off = head.header("content-length") == damaged.len().to_string();
    if is_broken_off {
        // Too large to be read as a whole beforehand: what was read and right has gone out.
        assert!(name.ends_with("the body") && damaged.len() > SMALL, "{name}");
        let remains = client.remains();
        assert!(remains.len() < damaged.len() && damaged.starts_with(&remains), "{name}");
        assert_is(&proxy.connect().get("/"), "miss", b"another");
    } else {
        assert_eq!(client.bytes(7), b"another", "{name}");
    }
}

#[test]
fn files_that_have_changed_places_are_not_taken_for_each_other() {
    for length in [SMALL / 2, 5 * SMALL] {
        let folder = Folder::new();
        let app = thruster_test::upstream(move |exchange| {
            let body = exchange.target().repeat(length / 2);
            exchange.answer(200, "Cache-Control: max-age=600", &body);
        });
        let (proxy, _control) = started(&folder, &app, 0);
        for target in ["/a", "/b"] {
            proxy.connect().get(target);
        }
        end(proxy);
        let [a, b] = &files(&folder)[..] else { panic!("not two files") };
        fs::rename(a, folder.at("aside")).expect("a way out");
        fs::rename(b, a).expect("its place");
        fs::rename(folder.at("aside"), b).expect("the other's");
        let (proxy, _control) = started(&folder, &app, 0);
        for target in ["/a", "/b"] {
            assert_is(&proxy.connect().get(target), "miss", target.repeat(length / 2).as_bytes());
        }
    }
}

#[test]
fn a_file_that_vanishes_while_we_run_is_a_miss() {
    let folder = Folder::new();
    let body = noise(5 * SMALL);
    let app = holding(body.clone());
    let (proxy, control) = started(&folder, &app, 0);
    let mut client = proxy.connect();
    let damage: [&dyn Fn(&Path); 3] = [
        &|file| fs::remove_file(file).expect("an entry"),
        &|file| change(file, |bytes| bytes.truncate(100)),
        // Somebody makes room.
        &|file| fs::remove_dir_all(file.ancestors().nth(2).expect("cache")).expect("a folder"),
    ];
    assert_is(&client.get("/"), "miss", &body);
    for damage in damage {
        wait_for(&control, 1);
        assert_is(&client.get("/"), "hit", &body);
        let [file] = &files(&folder)[..] else { panic!("not one file") };
        damage(file);
        assert_is(&client.get("/"), "miss", &body);
    }
}

#[test]
fn strangers_in_the_folder_stay_and_are_not_served() {
    let folder = Folder::new();
    let body = noise(5 * SMALL);
    let app = holding(body.clone());
    let (proxy, _control) = started(&folder, &app, 0);
    proxy.connect().get("/");
    end(proxy);
    let [file] = &files(&folder)[..] else { panic!("not one file") };
    let shelf = file.parent().expect("a shelf");
    let strangers = [
        folder.at("cache/README"),
        folder.at("cache/tmp/mine.txt"),
        shelf.join("notes"),
        shelf.join(format!("{}.bak", super::name_of(file))),
    ];
    for stranger in &strangers {
        fs::copy(file, stranger).expect("a copy");
    }
    let (proxy, _control) = started(&folder, &app, 1);
    assert_is(&proxy.connect().get("/"), "hit", &body);
    kill(proxy);
    for stranger in &strangers {
        assert!(stranger.exists(), "{} was somebody's", stranger.display());
    }
}

/// Asserts that it serves all the same, and keeps in memory what fits there.
fn assert_goes_on(proxy: &Thrust, app: &Upstream, body: &[u8]) {
    let warning = proxy.log_where(|line| line["level"] == "WARN").to_string();
    assert!(warning.contains("cache"), "{warning}");
    let mut client = proxy.connect();
    assert_is(&client.get("/small"), "miss", body);
    app.received();
    assert_is(&client.get("/small"), "hit", body);
    assert!(app.has_received_nothing());
}

#[test]
fn a_folder_that_cannot_be_had_is_a_warning() {
    let folder = Folder::new();
    folder.file("cache", "a file in its place");
    let file = folder.file("file", "another");
    for storage in [folder.path(), &file, Path::new("/proc/nowhere"), Path::new("/dev/null")] {
        for length in [SMALL / 2, 5 * SMALL] {
            let body = noise(length);
            let app = holding(body.clone());
            let proxy = on(&folder).with("STORAGE_PATH", storage.display()).run(&app);
            if length < SMALL {
                assert_goes_on(&proxy, &app, &body);
            } else {
                let mut client = proxy.connect();
                for _ in 0..3 {
                    assert_is(&client.get("/large"), "miss", &body);
                }
                let warnings = proxy.log_where(|line| line["level"] == "WARN").to_string();
                assert!(warnings.contains("cache"), "{warnings}");
            }
            end(proxy);
        }
    }
    assert_eq!(fs::read(folder.at("cache")).expect("the file"), b"a file in its place");
}

#[test]
fn on_a_full_disk_every_answer_is_right() {
    let folder = Folder::new();
    let app = thruster_test::upstream(|exchange| {
        let target = exchange.target().to_owned();
        let length = if target.starts_with("/large") { 20 * SMALL } else { SMALL / 2 };
        exchange.answer(200, "Cache-Control: max-age=600", &target.repeat(length / target.len()));
    });
    let mut proxy = on(&folder).with_files_up_to(5 * SMALL as u64).run(&app);
    let control = proxy.control();
    let mut client = proxy.connect();
    for _ in 0..2 {
        for number in 0..5 {
            let target = format!("/large/{number}");
            let body = target.repeat(20 * SMALL / target.len());
            assert_is(&client.get(&target), "miss", body.as_bytes());
        }
    }
    for cache in ["miss", "hit"] {
        let body = "/small".repeat(SMALL / 2 / 6);
        assert_is(&client.get("/small"), cache, body.as_bytes());
    }
    until("nothing is left of what could not be written", || being_written(&folder) == 0);
    assert_eq!(control.report()["disk"]["entries"], 0);
    proxy.signal("TERM");
    proxy.wait();
    let lines = proxy.last_lines();
    let warnings = lines.iter().filter(|line| line.contains("\"WARN\"")).count();
    assert_eq!(warnings, 1, "{lines:?}");
    // What was small enough is there.
    let (proxy, _control) = started(&folder, &app, 1);
    assert_eq!(proxy.connect().get("/small").header("x-cache"), "hit");
}

#[test]
fn what_goes_wrong_on_the_disk_is_told_once() {
    let folder = Folder::new();
    folder.file("cache", "a file in its place");
    let body = noise(2 * SMALL);
    let app = holding(body.clone());
    let mut proxy = on(&folder).run(&app);
    let mut client = proxy.connect();
    for number in 0..20 {
        assert_is(&client.get(&format!("/{number}")), "miss", &body);
    }
    proxy.signal("TERM");
    proxy.wait();
    let lines = proxy.last_lines();
    let warnings = lines.iter().filter(|line| line.contains("\"WARN\"")).count();
    assert_eq!(warnings, 1, "{lines:?}");
}
