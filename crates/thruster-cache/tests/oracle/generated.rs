//! Cases of every kind, made up.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::case::{Case, date, name};
use crate::differences::OBSOLETE;

pub fn cases() -> impl Strategy<Value = Case> {
    let statuses = vec![203, 204, 206, 300, 302, 303, 307, 308, 400, 404, 405, 410, 500, 501, 503];
    let status = prop_oneof![9 => Just(200), 1 => select(statuses)];
    (status, response_directives(), response_fields(), requests(), 0..120u64).prop_map(
        |(status, directives, fields, [first, later], elapsed)| Case {
            status,
            directives,
            fields,
            first,
            later,
            elapsed,
        },
    )
}

fn seconds() -> impl Strategy<Value = u64> {
    select(vec![0, 1, 10, 20, 60, 90, 3600])
}

fn response_directives() -> impl Strategy<Value = Vec<String>> {
    let numbers =
        (select(vec!["max-age", "max-age", "max-age", "s-maxage"]), seconds(), any::<bool>());
    let number = numbers.prop_map(|(name, seconds, is_quoted)| {
        if is_quoted { format!("{name}=\"{seconds}\"") } else { format!("{name}={seconds}") }
    });
    let plain = select(vec![
        "public",
        "public",
        "must-revalidate",
        "private",
        "no-store",
        "no-cache",
        "must-revalidate",
        "proxy-revalidate",
        "must-understand",
        "immutable",
        "private=x-user",
        "no-cache=x-user",
        "Max-Age=60",
        "max-age=x",
        "max-age=-5",
        "x-unknown=\"y\"",
    ]);
    vec(prop_oneof![3 => number, 1 => plain.prop_map(String::from)], 0..4)
}

fn response_fields() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let moment = |from: i64, to: i64| (from..to).prop_map(|seconds| date(seconds * 10));
    let said = |values: &[&'static str]| select(values.to_vec()).prop_map(String::from);
    let expires = prop_oneof![6 => moment(-5, 20), 1 => said(&["0", "-1", "soon", OBSOLETE])];
    let age =
        prop_oneof![4 => seconds().prop_map(|age| age.to_string()), 1 => said(&["x", "30, 5"])];
    (
        option::of(expires),
        option::of(prop_oneof![1 => moment(-5, 0), 9 => moment(0, 5)]),
        option::weighted(0.3, age),
        option::weighted(0.2, Just("a=b".to_owned())),
        option::weighted(0.2, said(&["accept-language", "*", "accept, *", "Accept-Language, x"])),
        option::weighted(0.1, Just("no-cache".to_owned())),
    )
        .prop_map(|(expires, date, age, cookie, vary, pragma)| {
            let all = [
                ("expires", expires),
                ("date", date),
                ("age", age),
                ("set-cookie", cookie),
                ("vary", vary),
                ("pragma", pragma),
            ];
            all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
        })
}

/// The fields of two requests from one and the same client: only what the later one says of
/// caching may differ, and its language.
fn requests() -> impl Strategy<Value = [Vec<(&'static str, String)>; 2]> {
    let number = (select(vec!["max-age", "min-fresh"]), seconds())
        .prop_map(|(name, seconds)| format!("{name}={seconds}"));
    let plain = select(vec!["no-cache", "only-if-cached", "x=y"]);
    // Each once: what repetition means has its own tests.
    let max_stale = option::of(seconds())
        .prop_map(|limit| limit.map_or("max-stale".into(), |limit| format!("max-stale={limit}")));
    let others = vec(prop_oneof![2 => number, 1 => plain.prop_map(String::from)], 0..3);
    let directives = (others, option::of(max_stale)).prop_map(|(mut all, max_stale)| {
        all.extend(max_stale);
        all.sort_unstable();
        all.dedup_by(|one, other| name(one) == name(other));
        all
    });
    let language = || option::of(select(vec!["de", "en"]));
    let flags = (
        prop::bool::weighted(0.2),
        option::weighted(0.1, Just(())),
        option::weighted(0.1, Just(())),
    );
    (directives, language(), language(), flags).prop_map(
        |(directives, first_language, later_language, (is_authorized, no_store, pragma))| {
            let mut requests = [Vec::new(), Vec::new()];
            for (request, language) in requests.iter_mut().zip([first_language, later_language]) {
                request.extend(language.map(|language| ("accept-language", language.to_owned())));
                request.extend(is_authorized.then(|| ("authorization", "Basic eDp5".to_owned())));
            }
            requests[0].extend(no_store.map(|()| ("cache-control", "no-store".to_owned())));
            if !directives.is_empty() {
                requests[1].push(("cache-control", directives.join(", ")));
            }
            requests[1].extend(pragma.map(|()| ("pragma", "no-cache".to_owned())));
            requests
        },
    )
}
