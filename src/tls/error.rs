//! What can be wrong with certificates, said so that an operator can mend it. Never any key material.

use std::{io, path::PathBuf};

use rustls::pki_types::pem;

/// What is wrong with a file or a pair of them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file can't be read or written.
    #[error("{path}: {action}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// A file is not PEM, or holds nothing of the kind.
    #[error("{path}: no {wanted} in this file (PEM wanted): {source}")]
    Pem {
        /// Which.
        path: PathBuf,
        /// What was looked for.
        wanted: &'static str,
        /// Why it failed.
        source: pem::Error,
    },
    /// A key that needs a passphrase.
    #[error(
        "{0}: the key is encrypted; decrypt it first (`openssl pkey -in KEY -out PLAIN`) and protect the file by its mode"
    )]
    EncryptedKey(PathBuf),
    /// Chain and key are not a pair.
    #[error("{key}: this key does not belong to the certificate in {chain}; name the files of one pair")]
    Mismatch {
        /// The chain.
        chain: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// A key of a kind that is not served.
    #[error("{path}: this key can't be used (RSA from 2048 bits, P-256, P-384, P-521 and Ed25519 can): {source}")]
    Key {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// A certificate that can't be read.
    #[error("{path}: certificate number {number} in this file is malformed")]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// Which of its certificates, from 1.
        number: usize,
    },
    /// The bundle or revocation list for client certificates is refused.
    #[error("{path}: client certificates can't be checked with this: {source}")]
    ClientTrust {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rustls::server::VerifierBuilderError,
    },
    /// The TLS library refuses the policy.
    #[error("the TLS configuration is refused: {0}")]
    Policy(#[from] rustls::Error),
    /// The development CA is damaged.
    #[error(
        "{path}: the development CA is damaged ({source}); delete {path} and its key to make a new one, and trust that instead"
    )]
    DevelopmentCa {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rcgen::Error,
    },
    /// A development certificate can't be made.
    #[error("a development certificate can't be made: {0}")]
    Generate(#[from] rcgen::Error),
}
