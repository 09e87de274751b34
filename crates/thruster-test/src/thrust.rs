//! `thrust()`: the executable under test, its log lines, its end.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Client, PATIENCE, Upstream};

/// The executable that `cargo build -p thrust` leaves beside the tests.
///
/// # Panics
/// It has not been built.
pub fn executable() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let folder = test.ancestors().nth(2).expect("target/PROFILE/deps/test");
    let executable = folder.join("thrust");
    assert!(executable.exists(), "no {}: run `cargo build -p thrust`", executable.display());
    executable
}

/// Begins the description of a thrust to start.
pub fn thrust() -> ThrustBuilder {
    ThrustBuilder { settings: Vec::new(), command: vec!["sleep".into(), "600".into()] }
}

pub struct ThrustBuilder {
    settings: Vec<(String, String)>,
    command: Vec<String>,
}

impl ThrustBuilder {
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.push((name.into(), value.to_string()));
        self
    }

    /// What thrust wraps; by default something that only waits.
    pub fn command(mut self, words: &[&str]) -> Self {
        self.command = words.iter().map(ToString::to_string).collect();
        self
    }

    /// Starts it in front of `upstream`, and waits until it listens.
    pub fn run(self, upstream: &Upstream) -> Thrust {
        self.with("TARGET_PORT", upstream.port()).start()
    }

    /// Starts it with nothing listening behind it.
    pub fn run_alone(self) -> Thrust {
        self.with("TARGET_PORT", free_port()).start()
    }

    fn start(self) -> Thrust {
        let mut command = Command::new(executable());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HTTP_PORT", "0").env("BIND", "127.0.0.1").envs(self.settings);
        command.args(self.command).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("thrust starts");
        let (sender, lines) = channel();
        let stdout = BufReader::new(process.stdout.take().expect("stdout is a pipe"));
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut thrust = Thrust { process, lines, address: ([0; 4], 0).into() };
        let started = thrust.log_where(|line| line["msg"] == "Server started");
        thrust.address = started["http"].as_str().expect("an address").parse().expect("an address");
        thrust
    }
}

/// A running thrust. Killed when dropped, and its command with it.
pub struct Thrust {
    process: Child,
    lines: Receiver<String>,
    address: SocketAddr,
}

impl Thrust {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new connection to it.
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The next request in the access log.
    pub fn logged_request(&self) -> Value {
        self.log_where(|line| line["msg"] == "Request")
    }

    /// The next log line that fits; those before it are passed over.
    pub fn log_where(&self, fits: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let line = match self
                .lines
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => panic!("no such log line within {PATIENCE:?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the log ended without such a line"),
            };
            let line: Value = serde_json::from_str(&line)
                .unwrap_or_else(|error| panic!("not a log line: {error}: {line}"));
            if fits(&line) {
                return line;
            }
        }
    }

    /// Whether the log stays silent about requests until a later event has been logged; to be
    /// asked after that event.
    pub fn unread_requests(&self) -> Vec<Value> {
        let lines = self.lines.try_iter().filter_map(|line| serde_json::from_str(&line).ok());
        lines.filter(|line: &Value| line["msg"] == "Request").collect()
    }

    /// Sends a signal, by name without SIG.
    pub fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args([format!("-{name}"), self.pid().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait().expect("a child to wait for") {
                return status;
            }
            assert!(Instant::now() < until, "thrust has not ended within {PATIENCE:?}");
            // There is no waiting for a process with a deadline in std.
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Resident memory, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))
            .expect("/proc tells of running processes");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        let kib = line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok());
        kib.expect("a number of KiB") * 1024
    }

    /// Open descriptors.
    pub fn descriptors(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.pid()));
        open.expect("/proc tells of running processes").count()
    }
}

impl Drop for Thrust {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        let status = self.process.wait();
        // A panic of thrust's own would be SIGABRT, and no test may pass over that.
        if let Ok(status) = status
            && !std::thread::panicking()
        {
            assert_ne!(status.signal(), Some(6), "thrust has aborted");
        }
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}
