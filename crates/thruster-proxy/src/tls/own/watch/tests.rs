use super::*;
use rcgen::{CertificateParams, KeyPair};
use std::path::PathBuf;

/// A folder with a pair of files in it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = format!("thrust-watch-{:016x}", fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    fn files(&self) -> OwnCertificate {
        OwnCertificate { chain: self.0.join("chain.pem"), key: self.0.join("key.pem") }
    }

    fn write(&self, chain: &str, key: &str) {
        // Even within a tick of the file system's clock, another file is seen to be another.
        for (path, text) in [(self.files().chain, chain), (self.files().key, key)] {
            fs::write(self.0.join("draft"), text).unwrap();
            fs::rename(self.0.join("draft"), path).unwrap();
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn certify(names: &[&str]) -> (String, String) {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn opened(scratch: &Scratch, names: &[&str]) -> Pair {
    let (chain, key) = certify(names);
    scratch.write(&chain, &key);
    Pair::open(scratch.files()).unwrap()
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_new_pair_is_taken_when_it_has_stood_still() {
    let (scratch, start) = (Scratch::new(), Instant::now());
    let mut pair = opened(&scratch, &["a.example"]);
    assert!(pair.look(start).is_none());
    let (chain, key) = certify(&["b.example", "c.example"]);
    scratch.write(&chain, &key);
    assert!(pair.look(start + SECOND).is_none(), "it may still be written");
    assert!(matches!(pair.look(start + 2 * SECOND), Some(Ok(true))));
    assert_eq!(pair.loaded.leaf.names, ["b.example", "c.example"]);
    assert!(pair.look(start + 3 * SECOND).is_none(), "that was all");
}

#[test]
fn the_same_in_other_files_is_no_news() {
    let (scratch, start) = (Scratch::new(), Instant::now());
    let (chain, key) = certify(&["a.example"]);
    scratch.write(&chain, &key);
    let mut pair = Pair::open(scratch.files()).unwrap();
    scratch.write(&chain, &key);
    assert!(pair.look(start).is_none());
    assert!(matches!(pair.look(start + SECOND), Some(Ok(false))));
}

#[test]
fn half_of_a_pair_is_waited_for() {
    let (scratch, start) = (Scratch::new(), Instant::now());
    let mut pair = opened(&scratch, &["a.example"]);
    let old_key = fs::read_to_string(scratch.files().key).unwrap();
    let (chain, key) = certify(&["b.example"]);
    scratch.write(&chain, &old_key);
    for seconds in 0..5 {
        assert!(pair.look(start + seconds * SECOND).is_none(), "{seconds}");
    }
    scratch.write(&chain, &key);
    assert!(pair.look(start + 20 * SECOND).is_none(), "it has changed once more");
    assert!(matches!(pair.look(start + 21 * SECOND), Some(Ok(true))));
}

#[test]
fn a_broken_pair_is_refused_once_and_the_old_stays() {
    let (scratch, start) = (Scratch::new(), Instant::now());
    let mut pair = opened(&scratch, &["a.example"]);
    scratch.write("rubbish", "rubbish");
    let outcomes: Vec<_> =
        (0..60).filter_map(|seconds| pair.look(start + seconds * SECOND)).collect();
    assert!(matches!(outcomes[..], [Err(Unusable::NoCertificate(_))]), "{outcomes:?}");
    assert_eq!(pair.loaded.leaf.names, ["a.example"]);
    fs::remove_file(scratch.files().chain).unwrap();
    let outcomes: Vec<_> =
        (60..120).filter_map(|seconds| pair.look(start + seconds * SECOND)).collect();
    assert!(matches!(outcomes[..], [Err(Unusable::Unreadable(..))]), "{outcomes:?}");
}

#[test]
fn who_asks_is_told_at_once() {
    let scratch = Scratch::new();
    let mut pair = opened(&scratch, &["a.example"]);
    assert!(matches!(pair.reload(), Ok(false)));
    let (chain, key) = certify(&["b.example"]);
    scratch.write(&chain, &key);
    assert!(matches!(pair.reload(), Ok(true)));
    scratch.write(&chain, "rubbish");
    assert!(matches!(pair.reload(), Err(Unusable::Unreadable(..))));
    assert!(pair.look(Instant::now() + 60 * SECOND).is_none(), "it has been told already");
}

#[test]
fn an_end_that_is_near_is_complained_of() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let scratch = Scratch::new();
    let mut pair = opened(&scratch, &["a.example"]);
    let begins = SystemTime::UNIX_EPOCH + 20_000 * DAY;
    let complaint_at = |pair: &Pair, day| complaint(&pair.loaded.leaf, begins + day * DAY);
    (pair.loaded.leaf.not_before, pair.loaded.leaf.not_after) = (begins, begins + 90 * DAY);
    assert_eq!(complaint_at(&pair, 75), None);
    assert_eq!(complaint_at(&pair, 77), Some("This certificate expires soon"));
    assert_eq!(complaint_at(&pair, 91), Some("This certificate has expired"));
    // One that is only ever short-lived is not always on the brink of it.
    pair.loaded.leaf.not_after = begins + 6 * DAY;
    assert_eq!(complaint_at(&pair, 3), None);
    assert_eq!(complaint_at(&pair, 5), Some("This certificate expires soon"));
}
