//! Files that cannot be sent, or not to their end.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use thruster_test::{Client, Folder, Http2, thrust};

use super::naming;

/// More than all socket buffers on the way can hold.
const LARGE: u64 = 200_000_000;

/// A large file without a byte of its own on the disk.
fn large(folder: &Folder) -> (File, PathBuf) {
    let path = folder.file("large", "");
    let file = File::options().write(true).open(&path).expect("the file");
    file.set_len(LARGE).expect("a file with a hole");
    (file, path)
}

/// Begins to download, and leaves most of it where it is.
fn begin(client: &mut Client) {
    client.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.head();
    assert_eq!((head.status, head.header("content-length")), (200, &*LARGE.to_string()));
    client.bytes(1000);
}

#[test]
fn what_is_no_file_is_not_found() {
    let folder = Folder::new();
    let socket = folder.at("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    let under_a_file = folder.file("file", "").join("file");
    let long = PathBuf::from(format!("/{}", "long/".repeat(1000)));
    for path in [
        &folder.at("missing"),
        folder.path(),
        Path::new("/dev/zero"),
        Path::new("/dev/null"),
        &socket,
        &under_a_file,
        &long,
    ] {
        let app = naming(path, "Content-Type: text/plain\r\nX-Own: 1\r\n");
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        let response = client.get("/file");
        assert_eq!((response.status, response.text()), (404, ""), "{}", path.display());
        assert_eq!((response.header("x-sendfile"), response.header("content-length")), ("", "0"));
        let warning = proxy.log_where(|line| line["level"] == "WARN").to_string();
        assert!(warning.contains("Sendfile"), "{warning}");
        assert_eq!(proxy.logged_request()["status"], 404);
        assert_eq!(client.get("/file").status, 404, "the connection is as good as ever");
    }
}

#[test]
fn nobody_waits_for_a_pipe() {
    let folder = Folder::new();
    let pipe = folder.at("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let app = naming(&pipe, "");
    let mut proxy = thrust().run(&app);
    assert_eq!(proxy.connect().get("/file").status, 404);
    proxy.signal("TERM");
    proxy.wait();
}

#[test]
fn a_warning_names_the_file_that_is_missing() {
    let folder = Folder::new();
    let path = folder.at("missing");
    let app = naming(&path, "");
    let proxy = thrust().run(&app);
    proxy.connect().get("/file");
    let warning = proxy.log_where(|line| line["level"] == "WARN").to_string();
    assert!(warning.contains(path.to_str().expect("UTF-8")), "{warning}");
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_is_broken_off() {
    let folder = Folder::new();
    for field in ["", "Cache-Control: max-age=60\r\n"] {
        let (file, path) = large(&folder);
        let app = naming(&path, field);
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        begin(&mut client);
        file.set_len(100_000).expect("a shorter file");
        let rest = client.remains().len() as u64;
        assert!(rest < LARGE - 1000, "what is not there cannot have been sent");
        let line = proxy.logged_request();
        assert!(line["error"].is_string(), "{line}");
        assert!(line["bytes_out"].as_u64().is_some_and(|out| out < LARGE), "{line}");
        // The next one gets it as it is now.
        assert_eq!(proxy.connect().get("/file").body.len(), 100_000);
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_is_broken_off_on_its_stream_alone() {
    let folder = Folder::new();
    let (file, path) = large(&folder);
    let app = naming(&path, "");
    let proxy = thrust().with("H2C_ENABLED", 1).run(&app);
    let client = proxy.connect_http2();
    let mut stream = client.open(Http2::request("GET", "/file"), true);
    assert_eq!(stream.head().expect("a head").status, 200);
    file.set_len(100_000).expect("a shorter file");
    let end = loop {
        match stream.data() {
            Ok(Some(_)) => {}
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(end.is_some_and(|error| error.is_reset()), "taken for the whole file");
    assert_eq!(client.get("/file").body.len(), 100_000);
}

#[test]
fn a_file_that_grows_while_it_is_sent_is_sent_as_it_was() {
    let folder = Folder::new();
    let (file, path) = large(&folder);
    let app = naming(&path, "");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    begin(&mut client);
    file.set_len(LARGE + 5_000).expect("a longer file");
    client.bytes(LARGE as usize - 1000);
    let again = client.get("/file");
    assert_eq!((again.status, again.body.len() as u64), (200, LARGE + 5_000));
}

#[test]
fn a_file_that_is_replaced_while_it_is_sent_is_sent_as_it_was() {
    let folder = Folder::new();
    let (_file, path) = large(&folder);
    let app = naming(&path, "");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    begin(&mut client);
    std::fs::rename(folder.file("new", "new"), &path).expect("a file in its place");
    assert!(client.bytes(LARGE as usize - 1000).iter().all(|&byte| byte == 0));
    assert_eq!(client.get("/file").text(), "new");
}

#[test]
fn files_are_closed_whatever_became_of_them() {
    let folder = Folder::new();
    let (_file, path) = large(&folder);
    let app = naming(&path, "");
    let proxy = thrust().run(&app);
    // The first request makes what stays: the connection to the child.
    begin(&mut proxy.connect());
    proxy.logged_request();
    let before = proxy.descriptors();
    for _ in 0..20 {
        begin(&mut proxy.connect());
        let line = proxy.logged_request();
        assert_eq!((&line["status"], &line["error"]), (&499.into(), &"client went away".into()));
    }
    assert!(proxy.descriptors() <= before + 5, "{} after {before}", proxy.descriptors());
}
