//! Our account with the CA. Its key is kept in the folder; who has it is the account's owner, and
//! asking for the account again gives the same one (RFC 8555 section 7.3).

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use instant_acme::{Account, AccountBuilder, ExternalAccountKey, Key, NewAccount};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::sync::Mutex;

use super::client::Client;
use super::failure::Failure;
use crate::config::{Acme, ExternalAccount};
use crate::tls::autocert::Autocert;

/// After that the CA's directory is read again: it may have moved.
const LASTS: Duration = Duration::from_secs(24 * 3600);

/// Keys as people copy them: the settings have seen to their characters already.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub struct Session {
    settings: Acme,
    folder: Arc<Autocert>,
    account: Mutex<Option<(Account, Instant)>>,
    /// The key, where the folder could not keep it: a new account at each turn would soon be more
    /// than a CA allows.
    key: OnceLock<PrivatePkcs8KeyDer<'static>>,
}

impl Session {
    pub fn new(settings: Acme, folder: Arc<Autocert>) -> Self {
        Session { settings, folder, account: Mutex::default(), key: OnceLock::new() }
    }

    /// The account, asked for if need be. Who comes meanwhile waits for the same answer.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn account(&self) -> Result<Account, Failure> {
        let mut known = self.account.lock().await;
        if let Some((account, since)) = &*known
            && since.elapsed() < LASTS
        {
            return Ok(account.clone());
        }
        let account = self.open().await?;
        tracing::debug!(account = account.id(), "The CA knows our account");
        *known = Some((account.clone(), Instant::now()));
        Ok(account)
    }

    /// Starts again from the CA's directory when the account is needed next.
    pub async fn forget(&self) {
        *self.account.lock().await = None;
    }

    async fn open(&self) -> Result<Account, Failure> {
        let kept = || self.key.get().map(PrivatePkcs8KeyDer::clone_key);
        let known = self.folder.account_key().or_else(kept);
        match &self.settings.external_account {
            None => self.open_own(known).await,
            Some(external) => self.open_bound(known, external).await,
        }
    }

    /// One that nobody has to vouch for.
    async fn open_own(
        &self,
        known: Option<PrivatePkcs8KeyDer<'static>>,
    ) -> Result<Account, Failure> {
        let known = known.and_then(|der| Some((read(&der)?, der)));
        let is_new = known.is_none();
        let (key, der) = known.map_or_else(Key::generate_pkcs8, Ok)?;
        let for_folder = der.clone_key();
        let keys = (key, PrivateKeyDer::Pkcs8(der));
        let created = self.builder()?.create_from_key(keys, self.directory()).await;
        let (account, _) = created.map_err(refused)?;
        if is_new {
            self.keep(&for_folder);
        }
        Ok(account)
    }

    /// One that belongs to an account elsewhere (RFC 8555 section 7.3.4). The library binds new
    /// keys alone, so one that the CA does not know makes room for another.
    async fn open_bound(
        &self,
        known: Option<PrivatePkcs8KeyDer<'static>>,
        external: &ExternalAccount,
    ) -> Result<Account, Failure> {
        if let Some((key, der)) = known.and_then(|der| Some((read(&der)?, der))) {
            let keys = (key, PrivateKeyDer::Pkcs8(der));
            match self.builder()?.from_key(keys, self.directory()).await.map_err(refused) {
                Ok((account, _)) => return Ok(account),
                Err(failure) if !failure.is_about_account() => return Err(failure),
                Err(_) => {}
            }
        }
        let secret = BASE64.decode(&external.hmac_key.0);
        let secret =
            secret.map_err(|_| Failure::new("EAB_HMAC_KEY is not in base64", "account"))?;
        let binding = ExternalAccountKey::new(external.key_id.clone(), &secret);
        let wish =
            NewAccount { contact: &[], terms_of_service_agreed: true, only_return_existing: false };
        let created = self.builder()?.create(&wish, self.directory(), Some(&binding)).await;
        let (account, credentials) = created.map_err(refused)?;
        self.keep(credentials.private_key());
        Ok(account)
    }

    fn keep(&self, key: &PrivatePkcs8KeyDer<'_>) {
        if let Err(error) = self.folder.save_account_key(key) {
            tracing::warn!(%error, "The account's key cannot be kept: a restart needs another account");
            // Whether it is the first makes no difference any more.
            let _ = self.key.set(key.clone_key());
        }
    }

    fn directory(&self) -> String {
        self.settings.directory.clone()
    }

    fn builder(&self) -> Result<AccountBuilder, Failure> {
        Ok(Account::builder_with_http(Box::new(Client::new()?)))
    }
}

fn read(der: &PrivatePkcs8KeyDer<'_>) -> Option<Key> {
    let key = Key::from_pkcs8_der(der.clone_key());
    let complain = |error| tracing::warn!(%error, "The account's key cannot be used");
    key.map_err(complain).ok()
}

fn refused(error: instant_acme::Error) -> Failure {
    Failure::from(error).before_any_order()
}
