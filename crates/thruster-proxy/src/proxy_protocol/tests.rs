//! Preambles as tables, and what no bytes can bring about.

use std::net::IpAddr;

use proptest::prelude::*;

use super::preamble::{Preamble, Rest, rest};
use super::*;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A preamble of version 2: command, family and transport, and what follows.
fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, rest].concat()
}

fn vector(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind], &u16::try_from(value.len()).unwrap().to_be_bytes()[..], value].concat()
}

const V4: &[u8] = &[192, 0, 2, 1, 198, 51, 100, 1, 0x1f, 0x90, 1, 187];

/// Reads a preamble off `bytes`, in pieces of `step`, as the connection does; and how much was
/// taken. `None` if the bytes end before it does.
fn read_from(bytes: &[u8], step: usize) -> Option<(Result<Preamble, Refusal>, usize)> {
    let mut taken = 0;
    loop {
        let left = &bytes[taken..];
        let length = match rest(&bytes[..taken]) {
            Err(refusal) => return Some((Err(refusal), taken)),
            Ok(Rest::Nothing(preamble)) => return Some((Ok(preamble), taken)),
            Ok(Rest::Exactly(length)) => length.min(step),
            Ok(Rest::Line(most)) => {
                let seen = &left[..left.len().min(most).min(step)];
                seen.iter().position(|b| *b == b'\n').map_or(seen.len(), |end| end + 1)
            }
        };
        let length = length.min(left.len());
        if length == 0 {
            return None;
        }
        taken += length;
    }
}

fn read_whole(bytes: &[u8]) -> Result<Preamble, Refusal> {
    let (read, taken) = read_from(bytes, usize::MAX).expect("a whole preamble");
    assert!(read.is_err() || taken == bytes.len(), "{}", bytes.escape_ascii());
    read
}

fn from(source: &str) -> Result<Preamble, Refusal> {
    Ok(Preamble { source: Some(source.parse().unwrap()), is_secure: false })
}

#[test]
fn a_line_names_the_client() {
    for (line, expected) in [
        ("PROXY TCP4 192.0.2.1 198.51.100.1 8080 443\r\n", from("192.0.2.1:8080")),
        ("PROXY TCP4 0.0.0.0 0.0.0.0 0 65535\r\n", from("0.0.0.0:0")),
        ("PROXY TCP6 2001:db8::1 ::1 65535 443\r\n", from("[2001:db8::1]:65535")),
        ("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", from("192.0.2.1:1")),
        ("PROXY UNKNOWN\r\n", Ok(Preamble::default())),
        ("PROXY UNKNOWN ffff::1 what ever\r\n", Ok(Preamble::default())),
    ] {
        assert_eq!(read_whole(line.as_bytes()), expected, "{line}");
    }
    let widest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let longest = format!("PROXY UNKNOWN {widest} {widest} 65535 65535\r\n");
    assert_eq!(longest.len(), 107);
    assert_eq!(read_whole(longest.as_bytes()), Ok(Preamble::default()));
}

#[test]
fn a_line_that_is_not_quite_right_is_refused() {
    for line in [
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY tcp4 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1  198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n",
        "PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 example 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 +1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n",
        "PROXY UNKNOWN\n",
    ] {
        let read = read_whole(line.as_bytes());
        assert!(matches!(read, Err(Refusal::Malformed(_))), "{line:?}: {read:?}");
    }
    let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(92));
    assert_eq!(long.len(), 108);
    assert_eq!(read_from(long.as_bytes(), 50), Some((Err(Refusal::TooLong), 107)));
}

#[test]
fn version_2_names_the_client() {
    let v6: [&[u8]; 3] = [&[0x20, 1, 0xd, 0xb8], &[0; 28], &[0, 80, 1, 187]];
    let mapped: [&[u8]; 4] = [&[0; 10], &[255, 255, 192, 0, 2, 1], &[0; 16], &[0, 80, 1, 187]];
    for (preamble, expected) in [
        (v2(0x21, 0x11, V4), from("192.0.2.1:8080")),
        (v2(0x21, 0x12, V4), from("192.0.2.1:8080")),
        (v2(0x21, 0x21, &v6.concat()), from("[2001:db8::]:80")),
        (v2(0x21, 0x21, &mapped.concat()), from("192.0.2.1:80")),
        (v2(0x21, 0x31, &[b'/'; 216]), Ok(Preamble::default())),
        (v2(0x21, 0x00, &[]), Ok(Preamble::default())),
        (v2(0x21, 0x00, b"what ever"), Ok(Preamble::default())),
        (v2(0x21, 0x10, V4), Ok(Preamble::default())),
        (v2(0x20, 0x00, &[]), Ok(Preamble::default())),
        (v2(0x20, 0x11, V4), Ok(Preamble::default())),
        (v2(0x20, 0xff, b"x"), Ok(Preamble::default())),
    ] {
        assert_eq!(read_whole(&preamble), expected, "{}", preamble.escape_ascii());
    }
}

#[test]
fn what_follows_the_addresses_is_skipped_but_for_tls() {
    let read = |vectors: &[Vec<u8>]| {
        read_whole(&v2(0x21, 0x11, &[V4, &vectors.concat()].concat())).map(|read| read.is_secure)
    };
    let noise = || vector(0x05, &[0x20; 128]);
    assert_eq!(read(&[noise(), vector(0x04, &[])]), Ok(false));
    assert_eq!(read(&[noise(), vector(0x20, &[1, 0, 0, 0, 0]), noise()]), Ok(true));
    assert_eq!(read(&[vector(0x20, &[7, 0, 0, 0, 1, 0x21, 0, 1, b'T'])]), Ok(true));
    assert_eq!(read(&[vector(0x20, &[6, 0, 0, 0, 0])]), Ok(false), "without the client's bit");
    assert_eq!(read(&[vector(0x20, &[])]), Ok(false));
    let local = v2(0x20, 0x11, &[V4, &vector(0x20, &[1, 0, 0, 0, 0])].concat());
    assert_eq!(read_whole(&local), Ok(Preamble::default()));
}

#[test]
fn version_2_that_is_not_quite_right_is_refused() {
    for preamble in [
        v2(0x11, 0x11, V4),
        v2(0x22, 0x11, V4),
        v2(0x31, 0x11, V4),
        v2(0x21, 0x41, V4),
        v2(0x21, 0x13, V4),
        v2(0x21, 0x03, V4),
        v2(0x21, 0x11, &V4[1..]),
        v2(0x21, 0x21, &[0; 35]),
        v2(0x21, 0x31, &[0; 215]),
        v2(0x21, 0x11, &[V4, &[4]].concat()),
        v2(0x21, 0x11, &[V4, &[4, 0, 1]].concat()),
    ] {
        let read = read_whole(&preamble);
        assert!(matches!(read, Err(Refusal::Malformed(_))), "{}", preamble.escape_ascii());
    }
    let large = v2(0x21, 0x00, &[0; 4096]);
    assert_eq!(read_whole(&large), Ok(Preamble::default()));
    let larger = v2(0x21, 0x00, &[0; 4097]);
    assert_eq!(read_from(&larger, 4), Some((Err(Refusal::TooLong), 16)), "before it is read");
}

#[test]
fn what_is_no_preamble_is_noticed_at_its_first_bytes() {
    for (bytes, taken) in [
        (&b"GET / HTTP/1.1\r\n"[..], 1),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 3),
        (b"\x16\x03\x01\x02\x00\x01", 1),
        (b"proxy TCP4", 1),
        (b"PROXY\tTCP4", 6),
        (b"\r\n\r\n\r\n", 5),
        (b"\r\n\r\n\0\r\nQUIX\n", 11),
    ] {
        let read = read_from(bytes, 1);
        assert_eq!(read, Some((Err(Refusal::Missing), taken)), "{}", bytes.escape_ascii());
    }
}

#[test]
fn refusals_are_logged_once_in_a_while_and_counted() {
    let (seldom, start) = (Seldom::default(), Instant::now());
    assert_eq!(seldom.turn(start), Some(0));
    for millis in [0, 1, 999] {
        assert_eq!(seldom.turn(start + Duration::from_millis(millis)), None);
    }
    assert_eq!(seldom.turn(start + WORD_EVERY), Some(3));
    assert_eq!(seldom.turn(start + 2 * WORD_EVERY), Some(0));
}

fn written(source: SocketAddr, is_binary: bool, is_secure: bool) -> Vec<u8> {
    let (ip, port) = (source.ip(), source.port());
    if !is_binary {
        let word = if ip.is_ipv4() { "TCP4" } else { "TCP6" };
        return format!("PROXY {word} {ip} {ip} {port} 443\r\n").into_bytes();
    }
    let (family, address) = match ip {
        IpAddr::V4(v4) => (0x11, v4.octets().to_vec()),
        IpAddr::V6(v6) => (0x21, v6.octets().to_vec()),
    };
    let ports = [port.to_be_bytes(), 443_u16.to_be_bytes()].concat();
    let tls = vector(0x20, &[is_secure.into(), 0, 0, 0, 0]);
    v2(0x21, family, &[address.clone(), address, ports, tls].concat())
}

proptest! {
    #[test]
    fn what_was_written_is_read_and_not_a_byte_more(
        ip: IpAddr, port: u16, is_binary: bool, is_secure: bool,
        step in 1_usize..300, behind in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let preamble = written(SocketAddr::new(ip, port), is_binary, is_secure);
        let (read, taken) = read_from(&[preamble.clone(), behind].concat(), step).unwrap();
        let source = Some(SocketAddr::new(ip.to_canonical(), port));
        prop_assert_eq!(read, Ok(Preamble { source, is_secure: is_secure && is_binary }));
        prop_assert_eq!(taken, preamble.len());
    }

    #[test]
    fn no_bytes_panic(
        begin in prop::sample::select(vec![&b"PROXY "[..], b"PROXY TCP4 ", SIGNATURE, b"\r\n", b""]),
        bytes in prop::collection::vec(any::<u8>(), 0..300), step in 1_usize..50,
    ) {
        if let Some((read, taken)) = read_from(&[begin, &bytes].concat(), step) {
            prop_assert!(taken <= begin.len() + bytes.len());
            prop_assert!(read.is_err() || taken >= 15, "there is none so short");
        }
    }

    #[test]
    fn no_vectors_panic(
        family in prop::sample::select(vec![0x00, 0x11, 0x12, 0x21, 0x31, 0x10, 0x44]),
        command in 0x1f_u8..0x23, bytes in prop::collection::vec(0_u8..4, 0..300),
    ) {
        let preamble = v2(command, family, &bytes);
        let (_, taken) = read_from(&preamble, usize::MAX).unwrap();
        prop_assert_eq!(taken, preamble.len());
    }
}
