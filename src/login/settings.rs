//! Which requests are attempts to sign in, how their outcome is told, and how many may fail. Validated values only.

use std::{collections::BTreeSet, fmt, path::PathBuf, time::Duration};

use regex::bytes::Regex;

pub use crate::common::limit::Limit;

/// Every login that is guarded, and what they share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// As written.
    pub logins: Vec<Login>,
    /// Most keys that are remembered, of all logins together.
    pub max_keys: usize,
    /// Whether nobody's forwarding headers are believed: then a single address of all attempts is worth a warning.
    pub nobody_is_trusted: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { logins: Vec::new(), max_keys: 200_000, nobody_is_trusted: true }
    }
}

/// One `[[login]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Host and path as written: the label of metrics and logs.
    pub name: String,
    /// The host, lower-case and without a port; any where absent. `*.example.com` is one label before the rest.
    pub host: Option<String>,
    /// Canonical path, without a slash at its end.
    pub path: String,
    /// Whether what lies below the path counts as well, as with Basic.
    pub below: bool,
    /// Logins of one realm have accounts, addresses and devices in common.
    pub realm: String,
    /// The methods of attempts; every one that can change something where empty.
    pub methods: BTreeSet<String>,
    /// Where the username stands.
    pub username: Username,
    /// Whether a body without the username's field is no attempt at all; otherwise it is refused.
    pub passes_without_username: bool,
    /// What the outcome is told by.
    pub outcome: Outcome,
    /// How many may fail.
    pub limits: Limits,
    /// Most bytes of a request body that are read for the username.
    pub body_limit: usize,
    /// Most consecutive failures of an account; NIST SP 800-63B allows no more than 100.
    pub max_consecutive: u8,
    /// Quiet time after which consecutive failures are forgotten.
    pub forget: Duration,
    /// For how long a success makes a device, or an address, familiar.
    pub remember: Duration,
    /// How long a refusal is held back; zero is not at all.
    pub tarpit: Duration,
    /// Whether passwords are looked up in a list of breached ones.
    pub breached: Option<Breached>,
    /// Canonical path of a page that shows a challenge, with which a stranger may have one more attempt.
    pub challenge: Option<String>,
}

/// Where passwords stand, and the list that they are looked up in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breached {
    /// Where the password stands.
    pub password: Place,
    /// A folder of range files, or a filter.
    pub list: PathBuf,
}

/// A place in a request's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A field of a form, or of the query.
    Form(String),
    /// A member of a JSON object: names from the outside in.
    Json(Vec<String>),
}

/// Where the username stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Username {
    /// A field of an urlencoded form; of the query where the method is GET.
    Form(String),
    /// A member of a JSON object: names from the outside in.
    Json(Vec<String>),
    /// `Authorization: Basic`.
    Basic,
    /// A header of the request.
    Header(http::HeaderName),
    /// A form or JSON, whichever comes, and a field of a well-known name.
    Guess,
}

/// What the outcome of an attempt is told by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// By what the configuration or a preset says.
    Told {
        /// Any of these is a failure.
        failure: Box<Criteria>,
        /// Without a failure, all of these together are a success; whatever has no failure where there are none.
        success: Box<Criteria>,
    },
    /// By what the answers are like.
    Learned,
}

/// Signs in an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Criteria {
    /// Its status is one of these.
    pub status: BTreeSet<u16>,
    /// Its `Location` matches.
    pub location: Option<Pattern>,
    /// Where it redirects to.
    pub redirect: Option<Redirect>,
    /// It sets a cookie of this name; a `*` at the end is any rest.
    pub cookie: Option<String>,
    /// It sets no cookie of this name.
    pub cookie_absent: Option<String>,
    /// The beginning of its body matches.
    pub body: Option<Pattern>,
}

impl Criteria {
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where an answer redirects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirect {
    /// To the path of the login itself.
    Back,
    /// To any other.
    Away,
}

/// A pattern over bytes.
#[derive(Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Most bytes that a compiled pattern may take.
    const LARGEST: usize = 1 << 20;

    /// Compiles a pattern.
    ///
    /// # Errors
    /// When it is none, or too large.
    pub fn parse(text: &str) -> Result<Self, regex::Error> {
        let mut pattern = regex::bytes::RegexBuilder::new(text);
        pattern.size_limit(Self::LARGEST).dfa_size_limit(Self::LARGEST).build().map(Self)
    }

    /// Whether it is somewhere in `bytes`.
    #[must_use]
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.0.is_match(bytes)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.as_str())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

/// How many may fail, by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of an account from an address, and of a familiar device.
    pub account_address: Limit,
    /// Of an account, from wherever.
    pub account: Limit,
    /// From an address, whoever they name.
    pub address: Limit,
    /// Of the login as a whole.
    pub route: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            account_address: Limit::new(5, 60),
            account: Limit::new(20, 3600),
            address: Limit::new(30, 60),
            route: Limit::new(600, 60),
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A login by a form with the field `email`, called and found under `name`.
    pub(crate) fn login(name: &str) -> Login {
        let (host, path) = name.split_at(name.find('/').unwrap_or(0));
        Login {
            name: name.to_owned(),
            host: Some(host.to_owned()),
            path: path.to_owned(),
            below: false,
            realm: host.to_owned(),
            methods: BTreeSet::new(),
            username: Username::Form("email".to_owned()),
            passes_without_username: false,
            outcome: crate::login::preset::Preset::FormRedirect.outcome(),
            limits: Limits::default(),
            body_limit: 64 << 10,
            max_consecutive: 100,
            forget: Duration::from_secs(86_400),
            remember: Duration::from_secs(90 * 86_400),
            tarpit: Duration::ZERO,
            breached: None,
            challenge: None,
        }
    }
}
