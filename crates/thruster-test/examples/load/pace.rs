//! When each connection asks next: evenly spread over all of them, whatever the answers take.

use std::io;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

/// For the last answers, when the time is over.
const PATIENCE: Duration = Duration::from_secs(20);

/// Says that all connections are there, and waits for a line: what opening them has cost can be told apart by then.
pub fn begin() -> io::Result<Instant> {
    println!("READY");
    io::stdin().read_line(&mut String::new())?;
    Ok(Instant::now())
}

/// Waits for all of them, but not for ever: an answer that never comes is to be told of.
pub async fn join<T>(tasks: Vec<JoinHandle<io::Result<T>>>, time: Duration) -> io::Result<Vec<T>> {
    let all = async {
        let mut values = Vec::new();
        for task in tasks {
            values.push(task.await.expect("no panic")?);
        }
        Ok(values)
    };
    tokio::time::timeout(time + PATIENCE, all).await?
}

#[derive(Clone, Copy)]
pub struct Load {
    pub connections: usize,
    /// Of all connections together, a second; 0 is as fast as they can.
    rate: f64,
    pub time: Duration,
}

impl Load {
    pub fn new(connections: usize, rate: f64, time: Duration) -> Self {
        Self { connections, rate, time }
    }

    /// That of the connection with this number, from 0.
    pub fn pace(self, begin: Instant, connection: usize) -> Pace {
        let every =
            (self.rate > 0.0).then(|| Duration::from_secs_f64(self.connections as f64 / self.rate));
        let share = connection as f64 / self.connections as f64;
        Pace {
            due: begin + every.unwrap_or_default().mul_f64(share),
            every,
            end: begin + self.time,
        }
    }
}

pub struct Pace {
    due: Instant,
    every: Option<Duration>,
    end: Instant,
}

impl Pace {
    /// Returns when it is time to ask, and since when the answer is waited for; nothing when the time is over.
    ///
    /// Who was still waiting for the last answer has been waiting for the next since it was due: a server does not get
    /// away with slowing its clients down. That our own timer rings late, by up to a millisecond, is not its fault.
    pub async fn next(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let Some(every) = self.every else { return (now < self.end).then_some(now) };
        let due = self.due;
        if due >= self.end {
            return None;
        }
        self.due += every;
        if due <= now {
            return Some(due);
        }
        tokio::time::sleep_until(due.into()).await;
        Some(Instant::now())
    }
}
