//! What each coding makes of real bodies at each of its levels, and at what price: the table that
//! the levels of `thruster_proxy::compress` were chosen by.
//!
//!     cargo run --release -p thruster-test --example compression [-- FILE...]

use std::fs;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use thruster_proxy::compress::{Coding, Encoder, encode_at};

/// Files that Debian packages carry: libjs-jquery, nodejs-doc, iso-codes.
const SAMPLES: [&str; 7] = [
    "/usr/share/doc/nodejs/api/punycode.html",
    "/usr/share/doc/nodejs/api/http2.html",
    "/usr/share/doc/nodejs/api/assets/style.css",
    "/usr/share/javascript/jquery/jquery.min.js",
    "/usr/share/javascript/jquery/jquery.js",
    "/usr/share/iso-codes/json/iso_3166-1.json",
    "/usr/share/iso-codes/json/iso_3166-2.json",
];

/// As much of a body as comes from the application at a time.
const PIECE: usize = 16 * 1024;

/// Time given to each cell of the table; the quickest round counts, for it was disturbed least.
const PATIENCE: Duration = Duration::from_millis(100);

/// How a body is coded: its length then.
type Way = fn(Coding, u32, &[u8]) -> usize;

struct Sample {
    path: String,
    body: Vec<u8>,
}

impl Sample {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

fn main() {
    let named: Vec<String> = std::env::args().skip(1).collect();
    if let [way, coding, level, path] = &named[..]
        && let Some(coded) = [("--whole", whole as Way), ("--pieces", stream)]
            .into_iter()
            .find_map(|(name, coded)| (way == name).then_some(coded))
    {
        return println!("{}", peak(coded, coding, level.parse().expect("a level"), path));
    }
    let paths = if named.is_empty() { SAMPLES.map(str::to_owned).to_vec() } else { named };
    let samples: Vec<Sample> = paths.iter().filter_map(|path| sample(path)).collect();

    println!("\nWhole bodies: ratio, ns/byte, memory for the largest");
    table("whole", &samples, whole);
    println!("\nIn pieces of {PIECE}: ratio, ns/byte, memory for the largest");
    table("pieces", &samples, stream);
}

fn sample(path: &str) -> Option<Sample> {
    match fs::read(path) {
        Ok(body) => {
            println!("{path}: {} bytes", body.len());
            Some(Sample { path: path.to_owned(), body })
        }
        Err(error) => {
            eprintln!("{path} is left out: {error}");
            None
        }
    }
}

fn levels() -> impl Iterator<Item = (Coding, u32)> {
    let of = |coding, levels: std::ops::RangeInclusive<u32>| levels.map(move |l| (coding, l));
    of(Coding::Brotli, 0..=11).chain(of(Coding::Zstd, 1..=19)).chain(of(Coding::Gzip, 1..=9))
}

fn table(way: &str, samples: &[Sample], coded: Way) {
    let names: Vec<&str> = samples.iter().map(Sample::name).collect();
    println!("| coding | {} | all | ns/byte saved | kB |", names.join(" | "));
    println!("|---|{}", "---|".repeat(samples.len() + 3));
    for (coding, level) in levels() {
        let (mut cells, mut before, mut after, mut nanoseconds) = (Vec::new(), 0, 0, 0.0);
        for Sample { body, .. } in samples {
            let (length, time) = quickest(|| coded(coding, level, black_box(body)));
            cells.push(cell(body.len(), length, time));
            before += body.len();
            after += length;
            nanoseconds += time;
        }
        let saved = nanoseconds / before.saturating_sub(after).max(1) as f64;
        let (cells, all) = (cells.join(" | "), cell(before, after, nanoseconds));
        let memory = memory(way, coding, level, samples);
        println!("| {} {level} | {cells} | {all} | {saved:.1} | {memory} |", coding.name());
    }
}

fn cell(before: usize, after: usize, nanoseconds: f64) -> String {
    format!("{:.2} {:.1}", before as f64 / after as f64, nanoseconds / before as f64)
}

fn quickest(mut work: impl FnMut() -> usize) -> (usize, f64) {
    let (start, mut best, mut length) = (Instant::now(), Duration::MAX, 0);
    for round in 0.. {
        let began = Instant::now();
        length = black_box(work());
        best = best.min(began.elapsed());
        if round >= 2 && start.elapsed() > PATIENCE {
            break;
        }
    }
    (length, best.as_nanos() as f64)
}

fn stream(coding: Coding, level: u32, body: &[u8]) -> usize {
    let (mut encoder, mut out) =
        (Encoder::at(coding, level, Some(body.len() as u64)), BytesMut::new());
    let mut length = 0;
    for piece in body.chunks(PIECE) {
        encoder.push(piece, false, &mut out);
        length += out.len();
        out.clear();
    }
    encoder.finish(&mut out);
    length + out.len()
}

fn whole(coding: Coding, level: u32, body: &[u8]) -> usize {
    encode_at(coding, level, body).map_or(body.len(), |coded| coded.len())
}

/// What the largest sample takes besides itself, as a process of its own sees it: in this one the
/// allocator has room left from all that went before.
fn memory(way: &str, coding: Coding, level: u32, samples: &[Sample]) -> String {
    let largest = samples.iter().max_by_key(|sample| sample.body.len());
    let run = |sample: &Sample| {
        let mut own = Command::new(std::env::current_exe().ok()?);
        own.args([&format!("--{way}"), coding.name(), &level.to_string(), &sample.path]);
        String::from_utf8(own.output().ok()?.stdout).ok()
    };
    largest.and_then(run).map_or("?".to_owned(), |kilobytes| kilobytes.trim().to_owned())
}

/// Kilobytes by which coding this file has raised the most that this process ever held.
fn peak(coded: Way, coding: &str, level: u32, path: &str) -> usize {
    let coding = Coding::ALL.into_iter().find(|known| known.name() == coding).expect("a coding");
    let body = fs::read(path).expect("a file");
    let before = most_resident();
    black_box(coded(coding, level, &body));
    most_resident() - before
}

fn most_resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}
