//! Client certificates: who signs them, and which are revoked.
//!
//! Where a revocation list is given, a client certificate must be covered by it: one whose issuer
//! has no list in the file, or only a list past its `nextUpdate`, is refused, since a check that
//! cannot be made fails closed. Only the client's own certificate is checked: lists for
//! intermediate authorities are rarely published beside it. A file may hold several lists.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, CertificateRevocationListDer, pem::PemObject},
    server::{VerifierBuilderError, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use x509_parser::{prelude::FromDer, revocation_list::CertificateRevocationList};

use super::settings::{Client, Trust};
use crate::dial::pem;

/// Trust that cannot be established.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The authorities' file.
    #[error(transparent)]
    File(#[from] pem::Error),
    /// Neither PEM nor DER.
    #[error("{file} holds no revocation list; it must hold `X509 CRL` PEM blocks or one DER list")]
    NoList {
        /// Which.
        file: PathBuf,
    },
    /// The parser refused authorities or lists.
    #[error("the authorities in {ca} or their revocation lists cannot be used")]
    Verifier {
        /// The authorities.
        ca: PathBuf,
        /// Why.
        source: VerifierBuilderError,
    },
}

/// What was read, and the verifier made of it.
#[derive(Debug, Clone)]
pub(super) struct Trusted {
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
    /// When the first list runs out, seconds since the epoch, and the file.
    pub(super) lists_until: Option<(PathBuf, i64)>,
    // To tell whether trust has changed: whether a certificate is needed is part of it, for a
    // session begun without one must not be resumed where one is needed.
    content: Option<Content>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Content {
    required: bool,
    authorities: Vec<CertificateDer<'static>>,
    lists: Vec<CertificateRevocationListDer<'static>>,
}

impl Trusted {
    pub(super) fn load(client: &Client, provider: &Arc<CryptoProvider>) -> Result<Self, Error> {
        let (trust, required) = match client {
            Client::Off => {
                return Ok(Self { verifier: WebPkiClientVerifier::no_client_auth(), lists_until: None, content: None });
            }
            Client::Request(trust) => (trust, false),
            Client::Require(trust) => (trust, true),
        };
        let lists = lists(trust)?;
        let authorities = pem::certificates(&trust.ca)?;
        let roots = Arc::new(pem::anchors(&trust.ca, authorities.clone())?);
        let mut builder = WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
            .with_crls(lists.iter().cloned())
            .only_check_end_entity_revocation()
            .enforce_revocation_expiration();
        if !required {
            builder = builder.allow_unauthenticated();
        }
        let verifier = builder.build().map_err(|source| Error::Verifier { ca: trust.ca.clone(), source })?;
        let until = lists.iter().filter_map(next_update).min();
        Ok(Self {
            verifier,
            lists_until: trust.crl.clone().zip(until),
            content: Some(Content { required, authorities, lists }),
        })
    }

    /// Whether sessions made under the one may be resumed under the other.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

fn lists(trust: &Trust) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    let Some(file) = &trust.crl else {
        return Ok(Vec::new());
    };
    let bytes = pem::read(file)?;
    let mut found = CertificateRevocationListDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| pem::syntax(file, &error))?;
    // DER begins with a SEQUENCE; text does not.
    if found.is_empty() && bytes.first() == Some(&0x30) {
        found.push(bytes.into());
    }
    if found.is_empty() {
        return Err(Error::NoList { file: file.clone() });
    }
    Ok(found)
}

fn next_update(list: &CertificateRevocationListDer<'_>) -> Option<i64> {
    let (_, list) = CertificateRevocationList::from_der(list).ok()?;
    list.next_update().map(|time| time.timestamp())
}
