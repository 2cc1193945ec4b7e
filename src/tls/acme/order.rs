//! One order, from the wish to the chain.

use std::{sync::Arc, time::Duration};

use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeHandle, ChallengeType, Identifier, NewOrder, Order,
    OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use time::OffsetDateTime;

use super::{
    Error,
    challenge::{Challenges, Offered},
};
use crate::tls::{
    certificate::Certificate,
    settings::{Acme, Challenge},
};

/// How an order is looked at while the authority works on it; where it says when to look again, that holds.
const POLLS: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(500)).backoff(1.3).timeout(Duration::from_secs(240));

/// What came of an order, as PEM.
pub(super) struct Issued {
    pub(super) key: String,
    pub(super) chain: String,
}

/// Sees an order through.
pub(super) async fn finish(mut order: Order, settings: &Acme, challenges: &Arc<Challenges>) -> Result<Issued, Error> {
    if order.state().status == OrderStatus::Pending
        && let Err(error) = validate(&mut order, settings, challenges).await
    {
        // What is wrong with a domain says more than what is wrong with the order.
        return Err(reason(&mut order).await.unwrap_or(error));
    }
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(settings.domains.clone())?;
    params.distinguished_name = DistinguishedName::new();
    order.finalize_csr(params.serialize_request(&key)?.der()).await?;
    let chain = order.poll_certificate(&POLLS).await?;
    fits(settings, &key, &chain)?;
    Ok(Issued { key: key.serialize_pem(), chain })
}

/// Orders what `settings` ask for, in the place of `replaced` (RFC 9773, section 5).
pub(super) async fn begin(
    account: &Account,
    settings: &Acme,
    replaced: Option<CertificateIdentifier<'_>>,
) -> Result<Order, Error> {
    let domains: Vec<Identifier> = settings.domains.iter().cloned().map(Identifier::Dns).collect();
    let plain = || match &settings.profile {
        Some(profile) => NewOrder::new(&domains).profile(profile),
        None => NewOrder::new(&domains),
    };
    if let Some(replaced) = replaced {
        match account.new_order(&plain().replaces(replaced)).await.map_err(Error::from) {
            Err(error) if misses_predecessor(&error) => {}
            other => return other,
        }
    }
    Ok(account.new_order(&plain()).await?)
}

/// Whether it is the certificate to be replaced that the authority minds: replaced already, of another authority, or of another account.
fn misses_predecessor(error: &Error) -> bool {
    match error {
        Error::Refused { kind, .. } => {
            ["alreadyReplaced", "conflict", "malformed", "unauthorized"].contains(&kind.as_str())
        }
        Error::Odd(_) | Error::Status(404 | 409) => true,
        _ => false,
    }
}

/// Answers what the authority asks, until it has decided.
async fn validate(order: &mut Order, settings: &Acme, challenges: &Arc<Challenges>) -> Result<(), Error> {
    // Withdrawn at the end, however that comes.
    let _offered = answer(order, settings, challenges).await?;
    match order.poll_ready(&POLLS).await? {
        OrderStatus::Ready => Ok(()),
        _ => Err(Error::Odd("the order is invalid, and no domain says why")),
    }
}

/// Has an answer ready for each domain that the authority does not believe to be ours yet, and says so.
async fn answer(order: &mut Order, settings: &Acme, challenges: &Arc<Challenges>) -> Result<Vec<Offered>, Error> {
    let mut offered = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        let domain = authorization.identifier().to_string();
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            _ => return Err(Error::Odd("an authorization of a new order is over already")),
        }
        let kind = match settings.challenge {
            Challenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
            Challenge::Http01 => ChallengeType::Http01,
        };
        let Some(mut challenge) = authorization.challenge(kind) else {
            return Err(Error::NotOffered { challenge: settings.challenge.name(), domain });
        };
        offered.push(offer(settings.challenge, &domain, &challenge, challenges)?);
        challenge.set_ready().await?;
    }
    Ok(offered)
}

fn offer(
    way: Challenge,
    domain: &str,
    challenge: &ChallengeHandle<'_>,
    challenges: &Arc<Challenges>,
) -> Result<Offered, Error> {
    let authorization = challenge.key_authorization();
    match way {
        Challenge::Http01 => Ok(challenges.offer_text(&challenge.token, authorization.as_str())?),
        Challenge::TlsAlpn01 => {
            let digest = authorization.digest();
            let digest = digest.as_ref().try_into().map_err(|_| Error::Odd("a digest of another length"))?;
            Ok(challenges.offer_handshake(domain, digest)?)
        }
    }
}

/// What the authority says of the domain that it could not validate.
async fn reason(order: &mut Order) -> Option<Error> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.ok()?;
        let domain = authorization.identifier().to_string();
        let state = authorization.refresh().await.ok()?;
        if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
            return Some(Error::of_domain(domain, problem));
        }
    }
    None
}

/// Whether what was issued is what was ordered: nothing else is kept.
fn fits(settings: &Acme, key: &KeyPair, chain: &str) -> Result<(), Error> {
    let certificates = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|_| Error::Unfit("it is not PEM"))?;
    let leaf = certificates.first().ok_or(Error::Unfit("it is empty"))?;
    let facts = Certificate::parse(leaf).ok_or(Error::Unfit("it can't be parsed"))?;
    if OffsetDateTime::now_utc().unix_timestamp() >= facts.until {
        return Err(Error::Unfit("it has expired already, by the clock of this machine"));
    }
    if !settings.domains.iter().all(|domain| facts.names.contains(domain)) {
        return Err(Error::Unfit("it lacks a domain"));
    }
    let signer = aws_lc_rs::sign::any_supported_type(&PrivatePkcs8KeyDer::from(key.serialize_der()).into());
    let pair = CertifiedKey::new(certificates, signer.map_err(|_| Error::Unfit("its key is not understood"))?);
    pair.keys_match().map_err(|_| Error::Unfit("it is for another key"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dial::testing::Authority, tls::acme::testing::settings};

    #[test]
    fn only_what_was_ordered_fits() {
        let leaf = Authority::new("CA").leaf(&["a.test"], 1);
        let key = KeyPair::from_pem(&leaf.key).expect("a key");
        let other = KeyPair::generate().expect("a key");
        let one = settings(&["a.test"]);
        assert!(fits(&one, &key, &leaf.chain).is_ok());
        for (wish, key, chain) in [
            (&settings(&["a.test", "b.test"]), &key, leaf.chain.as_str()),
            (&one, &other, &leaf.chain),
            (&one, &key, ""),
            (&one, &key, "-----BEGIN CERTIFICATE-----\n"),
        ] {
            assert!(matches!(fits(wish, key, chain), Err(Error::Unfit(_))));
        }
    }

    #[test]
    fn a_predecessor_that_is_minded_is_left_out() {
        let refused = |kind: &str| Error::Refused { kind: kind.to_owned(), detail: String::new() };
        assert!(misses_predecessor(&refused("alreadyReplaced")));
        assert!(!misses_predecessor(&refused("rateLimited")));
        assert!(!misses_predecessor(&Error::Status(503)));
    }
}
