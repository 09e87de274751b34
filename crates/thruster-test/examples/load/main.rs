//! What `bin/bench` needs beside wrk and h2load: requests at an even rate, messages over WebSockets, streams of events,
//! and the origin for what nginx cannot be.
//!
//!     cargo run --release -p thruster-test --example load -- steady ADDRESS REQUEST.txt CONNECTIONS RATE SECONDS
//!                                                            echo ADDRESS CONNECTIONS RATE SECONDS
//!                                                            events ADDRESS CONNECTIONS SECONDS
//!                                                            origin ADDRESS EVENTS_PER_SECOND
//!
//! A rate is that of all connections together; at 0 each asks as soon as it has been answered. Clients say READY when they
//! are connected, and begin when they get a line.

mod answer;
mod echo;
mod events;
mod origin;
mod pace;
mod steady;
mod waits;

use std::io;
use std::str::FromStr;
use std::time::Duration;

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let waits = match words[..] {
            ["steady", address, file, connections, rate, time] => {
                let load = pace::Load::new(number(connections), number(rate), seconds(time));
                steady::run(number(address), std::fs::read(file)?, load).await?
            }
            ["echo", address, connections, rate, time] => {
                let load = pace::Load::new(number(connections), number(rate), seconds(time));
                echo::run(number(address), load).await?
            }
            ["events", address, connections, time] => {
                events::run(number(address), number(connections), seconds(time)).await?
            }
            ["origin", address, rate] => return origin::run(number(address), number(rate)).await,
            _ => panic!("see the head of this example for what it can do"),
        };
        waits.print();
        Ok(())
    })
}

fn number<T: FromStr>(word: &str) -> T {
    word.parse().unwrap_or_else(|_| panic!("what is {word}?"))
}

fn seconds(word: &str) -> Duration {
    Duration::from_secs_f64(number(word))
}
