//! Where the oracle means something else, each with the reason.

use crate::case::{Case, date, is_in, name, now, planned, received};

/// Where we and the oracle mean different things: a sentence that says why, whether a case is of
/// the kind, and an example of it.
pub struct Difference {
    pub why: &'static str,
    pub is_met: fn(&Case) -> bool,
    pub example: fn() -> Case,
}

pub const DIFFERENCES: [Difference; 14] = [
    Difference {
        why: "An Age that the Date tells of is not counted by the oracle; RFC 9111 section 4.2.3 \
              takes the greater of apparent and corrected age.",
        is_met: |case| is_before(case, "date"),
        example: || Case::of(&["max-age=60"]).with("date", date(-90)),
    },
    Difference {
        why: "The oracle takes the least of differing repetitions for an error that calls for \
              revalidation; we take the least.",
        is_met: |case| {
            let mut names: Vec<_> = case.directives.iter().map(|line| name(line)).collect();
            names.sort_unstable();
            names.windows(2).any(|pair| pair[0] == pair[1])
        },
        example: || Case::of(&["max-age=60", "max-age=10"]).later(20),
    },
    Difference {
        why: "Directives in capitals are unknown to the oracle; RFC 9111 section 5.2 compares \
              without regard to case.",
        is_met: |case| case.directives.iter().any(|line| line.contains(char::is_uppercase)),
        example: || Case::of(&["Max-Age=60"]),
    },
    Difference {
        why: "To the oracle private=\"x\" and no-cache=\"x\" mean the whole; RFC 9111 sections \
              5.2.2.4 and 5.2.2.7 mean the fields.",
        is_met: |case| case.says("private=x-user") || case.says("no-cache=x-user"),
        example: || Case::of(&["max-age=60", "private=x-user"]),
    },
    Difference {
        why: "To the oracle proxy-revalidate means never fresh; RFC 9111 section 5.2.2.8 means \
              never stale.",
        is_met: |case| case.says("proxy-revalidate"),
        example: || Case::of(&["max-age=60", "proxy-revalidate"]),
    },
    Difference {
        why: "The oracle serves a response with s-maxage stale to max-stale; RFC 9111 section \
              5.2.2.10 gives it the meaning of proxy-revalidate.",
        is_met: |case| case.has("s-maxage") && has_max_stale(case),
        example: || Case::of(&["s-maxage=10"]).asking("cache-control", "max-stale").later(20),
    },
    Difference {
        why: "The oracle does not know must-understand (RFC 9111 section 5.2.2.3).",
        is_met: |case| case.says("must-understand"),
        example: || Case::of(&["max-age=60", "no-store", "must-understand"]),
    },
    Difference {
        why: "The oracle stores a cookie by immutable too; we want public.",
        is_met: |case| case.is_with("set-cookie") && case.says("immutable"),
        example: || Case::of(&["max-age=60", "immutable"]).with("set-cookie", "a=b".into()),
    },
    Difference {
        why: "Response Pragma is no-cache to the oracle; RFC 9111 section 5.4 defines it in \
              requests alone.",
        is_met: |case| case.is_with("pragma") && case.directives.is_empty(),
        example: || Case::of(&[]).with("expires", date(60)).with("pragma", "no-cache".into()),
    },
    Difference {
        why: "Request Pragma counts beside Cache-Control to the oracle; not by RFC 9111 section \
              5.4.",
        is_met: |case| is_in(&case.later, "pragma") && is_in(&case.later, "cache-control"),
        example: || {
            let case = Case::of(&["max-age=60"]).asking("pragma", "no-cache");
            case.asking("cache-control", "max-age=90")
        },
    },
    Difference {
        why: "Of several Ages the oracle takes none; RFC 9111 section 5.1 takes the first.",
        is_met: |case| case.value("age").contains(','),
        example: || Case::of(&["max-age=60"]).with("age", "70, 1".into()),
    },
    Difference {
        why: "The oracle sees `*` in Vary only if it is alone.",
        is_met: |case| case.value("vary").contains(", *"),
        example: || Case::of(&["max-age=60"]).with("vary", "accept, *".into()),
    },
    Difference {
        why: "The obsolete forms of a date are none to the oracle; RFC 9110 section 5.6.7 wants \
              them read.",
        is_met: |case| case.value("expires") == OBSOLETE,
        example: || Case::of(&[]).with("expires", OBSOLETE.into()),
    },
    Difference {
        why: "To the oracle max-stale=10 allows less than 10 seconds; RFC 9111 section 5.2.1.2 \
              means no more than 10.",
        is_met: |case| {
            planned(case).is_some_and(|plan| {
                let staleness = plan.life.staleness(now(case)).as_secs().to_string();
                let is_limit = |text: &str| text.ends_with(&format!("max-stale={staleness}"));
                case.later.iter().any(|(_, value)| value.split(", ").any(is_limit))
            })
        },
        example: || Case::of(&["max-age=10"]).asking("cache-control", "max-stale=10").later(20),
    },
];

/// An hour after the responses come.
pub const OBSOLETE: &str = "Sunday, 06-Nov-94 09:49:37 GMT";

fn is_before(case: &Case, name: &str) -> bool {
    httpdate::parse_http_date(case.value(name)).is_ok_and(|date| date < received())
}

fn has_max_stale(case: &Case) -> bool {
    case.later.iter().any(|(_, value)| value.contains("max-stale"))
}
