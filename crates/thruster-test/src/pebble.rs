//! `pebble()`: a CA that speaks ACME, Debian's pebble with its DNS server, behind a front of ours
//! that keeps its address when it is started again, counts, and can be told to misbehave.

mod front;

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use self::front::{Front, Reply};
use crate::relay::Relay;
use crate::{Authority, Client, Folder, PATIENCE, Thrust, ThrustBuilder, Trust, thrust};

/// Begins the description of a CA to start.
pub fn pebble() -> PebbleBuilder {
    PebbleBuilder {
        config: Map::new(),
        environment: vec![("PEBBLE_VA_NOSLEEP".into(), "1".into())],
    }
}

pub struct PebbleBuilder {
    config: Map<String, Value>,
    environment: Vec<(String, String)>,
}

/// A running CA. Ends when dropped.
pub struct Pebble {
    like: PebbleBuilder,
    authority: Authority,
    folder: Folder,
    _names: Process,
    names_port: u16,
    process: Option<Process>,
    management: SocketAddr,
    front: Front,
    /// Where it looks for port 80 and for port 443.
    http: Relay,
    https: Relay,
}

impl PebbleBuilder {
    /// Something in pebble's configuration.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.config.insert(name.into(), value.into());
        self
    }

    /// Something in pebble's environment.
    pub fn in_environment(mut self, name: &str, value: impl ToString) -> Self {
        self.environment.push((name.into(), value.to_string()));
        self
    }

    /// Certificates are good for so long.
    pub fn for_seconds(self, seconds: u32) -> Self {
        self.with("certificateValidityPeriod", seconds)
    }

    pub fn run(self) -> Pebble {
        let mut pebble = self.prepare();
        pebble.start();
        pebble
    }

    /// One that is not there yet; its address is.
    pub fn prepare(self) -> Pebble {
        let authority = Authority::new();
        let (names, names_port) = serve_names();
        let front = Front::new(&authority);
        Pebble {
            like: self,
            front,
            authority,
            folder: Folder::new(),
            _names: names,
            names_port,
            process: None,
            management: ([127, 0, 0, 1], 0).into(),
            http: Relay::new(),
            https: Relay::new(),
        }
    }
}

impl Pebble {
    /// A thrust that asks it to certify these names, and keeps things here.
    pub fn thrust(&self, names: &str, storage: &Folder) -> ThrustBuilder {
        let directory = format!("https://127.0.0.1:{}/dir", self.front.port);
        thrust()
            .with("TLS_DOMAIN", names)
            .with("ACME_DIRECTORY", directory)
            .with("SSL_CERT_FILE", self.authority.root().display())
            .with("STORAGE_PATH", storage.path().display())
    }

    /// From now on its validations come to this one.
    pub fn look_at(&self, proxy: &Thrust) {
        self.http.lead_to(proxy.address());
        self.https.lead_to(proxy.https());
    }

    /// The same, but it finds port 80 closed.
    pub fn look_at_port_443_of(&self, proxy: &Thrust) {
        self.http.lead_nowhere();
        self.https.lead_to(proxy.https());
    }

    /// It finds nobody.
    pub fn look_nowhere(&self) {
        self.http.lead_nowhere();
        self.https.lead_nowhere();
    }

    /// Clients that believe what it certifies.
    pub fn trust(&self) -> Trust {
        let mut client = Client::connect_tls(self.management, "127.0.0.1", &self.authority.trust());
        Trust::in_pem(&client.get("/roots/0").body)
    }

    /// What it has been asked for so far, as orders say it (RFC 8555 section 7.4).
    pub fn orders(&self) -> Vec<Value> {
        self.front.orders()
    }

    /// Who connects is hung up on.
    pub fn stop(&mut self) {
        self.front.lead_to(None);
        self.process = None;
    }

    /// Starts it, or starts it again, with none of the accounts, roots and orders it had.
    pub fn start(&mut self) {
        self.process = None;
        let (process, acme) = std::iter::repeat_with(|| self.try_start())
            .take(5)
            .flatten()
            .next()
            .expect("pebble starts (bin/setup tests installs it)");
        self.process = Some(process);
        self.front.lead_to(Some((acme, self.authority.trust())));
    }

    /// Answers the next order with this instead.
    pub fn refuse_next_order(&self, status: u16, fields: &str, body: &str) {
        let reply = Reply { status, fields: fields.to_owned(), body: body.as_bytes().to_vec() };
        self.front.refuse_next_order(reply);
    }

    /// Advises to renew certificates between these times (RFC 9773).
    pub fn advise(&self, start: SystemTime, end: SystemTime) {
        self.front.advise(start, end);
    }

    /// Waits until somebody has asked for advice.
    pub fn is_asked_for_advice(&self) {
        self.front.advice_taken.wait();
    }

    /// The ports may have been taken meanwhile.
    fn try_start(&mut self) -> Option<(Process, SocketAddr)> {
        let (acme, management) = (free_port(), free_port());
        let pair = self.authority.certify(&["127.0.0.1"]);
        let mut config = self.like.config.clone();
        config.insert("listenAddress".into(), acme.to_string().into());
        config.insert("managementListenAddress".into(), management.to_string().into());
        config.insert("certificate".into(), pair.chain.to_str().into());
        config.insert("privateKey".into(), pair.key.to_str().into());
        config.insert("httpPort".into(), self.http.port.into());
        config.insert("tlsPort".into(), self.https.port.into());
        let config = self.folder.file("pebble.json", json!({ "pebble": config }).to_string());
        let mut command = Command::new("pebble");
        command.arg("-config").arg(config);
        command.args(["-dnsserver", &format!("127.0.0.1:{}", self.names_port)]);
        command.envs(self.like.environment.iter().cloned());
        self.management = management;
        let mut process = Process::start(command, "ACME directory available")?;
        // It says so just before it does.
        let listens = process.listens_on(acme) && process.listens_on(management);
        listens.then_some((process, acme))
    }
}

/// A DNS server for which every name is this machine's.
fn serve_names() -> (Process, u16) {
    let start = || {
        let (names, management) = (free_port(), free_port());
        let mut command = Command::new("pebble-challtestsrv");
        command.args(["-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""]);
        command.args(["-dns01", &names.to_string(), "-management", &management.to_string()]);
        Some((Process::start(command, "Starting management server")?, names.port()))
    };
    let started = std::iter::repeat_with(start).take(5).flatten().next();
    started.expect("pebble-challtestsrv starts (bin/setup tests installs it)")
}

struct Process(Child);

impl Process {
    /// Starts a command, and waits for the line that says it is there. `None`: it has ended.
    fn start(mut command: Command, ready: &'static str) -> Option<Self> {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = piped.spawn().ok()?;
        let stdout = BufReader::new(process.stdout.take().expect("stdout is a pipe"));
        let (sender, is_ready) = channel();
        // Its log is read to the end, for it would wait otherwise.
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if line.contains(ready) {
                    // Only the first is waited for.
                    let _ = sender.send(());
                }
            }
        });
        let process = Process(process);
        is_ready.recv_timeout(PATIENCE).ok().map(|()| process)
    }

    /// Waits until somebody can connect there; false if it has ended before.
    fn listens_on(&mut self, address: SocketAddr) -> bool {
        while TcpStream::connect(address).is_err() {
            if self.0.try_wait().expect("a child to wait for").is_some() {
                return false;
            }
            // There is no waiting for somebody to listen in std.
            std::thread::park_timeout(Duration::from_millis(5));
        }
        true
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address")
}
