//! Crowds: however they fall, nobody asks twice for what is being asked for, and nobody gets what
//! somebody else has asked for.

use std::sync::Barrier;

use super::{got, numbering};
use thruster_test::{thrust, upstream};

const CROWD: usize = 12;
const ROUNDS: usize = 40;

#[test]
fn a_crowd_is_one_request_however_it_falls() {
    let app = numbering(|exchange, number| {
        exchange.answer(200, "Cache-Control: max-age=60", &number.to_string());
    });
    let proxy = thrust().run(&app);
    let barrier = Barrier::new(CROWD);
    std::thread::scope(|scope| {
        for _ in 0..CROWD {
            let (mut client, barrier) = (proxy.connect(), &barrier);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    barrier.wait();
                    assert_eq!(client.get(&format!("/{round}")).status, 200);
                }
            });
        }
    });
    (0..ROUNDS).for_each(|_| drop(app.received()));
    assert!(app.has_received_nothing(), "more than {ROUNDS} requests");
}

#[test]
fn a_crowd_is_never_mixed_up() {
    let app = upstream(|exchange| {
        let size = 1 + exchange.target().len() * 1000 % 7919;
        let body = exchange.target().repeat(size / exchange.target().len());
        let fields = match exchange.target().ends_with('3') {
            true => "Cache-Control: private",
            false => "Cache-Control: max-age=60",
        };
        exchange.answer(200, fields, &body);
    });
    // Small enough that most of it is pushed out again and again.
    let proxy = thrust().with("CACHE_SIZE", "100KB").run(&app);
    std::thread::scope(|scope| {
        for thread in 0..CROWD {
            let mut client = proxy.connect();
            scope.spawn(move || {
                for number in 0..300 {
                    let target = format!(
                        "/{}",
                        "x".repeat((thread + number) % 7) + &(number * 7 % 50).to_string()
                    );
                    let response = client.get(&target);
                    assert_eq!(response.status, 200);
                    assert!(
                        response.text().split_inclusive(&target).all(|part| part == target),
                        "{target}"
                    );
                    let is_private = target.ends_with('3');
                    assert!(!is_private || response.header("x-cache") == "miss", "{target}");
                }
            });
        }
    });
}

#[test]
fn one_hit_wonders_do_not_flush_what_is_wanted() {
    let app =
        upstream(|exchange| exchange.answer(200, "Cache-Control: max-age=60", &"x".repeat(1000)));
    let proxy = thrust().with("CACHE_SIZE", "200KB").run(&app);
    let mut client = proxy.connect();
    for _ in 0..5 {
        for wanted in 0..20 {
            client.get(&format!("/wanted/{wanted}"));
        }
    }
    for once in 0..2000 {
        client.get(&format!("/once/{once}"));
    }
    let hits = (0..20).filter(|wanted| got(&client.get(&format!("/wanted/{wanted}"))).0 == "hit");
    let hits = hits.count();
    assert!(hits >= 15, "{hits} of 20 are left");
}

#[test]
fn memory_stays_within_what_was_given() {
    let app =
        upstream(|exchange| exchange.answer(200, "Cache-Control: max-age=60", &"x".repeat(10_000)));
    let proxy = thrust().with("CACHE_SIZE", "4MB").with("LOG_REQUESTS", false).run(&app);
    let before = proxy.memory();
    let mut client = proxy.connect();
    // 40 MB, each twice, so that all of it would be wanted.
    for number in 0..4000 {
        for _ in 0..2 {
            client.get(&format!("/{number}"));
        }
    }
    let grown = proxy.memory().saturating_sub(before);
    assert!(grown < 12_000_000, "{grown} bytes more");
}
