use super::*;
use crate::config::env;
use std::path::PathBuf;

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = format!("thrust-local-{:016x}", fastrand::u64(..));
        Scratch(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn names_with(domains: &str, local: &str) -> Vec<String> {
    let loaded = env::load(&[("TLS_DOMAIN", domains), ("TLS_LOCAL", local)]);
    names(&loaded.expect("good settings").config.tls)
}

fn local(scratch: &Scratch, names: &[&str], now: SystemTime) -> Local {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let authority = LocalAuthority::open(&scratch.0, &names, now).unwrap();
    Local::new(names, authority).unwrap()
}

#[test]
fn reserved_names_are_local_and_all_are_when_that_is_asked_for() {
    assert!(names_with("a.example,localhosts,test,a.test.example", "0").is_empty());
    let some = names_with("a.example,a.test,*.b.test,localhost,c.localhost", "0");
    assert_eq!(some, ["*.b.test", "a.test", "c.localhost", "localhost"]);
    assert_eq!(names_with("a.example", "1"), ["*.localhost", "a.example", "localhost"]);
    assert_eq!(names_with("", "1"), ["*.localhost", "localhost"]);
}

#[test]
fn a_name_gets_a_certificate_if_it_is_ours() {
    let scratch = Scratch::new();
    let local = local(&scratch, &["localhost", "*.localhost"], SystemTime::now());
    let now = SystemTime::now();
    for name in ["localhost", "a.localhost"] {
        assert!(local.certificate(Some(name), now).is_some(), "{name}");
    }
    for name in ["b.a.localhost", "xlocalhost", ".localhost", "a.test", ""] {
        assert!(local.certificate(Some(name), now).is_none(), "{name}");
    }
    assert!(local.certificate(None, now).is_some());
}

#[test]
fn a_certificate_is_kept_until_it_is_time_for_another() {
    let scratch = Scratch::new();
    let start = SystemTime::now();
    let local = local(&scratch, &["localhost"], start);
    let first = local.certificate(Some("localhost"), start).unwrap();
    let at = |time| local.certificate(Some("localhost"), time).unwrap();
    assert!(Arc::ptr_eq(&first, &at(start + RENEW_AFTER / 2)));
    assert!(!Arc::ptr_eq(&first, &at(start + RENEW_AFTER)));
}

#[test]
fn certificates_that_are_kept_are_limited() {
    let scratch = Scratch::new();
    let now = SystemTime::now();
    let local = local(&scratch, &["*.localhost"], now);
    for number in 0..MOST + 10 {
        assert!(local.certificate(Some(&format!("n{number}.localhost")), now).is_some());
    }
    assert!(local.issued.lock().unwrap().len() <= MOST);
}

#[test]
fn nothing_of_a_key_is_shown() {
    let scratch = Scratch::new();
    let local = local(&scratch, &["localhost"], SystemTime::now());
    assert_eq!(format!("{local:?}"), r#"Local { names: ["localhost"], .. }"#);
}

#[test]
fn names_that_nobody_else_can_have_are_of_this_machine() {
    for name in ["localhost", "app.localhost", "app.test"] {
        assert!(is_reserved(name), "{name}");
    }
    for name in ["a.example", "test.example", "mylocalhost", "contest", ""] {
        assert!(!is_reserved(name), "{name}");
    }
}
