//! What clients will make of a chain, before one of them has seen it.

use std::{path::Path, sync::Arc, time::Duration};

use rustls::{
    CertificateError, Error as TlsError, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use super::{certificate::Certificate, store::Error};
use crate::dial::pem;

/// A chain and its key that belong together.
#[derive(Debug)]
pub struct Pair {
    chain: Vec<CertificateDer<'static>>,
    facts: Certificate,
}

/// Whether clients can build a chain to an authority that they believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// They can.
    Believed,
    /// The chain is whole, and its authority one that they don't know.
    Private(String),
    /// The certificate of this issuer is missing in the chain.
    Missing(String),
    /// Something else, in the words of the library.
    Refused(String),
}

impl Pair {
    /// Reads both files.
    ///
    /// # Errors
    /// When one is missing, broken, or they don't belong together.
    pub fn read(chain: &Path, key: &Path) -> Result<Self, Error> {
        let pair = pem::certified_key(chain, key)?;
        let facts = pair.cert.first().and_then(Certificate::parse);
        let facts = facts.ok_or_else(|| Error::Leaf(chain.to_owned()))?;
        Ok(Self { chain: pair.cert, facts })
    }

    /// Its DNS names in lower case, wildcards as `*.example.com`.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.facts.names
    }

    /// `notBefore` and `notAfter`, in seconds since the epoch.
    #[must_use]
    pub fn validity(&self) -> (i64, i64) {
        (self.facts.since, self.facts.until)
    }

    /// What clients that believe `roots` make of the chain. Its dates are not judged by it.
    #[must_use]
    pub fn trust(&self, roots: Arc<RootCertStore>) -> Trust {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let built = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
        let (Ok(verifier), Ok(nobody)) = (built, ServerName::try_from("nobody.invalid")) else {
            return Trust::Refused("no authority is believed".to_owned());
        };
        let Some((leaf, others)) = self.chain.split_first() else {
            return Trust::Refused("there is no certificate".to_owned());
        };
        // Names are judged last: that one alone is wrong says that the chain is right.
        match verifier.verify_server_cert(leaf, others, &nobody, &[], self.within()) {
            Ok(_) => Trust::Believed,
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Trust::Believed,
            Err(TlsError::InvalidCertificate(CertificateError::UnknownIssuer)) => self.unknown(),
            // A certificate of its own that may sign others as well.
            Err(_) if self.chain.len() == 1 && self.ends_in_itself() => self.unknown(),
            Err(error) => Trust::Refused(error.to_string()),
        }
    }

    /// The time now, or where the leaf is not valid now one at which it was or will be.
    fn within(&self) -> UnixTime {
        let now = i64::try_from(UnixTime::now().as_secs()).unwrap_or(i64::MAX);
        let at = now.max(self.facts.since).min(self.facts.until - 1);
        UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at).unwrap_or(0)))
    }

    fn unknown(&self) -> Trust {
        let last = self.chain.last().and_then(Certificate::parse);
        let issuer = last.map_or_else(String::new, |last| last.issuer);
        if self.ends_in_itself() { Trust::Private(issuer) } else { Trust::Missing(issuer) }
    }

    fn ends_in_itself(&self) -> bool {
        let last = self.chain.last().and_then(|der| X509Certificate::from_der(der).ok());
        last.is_some_and(|(_, last)| last.subject() == last.issuer())
    }
}

/// Whether one of `names`, wildcards as certificates have them, is `host`, which may be `*.example.com` itself.
#[must_use]
pub fn covers(names: &[String], host: &str) -> bool {
    let above = host.split_once('.').map(|(_, rest)| format!("*.{rest}"));
    names.iter().any(|name| name == host || above.as_ref() == Some(name))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::dial::testing::{Authority, put};

    #[test]
    fn what_clients_make_of_chains() {
        let dir = TempDir::new().expect("a folder");
        let authority = Authority::new("Root of tests");
        let leaf = authority.leaf(&["shop.test"], 1);
        let ca = put(dir.path(), "ca.pem", authority.pem());
        let (chain, key) = leaf.write(dir.path(), "leaf");
        let whole = put(dir.path(), "whole.pem", format!("{}{}", leaf.chain, authority.pem()));
        let own = Arc::new(pem::roots(&ca).expect("roots"));
        let other = put(dir.path(), "other.pem", Authority::new("Other").pem());
        let others = Arc::new(pem::roots(&other).expect("roots"));
        let read = |chain: &Path| Pair::read(chain, &key).expect("a pair");
        assert_eq!(read(&chain).trust(Arc::clone(&own)), Trust::Believed);
        assert_eq!(read(&chain).trust(Arc::clone(&others)), Trust::Missing("Root of tests".to_owned()));
        assert_eq!(read(&whole).trust(others), Trust::Private("Root of tests".to_owned()));
        assert!(Pair::read(&ca, &key).is_err());
    }

    #[test]
    fn names_cover_hosts() {
        let names = ["shop.test".to_owned(), "*.wild.test".to_owned()];
        for (host, covered) in [
            ("shop.test", true),
            ("a.wild.test", true),
            ("*.wild.test", true),
            ("wild.test", false),
            ("a.b.wild.test", false),
            ("other.test", false),
        ] {
            assert_eq!(covers(&names, host), covered, "{host}");
        }
    }
}
