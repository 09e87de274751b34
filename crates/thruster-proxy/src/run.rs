//! Wires everything: the only file that knows all the others. [`Server`] is the front alone;
//! [`run`] is the front and the command behind it, for the executable.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::sync::mpsc;

use crate::child::Child;
use crate::config::{Config, LogFormat};
use crate::cores::Cores;
use crate::drain::{self, Drainer};
use crate::log::{Diagnostics, Log, Style};
use crate::signals::{self, Signal};
use crate::{descriptors, listen};

/// The front: listening, serving, until it is told to stop.
pub struct Server {
    pub http: SocketAddr,
    cores: Cores,
    drainer: Drainer,
}

impl Server {
    /// Binds and begins to serve.
    ///
    /// # Errors
    /// What kept it from that, in words for the person who started it.
    pub fn start(config: &Config, log: &Log) -> Result<Self, String> {
        let listener =
            listen::bind_http(&config.listen, config.upstream.port).map_err(|e| e.to_string())?;
        let http = listener.local_addr().map_err(|e| e.to_string())?;
        let (drainer, drain) = drain::channel();
        let cores = Cores::start(config, log, listener, &drain)
            .map_err(|error| format!("cannot start serving: {error}"))?;
        Ok(Server { http, cores, drainer })
    }

    /// Stops: what can still be said is, for a few seconds at most.
    pub fn stop(self) {
        self.drainer.end();
        self.cores.wait();
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

fn supervise(
    config: &Config,
    log: &Log,
    command: &OsString,
    arguments: &[OsString],
) -> Result<u8, String> {
    tell_what_has_no_effect(config);
    let descriptors = descriptors::raise().map_err(|e| format!("no limit on open files: {e}"))?;
    let server = Server::start(config, log)?;
    tracing::info!(http = %server.http, "Server started");
    let signals = listen_for_signals()?;
    let child = Child::start(command, arguments, config.upstream.port, descriptors)
        .map_err(|error| error.to_string())?;
    let status = wait(&child, &signals)?;
    tracing::debug!(status, "The command has ended");
    server.stop();
    Ok(status)
}

/// Passes signals on until the command ends.
fn wait(child: &Child, signals: &mpsc::Receiver<Signal>) -> Result<u8, String> {
    loop {
        match signals.recv().map_err(|_| "signals no longer arrive".to_owned())? {
            Signal::Forward(number) => child.signal(number),
            Signal::FromTerminal(number) => {
                tracing::debug!(signal = number, "The terminal has told the command too");
            }
            Signal::ChildEnded => {
                if let Some(status) = child.reap() {
                    return Ok(status);
                }
            }
        }
    }
}

fn listen_for_signals() -> Result<mpsc::Receiver<Signal>, String> {
    let (sender, receiver) = mpsc::channel();
    let listen = move || {
        loop {
            match signals::next() {
                Ok(signal) if sender.send(signal).is_err() => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(listen)
        .map_err(|error| format!("cannot listen for signals: {error}"))?;
    Ok(receiver)
}

fn tell_what_has_no_effect(config: &Config) {
    for name in &config.without_effect {
        tracing::debug!(name, "This setting has no effect yet");
    }
    if !config.tls.domains.is_empty() {
        tracing::warn!("TLS_DOMAIN is set, but this version does not speak TLS yet");
    }
}

fn style(format: Option<LogFormat>) -> Style {
    let is_terminal = io::stdout().is_terminal();
    match format {
        Some(LogFormat::Json) => Style::Json,
        Some(LogFormat::Text) if !is_terminal => Style::Text,
        Some(LogFormat::Text) => Style::Colour,
        None if is_terminal => Style::Colour,
        None => Style::Json,
    }
}
