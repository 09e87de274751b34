use super::*;
use crate::disk::format::Sums;
use crate::{Body, Entry, Key, Life, Variant};
use http::{HeaderValue, StatusCode};
use std::time::{Duration, UNIX_EPOCH};

fn file_of(body: &[u8], is_outdated: bool) -> Vec<u8> {
    let life = Life::new(UNIX_EPOCH, Duration::from_secs(60));
    let key = Key::new(b"http://a", b"/b");
    let headers = [(http::header::ETAG, HeaderValue::from_static("\"c\""))].into_iter().collect();
    let whole = Body::Whole(Bytes::copy_from_slice(body));
    let tags = vec!["d".into()];
    let entry = Entry::new(key, Variant::default(), life, StatusCode::OK, headers, tags, whole);
    let head = head::encode(&entry).expect("a head");
    let header = Header::of(&head, is_outdated);
    let mut sums = Sums::new();
    sums.update(body);
    [&header.encode()[..], &head, body, &sums.closing(header.head_sum)].concat()
}

fn body_of(file: &[u8]) -> io::Result<Vec<u8>> {
    let layout = open(file)?.body;
    let mut body = Vec::new();
    while (body.len() as u64) < layout.length() {
        body.extend_from_slice(&layout.read(file, body.len() as u64, usize::MAX)?);
    }
    Ok(body)
}

fn some_body(length: usize) -> Vec<u8> {
    (0..length).map(|n| ((n * 2_654_435_761) >> 7) as u8).collect()
}

/// A generator that is good enough to hit every place (splitmix64).
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb) >> 11
}

#[test]
fn bodies_of_every_length_come_back() {
    for length in [0, 1, 4000, 5000, BLOCK - 1, BLOCK, BLOCK + 1, BLOCK * 5 + 7] {
        let body = some_body(length);
        assert!(body_of(&file_of(&body, false)).expect("its own file") == body, "{length}");
    }
}

#[test]
fn a_part_is_read_without_the_rest() {
    let body = some_body(BLOCK * 6);
    let mut file = file_of(&body, false);
    let layout = open(&file[..]).expect("its own file").body;
    // All but the third block is damaged.
    let at = layout.at as usize;
    for block in [0, 1, 3, 4, 5] {
        file[at + block * BLOCK] ^= 1;
    }
    let read = |from: usize, at_most| layout.read(&file[..], from as u64, at_most);
    for (from, length) in [(0, BLOCK), (5, 1), (77, 1000), (BLOCK - 1, 1)] {
        let expected = &body[BLOCK * 2 + from..][..length.min(BLOCK - from)];
        assert_eq!(read(BLOCK * 2 + from, expected.len()).expect("a whole block"), expected);
    }
    assert!(read(BLOCK * 2 - 1, 2).is_err() && read(BLOCK * 3 - 1, 2).is_err());
    assert!(read(BLOCK * 6, 1).expect("the end").is_empty());
    assert!(layout.read(&file[..], u64::MAX, usize::MAX).expect("beyond the end").is_empty());
}

#[test]
fn one_read_is_bounded() {
    let file = file_of(&some_body(BLOCK * 6), false);
    let layout = open(&file[..]).expect("its own file").body;
    let read = |at| layout.read(&file[..], at, usize::MAX).expect("a whole block").len();
    assert_eq!((read(0), read(1)), (BLOCK * 4, BLOCK * 4 - 1));
    assert_eq!(read(BLOCK as u64 * 4), BLOCK * 2);
}

#[test]
fn damage_is_never_read() {
    let body = some_body(3000);
    let whole = file_of(&body, true);
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut file = whole.clone();
            file[at] ^= 1 << bit;
            let is_flag = at as u64 == format::FLAG_AT;
            assert_eq!(body_of(&file).is_ok(), is_flag, "bit {bit} of byte {at}");
            if is_flag {
                assert!(open(&file[..]).expect("a whole file").header.is_outdated);
            }
        }
    }
}

#[test]
fn damage_of_many_bytes_is_never_read() {
    let body = some_body(BLOCK + 5000);
    let whole = file_of(&body, false);
    let state = &mut 1;
    for round in 0..300 {
        let mut file = whole.clone();
        let at = random(state) as usize % file.len();
        let length = (random(state) as usize % 5000).min(file.len() - at);
        file[at..at + length].iter_mut().for_each(|byte| *byte = random(state) as u8);
        match body_of(&file) {
            Ok(read) => assert!(read == body, "round {round}: {length} bytes at {at}"),
            Err(error) => assert!(Damage::is_in(&error), "{error}"),
        }
    }
}

#[test]
fn a_file_of_another_length_is_none() {
    let whole = file_of(&some_body(2000), false);
    for length in 0..whole.len() {
        let error = open(&whole[..length]).err().expect("cut short");
        assert!(Damage::is_in(&error), "{length}: {error}");
    }
    assert!(open(&[&whole[..], b"x"].concat()[..]).is_err());
    assert!(open(&[&whole[..], &whole[..]].concat()[..]).is_err());
}

#[test]
fn the_halves_of_two_files_are_not_one() {
    let one = file_of(b"one", false);
    let mut other = file_of(b"two", false);
    let at = one.len() - FOOTER - 8 - 3;
    other[at..].copy_from_slice(&one[at..]);
    assert_eq!(body_of(&other).expect("the same head"), b"one");
    // Another head: the ETag is another.
    let etag = other.windows(3).position(|w| w == b"\"c\"").expect("the ETag") + 1;
    other[etag] = b'x';
    let length = number_at(&other, 12) as usize;
    let sum = Header::of(&other[HEADER..HEADER + length], false).encode();
    other[..HEADER].copy_from_slice(&sum);
    let error = open(&other[..]).err().expect("two halves");
    assert_eq!(error.to_string(), Damage::Footer.to_string());
}

fn number_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("four bytes"))
}

#[test]
fn foreign_files_are_none() {
    let mut state = 7;
    let noise: Vec<u8> = (0..10_000).map(|_| random(&mut state) as u8).collect();
    for file in [&b""[..], b"x", b"THRUST", &[0; 64], &noise, &some_body(BLOCK)] {
        assert!(Damage::is_in(&open(file).err().expect("foreign")));
    }
    let mut next_version = file_of(b"", false);
    next_version[7] += 1;
    let error = open(&next_version[..]).err().expect("another version");
    assert_eq!(error.to_string(), Damage::Magic.to_string());
    let mut huge = file_of(b"", false);
    huge[12..16].fill(0xff);
    assert_eq!(open(&huge[..]).err().expect("huge").to_string(), Damage::Length.to_string());
}
