//! Clients of one stream of server-sent events. Each event says when it was sent; how long it took to come is what is
//! measured, and that none is missing.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::waits::Waits;
use crate::{answer, pace, steady};

/// What an event is, and its digits: nanoseconds of the Unix clock.
pub const FIELD: &str = "data: ";
pub const DIGITS: usize = 20;

pub async fn run(address: SocketAddr, connections: usize, time: Duration) -> io::Result<Waits> {
    let mut sockets = Vec::new();
    for _ in 0..connections {
        sockets.push(subscribe(address).await?);
    }
    // Not one by one: haproxy keeps the head of an answer back until there is an event to send with it.
    for socket in &mut sockets {
        welcome(socket).await?;
    }
    pace::begin()?;
    let begin = now();
    let end = begin + time;
    let tasks: Vec<_> =
        sockets.into_iter().map(|socket| tokio::spawn(listen(socket, begin, end))).collect();
    let each = pace::join(tasks, time).await?;
    let counts: Vec<_> = each.iter().map(Vec::len).collect();
    let (least, most) = (counts.iter().min(), counts.iter().max());
    if least != most || least == Some(&0) {
        return Err(io::Error::other(format!("clients got {least:?} to {most:?} events")));
    }
    Ok(Waits { each: each.concat(), time })
}

pub fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

async fn subscribe(address: SocketAddr) -> io::Result<TcpStream> {
    let mut socket = steady::connect(address).await?;
    let request =
        format!("GET /events HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    Ok(socket)
}

async fn welcome(socket: &mut TcpStream) -> io::Result<()> {
    let mut buffer = Vec::new();
    answer::head(socket, &mut buffer).await?;
    if buffer.starts_with(b"HTTP/1.1 200") {
        return Ok(());
    }
    Err(io::Error::other(format!("no events: {}", String::from_utf8_lossy(&buffer))))
}

/// Counts what was sent between the two times, and reads until something comes that was sent later.
async fn listen(
    mut socket: TcpStream,
    begin: Duration,
    end: Duration,
) -> io::Result<Vec<Duration>> {
    let mut waits = Vec::new();
    let mut buffer = Vec::with_capacity(4096);
    loop {
        if socket.read_buf(&mut buffer).await? == 0 {
            return Err(io::Error::other("the stream of events ended"));
        }
        while let Some(sent) = take(&mut buffer) {
            if sent >= end {
                return Ok(waits);
            }
            if sent >= begin {
                waits.push(now().saturating_sub(sent));
            }
        }
    }
}

/// The next event. What stands between two of them is the framing of chunks.
fn take(buffer: &mut Vec<u8>) -> Option<Duration> {
    let at = buffer.windows(FIELD.len()).position(|bytes| bytes == FIELD.as_bytes())? + FIELD.len();
    let digits = String::from_utf8_lossy(buffer.get(at..at + DIGITS)?).into_owned();
    buffer.drain(..at + DIGITS);
    digits.parse().ok().map(Duration::from_nanos)
}
