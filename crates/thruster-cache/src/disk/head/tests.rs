use super::*;

fn life() -> Life {
    Life {
        received: UNIX_EPOCH + Duration::new(1_800_000_000, 123_456_789),
        initial_age: Duration::from_millis(1500),
        lifetime: Duration::from_secs(3600),
        stale_while_revalidate: Duration::from_secs(60),
        stale_if_error: Duration::from_secs(u64::from(u32::MAX)),
        must_revalidate: true,
        is_for_authorized: false,
    }
}

fn entry(body: Body) -> Entry {
    let key = Key::new(b"http://example.com x-forwarded-host=a", b"/posts?page=1&q=\xff");
    let variant = Variant(vec![
        (http::header::ACCEPT_ENCODING, b"br, gzip".to_vec().into()),
        (HeaderName::from_static("x-a"), Box::default()),
    ]);
    let mut headers = HeaderMap::new();
    for (name, value) in [("etag", "\"a\""), ("link", "<a>"), ("link", "<b>"), ("x-empty", "")] {
        headers.append(name, HeaderValue::from_static(value));
    }
    headers.append("x-latin", HeaderValue::from_bytes(b"\xe9").expect("a value"));
    let tags = vec!["post-1".into(), "très".into()];
    Entry::new(key, variant, life(), StatusCode::NOT_FOUND, headers, tags, body)
}

fn pointer() -> Pointer {
    let modified = UNIX_EPOCH - Duration::new(5, 1);
    Pointer { path: Path::new("/app/public/é.pdf").into(), length: u64::MAX, modified, inode: 42 }
}

#[test]
fn every_field_comes_back() {
    for body in [Body::Whole(Bytes::from_static(b"hello")), Body::File(pointer())] {
        let entry = entry(body);
        let head = decode(&encode(&entry).expect("a head")).expect("its own head");
        assert_eq!(head.key, entry.key);
        assert_eq!(head.variant, entry.variant);
        assert_eq!(head.life, entry.life);
        assert_eq!(head.status, entry.status);
        assert_eq!(head.headers, entry.headers);
        assert_eq!(head.tags, entry.tags);
        match &entry.body {
            Body::File(pointer) => assert_eq!(head.pointer.as_ref(), Some(pointer)),
            _ => assert_eq!(head.pointer, None),
        }
    }
}

#[test]
fn a_stream_has_no_pointer() {
    let head = decode(&encode_stream(&entry(Body::File(pointer()))).expect("a head"));
    assert_eq!(head.expect("its own head").pointer, None);
}

#[test]
fn what_lasts_for_ever_can_be_added_up() {
    let mut entry = entry(Body::Whole(Bytes::new()));
    entry.life.initial_age = Duration::MAX;
    entry.life.lifetime = Duration::MAX;
    let life = decode(&encode(&entry).expect("a head")).expect("its own head").life;
    assert!(life.age(life.received + Duration::from_secs(1)) > FOR_EVER);
    assert_eq!(life.lifetime, FOR_EVER);
}

#[test]
fn a_head_that_is_cut_short_or_too_long_is_none() {
    let whole = encode(&entry(Body::File(pointer()))).expect("a head");
    for length in 0..whole.len() {
        assert!(matches!(decode(&whole[..length]), Err(Damage::Head(_))), "{length}");
    }
    assert_eq!(decode(&[&whole[..], b"x"].concat()), Err(Damage::Head("end")));
}

#[test]
fn counts_reserve_nothing() {
    let whole = encode(&entry(Body::Whole(Bytes::new()))).expect("a head");
    for at in 0..whole.len() - 4 {
        let mut bytes = whole.clone();
        bytes[at..at + 4].fill(0xff);
        // Any answer is right that comes, and comes soon.
        if let Ok(head) = decode(&bytes) {
            assert!(head.headers.len() <= 5 && head.tags.len() <= 2);
        }
    }
}

#[test]
fn a_head_that_is_too_large_is_not_written() {
    let mut entry = entry(Body::Whole(Bytes::new()));
    entry.tags = vec!["x".repeat(MAX_HEAD).into()];
    assert_eq!(encode(&entry), None);
}

#[test]
fn names_tell_keys_and_variants_apart() {
    let name = |target: &str, variant: &[(&'static str, &str)]| {
        let field = |(n, v): &(&'static str, &str)| {
            (HeaderName::from_static(n), v.as_bytes().to_vec().into())
        };
        let variant = Variant(variant.iter().map(field).collect());
        Name::of(&Key::new(b"http://a", target.as_bytes()), &variant)
    };
    let names = [
        name("/a?b=1", &[]),
        name("/ab=1", &[]),
        name("/", &[("a", "b")]),
        name("/", &[("a", "b"), ("c", "")]),
        name("/", &[("a", ""), ("b", "c")]),
    ];
    for (n, one) in names.iter().enumerate() {
        assert!(names[n + 1..].iter().all(|other| other != one), "{n}");
    }
}
