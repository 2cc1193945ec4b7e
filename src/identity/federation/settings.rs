//! What a realm accepts besides its password file. Validated values only; `config` fills them.

use std::path::PathBuf;

pub use jsonwebtoken::Algorithm;

use crate::{common::secret::Secret, dial::address::Address};

/// The federated methods of one realm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Sign-in at an `OpenID` Connect provider.
    pub oidc: Option<Oidc>,
    /// Bearer tokens of an issuer.
    pub jwt: Option<Jwt>,
    /// Client certificates that the TLS handshake has verified.
    pub certificate: Option<Certificate>,
    /// HTTP Basic with accounts of the staff file, for machines.
    pub basic: bool,
}

/// An `OpenID` Connect provider, and what we are to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// Who issues, and where it is discovered.
    pub issuer: Issuer,
    /// Our name at the provider.
    pub client_id: String,
    /// What we prove ourselves with at the token endpoint; a public client has none.
    pub client_secret: Option<Secret>,
    /// Scopes asked for; `openid` is always among them.
    pub scopes: Vec<String>,
    /// The claim that names a person.
    pub subject_claim: String,
    /// From claims to roles.
    pub roles: Roles,
}

/// Bearer tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwt {
    /// Who issues.
    pub issuer: Issuer,
    /// Names of ours, of which a token must carry one in `aud`. Never empty.
    pub audience: Vec<String>,
    /// Where the keys are; `None` asks discovery.
    pub jwks: Option<Address>,
    /// The claim that names who asks.
    pub subject_claim: String,
    /// From claims to roles.
    pub roles: Roles,
}

/// Who signs tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// `iss`, to the letter.
    pub name: String,
    /// The same as a place.
    pub address: Address,
    /// Algorithms believed; only such with a public key.
    pub algorithms: Vec<Algorithm>,
    /// PEM bundle of the only authorities believed for the issuer's servers; `None` takes the system's.
    pub ca: Option<PathBuf>,
}

/// From groups, as somebody else calls them, to our roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// A claim's name, or a JSON pointer into the claims where it begins with `/`.
    pub claim: String,
    /// A group, and a role that it gives; a group may be here several times.
    pub map: Vec<(String, String)>,
    /// Whether a group that is not in `map` is a role under its own name; else it is nothing.
    pub pass: bool,
}

/// Which name of a certificate says who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Kind of name.
    pub subject: Name,
    /// For [`Name::Uri`]: only SPIFFE ids of this trust domain, e.g. `example.org`.
    pub trust_domain: Option<String>,
    /// A subject, or its beginning and `*`, and a role that it gives.
    pub roles: Vec<(String, String)>,
}

/// A name in a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// A URI of the subject alternative names, such as a SPIFFE id.
    Uri,
    /// A DNS name of the subject alternative names.
    Dns,
    /// An e-mail address of the subject alternative names.
    Email,
    /// The common name of the subject.
    CommonName,
}

/// Names of [`Name`] in a configuration.
pub const NAMES: [(&str, Name); 4] =
    [("san_uri", Name::Uri), ("san_dns", Name::Dns), ("san_email", Name::Email), ("cn", Name::CommonName)];

/// Algorithms with a public key, which alone can be believed of somebody else's token.
pub const ALGORITHMS: [(&str, Algorithm); 9] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];
