//! One order: a name goes in, a certificate comes out (RFC 8555 section 7.4).

use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    Account, AuthorizationHandle, AuthorizationStatus, CertificateIdentifier, ChallengeType,
    Identifier, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::failure::Failure;
use crate::tls::challenges::{Challenges, Shown};

/// How a CA is asked for news of an order. It has looked from several places by then.
const NEWS: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(250))
    .backoff(1.5)
    .timeout(Duration::from_secs(150));

/// What is ordered.
pub struct Wish<'a> {
    pub name: &'a str,
    pub profile: Option<&'a str>,
    /// The certificate whose place the new one takes (RFC 9773 section 5).
    pub replaces: Option<CertificateIdentifier<'a>>,
    /// How we would like to be validated.
    pub way: ChallengeType,
}

/// What has come of it.
pub struct Obtained {
    pub key: PrivatePkcs8KeyDer<'static>,
    pub chain: Vec<CertificateDer<'static>>,
}

/// Has the CA certify a name.
///
/// # Errors
/// Why it does not.
pub async fn obtain(
    account: &Account,
    wish: &Wish<'_>,
    challenges: &Arc<Challenges>,
) -> Result<Obtained, Failure> {
    let names = [Identifier::Dns(wish.name.to_owned())];
    let mut new = NewOrder::new(&names);
    if let Some(profile) = wish.profile {
        new = new.profile(profile);
    }
    if let Some(replaces) = &wish.replaces {
        new = new.replaces(replaces.clone());
    }
    let mut order = account.new_order(&new).await?;
    tracing::debug!(name = wish.name, order = order.url(), "Ordered a certificate");
    // The CA may remember an earlier validation.
    if order.state().status == OrderStatus::Pending {
        validate(&mut order, wish, challenges).await?;
    }
    let key = KeyPair::generate().map_err(unlikely)?;
    let request = request(wish.name, &key).map_err(unlikely)?;
    order.finalize_csr(&request).await?;
    let chain = order.poll_certificate(&NEWS).await?;
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>();
    let chain = chain.map_err(|error| Failure::new(format!("its certificate: {error}"), ""))?;
    Ok(Obtained { key: key.serialize_der().into(), chain })
}

/// Shows the CA what it wants to see, for as long as it looks.
async fn validate(
    order: &mut Order,
    wish: &Wish<'_>,
    challenges: &Arc<Challenges>,
) -> Result<(), Failure> {
    let mut shown = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Pending {
            shown.push(show(&mut authorization, wish, challenges).await?);
        }
    }
    let status = order.poll_ready(&NEWS).await;
    if matches!(status, Ok(OrderStatus::Ready)) {
        return Ok(());
    }
    // Why it was not content, it says with the challenge (RFC 8555 section 8).
    Err(match (complaint(order).await, status) {
        (Some(failure), _) => failure,
        (None, Err(error)) => error.into(),
        (None, Ok(status)) => Failure::new(format!("the order is {status:?}"), "unauthorized"),
    })
}

async fn show<'a>(
    authorization: &'a mut AuthorizationHandle<'a>,
    wish: &Wish<'_>,
    challenges: &Arc<Challenges>,
) -> Result<Shown, Failure> {
    let offered = authorization.challenges.iter().map(|challenge| &challenge.r#type);
    let way = way(offered, &wish.way).ok_or_else(|| {
        Failure::new("the CA offers neither http-01 nor tls-alpn-01", "unsupportedIdentifier")
    })?;
    let Some(mut challenge) = authorization.challenge(way.clone()) else {
        unreachable!("it was chosen from what is offered")
    };
    let key_authorization = challenge.key_authorization();
    tracing::debug!(name = wish.name, ?way, "The CA is to look");
    let shown = match way {
        ChallengeType::TlsAlpn01 => {
            let digest = key_authorization.digest();
            challenges.show_tls(wish.name, digest.as_ref()).map_err(unlikely)?
        }
        _ => challenges.show_http(&challenge.token, key_authorization.as_str()),
    };
    challenge.set_ready().await?;
    Ok(shown)
}

/// The way that is wished for if it is offered, else the other one.
fn way<'c>(
    offered: impl Iterator<Item = &'c ChallengeType> + Clone,
    wish: &ChallengeType,
) -> Option<ChallengeType> {
    let ours = [wish, &ChallengeType::Http01, &ChallengeType::TlsAlpn01];
    ours.into_iter().find(|way| offered.clone().any(|offer| offer == *way)).cloned()
}

/// What the CA says of a challenge that it does not accept.
async fn complaint(order: &mut Order) -> Option<Failure> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.ok()?;
        let state = authorization.refresh().await.ok()?;
        let mut problems = state.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = problems.next() {
            return Some(Failure::of(problem));
        }
    }
    None
}

/// A request for this name alone (RFC 2986), with no other subject.
fn request(name: &str, key: &KeyPair) -> Result<Vec<u8>, rcgen::Error> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    Ok(params.serialize_request(key)?.der().to_vec())
}

/// What only a name that is none can bring about, or a machine without randomness.
fn unlikely(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string(), "rejectedIdentifier")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChallengeType::{Dns01, Http01, TlsAlpn01};

    #[test]
    fn the_way_we_wish_is_taken_if_it_is_offered() {
        let all = [Dns01, Http01, TlsAlpn01];
        assert_eq!(way(all.iter(), &Http01), Some(Http01));
        assert_eq!(way(all.iter(), &TlsAlpn01), Some(TlsAlpn01));
        assert_eq!(way([Dns01, TlsAlpn01].iter(), &Http01), Some(TlsAlpn01));
        assert_eq!(way([Http01].iter(), &TlsAlpn01), Some(Http01));
        assert_eq!(way([Dns01].iter(), &Http01), None);
    }
}
