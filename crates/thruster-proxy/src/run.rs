//! Wires everything: the only file that knows all the others. [`Server`] is the front alone;
//! [`run`] is the front and the command behind it, for the executable.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::cache::Store;
use crate::config::{Config, LogFormat};
use crate::control::Control;
use crate::cores::Cores;
use crate::drain::{self, Drainer};
use crate::listen::{self, Door};
use crate::log::{Diagnostics, Log, Style};
use crate::signals;
use crate::supervise::supervise;
use crate::thread;
use crate::tls::Tls;
use crate::to_https::ToHttps;

/// The front: listening, serving, until it is told to stop.
pub struct Server {
    pub http: SocketAddr,
    pub https: Option<SocketAddr>,
    cores: Cores,
    drainer: Drainer,
    store: Arc<Store>,
    tls: Option<Arc<Tls>>,
}

/// A front on its way out.
pub struct Draining {
    drainer: Drainer,
    ended: Receiver<()>,
}

impl Server {
    /// Binds and begins to serve.
    ///
    /// # Errors
    /// What kept it from that, in words for the person who started it.
    pub fn start(config: &Config, log: &Log, store: &Arc<Store>) -> Result<Self, String> {
        let tls = Tls::start(config)?;
        let open = |door| {
            let listener = listen::open(door, &config.listen, config.upstream.port);
            let listener = listener.map_err(|error| error.to_string())?;
            let address = listener.local_addr().map_err(|error| error.to_string())?;
            Ok::<_, String>((address, (door, listener)))
        };
        let (http, listener) = open(Door::Http)?;
        let secure = tls.is_some().then(|| open(Door::Https)).transpose()?;
        let (https, secure) = secure.unzip();
        let to_https = tls.as_ref().zip(https);
        let to_https = to_https.map(|(tls, https)| ToHttps::new(config, tls, https.port()));
        let listeners = [listener].into_iter().chain(secure).collect();
        let (drainer, drain) = drain::channel();
        let cores = Cores::start(config, log, listeners, (store, tls.as_ref(), to_https), &drain)
            .map_err(|error| format!("cannot start serving: {error}"))?;
        tls.as_ref()
            .map_or(Ok(()), |tls| tls.begin())
            .map_err(|error| format!("cannot ask for certificates: {error}"))?;
        match https {
            Some(https) => tracing::info!(%http, %https, "Server started"),
            None => tracing::info!(%http, "Server started"),
        }
        Ok(Server { http, https, cores, drainer, store: store.clone(), tls })
    }

    /// Reads again what may have changed: certificates.
    pub fn reload(&self) {
        if let Some(tls) = &self.tls {
            tls.reload();
        }
    }

    /// Stops accepting and lets exchanges finish; calls `drained` when the last has.
    pub fn drain(self, drained: impl FnOnce() + Send + 'static) -> Draining {
        self.drainer.begin();
        let (sender, ended) = channel();
        let (cores, store) = (self.cores, self.store);
        let wait = move || {
            cores.wait();
            drained();
            store.save();
            drop(sender);
        };
        // Without a thread to wait we only forget to wait.
        drop(thread::spawn("drain", wait));
        Draining { drainer: self.drainer, ended }
    }

    /// Stops accepting, lets exchanges finish for as long as `patience` lasts, and returns when
    /// nothing is left of the front.
    pub fn stop(self, patience: Duration) {
        self.drainer.begin();
        if !self.cores.has_ended(patience) {
            self.drainer.end();
        }
        self.cores.join();
        self.store.save();
        self.store.close();
    }
}

impl Draining {
    /// Nobody will answer any more: what can still be said is, for a few seconds at most.
    pub fn end(self) {
        self.drainer.end();
        // Nothing is ever sent: its end is the message.
        let _ = self.ended.recv();
    }
}

/// Serves in front of `command` until it ends, and returns the status to exit with.
pub fn run(config: &Config, command: &OsString, arguments: &[OsString]) -> u8 {
    // Before any thread: they inherit the mask.
    if let Err(error) = signals::block() {
        eprintln!("ERROR: cannot take charge of signals: {error}");
        return 1;
    }
    let log = match Log::to(io::stdout(), style(config.log.format)) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("ERROR: cannot start logging: {error}");
            return 1;
        }
    };
    let diagnostics = Diagnostics::new(log.clone(), config.log.debug);
    if tracing::subscriber::set_global_default(diagnostics).is_err() {
        eprintln!("ERROR: somebody else is logging in this process");
        return 1;
    }
    let status = supervise(config, &log, command, arguments).unwrap_or_else(|complaint| {
        eprintln!("ERROR: {complaint}");
        1
    });
    log.close();
    status
}

/// How the log looks on our stdout.
pub fn style(format: Option<LogFormat>) -> Style {
    let is_terminal = io::stdout().is_terminal();
    match format {
        Some(LogFormat::Json) => Style::Json,
        Some(LogFormat::Text) if !is_terminal => Style::Text,
        Some(LogFormat::Text) => Style::Colour,
        None if is_terminal => Style::Colour,
        None => Style::Json,
    }
}

/// Opens the control socket where somebody chose to have it.
///
/// # Errors
/// The system refused, in words for that person.
pub fn open_control(path: &Path, store: &Arc<Store>) -> Result<Control, String> {
    Control::start(Some(path), store)
        .map_err(|error| format!("cannot open the control socket {}: {error}", path.display()))
}
