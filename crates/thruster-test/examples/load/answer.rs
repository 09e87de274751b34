//! Reads answers of HTTP/1.1, one at a time: that each is whole, and no refusal, is all that is asked of them.

use std::io;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// How a chunked body ends, if it has no trailers.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

enum Body {
    Length(usize),
    Chunked,
}

/// Reads a head into the buffer, and returns its length: what follows it there is of the body.
pub async fn head(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<usize> {
    buffer.clear();
    loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            return Ok(at + 4);
        }
        more(socket, buffer).await?;
    }
}

/// Reads a whole answer.
pub async fn whole(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    let head = head(socket, buffer).await?;
    match body(&buffer[..head])? {
        Body::Length(length) => {
            let mut missing = length.saturating_sub(buffer.len() - head);
            while missing > 0 {
                buffer.clear();
                more(socket, buffer).await?;
                missing = missing.saturating_sub(buffer.len());
            }
        }
        Body::Chunked => {
            while !buffer.ends_with(LAST_CHUNK) {
                buffer.drain(..buffer.len() - buffer.len().min(LAST_CHUNK.len()));
                more(socket, buffer).await?;
            }
        }
    }
    Ok(())
}

async fn more(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    match socket.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn body(head: &[u8]) -> io::Result<Body> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let status = head.get(9..12).unwrap_or_default();
    if status == "304" {
        return Ok(Body::Length(0));
    }
    if !status.starts_with('2') {
        return Err(io::Error::other(format!("the answer has the status {status:?}")));
    }
    let field = |name| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if field("transfer-encoding:").is_some() {
        return Ok(Body::Chunked);
    }
    let length = field("content-length:").and_then(|length| length.parse().ok());
    length
        .map(Body::Length)
        .ok_or_else(|| io::Error::other("the answer does not say how long it is"))
}
