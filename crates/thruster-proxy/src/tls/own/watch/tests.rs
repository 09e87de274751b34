use super::*;
use crate::tls::own::tests::Scratch;
use crate::tls::pem::Broken;
use rcgen::{CertificateParams, KeyPair};

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

/// On a day on which all certificates that say no more are good.
fn look(pair: &mut Pair, now: Instant) -> Option<Result<bool, Unusable>> {
    pair.look(now, SystemTime::now())
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_new_pair_is_taken_when_it_has_stood_still() {
    let (scratch, start) = (Scratch::new(), Instant::now());
    let mut pair = opened(&scratch, &["a.example"]);
    assert!(look(&mut pair, start).is_none());
    let (chain, key) = certify(&["b.example", "c.example"]);
    scratch.write(&chain, &key);
    assert!(look(&mut pair, start + SECOND).is_none(), "it may still be written");
    assert!(matches!(look(&mut pair, start + 2 * SECOND), Some(Ok(true))));
    assert_eq!(pair.loaded.leaf.names, ["b.example", "c.example"]);
    assert!(look(&mut pair, start + 3 * SECOND).is_none(), "that was all");
}

#[test]
fn the_same_in_other_files_is_no_news() {
    let (scratch, start) = (Scratch::new(), Instant::now());
    let (chain, key) = certify(&["a.example"]);
    scratch.write(&chain, &key);
    let mut pair = Pair::open(scratch.files()).unwrap();
    scratch.write(&chain, &key);
    assert!(look(&mut pair, start).is_none());
    assert!(matches!(look(&mut pair, start + SECOND), Some(Ok(false))));
}

#[test]
fn half_of_a_pair_is_waited_for() {
    let (scratch, start) = (Scratch::new(), Instant::now());
    let mut pair = opened(&scratch, &["a.example"]);
    let old_key = fs::read_to_string(scratch.files().key).unwrap();
    let (chain, key) = certify(&["b.example"]);
    scratch.write(&chain, &old_key);
    for seconds in 0..5 {
        assert!(look(&mut pair, start + seconds * SECOND).is_none(), "{seconds}");
    }
    scratch.write(&chain, &key);
    assert!(look(&mut pair, start + 20 * SECOND).is_none(), "it has changed once more");
    assert!(matches!(look(&mut pair, start + 21 * SECOND), Some(Ok(true))));
}

#[test]
fn a_broken_pair_is_refused_once_and_the_old_stays() {
    let (scratch, start) = (Scratch::new(), Instant::now());
    let mut pair = opened(&scratch, &["a.example"]);
    scratch.write("rubbish", "rubbish");
    let outcomes: Vec<_> =
        (0..60).filter_map(|seconds| look(&mut pair, start + seconds * SECOND)).collect();
    assert!(matches!(outcomes[..], [Err(Unusable::NoCertificate(_))]), "{outcomes:?}");
    assert_eq!(pair.loaded.leaf.names, ["a.example"]);
    fs::remove_file(scratch.files().chain).unwrap();
    let outcomes: Vec<_> =
        (60..120).filter_map(|seconds| look(&mut pair, start + seconds * SECOND)).collect();
    assert!(matches!(outcomes[..], [Err(Unusable::Unreadable(..))]), "{outcomes:?}");
}

#[test]
fn who_asks_is_told_at_once() {
    let scratch = Scratch::new();
    let mut pair = opened(&scratch, &["a.example"]);
    assert!(matches!(pair.reload(SystemTime::now()), Ok(false)));
    let (chain, key) = certify(&["b.example"]);
    scratch.write(&chain, &key);
    assert!(matches!(pair.reload(SystemTime::now()), Ok(true)));
    scratch.write(&chain, "rubbish");
    assert!(matches!(pair.reload(SystemTime::now()), Err(Unusable::Broken(_, Broken::NoKey))));
    assert!(look(&mut pair, Instant::now() + 60 * SECOND).is_none(), "it has been told already");
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// For `a.example`, from one day after 1970 began to another.
fn certify_between(first: u32, last: u32) -> (String, String) {
    let (key, epoch) = (KeyPair::generate().unwrap(), rcgen::date_time_ymd(1970, 1, 1));
    let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (epoch + first * DAY, epoch + last * DAY);
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn day(number: u32) -> SystemTime {
    SystemTime::UNIX_EPOCH + number * DAY
}

#[test]
fn what_has_expired_takes_the_place_of_nothing_that_is_good() {
    let (scratch, start) = (Scratch::new(), Instant::now());
    let (chain, key) = certify_between(20_000, 20_100);
    scratch.write(&chain, &key);
    let mut pair = Pair::open(scratch.files()).unwrap();
    let (chain, key) = certify_between(19_000, 20_010);
    scratch.write(&chain, &key);
    let seconds = 0..60;
    let outcomes: Vec<_> =
        seconds.filter_map(|second| pair.look(start + second * SECOND, day(20_050))).collect();
    assert!(matches!(outcomes[..], [Err(Unusable::Expired(..))]), "{outcomes:?}");
    assert!(matches!(pair.reload(day(20_050)), Err(Unusable::Expired(..))));
    assert_eq!(pair.loaded.leaf.not_after, day(20_100));
    assert!(matches!(pair.reload(day(20_150)), Ok(true)), "by now it is as good as ours");
}

#[test]
fn what_is_not_valid_yet_is_refused_once_and_taken_when_it_is() {
    let (scratch, start) = (Scratch::new(), Instant::now());
    let (chain, key) = certify_between(20_000, 20_100);
    scratch.write(&chain, &key);
    let mut pair = Pair::open(scratch.files()).unwrap();
    let (chain, key) = certify_between(20_060, 20_200);
    scratch.write(&chain, &key);
    let seconds = 0..60;
    let outcomes: Vec<_> =
        seconds.filter_map(|second| pair.look(start + second * SECOND, day(20_050))).collect();
    assert!(matches!(outcomes[..], [Err(Unusable::TooEarly(..))]), "{outcomes:?}");
    assert_eq!(pair.loaded.leaf.not_after, day(20_100));
    assert!(matches!(pair.look(start + 61 * SECOND, day(20_060)), Some(Ok(true))));
    assert!(pair.look(start + 62 * SECOND, day(20_060)).is_none(), "that was all");
}

#[test]
fn at_the_start_any_pair_is_better_than_none() {
    let scratch = Scratch::new();
    for (first, last) in [(10_000, 10_100), (40_000, 40_100)] {
        let (chain, key) = certify_between(first, last);
        scratch.write(&chain, &key);
        let pair = Pair::open(scratch.files()).unwrap();
        assert!(complaint(&pair.loaded.leaf, day(20_000)).is_some());
    }
}

#[test]
fn questions_do_not_pile_up() {
    let (ask, asked) = sync_channel(1);
    let watch = Watch { ask };
    (0..100).for_each(|_| watch.reload());
    assert_eq!(asked.try_iter().count(), 1);
}

#[test]
fn an_end_that_is_near_is_complained_of() {
    let scratch = Scratch::new();
    let mut pair = opened(&scratch, &["a.example"]);
    let begins = SystemTime::UNIX_EPOCH + 20_000 * DAY;
    let complaint_at = |pair: &Pair, day| complaint(&pair.loaded.leaf, begins + day * DAY);
    (pair.loaded.leaf.not_before, pair.loaded.leaf.not_after) = (begins, begins + 90 * DAY);
    assert_eq!(
        complaint(&pair.loaded.leaf, begins - DAY),
        Some("This certificate is not valid yet")
    );
    assert_eq!(complaint_at(&pair, 75), None);
    assert_eq!(complaint_at(&pair, 77), Some("This certificate expires soon"));
    assert_eq!(complaint_at(&pair, 91), Some("This certificate has expired"));
    // One that is only ever short-lived is not always on the brink of it.
    pair.loaded.leaf.not_after = begins + 6 * DAY;
    assert_eq!(complaint_at(&pair, 3), None);
    assert_eq!(complaint_at(&pair, 5), Some("This certificate expires soon"));
}
