//! The control socket: what can be purged over it, and what it tells of the cache.

mod answers;
mod place;
mod refusals;
mod soft;
mod under_way;

use serde_json::{Value, json};
use thruster_test::{Client, Control, Response, Thrust, Upstream, thrust, upstream};

/// An answer that may be kept for a minute.
const KEPT: &str = "Cache-Control: max-age=60";

/// A server whose answers may be kept, and have these tags besides, as their target says them:
/// `/a?tag=x,y`.
fn tagging() -> Upstream {
    upstream(|exchange| {
        exchange.body();
        let target = exchange.target().to_owned();
        let (_, tags) = target.split_once("tag=").unwrap_or_default();
        exchange.answer(200, &format!("{KEPT}\r\nCache-Tag: {tags}\r\n"), &target);
    })
}

fn started(app: &Upstream) -> (Thrust, Control) {
    let proxy = thrust().with_control().run(app);
    let control = proxy.control();
    (proxy, control)
}

fn get_of(client: &mut Client, host: &str, target: &str) -> Response {
    client.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).response("GET")
}

/// Has all of these kept.
fn fill(proxy: &Thrust, targets: &[&str]) {
    let mut client = proxy.connect();
    for target in targets {
        assert_eq!(client.get(target).header("x-cache"), "miss", "{target}");
        assert_eq!(client.get(target).header("x-cache"), "hit", "{target}");
    }
}

/// Which of these are still there. Asking has them kept again.
fn kept<'a>(proxy: &Thrust, targets: &[&'a str]) -> Vec<&'a str> {
    let mut client = proxy.connect();
    let is_kept = |target: &&&str| client.get(target).header("x-cache") == "hit";
    targets.iter().filter(is_kept).copied().collect()
}

/// Has `targets` kept, purges, and asserts that just `left` are left.
fn assert_leaves(what: &Value, targets: &[&str], left: &[&str]) {
    let app = tagging();
    let (proxy, control) = started(&app);
    fill(&proxy, targets);
    let purged = targets.len() - left.len();
    assert_eq!(control.purge(what), purged as u64, "{what}");
    assert_eq!(control.purge(what), 0, "{what}: they are gone");
    assert_eq!(kept(&proxy, targets), left, "{what}");
}

#[test]
fn a_url_is_one_target() {
    let targets = ["/posts", "/posts/", "/posts/1", "/posts/1?a=b", "/posts/10", "/x/posts/1"];
    assert_leaves(
        &json!({ "url": "/posts/1" }),
        &targets,
        &["/posts", "/posts/", "/posts/1?a=b", "/posts/10", "/x/posts/1"],
    );
    assert_leaves(&json!({ "url": "/posts/1?a=b" }), &targets[2..5], &["/posts/1", "/posts/10"]);
    assert_leaves(&json!({ "url": "/nothing" }), &targets[..1], &targets[..1]);
}

#[test]
fn a_prefix_is_all_that_begins_so() {
    let targets = ["/", "/posts", "/posts/1?a=b", "/postscript", "/users"];
    assert_leaves(&json!({ "prefix": "/posts" }), &targets, &["/", "/users"]);
    assert_leaves(&json!({ "prefix": "/posts/" }), &targets[1..4], &["/posts", "/postscript"]);
    assert_leaves(&json!({ "prefix": "/" }), &targets, &[]);
}

#[test]
fn a_tag_is_all_that_the_child_has_marked_with_it() {
    let targets = ["/a?tag=post-1,posts", "/b?tag=post-2,%20posts", "/c?tag=post-11", "/d"];
    assert_leaves(&json!({ "tag": "post-1" }), &targets, &targets[1..]);
    assert_leaves(&json!({ "tags": ["post-1", "post-11", "none"] }), &targets, &[targets[1], "/d"]);
    assert_leaves(&json!({ "tags": [] }), &targets, &targets);
    assert_leaves(&json!({ "tag": "post" }), &targets, &targets);
    assert_leaves(&json!({ "tag": "POST-1" }), &targets, &targets);
}

#[test]
fn all_is_everything() {
    assert_leaves(&json!({ "all": true }), &["/", "/a", "/b?c"], &[]);
    assert_leaves(&json!({ "all": true, "soft": false }), &["/", "/a"], &[]);
}

#[test]
fn tags_are_read_from_both_fields_and_told_to_nobody() {
    let app = upstream(|exchange| {
        let tags = "Cache-Tag: one, two\r\nCache-Tag: three\r\nSurrogate-Key: four five\r\n";
        exchange.answer(200, &format!("{KEPT}\r\n{tags}"), "hello");
    });
    let (proxy, control) = started(&app);
    let mut client = proxy.connect();
    for tag in ["one", "two", "three", "four", "five"] {
        for cache in ["miss", "hit"] {
            let response = client.get("/");
            assert_eq!(response.header("x-cache"), cache, "{tag}");
            assert_eq!((response.header("cache-tag"), response.header("surrogate-key")), ("", ""));
        }
        assert_eq!(control.purge(&json!({ "tag": tag })), 1, "{tag}");
    }
}

#[test]
fn a_url_with_a_host_is_that_hosts_alone() {
    let app = tagging();
    let (proxy, control) = started(&app);
    let mut client = proxy.connect();
    let mut fill = || {
        for host in ["a.example", "b.example", "a.example:8080"] {
            for target in ["/posts", "/posts/1"] {
                get_of(&mut client, host, target);
                assert_eq!(get_of(&mut client, host, target).header("x-cache"), "hit");
            }
        }
    };
    for (what, purged) in [
        (json!({ "url": "/posts" }), 3),
        (json!({ "url": "http://a.example/posts" }), 1),
        (json!({ "url": "http://A.Example/posts" }), 1),
        (json!({ "url": "http://a.example:8080/posts" }), 1),
        (json!({ "url": "https://a.example/posts" }), 0),
        (json!({ "url": "http://c.example/posts" }), 0),
        (json!({ "prefix": "http://b.example" }), 2),
        (json!({ "prefix": "http://b.example/posts/" }), 1),
        (json!({ "prefix": "http://a.example/" }), 2),
        (json!({ "prefix": "/posts" }), 6),
    ] {
        fill();
        assert_eq!(control.purge(&what), purged, "{what}");
    }
    fill();
    control.purge(&json!({ "url": "http://a.example/posts" }));
    assert_eq!(get_of(&mut client, "b.example", "/posts").header("x-cache"), "hit");
    assert_eq!(get_of(&mut client, "a.example", "/posts").header("x-cache"), "miss");
}

#[test]
fn every_variant_goes() {
    let app = upstream(|exchange| {
        let language = exchange.header("accept-language").to_owned();
        exchange.answer(200, &format!("{KEPT}\r\nVary: Accept-Language\r\n"), &language);
    });
    let (proxy, control) = started(&app);
    let mut client = proxy.connect();
    let languages = ["de", "en", "fr"].map(|language| format!("Accept-Language: {language}"));
    for cache in ["miss", "hit"] {
        for language in &languages {
            assert_eq!(client.ask("GET", "/", language).header("x-cache"), cache);
        }
    }
    assert_eq!(control.purge(&json!({ "url": "/" })), 3);
    for language in &languages {
        assert_eq!(client.ask("GET", "/", language).header("x-cache"), "miss");
    }
}

#[test]
fn nothing_is_answered_from_what_was_purged_a_moment_ago() {
    let app = tagging();
    let (proxy, control) = started(&app);
    let mut clients: Vec<_> = (0..8).map(|_| proxy.connect()).collect();
    for round in 0..30 {
        let target = format!("/{}", round % 3);
        for client in &mut clients {
            client.get(&target);
        }
        while !app.has_received_nothing() {}
        control.purge(&json!({ "url": target }));
        // On whatever core.
        let first = clients[round % 8].get(&target);
        assert_eq!(first.header("x-cache"), "miss", "round {round}");
        for client in &mut clients {
            assert_eq!(client.get(&target).header("x-cache"), "hit");
        }
    }
}
