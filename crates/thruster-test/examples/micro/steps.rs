//! Single steps of a request's path, each taken again and again. They run in a process of their
//! own under valgrind, which says what comes next on its stdout and waits for a word to begin.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, DATE, ETAG, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use thruster_cache::memory::{Found, Memory};
use thruster_cache::reuse::{Reuse, reuse};
use thruster_cache::storable::plan;
use thruster_cache::{Body, Entry, Key, Life, Variant};
use thruster_proxy::compress::{Accepted, Coding, Encoder, encode};
use thruster_proxy::config::env;
use thruster_proxy::micro;

use crate::callgrind::Callgrind;
use crate::page;
use crate::tally::Tally;

pub const WORD: &str = "--take-steps";

/// Room for the most entries; the same for all, so that nothing but their number differs.
const CACHE_SIZE: u64 = 4 << 30;

/// Entries that are asked for, spread over all.
const POPULAR: usize = 1_000;

/// What a browser says, but for the codings that it takes.
pub const FIELDS: &str = "\
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
Accept-Language: en-GB,en;q=0.5
Referer: https://shop.example/products
Cookie: _shop_session=dGhpcyBpcyBub3QgYSBzZXNzaW9uLCBidXQgYXMgbG9uZyBhcyBvbmU%3D
Sec-Fetch-Dest: document
Sec-Fetch-Mode: navigate
Sec-Fetch-Site: same-origin
";

pub const CODINGS: &str = "gzip, deflate, br, zstd";

struct Step {
    name: &'static str,
    turns: u32,
    prepare: fn() -> Box<dyn FnMut()>,
}

const STEPS: [Step; 17] = [
    step("settings", 200, || {
        let variables = [("TARGET_PORT", "4000"), ("CACHE_SIZE", "128MB"), ("H2C_ENABLED", "1")];
        Box::new(move || drop(black_box(env::load(&variables)).expect("good settings")))
    }),
    step("HTTP/1 head", 2_000, || Box::new(micro::head_parsing(&head()))),
    step("header rewriting", 2_000, || Box::new(micro::header_rewriting(&head()))),
    step("negotiation", 5_000, || {
        let headers = fields(&[(ACCEPT_ENCODING, CODINGS)]);
        Box::new(move || {
            let accepted = Accepted::of(black_box(&headers));
            black_box(accepted.choose(&Coding::ALL)).expect("a coding");
        })
    }),
    step("cache look-up, 1,000 entries", 20_000, || look_up(1_000)),
    step("cache look-up, 10,000 entries", 20_000, || look_up(10_000)),
    step("cache look-up, 100,000 entries", 20_000, || look_up(100_000)),
    step("cache look-up, 1,000,000 entries", 20_000, || look_up(1_000_000)),
    step("freshness of what is kept", 5_000, || {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let life = Life::new(now - Duration::from_secs(60), Duration::from_secs(3600));
        let request = fields(&[(CACHE_CONTROL, "max-age=600")]);
        Box::new(move || {
            let verdict = reuse(black_box(&request), black_box(&life), false, now);
            assert_eq!(verdict, Reuse::Fresh);
        })
    }),
    step("freshness of an answer", 2_000, || {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let (request, answer) = (HeaderMap::new(), answer());
        Box::new(move || {
            let plan = plan(&Method::GET, &request, StatusCode::OK, black_box(&answer), now, now);
            drop(black_box(plan.expect("an answer that may be kept")));
        })
    }),
    step("30 KB in gzip, for one client", 5, || live(Coding::Gzip)),
    step("30 KB in br, for one client", 5, || live(Coding::Brotli)),
    step("30 KB in zstd, for one client", 5, || live(Coding::Zstd)),
    step("30 KB in gzip, to be kept", 5, || kept(Coding::Gzip)),
    step("30 KB in br, to be kept", 3, || kept(Coding::Brotli)),
    step("30 KB in zstd, to be kept", 3, || kept(Coding::Zstd)),
    step("access log line", 1_000, || Box::new(micro::access_log_line(&head()))),
];

const fn step(name: &'static str, turns: u32, prepare: fn() -> Box<dyn FnMut()>) -> Step {
    Step { name, turns, prepare }
}

fn wanted(only: &str) -> impl Iterator<Item = &'static Step> {
    STEPS.iter().filter(move |step| step.name.contains(only))
}

/// Counts them.
pub fn count(tally: &mut Tally) {
    let callgrind = Callgrind::new();
    let words = callgrind.words();
    let mut process = Command::new(&words[0])
        .args(&words[1..])
        .arg(std::env::current_exe().expect("this program"))
        .args([WORD, tally.only()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("valgrind starts");
    let mut begin = process.stdin.take().expect("stdin is a pipe");
    let mut said = BufReader::new(process.stdout.take().expect("stdout is a pipe")).lines();
    let mut wait_for = |word: &str| assert_eq!(said.next().expect("a word").expect("UTF-8"), word);
    for step in wanted(tally.only()).collect::<Vec<_>>() {
        wait_for(step.name);
        let profile = callgrind.profile(process.id(), || {
            writeln!(begin).expect("it listens");
            wait_for("done");
        });
        writeln!(begin).expect("it listens");
        tally.note(step.name, step.turns, &profile);
    }
    assert!(process.wait().expect("a child to wait for").success());
}

/// Takes them, as `count` says.
pub fn take(only: &str) -> ExitCode {
    let wait = || std::io::stdin().read_line(&mut String::new()).expect("a word");
    for step in wanted(only) {
        let mut turn = (step.prepare)();
        // What is done once only, such as tables that are made at the first use.
        turn();
        println!("{}", step.name);
        wait();
        for _ in 0..step.turns {
            turn();
        }
        println!("done");
        wait();
    }
    ExitCode::SUCCESS
}

fn head() -> Vec<u8> {
    let fields = FIELDS.replace('\n', "\r\n");
    let line = "GET /products/4711?colour=red HTTP/1.1\r\nHost: shop.example\r\n";
    format!("{line}{fields}Accept-Encoding: {CODINGS}\r\n\r\n").into_bytes()
}

fn fields(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
    let fields = fields.iter().cloned();
    fields.map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

fn answer() -> HeaderMap {
    fields(&[
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "max-age=600, public, stale-while-revalidate=60"),
        (DATE, "Mon, 12 Jan 1970 13:46:40 GMT"),
        (ETAG, "W/\"5d41402abc4b2a76b9719d911017c592\""),
        (VARY, "Accept"),
        (HeaderName::from_static("x-runtime"), "0.012345"),
    ])
}

/// Finds one entry of so many, each of the popular ones in its turn.
fn look_up(entries: usize) -> Box<dyn FnMut()> {
    let memory = Memory::new(CACHE_SIZE, 1 << 20);
    let key =
        |number| Key::new(b"https://shop.example", format!("/products/{number:07}").as_bytes());
    for number in 0..entries {
        let life = Life::new(SystemTime::UNIX_EPOCH, Duration::MAX);
        let (status, body) = (StatusCode::OK, Body::Whole(Bytes::new()));
        let (variant, headers) = (Variant::default(), HeaderMap::new());
        let entry = Entry::new(key(number), variant, life, status, headers, vec![], body);
        assert!(memory.insert(Arc::new(entry)).is_empty(), "there is room for all");
    }
    let keys: Vec<Key> = (0..entries).step_by(entries / POPULAR).map(key).collect();
    let request = HeaderMap::new();
    let find = move |key: &Key| {
        let found = black_box(memory.find(key, &request));
        assert!(matches!(found, Found::Entry(_)), "all are kept");
    };
    // The first use of an entry moves it to the protected segment; hits come after that.
    keys.iter().for_each(&find);
    let mut turn = 0;
    Box::new(move || {
        find(&keys[turn % POPULAR]);
        turn += 1;
    })
}

/// As it is coded on its way out.
fn live(coding: Coding) -> Box<dyn FnMut()> {
    let page = page::html(30_000);
    let mut out = BytesMut::new();
    Box::new(move || {
        out.clear();
        let mut encoder = Encoder::new(coding, Some(page.len() as u64));
        encoder.push(page.as_bytes(), false, &mut out);
        encoder.finish(&mut out);
        assert!(out.len() < page.len());
    })
}

/// As it is coded once, for all.
fn kept(coding: Coding) -> Box<dyn FnMut()> {
    let page = page::html(30_000);
    Box::new(move || drop(encode(coding, black_box(page.as_bytes())).expect("a smaller one")))
}
