//! `Thruster::Native::Front`: one front, which can be started and stopped again and again, by
//! several threads at once, and belongs to the process that started it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use magnus::prelude::*;
use magnus::{Error, ExceptionClass, RClass, RHash, RModule, Ruby, function, method};
use thruster_proxy::config::Config;

use crate::gate::Gate;
use crate::{gvl, settings};

#[magnus::wrap(class = "Thruster::Native::Front", free_immediately)]
struct Front {
    config: Config,
    shared: Arc<Shared>,
}

struct Shared {
    /// The process that started it last, or 0. Its threads are not in its forks.
    owner: AtomicU32,
    /// Only held for a moment, and never by one who waits for anything else.
    state: Mutex<State>,
}

/// A start under way. Dropped, even by a panic, it leaves a stopped server to those who wait.
struct Starting<'a> {
    shared: &'a Shared,
    gate: Arc<Gate>,
    becomes: State,
}

enum State {
    Stopped,
    /// On its way from one of the others to another.
    Changing(Arc<Gate>),
    Running(thruster_proxy::Front),
}

pub fn define(ruby: &Ruby, native: RModule) -> Result<(), Error> {
    let front = native.define_class("Front", ruby.class_object())?;
    front.undef_default_alloc_func();
    front.define_singleton_method("new", function!(Front::new, 1))?;
    front.define_method("start", method!(Front::start, 0))?;
    front.define_method("stop", method!(Front::stop, 0))?;
    front.define_method("running?", method!(Front::is_running, 0))?;
    front.define_method("port", method!(Front::port, 0))?;
    front.define_method("https_port", method!(Front::https_port, 0))
}

impl Front {
    fn new(ruby: &Ruby, texts: RHash) -> Result<Self, Error> {
        let config = settings::parse(ruby, texts)?;
        let shared = Shared { owner: AtomicU32::new(0), state: Mutex::new(State::Stopped) };
        Ok(Front { config, shared: Arc::new(shared) })
    }

    fn start(ruby: &Ruby, this: &Self) -> Result<(), Error> {
        loop {
            this.check_owner(ruby)?;
            let state = this.shared.lock();
            match &*state {
                State::Running(_) => return Ok(()),
                State::Changing(gate) => {
                    let gate = gate.clone();
                    drop(state);
                    gate.pass()?;
                }
                State::Stopped => {
                    drop(state);
                    // All of it without Ruby's lock: a trap may run right before that is given up
                    // and as soon as it is back, and may well stop this server.
                    let begin = || {
                        let start = Starting::new(&this.shared)?;
                        Some(thruster_proxy::Front::start(&this.config).map(|f| start.succeed(f)))
                    };
                    match gvl::released(begin, &|| ())? {
                        Some(Some(Ok(()))) => return Ok(()),
                        Some(Some(Err(complaint))) => return Err(server_error(ruby, complaint)),
                        // Another thread was quicker.
                        Some(None) => {}
                        None => gvl::check_interrupts()?,
                    }
                }
            }
        }
    }

    fn stop(ruby: &Ruby, this: &Self) -> Result<(), Error> {
        this.check_owner(ruby)?;
        loop {
            let mut state = this.shared.lock();
            let gate = match std::mem::replace(&mut *state, State::Stopped) {
                State::Stopped => return Ok(()),
                State::Changing(gate) => gate,
                State::Running(front) => {
                    let gate = Arc::new(Gate::default());
                    let (shared, opened) = (this.shared.clone(), gate.clone());
                    gate.opens_with(front.stop(move || {
                        shared.become_(State::Stopped);
                        opened.open();
                    }));
                    gate
                }
            };
            *state = State::Changing(gate.clone());
            drop(state);
            gate.pass()?;
        }
    }

    fn is_running(&self) -> bool {
        self.shared.has_no_other_owner() && matches!(*self.shared.lock(), State::Running(_))
    }

    fn port(ruby: &Ruby, this: &Self) -> Result<Option<u16>, Error> {
        this.address(ruby, |front| Some(front.http()))
    }

    fn https_port(ruby: &Ruby, this: &Self) -> Result<Option<u16>, Error> {
        this.address(ruby, thruster_proxy::Front::https)
    }

    fn address(
        &self,
        ruby: &Ruby,
        address: impl Fn(&thruster_proxy::Front) -> Option<SocketAddr>,
    ) -> Result<Option<u16>, Error> {
        self.check_owner(ruby)?;
        Ok(match &*self.shared.lock() {
            State::Running(front) => address(front).map(|address| address.port()),
            State::Stopped | State::Changing(_) => None,
        })
    }

    fn check_owner(&self, ruby: &Ruby) -> Result<(), Error> {
        if self.shared.has_no_other_owner() {
            return Ok(());
        }
        let owner = self.shared.owner.load(SeqCst);
        let text = format!(
            "this server was started by process {owner}, of which this one is a fork, and its \
             threads have stayed there: make a new server after the fork"
        );
        Err(server_error(ruby, text))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn become_(&self, state: State) {
        *self.lock() = state;
    }

    /// Whether this process may use it. One that was stopped before a fork is anybody's; a lock
    /// that was held during the fork stays so in the child, where nobody is left to release it.
    fn has_no_other_owner(&self) -> bool {
        [0, std::process::id()].contains(&self.owner.load(SeqCst)) || self.is_seen_stopped()
    }

    fn is_seen_stopped(&self) -> bool {
        match self.state.try_lock() {
            Ok(state) => matches!(*state, State::Stopped),
            Err(TryLockError::Poisoned(error)) => matches!(**error.get_ref(), State::Stopped),
            Err(TryLockError::WouldBlock) => false,
        }
    }
}

impl<'a> Starting<'a> {
    /// None if it is not stopped.
    fn new(shared: &'a Shared) -> Option<Self> {
        let mut state = shared.lock();
        if !matches!(*state, State::Stopped) {
            return None;
        }
        let gate = Arc::new(Gate::default());
        *state = State::Changing(gate.clone());
        shared.owner.store(std::process::id(), SeqCst);
        Some(Starting { shared, gate, becomes: State::Stopped })
    }

    fn succeed(mut self, front: thruster_proxy::Front) {
        self.becomes = State::Running(front);
    }
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.shared.become_(std::mem::replace(&mut self.becomes, State::Stopped));
        self.gate.open();
    }
}

impl Drop for Front {
    /// The garbage collector does not wait: to drop a front that runs is to stop it without
    /// waiting. In a fork there is nothing to stop.
    fn drop(&mut self) {
        if !self.shared.has_no_other_owner() {
            std::mem::forget(self.shared.clone());
        }
    }
}

fn server_error(ruby: &Ruby, text: String) -> Error {
    let class = ruby.define_module("Thruster").and_then(|thruster| {
        thruster.const_get::<_, RClass>("Server")?.const_get::<_, ExceptionClass>("Error")
    });
    class.map_or_else(|error| error, |class| Error::new(class, text))
}
