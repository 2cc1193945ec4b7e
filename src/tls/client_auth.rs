//! Client certificates: who may sign them, which are revoked, and whether one is needed.
//!
//! With a revocation list, a leaf is refused when it is listed, and when its authority has no list at all: silence is no
//! proof. Only leaves are looked up, since lists for intermediates are rarely published.

use std::sync::Arc;

use rustls::{
    RootCertStore,
    crypto::CryptoProvider,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::{
    error::Error,
    pem,
    settings::{Client, Trust},
};

/// The verifier for `client`.
///
/// # Errors
/// When the bundle or the list can't be used.
pub fn verifier(client: &Client, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let (trust, needed) = match client {
        Client::Off => return Ok(WebPkiClientVerifier::no_client_auth()),
        Client::Request(trust) => (trust, false),
        Client::Require(trust) => (trust, true),
    };
    let mut roots = RootCertStore::empty();
    for (i, certificate) in pem::certificates(&trust.ca)?.into_iter().enumerate() {
        roots.add(certificate).map_err(|_| Error::Certificate { path: trust.ca.clone(), number: i + 1 })?;
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    if let Some(crl) = &trust.crl {
        builder = builder.with_crls(pem::revocations(crl)?).only_check_end_entity_revocation();
    }
    if !needed {
        builder = builder.allow_unauthenticated();
    }
    builder.build().map_err(|source| Error::ClientTrust { path: blamed(trust), source })
}

/// The file that a refusal is most likely about.
fn blamed(trust: &Trust) -> std::path::PathBuf {
    trust.crl.clone().unwrap_or_else(|| trust.ca.clone())
}
