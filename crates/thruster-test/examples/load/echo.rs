//! WebSockets, each with one short message after the other, which has to come back as it was (RFC 6455).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::pace::{self, Load, Pace};
use crate::waits::Waits;
use crate::{answer, steady};

const MESSAGE: [u8; 64] = [b'.'; 64];
const MASK: [u8; 4] = [1, 2, 3, 4];

pub async fn run(address: SocketAddr, load: Load) -> io::Result<Waits> {
    let mut sockets = Vec::new();
    for _ in 0..load.connections {
        sockets.push(open(address).await?);
    }
    let begin = pace::begin()?;
    let tasks: Vec<_> = sockets
        .into_iter()
        .enumerate()
        .map(|(number, socket)| tokio::spawn(converse(socket, load.pace(begin, number))))
        .collect();
    let each = pace::join(tasks, load.time).await?.concat();
    Ok(Waits { each, time: load.time })
}

async fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let mut socket = steady::connect(address).await?;
    let request = format!(
        "GET /echo HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut buffer = Vec::new();
    answer::head(&mut socket, &mut buffer).await?;
    if buffer.starts_with(b"HTTP/1.1 101") {
        return Ok(socket);
    }
    Err(io::Error::other(format!("no WebSocket: {}", String::from_utf8_lossy(&buffer))))
}

async fn converse(mut socket: TcpStream, mut pace: Pace) -> io::Result<Vec<Duration>> {
    // Of a client: the last frame of a text, and masked (section 5.2).
    let mut question = vec![0x81, 0x80 | MESSAGE.len() as u8];
    question.extend(MASK);
    question.extend(MESSAGE.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    let mut expected = vec![0x81, MESSAGE.len() as u8];
    expected.extend(MESSAGE);

    let mut waits = Vec::new();
    let mut answer = vec![0; expected.len()];
    while let Some(since) = pace.next().await {
        socket.write_all(&question).await?;
        socket.read_exact(&mut answer).await?;
        if answer != expected {
            return Err(io::Error::other("another message came back"));
        }
        waits.push(since.elapsed());
    }
    Ok(waits)
}
