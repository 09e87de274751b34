//! The rules against those of the crate `http-cache-semantics`, on generated requests and
//! responses, wherever both define what happens. Where they differ is listed, with the reason.

mod case;
mod differences;
mod generated;

use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};
use proptest::prelude::*;
use thruster_cache::reuse::{Reuse, reuse};

use case::{Case, headers, now, planned, received};
use differences::DIFFERENCES;
use generated::cases;

/// What is observed of a case, by us or by the oracle.
#[derive(Debug, PartialEq)]
struct Seen {
    /// Seconds for which it stays fresh, of a response that is stored and of any use.
    stored: Option<u64>,
    /// Its age when it is asked for again, and whether it may answer without further ado.
    answered: Option<(u64, bool)>,
}

fn ours(case: &Case) -> Seen {
    let Some(plan) = planned(case) else { return Seen { stored: None, answered: None } };
    let later = headers(&case.later);
    let is_answer = match reuse(&later, &plan.life, false, now(case)) {
        Reuse::Fresh | Reuse::StaleAccepted => plan.variant.matches(&later),
        Reuse::StaleWhileRevalidate | Reuse::Validate(_) | Reuse::Withheld => false,
    };
    Seen {
        stored: u64::try_from(plan.life.ttl(received())).ok(),
        answered: Some((plan.life.age(now(case)).as_secs(), is_answer)),
    }
}

fn oracles(case: &Case) -> Seen {
    let request = |fields: &[_]| {
        let mut request = Request::new(());
        *request.headers_mut() = headers(fields);
        request
    };
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(case.status).expect("a status");
    *response.headers_mut() = case.response();
    // Shared, and without guesses, as we are.
    let options = CacheOptions {
        cache_heuristic: 0.0,
        immutable_min_time_to_live: Duration::ZERO,
        ..CacheOptions::default()
    };
    let policy = CachePolicy::new_options(&request(&case.first), &response, received(), options);
    // It stores what is of use only when validated, too. We do not.
    let left = policy.time_to_live(received());
    if !policy.is_storable() || left.is_zero() {
        return Seen { stored: None, answered: None };
    }
    let before = policy.before_request(&request(&case.later), now(case));
    let is_answer = matches!(before, BeforeRequest::Fresh(_));
    let answered = Some((policy.age(now(case)).as_secs(), is_answer));
    Seen { stored: Some(left.as_secs()), answered }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 8_000,
        max_global_rejects: 100_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn we_and_the_oracle_agree_but_for_what_is_listed(case in cases()) {
        prop_assume!(!DIFFERENCES.iter().any(|difference| (difference.is_met)(&case)));
        prop_assert_eq!(ours(&case), oracles(&case));
    }
}

#[test]
fn every_listed_difference_is_one() {
    for difference in &DIFFERENCES {
        let case = (difference.example)();
        assert!((difference.is_met)(&case), "{}", difference.why);
        assert_ne!(ours(&case), oracles(&case), "{}", difference.why);
        let others = DIFFERENCES.iter().filter(|other| (other.is_met)(&case)).count();
        assert_eq!(others, 1, "an example of one: {}", difference.why);
    }
}

/// What both agree upon is more than that nothing is ever stored.
#[test]
fn the_generated_cases_are_of_every_kind() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut stored, mut answered, mut stale, mut refused) = (0, 0, 0, 0);
    for _ in 0..3_000 {
        let case = cases().new_tree(&mut runner).expect("a case").current();
        if DIFFERENCES.iter().any(|difference| (difference.is_met)(&case)) {
            continue;
        }
        let Some(plan) = planned(&case) else { continue };
        stored += 1;
        let is_fresh = plan.life.is_fresh(now(&case));
        match ours(&case).answered {
            Some((_, true)) if is_fresh => answered += 1,
            Some((_, true)) => stale += 1,
            _ if is_fresh => refused += 1,
            _ => {}
        }
    }
    let seen = [stored, answered, stale, refused];
    assert!(seen.iter().all(|&count| count >= 20), "{seen:?}");
}
