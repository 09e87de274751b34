use super::*;
use std::os::unix::fs::PermissionsExt;

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = format!("thrust-authority-{:016x}", fastrand::u64(..));
        Scratch(std::env::temp_dir().join(name))
    }

    fn open(&self, names: &[&str], now: SystemTime) -> LocalAuthority {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        LocalAuthority::open(&self.0, &names, now).unwrap()
    }

    /// The certificate and the key.
    fn files(&self) -> [String; 2] {
        [CERTIFICATE, KEY].map(|name| fs::read_to_string(self.0.join(name)).unwrap())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn permitted(scratch: &Scratch) -> Vec<String> {
    let [certificate, key] = scratch.files();
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let known = read(&der, &KeyPair::from_pem(&key).unwrap()).unwrap();
    known.permitted.into_iter().collect()
}

#[test]
fn it_is_made_once() {
    let (scratch, now) = (Scratch::new(), SystemTime::now());
    let first = scratch.open(&["localhost"], now);
    let files = scratch.files();
    let second = scratch.open(&["shop.test", "*.a.localhost"], now + LIFE / 2);
    assert_eq!(files, scratch.files());
    assert_eq!((first.name, first.id), (second.name, second.id));
    assert_eq!(permitted(&scratch), ["localhost", "test"]);
    let leftovers = fs::read_dir(&scratch.0).unwrap().count();
    assert_eq!(leftovers, 2, "no drafts are left");
}

#[test]
fn two_that_start_at_once_have_the_same() {
    let (scratch, now) = (Scratch::new(), SystemTime::now());
    let open = || scratch.open(&["localhost"], now).id;
    let ids: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn names_of_other_domains_and_the_end_of_its_time_make_it_anew_with_the_same_key() {
    let (scratch, now) = (Scratch::new(), SystemTime::now());
    scratch.open(&["localhost"], now);
    let [first, key] = scratch.files();
    scratch.open(&["*.a.example", "localhost"], now);
    let [second, _] = scratch.files();
    assert!(first != second);
    assert_eq!(permitted(&scratch), ["a.example", "localhost", "test"]);
    let authority = scratch.open(&["b.example"], now);
    assert_eq!(permitted(&scratch), ["b.example", "localhost", "test"]);
    assert_eq!(authority.permitted, permitted(&scratch));
    scratch.open(&[], now);
    let [third, _] = scratch.files();
    scratch.open(&[], now + LIFE - LEAST);
    let [fourth, same_key] = scratch.files();
    assert!(third != fourth && key == same_key);
}

#[test]
fn its_files_are_closed_to_others_even_when_they_were_open() {
    let (scratch, now) = (Scratch::new(), SystemTime::now());
    scratch.open(&[], now);
    let paths = [scratch.0.clone(), scratch.0.join(KEY), scratch.0.join(CERTIFICATE)];
    let modes = || paths.clone().map(|path| fs::metadata(path).unwrap().permissions().mode());
    assert_eq!(modes().map(|mode| mode & 0o777), [0o700, 0o600, 0o600]);
    for path in &paths {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    scratch.open(&[], now);
    assert_eq!(modes().map(|mode| mode & 0o777), [0o700, 0o600, 0o600]);
}

#[test]
fn a_key_that_is_none_is_named_and_left_alone() {
    let (scratch, now) = (Scratch::new(), SystemTime::now());
    scratch.open(&[], now);
    for rubbish in [&b"secret rubbish"[..], b"\xff\xfe"] {
        fs::write(scratch.0.join(KEY), rubbish).unwrap();
        let error = LocalAuthority::open(&scratch.0, &[], now).err().unwrap().to_string();
        assert!(error.contains(KEY) && !error.contains("secret"), "{error}");
        assert_eq!(fs::read(scratch.0.join(KEY)).unwrap(), rubbish);
    }
}

#[test]
fn a_certificate_of_another_key_is_replaced() {
    let (scratch, now) = (Scratch::new(), SystemTime::now());
    scratch.open(&["a.example"], now);
    fs::remove_file(scratch.0.join(KEY)).unwrap();
    scratch.open(&[], now);
    assert_eq!(permitted(&scratch), ["localhost", "test"]);
}

/// Whether a certificate for our key that was made otherwise is used.
fn is_used(change: impl Fn(&mut CertificateParams)) -> bool {
    let (scratch, now) = (Scratch::new(), SystemTime::now());
    scratch.open(&["a.example"], now);
    let [_, key] = scratch.files();
    let key = KeyPair::from_pem(&key).unwrap();
    let mut params = made(&key, &permitted_for(&["a.example".into()]), now);
    change(&mut params);
    let planted = params.self_signed(&key).unwrap().pem();
    fs::write(scratch.0.join(CERTIFICATE), &planted).unwrap();
    let authority = scratch.open(&["a.example"], now);
    assert_eq!(authority.permitted, ["a.example", "localhost", "test"]);
    let [found, _] = scratch.files();
    found == planted
}

fn constraints(params: &mut CertificateParams) -> &mut NameConstraints {
    params.name_constraints.as_mut().unwrap()
}

#[test]
fn an_authority_for_more_than_we_would_make_it_for_is_replaced() {
    let domain = |name: &str| GeneralSubtree::DnsName(name.to_owned());
    assert!(is_used(|_| {}), "what we make ourselves");
    assert!(!is_used(|params| constraints(params).permitted_subtrees.push(domain("com"))));
    assert!(!is_used(|params| constraints(params).permitted_subtrees.push(domain(""))));
    assert!(!is_used(|params| constraints(params).permitted_subtrees.push(domain("b.test"))));
    assert!(!is_used(|params| constraints(params).permitted_subtrees.truncate(3)), "no addresses");
    assert!(!is_used(|params| {
        let all = CidrSubnet::from_v4_prefix([0; 4], 0);
        constraints(params).permitted_subtrees.push(GeneralSubtree::IpAddress(all));
    }));
    assert!(!is_used(|params| constraints(params).excluded_subtrees.push(domain("a.a.example"))));
    assert!(!is_used(|params| params.name_constraints = None));
    assert!(!is_used(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)));
    assert!(!is_used(|params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1))));
    assert!(!is_used(|params| params.key_usages.push(KeyUsagePurpose::CrlSign)));
    assert!(!is_used(|params| params.key_usages.clear()));
    assert!(!is_used(|params| params.not_after = date_time_ymd(2999, 1, 1)));
    assert!(!is_used(|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    }));
    assert!(!is_used(|params| {
        params.distinguished_name.push(DnType::CommonName, "Somebody Else");
    }));
}

#[test]
fn no_certificate_outlives_it() {
    let (scratch, now) = (Scratch::new(), SystemTime::now());
    let authority = scratch.open(&[], now);
    let name = || vec![SanType::DnsName("localhost".try_into().unwrap())];
    let key = KeyPair::generate().unwrap();
    let end = |at, life| {
        let der = authority.issue(name(), &key, at, life).unwrap();
        let (_, certificate) = X509Certificate::from_der(&der).unwrap();
        let seconds = certificate.validity().not_after.timestamp();
        UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap())
    };
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    // These dates have no fractions of a second.
    let left = (now + DAY).duration_since(end(now, DAY)).unwrap();
    assert!(left < Duration::from_secs(1), "{left:?}");
    assert!(end(now + LIFE - DAY, 2 * DAY) <= now + LIFE);
}
