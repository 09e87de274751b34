use std::time::Duration;

use http::header::HeaderValue;
use http::{HeaderMap, HeaderName};
use proptest::prelude::*;

use super::*;
use crate::vocabulary::fields;

const SECOND: Duration = Duration::from_secs(1);

fn response(lines: &[&str]) -> ResponseDirectives {
    let lines: Vec<_> = lines.iter().map(|line| ("cache-control", *line)).collect();
    ResponseDirectives::of(&fields(&lines))
}

fn request(lines: &[&str]) -> RequestDirectives {
    let lines: Vec<_> = lines.iter().map(|line| ("cache-control", *line)).collect();
    RequestDirectives::of(&fields(&lines))
}

/// Of a response with CDN-Cache-Control beside a Cache-Control of `max-age=1`.
fn targeted(lines: &[&str]) -> ResponseDirectives {
    let mut all = vec![("cache-control", "max-age=1")];
    all.extend(lines.iter().map(|line| ("cdn-cache-control", *line)));
    ResponseDirectives::of(&fields(&all))
}

fn names(names: &[&'static str]) -> Restriction {
    Restriction::Fields(names.iter().map(|name| HeaderName::from_static(name)).collect())
}

#[test]
fn directives_are_found_in_any_case_on_any_line_among_stray_commas() {
    let all = response(&[",Public,, MAX-AGE=5 ,", "S-MaxAge=\"7\"", "must-Revalidate"]);
    assert!(all.public && all.must_revalidate && !all.proxy_revalidate && !all.is_malformed);
    assert_eq!((all.max_age, all.s_maxage), (Some(5 * SECOND), Some(7 * SECOND)));
    let all = response(&[
        "no-store,proxy-revalidate,must-understand,stale-while-revalidate=8,stale-if-error=9",
    ]);
    assert!(all.no_store && all.proxy_revalidate && all.must_understand);
    assert_eq!(all.stale_while_revalidate, Some(8 * SECOND));
    assert_eq!(all.stale_if_error, Some(9 * SECOND));
    assert_eq!(response(&["", "x-no-store, no-store-x, publicly"]), ResponseDirectives::default());
}

#[test]
fn what_is_quoted_is_no_directive() {
    let quoted = response(&[r#"x="no-store, private", y="\", public", max-age="6""#]);
    let expected = ResponseDirectives { max_age: Some(6 * SECOND), ..Default::default() };
    assert_eq!(quoted, expected);
    assert_eq!(response(&[r#"max-age="\6""#]).max_age, Some(6 * SECOND));
}

/// RFC 9111 sections 1.2.2 and 4.2.1.
#[test]
fn numbers_are_read_on_the_safe_side() {
    for (line, seconds) in [
        ("max-age=0", 0),
        ("max-age=060", 60),
        ("max-age = 60", 60),
        ("max-age=2147483647", (1 << 31) - 1),
        ("max-age=2147483648", 1 << 31),
        ("max-age=99999999999999999999999999", 1 << 31),
        ("max-age", 0),
        ("max-age=", 0),
        ("max-age=-5", 0),
        ("max-age=+5", 0),
        ("max-age=5.0", 0),
        ("max-age=5s", 0),
        ("max-age=60 public", 0),
        ("max-age='60'", 0),
        ("max-age=\"60\"x", 0),
        ("max-age=\"\"", 0),
        ("max-age=60, max-age=10", 10),
        ("max-age=10, max-age=60", 10),
        ("max-age=10, max-age=x", 0),
    ] {
        assert_eq!(response(&[line]).max_age, Some(Duration::from_secs(seconds)), "{line}");
    }
}

#[test]
fn what_restricts_does_so_with_any_argument_and_what_permits_only_without() {
    let odd = response(&["no-store=1, must-revalidate=x, proxy-revalidate=\"\", public=1"]);
    assert!(odd.no_store && odd.must_revalidate && odd.proxy_revalidate && !odd.public);
    assert!(response(&["no-store =1"]).no_store);
    assert!(!response(&["must-understand=0"]).must_understand);
}

/// RFC 9111 sections 5.2.2.4 and 5.2.2.7.
#[test]
fn a_restriction_is_of_the_fields_it_names_or_of_the_whole() {
    for (line, restriction) in [
        ("private", Restriction::Whole),
        ("private=\"X-User, x-plan\"", names(&["x-user", "x-plan"])),
        ("private=x-user", names(&["x-user"])),
        ("private=x-user, private=\"x-plan\"", names(&["x-user", "x-plan"])),
        ("private=x-user, private", Restriction::Whole),
        ("private, private=x-user", Restriction::Whole),
        ("private=\"\"", Restriction::Whole),
        ("private=", Restriction::Whole),
        ("private=\" , \"", Restriction::Whole),
        ("private=\"x-user, x plan\"", Restriction::Whole),
        ("private=\"x-user\"x", Restriction::Whole),
        ("max-age=1", Restriction::None),
    ] {
        assert_eq!(response(&[line]).private, restriction, "{line}");
        let line = line.replace("private", "no-cache");
        assert_eq!(response(&[&line]).no_cache, restriction, "{line}");
    }
}

#[test]
fn an_open_quotation_swallows_its_line_and_is_told() {
    let open = response(&["max-age=9, x=\"y, public", "no-store"]);
    assert!(open.is_malformed && open.no_store && !open.public);
    assert_eq!(open.max_age, Some(9 * SECOND));
    // Joined, the two lines are well-formed and say no-store.
    assert!(response(&["x=\"y", "z\", no-store"]).is_malformed);
}

/// RFC 9213 section 2.2.
#[test]
fn cdn_cache_control_alone_governs() {
    let all = targeted(&["max-age=60, public", "no-cache=\"x-user\", s-maxage=7;a=1;b"]);
    assert!(all.is_targeted && all.public);
    assert_eq!((all.max_age, all.s_maxage), (Some(60 * SECOND), Some(7 * SECOND)));
    assert_eq!(all.no_cache, names(&["x-user"]));
    assert_eq!(targeted(&["no-store"]).max_age, None);
    assert!(targeted(&["no-store"]).no_store);
    assert!(!response(&["max-age=1"]).is_targeted);
}

/// RFC 9213 section 2.1, RFC 8941 section 4.2.2.
#[test]
fn a_cdn_cache_control_that_is_empty_or_broken_is_not_there() {
    for broken in [
        "",
        "max-age=60,",
        ",max-age=60",
        "max-age=60,,public",
        "Max-Age=60",
        "max-age= 60",
        "max-age =60",
        "max-age=",
        "max-age=60s!",
        "max-age=60 public",
        "max-age=-",
        "max-age=1234567890123456",
        "max-age=1.2345",
        "max-age=1234567890123.5",
        "max-age=1.",
        "max-age=?2",
        "max-age=?",
        "max-age=60;A=1",
        "max-age=60 ;a",
        "max-age=60;",
        "max-age=60;a=",
        "x=\"a",
        "x=\"\\a\"",
        "x=\"a\"b",
        "x=\"\u{e9}\"",
        "x=:a",
        "x=(a b",
        "x=(a\"b\")",
        "x=(a)b",
        "1x",
    ] {
        let fallen_back = targeted(&[broken]);
        assert!(!fallen_back.is_targeted, "{broken}");
        assert_eq!(fallen_back.max_age, Some(SECOND), "{broken}");
    }
    assert!(!targeted(&["max-age=60", ""]).is_targeted);
    assert!(!targeted(&["x=\"a", "b\", max-age=60"]).is_targeted);
}

#[test]
fn a_cdn_cache_control_is_a_dictionary_and_its_values_have_types() {
    for (line, max_age) in [
        ("max-age=60, max-age=90", Some(90)),
        ("max-age=\"60\"", Some(0)),
        ("max-age=60.5", Some(0)),
        ("max-age=-60", Some(0)),
        ("max-age=?0", None),
        ("max-age=60, max-age=?0", None),
        ("max-age=999999999999999", Some(1 << 31)),
        ("max-age", Some(0)),
        ("max-age=:NjA=:", Some(0)),
        ("max-age=(60 60)", Some(0)),
        ("max-age=60; a=\"x, y\" ,x=( \"a\";b=?1  c );d, *y=to/ken:", Some(60)),
    ] {
        let read = targeted(&[line]);
        let expected = max_age.map(Duration::from_secs);
        assert_eq!((read.is_targeted, read.max_age), (true, expected), "{line}");
    }
    assert!(!targeted(&["no-store=?0"]).no_store && targeted(&["no-store=?1"]).no_store);
    assert_eq!(targeted(&["private=(x-user)"]).private, Restriction::Whole);
    assert_eq!(targeted(&["private=x-user"]).private, names(&["x-user"]));
}

/// RFC 9111 section 5.2.1.
#[test]
fn requests_have_directives_of_their_own() {
    let all = request(&["No-Cache, no-store, only-if-cached", "max-age=\"5\", min-fresh=6"]);
    assert!(all.no_cache && all.no_store && all.only_if_cached);
    assert_eq!((all.max_age, all.min_fresh), (Some(5 * SECOND), Some(6 * SECOND)));
    assert_eq!(request(&["max-stale"]).max_stale, Some(Duration::MAX));
    assert_eq!(request(&["max-stale=7, stale-if-error=8"]).max_stale, Some(7 * SECOND));
    assert_eq!(request(&["stale-if-error=8"]).stale_if_error, Some(8 * SECOND));
    assert_eq!(request(&["private, x"]), RequestDirectives::default());
}

#[test]
fn requests_are_read_in_their_narrower_sense() {
    assert_eq!(request(&["max-age=9, max-age=3"]).max_age, Some(3 * SECOND));
    assert_eq!(request(&["max-age=x"]).max_age, Some(Duration::ZERO));
    assert_eq!(request(&["max-stale, max-stale=3"]).max_stale, Some(3 * SECOND));
    assert_eq!(request(&["max-stale=x"]).max_stale, Some(Duration::ZERO));
    assert_eq!(request(&["min-fresh=3, min-fresh=9"]).min_fresh, Some(9 * SECOND));
    assert_eq!(request(&["min-fresh=x"]).min_fresh, Some(MOST));
    assert_eq!(request(&["stale-if-error=x"]).stale_if_error, Some(Duration::ZERO));
}

/// RFC 9111 section 5.4.
#[test]
fn pragma_counts_where_there_is_no_cache_control() {
    let of = |all: &[_]| RequestDirectives::of(&fields(all)).no_cache;
    assert!(of(&[("pragma", "x, No-Cache")]));
    assert!(!of(&[("pragma", "no-cache"), ("cache-control", "max-age=60")]));
    assert!(!of(&[("pragma", "no-cache"), ("cache-control", "")]));
    assert!(!of(&[("pragma", "no-caches")]));
    assert_eq!(
        ResponseDirectives::of(&fields(&[("pragma", "no-cache")])),
        ResponseDirectives::default()
    );
}

fn is_restricting(directives: &ResponseDirectives) -> bool {
    directives.no_store || directives.is_malformed
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(lines in prop::collection::vec(
        prop::collection::vec(
            prop::sample::select(b"max-age=60,public;no-store\"\\ ()?:.*x\xe9".to_vec()), 0..40,
        ),
        0..4,
    )) {
        for name in ["cache-control", "cdn-cache-control", "pragma"] {
            let headers: HeaderMap = lines
                .iter()
                .filter_map(|line| HeaderValue::from_bytes(line).ok())
                .map(|line| (HeaderName::from_static(name), line))
                .collect();
            let response = ResponseDirectives::of(&headers);
            prop_assert!(response.max_age <= Some(MOST));
            prop_assert!(RequestDirectives::of(&headers).max_age <= Some(MOST));
        }
    }

    /// Whatever stands before it, on its line or others: it is seen, or its line is told to be
    /// broken.
    #[test]
    fn nothing_hides_no_store(before in "[a-z=, \"\\\\]{0,20}", lines in prop::collection::vec("[a-z=, \"\\\\]{0,20}", 0..3)) {
        let mut all: Vec<&str> = lines.iter().map(String::as_str).collect();
        let line = format!("{before}, no-store");
        all.push(&line);
        prop_assert!(is_restricting(&response(&all)), "{all:?}");
    }
}
