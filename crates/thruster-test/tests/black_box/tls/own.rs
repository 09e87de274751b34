//! Certificates of one's own, and what becomes of them while they are used.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use thruster_test::{
    Authority, Client, Folder, PATIENCE, Pair, Thrust, Trust, Upstream, thrust, upstream,
};

/// Waits until a client that asks for `name` is served.
fn await_name(proxy: &Thrust, name: &str, trust: &Trust) {
    let until = Instant::now() + PATIENCE;
    while Client::try_connect_tls(proxy.https(), name, trust).is_err() {
        assert!(Instant::now() < until, "no certificate for {name} within {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

fn is_served(proxy: &Thrust, name: &str, trust: &Trust) -> bool {
    Client::try_connect_tls(proxy.https(), name, trust).is_ok()
}

/// With a command that HUP does not end.
fn deaf_to_hup(pair: &Pair) -> Thrust {
    let command = "trap '' HUP; echo ready; exec sleep 1000";
    let proxy = thrust().with_certificates(&[pair]).command(&["sh", "-c", command]).run_alone();
    while proxy.line() != "ready" {}
    proxy
}

/// What people make of a key (PEM) that they carry from one place to another.
fn spoilt(key: &str) -> Vec<String> {
    let lines = key.trim_end().replace('\n', "");
    vec![
        lines.clone(),
        key.trim_end().replace('\n', " "),
        key.replace('\n', "\\n"),
        key[..key.len() / 2].to_owned(),
        lines[..lines.len() / 2].to_owned(),
        key.replacen("-----\nM", "-----\n!", 1),
        key.replace("-----", ""),
    ]
}

/// Whether a part of the key is in what is said, as base64 or as a list of bytes in decimal.
fn tells_of(said: &str, key: &str) -> bool {
    let body: String = key.lines().filter(|line| !line.starts_with('-')).collect();
    let mut parts = body.as_bytes().windows(8);
    parts.any(|part| {
        let listed = format!("{part:?}");
        said.contains(&*String::from_utf8_lossy(part))
            || said.contains(listed.trim_matches(['[', ']']))
    })
}

/// Another certificate in the files of this one.
fn renewed(authority: &Authority, pair: &Pair, names: &[&str]) {
    let file = pair.chain.file_stem().and_then(|stem| stem.to_str()).expect("a name");
    authority.certify_as(file, names);
}

#[test]
fn files_that_change_are_read_again() {
    let authority = Authority::new();
    let (pair, other) = (authority.certify(&["a.example"]), authority.certify(&["z.example"]));
    let app = Upstream::saying("hello");
    let proxy = thrust().with_certificates(&[&pair, &other]).run(&app);
    let trust = authority.trust();
    let mut early = proxy.connect_tls("a.example", &trust);
    assert_eq!(early.get("/").text(), "hello");
    renewed(&authority, &pair, &["b.example", "c.example"]);
    await_name(&proxy, "b.example", &trust);
    assert!(is_served(&proxy, "c.example", &trust) && is_served(&proxy, "z.example", &trust));
    assert!(!is_served(&proxy, "a.example", &trust), "that name has gone");
    assert_eq!(early.get("/").text(), "hello", "its connections have not");
    let line = proxy.log_where(|line| line["names"] == "b.example,c.example");
    assert_eq!(line["msg"], "Certificate loaded");
    assert_eq!(line["expires"].as_str().and_then(|time| time.get(10..11)), Some("T"), "{line}");
}

#[test]
fn a_link_that_leads_elsewhere_is_a_change() {
    let (authority, folder) = (Authority::new(), Folder::new());
    // As Kubernetes mounts secrets: each file leads through a link to the folder of the moment.
    let versions = ["1", "2"].map(|version| {
        let place = folder.at(version);
        fs::create_dir(&place).expect("a folder");
        let pair = authority.certify(&[if version == "1" { "a.example" } else { "b.example" }]);
        fs::copy(&pair.chain, place.join("tls.crt")).expect("a copy");
        fs::copy(&pair.key, place.join("tls.key")).expect("a copy");
        place
    });
    let lead_to = |version: &Path| {
        symlink(version, folder.at("..new")).expect("a link");
        fs::rename(folder.at("..new"), folder.at("..data")).expect("a swap");
    };
    lead_to(&versions[0]);
    let pair = Pair { chain: folder.at("..data/tls.crt"), key: folder.at("..data/tls.key") };
    let proxy = thrust().with_certificates(&[&pair]).run_alone();
    assert!(is_served(&proxy, "a.example", &authority.trust()));
    lead_to(&versions[1]);
    await_name(&proxy, "b.example", &authority.trust());
}

#[test]
fn hup_reads_files_at_once_and_reaches_the_command() {
    let authority = Authority::new();
    let (pair, stray) = (authority.certify(&["a.example"]), authority.certify(&["b.example"]));
    let command = "trap 'echo heard' HUP; echo ready; while :; do sleep 1; done";
    let proxy = thrust().with_certificates(&[&pair]).command(&["sh", "-c", command]).run_alone();
    while proxy.line() != "ready" {}
    fs::copy(&stray.key, &pair.key).expect("a copy");
    let (mut heard, mut refusals) = (0, 0);
    // Without being asked it would complain once at most.
    for asked in 1..=3 {
        proxy.signal("HUP");
        while heard < asked || refusals < asked {
            let line = proxy.line();
            heard += usize::from(line == "heard");
            if line.contains("The new certificate cannot be used") {
                assert!(line.contains("cannot be used with") && line.contains("WARN"), "{line}");
                refusals += 1;
            }
        }
    }
    assert!(is_served(&proxy, "a.example", &authority.trust()), "the old one stays");
    renewed(&authority, &pair, &["c.example"]);
    proxy.signal("HUP");
    await_name(&proxy, "c.example", &authority.trust());
}

#[test]
fn a_broken_pair_is_refused_with_a_word_and_the_old_stays() {
    let authority = Authority::new();
    let pair = authority.certify(&["a.example"]);
    let proxy = deaf_to_hup(&pair);
    let secret = fs::read_to_string(&pair.key).expect("the key");
    for spoilt in spoilt(&secret) {
        fs::write(&pair.key, spoilt).expect("a file");
        proxy.signal("HUP");
        let line = proxy.log_where(|line| {
            assert!(!tells_of(&line.to_string(), &secret), "{line}");
            line["level"] == "WARN" && line["error"].is_string()
        });
        let error = line["error"].as_str().expect("a reason");
        assert!(error.contains(pair.key.to_str().expect("a path in UTF-8")), "{line}");
        assert!(is_served(&proxy, "a.example", &authority.trust()));
    }
    renewed(&authority, &pair, &["b.example"]);
    await_name(&proxy, "b.example", &authority.trust());
}

#[test]
fn a_key_that_cannot_be_used_at_the_start_is_not_told() {
    let authority = Authority::new();
    let pair = authority.certify(&["a.example"]);
    let secret = fs::read_to_string(&pair.key).expect("the key");
    for spoilt in spoilt(&secret) {
        fs::write(&pair.key, spoilt).expect("a file");
        for level in ["info", "trace"] {
            let failure = thrust().with_certificates(&[&pair]).with("LOG_LEVEL", level).fail();
            assert_eq!(failure.code, Some(1));
            let said = failure.stdout + &failure.stderr;
            assert!(said.contains(pair.key.to_str().expect("a path in UTF-8")), "{said}");
            assert!(!tells_of(&said, &secret), "{said}");
        }
    }
    let given = Pair { chain: pair.chain, key: secret.clone().into() };
    let failure = thrust().with_certificates(&[&given]).fail();
    let said = failure.stdout + &failure.stderr;
    assert!(said.contains("names of files") && !tells_of(&said, &secret), "{said}");
}

#[test]
fn a_pipe_is_no_file() {
    let (authority, folder) = (Authority::new(), Folder::new());
    let made = authority.certify(&["a.example"]);
    let key = folder.at("pipe");
    assert!(Command::new("mkfifo").arg(&key).status().expect("mkfifo runs").success());
    let failure = thrust().with_certificates(&[&Pair { chain: made.chain, key }]).fail();
    assert_eq!(failure.code, Some(1));
    assert!(failure.stderr.contains("pipe: it is no file"), "{}", failure.stderr);
}

#[test]
fn a_certificate_for_an_address_alone_is_shown_to_those_who_name_nobody() {
    let authority = Authority::new();
    let pair = authority.certify(&["127.0.0.1"]);
    let proxy = thrust().with_certificates(&[&pair]).run_alone();
    assert!(is_served(&proxy, "127.0.0.1", &authority.trust()));
    assert!(!is_served(&proxy, "a.example", &authority.trust()));
}

#[test]
fn what_has_expired_replaces_nothing_that_is_good() {
    let authority = Authority::new();
    let (pair, trust) = (authority.certify(&["a.example"]), authority.trust());
    let proxy = deaf_to_hup(&pair);
    let key = rcgen::KeyPair::generate().expect("a key");
    fs::write(&pair.chain, authority.certify_key_until("a.example", &key, 2020)).expect("a file");
    fs::write(&pair.key, key.serialize_pem()).expect("a file");
    proxy.signal("HUP");
    let line = proxy.log_where(|line| line["level"] == "WARN" && line["error"].is_string());
    let error = line["error"].as_str().expect("a reason");
    assert!(error.contains("has expired at 2020-01-01"), "{line}");
    assert!(is_served(&proxy, "a.example", &trust));
}

#[test]
fn keys_that_others_can_read_are_named_and_left_as_they_are() {
    let authority = Authority::new();
    let (open, closed) = (authority.certify(&["a.example"]), authority.certify(&["b.example"]));
    fs::set_permissions(&open.key, fs::Permissions::from_mode(0o644)).expect("a mode");
    fs::set_permissions(&closed.key, fs::Permissions::from_mode(0o600)).expect("a mode");
    let mut proxy = thrust().with_certificates(&[&open, &closed]).run_alone();
    renewed(&authority, &open, &["c.example"]);
    await_name(&proxy, "c.example", &authority.trust());
    proxy.signal("TERM");
    proxy.wait();
    let lines = proxy.last_lines();
    let warnings: Vec<_> = lines.iter().filter(|line| line.contains("read by others")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains(open.key.to_str().expect("a path in UTF-8")), "{warnings:?}");
    let mode = fs::metadata(&open.key).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn a_certificate_at_its_end_is_complained_of() {
    let authority = Authority::new();
    let pair = authority.certify_for("a.example", Duration::from_secs(3600));
    let proxy = thrust().with_certificates(&[&pair]).run_alone();
    let line = proxy.log_where(|line| line["level"] == "WARN" && line["expires"].is_string());
    assert_eq!(line["msg"], "This certificate expires soon");
    assert!(line["file"].as_str().is_some_and(|file| file == pair.chain.to_str().expect("UTF-8")));
}

#[test]
fn who_knows_no_ecdsa_gets_the_rsa_certificate() {
    let authority = Authority::new();
    let (ec, rsa) = (authority.certify(&["a.example"]), authority.certify_rsa(&["a.example"]));
    let app = upstream(|exchange| exchange.respond(200, "hello"));
    let proxy = thrust().with_certificates(&[&ec, &rsa]).run(&app);
    let signed_with = |trust: &Trust| {
        let mut client = proxy.connect_tls("a.example", trust);
        assert_eq!(client.get("/").text(), "hello");
        let chain = client.tls().peer_certificates().expect("a certificate");
        // The keys make the difference: 65 bytes and 270.
        if chain[0].len() < 500 { "EC" } else { "RSA" }
    };
    assert_eq!(signed_with(&authority.trust()), "EC");
    assert_eq!(signed_with(&authority.trust().without_ecdsa()), "RSA");
}
