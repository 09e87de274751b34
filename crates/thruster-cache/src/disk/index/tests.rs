use super::*;
use http::HeaderName;

fn key(target: &str) -> Key {
    Key::new(b"http://a", target.as_bytes())
}

fn record(name: u128, variant: &str) -> Record {
    let language = HeaderName::from_static("accept-language");
    let fields = (!variant.is_empty()).then(|| (language, variant.as_bytes().into()));
    Record {
        name: Name(name),
        generation: name as u64,
        variant: Variant(fields.into_iter().collect()),
        tags: [variant.into()].into(),
        head_sum: 0,
        size: 4096,
        is_outdated: false,
        hits: 0,
    }
}

fn request(language: &str) -> HeaderMap {
    [(http::header::ACCEPT_LANGUAGE, language.parse().expect("a value"))].into_iter().collect()
}

fn evicted(index: &Index) -> Vec<u128> {
    std::iter::from_fn(|| index.evict()).map(|Name(name)| name).collect()
}

#[test]
fn what_was_not_used_for_longest_goes_first() {
    let index = Index::new();
    for n in 1..=40 {
        index.insert(&key(&n.to_string()), record(n, ""));
    }
    for n in (10..=30).rev() {
        assert!(index.find(&key(&n.to_string()), &HeaderMap::new()).is_some());
    }
    let expected: Vec<u128> = (1..10).chain(31..=40).chain((10..=30).rev()).collect();
    assert_eq!(evicted(&index), expected);
    assert_eq!((index.entries(), index.bytes()), (0, 0));
    assert_eq!(index.weight.load(Relaxed), 0);
}

#[test]
fn what_was_there_before_is_older_than_what_came_since() {
    let index = Index::new();
    index.insert(&key("new"), record(1, ""));
    for n in 2..=20 {
        assert!(index.insert_oldest(key(&n.to_string()), record(n, "")));
        // Neither what goes in between...
        index.insert(&key("passing"), record(100, ""));
        assert!(index.remove(&key("passing"), 100).is_some());
    }
    // ...nor what is used.
    index.find(&key("5"), &HeaderMap::new());
    assert!(!index.insert_oldest(key("new"), record(30, "")), "there is a later one");
    let expected: Vec<u128> = (6..=20).rev().chain([4, 3, 2, 1, 5]).collect();
    assert_eq!(evicted(&index), expected);
}

#[test]
fn an_older_variant_does_not_make_a_key_look_used() {
    let index = Index::new();
    index.insert(&key("a"), record(1, "de"));
    index.insert(&key("b"), record(2, ""));
    assert!(index.insert_oldest(key("a"), record(3, "en")));
    assert_eq!(evicted(&index), [3, 1, 2]);
}

#[test]
fn of_the_variants_that_fit_the_latest_is_found() {
    let index = Index::new();
    index.insert(&key("a"), record(1, "de"));
    index.insert(&key("a"), record(2, ""));
    let found = |language| index.find(&key("a"), &request(language)).map(|place| place.name.0);
    assert_eq!(found("de"), Some(2));
    index.insert(&key("a"), record(3, "de"));
    assert_eq!((found("de"), found("en")), (Some(3), Some(2)));
    assert_eq!(index.entries(), 2, "the same variant is replaced");
}

#[test]
fn one_variant_too_many_replaces_the_oldest() {
    let index = Index::new();
    let many = MAX_VARIANTS as u128;
    for n in 0..many {
        assert_eq!(index.insert(&key("a"), record(n, &n.to_string())), None);
    }
    assert_eq!(index.insert(&key("a"), record(many, "x")), Some(Name(0)));
    assert_eq!(index.insert(&key("a"), record(many, "x")), None, "its own name");
    assert!(!index.insert_oldest(key("a"), record(99, "y")));
    assert_eq!((index.entries(), index.bytes()), (MAX_VARIANTS, 4096 * many as u64));
}

#[test]
fn a_purge_takes_or_marks_the_variants_it_means() {
    let index = Index::new();
    index.insert(&key("a"), record(1, "de"));
    index.insert(&key("a"), record(2, "en"));
    index.insert(&key("b"), record(3, "de"));
    let purge = |selection, is_soft| {
        let mut names = index.purge(&Purge { selection, is_soft });
        names.sort();
        names.into_iter().map(|Name(name)| name).collect::<Vec<_>>()
    };
    assert_eq!(purge(Selection::Tags(vec!["en".into()]), true), [2]);
    assert!(index.find(&key("a"), &request("en")).expect("the entry").is_outdated);
    assert!(!index.find(&key("a"), &request("de")).expect("the entry").is_outdated);
    assert_eq!(purge(Selection::Tags(vec!["de".into()]), false), [1, 3]);
    assert!(index.find(&key("a"), &request("de")).is_none());
    assert_eq!(purge(Selection::Key(key("b")), false), [0; 0]);
    assert_eq!(purge(Selection::Key(key("a")), false), [2]);
    assert_eq!((index.entries(), index.bytes()), (0, 0));
}

#[test]
fn an_index_is_bounded_however_much_disk_there_is() {
    let index = Index::new();
    let mut heavy = record(1, "");
    heavy.tags = ["x".repeat(MAX_WEIGHT).into()].into();
    index.insert(&key("a"), heavy);
    assert!(index.is_over(u64::MAX));
    index.evict();
    assert!(!index.is_over(0));
}

#[test]
fn it_lists_what_was_used_last() {
    let index = Index::new();
    for n in 1..=40 {
        index.insert(&key(&n.to_string()), record(n, ""));
    }
    index.find(&key("7"), &HeaderMap::new());
    let listed: Vec<_> = index.list(3).into_iter().map(|(_, r)| (r.name.0, r.hits)).collect();
    assert_eq!(listed, [(7, 1), (40, 0), (39, 0)]);
}
