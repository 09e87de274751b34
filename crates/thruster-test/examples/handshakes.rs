//! Shakes hands with a TLS server as often as it can, and tells how often that was: what
//! `bin/bench handshakes` measures servers with.
//!
//!     cargo run --release -p thruster-test --example handshakes -- ADDRESS NAME CA.pem full|resumed SECONDS

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::Resumption;
use rustls::{ClientConfig, ClientConnection, HandshakeKind};
use thruster_test::{Trust, server_name};

/// Clients at once: enough that the server never waits for one.
const CLIENTS: usize = 8;

struct Task {
    address: SocketAddr,
    name: String,
    config: Arc<ClientConfig>,
    kind: HandshakeKind,
    until: Instant,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [address, name, ca, kind, seconds] = &words[..] else {
        panic!("ADDRESS NAME CA.pem full|resumed SECONDS")
    };
    let kind = match kind.as_str() {
        "full" => HandshakeKind::Full,
        "resumed" => HandshakeKind::Resumed,
        other => panic!("{other} is neither full nor resumed"),
    };
    let time = Duration::from_secs_f64(seconds.parse().expect("a number of seconds"));
    let began = Instant::now();
    let threads: Vec<_> = (0..CLIENTS)
        .map(|_| {
            // Tickets are each client's own.
            let mut config = ClientConfig::clone(&Trust::in_file(Path::new(ca)).config);
            if kind == HandshakeKind::Full {
                config.resumption = Resumption::disabled();
            }
            let task = Task {
                address: address.parse().expect("an address and a port"),
                name: name.clone(),
                config: config.into(),
                kind,
                until: began + time,
            };
            std::thread::spawn(move || task.run().expect("a server that shakes hands"))
        })
        .collect();
    let count: u64 = threads.into_iter().map(|thread| thread.join().expect("no panic")).sum();
    println!("{count} handshakes in {:.3} s", began.elapsed().as_secs_f64());
}

impl Task {
    fn run(self) -> io::Result<u64> {
        if self.kind == HandshakeKind::Resumed {
            self.shake_hands()?;
        }
        let mut count = 0;
        while Instant::now() < self.until {
            assert_eq!(self.shake_hands()?, Some(self.kind), "not what was to be measured");
            count += 1;
        }
        Ok(count)
    }

    /// Until the tickets are there, which come right after it.
    fn shake_hands(&self) -> io::Result<Option<HandshakeKind>> {
        let mut socket = TcpStream::connect(self.address)?;
        socket.set_nodelay(true)?;
        let client = ClientConnection::new(self.config.clone(), server_name(&self.name));
        let mut client = client.map_err(io::Error::other)?;
        while client.is_handshaking() || client.tls13_tickets_received() == 0 {
            client.complete_io(&mut socket)?;
        }
        client.send_close_notify();
        client.write_tls(&mut socket)?;
        socket.flush()?;
        Ok(client.handshake_kind())
    }
}
