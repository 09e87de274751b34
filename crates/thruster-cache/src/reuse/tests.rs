use super::*;
use crate::vocabulary::{at, fields, life};

fn asking(cache_control: &str) -> HeaderMap {
    fields(&[("cache-control", cache_control)])
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What becomes of a response that is fresh for 60 s, and stale while revalidated for 30.
fn revalidated(cache_control: &str, now: u64) -> Reuse {
    let life = Life { stale_while_revalidate: seconds(30), ..life() };
    reuse(&asking(cache_control), &life, false, at(now))
}

/// What becomes of one that is only fresh for 60 s.
fn plain(cache_control: &str, now: u64) -> Reuse {
    reuse(&asking(cache_control), &life(), false, at(now))
}

#[test]
fn a_response_is_fresh_until_its_lifetime_is_over() {
    assert_eq!(plain("", 0), Reuse::Fresh);
    assert_eq!(plain("", 59), Reuse::Fresh);
    assert_eq!(plain("", 60), Reuse::Validate(Why::Stale));
    let aged = Life { initial_age: seconds(20), ..life() };
    assert_eq!(reuse(&HeaderMap::new(), &aged, false, at(39)), Reuse::Fresh);
    assert_eq!(reuse(&HeaderMap::new(), &aged, false, at(40)), Reuse::Validate(Why::Stale));
}

/// RFC 5861 section 3.
#[test]
fn it_is_served_stale_while_it_is_refreshed() {
    assert_eq!(revalidated("", 59), Reuse::Fresh);
    assert_eq!(revalidated("", 60), Reuse::StaleWhileRevalidate);
    assert_eq!(revalidated("", 90), Reuse::StaleWhileRevalidate);
    assert_eq!(revalidated("", 91), Reuse::Validate(Why::Stale));
    assert_eq!(revalidated("max-stale=60", 91), Reuse::StaleAccepted);
}

/// RFC 9111 section 5.2.1.
#[test]
fn a_request_may_want_it_fresher_than_fresh() {
    let refused = Reuse::Validate(Why::Request);
    assert_eq!(plain("no-cache", 1), refused);
    assert_eq!(plain("max-age=10", 10), Reuse::Fresh);
    assert_eq!(plain("max-age=10", 11), refused);
    assert_eq!(plain("max-age=0", 1), refused);
    assert_eq!(plain("min-fresh=20", 40), Reuse::Fresh);
    assert_eq!(plain("min-fresh=20", 41), refused);
    assert_eq!(plain("max-age=10, max-stale=99", 11), refused);
    assert_eq!(revalidated("max-age=70", 65), Reuse::Validate(Why::Stale));
    assert_eq!(revalidated("max-age=70, max-stale", 65), Reuse::StaleWhileRevalidate);
    let pragma = fields(&[("pragma", "no-cache")]);
    assert_eq!(reuse(&pragma, &life(), false, at(1)), refused);
    assert_eq!(plain("only-if-cached, no-store", 1), Reuse::Fresh);
}

#[test]
fn a_request_may_take_it_stale() {
    assert_eq!(plain("max-stale", 9999), Reuse::StaleAccepted);
    assert_eq!(plain("max-stale=10", 70), Reuse::StaleAccepted);
    assert_eq!(plain("max-stale=10", 71), Reuse::Validate(Why::Stale));
    assert_eq!(plain("max-stale=0", 60), Reuse::Validate(Why::Stale));
    assert_eq!(plain("max-stale=10, min-fresh=1", 65), Reuse::Validate(Why::Request));
}

#[test]
fn what_must_be_revalidated_is_never_served_stale() {
    let life = Life {
        must_revalidate: true,
        stale_while_revalidate: seconds(30),
        stale_if_error: seconds(30),
        ..life()
    };
    assert_eq!(reuse(&HeaderMap::new(), &life, false, at(59)), Reuse::Fresh);
    assert_eq!(reuse(&HeaderMap::new(), &life, false, at(60)), Reuse::Validate(Why::Stale));
    assert_eq!(reuse(&asking("max-stale"), &life, false, at(60)), Reuse::Validate(Why::Stale));
    assert_eq!(reuse(&HeaderMap::new(), &life, true, at(1)), Reuse::Validate(Why::Outdated));
    assert!(!may_replace_error(&asking("stale-if-error=99"), &life, at(61)));
}

#[test]
fn a_soft_purge_makes_it_stale_at_once() {
    let outdated = |cache_control: &str, stale: u64, now| {
        let life = Life { stale_while_revalidate: seconds(stale), ..life() };
        reuse(&asking(cache_control), &life, true, at(now))
    };
    assert_eq!(outdated("", 0, 1), Reuse::Validate(Why::Outdated));
    assert_eq!(outdated("", 30, 1), Reuse::StaleWhileRevalidate);
    assert_eq!(outdated("", 30, 90), Reuse::StaleWhileRevalidate);
    assert_eq!(outdated("", 30, 91), Reuse::Validate(Why::Stale));
    assert_eq!(outdated("max-stale", 0, 1), Reuse::StaleAccepted);
    assert_eq!(outdated("min-fresh=1", 30, 1), Reuse::Validate(Why::Request));
    assert_eq!(outdated("max-age=50", 30, 1), Reuse::Validate(Why::Outdated));
}

/// RFC 9111 section 3.5.
#[test]
fn a_request_with_authorization_gets_only_what_is_for_such() {
    let request = fields(&[("authorization", "Basic eDp5")]);
    assert_eq!(reuse(&request, &life(), false, at(1)), Reuse::Fresh);
    let life = Life { is_for_authorized: false, stale_if_error: seconds(30), ..life() };
    assert_eq!(reuse(&request, &life, false, at(1)), Reuse::Withheld);
    assert!(!may_replace_error(&request, &life, at(61)));
    assert!(may_replace_error(&HeaderMap::new(), &life, at(61)));
}

/// RFC 5861 section 4.
#[test]
fn either_side_may_prefer_stale_to_an_error() {
    let replaces = |cache_control: &str, limit: u64, now| {
        let life = Life { stale_if_error: seconds(limit), ..life() };
        may_replace_error(&asking(cache_control), &life, at(now))
    };
    assert!(replaces("", 30, 60) && replaces("", 30, 90) && !replaces("", 30, 91));
    assert!(replaces("stale-if-error=40", 30, 100) && !replaces("stale-if-error=40", 30, 101));
    assert!(replaces("stale-if-error=10", 30, 90));
    assert!(!replaces("", 0, 1) && !replaces("", 0, 61));
    assert!(!replaces("no-cache", 30, 61) && !replaces("max-age=50", 30, 61));
    assert!(!replaces("min-fresh=5", 30, 61));
}

#[test]
fn a_request_is_asked_about_storing() {
    assert!(wants_no_store(&asking("x, NO-STORE")) && !wants_no_store(&asking("no-cache")));
    assert!(!wants_no_store(&HeaderMap::new()));
}
