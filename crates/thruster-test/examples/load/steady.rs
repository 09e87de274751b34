//! The same request over and over, at an even rate, over connections that are kept unless the request says otherwise.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::answer;
use crate::pace::{self, Load, Pace};
use crate::waits::Waits;

const BUFFER: usize = 16 << 10;

struct Client {
    address: SocketAddr,
    request: Arc<[u8]>,
    is_kept: bool,
    buffer: Vec<u8>,
}

pub async fn run(address: SocketAddr, request: Vec<u8>, load: Load) -> io::Result<Waits> {
    let is_kept = !String::from_utf8_lossy(&request).contains("Connection: close");
    let request: Arc<[u8]> = request.into();
    let mut clients = Vec::new();
    for _ in 0..load.connections {
        let request = Arc::clone(&request);
        let buffer = Vec::with_capacity(BUFFER);
        let mut client = Client { address, request, is_kept, buffer };
        // Each has been answered once before it counts: connections to the origin are there as well.
        let socket = if is_kept { Some(client.ask(connect(address).await?).await?) } else { None };
        clients.push((client, socket));
    }
    let begin = pace::begin()?;
    let tasks: Vec<_> = clients
        .into_iter()
        .enumerate()
        .map(|(number, (client, socket))| {
            tokio::spawn(client.run(socket, load.pace(begin, number)))
        })
        .collect();
    let each = pace::join(tasks, load.time).await?.concat();
    Ok(Waits { each, time: load.time })
}

pub async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

impl Client {
    async fn run(
        mut self,
        mut socket: Option<TcpStream>,
        mut pace: Pace,
    ) -> io::Result<Vec<Duration>> {
        let mut waits = Vec::new();
        while let Some(since) = pace.next().await {
            let open = match socket.take() {
                Some(open) => open,
                None => connect(self.address).await?,
            };
            let open = self.ask(open).await?;
            waits.push(since.elapsed());
            socket = self.is_kept.then_some(open);
        }
        Ok(waits)
    }

    /// Returns the connection when the answer is whole.
    async fn ask(&mut self, mut socket: TcpStream) -> io::Result<TcpStream> {
        socket.write_all(&self.request).await?;
        answer::whole(&mut socket, &mut self.buffer).await?;
        Ok(socket)
    }
}
