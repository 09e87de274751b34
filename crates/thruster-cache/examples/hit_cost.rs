//! What a hit costs in the memory tier with 1e3, 1e5 and 1e6 entries:
//! `cargo run --release -p thruster-cache --example hit_cost`
//! Asking for all keys in turn waits for main memory, as it does with a plain hash map; asking for
//! the same thousand shows what the number of the others costs.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use thruster_cache::memory::{Found, Memory};
use thruster_cache::{Body, Entry, Key, Life, Variant};

const FINDS: u64 = 2_000_000;

/// Enough for the most entries; the same for all, so that nothing but their number differs.
const SIZE: u64 = 4 << 30;

/// Keys asked for again and again by the second figure.
const POPULAR: u64 = 1_000;

fn main() {
    println!(
        "{:>9} {:>18} {:>20} {:>16}",
        "entries", "all keys, ns/find", "1000 keys, ns/find", "bytes"
    );
    for count in [1_000, 100_000, 1_000_000] {
        let memory = Memory::new(SIZE, 1 << 20);
        let keys: Vec<Key> = (0..count).map(key).collect();
        for key in &keys {
            assert!(memory.insert(entry(key)).is_empty(), "there is room for all");
        }
        // The first use of an entry moves it to the protected segment; hits come after that.
        timed(&memory, &keys, count, count);
        let all = timed(&memory, &keys, count, FINDS);
        let popular = timed(&memory, &keys, POPULAR, FINDS);
        println!("{count:>9} {all:>18.0} {popular:>20.0} {:>16}", memory.stats().bytes);
    }
}

/// Nanoseconds for finding one of the first `of` keys, of which every one has its turn, in an
/// order no cache of the processor foresees.
fn timed(memory: &Memory, keys: &[Key], of: u64, finds: u64) -> f64 {
    // A prime that divides none of the counts.
    const STRIDE: u64 = 611_953;
    let request = HeaderMap::new();
    let start = Instant::now();
    for turn in 0..finds {
        let key = &keys[(turn * STRIDE % of) as usize];
        let found = black_box(memory.find(key, &request));
        assert!(matches!(found, Found::Entry(_)), "all are kept");
    }
    start.elapsed().as_nanos() as f64 / finds as f64
}

fn key(number: u64) -> Key {
    Key::new(b"https://www.example.com", format!("/posts/{number}?page=1").as_bytes())
}

fn entry(key: &Key) -> Arc<Entry> {
    let life = Life::new(SystemTime::UNIX_EPOCH, Duration::from_secs(60));
    let headers =
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/html"))]);
    let body = Body::Whole(Bytes::from_static(b"hello"));
    let variant = Variant::default();
    Arc::new(Entry::new(key.clone(), variant, life, StatusCode::OK, headers, vec![], body))
}
