use proptest::prelude::*;

use super::*;
use crate::vocabulary::{date as moment, fields};

fn part(range: Range<u64>) -> Selected {
    Selected::Part(range)
}

fn of(line: &str, length: u64) -> Selected {
    select(&Method::GET, &fields(&[("range", line)]), &HeaderMap::new(), length)
}

/// RFC 9110 section 14.1.2.
#[test]
fn one_range_selects_a_part() {
    for (line, selected) in [
        ("bytes=0-0", part(0..1)),
        ("bytes=0-499", part(0..500)),
        ("bytes=500-999", part(500..1000)),
        ("bytes=999-", part(999..1000)),
        ("bytes=0-", part(0..1000)),
        ("bytes=500-99999999999999999999999999", part(500..1000)),
        ("bytes=0-18446744073709551615", part(0..1000)),
        ("bytes=-1", part(999..1000)),
        ("bytes=-1000", part(0..1000)),
        ("bytes=-99999999999999999999999999", part(0..1000)),
        ("BYTES=1-2", part(1..3)),
        ("bytes= 1-2 ", part(1..3)),
        ("bytes=,1-2 ,", part(1..3)),
        ("bytes=1000-", Selected::Unsatisfiable),
        ("bytes=1000-2000", Selected::Unsatisfiable),
        ("bytes=99999999999999999999999999-", Selected::Unsatisfiable),
        ("bytes=-0", Selected::Unsatisfiable),
    ] {
        assert_eq!(of(line, 1000), selected, "{line}");
    }
}

/// RFC 9110 section 14.2.
#[test]
fn what_are_not_ranges_in_bytes_selects_the_whole() {
    for line in [
        "bytes=0-1,5-4",
        "bytes=0-1,x",
        "bytes=0-,0-0",
        "bytes=-1,0-,-1",
        "bytes=2-1",
        "bytes=",
        "bytes=-",
        "bytes=,",
        "bytes",
        "bytes 0-1",
        "bytes =0-1",
        "bytes=0",
        "bytes=a-b",
        "bytes=0-b",
        "bytes=+0-1",
        "bytes=--1",
        "bytes=0--1",
        "bytes=0 - 1",
        "bytes=0-1-2",
        "bytes=99999999999999999999999999-0",
        "lines=0-1",
        "byte=0-1",
        "",
        "\u{e9}\u{e9}\u{e9}=0-1",
    ] {
        assert_eq!(of(line, 1000), Selected::Whole, "{line}");
    }
    let select = |method, request: &[_], length| {
        select(&method, &fields(request), &HeaderMap::new(), length)
    };
    let (one, other) = (("range", "bytes=0-1"), ("range", "bytes=4-5"));
    assert_eq!(select(Method::GET, &[one, other], 1000), Selected::Whole);
    assert_eq!(select(Method::HEAD, &[one], 1000), Selected::Whole);
    assert_eq!(select(Method::POST, &[one], 1000), Selected::Whole);
    assert_eq!(select(Method::GET, &[], 1000), Selected::Whole);
}

/// RFC 9110 section 15.3.7.2.
#[test]
fn several_ranges_select_parts_in_their_order() {
    for (line, parts) in [
        ("bytes=0-1,4-5", vec![0..2, 4..6]),
        ("bytes=-1, 0-0", vec![999..1000, 0..1]),
        ("bytes=900-,0-9,500-509", vec![900..1000, 0..10, 500..510]),
        ("bytes=0-0,2-2,1000-,-0", vec![0..1, 2..3]),
        ("bytes=0-9,20-29,8-12", vec![0..13, 20..30]),
        ("bytes=40-49,0-9,20-29,10-19", vec![40..50, 0..30]),
    ] {
        assert_eq!(of(line, 1000), Selected::Parts(parts), "{line}");
    }
    assert_eq!(of("bytes=0-1,2-3", 1000), part(0..4), "they touch");
    assert_eq!(of("bytes=0-599,400-799", 1000), part(0..800), "they overlap");
    assert_eq!(of("bytes=0-499,-500", 1000), part(0..1000));
    assert_eq!(of("bytes=1000-,5-5", 1000), part(5..6), "the other is behind the end");
    assert_eq!(of("bytes=1000-,-0", 1000), Selected::Unsatisfiable);
}

#[test]
fn more_ranges_than_anybody_needs_select_the_whole() {
    let line = |count: u64| {
        let ranges: Vec<_> = (0..count).map(|n| format!("{}-{}", n * 10, n * 10)).collect();
        format!("bytes={}", ranges.join(","))
    };
    assert!(matches!(of(&line(16), 1000), Selected::Parts(parts) if parts.len() == 16));
    assert_eq!(of(&line(17), 1000), Selected::Whole);
    assert_eq!(of(&format!("bytes={}", "0-0,".repeat(17)), 1000), Selected::Whole);
}

#[test]
fn an_empty_body_has_no_parts() {
    for line in ["bytes=0-", "bytes=0-0", "bytes=-5", "bytes=-0"] {
        assert_eq!(of(line, 0), Selected::Whole, "{line}");
    }
}

/// RFC 9110 section 13.1.5.
#[test]
fn if_range_wants_the_very_bytes_it_knows() {
    let (modified, sent) = (&*moment(100), &*moment(101));
    let stored = [("etag", "\"a\""), ("last-modified", modified)];
    let of = |line: &str, response: &[(&'static str, &str)]| {
        let request = fields(&[("range", "bytes=0-1"), ("if-range", line)]);
        select(&Method::GET, &request, &fields(response), 1000) != Selected::Whole
    };
    assert!(of("\"a\"", &stored));
    assert!(!of("\"b\"", &stored) && !of("W/\"a\"", &stored) && !of("a", &stored));
    assert!(!of("W/\"a\"", &[("etag", "W/\"a\"")]) && !of("\"a\"", &[("etag", "W/\"a\"")]));
    assert!(!of("\"a\", \"b\"", &stored) && !of("*", &stored) && !of("", &stored));
    assert!(of(modified, &stored), "without a Date it is a file of ours");
    assert!(of(modified, &[stored[1], ("date", sent)]));
    assert!(!of(modified, &[stored[1], ("date", modified)]), "not a second has passed");
    assert!(!of(modified, &[stored[1], ("date", "x")]));
    assert!(!of(&moment(101), &stored) && !of(&moment(99), &stored));
    assert!(!of(modified, &[]));
    let twice = fields(&[("range", "bytes=0-1"), ("if-range", "\"a\""), ("if-range", "\"a\"")]);
    assert_eq!(select(&Method::GET, &twice, &fields(&stored), 1000), Selected::Whole);
}

#[test]
fn content_range_tells_first_last_and_length() {
    assert_eq!(content_range(&(0..1), 1000), "bytes 0-0/1000");
    assert_eq!(content_range(&(500..1000), 1000), "bytes 500-999/1000");
    assert_eq!(unsatisfied_range(1000), "bytes */1000");
}

proptest! {
    #[test]
    fn a_part_lies_within_the_body(
        line in "bytes=[0-9 ,-]{0,24}|bytes=([0-9]{1,2}-[0-9]{1,2},){2,6}|\\PC{0,12}",
        length in prop_oneof![any::<u64>(), 0..100_u64],
    ) {
        if let Ok(line) = HeaderValue::from_bytes(line.as_bytes()) {
            let request = HeaderMap::from_iter([(RANGE, line)]);
            let parts = match select(&Method::GET, &request, &HeaderMap::new(), length) {
                Selected::Part(part) => vec![part],
                Selected::Parts(parts) => parts,
                Selected::Whole | Selected::Unsatisfiable => Vec::new(),
            };
            for part in &parts {
                prop_assert!(part.start < part.end && part.end <= length);
                let is_apart = |o: &&Range<u64>| o.end < part.start || part.end < o.start;
                prop_assert_eq!(parts.iter().filter(is_apart).count(), parts.len() - 1);
            }
        }
    }
}
