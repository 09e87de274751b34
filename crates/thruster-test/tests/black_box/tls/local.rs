//! Certificates of this machine's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustls::{AlertDescription, Error};
use thruster_test::{Client, Folder, Http2, Thrust, ThrustBuilder, Trust, Upstream, thrust};

fn local_thrust(folder: &Folder) -> ThrustBuilder {
    thrust().with("TLS_LOCAL", 1).with("STORAGE_PATH", folder.at("state").display())
}

fn authority(folder: &Folder) -> PathBuf {
    folder.at("state/local_ca.pem")
}

fn trust(folder: &Folder) -> Trust {
    Trust::in_file(&authority(folder))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn is_served(proxy: &Thrust, name: &str, trust: &Trust) -> bool {
    match Client::try_connect_tls(proxy.https(), name, trust) {
        Ok(_) => true,
        Err(error) => {
            let why = error.get_ref().and_then(|why| why.downcast_ref::<Error>());
            let unknown = Error::AlertReceived(AlertDescription::UnrecognisedName);
            assert_eq!(why, Some(&unknown), "{name}");
            false
        }
    }
}

#[test]
fn names_and_addresses_of_this_machine_are_certified() {
    let folder = Folder::new();
    let app = Upstream::saying("hello");
    let proxy = local_thrust(&folder).run(&app);
    for name in ["localhost", "shop.localhost", "127.0.0.1", "::1"] {
        assert!(is_served(&proxy, name, &trust(&folder)), "{name}");
    }
    for name in ["a.b.localhost", "shop.test", "a.example"] {
        assert!(!is_served(&proxy, name, &trust(&folder)), "{name}");
    }
    let client = Http2::connect_tls(proxy.https(), "localhost", &trust(&folder));
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn names_that_are_given_are_certified_too() {
    let folder = Folder::new();
    let names = "shop.example,*.a.example,shop.test";
    let proxy = local_thrust(&folder).with("TLS_DOMAIN", names).run_alone();
    for name in ["shop.example", "b.a.example", "shop.test", "localhost", "c.localhost"] {
        assert!(is_served(&proxy, name, &trust(&folder)), "{name}");
    }
    assert!(!is_served(&proxy, "a.example", &trust(&folder)));
}

#[test]
fn reserved_names_are_certified_here_without_being_told() {
    let folder = Folder::new();
    let proxy = thrust()
        .with("TLS_DOMAIN", "shop.test, *.b.test, c.localhost")
        .with("STORAGE_PATH", folder.at("state").display())
        .run_alone();
    for name in ["shop.test", "a.b.test", "c.localhost"] {
        assert!(is_served(&proxy, name, &trust(&folder)), "{name}");
    }
    assert!(!is_served(&proxy, "localhost", &trust(&folder)));
}

#[test]
fn the_authority_is_made_once_and_its_files_are_closed_to_others() {
    let folder = Folder::new();
    fs::create_dir(folder.at("state")).expect("a folder");
    fs::set_permissions(folder.at("state"), fs::Permissions::from_mode(0o755)).expect("a mode");
    let key = folder.at("state/local_ca.key");
    let files = || [&authority(&folder), &key].map(|path| fs::read(path).expect("a file"));
    let check = || {
        assert_eq!(
            [&folder.at("state"), &authority(&folder), &key].map(|path| mode(path)),
            [0o700, 0o600, 0o600]
        );
    };
    let mut proxy = local_thrust(&folder).run_alone();
    check();
    let (first, trust) = (files(), trust(&folder));
    proxy.signal("TERM");
    proxy.wait();
    let secret = String::from_utf8_lossy(&first[1]).lines().nth(1).map(String::from);
    let (secret, log) = (secret.expect("a line of base64"), proxy.last_lines());
    assert!(log.iter().any(|line| line.contains("Made a local CA")), "{log:?}");
    assert!(log.iter().any(|line| line.contains("thrust --trust")), "{log:?}");
    assert!(!log.iter().any(|line| line.contains(&secret)));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("a mode");
    let proxy = local_thrust(&folder).run_alone();
    check();
    assert!(first == files());
    assert!(is_served(&proxy, "localhost", &trust));
}

#[test]
fn the_authority_is_good_for_no_other_names() {
    let folder = Folder::new();
    let _proxy = local_thrust(&folder).run_alone();
    // Whoever steals the key can be nobody else's server.
    let key = fs::read_to_string(folder.at("state/local_ca.key")).expect("the key");
    let root = fs::read_to_string(authority(&folder)).expect("the certificate");
    let key = rcgen::KeyPair::from_pem(&key).expect("a key");
    let issuer = rcgen::Issuer::from_ca_cert_pem(&root, key).expect("an authority");
    for (name, is_good) in [("www.test", true), ("www.example", false)] {
        let (thief, params) =
            (rcgen::KeyPair::generate(), rcgen::CertificateParams::new([name.to_owned()]));
        let thief = thief.expect("a key");
        let forged = params.expect("a name").signed_by(&thief, &issuer).expect("a signature");
        let chain = folder.file("forged.pem", forged.pem());
        let pair = thruster_test::Pair { chain, key: folder.file("f.key", thief.serialize_pem()) };
        let proxy = thrust().with_certificates(&[&pair]).run_alone();
        let outcome = Client::try_connect_tls(proxy.https(), name, &trust(&folder));
        assert_eq!(outcome.is_ok(), is_good, "{name}");
    }
}

#[test]
fn an_authority_that_cannot_be_had_is_an_error_at_the_start() {
    let folder = Folder::new();
    let in_the_way = folder.file("state", "a file where a folder should be");
    let failure = local_thrust(&folder).fail();
    assert_eq!(failure.code, Some(1));
    assert!(failure.stderr.contains(in_the_way.to_str().expect("UTF-8")), "{}", failure.stderr);
}

#[test]
fn curl_accepts_it() {
    let folder = Folder::new();
    let app = Upstream::saying("hello");
    let proxy = local_thrust(&folder).run(&app);
    let port = proxy.https().port();
    for host in ["localhost", "shop.localhost", "127.0.0.1"] {
        // The listener of a test is on one address, which not every name leads to.
        let output = Command::new("curl")
            .args(["-sS", "--http2", "--connect-to", &format!("{host}:{port}:127.0.0.1:{port}")])
            .args(["--cacert", authority(&folder).to_str().expect("UTF-8")])
            .arg(format!("https://{host}:{port}/"))
            .output()
            .expect("curl runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.stdout, b"hello", "{host}: {said}");
    }
}
