//! Connections to the child that wait for another request. One pool a core, so the lock is
//! never contended; the youngest is used first, so that the surplus grows old and goes.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use super::connection::Connection;

/// Puma closes idle connections after 20 s (versions 3 to 6) or more. Ours go well before.
const IDLE: Duration = Duration::from_secs(15);

pub struct Pool {
    port: u16,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub fn new(port: u16) -> Self {
        Pool { port, idle: Mutex::new(Vec::new()) }
    }

    /// An idle connection that, as far as can be known, is still open.
    pub fn take(&self) -> Option<Connection> {
        // Nobody needs to be woken for a mere look.
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            let mut connection = self.lock().pop()?;
            if connection.is_ready(&mut cx) {
                return Some(connection);
            }
        }
    }

    pub async fn connect(&self) -> io::Result<Connection> {
        Connection::open(self.port).await
    }

    /// Keeps a connection whose exchange is over.
    pub fn put(&self, mut connection: Connection) {
        connection.idle_since = Instant::now();
        self.lock().push(connection);
    }

    /// Closes what has been idle for long.
    pub fn sweep(&self, now: Instant) {
        // They are in the order in which they were put back.
        let mut idle = self.lock();
        let old = idle.partition_point(|c| now.saturating_duration_since(c.idle_since) >= IDLE);
        idle.drain(..old);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
