//! What Privet wants to know of a certificate.

use std::{sync::Arc, time::SystemTime};

use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

/// Facts of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    /// DNS names in lower case, wildcards as `*.example.com`. Where there is no SAN extension at
    /// all, the common name: browsers no longer look at it, old private clients do.
    pub(super) names: Vec<String>,
    /// Who has signed it: common name, or organisation, or the whole of it.
    pub(super) issuer: String,
    /// `notBefore`, seconds since the epoch.
    pub(super) since: i64,
    /// `notAfter`, seconds since the epoch.
    pub(super) until: i64,
    /// Whether it may sign others.
    pub(super) is_authority: bool,
}

impl Certificate {
    /// `None` where it cannot be parsed.
    pub(super) fn parse(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        Some(Self {
            names: names(&parsed),
            issuer: issuer(&parsed),
            since: parsed.validity().not_before.timestamp(),
            until: parsed.validity().not_after.timestamp(),
            is_authority: parsed.is_ca(),
        })
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    };
    match certificate.subject_alternative_name() {
        Ok(Some(san)) => {
            for name in &san.value.general_names {
                if let GeneralName::DNSName(name) = name {
                    add(name);
                }
            }
        }
        Ok(None) => {
            let common = certificate.subject().iter_common_name();
            common.filter_map(|name| name.as_str().ok()).for_each(add);
        }
        // Twice the extension: no client takes it.
        Err(_) => {}
    }
    names
}

fn issuer(certificate: &X509Certificate<'_>) -> String {
    let issuer = certificate.issuer();
    let name = issuer.iter_common_name().chain(issuer.iter_organization()).find_map(|name| name.as_str().ok());
    name.map_or_else(|| issuer.to_string(), str::to_owned)
}

/// Whether clients that believe the authority would take the leaf for every one of the names.
pub(super) fn verifies(
    leaf: &CertificateDer<'_>,
    authority: &CertificateDer<'static>,
    names: &[String],
    now: SystemTime,
) -> bool {
    let mut roots = RootCertStore::empty();
    let Ok(now) = now.duration_since(SystemTime::UNIX_EPOCH) else {
        return false;
    };
    if roots.add(authority.clone()).is_err() {
        return false;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build() else {
        return false;
    };
    let now = UnixTime::since_unix_epoch(now);
    names.iter().all(|name| {
        ServerName::try_from(name.as_str())
            .is_ok_and(|name| verifier.verify_server_cert(leaf, &[], &name, &[], now).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::dial::{
        pem,
        testing::{Authority, openssl, put},
    };

    #[test]
    fn the_common_name_counts_only_without_alternative_names() {
        let dir = TempDir::new().unwrap();
        let at = dir.path();
        openssl(at, "ecparam -name prime256v1 -genkey -noout -out k.key");
        let parse = |arguments: &str| {
            let common = "req -x509 -new -key k.key -subj /CN=Common.Test -days 2 -out k.pem";
            openssl(at, &format!("{common}{arguments}"));
            let chain = pem::certificates(&at.join("k.pem")).unwrap();
            Certificate::parse(&chain[0]).unwrap().names
        };
        assert_eq!(parse(""), ["common.test"]);
        assert_eq!(
            parse(" -addext subjectAltName=DNS:A.test,DNS:*.b.test,DNS:a.test,IP:127.0.0.1"),
            ["a.test", "*.b.test"]
        );
        assert!(parse(" -addext subjectAltName=IP:127.0.0.1").is_empty());
    }

    #[test]
    fn a_leaf_verifies_for_its_names_under_its_authority_in_its_time() {
        let dir = TempDir::new().unwrap();
        let der = |name: &str, pem: String| {
            let file = put(dir.path(), name, pem);
            pem::certificates(&file).unwrap().remove(0)
        };
        let authority = Authority::new("CA");
        let root = der("ca.pem", authority.pem());
        let other = der("other.pem", Authority::new("Other").pem());
        let leaf = der("leaf.pem", authority.leaf(&["a.test", "127.0.0.1"], 1).chain);
        let (now, names) = (SystemTime::now(), |list: [&str; 2]| list.map(str::to_owned));
        assert!(verifies(&leaf, &root, &names(["a.test", "127.0.0.1"]), now));
        assert!(!verifies(&leaf, &root, &names(["a.test", "b.test"]), now));
        assert!(!verifies(&leaf, &other, &names(["a.test", "127.0.0.1"]), now));
        let late = now + std::time::Duration::from_secs(400 * 86_400);
        assert!(!verifies(&leaf, &root, &names(["a.test", "127.0.0.1"]), late));
        assert!(!verifies(&leaf, &root, &names(["a.test", "127.0.0.1"]), SystemTime::UNIX_EPOCH));
    }
}
