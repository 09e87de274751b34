//! How long a start takes with many entries on the disk, and what their index weighs:
//!
//!     cargo run --release -p thruster-cache --example disk_startup [ENTRIES]

use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use thruster_cache::disk::Disk;
use thruster_cache::{Body, Entry, Key, Life, Purge, Selection, Variant};

const PLENTY: u64 = 1 << 40;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let entries = arguments.next().map_or(100_000, |n| n.parse().expect("a number"));
    if let Some(folder) = arguments.next() {
        return write(folder.into(), entries);
    }
    let folder = std::env::temp_dir().join(format!("disk-startup-{}", std::process::id()));
    // By another process, so that its memory is not in the way of measuring ours.
    let writer = std::env::current_exe().expect("this program");
    let mut writer = Command::new(writer);
    writer.arg(entries.to_string()).arg(&folder);
    assert!(writer.status().expect("a process").success());

    let before = resident();
    let start = Instant::now();
    let disk = Disk::open(folder.clone(), PLENTY, PLENTY);
    println!("open returned after  {:?}", start.elapsed());
    // Loads what is not loaded yet.
    disk.purge(&nothing());
    println!("index loaded after   {:?}, {} entries", start.elapsed(), disk.stats().entries);
    println!("memory for the index {} KiB", resident().saturating_sub(before));

    let request = HeaderMap::new();
    let start = Instant::now();
    for n in 0..entries {
        black_box(disk.find(&key(n), &request).expect("every entry is found"));
    }
    println!("find                 {:?}", start.elapsed() / entries as u32);
    let some = entries.min(10_000);
    let start = Instant::now();
    for n in 0..some {
        let place = disk.find(&key(n), &request).expect("every entry is found");
        black_box(disk.load(place).expect("every entry is whole"));
    }
    println!("find and load        {:?}", start.elapsed() / some as u32);
    let start = Instant::now();
    disk.purge(&nothing());
    println!("purge by tag of none {:?}", start.elapsed());
    let start = Instant::now();
    let all = Purge { selection: Selection::All, is_soft: false };
    println!("purge of all {}  {:?}", disk.purge(&all), start.elapsed());
    disk.close(Duration::from_secs(60));
    std::fs::remove_dir_all(folder).expect("our own folder");
}

fn write(folder: PathBuf, entries: usize) {
    let disk = Disk::open(folder, PLENTY, PLENTY);
    let start = Instant::now();
    for n in 0..entries {
        disk.keep(entry(n).into());
        if n % 1000 == 999 {
            disk.purge(&nothing()); // Until it is written, or the queue would be full.
        }
    }
    println!("written              {:?} an entry", start.elapsed() / entries as u32);
    disk.close(Duration::from_secs(60));
}

fn key(n: usize) -> Key {
    Key::new(b"https://www.example.com", format!("/posts/{n}?page=1").as_bytes())
}

fn entry(n: usize) -> Entry {
    let fields: [(HeaderName, &str); 4] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::ETAG, "W/\"5d41402abc4b2a76b9719d911017c592\""),
        (header::VARY, "Accept-Encoding"),
    ];
    let field = |(name, value)| (name, HeaderValue::from_str(value).expect("a value"));
    let life = Life::new(SystemTime::now(), Duration::from_secs(3600));
    let headers = fields.into_iter().map(field).collect();
    let tags = vec![format!("post-{n}").into()];
    let body = Body::Whole(vec![b'x'; 2000].into());
    Entry::new(key(n), Variant::default(), life, StatusCode::OK, headers, tags, body)
}

fn nothing() -> Purge {
    Purge { selection: Selection::Tags(vec!["nothing has this tag".into()]), is_soft: false }
}

/// KiB of this process in memory; 0 where nobody tells.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
