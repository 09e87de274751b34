//! A client that says exactly the bytes it is told to, and reads what comes back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use rustls::{ClientConnection, StreamOwned};

use crate::PATIENCE;
use crate::authority::{Trust, server_name};

pub struct Client {
    stream: BufReader<Wire>,
}

/// What the bytes go through.
enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    fn socket(&self) -> &TcpStream {
        match self {
            Wire::Plain(stream) => stream,
            Wire::Tls(stream) => &stream.sock,
        }
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.read(into),
            Wire::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.write(bytes),
            Wire::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Wire::Plain(stream) => stream.flush(),
            Wire::Tls(stream) => stream.flush(),
        }
    }
}

/// A response as it came off the wire; header names in lower case.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, String)>,
}

impl Response {
    /// The value of a field, or "" when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// The values of a field, in order, a line each.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.headers.iter().filter(|(n, _)| n == name);
        lines.map(|(_, value)| value.as_str()).collect()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        Client { stream: BufReader::new(Wire::Plain(open(address))) }
    }

    /// Speaks TLS with the one who answers to `name`.
    pub fn connect_tls(address: SocketAddr, name: &str, trust: &Trust) -> Self {
        Self::try_connect_tls(address, name, trust).expect("a handshake")
    }

    /// The same with one who may not want to.
    ///
    /// # Errors
    /// Why there is no TLS between us.
    pub fn try_connect_tls(
        address: SocketAddr,
        name: &str,
        trust: &Trust,
    ) -> std::io::Result<Self> {
        let session = ClientConnection::new(trust.config.clone(), server_name(name));
        let mut stream = StreamOwned::new(session.expect("a client"), open(address));
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Client { stream: BufReader::new(Wire::Tls(Box::new(stream))) })
    }

    /// What is known of the other side, where TLS is spoken.
    pub fn tls(&self) -> &ClientConnection {
        match self.stream.get_ref() {
            Wire::Tls(stream) => &stream.conn,
            Wire::Plain(_) => panic!("no TLS is spoken here"),
        }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.stream.get_mut().write_all(bytes.as_ref()).expect("the other side reads");
        self
    }

    /// Sends bytes to a peer that may have stopped listening.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes.as_ref())
    }

    /// A GET, and its response.
    pub fn get(&mut self, target: &str) -> Response {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: test.example\r\n\r\n")).response("GET")
    }

    /// A request without a body, with these fields besides Host, a line each, and its response.
    pub fn ask(&mut self, method: &str, target: &str, fields: &str) -> Response {
        let fields = lines(fields);
        let head = format!("{method} {target} HTTP/1.1\r\nHost: test.example\r\n{fields}\r\n");
        self.send(head).response(method)
    }

    /// A POST with a length, and its response.
    pub fn post(&mut self, target: &str, body: &[u8]) -> Response {
        let length = body.len();
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: test.example\r\nContent-Length: {length}\r\n\r\n"
        );
        self.send(head).send(body).response("POST")
    }

    /// Reads one response (interim ones too) to a request of this method.
    pub fn response(&mut self, method: &str) -> Response {
        let mut response = self.head();
        let length = response.header("content-length").parse().unwrap_or(0);
        let is_bodiless = method == "HEAD" || matches!(response.status, 100..=199 | 204 | 304);
        if is_bodiless {
        } else if response.header("transfer-encoding") == "chunked" {
            while let Some(chunk) = self.chunk() {
                response.body.extend(chunk);
            }
            response.trailers = self.fields();
        } else if response.header("content-length").is_empty() {
            response.body = self.rest();
        } else {
            response.body = self.bytes(length);
        }
        response
    }

    /// Reads a response's head and leaves its body unread.
    pub fn head(&mut self) -> Response {
        let line = self.line();
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.unwrap_or_else(|| panic!("not a status line: {line:?}"));
        Response { status, headers: self.fields(), body: Vec::new(), trailers: Vec::new() }
    }

    /// Reads one chunk of a chunked body; `None` is the last one, before the trailers.
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = self.line();
        let size = usize::from_str_radix(&line, 16).unwrap_or_else(|_| panic!("no size: {line:?}"));
        if size == 0 {
            return None;
        }
        let data = self.bytes(size);
        assert_eq!(self.line(), "", "a chunk ends with a line end");
        Some(data)
    }

    pub fn fields(&mut self) -> Vec<(String, String)> {
        let lines = std::iter::from_fn(|| Some(self.line()).filter(|line| !line.is_empty()));
        lines
            .map(|line| {
                let (name, value) = line.split_once(':').expect("a field has a colon");
                (name.to_ascii_lowercase(), value.trim().to_owned())
            })
            .collect()
    }

    pub fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).expect("a line");
        let mut line = text(line);
        assert!(line.ends_with("\r\n"), "the connection ended in the middle of {line:?}");
        line.truncate(line.len() - 2);
        line
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).expect("as many bytes");
        bytes
    }

    /// All that comes until the connection is closed, cleanly.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("a clean end");
        rest
    }

    /// All that comes until the connection ends, in whatever way.
    pub fn remains(&mut self) -> Vec<u8> {
        let mut remains = Vec::new();
        let end = self.stream.read_to_end(&mut remains);
        assert!(end.is_ok() || is_end(&end), "the connection does not end: {end:?}");
        remains
    }

    /// Reads on, and tells whether the connection ends in a reset.
    pub fn is_reset(&mut self) -> bool {
        let end = std::io::copy(&mut self.stream, &mut std::io::sink());
        matches!(end, Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset)
    }

    /// Reads on, and tells whether TLS ends without a goodbye.
    pub fn is_cut_off(&mut self) -> bool {
        let end = std::io::copy(&mut self.stream, &mut std::io::sink());
        matches!(end, Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof)
    }

    /// What comes before these bytes.
    pub fn rest_until(&mut self, end: &[u8]) -> Vec<u8> {
        let mut rest = Vec::new();
        while !rest.ends_with(end) {
            rest.extend(self.bytes(1));
        }
        rest.truncate(rest.len() - end.len());
        rest
    }

    /// Whether the other side has closed, with nothing more to say.
    pub fn is_closed(&mut self) -> bool {
        is_end(&self.stream.read(&mut [0]))
    }

    /// Closes our sending half.
    pub fn finish(&mut self) -> &mut Self {
        self.stream().shutdown(Shutdown::Write).expect("an open connection");
        self
    }

    pub fn stream(&self) -> &TcpStream {
        self.stream.get_ref().socket()
    }
}

fn open(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Fields, a line each, as they are sent.
pub(crate) fn lines(fields: &str) -> String {
    fields.lines().flat_map(|line| [line, "\r\n"]).collect()
}

/// Whether a read tells that the other side has closed or broken off; that it is merely silent
/// is no end.
pub(crate) fn is_end(read: &std::io::Result<usize>) -> bool {
    match read {
        Ok(length) => *length == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

/// What came off the wire, as text to look at. Where it is no UTF-8, each byte is a character, as
/// in Latin-1, so that none is lost.
pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|e| e.as_bytes().iter().copied().map(char::from).collect())
}
