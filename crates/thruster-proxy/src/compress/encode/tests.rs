use super::*;
use std::io::Read;

use proptest::prelude::*;

/// What the coded bytes say, and whether they say that this was all.
fn decoded(coding: Coding, coded: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    let is_whole = match coding {
        Coding::Brotli => brotli::Decompressor::new(coded, 4096).read_to_end(&mut body).is_ok(),
        Coding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(coded).unwrap();
            // No browser goes back further (RFC 9659 section 3).
            decoder.window_log_max(23).unwrap();
            decoder.read_to_end(&mut body).is_ok()
        }
        Coding::Gzip => flate2::read::GzDecoder::new(coded).read_to_end(&mut body).is_ok(),
    };
    (body, is_whole)
}

/// Something like a page: mostly repeated, never quite the same.
fn page(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(length as u64);
    let mut page = Vec::with_capacity(length + 64);
    while page.len() < length {
        let (id, name) = (random.u32(..), random.alphabetic());
        page.extend(
            format!("<li class=\"post\"><a href=\"/posts/{id}\">{name}</a></li>\n").bytes(),
        );
    }
    page.truncate(length);
    page
}

fn noise(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..length).map(|_| random.u8(..)).collect()
}

fn streamed(mut encoder: Encoder, pieces: &[(&[u8], bool)]) -> BytesMut {
    let mut out = BytesMut::new();
    for (piece, flush) in pieces {
        encoder.push(piece, *flush, &mut out);
    }
    encoder.finish(&mut out);
    out
}

#[test]
fn what_was_coded_before_leaves_no_trace() {
    let (short, long) = (page(3_000), page(700_000));
    let coded = |coding, length: Option<u64>, body: &[u8]| {
        streamed(Encoder::new(coding, length), &[(body, false)])
    };
    for coding in Coding::ALL {
        let first = coded(coding, Some(3_000), &short);
        assert!(decoded(coding, &coded(coding, None, &long)) == (long.clone(), true), "{coding:?}");
        assert!(coded(coding, Some(3_000), &short) == first, "{coding:?}");
        // One that is given up has no end.
        Encoder::new(coding, None).push(&long, true, &mut BytesMut::new());
        assert!(coded(coding, Some(3_000), &short) == first, "{coding:?}");
    }
}

#[test]
fn padding_makes_a_stream_longer_and_nothing_else() {
    let body = page(5000);
    for coding in Coding::ALL {
        let pieces: [(&[u8], bool); 2] = [(&body[..100], true), (&body[100..], false)];
        let plain = streamed(Encoder::new(coding, None), &pieces).len();
        let mut added = Vec::new();
        for padding in (0..=32).chain([253, 254, 255, 256, 257, 9000, 32_768]) {
            let encoder = Encoder::new(coding, None).padded(Some(padding));
            let coded = streamed(encoder, &pieces);
            assert!(decoded(coding, &coded) == (body.clone(), true), "{coding:?} {padding}");
            // Their frame, at most.
            added.push(coded.len() - plain - padding);
        }
        assert!(added.iter().all(|&frame| frame <= 8), "{coding:?} {added:?}");
        let empty = streamed(Encoder::new(coding, Some(0)).padded(Some(20)), &[]);
        assert_eq!(decoded(coding, &empty), (Vec::new(), true), "{coding:?}");
    }
}

#[test]
fn what_is_flushed_behind_padding_can_be_read() {
    for coding in Coding::ALL {
        let mut out = BytesMut::new();
        let mut encoder = Encoder::new(coding, None).padded(Some(30));
        encoder.push(b"data: now\n\n", true, &mut out);
        assert_eq!(decoded(coding, &out).0, b"data: now\n\n", "{coding:?}");
    }
}

#[test]
fn whole_bodies_come_back() {
    // One for each step of the levels, but for zstd's last ones.
    for length in [1024, 10_000, 66_000, 200_000, 270_000] {
        let body = page(length);
        for coding in Coding::ALL {
            let coded = encode(coding, &body).expect("a page shrinks");
            assert!(coded.len() < length / 2, "{coding:?} {length}");
            assert!(decoded(coding, &coded) == (body.clone(), true), "{coding:?} {length}");
        }
    }
}

#[test]
fn every_level_gives_back_the_body() {
    let body = page(5000);
    for (coding, levels) in [(Coding::Brotli, 0..12), (Coding::Zstd, 1..20), (Coding::Gzip, 1..10)]
    {
        for level in levels {
            let coded = encode_at(coding, level, &body).expect("a page shrinks");
            assert!(decoded(coding, &coded) == (body.clone(), true), "{coding:?} {level}");
            let coded =
                streamed(Encoder::at(coding, level, None), &[(&body, true), (&body, false)]);
            assert!(decoded(coding, &coded) == (body.repeat(2), true), "{coding:?} {level}");
        }
    }
}

#[test]
fn what_does_not_shrink_is_none() {
    for body in [noise(5000), b"a".to_vec(), Vec::new()] {
        for coding in Coding::ALL {
            assert_eq!(encode(coding, &body), None, "{coding:?} {}", body.len());
        }
    }
}

#[test]
fn the_same_body_makes_the_same_bytes() {
    let body = page(5000);
    for coding in Coding::ALL {
        assert_eq!(encode(coding, &body), encode(coding, &body), "{coding:?}");
    }
}

#[test]
fn a_body_beyond_the_largest_window_can_be_read_by_browsers() {
    let body = page(1 << 20).repeat(10);
    for coding in Coding::ALL {
        let coded = encode_at(coding, 1, &body).expect("a page shrinks");
        assert!(decoded(coding, &coded) == (body.clone(), true), "{coding:?}");
    }
    let coded = encode_at(Coding::Zstd, 19, &vec![b'a'; 10 << 20]).expect("one letter shrinks");
    assert_eq!(decoded(Coding::Zstd, &coded).0.len(), 10 << 20);
}

#[test]
fn a_flush_gives_out_all_that_was_pushed() {
    for coding in Coding::ALL {
        let (mut encoder, mut out) = (Encoder::new(coding, None), BytesMut::new());
        let mut expected = Vec::new();
        for length in [1, 10, 5000, 3, 100_000, 1] {
            let piece = page(length);
            encoder.push(&piece, true, &mut out);
            expected.extend_from_slice(&piece);
            assert!(decoded(coding, &out) == (expected.clone(), false), "{coding:?} {length}");
        }
        encoder.finish(&mut out);
        assert!(decoded(coding, &out) == (expected, true), "{coding:?}");
    }
}

#[test]
fn a_flush_of_nothing_costs_nothing() {
    for coding in Coding::ALL {
        let (mut encoder, mut out) = (Encoder::new(coding, None), BytesMut::new());
        encoder.push(b"", true, &mut out);
        assert!(out.is_empty(), "{coding:?}");
        encoder.push(b"data: 1\n\n", true, &mut out);
        let length = out.len();
        encoder.push(b"", true, &mut out);
        encoder.push(b"", false, &mut out);
        assert_eq!(out.len(), length, "{coding:?}");
    }
}

#[test]
fn without_a_flush_little_is_given_out() {
    for coding in Coding::ALL {
        let (mut encoder, mut out) = (Encoder::new(coding, None), BytesMut::new());
        encoder.push(&page(1000), false, &mut out);
        // A header, at most: the blocks are still to be filled.
        assert!(out.len() <= 10, "{coding:?} {}", out.len());
    }
}

#[test]
fn a_stream_of_nothing_is_an_empty_body() {
    for coding in Coding::ALL {
        for pieces in [&[][..], &[(&b""[..], true)]] {
            let coded = streamed(Encoder::new(coding, Some(0)), pieces);
            assert_eq!(decoded(coding, &coded), (Vec::new(), true), "{coding:?}");
        }
    }
}

#[test]
fn a_body_of_another_length_than_announced_comes_back() {
    let body = page(70_000);
    for coding in Coding::ALL {
        for length in [0, 1, 2000, 69_999, 70_001, 1 << 40, u64::MAX] {
            let coded = streamed(Encoder::new(coding, Some(length)), &[(&body, false)]);
            assert!(decoded(coding, &coded) == (body.clone(), true), "{coding:?} {length}");
        }
    }
}

#[test]
fn an_encoder_can_move_to_another_thread() {
    let encoder = Encoder::new(Coding::Brotli, None);
    let coded = std::thread::spawn(|| streamed(encoder, &[(b"hello", false)])).join().unwrap();
    assert_eq!(decoded(Coding::Brotli, &coded), (b"hello".to_vec(), true));
}

#[test]
fn a_window_is_as_large_as_the_body_within_limits() {
    for (length, expected) in [
        (None, 18),
        (Some(0), 10),
        (Some(1023), 10),
        (Some(1024), 11),
        (Some(100_000), 17),
        (Some(1 << 30), 18),
        (Some(u64::MAX), 18),
    ] {
        assert_eq!(window(length, 10, 18), expected, "{length:?}");
    }
}

fn pieces() -> impl Strategy<Value = Vec<(Vec<u8>, bool)>> {
    let piece = prop_oneof![
        3 => (0..12_000usize).prop_map(page),
        1 => (0..12_000usize).prop_map(noise),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
    ];
    proptest::collection::vec((piece, any::<bool>()), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn pieces_come_back_whatever_their_sizes_and_flushes(pieces in pieces()) {
        let borrowed: Vec<_> = pieces.iter().map(|(piece, flush)| (&piece[..], *flush)).collect();
        let body: Vec<u8> = pieces.iter().flat_map(|(piece, _)| piece).copied().collect();
        for coding in Coding::ALL {
            let coded = streamed(Encoder::new(coding, None), &borrowed);
            prop_assert!(decoded(coding, &coded) == (body.clone(), true), "{:?}", coding);
        }
    }

    #[test]
    fn whole_bodies_come_back_whatever_they_are(body in prop_oneof![
        (0..4000usize).prop_map(page),
        proptest::collection::vec(0..4u8, 0..4000),
        proptest::collection::vec(any::<u8>(), 0..300),
    ]) {
        for coding in Coding::ALL {
            if let Some(coded) = encode(coding, &body) {
                prop_assert!(coded.len() < body.len());
                prop_assert!(decoded(coding, &coded) == (body.clone(), true), "{:?}", coding);
            }
        }
    }
}
