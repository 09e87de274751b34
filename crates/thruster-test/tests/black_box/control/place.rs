//! Where the control socket is, who may use it, and that it does not stay.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::{Value, json};
use socket2::{Domain, SockAddr, Socket, Type};
use thruster_test::{Control, Folder, Upstream, thrust};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("something is there").permissions().mode() & 0o777
}

/// What is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let found = fs::read_dir(folder).expect("a folder").flatten();
    found.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn nobody_else_can_reach_it() {
    let app = Upstream::saying("hello");
    let folder = Folder::new();
    let proxy = thrust().with_control().with("TMPDIR", folder.path().display()).run(&app);
    let control = proxy.control();
    let place = control.path().parent().expect("a folder");
    assert_eq!(place.parent(), Some(folder.path()), "under the system's temporary folder");
    assert_eq!((mode(place), mode(control.path())), (0o700, 0o600));
    assert!(fs::metadata(control.path()).expect("a socket").file_type().is_socket());
    assert_eq!(control.purge(&json!({ "all": true })), 0);
}

#[test]
fn two_of_us_have_one_each() {
    let app = Upstream::saying("hello");
    let folder = Folder::new();
    let start = || thrust().with_control().with("TMPDIR", folder.path().display()).run(&app);
    let (first, second) = (start(), start());
    let (of_first, of_second) = (first.control(), second.control());
    assert_ne!(of_first.path(), of_second.path());
    for control in [&of_first, &of_second] {
        assert_eq!(control.get("/cache").0, 200, "the second has left the first its own");
    }
}

#[test]
fn the_command_is_told_of_ours_and_not_of_another() {
    // As in the environment of a thrust that another one started.
    let app = Upstream::saying("hello");
    let proxy = thrust().with_control().with("THRUSTER_CONTROL", "/elsewhere").run(&app);
    let control = proxy.control();
    assert_ne!(control.path(), Path::new("/elsewhere"));
    assert_eq!(control.get("/cache").0, 200);
}

#[test]
fn nothing_stays_of_it() {
    let app = Upstream::saying("hello");
    let folder = Folder::new();
    for signal in ["TERM", "INT"] {
        let builder = thrust().with_control().with("TMPDIR", folder.path().display());
        let mut proxy = builder.run(&app);
        let control = proxy.control();
        // Neither does one who is connected and says nothing keep it.
        let held = control.connect();
        proxy.signal(signal);
        proxy.wait();
        assert_eq!(names(folder.path()), [""; 0], "after {signal}");
        drop(held);
    }
    // The command may end of itself, too, and with it thrust.
    let builder = thrust().command(&["sh", "-c", "exit 3"]);
    let mut proxy = builder.with("TMPDIR", folder.path().display()).run(&app);
    assert_eq!(proxy.wait().code(), Some(3));
    assert_eq!(names(folder.path()), [""; 0]);
    let failure = thrust().command(&["/no/such/command"]).with("TMPDIR", folder.path().display());
    assert_eq!(failure.fail().code, Some(1));
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn what_a_killed_one_leaves_behind_goes_at_the_next_start() {
    let app = Upstream::saying("hello");
    let folder = Folder::new();
    let start = || thrust().with_control().with("TMPDIR", folder.path().display()).run(&app);
    let mut killed = start();
    let left = killed.control().path().to_owned();
    killed.signal("KILL");
    killed.wait();
    assert!(left.exists(), "who is killed cannot clean up");
    // Of those whose names begin like ours, only the dead are ours to remove.
    fs::create_dir(folder.at("thruster-of-somebody")).expect("a folder");
    fs::write(folder.at("thruster-of-somebody/file"), "theirs").expect("a file");
    let next = start();
    let control = next.control();
    assert!(!left.exists() && !left.parent().expect("a folder").exists());
    assert_eq!(control.get("/cache").0, 200);
    assert!(folder.at("thruster-of-somebody/file").exists());
}

#[test]
fn those_who_start_together_leave_each_other_alone() {
    // Whoever looks for what the dead have left meets those who are not quite there yet.
    let folder = Folder::new();
    let place = folder.path().display();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let is_there = ["sh", "-c", "test -S \"$THRUSTER_CONTROL\""];
                    let ended = thrust().command(&is_there).with("TMPDIR", &place).fail();
                    assert_eq!(ended.code, Some(0), "{ended:?}");
                }
            });
        }
    });
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_busy_neighbour_does_not_keep_us_from_starting() {
    // Somebody else's, in the folder that all share: it accepts nobody, and its queue is full.
    let folder = Folder::new();
    fs::create_dir(folder.at("thruster-0")).expect("a folder");
    let path = folder.at("thruster-0/control");
    let socket = || Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    let address = SockAddr::unix(&path).expect("a short path");
    let listener = socket();
    listener.bind(&address).expect("a free path");
    listener.listen(0).expect("a short queue");
    let mut waiting = Vec::new();
    loop {
        let next = socket();
        next.set_nonblocking(true).expect("a socket that does not wait");
        if next.connect(&address).is_err() {
            break;
        }
        waiting.push(next);
    }
    let app = Upstream::saying("hello");
    let proxy = thrust().with_control().with("TMPDIR", folder.path().display()).run(&app);
    assert_eq!(proxy.control().get("/cache").0, 200);
    assert!(path.exists());
}

#[test]
fn the_path_can_be_chosen() {
    let app = Upstream::saying("hello");
    let folder = Folder::new();
    let path = folder.at("chosen");
    for _ in 0..2 {
        let mut proxy = thrust().with_control().with("CONTROL_SOCKET", path.display()).run(&app);
        let control = proxy.control();
        assert_eq!((control.path(), mode(&path)), (path.as_path(), 0o600));
        assert_eq!(control.get("/cache").0, 200);
        proxy.signal("TERM");
        proxy.wait();
        assert!(!path.exists());
    }
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_dead_socket_at_the_chosen_path_is_replaced() {
    let app = Upstream::saying("hello");
    let folder = Folder::new();
    let path = folder.at("chosen");
    let mut killed = thrust().with_control().with("CONTROL_SOCKET", path.display()).run(&app);
    killed.control();
    killed.signal("KILL");
    killed.wait();
    assert!(UnixStream::connect(&path).is_err() && path.exists());
    let proxy = thrust().with_control().with("CONTROL_SOCKET", path.display()).run(&app);
    assert_eq!(proxy.control().get("/cache").0, 200);
}

#[test]
fn what_is_somebody_elses_at_the_chosen_path_stays() {
    let folder = Folder::new();
    let file = folder.file("file", "mine");
    let missing = folder.at("missing/control");
    let long = folder.at(&"long".repeat(40));
    for path in [&file, &missing, &long, &folder.path().to_owned()] {
        let builder = thrust().command(&["echo", "the command has run"]);
        let failure = builder.with("CONTROL_SOCKET", path.display()).fail();
        assert_eq!(failure.code, Some(1), "{failure:?}");
        assert!(failure.stderr.starts_with("ERROR: "), "{failure:?}");
        assert!(failure.stderr.contains("control socket"), "{failure:?}");
        assert!(!failure.stdout.contains("the command has run"), "{failure:?}");
    }
    assert_eq!(fs::read(&file).expect("the file"), b"mine");
}

#[test]
fn a_successor_takes_the_chosen_path_over() {
    let app = Upstream::saying("hello");
    let folder = Folder::new();
    let path = folder.at("chosen");
    let start = || thrust().with_control().with("CONTROL_SOCKET", path.display()).run(&app);
    let mut old = start();
    let new = start();
    old.signal("TERM");
    old.wait();
    assert_eq!(new.control().get("/cache").0, 200);
}

#[test]
fn one_that_was_not_asked_for_may_be_missing() {
    // A container may have no folder that can be written to; the application runs all the same.
    let app = Upstream::saying("hello");
    let proxy = thrust().with_control().with("TMPDIR", "/proc").run(&app);
    // In whatever order: the log has a thread of its own.
    let is_one = |line: &Value| line["level"] == "WARN" || line["msg"] == "control";
    let mut lines = [proxy.log_where(is_one), proxy.log_where(is_one)];
    lines.sort_by_key(|line| line["msg"] != "control");
    assert_eq!(lines[0]["path"], "", "there is none");
    assert!(lines[1].to_string().contains("control socket"), "{}", lines[1]);
    assert_eq!(proxy.connect().get("/").text(), "hello");
}

#[test]
fn it_is_there_before_the_command_and_while_we_drain() {
    // The command purges as the first thing it does, and as the last.
    let app = Upstream::saying("hello");
    let folder = Folder::new();
    let path = folder.at("chosen");
    let mut proxy = thrust()
        .command(&[
            "sh",
            "-c",
            r#"test -S "$THRUSTER_CONTROL" && echo '{"msg":"there"}'
               trap 'test -S "$THRUSTER_CONTROL" && echo "{\"msg\":\"still there\"}"; exit 0' TERM
               while :; do sleep 0.05; done"#,
        ])
        .with("CONTROL_SOCKET", path.display())
        .run(&app);
    proxy.log_where(|line| line["msg"] == "there");
    assert_eq!(Control::at(&path).get("/cache").0, 200);
    proxy.signal("TERM");
    proxy.log_where(|line| line["msg"] == "still there");
    assert_eq!(proxy.wait().code(), Some(0));
    assert!(!path.exists());
}
