//! Answers that depend on fields of the request.

use super::{got, numbering, row, said};
use thruster_test::{Upstream, thrust, upstream, values};

/// A child whose answers vary by these fields, and repeat what the request has in them.
fn varying(vary: &'static str) -> Upstream {
    upstream(move |exchange| {
        let fields = format!("Cache-Control: max-age=60\n{vary}");
        let names = vary
            .lines()
            .filter_map(|line| line.split_once(':'))
            .flat_map(|(_, names)| names.split(','));
        let body =
            names.map(|name| values(&exchange.head, name.trim()).join("+")).collect::<Vec<_>>();
        exchange.answer(200, &fields, &body.join("|"));
    })
}

#[test]
fn each_variant_is_kept_for_itself() {
    let app = varying("Vary: Accept-Language");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for (fields, fwd) in
        [("Accept-Language: de", "miss"), ("Accept-Language: en", "vary-miss"), ("", "vary-miss")]
    {
        let first = client.ask("GET", "/", fields);
        let language = fields.trim_start_matches("Accept-Language: ");
        assert_eq!((got(&first), said(&first, "fwd")), (("miss", language), Some(fwd)), "{fields}");
    }
    for _ in 0..2 {
        for language in ["de", "en"] {
            let response = client.ask("GET", "/", &format!("accept-language: {language}"));
            assert_eq!(
                (got(&response), response.header("vary")),
                (("hit", language), "Accept-Language")
            );
        }
        assert_eq!(got(&client.get("/")), ("hit", ""));
    }
}

#[test]
fn every_named_field_counts() {
    let app = varying("Vary: accept-language , X-Theme\nVary: Cookie");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let requests = [
        "Accept-Language: de\nX-Theme: dark\nCookie: a=1",
        "Accept-Language: en\nX-Theme: dark\nCookie: a=1",
        "Accept-Language: de\nX-Theme: light\nCookie: a=1",
        "Accept-Language: de\nX-Theme: dark\nCookie: a=2",
        "Accept-Language: de\nX-Theme: dark",
        "Accept-Language: dark\nX-Theme: de\nCookie: a=1",
        "X-Theme: de, dark\nCookie: a=1",
    ];
    let firsts = requests.map(|fields| client.ask("GET", "/", fields));
    for (fields, first) in requests.iter().zip(&firsts) {
        assert_eq!(first.header("x-cache"), "miss", "{fields}");
        let again = client.ask("GET", "/", &format!("X-Other: 1\n{fields}"));
        assert_eq!(got(&again), ("hit", first.text()), "{fields}");
    }
}

#[test]
fn what_means_the_same_is_the_same() {
    // RFC 9111 section 4.1: lines may be joined, and blanks around commas do not matter.
    let app = varying("Vary: Accept-Language");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let first = client.ask("GET", "/", "Accept-Language: de, en;q=0.5");
    assert_eq!(first.header("x-cache"), "miss");
    for fields in [
        "Accept-Language: de,en;q=0.5",
        "Accept-Language:   de  ,   en;q=0.5  ",
        "Accept-Language: de\nAccept-Language: en;q=0.5",
        "ACCEPT-LANGUAGE: de,en;q=0.5",
    ] {
        assert_eq!(got(&client.ask("GET", "/", fields)), ("hit", first.text()), "{fields}");
    }
    for fields in ["Accept-Language: en;q=0.5, de", "Accept-Language: de"] {
        assert_eq!(client.ask("GET", "/", fields).header("x-cache"), "miss", "{fields}");
    }
}

#[test]
fn of_accept_encoding_only_the_codings_we_know_count() {
    let app = numbering(|exchange, number| {
        exchange.answer(
            200,
            "Cache-Control: max-age=60\nVary: Accept-Encoding",
            &number.to_string(),
        );
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let groups: &[&[&str]] = &[
        &["gzip", "GZIP", "gzip;q=0.1", "gzip, br;q=0", "gzip, unknown", " gzip ,identity"],
        &["br, gzip", "gzip,br", "gzip;q=1.0, br;q=0.001", "br\nAccept-Encoding: gzip"],
        &["gzip, deflate, br, zstd", "zstd,br,deflate,gzip"],
        &["identity", "gzip;q=0", "unknown", "br;q=0.000, identity;q=0.5"],
    ];
    for (number, group) in groups.iter().enumerate() {
        for (place, value) in group.iter().enumerate() {
            let response = client.ask("GET", "/", &format!("Accept-Encoding: {value}"));
            let x_cache = if place == 0 { "miss" } else { "hit" };
            assert_eq!(got(&response), (x_cache, &*(number + 1).to_string()), "{value}");
        }
    }
}

#[test]
fn a_coding_goes_to_those_who_accept_it() {
    // With and without the Vary that it should have.
    const ROWS: &[&str] = &["Vary: Accept-Encoding", "X-Vary: forgotten"];
    let app = upstream(|exchange| {
        let vary = row(exchange, ROWS);
        match exchange.header("accept-encoding").contains("gzip") {
            true => {
                let fields = format!("Cache-Control: max-age=60\nContent-Encoding: gzip\n{vary}");
                exchange.answer(200, &fields, "coded");
            }
            false => exchange.answer(200, &format!("Cache-Control: max-age=60\n{vary}"), "plain"),
        }
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for target in ["/0", "/1"] {
        assert_eq!(got(&client.ask("GET", target, "Accept-Encoding: gzip")), ("miss", "coded"));
        for fields in ["Accept-Encoding: gzip", "Accept-Encoding: gzip;q=0.5"] {
            let hit = client.ask("GET", target, fields);
            assert_eq!((got(&hit), hit.header("content-encoding")), (("hit", "coded"), "gzip"));
        }
        for fields in ["Accept-Encoding: identity", "Accept-Encoding: br", ""] {
            let other = client.ask("GET", target, fields);
            assert_eq!(
                (other.text(), other.header("content-encoding")),
                ("plain", ""),
                "{target} {fields}"
            );
        }
    }
}

#[test]
fn a_variant_that_is_new_replaces_only_its_own() {
    let app = numbering(|exchange, number| {
        let fields = "Cache-Control: max-age=60\nVary: Accept-Language";
        exchange.answer(200, fields, &number.to_string());
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.ask("GET", "/", "Accept-Language: de");
    client.ask("GET", "/", "Accept-Language: en");
    let fresh = client.ask("GET", "/", "Accept-Language: de\nCache-Control: no-cache");
    assert_eq!((got(&fresh), said(&fresh, "fwd")), (("miss", "3"), Some("request")));
    assert_eq!(got(&client.ask("GET", "/", "Accept-Language: de")), ("hit", "3"));
    assert_eq!(got(&client.ask("GET", "/", "Accept-Language: en")), ("hit", "2"));
}

#[test]
fn an_answer_that_varies_by_too_much_is_not_mixed_up() {
    let app = upstream(|exchange| {
        let names = (0..40).map(|n| format!("X-{n}")).collect::<Vec<_>>();
        let body = names.iter().map(|name| exchange.header(name)).collect::<Vec<_>>().concat();
        exchange.answer(
            200,
            &format!("Cache-Control: max-age=60\nVary: {}", names.join(", ")),
            &body,
        );
    });
    let proxy = thrust().run(&app);
    for value in ["a", "b"] {
        for name in [0, 15, 16, 39] {
            let response = proxy.connect().ask("GET", "/", &format!("X-{name}: {value}"));
            assert_eq!(response.text(), value, "X-{name}");
        }
    }
}
