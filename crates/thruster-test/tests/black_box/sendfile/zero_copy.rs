//! Files that the kernel sends by itself, without a copy of ours.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use thruster_test::{Folder, Thrust, thrust};

use super::{naming, request};
use crate::bodies::noise;

/// Calls that find, open, read or send, of thrust's while `act` runs, as strace prints them, which
/// `bin/setup tests` installs.
pub fn calls(proxy: &Thrust, act: impl FnOnce()) -> String {
    traced(proxy, &["-e", "trace=%file,sendfile,preadv2,pread64,clone3"], act)
}

/// Runs `act` on a system that has no openat2(2).
pub fn without_openat2(proxy: &Thrust, act: impl FnOnce()) {
    let options = ["-e", "trace=openat2", "-e", "inject=openat2:error=ENOSYS"];
    let calls = traced(proxy, &options, act);
    // Who has been told so once does not ask again.
    assert_eq!(count(&calls, "openat2"), 1, "{calls}");
}

fn traced(proxy: &Thrust, options: &[&str], act: impl FnOnce()) -> String {
    let file = Folder::new();
    let out = file.at("calls");
    let mut strace = Command::new("strace")
        .args(["-f", "-p", &proxy.pid().to_string(), "-o"])
        .arg(&out)
        .args(options)
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace");
    let mut said = strace.stderr.take().expect("stderr is a pipe");
    let mut line = Vec::new();
    // It says so once it looks.
    while !String::from_utf8_lossy(&line).contains("attached") {
        let mut byte = [0];
        let read = said.read(&mut byte).expect("what strace says");
        assert_eq!(read, 1, "strace may not look: {}", String::from_utf8_lossy(&line));
        line.push(byte[0]);
    }
    act();
    let pid = strace.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    strace.wait().expect("an end of strace");
    std::fs::read_to_string(&out).expect("what it saw")
}

/// The threads that had to do with the files themselves: others may be at work on their own.
pub fn threads(calls: &str) -> usize {
    let is_of_file =
        |line: &&str| ["openat2(", "preadv2(", "pread64("].iter().any(|call| line.contains(call));
    let lines = calls.lines().filter(is_of_file);
    let numbers = lines.filter_map(|line| line.split_whitespace().next());
    numbers.collect::<HashSet<_>>().len()
}

pub fn count(calls: &str, name: &str) -> usize {
    calls.lines().filter(|line| line.contains(&format!("{name}("))).count()
}

/// Has the kernel forget what is in the file.
fn cool(path: &Path) {
    let cold = Command::new("dd")
        .args(["iflag=nocache", "oflag=nocache", "count=0", "conv=notrunc,fdatasync"])
        .arg(format!("if={}", path.display()))
        .arg(format!("of={}", path.display()))
        .stderr(Stdio::null())
        .status();
    assert!(cold.expect("dd runs").success());
}

#[test]
fn a_large_file_is_sent_without_being_read() {
    let folder = Folder::new();
    let body = noise(10_000_000);
    let app = naming(&folder.file("large", &body), "");
    let proxy = thrust().run(&app);
    let calls = calls(&proxy, || assert!(proxy.connect().get("/file").body == body));
    assert!(count(&calls, "sendfile") >= 10, "{calls}");
    assert_eq!(count(&calls, "pread64"), 0, "{calls}");
}

#[test]
fn a_small_file_at_hand_takes_no_thread() {
    let folder = Folder::new();
    let body = noise(10_000);
    let app = naming(&folder.file("small", &body), "");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let mut ask = || assert!(client.get("/file").body == body);
    // A thread has to look once what kind of disk it is on.
    ask();
    let calls = calls(&proxy, ask);
    // Its folder and itself.
    assert_eq!((count(&calls, "openat2"), count(&calls, "preadv2")), (2, 1), "{calls}");
    for elsewhere in ["openat", "readlink", "pread64", "sendfile", "clone3"] {
        assert_eq!(count(&calls, elsewhere), 0, "{calls}");
    }
    assert_eq!(threads(&calls), 1, "{calls}");
}

#[test]
fn a_small_file_on_the_disk_is_read_by_a_thread() {
    let folder = Folder::new();
    let body = noise(10_000);
    let path = folder.file("small", &body);
    let app = naming(&path, "");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for _ in 0..3 {
        cool(&path);
        assert!(client.get("/file").body == body);
    }
}

#[test]
fn a_file_may_be_longer_than_integers_of_32_bits() {
    let folder = Folder::new();
    let path = folder.file("large", "");
    let file = std::fs::File::options().write(true).open(&path).expect("the file");
    file.set_len(5_000_000_000).expect("a file with a hole");
    let app = naming(&path, "");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for _ in 0..2 {
        let part = request(&mut client, "GET", "Range: bytes=-3\r\n");
        assert_eq!((part.status, part.body.as_slice()), (206, &[0; 3][..]));
        assert_eq!(part.header("content-range"), "bytes 4999999997-4999999999/5000000000");
    }
}

#[test]
fn lengths_around_every_threshold_arrive_byte_for_byte() {
    let folder = Folder::new();
    for (number, length) in
        [16_383, 16_384, 16_385, 65_536, 65_537, 131_072, 131_073, 262_144, 1_048_576, 1_048_577]
            .into_iter()
            .enumerate()
    {
        let body = noise(length);
        let app = naming(&folder.file(&number.to_string(), &body), "");
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        for _ in 0..2 {
            assert!(client.get("/file").body == body, "{length}");
            assert_eq!(proxy.logged_request()["bytes_out"], length);
        }
        let part = request(&mut client, "GET", &format!("Range: bytes=1-{}\r\n", length - 2));
        assert_eq!(part.status, 206);
        assert!(part.body == body[1..length - 1], "{length}");
    }
}

#[test]
fn pipelined_requests_get_their_files_one_after_another() {
    let folder = Folder::new();
    let body = noise(3_000_000);
    let app = naming(&folder.file("large", &body), "");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let range = |fields: &str| format!("GET /file HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let part = range("Range: bytes=1000000-1999999\r\n");
    client.send([range(""), part, range("Range: bytes=-5\r\n"), range("")].concat());
    assert!(client.response("GET").body == body);
    assert!(client.response("GET").body == body[1_000_000..2_000_000]);
    assert!(client.response("GET").body == body[2_999_995..]);
    assert!(client.response("GET").body == body);
}

#[test]
fn a_client_of_http_1_0_gets_it_and_the_end() {
    let folder = Folder::new();
    let body = noise(500_000);
    let app = naming(&folder.file("large", &body), "");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET /file HTTP/1.0\r\n\r\n");
    assert_eq!(client.head().header("content-length"), "500000");
    assert!(client.rest() == body);
}

#[test]
fn what_is_not_in_memory_arrives_just_so() {
    let folder = Folder::new();
    let body = noise(5_000_000);
    let path = folder.file("cold", &body);
    let app = naming(&path, "");
    let proxy = thrust().run(&app);
    for skipped in [0, 1_234_567, 4_000_000] {
        cool(&path);
        let range = format!("Range: bytes={skipped}-\r\n");
        let part = request(&mut proxy.connect(), "GET", &range);
        assert!(part.body == body[skipped..], "from {skipped}");
    }
}

#[test]
fn a_client_that_stops_reading_a_file_is_given_up() {
    let folder = Folder::new();
    let path = folder.file("large", "");
    let file = std::fs::File::options().write(true).open(&path).expect("the file");
    file.set_len(200_000_000).expect("a file with a hole");
    let app = naming(&path, "");
    let proxy = thrust().with("HTTP_WRITE_TIMEOUT", 1).run(&app);
    let mut client = proxy.connect();
    client.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
    client.head();
    let line = proxy.logged_request();
    assert!(line["error"].as_str().is_some_and(|e| e.contains("HTTP_WRITE_TIMEOUT")), "{line}");
    assert!(client.is_reset());
}

#[test]
fn others_are_answered_while_a_file_is_sent() {
    let folder = Folder::new();
    let path = folder.file("large", "");
    let file = std::fs::File::options().write(true).open(&path).expect("the file");
    file.set_len(300_000_000).expect("a file with a hole");
    let app = naming(&path, "");
    let proxy = thrust().run(&app);
    let mut download = proxy.connect();
    download.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
    download.head();
    let reading = std::thread::spawn(move || {
        for _ in 0..30 {
            download.bytes(10_000_000);
        }
    });
    for _ in 0..20 {
        let part = request(&mut proxy.connect(), "GET", "Range: bytes=0-9\r\n");
        assert_eq!(part.body, [0; 10]);
    }
    reading.join().expect("the whole file");
}

#[test]
fn a_file_in_memory_that_shrinks_while_it_is_sent_is_broken_off() {
    let folder = Folder::new();
    let length = 40_000_000;
    let path = folder.file("large", vec![1; length]);
    let app = naming(&path, "");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().header("content-length"), length.to_string());
    client.bytes(1000);
    let file = std::fs::File::options().write(true).open(&path).expect("the file");
    file.set_len(100_000).expect("a shorter file");
    let rest = client.remains();
    assert!(rest.len() < length - 1000, "what is not there cannot have been sent");
    let line = proxy.logged_request();
    assert!(line["error"].as_str().is_some_and(|e| e.contains("broke off")), "{line}");
    assert_eq!(proxy.connect().get("/file").body, vec![1; 100_000]);
}
