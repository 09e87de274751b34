//! Mixed load for a while, and what is left of it: nothing. About ten seconds; set
//! THRUST_SOAK_SECONDS for more.

mod app;
mod clients;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use thruster_test::{PATIENCE, Thrust, Upstream, pace, thrust, upstream};

use self::clients::CLIENTS;

/// Threads for each kind of client.
const EACH: usize = 2;

/// Connections to the child that may wait for more work: as many as there were requests at once.
const KEPT: usize = EACH * CLIENTS.len() * 2;

/// What the allocator may hold on to. Ten seconds leave one MiB more than the warm-up, and so do
/// minutes; a leak of one small thing a request would be tens.
const SLACK: u64 = 8 << 20;

/// What has been logged: requests by status.
type Tally = BTreeMap<u64, usize>;

#[test]
fn mixed_load_leaves_nothing_behind() {
    let seconds = std::env::var("THRUST_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(10));
    let app = upstream(app::answer);
    let proxy = thrust().with("H2C_ENABLED", 1).run(&app);

    let mut tally = Tally::new();
    load(&proxy, &app, time / 4, &mut tally);
    descriptors_fall_to(&proxy, &app, KEPT + 20, &mut tally);
    let (warm, memory) = (proxy.descriptors(), proxy.memory());
    load(&proxy, &app, time, &mut tally);
    descriptors_fall_to(&proxy, &app, warm + KEPT, &mut tally);
    let (descriptors, after) = (proxy.descriptors(), proxy.memory());

    println!("requests by status: {tally:?}");
    println!("descriptors: {warm} warm, {descriptors} after");
    println!("memory: {} KiB warm, {} KiB after", memory / 1024, after / 1024);
    assert!(after < memory + SLACK, "memory has grown from {memory} to {after} bytes");
    // Whatever became of the others, nobody was told that the child had failed.
    let strange: Vec<_> = tally.keys().filter(|status| ![200, 101, 499].contains(status)).collect();
    assert!(strange.is_empty(), "{tally:?}");
    assert_eq!(proxy.connect().get("/bytes/5").body, b"xxxxx");
}

/// All kinds of clients at once.
fn load(proxy: &Thrust, app: &Upstream, time: Duration, tally: &mut Tally) {
    let address = proxy.address();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for seed in 0..EACH {
            for (number, client) in CLIENTS.iter().enumerate() {
                let is_over = &is_over;
                scope.spawn(move || {
                    let mut dice = fastrand::Rng::with_seed((seed * CLIENTS.len() + number) as u64);
                    while !is_over.load(Relaxed) {
                        client(address, &mut dice);
                    }
                });
            }
        }
        let until = Instant::now() + time;
        while Instant::now() < until {
            count(proxy, app, tally);
            pace(Duration::from_millis(20));
        }
        is_over.store(true, Relaxed);
    });
    count(proxy, app, tally);
}

/// Takes what has been logged and received out of memory.
fn count(proxy: &Thrust, app: &Upstream, tally: &mut Tally) {
    for line in proxy.unread_requests() {
        let status = line["status"].as_u64().filter(|_| line["path"] != Value::Null);
        *tally.entry(status.expect("a request line has a status")).or_default() += 1;
    }
    while !app.has_received_nothing() {}
}

/// Waits until the last connections have said goodbye.
fn descriptors_fall_to(proxy: &Thrust, app: &Upstream, most: usize, tally: &mut Tally) {
    let until = Instant::now() + PATIENCE;
    while proxy.descriptors() > most {
        assert!(Instant::now() < until, "{} descriptors are still open", proxy.descriptors());
        pace(Duration::from_millis(20));
        count(proxy, app, tally);
    }
}
