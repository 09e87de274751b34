//! The certificate authority of one folder: made once, trusted once, and good for the names that
//! it was made for and no other, whoever should get hold of its key.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData,
    SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::extensions::{
    GeneralName, NameConstraints as Constraints, ParsedExtension, X509Extension,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::tls::private;

const CERTIFICATE: &str = "local_ca.pem";
const KEY: &str = "local_ca.key";

/// To trust an authority takes a person, who should not be asked often.
const LIFE: Duration = Duration::from_secs(5 * 365 * 24 * 60 * 60);

/// What must be left of that at a start.
const LEAST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// For clocks that are behind ours, such as a virtual machine's after its host has slept.
const SKEW: Duration = Duration::from_secs(24 * 60 * 60);

/// Every authority may vouch for these (RFC 6761), and for the addresses of the machine itself.
const ALWAYS: [&str; 2] = ["localhost", "test"];

/// What the names of all begin with; the machine's and the key's follow.
const NAME: &str = "thrust local CA (";

/// The bit of this usage and no other (RFC 5280 section 4.2.1.3).
const KEY_CERT_SIGN: u16 = 1 << 5;

/// As much of the machine's name as leaves room in a common name, which has 64 characters at most
/// (RFC 5280 appendix A.1).
const HOST: usize = 32;

pub struct LocalAuthority {
    /// Its certificate.
    pub path: PathBuf,
    /// How stores of trust are to call it.
    pub name: String,
    /// Tells it from those of other folders.
    pub id: String,
    /// The domains that it may vouch for, with all that is below them.
    pub permitted: Vec<String>,
    issuer: Issuer<'static, KeyPair>,
    ends: SystemTime,
}

/// Why there is no authority. No part of its key is in it.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("cannot use {0} for the local CA: {1}")]
    Files(PathBuf, #[source] io::Error),
    #[error("{0} is no private key; when it is gone, a new one is made, to be trusted anew")]
    Key(PathBuf),
    #[error("cannot make a local CA: {0}")]
    Make(#[from] rcgen::Error),
}

impl LocalAuthority {
    /// The authority in this folder, made if there is none, or none that is as we would make it for
    /// these names, or that lasts long enough.
    ///
    /// One that may vouch for more is not used either: it is going to be trusted, and whoever could
    /// write to the folder would choose for what. So two sets of names that are used in turn each
    /// make it anew; they need folders of their own.
    ///
    /// # Errors
    /// Its files cannot be made or used.
    pub fn open(storage: &Path, names: &[String], now: SystemTime) -> Result<Self, Unusable> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| Unusable::Files(path, error)
        };
        private::folder(storage).map_err(at(storage))?;
        let folder = File::open(storage).map_err(at(storage))?;
        // Two that start at once are to have one authority. File systems that know no locks have
        // to do without.
        drop(folder.lock());
        let key = open_key(&storage.join(KEY))?;
        let path = storage.join(CERTIFICATE);
        let found = match private::read(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(at(&path)(error)),
        };
        let permitted = permitted_for(names);
        if let Some(text) = &found
            && let Ok(der) = CertificateDer::from_pem_slice(text.as_bytes())
            && let Some(known) = read(&der, &key)
            && known.permitted == permitted
            && known.ends > now + LEAST
            && known.ends < now + LIFE + SKEW
        {
            return Self::with(path, &der, key, known);
        }
        let made = made(&key, &permitted, now).self_signed(&key)?;
        private::write(&path, &made.pem()).map_err(at(&path))?;
        match found {
            None => tracing::info!(file = %path.display(), "Made a local CA"),
            Some(_) => tracing::warn!(
                file = %path.display(),
                "Made the local CA anew: `thrust --trust` is needed again"
            ),
        }
        Self::with(path, made.der(), key, Known { permitted, ends: now + LIFE })
    }

    fn with(
        path: PathBuf,
        der: &CertificateDer<'_>,
        key: KeyPair,
        known: Known,
    ) -> Result<Self, Unusable> {
        let path = std::path::absolute(&path).unwrap_or(path);
        let name = common_name(der).unwrap_or_default();
        let id = id(&key);
        let permitted = known.permitted.into_iter().collect();
        let issuer = Issuer::from_ca_cert_der(der, key)?;
        Ok(LocalAuthority { path, name, id, permitted, issuer, ends: known.ends })
    }

    /// Vouches for whoever has this key.
    ///
    /// # Errors
    /// The system has no randomness, or the like.
    pub fn issue(
        &self,
        names: Vec<SanType>,
        key: &KeyPair,
        now: SystemTime,
        life: Duration,
    ) -> Result<CertificateDer<'static>, rcgen::Error> {
        let mut params = params("thrust", now, self.ends.min(now + life));
        params.subject_alt_names = names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        Ok(params.signed_by(key, &self.issuer)?.into())
    }
}

fn open_key(path: &Path) -> Result<KeyPair, Unusable> {
    let failed = |error| Unusable::Files(path.to_owned(), error);
    match private::read(path) {
        Ok(text) => KeyPair::from_pem(&text).map_err(|_| Unusable::Key(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = KeyPair::generate()?;
            private::write(path, &key.serialize_pem()).map_err(failed)?;
            Ok(key)
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(Unusable::Key(path.to_owned()))
        }
        Err(error) => Err(failed(error)),
    }
}

/// What its certificate says of an authority.
struct Known {
    permitted: BTreeSet<String>,
    ends: SystemTime,
}

/// `None` if it is not the certificate of this key, or was made in any other way than [`made`] says.
fn read(der: &CertificateDer<'_>, key: &KeyPair) -> Option<Known> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    let is_ours = certificate.public_key().raw == key.subject_public_key_info()
        && certificate.subject().as_raw() == certificate.issuer().as_raw()
        && common_name(der).is_some_and(|name| is_our_name(&name, key));
    if !is_ours || !rest.is_empty() || !certificate.extensions().iter().all(is_as_made) {
        return None;
    }
    // What is there twice is an error here.
    let (basic, usage) = (certificate.basic_constraints(), certificate.key_usage());
    (basic.ok()?.is_some() && usage.ok()?.is_some()).then_some(())?;
    let permitted = permitted_by(certificate.name_constraints().ok()??.value)?;
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
    Some(Known { permitted, ends: UNIX_EPOCH.checked_add(Duration::from_secs(seconds))? })
}

/// What is in the constraints is for [`permitted_by`] to see.
fn is_as_made(extension: &X509Extension<'_>) -> bool {
    match extension.parsed_extension() {
        ParsedExtension::BasicConstraints(basic) => {
            basic.ca && basic.path_len_constraint == Some(0)
        }
        ParsedExtension::KeyUsage(usage) => usage.flags == KEY_CERT_SIGN,
        ParsedExtension::NameConstraints(_) => extension.critical,
        ParsedExtension::SubjectKeyIdentifier(_) => true,
        _ => false,
    }
}

/// The domains, if there is nothing else but the addresses of [`made`].
fn permitted_by(constraints: &Constraints<'_>) -> Option<BTreeSet<String>> {
    let mut addresses = loopback().map(|subnet| octets(&subnet)).to_vec();
    let mut permitted = BTreeSet::new();
    for subtree in constraints.permitted_subtrees.as_ref()? {
        match subtree.base {
            GeneralName::DNSName(name) => drop(permitted.insert(name.to_owned())),
            GeneralName::IPAddress(found) => {
                let place = addresses.iter().position(|subnet| subnet == found)?;
                addresses.remove(place);
            }
            _ => return None,
        }
    }
    (constraints.excluded_subtrees.is_none() && addresses.is_empty()).then_some(permitted)
}

/// An address and its mask, as a certificate has them (RFC 5280 section 4.2.1.10).
fn octets(subnet: &CidrSubnet) -> Vec<u8> {
    match subnet {
        CidrSubnet::V4(address, mask) => [&address[..], mask].concat(),
        CidrSubnet::V6(address, mask) => [&address[..], mask].concat(),
    }
}

/// The machine may have had another name, but a plain one: people are shown it.
fn is_our_name(name: &str, key: &KeyPair) -> bool {
    let is_plain = name.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    is_plain && name.starts_with(NAME) && name.ends_with(&format!(" {})", id(key)))
}

/// The domains that an authority for these names and wildcards needs to be permitted: a domain
/// stands for all that is below it (RFC 5280 section 4.2.1.10).
fn permitted_for(names: &[String]) -> BTreeSet<String> {
    let domains = names.iter().map(|name| name.strip_prefix("*.").unwrap_or(name));
    let is_other =
        |name: &&str| !name.rsplit('.').next().is_some_and(|last| ALWAYS.contains(&last));
    domains.filter(is_other).chain(ALWAYS).map(String::from).collect()
}

/// What an authority is.
fn made(key: &KeyPair, permitted: &BTreeSet<String>, now: SystemTime) -> CertificateParams {
    let mut params = params(&format!("{NAME}{} {})", host(), id(key)), now, now + LIFE);
    // It makes certificates for servers, and no other authority.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let mut permitted: Vec<_> = permitted.iter().cloned().map(GeneralSubtree::DnsName).collect();
    permitted.extend(loopback().map(GeneralSubtree::IpAddress));
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() });
    params
}

/// The addresses of the machine itself.
fn loopback() -> [CidrSubnet; 2] {
    let sixth = std::net::Ipv6Addr::LOCALHOST.octets();
    [CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8), CidrSubnet::from_v6_prefix(sixth, 128)]
}

fn params(name: &str, now: SystemTime, ends: SystemTime) -> CertificateParams {
    let since_epoch = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since_epoch(now).saturating_sub(SKEW);
    params.not_after = epoch + since_epoch(ends);
    // Firefox refuses two certificates of one authority with the same number. A positive one
    // (RFC 5280 section 4.1.2.2).
    let serial = fastrand::u128(..) >> 1;
    params.serial_number = Some(SerialNumber::from_slice(&serial.to_be_bytes()));
    params
}

/// The beginning of the key's identifier: as long as a person cares to compare.
fn id(key: &KeyPair) -> String {
    let identifier = CertificateParams::default().key_identifier(key);
    identifier.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn common_name(der: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let name = certificate.subject().iter_common_name().next()?;
    name.as_str().ok().map(String::from)
}

/// The name of this machine, as far as it is a plain one.
fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-._".contains(*c);
    let name: String = name.trim().chars().filter(is_plain).take(HOST).collect();
    if name.is_empty() { "this machine".into() } else { name }
}

#[cfg(test)]
mod tests;
