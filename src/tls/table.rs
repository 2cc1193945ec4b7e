//! The certificates in use, as people ask for them.

use std::path::PathBuf;

/// One certificate in use, or one that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its DNS names; those that are ordered, where it has not come yet.
    pub names: Vec<String>,
    /// Who has signed it; `None` where it has not come yet.
    pub issuer: Option<String>,
    /// `notBefore` and `notAfter` in seconds since the epoch; `None` where it has not come yet.
    pub validity: Option<(i64, i64)>,
    /// Where it comes from.
    pub source: Source,
    /// When it is renewed, or ordered again, where Privet does that; seconds since the epoch.
    pub next: Option<i64>,
    /// Why the last order has failed, where it has; to be scrubbed before it is shown.
    pub trouble: Option<String>,
}

/// Where a certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file that the configuration names.
    File(PathBuf),
    /// An authority, by the URL of its ACME directory.
    Acme(String),
    /// The development authority.
    Development(PathBuf),
}
