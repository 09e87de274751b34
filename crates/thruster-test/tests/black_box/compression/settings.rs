//! What the settings make of it: which codings may be used, for whom, and how long they come out.

use std::collections::HashSet;

use thruster_test::{Thrust, thrust};

use super::{HTML, coding, decoded, page, publishing};

/// The codings, and what a draw of 32 can make of a length: none to 32 more.
const CODINGS: [&str; 3] = ["br", "zstd", "gzip"];
const LENGTHS: usize = 33;

/// The lengths that a page has under a coding, asked for many times.
fn lengths(proxy: &Thrust, coding: &str) -> HashSet<usize> {
    let mut client = proxy.connect();
    let ask = |_| {
        let response = client.ask("GET", "/", &format!("Accept-Encoding: {coding}"));
        assert_eq!(response.header("content-encoding"), coding);
        assert!(decoded(coding, &response.body) == page(), "{coding}");
        response.body.len()
    };
    (0..100).map(ask).collect()
}

#[test]
fn the_length_of_what_one_client_gets_varies() {
    let app = publishing(HTML);
    let proxy = thrust().run(&app);
    for coding in CODINGS {
        let lengths = lengths(&proxy, coding);
        let (least, most) = (lengths.iter().min(), lengths.iter().max());
        let range = most.zip(least).map(|(most, least)| most - least);
        // A hundred draws of 33 show fewer than ten of them less than once in a googol.
        assert!(lengths.len() >= 10 && range < Some(LENGTHS), "{coding} {lengths:?}");
    }
}

#[test]
fn without_jitter_it_does_not() {
    let app = publishing(HTML);
    let proxy = thrust().with("GZIP_COMPRESSION_JITTER", 0).run(&app);
    for coding in CODINGS {
        assert_eq!(lengths(&proxy, coding).len(), 1, "{coding}");
    }
}

#[test]
fn what_is_public_has_one_length() {
    let app = publishing("Content-Type: text/html\nCache-Control: public, no-cache");
    let proxy = thrust().with("CACHE_SIZE", 0).run(&app);
    for coding in CODINGS {
        assert_eq!(lengths(&proxy, coding).len(), 1, "{coding}");
    }
}

#[test]
fn only_the_codings_that_are_named_are_made() {
    let app = publishing(HTML);
    for (setting, accepted, coding) in [
        ("on", "gzip, br, zstd", "zstd"),
        ("gzip", "gzip, br, zstd", "gzip"),
        ("br,gzip", "gzip, br, zstd", "br"),
        ("gzip,br", "gzip, br, zstd", "gzip"),
        ("gzip,br", "gzip;q=0.5, br", "br"),
        ("br", "gzip, zstd", ""),
        ("off", "gzip, br, zstd", ""),
    ] {
        let proxy = thrust().with("COMPRESSION", setting).run(&app);
        let response = proxy.connect().ask("GET", "/", &format!("Accept-Encoding: {accepted}"));
        assert_eq!(response.header("content-encoding"), coding, "{setting}: {accepted}");
    }
}

#[test]
fn settings_turn_it_off() {
    let app = publishing(HTML);
    let proxy = thrust().with("GZIP_COMPRESSION_ENABLED", 0).run(&app);
    let plain = proxy.connect().ask("GET", "/", "Accept-Encoding: gzip");
    assert_eq!((coding(&plain), plain.header("vary")), ("", ""));
    let guarded = thrust().with("GZIP_COMPRESSION_DISABLE_ON_AUTH", 1).run(&app);
    let mut client = guarded.connect();
    assert_eq!(coding(&client.ask("GET", "/", "Accept-Encoding: gzip")), "", "it is private");
    let public = publishing("Content-Type: text/html");
    let guarded = thrust().with("GZIP_COMPRESSION_DISABLE_ON_AUTH", 1).run(&public);
    let mut client = guarded.connect();
    assert_eq!(coding(&client.ask("GET", "/", "Accept-Encoding: gzip")), "gzip");
    assert_eq!(coding(&client.ask("GET", "/", "Accept-Encoding: gzip\nCookie: a=b")), "");
}

#[test]
fn thrusters_own_switch_still_turns_all_off() {
    let app = publishing(HTML);
    let proxy = thrust().with("COMPRESSION", "br").with("GZIP_COMPRESSION_ENABLED", 0).run(&app);
    let response = proxy.connect().ask("GET", "/", "Accept-Encoding: br");
    assert_eq!((response.header("content-encoding"), response.header("vary")), ("", ""));
}

#[test]
fn a_coding_that_nobody_knows_is_an_error() {
    let failure = thrust().with("THRUSTER_COMPRESSION", "deflate").fail();
    assert_eq!(failure.code, Some(1));
    assert!(failure.stderr.contains("COMPRESSION"), "{failure:?}");
}
