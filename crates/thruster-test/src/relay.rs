//! A port that stands for another one, which may not be known yet.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::PATIENCE;

pub(crate) struct Relay {
    pub port: u16,
    goal: Arc<(Mutex<Goal>, Condvar)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Goal {
    /// Who comes waits.
    Unknown,
    /// Who comes is hung up on.
    Nobody,
    At(SocketAddr),
}

impl Relay {
    pub fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let goal = Arc::new((Mutex::new(Goal::Unknown), Condvar::new()));
        let known = goal.clone();
        // The thread ends with the test's process; threads that only wait cost nothing.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let goal = known.clone();
                std::thread::spawn(move || drop(pass(&stream, &goal)));
            }
        });
        Relay { port, goal }
    }

    pub fn lead_to(&self, address: SocketAddr) {
        self.set(Goal::At(address));
    }

    pub fn lead_nowhere(&self) {
        self.set(Goal::Nobody);
    }

    fn set(&self, goal: Goal) {
        *self.goal.0.lock().unwrap_or_else(PoisonError::into_inner) = goal;
        self.goal.1.notify_all();
    }
}

fn pass(here: &TcpStream, goal: &(Mutex<Goal>, Condvar)) -> io::Result<()> {
    let known = goal.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = goal.1.wait_timeout_while(known, PATIENCE, |goal| *goal == Goal::Unknown);
    let goal = *waited.unwrap_or_else(PoisonError::into_inner).0;
    let Goal::At(address) = goal else { return Ok(()) };
    let there = TcpStream::connect(address)?;
    std::thread::scope(|threads| {
        threads.spawn(|| copy(here, &there));
        copy(&there, here);
    });
    Ok(())
}

/// What one side says until it ends, in whatever way, to the other, if that still listens.
fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    drop(io::copy(&mut from, &mut to));
    drop(to.shutdown(Shutdown::Write));
}
