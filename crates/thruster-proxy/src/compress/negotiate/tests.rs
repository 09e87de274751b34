use super::*;
use Coding::{Brotli, Gzip, Zstd};
use proptest::prelude::*;

fn accepted(lines: &[&str]) -> Accepted {
    let field = |line: &&str| (ACCEPT_ENCODING, line.parse().unwrap());
    Accepted::of(&lines.iter().map(field).collect())
}

#[test]
fn the_client_gets_what_it_likes_best() {
    for (line, chosen) in [
        ("gzip, deflate, br, zstd", Some(Brotli)),
        ("gzip, deflate, br", Some(Brotli)),
        ("gzip, zstd", Some(Zstd)),
        ("gzip", Some(Gzip)),
        ("GZip", Some(Gzip)),
        ("x-gzip", Some(Gzip)),
        ("X-Gzip;q=0.5, br;q=0.4", Some(Gzip)),
        ("gzip;q=1.0, br;q=0.999", Some(Gzip)),
        ("gzip;q=1.000, br;Q=1", Some(Brotli)),
        ("br;q=0.5,zstd;q=0.8 , gzip ;\tq=0.2", Some(Zstd)),
        ("gzip;q=0.001", Some(Gzip)),
        ("br;q=0, gzip", Some(Gzip)),
        ("br;q=0.000", None),
        ("*", Some(Brotli)),
        ("*;q=0.5, br;q=0", Some(Zstd)),
        ("gzip, *;q=0", Some(Gzip)),
        ("zstd;q=0.2, *;q=0.1", Some(Zstd)),
        ("*;q=0", None),
        ("identity", None),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=0.5", Some(Gzip)),
        ("identity;q=0.6, gzip;q=0.5, br;q=0.7", Some(Brotli)),
        ("identity;q=0, gzip;q=0.1", Some(Gzip)),
        ("deflate, compress", None),
        ("", None),
    ] {
        assert_eq!(accepted(&[line]).choose(&[Brotli, Zstd, Gzip]), chosen, "{line:?}");
    }
}

#[test]
fn only_what_is_there_is_chosen_and_our_order_decides_between_equals() {
    let all = accepted(&["gzip, br, zstd"]);
    assert_eq!(all.choose(&[]), None);
    assert_eq!(all.choose(&[Gzip]), Some(Gzip));
    assert_eq!(all.choose(&[Zstd, Gzip, Brotli]), Some(Zstd));
    assert_eq!(accepted(&["gzip, br;q=0.9"]).choose(&[Zstd, Brotli]), Some(Brotli));
}

#[test]
fn members_on_all_lines_count() {
    let spread = accepted(&["gzip;q=0.5", "br;q=0.8, zstd;q=0.1"]);
    assert_eq!(spread.choose(&[Gzip, Brotli, Zstd]), Some(Brotli));
    assert_eq!([Gzip, Zstd].map(|coding| spread.choose(&[coding])), [Some(Gzip), Some(Zstd)]);
}

#[test]
fn malformed_members_are_as_if_they_were_not_there() {
    for bad in [
        "gzip;q=",
        "gzip;q=2",
        "gzip;q=1.1",
        "gzip;q=1.001",
        "gzip;q=-1",
        "gzip;q=.5",
        "gzip;q=0.1234",
        "gzip;q=0.5x",
        "gzip;q=0,5",
        "gzip;q =1",
        "gzip;q= 1",
        "gzip;",
        "gzip;level=9",
        "gzip;q=1;q=1",
        "gzip q=1",
        "\"gzip\"",
        "gzip/br",
        ";q=1",
        ";",
        ",,",
    ] {
        // The member after the comma in `gzip;q=0,5` is a name of its own, and refuses gzip.
        let expected = if bad == "gzip;q=0,5" { accepted(&["gzip;q=0"]) } else { accepted(&[]) };
        assert_eq!(accepted(&[bad]), expected, "{bad:?}");
        assert_eq!(accepted(&[bad, "zstd"]).choose(&[Gzip, Zstd]), Some(Zstd), "{bad:?}");
    }
}

#[test]
fn what_is_refused_once_is_not_sent() {
    assert_eq!(accepted(&["gzip", "x-gzip;q=0"]).choose(&[Gzip]), None);
    assert_eq!(accepted(&["br;q=0, br"]).choose(&[Brotli]), None);
    assert_eq!(accepted(&["*, br;q=0"]).choose(&[Brotli]), None);
}

#[test]
fn a_client_that_says_nothing_has_asked_for_nothing() {
    for nothing in [accepted(&[]), accepted(&[""]), Accepted::default()] {
        assert_eq!(nothing.choose(&Coding::ALL), None);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_choose_what_is_not_named(line in "[ ,;.=*a-z0-9\t-]{0,40}") {
        let accepted = accepted(&[&line]);
        for preference in [[Brotli, Zstd, Gzip], [Gzip, Brotli, Zstd]] {
            let is_named = |coding: Coding| line.contains('*') || line.contains(coding.name());
            prop_assert!(accepted.choose(&preference).is_none_or(is_named));
        }
    }
}

#[test]
fn all_that_may_be_sent_are_ranked() {
    let ranked = |field: &str| accepted(&[field]).ranked(&[Brotli, Zstd, Gzip]);
    assert_eq!(ranked("gzip, br, zstd"), [Brotli, Zstd, Gzip]);
    assert_eq!(ranked("gzip, br;q=0.5, zstd;q=0"), [Gzip, Brotli]);
    assert_eq!(ranked("identity;q=0.6, br;q=0.5, gzip"), [Gzip]);
    assert_eq!(ranked(""), []);
}
