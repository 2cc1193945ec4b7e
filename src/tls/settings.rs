//! Certificates and TLS policy. Validated values only; `config` fills them.

use std::path::PathBuf;

/// TLS towards clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which versions and suites.
    pub profile: Profile,
    /// Chains and keys; empty makes a development CA and leaf in `development_dir`.
    pub certificates: Vec<Certificate>,
    /// Folder of the development CA (`certs`).
    pub development_dir: PathBuf,
    /// Client certificates.
    pub client: Client,
}

/// Mozilla's server side TLS profiles, <https://wiki.mozilla.org/Security/Server_Side_TLS>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// TLS 1.3 only.
    Modern,
    /// TLS 1.2 and 1.3.
    Intermediate,
}

/// A chain and its key, both PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Leaf first.
    pub chain: PathBuf,
    /// PKCS#1, PKCS#8 or SEC1.
    pub key: PathBuf,
}

/// Client certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Client {
    /// Not asked for.
    Off,
    /// Asked for; a connection without one goes on, with an invalid one ends.
    Request(Trust),
    /// Asked for and needed.
    Require(Trust),
}

/// Who signs client certificates, and which are revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// PEM bundle of authorities.
    pub ca: PathBuf,
    /// PEM or DER revocation list.
    pub crl: Option<PathBuf>,
}
