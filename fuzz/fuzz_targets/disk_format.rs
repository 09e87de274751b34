//! Files of the disk cache: any bytes are read without a panic and without more memory than they
//! justify; and what is read, is written the same again.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use thruster_cache::Body;
use thruster_cache::disk::format::{Header, MAX_HEAD, Sums};
use thruster_cache::disk::{head, image};

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    decode(bytes);
    // The checksums keep the fuzzer out, so it also gets files whose checksums are right.
    let (head, body) = bytes.split_at(bytes.len() * 3 / 4);
    let read = read(&file(head, body));
    assert!(read.is_none_or(|read| read == body), "another body");
});

/// The body of a file, if all of it is right.
fn read(file: &[u8]) -> Option<Vec<u8>> {
    let layout = image::open(file).ok()?.body;
    let mut body = Vec::new();
    while (body.len() as u64) < layout.length() {
        body.extend_from_slice(&layout.read(file, body.len() as u64, usize::MAX).ok()?);
    }
    Some(body)
}

/// Heads without their checksum.
fn decode(bytes: &[u8]) {
    let Ok(decoded) = head::decode(bytes) else { return };
    let body = match decoded.pointer.clone() {
        Some(pointer) => Body::File(pointer),
        None => Body::Whole(Bytes::new()),
    };
    let entry = decoded.clone().into_entry(body);
    assert!(entry.life.age(entry.life.received) == entry.life.initial_age);
    let encoded = head::encode(&entry).expect("as long as it was");
    assert_eq!(head::decode(&encoded), Ok(decoded));
}

fn file(head: &[u8], body: &[u8]) -> Vec<u8> {
    let header = Header::of(&head[..head.len().min(MAX_HEAD)], false);
    let mut sums = Sums::new();
    sums.update(body);
    [&header.encode()[..], head, body, &sums.closing(header.head_sum)].concat()
}
