//! One single-threaded runtime a core, and an even share of the connections for each. A
//! connection stays where it is put, so nothing on a request's path is shared between cores.
//!
//! One core accepts for all, and gives each connection to the one that has fewest:
//! SO_REUSEPORT, which hashes addresses, is only even when connections are many.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::cache::Store;
use crate::config::Config;
use crate::connection::{self, Connection};
use crate::drain::Drain;
use crate::forwarded::Client;
use crate::listen::{self, Door, Listeners};
use crate::log::Log;
use crate::pipeline::Pipeline;
use crate::thread;
use crate::tls::Tls;
use crate::to_https::ToHttps;
use crate::upstream::Shared;

/// More cores than this have nothing to do in front of one Ruby server. Arbitrary.
const MOST: usize = 8;

/// Connections that may wait for a core to look up from its work.
const INBOX: usize = 1024;

/// After the command has ended, how long its last answers may take to reach their readers.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Threads of each core for what blocks: files, and the disk tier of the cache. Started when they
/// are needed; enough that a slow disk holds up only those who wait for it.
const BLOCKING: usize = 16;

/// How long the drain looks for another connection that the kernel was letting in: a round trip.
const LAST_IN: Duration = Duration::from_millis(50);

/// How often each core's pipeline tidies up. The pool counts its ticks as seconds
/// (`upstream/pool.rs`), so what was missed is made up for, as `interval` does by itself.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// The threads that serve.
pub struct Cores {
    /// Hears from each thread when it ends.
    ended: Receiver<Infallible>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Clone)]
struct Core {
    inbox: mpsc::Sender<Accepted>,
    load: Arc<AtomicUsize>,
}

/// A client that was let in.
struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
    door: Door,
}

/// A connection's place on its core, for as long as it lives.
struct Seat {
    load: Arc<AtomicUsize>,
    _alive: watch::Receiver<()>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.load.fetch_sub(1, Relaxed);
    }
}

impl Cores {
    /// Starts the threads, which serve `listeners` until `drain`.
    ///
    /// # Errors
    /// The system refused a thread or what its event loop needs.
    pub fn start(
        config: &Config,
        log: &Log,
        listeners: Listeners,
        (store, tls, to_https): (&Arc<Store>, Option<&Arc<Tls>>, Option<ToHttps>),
        drain: &Drain,
    ) -> io::Result<Self> {
        let (alive, ended) = std::sync::mpsc::channel();
        let count = std::thread::available_parallelism().map_or(1, usize::from).min(MOST);
        let everybody = Arc::new(watch::Sender::new(()));
        let shared = Shared::new(&config.upstream, count);
        let to_https = to_https.map(Arc::new);
        let mut cores = Vec::with_capacity(count);
        let mut inboxes = Vec::with_capacity(count);
        for _ in 0..count {
            let (inbox, receiver) = mpsc::channel(INBOX);
            cores.push(Core { inbox, load: Arc::default() });
            inboxes.push(receiver);
        }
        let mut acceptor = Some((listeners, cores.clone()));
        let mut threads = Vec::with_capacity(count);
        for (number, (core, inbox)) in cores.into_iter().zip(inboxes).enumerate() {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(BLOCKING)
                .on_thread_start(thread::hook())
                .build()?;
            let pipeline = {
                let shared = (shared.clone(), store.clone(), to_https.clone());
                Arc::new(Pipeline::new(config, log.clone(), shared, number, drain.clone()))
            };
            let worker = Worker {
                alive: everybody.clone(),
                pipeline,
                load: core.load,
                drain: drain.clone(),
                h2c: config.h2c,
                tls: tls.cloned(),
                inherited: config.listen.inherited,
            };
            let (acceptor, alive): (_, Sender<Infallible>) = (acceptor.take(), alive.clone());
            threads.push(thread::spawn(&format!("core-{number}"), move || {
                runtime.block_on(worker.run(inbox, acceptor));
                // Whatever blocking work is left is not worth waiting for.
                runtime.shutdown_background();
                drop(alive);
            })?);
        }
        Ok(Cores { ended, threads })
    }

    /// Waits until every connection has ended, which after the drain's last word is soon.
    pub fn wait(&self) {
        // Nothing is ever sent: all senders gone means all threads gone.
        let _ = self.ended.recv();
    }

    /// The same, for so long at most; whether they have ended.
    pub fn has_ended(&self, patience: Duration) -> bool {
        self.ended.recv_timeout(patience) == Err(RecvTimeoutError::Disconnected)
    }

    /// The same, and until nothing is left of the threads either.
    pub fn join(self) {
        self.wait();
        for thread in self.threads {
            // Whoever panicked has said so.
            drop(thread.join());
        }
    }
}

struct Worker {
    /// Whether anybody is still being served, on any core.
    alive: Arc<watch::Sender<()>>,
    pipeline: Arc<Pipeline>,
    load: Arc<AtomicUsize>,
    drain: Drain,
    h2c: bool,
    tls: Option<Arc<Tls>>,
    /// How many of the listeners, in the order of doors, are our starter's.
    inherited: u16,
}

impl Worker {
    async fn run(
        self,
        mut inbox: mpsc::Receiver<Accepted>,
        acceptor: Option<(Listeners, Vec<Core>)>,
    ) {
        let serving = self.alive.subscribe();
        if let Some((listeners, cores)) = acceptor {
            for (door, listener) in listeners {
                let is_inherited = door.is_inherited(self.inherited);
                let (cores, drain) = (cores.clone(), self.drain.clone());
                tokio::spawn(accept(door, listener, is_inherited, cores, drain));
            }
        }
        let pipeline = self.pipeline.clone();
        let tidying = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(TIDY_EVERY);
            loop {
                ticks.tick().await;
                pipeline.tidy();
            }
        });
        // The acceptors hold the only senders, and end with the drain.
        while let Some(accepted) = inbox.recv().await {
            let seat = Seat { load: self.load.clone(), _alive: serving.clone() };
            let peer = accepted.peer;
            if let Err(error) = self.serve(accepted, seat) {
                tracing::debug!(%error, %peer, "Connection lost before it began");
            }
        }
        drop(serving);
        // Also until the other cores are done: they may use connections to the child that are
        // watched here.
        let drain = self.drain.clone();
        tokio::select! {
            () = self.alive.closed() => {}
            // What is not answered then never will be, and is logged as it ends with the runtime.
            () = async { drain.over().await; tokio::time::sleep(LAST_ANSWERS).await } => {}
        }
        tidying.abort();
    }

    fn serve(&self, accepted: Accepted, seat: Seat) -> io::Result<()> {
        let Accepted { stream, peer, door } = accepted;
        stream.set_nodelay(true)?;
        let stream = tokio::net::TcpStream::from_std(stream)?;
        let address = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let connection = Box::new(Connection {
            pipeline: self.pipeline.clone(),
            client: Client::new(address),
            drain: self.drain.clone(),
            h2c: self.h2c,
            tls: self.tls.clone().filter(|_| door == Door::Https),
        });
        tokio::spawn(async move {
            connection::serve(stream, connection).await;
            drop(seat);
        });
        Ok(())
    }
}

/// Deals connections out until the drain.
async fn accept(
    door: Door,
    listener: TcpListener,
    is_inherited: bool,
    cores: Vec<Core>,
    drain: Drain,
) {
    let listener = match listen::acceptor(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "Cannot accept connections"),
    };
    let deal = async |(stream, peer)| {
        let fewest = cores.iter().min_by_key(|core| core.load.load(Relaxed));
        let core = fewest.expect("there is at least one core");
        core.load.fetch_add(1, Relaxed);
        // A core that takes no more is on its way out, and so are we.
        drop(core.inbox.send(Accepted { stream, peer, door }).await);
    };
    let mut draining = pin!(drain.begun());
    loop {
        tokio::select! {
            accepted = listen::accept(&listener) => deal(accepted).await,
            () = &mut draining => break,
        }
    }
    // systemd keeps its socket open, and whoever waits there for our successor.
    if !is_inherited {
        listen::shut_door(&listener);
        while let Ok(accepted) = tokio::time::timeout(LAST_IN, listen::accept(&listener)).await {
            deal(accepted).await;
        }
        // To close ours would not do where a process forked off from this one has a copy of it.
        drop(socket2::SockRef::from(&listener).shutdown(std::net::Shutdown::Both));
    }
}
