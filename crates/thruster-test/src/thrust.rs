//! `thrust()`: the executable under test, its log lines, its end.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::authority::{Pair, Trust};
use crate::port::DeadPort;
use crate::{Client, Http2, PATIENCE, Upstream};

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
    ThrustBuilder {
        settings: Vec::new(),
        command: ["tail", "-f", "/dev/null"].map(String::from).into(),
        folder: None,
        around: Vec::new(),
        stdout: Stdout::Read,
        descriptors: None,
        file_size: None,
    }
}

pub struct ThrustBuilder {
    settings: Vec<(String, String)>,
    command: Vec<String>,
    folder: Option<PathBuf>,
    around: Vec<String>,
    stdout: Stdout,
    descriptors: Option<u32>,
    file_size: Option<u64>,
}

/// What becomes of thrust's stdout once it has started.
enum Stdout {
    Read,
    Unread,
    Closed,
}

/// What was left of a thrust that did not start.
#[derive(Debug)]
pub struct Failure {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl ThrustBuilder {
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.push((name.into(), value.to_string()));
        self
    }

    /// With certificates of its own.
    pub fn with_certificates(self, pairs: &[&Pair]) -> Self {
        let list = |file: fn(&Pair) -> &PathBuf| {
            let files = pairs.iter().map(|pair| file(pair).to_str().expect("a path in UTF-8"));
            files.collect::<Vec<_>>().join(",")
        };
        let (chains, keys) = (list(|pair| &pair.chain), list(|pair| &pair.key));
        self.with("TLS_CERTIFICATE", chains).with("TLS_KEY", keys)
    }

    /// What thrust wraps; by default something that only waits.
    pub fn command(mut self, words: &[&str]) -> Self {
        self.command = words.iter().map(ToString::to_string).collect();
        self
    }

    /// Where it is started; by default where the tests are.
    pub fn in_folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// By another program, which gets ours and its arguments as the last of its own.
    pub fn under(mut self, words: &[String]) -> Self {
        self.around = words.to_vec();
        self
    }

    /// Starts it in front of `upstream`, and waits until it listens.
    pub fn run(self, upstream: &Upstream) -> Thrust {
        self.run_to(upstream.port())
    }

    /// Starts it in front of whatever has this port.
    pub fn run_to(self, port: u16) -> Thrust {
        self.with("TARGET_PORT", port).start()
    }

    /// Starts it with nothing listening behind it, and no hope that somebody will.
    pub fn run_alone(self) -> Thrust {
        let nobody = DeadPort::new();
        let mut thrust = self.with("BOOT_TIMEOUT", 0).run_to(nobody.number);
        thrust._behind = Some(nobody);
        thrust
    }

    /// Once it has started, nobody reads its stdout.
    pub fn with_stdout_unread(mut self) -> Self {
        self.stdout = Stdout::Unread;
        self
    }

    /// Once it has started, its stdout is closed at the other end.
    pub fn with_stdout_closed(mut self) -> Self {
        self.stdout = Stdout::Closed;
        self
    }

    /// It cannot have more than so many descriptors, however it tries.
    pub fn with_descriptors(mut self, limit: u32) -> Self {
        self.descriptors = Some(limit);
        self
    }

    /// No file of its own can grow beyond so many bytes: writing fails as on a full disk.
    pub fn with_files_up_to(mut self, limit: u64) -> Self {
        self.file_size = Some(limit);
        self
    }

    /// Starts it where it cannot start, and waits for its end.
    pub fn fail(self) -> Failure {
        let output = self.to_command().output().expect("thrust starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Failure { code: output.status.code(), stdout, stderr }
    }

    fn to_command(&self) -> Command {
        let descriptors = self.descriptors.map(|limit| format!("ulimit -n {limit} && "));
        // In blocks of 512 bytes; who is not told by a signal is told by the write.
        let file_size =
            self.file_size.map(|limit| format!("trap '' XFSZ && ulimit -f {} && ", limit / 512));
        let limits: String = descriptors.into_iter().chain(file_size).collect();
        let mut command = Command::new("sh");
        if limits.is_empty() {
            let words = self.around.iter().map(OsString::from);
            let mut words = words.chain([executable().into_os_string()]);
            command = Command::new(words.next().expect("thrust, if nothing else"));
            command.args(words);
        } else {
            command.args(["-c", &format!("{limits}exec \"$0\" \"$@\"")]).arg(executable());
        }
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HTTP_PORT", "0").env("HTTPS_PORT", "0").env("BIND", "127.0.0.1");
        command.envs(self.settings.iter().cloned());
        command.args(&self.command).stdin(Stdio::null());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }

    fn start(self) -> Thrust {
        let mut command = self.to_command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("thrust starts");
        let panics = watch(process.stderr.take().expect("stderr is a pipe"));
        let mut stdout = BufReader::new(process.stdout.take().expect("stdout is a pipe"));
        let (sender, lines) = channel();
        let (address, started) = channel();
        std::thread::spawn(move || {
            for line in stdout.by_ref().lines().map_while(Result::ok) {
                let has_started = addresses_in(&line).is_some_and(|all| address.send(all).is_ok());
                match self.stdout {
                    // What was started may print on when the test is over.
                    Stdout::Read => drop(sender.send(line)),
                    Stdout::Closed if has_started => return,
                    Stdout::Unread if has_started => break,
                    Stdout::Unread | Stdout::Closed => {}
                }
            }
            // Holds an unread pipe open until the handle is dropped.
            while matches!(self.stdout, Stdout::Unread) && sender.send(String::new()).is_ok() {
                std::thread::park_timeout(PATIENCE);
            }
        });
        let (address, https) = started.recv_timeout(PATIENCE).expect("thrust starts");
        Thrust { process, lines, panics, address, https, _behind: None }
    }
}

/// Passes on what is said on stderr, and hands back what is said of panics.
fn watch(stderr: ChildStderr) -> Receiver<String> {
    let (sender, panics) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            eprintln!("{line}");
            if line.contains("panicked at") && sender.send(line).is_err() {
                return;
            }
        }
    });
    panics
}

/// The addresses in the line that says thrust has started, in either format of the log.
fn addresses_in(line: &str) -> Option<(SocketAddr, Option<SocketAddr>)> {
    let line = line.split_once("Server started")?.1;
    let after = |name| {
        let rest = line.split_once(name)?.1;
        rest.trim_start_matches(['"', ':', '=']).split(['"', ' ', '}']).next()?.parse().ok()
    };
    Some((after("http")?, after("https")))
}

/// A running thrust. Killed when dropped, and its command with it.
pub struct Thrust {
    process: Child,
    lines: Receiver<String>,
    panics: Receiver<String>,
    address: SocketAddr,
    https: Option<SocketAddr>,
    /// Nobody, where that is what it has behind it.
    _behind: Option<DeadPort>,
}

impl Thrust {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it speaks TLS.
    pub fn https(&self) -> SocketAddr {
        self.https.expect("a thrust with TLS")
    }

    /// A new connection to it over TLS, to one who answers to `name`.
    pub fn connect_tls(&self, name: &str, trust: &Trust) -> Client {
        Client::connect_tls(self.https(), name, trust)
    }

    /// A new connection to it.
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// A new connection to it that speaks HTTP/2.
    pub fn connect_http2(&self) -> Http2 {
        Http2::connect(self.address)
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
        let mut others = Vec::new();
        loop {
            let line =
                match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(line) => line,
                    Err(RecvTimeoutError::Timeout) => {
                        panic!("no such log line within {PATIENCE:?}, but {others:#?}")
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        panic!("the log ended without such a line, with {others:#?}")
                    }
                };
            let line: Value = serde_json::from_str(&line)
                .unwrap_or_else(|error| panic!("not a log line: {error}: {line}"));
            if fits(&line) {
                return line;
            }
            others.push(line);
        }
    }

    /// The next line on its stdout, whoever printed it.
    pub fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("another line on stdout")
    }

    /// All lines until its stdout ends, which it does with the process.
    pub fn last_lines(&self) -> Vec<String> {
        let line = || self.lines.recv_timeout(PATIENCE);
        let lines = std::iter::from_fn(|| match line() {
            Err(RecvTimeoutError::Timeout) => panic!("stdout has not ended within {PATIENCE:?}"),
            line => line.ok(),
        });
        lines.collect()
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
        drop(self.process.wait());
        // No test may pass over a panic of thrust's own. Its stderr ends with it and its command.
        let panic = self.panics.recv_timeout(PATIENCE);
        assert!(
            panic.is_err() || std::thread::panicking(),
            "thrust: {}",
            panic.unwrap_or_default()
        );
    }
}
