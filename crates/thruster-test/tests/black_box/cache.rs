//! What is kept of the application's answers, for whom, and what its clients are told of it.

mod bursts;
mod collapsing;
mod compression;
mod conditionals;
mod explaining;
mod invalidation;
mod keys;
mod ranges;
mod reasons;
mod revalidation;
mod rules;
mod stale;
mod vary;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

use thruster_test::{Client, Exchange, PATIENCE, Response, Upstream, upstream};

/// Stale when it comes, and kept all the same: it may stand in for an error.
const STALE: &str = "Cache-Control: max-age=60, stale-if-error=600\nAge: 100\nETag: \"a\"";

/// A child whose answers all have these fields, and as their body how many it has given.
fn counting(fields: &'static str) -> Upstream {
    numbering(move |exchange, number| exchange.answer(200, fields, &number.to_string()))
}

/// A child that answers by this, which is told the number of the request, from 1.
fn numbering(answer: impl Fn(&mut Exchange, usize) + Send + Sync + 'static) -> Upstream {
    let count = AtomicUsize::new(0);
    upstream(move |exchange| {
        exchange.body();
        let number = count.fetch_add(1, SeqCst) + 1;
        answer(exchange, number);
    })
}

/// The row of a table that a request to `/0`, `/1` and so on is about.
fn row<'a, Row>(exchange: &Exchange, rows: &'a [Row]) -> &'a Row {
    let number: usize = exchange.target()[1..].parse().expect("the number of a row");
    &rows[number]
}

/// X-Cache and the body.
fn got(response: &Response) -> (&str, &str) {
    (response.header("x-cache"), response.text())
}

/// What our member of Cache-Status says under this name; "" where it only names it.
fn said<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let ours = response.all("cache-status").last().copied().unwrap_or_default();
    let mut parts = ours.split("; ");
    assert_eq!(parts.next(), Some("thruster"), "{ours}");
    let mut pairs = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
    pairs.find(|pair| pair.0 == name).map(|pair| pair.1)
}

/// The seconds for which the answer stays fresh, as we are told.
fn ttl(response: &Response) -> i64 {
    said(response, "ttl").and_then(|ttl| ttl.parse().ok()).expect("a ttl in whole seconds")
}

/// Asks until the answer fits: for what happens behind the client's back.
fn get_until(client: &mut Client, target: &str, fits: impl Fn(&Response) -> bool) -> Response {
    ask_until(client, target, "", fits)
}

/// The same with fields.
fn ask_until(
    client: &mut Client,
    target: &str,
    fields: &str,
    fits: impl Fn(&Response) -> bool,
) -> Response {
    let until = Instant::now() + PATIENCE;
    loop {
        let response = client.ask("GET", target, fields);
        if fits(&response) {
            return response;
        }
        assert!(Instant::now() < until, "still {response:?}");
    }
}
