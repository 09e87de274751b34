//! What stands before pebble: hands requests on, and does what pebble cannot be told to do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::{Authority, Client, Event, PATIENCE, Trust, event};

/// Where pebble takes orders, and where we give advice.
const ORDERS: &str = "/order-plz";
const ADVICE: &str = "/advice-plz";

pub struct Front {
    pub port: u16,
    pub advice_taken: Event<()>,
    state: Arc<Mutex<State>>,
}

struct State {
    /// Whom requests are handed on to.
    behind: Option<(SocketAddr, Trust)>,
    /// What was asked for (RFC 8555 section 7.4).
    orders: Vec<Value>,
    refusal: Option<Reply>,
    advice: Option<(SystemTime, SystemTime)>,
    advice_taken: Sender<()>,
}

pub struct Reply {
    pub status: u16,
    /// A line each.
    pub fields: String,
    pub body: Vec<u8>,
}

struct Request {
    head: String,
    body: Vec<u8>,
}

impl Front {
    pub fn new(authority: &Authority) -> Self {
        let pair = authority.certify_as("front", &["127.0.0.1"]);
        let chain = vec![CertificateDer::from_pem_file(pair.chain).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_file(pair.key).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key);
        let config = Arc::new(config.expect("a pair"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, advice_taken) = event();
        let state = Arc::new(Mutex::new(State {
            behind: None,
            orders: Vec::new(),
            refusal: None,
            advice: None,
            advice_taken: sender,
        }));
        let shared = state.clone();
        // The thread ends with the test's process; threads that only wait cost nothing.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (config, state) = (config.clone(), shared.clone());
                std::thread::spawn(move || drop(serve(stream, config, &state)));
            }
        });
        Front { port, advice_taken, state }
    }

    pub fn lead_to(&self, behind: Option<(SocketAddr, Trust)>) {
        lock(&self.state).behind = behind;
    }

    pub fn orders(&self) -> Vec<Value> {
        lock(&self.state).orders.clone()
    }

    pub fn refuse_next_order(&self, reply: Reply) {
        lock(&self.state).refusal = Some(reply);
    }

    pub fn advise(&self, start: SystemTime, end: SystemTime) {
        lock(&self.state).advice = Some((start, end));
    }
}

/// One request a connection.
fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    state: &Mutex<State>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let Some(behind) = lock(state).behind.clone() else { return Ok(()) };
    let session = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(session, stream));
    let request = Request::read(&mut stream)?;
    let reply = match own_reply(&request, state) {
        Some(reply) => reply,
        None => {
            let mut reply = hand_on(&request, &behind);
            dress(&request, &mut reply, state);
            reply
        }
    };
    let Reply { status, fields, body } = reply;
    let fields: String = fields.lines().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Status\r\n{fields}Content-Length: {length}\r\n");
    let stream = stream.get_mut();
    stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    if !request.head.starts_with("HEAD") {
        stream.write_all(&body)?;
    }
    stream.conn.send_close_notify();
    stream.flush()
}

/// What pebble is not asked.
fn own_reply(request: &Request, state: &Mutex<State>) -> Option<Reply> {
    let mut state = lock(state);
    if request.target() == ORDERS {
        let refusal = state.refusal.take()?;
        state.orders.push(request.payload());
        return Some(refusal);
    }
    if !request.target().starts_with(ADVICE) {
        return None;
    }
    let (start, end) = state.advice?;
    // Whether somebody waits for it is the test's business.
    let _ = state.advice_taken.send(());
    let time = |time| humantime::format_rfc3339_seconds(time).to_string();
    let body = json!({ "suggestedWindow": { "start": time(start), "end": time(end) } });
    let fields = "Content-Type: application/json\nRetry-After: 21600".to_owned();
    Some(Reply { status: 200, fields, body: body.to_string().into() })
}

/// Has it look as if pebble gave advice, and counts.
fn dress(request: &Request, reply: &mut Reply, state: &Mutex<State>) {
    let mut state = lock(state);
    // It may not have liked the nonce.
    if request.target() == ORDERS && reply.status == 201 {
        state.orders.push(request.payload());
    }
    if state.advice.is_none() {
        return;
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) else { return };
    if request.target() == "/dir" {
        body["renewalInfo"] = format!("https://{}{ADVICE}", request.host()).into();
    } else if request.target() == ORDERS {
        body["replaces"] = request.payload()["replaces"].clone();
    }
    reply.body = body.to_string().into();
}

fn hand_on(request: &Request, (address, trust): &(SocketAddr, Trust)) -> Reply {
    let mut client = Client::connect_tls(*address, "127.0.0.1", trust);
    let mut lines = request.head.lines();
    let first = lines.next().expect("a request line");
    let fields: String = lines.map(|line| format!("{line}\r\n")).collect();
    client.send(format!("{first}\r\n{fields}\r\n")).send(&request.body);
    let response = client.response(first.split(' ').next().unwrap_or_default());
    let is_framing = |name: &str| ["content-length", "transfer-encoding"].contains(&name);
    let fields = response.headers.iter().filter(|(name, _)| !is_framing(name));
    let fields = fields.map(|(name, value)| format!("{name}: {value}\n")).collect();
    Reply { status: response.status, fields, body: response.body }
}

impl Request {
    fn read(stream: &mut impl BufRead) -> std::io::Result<Self> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        let mut request = Request { head: head.trim_end().to_owned(), body: Vec::new() };
        let length = request.field("content-length").parse().unwrap_or(0);
        stream.take(length).read_to_end(&mut request.body)?;
        Ok(request)
    }

    fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    fn host(&self) -> &str {
        self.field("host")
    }

    fn field(&self, name: &str) -> &str {
        crate::values(&self.head, name).first().copied().unwrap_or_default()
    }

    /// What is in the JWS (RFC 7515), or null.
    fn payload(&self) -> Value {
        let envelope: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let payload = envelope["payload"].as_str().unwrap_or_default();
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
        serde_json::from_slice(&payload).unwrap_or_default()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
