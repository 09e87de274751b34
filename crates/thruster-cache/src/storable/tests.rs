use std::time::Duration;

use super::*;
use crate::vocabulary::{at, date as moment, fields};

type Fields<'a> = &'a [(&'static str, &'a str)];

/// Of a response that came at 100, a second after it was asked for.
fn plan_of(request: Fields<'_>, status: u16, response: Fields<'_>) -> Result<Plan, Reason> {
    let status = StatusCode::from_u16(status).unwrap();
    plan(&Method::GET, &fields(request), status, &fields(response), at(99), at(100))
}

fn of(response: Fields<'_>) -> Result<Plan, Reason> {
    plan_of(&[], 200, response)
}

fn saying(cache_control: &str) -> Result<Life, Reason> {
    of(&[("cache-control", cache_control)]).map(|plan| plan.life)
}

fn seconds(plan: Result<Plan, Reason>) -> Result<u64, Reason> {
    plan.map(|plan| plan.life.lifetime.as_secs())
}

#[test]
fn only_answers_to_get_are_kept() {
    let response = fields(&[("cache-control", "public, max-age=60")]);
    for method in [Method::HEAD, Method::POST, Method::OPTIONS, Method::PUT] {
        let kept =
            plan(&method, &HeaderMap::new(), StatusCode::OK, &response, at(0), at(0)).unwrap_err();
        assert_eq!(kept, Reason::Method, "{method}");
    }
}

/// RFC 9110 section 15.1, and no other errors.
#[test]
fn only_some_statuses_are_kept() {
    for status in 200..600 {
        let kept = plan_of(&[], status, &[("cache-control", "public, max-age=60")]).map(|_| ());
        let expected = match status {
            206 => Err(Reason::Partial),
            200 | 203 | 204 | 300..=303 | 307 | 308 | 404 | 405 | 410 | 414 | 501 => Ok(()),
            _ => Err(Reason::Status),
        };
        assert_eq!(kept, expected, "{status}");
    }
}

#[test]
fn a_response_says_no_by_a_reason() {
    for (line, reason) in [
        ("max-age=60, no-store", Reason::NoStore),
        ("public, max-age=60, private", Reason::Private),
        ("max-age=60, private=\"content-type\"", Reason::Private),
        ("max-age=60, no-cache", Reason::NoCache),
        ("max-age=60, no-cache=content-encoding", Reason::NoCache),
        ("max-age=60, x=\"", Reason::MalformedCacheControl),
        ("max-age=0", Reason::Expired),
        ("max-age=60, s-maxage=0", Reason::Expired),
        ("max-age=0, must-revalidate, stale-if-error=60", Reason::Expired),
        ("public", Reason::NoFreshness),
        ("stale-while-revalidate=60", Reason::NoFreshness),
        ("immutable", Reason::NoFreshness),
        ("must-understand", Reason::NoFreshness),
    ] {
        assert_eq!(saying(line), Err(reason), "{line}");
    }
    assert_eq!(of(&[]), Err(Reason::NoFreshness));
    assert_eq!(of(&[("last-modified", &moment(0))]), Err(Reason::NoFreshness));
    let varying = [("cache-control", "max-age=60"), ("vary", "*")];
    assert_eq!(of(&varying), Err(Reason::VaryStar));
    let tagged = [("cache-control", "max-age=60"), ("cache-tag", &"x".repeat(2000))];
    assert_eq!(of(&tagged), Err(Reason::TooManyTags));
}

#[test]
fn a_request_with_no_store_keeps_its_answer() {
    let response = [("cache-control", "max-age=60")];
    let no_store = plan_of(&[("cache-control", "no-store")], 200, &response);
    assert_eq!(no_store, Err(Reason::RequestNoStore));
    assert!(plan_of(&[("cache-control", "no-cache")], 200, &response).is_ok());
}

/// RFC 9111 section 5.2.2.3.
#[test]
fn must_understand_takes_the_place_of_no_store() {
    assert!(saying("must-understand, no-store, max-age=60").is_ok());
    let teapot = plan_of(&[], 418, &[("cache-control", "must-understand, no-store, max-age=60")]);
    assert_eq!(teapot, Err(Reason::Status));
    assert_eq!(saying("must-understand, no-store, private, max-age=60"), Err(Reason::Private));
}

/// RFC 9111 section 3.5.
#[test]
fn an_authorized_answer_is_kept_if_it_says_so() {
    for (line, is_kept) in [
        ("max-age=60", false),
        ("max-age=60, proxy-revalidate", false),
        ("max-age=60, public", true),
        ("max-age=60, must-revalidate", true),
        ("s-maxage=60", true),
    ] {
        let request = [("authorization", "Basic eDp5")];
        let kept = plan_of(&request, 200, &[("cache-control", line)]).map(|_| ());
        let expected = if is_kept { Ok(()) } else { Err(Reason::Authorization) };
        assert_eq!(kept, expected, "{line}");
        assert_eq!(saying(line).unwrap().is_for_authorized, is_kept, "{line}");
    }
}

#[test]
fn a_response_with_a_cookie_is_kept_if_public_and_without_it() {
    let cookie = ("set-cookie", "session=1");
    assert_eq!(of(&[("cache-control", "max-age=60"), cookie]), Err(Reason::SetCookie));
    let with_immutable = [("cache-control", "max-age=60, immutable"), cookie];
    assert_eq!(of(&with_immutable), Err(Reason::SetCookie));
    let old = [("cache-control", "max-age=60"), ("set-cookie2", "a=b")];
    assert_eq!(of(&old), Err(Reason::SetCookie));
    let kept = of(&[("cache-control", "max-age=60, public"), cookie, cookie]).unwrap();
    assert!(!kept.headers.contains_key("set-cookie"));
}

/// RFC 9111 section 4.2.1.
#[test]
fn freshness_is_what_the_response_says_in_this_order() {
    let (date, expires) = (("date", &*moment(90)), ("expires", &*moment(120)));
    let control = |line| ("cache-control", line);
    assert_eq!(seconds(of(&[control("max-age=6, s-maxage=7"), expires])), Ok(7));
    assert_eq!(seconds(of(&[control("max-age=6"), expires])), Ok(6));
    assert_eq!(seconds(of(&[control("max-age=x"), expires])), Err(Reason::Expired));
    assert_eq!(seconds(of(&[date, expires])), Ok(30));
    assert_eq!(seconds(of(&[expires])), Ok(20), "the Date is when it came");
    assert_eq!(seconds(of(&[("date", "yesterday"), expires])), Ok(20));
    assert_eq!(seconds(of(&[control("public"), expires])), Ok(20));
    assert_eq!(seconds(of(&[expires, ("expires", &moment(105))])), Ok(5));
    for past in ["0", "-1", "", "soon", &moment(100), &moment(99)] {
        assert_eq!(seconds(of(&[("expires", past)])), Err(Reason::Expired), "{past}");
        assert_eq!(seconds(of(&[expires, ("expires", past)])), Err(Reason::Expired), "{past}");
    }
    let far = ("expires", "Fri, 31 Dec 9999 23:59:59 GMT");
    assert_eq!(seconds(of(&[far])), Ok(1 << 31));
    assert_eq!(seconds(of(&[("expires", "Sunday, 06-Nov-94 08:52:37 GMT")])), Ok(80));
    assert_eq!(seconds(of(&[("expires", "Sun Nov  6 08:52:37 1994")])), Ok(80));
}

/// RFC 9213 section 2.2.
#[test]
fn cdn_cache_control_replaces_cache_control_and_expires() {
    let cdn = |line| ("cdn-cache-control", line);
    let (control, expires) = (("cache-control", "no-store"), ("expires", &*moment(120)));
    assert_eq!(seconds(of(&[control, cdn("max-age=60")])), Ok(60));
    assert_eq!(seconds(of(&[expires, cdn("public")])), Err(Reason::NoFreshness));
    assert_eq!(
        seconds(of(&[("cache-control", "max-age=60"), cdn("no-store")])),
        Err(Reason::NoStore)
    );
    assert_eq!(seconds(of(&[control, cdn("max-age = 60")])), Err(Reason::NoStore));
    let cookie = ("set-cookie", "a=b");
    let public = ("cache-control", "public");
    assert_eq!(seconds(of(&[public, cdn("max-age=60"), cookie])), Err(Reason::SetCookie));
    assert_eq!(seconds(of(&[cdn("max-age=60, public"), cookie])), Ok(60));
}

/// RFC 9111 section 4.2.3.
#[test]
fn the_age_of_a_response_is_the_greater_of_two() {
    let age = |all: Fields<'_>| {
        let all = [&[("cache-control", "max-age=1000")], all].concat();
        of(&all).unwrap().life.initial_age.as_secs()
    };
    assert_eq!(age(&[]), 1, "the second it took to come");
    assert_eq!(age(&[("age", "30")]), 31);
    assert_eq!(age(&[("date", &moment(40))]), 60);
    assert_eq!(age(&[("date", &moment(40)), ("age", "30")]), 60);
    assert_eq!(age(&[("date", &moment(90)), ("age", "30")]), 31);
    assert_eq!(age(&[("date", &moment(500)), ("age", "30")]), 31, "a clock that is fast");
    assert_eq!(age(&[("date", "x"), ("age", "30")]), 31);
    assert_eq!(age(&[("age", "30, 99")]), 31);
    assert_eq!(age(&[("age", "30"), ("age", "99")]), 31);
    for none in ["-30", "x", "", "3.5", "x, 30"] {
        assert_eq!(age(&[("age", none)]), 1, "{none}");
    }
}

#[test]
fn a_response_is_kept_while_it_can_be_of_use() {
    let aged = |line: &str| of(&[("cache-control", line), ("age", "69")]).map(|_| ());
    assert_eq!(aged("max-age=71"), Ok(()));
    assert_eq!(aged("max-age=70"), Err(Reason::Expired));
    assert_eq!(aged("max-age=60, stale-while-revalidate=11"), Ok(()));
    assert_eq!(aged("max-age=60, stale-if-error=11"), Ok(()));
    assert_eq!(aged("max-age=60, stale-if-error=10"), Err(Reason::Expired));
    assert_eq!(aged("max-age=60, stale-if-error=99, must-revalidate"), Err(Reason::Expired));
    assert_eq!(aged("s-maxage=60, stale-while-revalidate=99"), Err(Reason::Expired));
    let life = saying("max-age=0, stale-while-revalidate=8, stale-if-error=9").unwrap();
    assert_eq!(life.stale_while_revalidate, Duration::from_secs(8));
    assert_eq!(life.stale_if_error, Duration::from_secs(9));
}

#[test]
fn three_directives_forbid_serving_it_stale() {
    for (line, must_revalidate) in [
        ("max-age=60, public, immutable", false),
        ("max-age=60, must-revalidate", true),
        ("max-age=60, proxy-revalidate", true),
        ("s-maxage=60", true),
    ] {
        assert_eq!(saying(line).unwrap().must_revalidate, must_revalidate, "{line}");
    }
}

#[test]
fn what_is_kept_has_nothing_of_the_first_client_and_nothing_held_back() {
    let kept = of(&[
        ("cache-control", "public, max-age=60, private=\"X-User\", no-cache=x-plan"),
        ("content-type", "text/html"),
        ("content-length", "5"),
        ("content-security-policy", "default-src 'self'"),
        ("alt-svc", "h3=\":443\""),
        ("warning", "110 - \"stale\""),
        ("pragma", "no-cache"),
        ("set-cookie", "a=b"),
        ("x-user", "1"),
        ("x-plan", "2"),
        ("age", "5"),
        ("x-request-id", "1"),
        ("x-cache", "miss"),
        ("connection", "close"),
        ("trailer", "x"),
        ("cache-tag", "a, b"),
        ("surrogate-key", "c"),
        ("date", &moment(98)),
    ])
    .unwrap();
    let mut names: Vec<_> = kept.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let left = [
        "alt-svc",
        "cache-control",
        "content-security-policy",
        "content-type",
        "date",
        "pragma",
        "warning",
    ];
    assert_eq!(names, left);
    assert_eq!(kept.headers["date"], moment(98));
    assert_eq!(*kept.tags, ["a".into(), "b".into(), "c".into()]);
}

/// RFC 9110 section 6.6.1.
#[test]
fn a_response_without_a_date_is_dated_when_it_came() {
    for date in [&[][..], &[("date", "x")], &[("date", &moment(98)), ("date", &moment(99))]] {
        let kept = of(&[&[("cache-control", "max-age=60")], date].concat()).unwrap();
        assert_eq!(kept.headers.get_all("date").iter().collect::<Vec<_>>(), [&*moment(100)]);
    }
}

#[test]
fn the_plan_holds_the_variant_and_the_life() {
    let response = [("cache-control", "max-age=60"), ("vary", "accept-language")];
    let kept = plan_of(&[("accept-language", "de")], 200, &response).unwrap();
    assert!(kept.variant.matches(&fields(&[("accept-language", "de")])));
    assert!(!kept.variant.matches(&fields(&[("accept-language", "en")])));
    assert_eq!(kept.life.lifetime, Duration::from_secs(60));
}

#[test]
fn what_is_kept_is_the_same_text_in_memory_of_its_own() {
    let link = [("link", "<a>"), ("link", "<b>"), ("server", "puma"), ("x-empty", "")];
    let fields = fields(&link);
    assert_eq!(compact(&fields), fields);
}
