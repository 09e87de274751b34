//! `upstream()`: the server behind thrust, as a script. Every connection gets a thread, every
//! request is kept for the test to look at, and the answer is whatever bytes the test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::PATIENCE;
use crate::client::{is_end, lines, text};
use crate::port::DeadPort;

type Script = dyn Fn(&mut Exchange) + Send + Sync;

/// A server that runs `script` for each request it reads the head of.
pub fn upstream(script: impl Fn(&mut Exchange) + Send + Sync + 'static) -> Upstream {
    upstream_at(Ipv4Addr::LOCALHOST.into(), script)
}

/// The same on another address of this host.
pub fn upstream_at(
    address: IpAddr,
    script: impl Fn(&mut Exchange) + Send + Sync + 'static,
) -> Upstream {
    let listen = || {
        let listener = TcpListener::bind((address, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        DeadPort::beside(address).map(|beside| (listener, address.port(), beside))
    };
    let (listener, port, beside) = std::iter::repeat_with(listen).flatten().next().expect("no end");
    let (seen, heads) = channel();
    let connections = Arc::<AtomicUsize>::default();
    let (script, count): (Arc<Script>, _) = (Arc::new(script), connections.clone());
    // The thread ends with the test's process; threads that only wait cost nothing.
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let number = count.fetch_add(1, SeqCst);
            let (script, seen) = (script.clone(), seen.clone());
            std::thread::spawn(move || serve(stream, number, &*script, &seen));
        }
    });
    Upstream { port, heads, connections, _beside: beside }
}

pub struct Upstream {
    port: u16,
    heads: Receiver<String>,
    connections: Arc<AtomicUsize>,
    /// Whoever looks for us in the other family finds nobody.
    _beside: DeadPort,
}

impl Upstream {
    /// One that answers every request with this body.
    pub fn saying(body: &'static str) -> Self {
        upstream(move |exchange| exchange.respond(200, body))
    }

    /// One that answers every request with the request's own body.
    pub fn echo() -> Self {
        upstream(|exchange| {
            let body = exchange.body();
            exchange.respond(200, &String::from_utf8_lossy(&body));
        })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The head of the next request that arrived: request line and fields, as they were sent.
    pub fn received(&self) -> String {
        self.heads.recv_timeout(PATIENCE).expect("a request reaches the upstream")
    }

    /// Whether nothing (more) has arrived so far.
    pub fn has_received_nothing(&self) -> bool {
        self.heads.try_recv().is_err()
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

/// One request, its head read, and the connection to answer on.
pub struct Exchange {
    /// The connection's number, from 0.
    pub connection: usize,
    /// Which request on this connection it is, from 0.
    pub number: usize,
    /// Request line and fields, without the empty line.
    pub head: String,
    pub stream: BufReader<TcpStream>,
    is_over: bool,
}

impl Exchange {
    /// The request line's target.
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).expect("a request line has a target")
    }

    /// The value of a field of the request, or "".
    pub fn header(&self, name: &str) -> &str {
        values(&self.head, name).first().copied().unwrap_or_default()
    }

    /// Reads the request's body; for a chunked one, its data.
    pub fn body(&mut self) -> Vec<u8> {
        if self.header("transfer-encoding") == "chunked" {
            let mut body = Vec::new();
            while let Some(chunk) = self.chunk() {
                body.extend(chunk);
            }
            // Trailers, if any, are left in the head for the test to see.
            while let Some(trailer) = Some(self.line()).filter(|line| !line.is_empty()) {
                self.head.push_str(&format!("\r\n{trailer}"));
            }
            return body;
        }
        let mut body = vec![0; self.header("content-length").parse().unwrap_or(0)];
        self.stream.read_exact(&mut body).expect("a whole body");
        body
    }

    /// Reads one chunk of a chunked body; `None` is the last one, before the trailers.
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line(), 16).expect("a chunk size");
        if size == 0 {
            return None;
        }
        let mut chunk = vec![0; size];
        self.stream.read_exact(&mut chunk).expect("a whole chunk");
        assert_eq!(self.line(), "", "a chunk ends with a line end");
        Some(chunk)
    }

    pub fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).expect("a line");
        text(line).trim_end_matches(['\r', '\n']).to_owned()
    }

    /// Answers with a length.
    pub fn respond(&mut self, status: u16, body: &str) {
        let length = body.len();
        self.send(format!("HTTP/1.1 {status} Status\r\nContent-Length: {length}\r\n\r\n{body}"));
    }

    /// Answers with these fields, a line each, and with a body where there may be one.
    pub fn answer(&mut self, status: u16, fields: &str, body: &str) {
        let fields = lines(fields);
        let head = format!("HTTP/1.1 {status} Status\r\n{fields}");
        let length = body.len();
        self.send(match status {
            204 | 304 => format!("{head}\r\n"),
            _ if self.head.starts_with("HEAD ") => {
                format!("{head}Content-Length: {length}\r\n\r\n")
            }
            _ => format!("{head}Content-Length: {length}\r\n\r\n{body}"),
        });
    }

    /// Sends bytes as they are. That thrust has hung up is for thrust's tests to notice.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.is_over |= self.stream.get_mut().write_all(bytes.as_ref()).is_err();
    }

    /// Closes the connection after this exchange.
    pub fn close(&mut self) {
        self.is_over = true;
    }

    /// Waits until thrust closes the connection, whatever it still sends; true when it does.
    pub fn is_hung_up_on(&mut self) -> bool {
        self.stream.get_ref().set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let end = std::io::copy(&mut self.stream, &mut std::io::sink()).map(|_| 0);
        is_end(&end)
    }
}

/// The values of a field, in order, in a head as it came off the wire.
pub fn values<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    let named = fields.filter(|(n, _)| n.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.trim_matches(' ')).collect()
}

fn serve(stream: TcpStream, connection: usize, script: &Script, seen: &Sender<String>) {
    let mut stream = BufReader::new(stream);
    for number in 0.. {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_until(b'\n', &mut head) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        head.truncate(head.len() - 4);
        let head = text(head);
        if seen.send(head.clone()).is_err() {
            return;
        }
        let mut exchange = Exchange { connection, number, head, stream, is_over: false };
        script(&mut exchange);
        if exchange.is_over {
            return;
        }
        stream = exchange.stream;
    }
}
