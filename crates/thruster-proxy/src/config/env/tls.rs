//! The settings of TLS, where a default in the place of a slip would be a site without it.

use super::{Environment, Reader, current};
use crate::config::settings::setting_named;
use crate::config::{Acme, ExternalAccount, OwnCertificate, Secret, Tls, value};

impl<E: Environment> Reader<'_, E> {
    pub fn tls(&mut self) -> Tls {
        Tls {
            domains: self.strictly("TLS_DOMAIN", value::names).unwrap_or_default(),
            own: self.own_certificates(),
            local: self.strictly("TLS_LOCAL", value::boolean).unwrap_or_default(),
            acme: Acme {
                directory: self.value("ACME_DIRECTORY", value::text),
                profile: self.set("ACME_PROFILE", value::text),
                external_account: self.external_account(),
            },
            hsts: self.seconds("HSTS"),
            health_path: self.value("HEALTH_PATH", value::path),
        }
    }

    /// Certificates and their keys, one to one.
    fn own_certificates(&mut self) -> Vec<OwnCertificate> {
        let chains = self.strictly("TLS_CERTIFICATE", value::files).unwrap_or_default();
        let keys = self.strictly("TLS_KEY", value::files).unwrap_or_default();
        if chains.len() != keys.len() {
            let expected = format!("as many files as TLS_CERTIFICATE has, {}", chains.len());
            self.contradicts("TLS_KEY", &keys.len().to_string(), expected);
        }
        let pairs = chains.into_iter().zip(keys);
        pairs.map(|(chain, key)| OwnCertificate { chain, key }).collect()
    }

    /// Half of one would be ignored by the CA, which would then ask for the other.
    fn external_account(&mut self) -> Option<ExternalAccount> {
        let key_id = self.strictly("EAB_KID", value::text);
        let hmac_key = self.strictly("EAB_HMAC_KEY", value::base64_key).map(Secret);
        match (key_id, hmac_key) {
            (Some(key_id), Some(hmac_key)) => Some(ExternalAccount { key_id, hmac_key }),
            (None, None) => None,
            (Some(key_id), None) => {
                // A bad key has had its complaint.
                if current(self.environment, setting_named("EAB_HMAC_KEY")).is_none() {
                    self.contradicts("EAB_KID", &key_id, "EAB_HMAC_KEY beside it".to_owned());
                }
                None
            }
            (None, Some(_)) => {
                let expected = "EAB_KID beside it".to_owned();
                self.contradicts("EAB_HMAC_KEY", "(hidden)", expected);
                None
            }
        }
    }
}
