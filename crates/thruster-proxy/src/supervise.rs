//! The command from its start to its end: what it hears of our signals, when our ports open and
//! when they close.

use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::cache::Store;
use crate::child::{Child, Given};
use crate::config::Config;
use crate::control::Control;
use crate::log::Log;
use crate::notify::{READY, STOPPING, notify};
use crate::run::{self, Draining, Server};
use crate::signals::{self, Signal};
use crate::upstream::Target;
use crate::{descriptors, listen, thread};

/// How long the command may take to go before the log says that it has not.
const OVERDUE: Duration = Duration::from_secs(10);

/// How long a child that was signalled together with us is given to leave by itself.
const TOGETHER: Duration = Duration::from_millis(300);

/// Pauses between two looks at whether the child accepts connections.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

enum Event {
    Signal(Signal),
    /// There will be no more of them.
    Deaf(io::Error),
    /// The child accepts connections.
    Accepting,
    /// The last connection has ended.
    Drained,
}

/// Serves in front of `command` until it ends, and returns its exit status.
///
/// # Errors
/// What kept us from it, in words for the person who started us.
pub fn supervise(
    config: &Config,
    log: &Log,
    command: &OsString,
    arguments: &[OsString],
) -> Result<u8, String> {
    listen::keep_inherited(config.listen.inherited);
    let descriptors = descriptors::raise().map_err(|e| format!("no limit on open files: {e}"))?;
    let store = Store::open(config);
    let (sender, events) = channel();
    // Ports first: if they cannot be had, there is no point in starting anything.
    let server = match config.boot.bind_when_ready {
        false => Some(Server::start(config, log, &store)?),
        true => None,
    };
    listen_for_signals(sender.clone())?;
    let control = open_control(config, &store)?;
    let given = Given {
        port: config.upstream.port,
        control: control.as_ref().map(Control::path),
        x_sendfile: config.files.x_sendfile,
    };
    let child =
        Child::start(command, arguments, given, descriptors).map_err(|error| error.to_string())?;
    if server.is_none() || config.notify_socket.is_some() {
        look_for_child(&config.upstream, sender.clone())?;
    }
    let front = server.map_or(Front::Closed, Front::Open);
    let mut supervisor =
        Supervisor { config, log, store, child, front, sender, stop: None, complaint: None };
    let status = supervisor.wait(&events)?;
    tracing::debug!(status, "The command has ended");
    let store = supervisor.leave();
    drop(control);
    store.close();
    Ok(status)
}

struct Supervisor<'c> {
    config: &'c Config,
    log: &'c Log,
    store: Arc<Store>,
    child: Child,
    front: Front,
    sender: Sender<Event>,
    stop: Option<Stop>,
    /// Why this cannot go on; told when the command has ended.
    complaint: Option<String>,
}

/// What clients find.
enum Front {
    /// Nothing yet (BIND_WHEN_READY).
    Closed,
    Open(Server),
    /// Answers to what they have asked, and no more.
    Draining(Draining),
}

/// A stop under way.
struct Stop {
    began: Instant,
    /// The signal that the child has not been told yet.
    held: Option<libc::c_int>,
    /// When something is to be done about it.
    due: Option<Instant>,
}

impl Supervisor<'_> {
    /// Passes signals on until the command ends.
    fn wait(&mut self, events: &Receiver<Event>) -> Result<u8, String> {
        loop {
            let event = match self.stop.as_ref().and_then(|stop| stop.due) {
                Some(due) => events.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match event {
                Ok(Event::Signal(Signal::ChildEnded)) => {
                    if let Some(status) = self.child.reap() {
                        return self.complaint.take().map_or(Ok(status), Err);
                    }
                }
                Ok(Event::Signal(Signal::Forward(number))) => self.pass(number, false),
                Ok(Event::Signal(Signal::FromTerminal(number))) => self.pass(number, true),
                Ok(Event::Accepting) => self.child_accepts(),
                Ok(Event::Drained) => self.drained(),
                Err(RecvTimeoutError::Timeout) => self.overdue(),
                Ok(Event::Deaf(error)) => return Err(format!("signals no longer arrive: {error}")),
                Err(RecvTimeoutError::Disconnected) => unreachable!("we hold a sender ourselves"),
            }
        }
    }

    /// The first TERM or INT begins the stop, and is held until the last answer is out. All else
    /// goes to the child at once, unless the terminal has told it already.
    fn pass(&mut self, number: libc::c_int, is_known: bool) {
        let is_stop = matches!(number, libc::SIGTERM | libc::SIGINT);
        if is_stop && self.stop.is_none() {
            return self.begin_stop((!is_known).then_some(number));
        }
        if is_stop {
            self.release();
        }
        // For certificates that are to be read at once; it is the child's as well.
        if number == libc::SIGHUP
            && let Front::Open(server) = &self.front
        {
            server.reload();
        }
        if !is_known {
            self.child.signal(number);
        }
    }

    fn begin_stop(&mut self, held: Option<libc::c_int>) {
        tracing::info!("Stopping");
        notify(self.config.notify_socket.as_deref(), STOPPING);
        let patience = if held.is_some() { self.config.drain_timeout } else { OVERDUE };
        let began = Instant::now();
        self.stop = Some(Stop { began, held, due: Some(began + patience) });
        match std::mem::replace(&mut self.front, Front::Closed) {
            Front::Open(server) => {
                let sender = self.sender.clone();
                // Nobody is left to hear it once the child has ended.
                self.front =
                    Front::Draining(server.drain(move || drop(sender.send(Event::Drained))));
            }
            front => {
                self.front = front;
                self.release();
            }
        }
    }

    /// The last answer is out. A signal to our whole group has reached the child too: it is
    /// better not told twice while it leaves on the first.
    fn drained(&mut self) {
        match &mut self.stop {
            Some(stop) if stop.held.is_some() => stop.due = Some(stop.began + TOGETHER),
            _ => self.release(),
        }
    }

    /// Tells the child what has been held back.
    fn release(&mut self) {
        if let Some(stop) = &mut self.stop
            && let Some(number) = stop.held.take()
        {
            self.child.signal(number);
            stop.due = Some(Instant::now() + OVERDUE);
        }
    }

    fn overdue(&mut self) {
        if self.stop.as_ref().is_some_and(|stop| stop.held.is_some()) {
            return self.release();
        }
        tracing::warn!("The command has not ended yet");
        if let Some(stop) = &mut self.stop {
            stop.due = None;
        }
    }

    fn child_accepts(&mut self) {
        if self.stop.is_some() {
            return;
        }
        if let Front::Closed = self.front {
            match Server::start(self.config, self.log, &self.store) {
                Ok(server) => self.front = Front::Open(server),
                Err(complaint) => {
                    self.complaint = Some(complaint);
                    return self.begin_stop(Some(libc::SIGTERM));
                }
            }
        }
        notify(self.config.notify_socket.as_deref(), READY);
    }

    fn leave(self) -> Arc<Store> {
        match self.front {
            Front::Closed => {}
            Front::Open(server) => server.drain(|| ()).end(),
            Front::Draining(draining) => draining.end(),
        }
        self.store
    }
}

/// Where nobody chose a place for it, we can do without.
fn open_control(config: &Config, store: &Arc<Store>) -> Result<Option<Control>, String> {
    if let Some(path) = config.cache.control_socket.as_deref() {
        return run::open_control(path, store).map(Some);
    }
    let control = Control::start(None, store);
    Ok(control
        .inspect_err(|error| {
            tracing::warn!(%error, "No control socket, so the cache cannot be purged");
        })
        .ok())
}

fn listen_for_signals(sender: Sender<Event>) -> Result<(), String> {
    let listen = move || {
        loop {
            match signals::next() {
                Ok(signal) if sender.send(Event::Signal(signal)).is_err() => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Nobody is left to hear it once the child has ended.
                Err(error) => return drop(sender.send(Event::Deaf(error))),
            }
        }
    };
    spawn("signals", listen)
}

/// Connects until somebody accepts. Only for those who need to know before the first request:
/// the child sees a connection on which nothing is said.
fn look_for_child(upstream: &crate::config::Upstream, sender: Sender<Event>) -> Result<(), String> {
    let target = Target::new(upstream);
    let look = move || {
        while target.connect_blocking().is_err() {
            std::thread::sleep(LOOK_AGAIN);
        }
        // Nobody is left to hear it once the child has ended.
        drop(sender.send(Event::Accepting));
    };
    spawn("boot", look)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), String> {
    thread::spawn(name, run).map(drop).map_err(|error| format!("cannot start a thread: {error}"))
}
