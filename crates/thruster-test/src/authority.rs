//! A certificate authority of the tests' own, and clients that believe it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ALL_VERSIONS, ClientConfig, RootCertStore, SignatureScheme, SupportedProtocolVersion,
};

use crate::Folder;

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
    root_pem: String,
    folder: Folder,
}

/// A certificate and its key, as files.
pub struct Pair {
    pub chain: PathBuf,
    pub key: PathBuf,
}

/// Whom a client believes and what it asks for. Its clones share the tickets they get.
#[derive(Clone)]
pub struct Trust {
    roots: RootCertStore,
    pub config: Arc<ClientConfig>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let root = params.self_signed(&key).expect("a certificate");
        let (root_pem, root) = (root.pem(), root.der().clone());
        Authority { issuer: Issuer::new(params, key), root, root_pem, folder: Folder::new() }
    }

    /// A certificate for these names.
    pub fn certify(&self, names: &[&str]) -> Pair {
        let name = names[0].replace('*', "_");
        self.certify_as(&name, names)
    }

    /// The same in files of that name, in the place of those that were there.
    pub fn certify_as(&self, file: &str, names: &[&str]) -> Pair {
        self.sign(file, params(names), &KeyPair::generate().expect("a key"))
    }

    /// A certificate with an RSA key.
    ///
    /// # Panics
    /// There is no Ruby, which makes the key: ring makes none.
    pub fn certify_rsa(&self, names: &[&str]) -> Pair {
        let script = "print OpenSSL::PKey::RSA.new(2048).private_to_pem";
        let made = Command::new("ruby").args(["-ropenssl", "-e", script]).output();
        let key = String::from_utf8(made.expect("ruby runs").stdout).expect("PEM");
        let key = KeyPair::from_pem(&key).expect("a key");
        self.sign(&format!("{}.rsa", names[0]), params(names), &key)
    }

    /// A certificate that began a year ago, and is good for so long from now.
    pub fn certify_for(&self, name: &str, life: Duration) -> Pair {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
        let (mut params, epoch) = (params(&[name]), rcgen::date_time_ymd(1970, 1, 1));
        params.not_before = epoch + now - Duration::from_secs(365 * 24 * 60 * 60);
        params.not_after = epoch + now + life;
        self.sign(name, params, &KeyPair::generate().expect("a key"))
    }

    fn sign(&self, file: &str, params: CertificateParams, key: &KeyPair) -> Pair {
        let certificate = params.signed_by(key, &self.issuer).expect("a certificate");
        let chain = self.folder.file(&format!("{file}.pem"), certificate.pem());
        Pair { chain, key: self.folder.file(&format!("{file}.key"), key.serialize_pem()) }
    }

    /// A certificate (PEM) for a name and a key that somebody has.
    pub fn certify_key(&self, name: &str, key: &KeyPair) -> String {
        self.certify_key_until(name, key, 2100)
    }

    /// The same, good until the year begins.
    pub fn certify_key_until(&self, name: &str, key: &KeyPair, year: i32) -> String {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        params.signed_by(key, &self.issuer).expect("a certificate").pem()
    }

    /// Its own certificate, as a file (PEM).
    pub fn root(&self) -> PathBuf {
        self.folder.file("root.pem", &self.root_pem)
    }

    /// Clients that believe this authority.
    pub fn trust(&self) -> Trust {
        Trust::in_certificate(self.root.clone())
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Trust {
    /// In an authority whose certificate (PEM) is in this file.
    pub fn in_file(path: &Path) -> Self {
        Trust::in_certificate(CertificateDer::from_pem_file(path).expect("a certificate"))
    }

    /// The same, where its content is at hand.
    pub fn in_pem(pem: &[u8]) -> Self {
        Trust::in_certificate(CertificateDer::from_pem_slice(pem).expect("a certificate"))
    }

    fn in_certificate(certificate: CertificateDer<'static>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("a certificate");
        Trust {
            config: client(roots.clone(), ALL_VERSIONS, ring::default_provider()).into(),
            roots,
        }
    }

    /// A client that offers these protocols (ALPN).
    pub fn speaking(mut self, protocols: &[&str]) -> Self {
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        Arc::make_mut(&mut self.config).alpn_protocols = protocols.collect();
        self
    }

    /// A client that speaks this version alone.
    pub fn in_version(mut self, version: &'static SupportedProtocolVersion) -> Self {
        self.config = client(self.roots.clone(), &[version], ring::default_provider()).into();
        self
    }

    /// A client that knows no ECDSA in handshakes.
    pub fn without_ecdsa(mut self) -> Self {
        let mut provider = ring::default_provider();
        let WebPkiSupportedAlgorithms { all, mapping } = provider.signature_verification_algorithms;
        let rest = mapping.iter().filter(|(scheme, _)| !is_ecdsa(*scheme));
        // It wants them for ever, and a test does not last longer.
        let mapping = rest.copied().collect::<Vec<_>>().leak();
        provider.signature_verification_algorithms = WebPkiSupportedAlgorithms { all, mapping };
        self.config = client(self.roots.clone(), ALL_VERSIONS, provider).into();
        self
    }
}

fn is_ecdsa(scheme: SignatureScheme) -> bool {
    scheme.as_str().is_some_and(|name| name.starts_with("ECDSA"))
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    CertificateParams::new(names).expect("names")
}

fn client(
    roots: RootCertStore,
    versions: &[&'static SupportedProtocolVersion],
    provider: CryptoProvider,
) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// A name as rustls wants it.
pub fn server_name(name: &str) -> ServerName<'static> {
    ServerName::try_from(name.to_owned()).expect("a name or an address")
}
