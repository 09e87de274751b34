//! One exchange on the control socket: a small request, a small answer, and the connection
//! closes. Blocking, on a thread of its own: nothing here is in a hurry.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long one who has connected may take to say what it wants, and to take each piece of the
/// answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Limits of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;
const MAX_BODY: usize = 64 * 1024;

pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub body: Vec<u8>,
}

/// A status and what to say with it.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    pub fn error(status: u16, text: impl Into<String>) -> Self {
        Answer { status, body: serde_json::json!({ "error": text.into() }) }
    }
}

/// Reads a request and writes what `answer` says to it.
///
/// # Errors
/// The connection broke.
pub fn serve(mut stream: UnixStream, answer: impl FnOnce(Request) -> Answer) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let answer = match read(&mut stream)? {
        Ok(request) => answer(request),
        Err(refusal) => refusal,
    };
    let reason = http::StatusCode::from_u16(answer.status).ok();
    let reason = reason.and_then(|status| status.canonical_reason()).unwrap_or_default();
    let body = format!("{}\n", answer.body);
    let head = format!(
        "HTTP/1.1 {} {reason}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        answer.status,
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

fn read(stream: &mut UnixStream) -> io::Result<Result<Request, Answer>> {
    let until = Instant::now() + PATIENCE;
    let mut bytes = Vec::new();
    let (mut request, length, begin) = loop {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut fields);
        match head.parse(&bytes) {
            Ok(httparse::Status::Complete(end)) => {
                let Some(length) = length(&head) else {
                    return Ok(Err(Answer::error(413, "a body of at most 64 KiB, with a length")));
                };
                let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
                let (method, target) = (text(head.method), text(head.path));
                break (Request { method, target, body: Vec::new() }, length, end);
            }
            Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => {}
            Ok(httparse::Status::Partial) => {
                return Ok(Err(Answer::error(431, "a head of at most 16 KiB")));
            }
            Err(error) => return Ok(Err(Answer::error(400, error.to_string()))),
        }
        fill(stream, &mut bytes, until)?;
    };
    request.body = bytes.split_off(begin);
    while request.body.len() < length {
        fill(stream, &mut request.body, until)?;
    }
    request.body.truncate(length);
    Ok(Ok(request))
}

/// Appends what comes next, before `until`.
fn fill(stream: &mut UnixStream, bytes: &mut Vec<u8>, until: Instant) -> io::Result<()> {
    let left = until.saturating_duration_since(Instant::now());
    // No time at all would be for ever.
    stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
    let mut piece = [0; 4096];
    match stream.read(&mut piece)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        read => {
            bytes.extend_from_slice(&piece[..read]);
            Ok(())
        }
    }
}

/// The length of the body; `None` for one that is too large, or has no length.
fn length(head: &httparse::Request<'_, '_>) -> Option<usize> {
    let value = |name: &str| {
        let field = head.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
        Some(str::from_utf8(field.value).unwrap_or("no number"))
    };
    if value("transfer-encoding").is_some() {
        return None;
    }
    value("content-length")
        .map_or(Some(0), |text| text.trim().parse().ok())
        .filter(|n| *n <= MAX_BODY)
}
