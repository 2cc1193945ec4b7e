//! The private listeners. Validated values only; `config` fills them.

use std::{fmt, net::SocketAddr};

use aws_lc_rs::{constant_time, digest};
use http::{HeaderMap, header};

use crate::identity::federation::settings::Name;

/// Where they are, and who is served there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Health and metrics, without TLS; `None` is off.
    pub listen: Option<SocketAddr>,
    /// Whether metrics are told there, where nobody signs in.
    pub open_metrics: bool,
    /// The console, SCIM and the API, with TLS; `None` is off.
    pub console: Option<SocketAddr>,
    /// Programs that may use the API.
    pub clients: Vec<Client>,
    /// Who may say by SCIM which people there are.
    pub directories: Vec<Directory>,
    /// Roles that see what operating the gateway needs in the console, and nobody's records.
    pub operators: Vec<String>,
}

/// An identity provider's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// What it is called in records: small letters, digits, `-`.
    pub name: String,
    /// Whose people it speaks of, as their tokens have it.
    pub issuer: String,
    /// What of a SCIM resource is the name that the issuer's tokens have.
    pub subject: Attribute,
    /// What it proves itself by: one, or two while they are changed.
    pub tokens: Vec<Token>,
}

/// A name of somebody in SCIM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// What the directory itself knows them by.
    ExternalId,
    /// What they sign in as.
    UserName,
}

/// A program that may use the API: it has a token, or a client certificate, or either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// What it is called in records: small letters, digits, `-`.
    pub name: String,
    /// What it proves itself by: one, or two while they are changed.
    pub tokens: Vec<Token>,
    /// The name in its certificate, and of which kind that is.
    pub certificate: Option<(Name, String)>,
    /// What it may do.
    pub may: May,
}

/// What a program may do by the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// Look.
    Read,
    /// Look, and change what operating the gateway needs.
    Operate,
}

/// The one bearer token of a request; nothing where there is another proof, or several.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = value.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// The hash of a bearer token: whoever reads our memory can't speak for the provider.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    /// Of this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(hash(text.as_bytes()))
    }

    /// Whether it is the one; how long that takes tells nothing of it.
    #[must_use]
    pub fn is(&self, presented: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &hash(presented)).is_ok()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

fn hash(text: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, text).as_ref());
    hash
}
