//! A client of the control socket, over which the cache is purged and looked into.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{PATIENCE, Thrust, ThrustBuilder};

/// Prints where the control socket is, as a line of the log, and then only waits.
const TELLS: [&str; 3] = [
    "sh",
    "-c",
    r#"echo "{\"msg\":\"control\",\"path\":\"$THRUSTER_CONTROL\"}"; exec tail -f /dev/null"#,
];

pub struct Control {
    path: PathBuf,
}

impl ThrustBuilder {
    /// With a command that tells where its control socket is: see [`Thrust::control`].
    pub fn with_control(self) -> Self {
        self.command(&TELLS)
    }
}

impl Thrust {
    /// The control socket, as the command was told of it. To be asked first of all: what has been
    /// logged before is passed over.
    pub fn control(&self) -> Control {
        let line = self.log_where(|line| line["msg"] == "control");
        let path = line["path"].as_str().expect("a path");
        assert_ne!(path, "", "the command was told of no control socket");
        Control::at(Path::new(path))
    }
}

impl Control {
    pub fn at(path: &Path) -> Self {
        Control { path: path.into() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.path).expect("somebody listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// Sends bytes as they are, and returns status and body.
    pub fn send(&self, request: impl AsRef<[u8]>) -> (u16, Value) {
        let mut stream = self.connect();
        // One who has seen enough may answer before all is sent; then the answer tells.
        drop(stream.write_all(request.as_ref()));
        answer(stream)
    }

    pub fn get(&self, target: &str) -> (u16, Value) {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: control\r\n\r\n"))
    }

    pub fn post(&self, target: &str, body: &str) -> (u16, Value) {
        let length = body.len();
        let head = format!("POST {target} HTTP/1.1\r\nHost: c\r\nContent-Length: {length}\r\n");
        self.send(format!("{head}\r\n{body}"))
    }

    /// Purges, and returns how many responses were found.
    pub fn purge(&self, what: &Value) -> u64 {
        let (status, body) = self.post("/purge", &what.to_string());
        assert_eq!(status, 200, "{what}: {body}");
        body["purged"].as_u64().unwrap_or_else(|| panic!("no number: {body}"))
    }

    /// What is in the cache.
    pub fn report(&self) -> Value {
        let (status, body) = self.get("/cache");
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Waits until the report fits: what is done behind a response's back is told nowhere else.
    pub fn report_where(&self, fits: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let report = self.report();
            if fits(&report) {
                return report;
            }
            assert!(Instant::now() < until, "still not so after {PATIENCE:?}: {report}");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

/// Reads an answer to its end, which is that of the connection.
pub fn answer(mut stream: UnixStream) -> (u16, Value) {
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).expect("an answer in UTF-8");
    let parts = text.split_once("\r\n\r\n");
    let (head, body) = parts.unwrap_or_else(|| panic!("no answer: {text:?}, {end:?}"));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.unwrap_or_else(|| panic!("not a status line: {head:?}"));
    assert!(head.contains("\r\nConnection: close"), "it is the only one: {head}");
    (status, serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {body:?}")))
}
