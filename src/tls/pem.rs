//! Reads chains, keys and revocation lists.

use std::path::Path;

use rustls::{
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, CertificateRevocationListDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    sign::CertifiedKey,
};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::error::Error;

/// A pair that can be served, and what its leaf says.
#[derive(Debug)]
pub struct Pair {
    /// Chain and key.
    pub certified: CertifiedKey,
    /// DNS names and addresses of the leaf, lower case, wildcards as they stand.
    pub names: Vec<String>,
    /// End of the leaf's validity, seconds since 1970.
    pub expires: i64,
}

/// Reads a file whole.
///
/// # Errors
/// When it can't be read.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), action: "can't be read", source })
}

/// Reads a chain and its key, and checks that they belong together.
///
/// # Errors
/// When they can't be served.
pub fn pair(chain_path: &Path, key_path: &Path, provider: &CryptoProvider) -> Result<Pair, Error> {
    let chain = certificates(chain_path)?;
    let key = key(key_path)?;
    let signing = provider
        .key_provider
        .load_private_key(key)
        .map_err(|source| Error::Key { path: key_path.to_owned(), source })?;
    let (names, expires) = leaf(&chain[0], chain_path)?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(_) => return Err(Error::Mismatch { chain: chain_path.to_owned(), key: key_path.to_owned() }),
    }
    Ok(Pair { certified, names, expires })
}

/// Reads at least one certificate.
///
/// # Errors
/// When there is none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let failed = |source| Error::Pem { path: path.to_owned(), wanted: "certificate", source };
    let found = CertificateDer::pem_slice_iter(&read(path)?).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if found.is_empty() {
        return Err(failed(pem::Error::NoItemsFound));
    }
    for (i, certificate) in found.iter().enumerate() {
        if X509Certificate::from_der(certificate).is_err() {
            return Err(Error::Certificate { path: path.to_owned(), number: i + 1 });
        }
    }
    Ok(found)
}

/// Reads a revocation list, PEM or DER.
///
/// # Errors
/// When there is none.
pub fn revocations(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    let bytes = read(path)?;
    if !bytes.trim_ascii_start().starts_with(b"-----") {
        return Ok(vec![CertificateRevocationListDer::from(bytes)]);
    }
    CertificateRevocationListDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>().map_err(|source| Error::Pem {
        path: path.to_owned(),
        wanted: "revocation list",
        source,
    })
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let bytes = read(path)?;
    let marks = ["ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED"];
    if marks.iter().any(|mark| memchr::memmem::find(&bytes, mark.as_bytes()).is_some()) {
        return Err(Error::EncryptedKey(path.to_owned()));
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|source| Error::Pem {
        path: path.to_owned(),
        wanted: "private key",
        source,
    })
}

/// Names and end of validity of a leaf. The common name counts only where there is no alternative name (RFC 6125).
fn leaf(certificate: &CertificateDer<'_>, path: &Path) -> Result<(Vec<String>, i64), Error> {
    let malformed = || Error::Certificate { path: path.to_owned(), number: 1 };
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| malformed())?;
    let mut names = Vec::new();
    if let Ok(Some(extension)) = parsed.subject_alternative_name() {
        for name in &extension.value.general_names {
            match name {
                GeneralName::DNSName(dns) => names.push(dns.to_ascii_lowercase()),
                GeneralName::IPAddress(bytes) => names.extend(address(bytes)),
                _ => {}
            }
        }
    } else {
        names
            .extend(parsed.subject().iter_common_name().filter_map(|cn| cn.as_str().ok()).map(str::to_ascii_lowercase));
    }
    Ok((names, parsed.validity().not_after.timestamp()))
}

fn address(bytes: &[u8]) -> Option<String> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(|b| std::net::Ipv4Addr::from(b).to_string()),
        16 => <[u8; 16]>::try_from(bytes).ok().map(|b| std::net::Ipv6Addr::from(b).to_string()),
        _ => None,
    }
}
