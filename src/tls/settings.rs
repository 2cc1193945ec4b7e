//! Certificates and TLS policy. Validated values only; `config` fills them.

use std::{path::PathBuf, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{common::secret::Secret, dial::address::Address};

/// TLS towards clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which versions and suites.
    pub profile: Profile,
    /// Chains and keys; where `acme` is empty too, a development CA and leaf are made in `development_dir`.
    pub certificates: Vec<Certificate>,
    /// Certificates that are ordered from authorities. No domain is in two of them.
    pub acme: Vec<Acme>,
    /// Folder of what is ordered, and of accounts (`DATA/acme`).
    pub acme_dir: PathBuf,
    /// Folder of the development CA (`certs`).
    pub development_dir: PathBuf,
    /// Client certificates.
    pub client: Client,
}

impl Settings {
    /// Whether there is nothing but a certificate of the development CA.
    #[must_use]
    pub fn is_development(&self) -> bool {
        self.certificates.is_empty() && self.acme.is_empty()
    }
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

/// Let's Encrypt, which is asked where nobody else is named.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// One certificate to be ordered by ACME (RFC 8555), and whom to ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acme {
    /// DNS names in lower case, ASCII, no wildcards; at least one, none twice. The first names the file.
    pub domains: Vec<String>,
    /// The authority's directory.
    pub directory: Address,
    /// Mail addresses that the authority may write to.
    pub contact: Vec<String>,
    /// How a domain is shown to be ours.
    pub challenge: Challenge,
    /// PEM bundle of the only authorities believed for the directory's server; `None` takes the system's.
    pub ca: Option<PathBuf>,
    /// What binds our account to one that the authority knows already.
    pub external_account: Option<ExternalAccount>,
    /// How long before its end a certificate is renewed, where the authority has no opinion.
    pub renew_before: Option<Duration>,
    /// A kind of certificate that the authority offers by this name.
    pub profile: Option<String>,
}

/// How a domain is shown to be ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// A handshake at port 443 of the domain (RFC 8737).
    TlsAlpn01,
    /// A file at port 80 of the domain (RFC 8555, section 8.3).
    Http01,
}

impl Challenge {
    /// As configurations and authorities call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TlsAlpn01 => "tls-alpn-01",
            Self::Http01 => "http-01",
        }
    }
}

/// External account binding (RFC 8555, section 7.3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalAccount {
    /// Our name at the authority.
    pub key_id: String,
    key: Secret,
}

impl ExternalAccount {
    /// With a key as authorities hand it out: base64, of either alphabet, padded or not. `None` where it is not.
    #[must_use]
    pub fn new(key_id: String, key: &str) -> Option<Self> {
        let plain = key.trim().trim_end_matches('=').replace('+', "-").replace('/', "_");
        let whole = BASE64_URL_SAFE_NO_PAD.decode(&plain).is_ok_and(|bytes| !bytes.is_empty());
        whole.then(|| Self { key_id, key: Secret::new(plain) })
    }

    /// The key itself.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        BASE64_URL_SAFE_NO_PAD.decode(self.key.expose()).unwrap_or_default()
    }
}
