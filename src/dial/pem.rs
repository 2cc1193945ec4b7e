//! PEM files: chains, keys, authorities. Errors name the file and what to do, and never hold its
//! content: a key file with its lines joined would otherwise be printed by the parser's own error.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustls::{
    InconsistentKeys, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Missing, or not ours to read.
    #[error("cannot read {file}")]
    Read {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Half-written, or not PEM.
    #[error("{file} is not well-formed PEM: {problem}")]
    Syntax {
        /// Which.
        file: PathBuf,
        /// A fixed text, for the content may be secret.
        problem: &'static str,
    },
    /// Nothing between `BEGIN CERTIFICATE` and `END CERTIFICATE`.
    #[error("{file} holds no certificate; it must hold PEM, the leaf first")]
    NoCertificate {
        /// Which.
        file: PathBuf,
    },
    /// A block that says CERTIFICATE and is none.
    #[error("{file} holds a certificate that cannot be parsed")]
    Certificate {
        /// Which.
        file: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// No PKCS#8, PKCS#1 or SEC1 block.
    #[error("{file} holds no private key; it must hold PEM: PKCS#8, PKCS#1 or SEC1")]
    NoKey {
        /// Which.
        file: PathBuf,
    },
    /// A passphrase is needed.
    #[error("{file} is encrypted, which is not supported; decrypt it with `openssl pkey -in FILE -out NEW`")]
    EncryptedKey {
        /// Which.
        file: PathBuf,
    },
    /// Not RSA, ECDSA or Ed25519, or damaged.
    #[error("{file} holds a private key of an unsupported kind, or a damaged one")]
    Key {
        /// Which.
        file: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// Two files that do not belong together.
    #[error("the key {key} does not belong to the first certificate in {chain}")]
    Mismatch {
        /// Certificates.
        chain: PathBuf,
        /// Key.
        key: PathBuf,
    },
    /// The right certificates in the wrong order.
    #[error("{chain} must begin with the certificate of the key {key}; it is there, but not first")]
    Order {
        /// Certificates.
        chain: PathBuf,
        /// Key.
        key: PathBuf,
    },
}

/// All certificates of a file, at least one.
///
/// # Errors
/// The file cannot be read, is not PEM, or holds none.
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = read(file)?;
    let found =
        CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>().map_err(|error| syntax(file, &error))?;
    if found.is_empty() {
        return Err(Error::NoCertificate { file: file.into() });
    }
    Ok(found)
}

/// The first private key of a file.
///
/// # Errors
/// The file cannot be read, is not PEM, is encrypted, or holds none.
pub fn private_key(file: &Path) -> Result<Zeroizing<PrivateKeyDer<'static>>, Error> {
    let bytes = Zeroizing::new(read(file)?);
    let encrypted = ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"]
        .iter()
        .any(|mark| memchr::memmem::find(&bytes, mark.as_bytes()).is_some());
    match PrivateKeyDer::from_pem_slice(&bytes) {
        Ok(key) => Ok(Zeroizing::new(key)),
        Err(_) if encrypted => Err(Error::EncryptedKey { file: file.into() }),
        Err(pem::Error::NoItemsFound) => Err(Error::NoKey { file: file.into() }),
        Err(error) => Err(syntax(file, &error)),
    }
}

/// A chain and its key, checked to belong together.
///
/// # Errors
/// As [`certificates`] and [`private_key`], and where the two do not match.
pub fn certified_key(chain: &Path, key: &Path) -> Result<CertifiedKey, Error> {
    let certificates = certificates(chain)?;
    let signer = aws_lc_rs::sign::any_supported_type(&*private_key(key)?)
        .map_err(|source| Error::Key { file: key.into(), source })?;
    let pair = CertifiedKey::new(certificates, signer);
    match pair.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
        Err(rustls::Error::InconsistentKeys(_)) => {
            let elsewhere = pair
                .cert
                .iter()
                .skip(1)
                .any(|other| CertifiedKey::new(vec![other.clone()], pair.key.clone()).keys_match().is_ok());
            let (chain, key) = (chain.to_path_buf(), key.to_path_buf());
            Err(if elsewhere { Error::Order { chain, key } } else { Error::Mismatch { chain, key } })
        }
        Err(source) => Err(Error::Certificate { file: chain.into(), source }),
    }
}

/// The authorities of a bundle.
///
/// # Errors
/// As [`certificates`], and where one of them cannot be a trust anchor.
pub fn roots(file: &Path) -> Result<RootCertStore, Error> {
    anchors(file, certificates(file)?)
}

/// Certificates, read from `file`, as authorities.
///
/// # Errors
/// One of them cannot be a trust anchor.
pub fn anchors(file: &Path, certificates: Vec<CertificateDer<'static>>) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store.add(certificate).map_err(|source| Error::Certificate { file: file.into(), source })?;
    }
    Ok(store)
}

/// The bytes of a file.
///
/// # Errors
/// [`Error::Read`].
pub fn read(file: &Path) -> Result<Vec<u8>, Error> {
    fs::read(file).map_err(|source| Error::Read { file: file.into(), source })
}

/// The parser's error without the content that it quotes.
#[must_use]
pub fn syntax(file: &Path, error: &pem::Error) -> Error {
    Error::Syntax {
        file: file.into(),
        problem: match error {
            pem::Error::MissingSectionEnd { .. } => "an END line is missing",
            pem::Error::IllegalSectionStart { .. } => "a BEGIN line is damaged",
            pem::Error::Base64Decode(_) => "its base64 is damaged",
            pem::Error::SectionTooLarge => "a block is too large",
            _ => "it cannot be parsed",
        },
    }
}

#[cfg(test)]
mod tests;
