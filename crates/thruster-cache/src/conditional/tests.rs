use Verdict::{NotModified, PreconditionFailed, Proceed};

use super::*;
use crate::vocabulary::{date as moment, fields};

type Fields<'a> = &'a [(&'static str, &'a str)];

/// Of a response with the strong tag "a", modified at 100.
fn judged(method: &Method, request: Fields<'_>) -> Verdict {
    let response = fields(&[("etag", "\"a\""), ("last-modified", &moment(100))]);
    evaluate(method, &fields(request), &response)
}

fn got(request: Fields<'_>) -> Verdict {
    let verdict = judged(&Method::GET, request);
    assert_eq!(judged(&Method::HEAD, request), verdict);
    verdict
}

/// RFC 9110 section 13.1.2.
#[test]
fn if_none_match_is_a_list_and_compares_weakly() {
    for (line, verdict) in [
        ("\"a\"", NotModified),
        ("W/\"a\"", NotModified),
        ("*", NotModified),
        ("\"b\", W/\"a\" , \"c\"", NotModified),
        ("\"b,\", \"a\"", NotModified),
        ("\"b\\\", \"a\"", NotModified),
        ("\"b\"", Proceed),
        ("\"A\"", Proceed),
        ("a", Proceed),
        ("\"a", Proceed),
        ("\"b, \"a\"", Proceed),
        ("", Proceed),
        ("*, \"b\"", Proceed),
        ("\"*\"", Proceed),
    ] {
        assert_eq!(got(&[("if-none-match", line)]), verdict, "{line}");
    }
    assert_eq!(got(&[("if-none-match", "\"b\""), ("if-none-match", "\"a\"")]), NotModified);
    assert_eq!(judged(&Method::POST, &[("if-none-match", "\"a\"")]), PreconditionFailed);
    assert_eq!(judged(&Method::PUT, &[("if-none-match", "*")]), PreconditionFailed);
}

/// RFC 9110 section 13.1.1.
#[test]
fn if_match_compares_strongly() {
    for (line, verdict) in [
        ("\"a\"", Proceed),
        ("\"b\", \"a\"", Proceed),
        ("*", Proceed),
        ("W/\"a\"", PreconditionFailed),
        ("\"b\"", PreconditionFailed),
        ("a", PreconditionFailed),
        ("", PreconditionFailed),
    ] {
        assert_eq!(got(&[("if-match", line)]), verdict, "{line}");
        assert_eq!(judged(&Method::DELETE, &[("if-match", line)]), verdict, "{line}");
    }
    let weak = fields(&[("etag", "W/\"a\"")]);
    for line in ["W/\"a\"", "\"a\""] {
        let request = fields(&[("if-match", line)]);
        assert_eq!(evaluate(&Method::GET, &request, &weak), PreconditionFailed, "{line}");
    }
}

/// RFC 9110 sections 13.1.3 and 13.1.4.
#[test]
fn dates_are_compared_and_bad_ones_ignored() {
    let (before, then, after) = (&*moment(99), &*moment(100), &*moment(101));
    for (name, line, verdict) in [
        ("if-modified-since", before, Proceed),
        ("if-modified-since", then, NotModified),
        ("if-modified-since", after, NotModified),
        ("if-modified-since", "Sunday, 06-Nov-94 08:51:17 GMT", NotModified),
        ("if-modified-since", "Sun Nov  6 08:51:17 1994", NotModified),
        ("if-modified-since", "now", Proceed),
        ("if-modified-since", "", Proceed),
        ("if-unmodified-since", before, PreconditionFailed),
        ("if-unmodified-since", then, Proceed),
        ("if-unmodified-since", after, Proceed),
        ("if-unmodified-since", "now", Proceed),
    ] {
        assert_eq!(got(&[(name, line)]), verdict, "{name}: {line}");
    }
    assert_eq!(got(&[("if-modified-since", then), ("if-modified-since", after)]), Proceed);
    assert_eq!(judged(&Method::POST, &[("if-modified-since", after)]), Proceed);
    assert_eq!(judged(&Method::POST, &[("if-unmodified-since", before)]), PreconditionFailed);
}

/// RFC 9110 section 13.2.2.
#[test]
fn conditions_take_precedence_in_order() {
    let (before, after) = (&*moment(99), &*moment(101));
    assert_eq!(got(&[("if-match", "\"a\""), ("if-unmodified-since", before)]), Proceed);
    assert_eq!(got(&[("if-match", "\"b\""), ("if-none-match", "\"a\"")]), PreconditionFailed);
    assert_eq!(got(&[("if-match", "\"a\""), ("if-none-match", "\"a\"")]), NotModified);
    assert_eq!(
        got(&[("if-unmodified-since", before), ("if-none-match", "\"a\"")]),
        PreconditionFailed
    );
    assert_eq!(got(&[("if-unmodified-since", after), ("if-modified-since", after)]), NotModified);
    assert_eq!(got(&[("if-none-match", "\"b\""), ("if-modified-since", after)]), Proceed);
    assert_eq!(got(&[("if-none-match", "\"a\""), ("if-modified-since", before)]), NotModified);
    assert_eq!(got(&[("range", "bytes=0-1"), ("if-range", "\"b\"")]), Proceed);
}

/// RFC 9111 section 4.3.2.
#[test]
fn without_validators_there_is_date_for_one_condition_and_nothing_for_the_others() {
    let response = fields(&[("date", &moment(100))]);
    let of = |name, line: &str| evaluate(&Method::GET, &fields(&[(name, line)]), &response);
    assert_eq!(of("if-modified-since", &moment(100)), NotModified);
    assert_eq!(of("if-modified-since", &moment(99)), Proceed);
    assert_eq!(of("if-unmodified-since", &moment(99)), Proceed);
    assert_eq!(of("if-none-match", "\"a\""), Proceed);
    assert_eq!(of("if-none-match", "*"), NotModified);
    assert_eq!(of("if-match", "\"a\""), PreconditionFailed);
    assert_eq!(of("if-match", "*"), Proceed);
}

/// RFC 9110 section 15.4.5.
#[test]
fn a_304_has_all_but_what_describes_the_body() {
    let kept = [
        ("cache-control", "max-age=60"),
        ("content-location", "/a"),
        ("content-security-policy", "x"),
        ("date", "x"),
        ("etag", "\"a\""),
        ("expires", "x"),
        ("vary", "accept"),
        ("vary", "cookie"),
        ("access-control-allow-origin", "*"),
    ];
    let dropped = [
        ("content-type", "x"),
        ("content-length", "5"),
        ("content-encoding", "gzip"),
        ("content-language", "de"),
        ("content-range", "x"),
        ("content-disposition", "inline"),
        ("last-modified", "x"),
    ];
    let all = [&kept[..], &dropped].concat();
    assert_eq!(not_modified(&fields(&all)), fields(&kept));
    let dated = fields(&[("last-modified", "x"), ("content-type", "x")]);
    assert_eq!(not_modified(&dated), fields(&[("last-modified", "x")]));
}

#[test]
fn a_strong_tag_becomes_weak() {
    for (tag, weak) in [("\"a\"", "W/\"a\""), ("W/\"a\"", "W/\"a\""), ("a", "a"), ("\"", "\"")] {
        let mut headers = fields(&[("etag", tag)]);
        weaken(&mut headers);
        assert_eq!(headers, fields(&[("etag", weak)]));
    }
    let mut none = HeaderMap::new();
    weaken(&mut none);
    assert!(none.is_empty());
}

/// RFC 9111 section 4.3.1.
#[test]
fn a_request_is_made_to_validate_what_is_stored() {
    let asked = [
        ("if-none-match", "\"theirs\""),
        ("if-match", "x"),
        ("if-modified-since", "x"),
        ("if-unmodified-since", "x"),
        ("if-range", "x"),
        ("range", "bytes=0-1"),
        ("accept", "x"),
    ];
    let modified = moment(100);
    let of = |stored: Fields<'_>| {
        let mut request = fields(&asked);
        let can = condition(&mut request, &fields(stored));
        (can, request)
    };
    let accept = asked[6];
    let tag = ("etag", "W/\"a\"");
    let date = ("last-modified", &*modified);
    let by_tag = ("if-none-match", "W/\"a\"");
    let by_date = ("if-modified-since", &*modified);
    assert_eq!(of(&[tag, date]), (true, fields(&[accept, by_tag, by_date])));
    assert_eq!(of(&[tag]), (true, fields(&[accept, by_tag])));
    assert_eq!(of(&[date]), (true, fields(&[accept, by_date])));
    assert_eq!(of(&[]), (false, fields(&[accept])));
    assert_eq!(of(&[("last-modified", "once"), ("etag", "")]), (false, fields(&[accept])));
}
