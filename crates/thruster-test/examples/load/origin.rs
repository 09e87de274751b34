//! The origin for what nginx cannot be: it takes uploads whole before it answers, echoes WebSockets, and sends everyone
//! who listens the same events.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tungstenite::handshake::derive_accept_key;

use crate::answer;
use crate::events::{DIGITS, FIELD, now};

const BACKLOG: u32 = 4096;
const STREAM: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\
                        Transfer-Encoding: chunked\r\n\r\n";
const DONE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n\
                      Content-Length: 5\r\n\r\ndone\n";

type Listeners = Arc<Mutex<Vec<TcpStream>>>;

pub async fn run(address: SocketAddr, events_per_second: f64) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let listeners = Listeners::default();
    tokio::spawn(publish(Arc::clone(&listeners), Duration::from_secs_f64(1.0 / events_per_second)));
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        // A client that leaves is none of our business.
        tokio::spawn(serve(connection, Arc::clone(&listeners)));
    }
}

async fn serve(mut socket: TcpStream, listeners: Listeners) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(64 << 10);
    loop {
        let length = answer::head(&mut socket, &mut buffer).await?;
        let head = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if head.starts_with("GET /events ") {
            socket.write_all(STREAM).await?;
            listeners.lock().unwrap_or_else(PoisonError::into_inner).push(socket);
            return Ok(());
        }
        if let Some(key) = field(&head, "sec-websocket-key") {
            return echo(socket, key).await;
        }
        let mut missing =
            field(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        missing -= (buffer.len() - length).min(missing);
        while missing > 0 {
            buffer.clear();
            match socket.read_buf(&mut buffer).await? {
                0 => return Ok(()),
                read => missing -= read.min(missing),
            }
        }
        socket.write_all(DONE).await?;
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value.trim())
}

/// Messages that are short and whole, as the clients here send them.
async fn echo(mut socket: TcpStream, key: &str) -> io::Result<()> {
    let accept = derive_accept_key(key.as_bytes());
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await?;
    let mut frame = [0; 6 + 125];
    loop {
        socket.read_exact(&mut frame[..6]).await?;
        let length = usize::from(frame[1] & 0x7f);
        socket.read_exact(&mut frame[6..6 + length]).await?;
        let mut reply = vec![frame[0], frame[1] & 0x7f];
        reply.extend((0..length).map(|at| frame[6 + at] ^ frame[2 + at % 4]));
        socket.write_all(&reply).await?;
    }
}

async fn publish(listeners: Listeners, every: Duration) {
    let mut interval = tokio::time::interval(every);
    loop {
        interval.tick().await;
        // One time for all: whoever gets it last has waited for the others.
        let event = format!("{FIELD}{:0DIGITS$}\n\n", now().as_nanos());
        let chunk = format!("{:x}\r\n{event}\r\n", event.len());
        let mut all = listeners.lock().unwrap_or_else(PoisonError::into_inner);
        // Who has gone, or reads so slowly that a short line finds no room, is dropped.
        all.retain(|listener| {
            listener.try_write(chunk.as_bytes()).is_ok_and(|written| written == chunk.len())
        });
    }
}
