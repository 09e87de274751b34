//! The disk tier: what outlives the process, what is too large for memory, and that nothing in its
//! folder makes a wrong answer.

mod damage;
mod large;
mod neighbours;
mod restart;
mod streams;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thruster_test::{
    Control, Folder, PATIENCE, Response, Thrust, ThrustBuilder, Upstream, thrust, upstream,
};

/// Bodies above this go to the disk.
const SMALL: usize = 20_000;

/// Much for these tests.
const ROOM: u64 = 100_000_000;

/// One with a disk tier in this folder, which is kept from run to run.
fn on(folder: &Folder) -> ThrustBuilder {
    thrust()
        .with_control()
        .with("STORAGE_PATH", folder.path().display())
        .with("DISK_CACHE_SIZE", ROOM)
        .with("MAX_CACHE_ITEM_SIZE", SMALL)
}

/// Started, and ready to find `entries` on the disk.
fn started(folder: &Folder, app: &Upstream, entries: usize) -> (Thrust, Control) {
    let proxy = on(folder).run(app);
    let control = proxy.control();
    wait_for(&control, entries);
    (proxy, control)
}

/// Waits until so many are on the disk.
fn wait_for(control: &Control, entries: usize) {
    control.report_where(|report| report["disk"]["entries"] == entries);
}

/// Ends it as a deploy does.
fn end(mut proxy: Thrust) {
    proxy.signal("TERM");
    proxy.wait();
}

/// Ends it as nobody should.
fn kill(mut proxy: Thrust) {
    proxy.signal("KILL");
    proxy.wait();
}

/// A server that answers every request with this body, for long.
fn holding(body: impl Into<Vec<u8>>) -> Upstream {
    let body = body.into();
    upstream(move |exchange| {
        let length = body.len();
        exchange.send(format!("HTTP/1.1 200 OK\r\n{FIELDS}Content-Length: {length}\r\n\r\n"));
        if !exchange.head.starts_with("HEAD") {
            exchange.send(&body);
        }
    })
}

const FIELDS: &str = "Cache-Control: max-age=600\r\nContent-Type: video/mp4\r\nETag: \"v1\"\r\n\
                      Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

fn assert_is(response: &Response, cache: &str, body: &[u8]) {
    assert_eq!(
        (response.status, response.header("x-cache")),
        (200, cache),
        "{:?}",
        response.headers
    );
    assert!(response.body == body, "another body, of {} bytes", response.body.len());
}

/// The files under a folder of the cache whose names look like entries.
fn files(folder: &Folder) -> Vec<PathBuf> {
    let below = |path: &Path| -> Vec<PathBuf> {
        let found = std::fs::read_dir(path).into_iter().flatten().flatten();
        found.map(|file| file.path()).collect()
    };
    let shelves = below(&folder.at("cache"));
    let shelves = shelves.iter().filter(|shelf| name_of(shelf).len() == 2);
    shelves.flat_map(|shelf| below(shelf)).filter(|file| name_of(file).len() == 32).collect()
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// What is being written just now, in bytes.
fn being_written(folder: &Folder) -> u64 {
    let files = std::fs::read_dir(folder.at("cache/tmp")).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}

/// Waits until it is so: of what happens in a folder there is no news.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "still not so after {PATIENCE:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
