//! The front without a command, for a program that is or has the web server itself, such as a Ruby
//! process under test. It takes over no signal, no stream and no exit, and leaves nothing behind.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::cache::Store;
use crate::config::Config;
use crate::control::Control;
use crate::log::{Diagnostics, Log};
use crate::run::{self, Server};
use crate::{signals, thread};

/// A front that serves, on threads of its own, until it is stopped or dropped. To drop it is to
/// stop it without waiting.
pub struct Front {
    http: SocketAddr,
    https: Option<SocketAddr>,
    order: Sender<Stopped>,
    thread: JoinHandle<()>,
}

/// What is called when there is nothing left of a front but the thread that calls it.
type Stopped = Box<dyn FnOnce() + Send>;

/// All that has to be ended.
struct Parts {
    server: Server,
    control: Option<Control>,
    log: Option<Log>,
    patience: Duration,
}

impl Front {
    /// Binds and begins to serve. What it has to say goes to stdout if LOG_REQUESTS or DEBUG is
    /// on, else nowhere. Requests wait up to BOOT_TIMEOUT for the server behind it.
    ///
    /// # Errors
    /// What kept it from that, in words for the person who started it.
    pub fn start(config: &Config) -> Result<Self, String> {
        // The signals are the program's.
        let started = signals::unheard(|| match config.log.requests || config.log.debug {
            false => Self::start_with(config, None),
            true => {
                let log = Log::to(io::stdout(), run::style(config.log.format))
                    .map_err(|error| format!("cannot start logging: {error}"))?;
                let diagnostics = Diagnostics::new(log.clone(), config.log.debug).into();
                tracing::dispatcher::with_default(&diagnostics, || {
                    Self::start_with(config, Some(log.clone()))
                })
                .inspect_err(|_| log.close())
            }
        });
        started.map_err(|error| format!("cannot leave signals alone: {error}"))?
    }

    fn start_with(config: &Config, log: Option<Log>) -> Result<Self, String> {
        let store = Store::open(config);
        let chosen = config.cache.control_socket.as_deref();
        let control = chosen.map(|path| run::open_control(path, &store)).transpose()?;
        let server = Server::start(config, &log.clone().unwrap_or_else(Log::nowhere), &store)?;
        let (http, https) = (server.http, server.https);
        let parts = Parts { server, control, log, patience: config.drain_timeout };
        let (order, orders) = channel::<Stopped>();
        let thread = thread::spawn("front", move || {
            // Nobody is left to give the order if the front was dropped.
            let stopped = orders.recv().ok();
            parts.end();
            stopped.into_iter().for_each(|stopped| stopped());
        });
        let thread = thread.map_err(|error| format!("cannot start a thread: {error}"))?;
        Ok(Front { http, https, order, thread })
    }

    /// Where it listens for HTTP.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where it listens for TLS.
    pub fn https(&self) -> Option<SocketAddr> {
        self.https
    }

    /// Lets what is under way finish, for DRAIN_TIMEOUT at most, and calls `stopped` when all is
    /// over. Returns at once; the thread it returns is the last, and ends then.
    pub fn stop(self, stopped: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
        // A thread that has ended already needs no order.
        drop(self.order.send(Box::new(stopped)));
        self.thread
    }
}

impl Parts {
    fn end(self) {
        self.server.stop(self.patience);
        drop(self.control);
        if let Some(log) = self.log {
            log.close();
        }
    }
}
