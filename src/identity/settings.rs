//! Validated settings of realms, and of what a route asks of one.

use std::{path::PathBuf, time::Duration};

use super::federation::settings as federation;
use crate::registry::Role;

/// The realm that is there without being written down.
pub const DEFAULT_REALM: &str = "staff";

/// All realms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// At least the default one, where a configuration was read.
    pub realms: Vec<Realm>,
}

/// One realm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realm {
    /// What `gate` names; letters, digits, `-`.
    pub name: String,
    /// The sealed file of accounts.
    pub staff_file: PathBuf,
    /// Keys that seal it, and that everything else of the realm is derived from.
    pub key_file: PathBuf,
    /// Whether a second factor is asked for.
    pub second_factor: SecondFactor,
    /// Passkeys that people may add, and that count; `None` where they don't.
    pub passkeys: Option<Passkeys>,
    /// Longest silence of a session.
    pub session_idle: Duration,
    /// Longest life of a session.
    pub session_absolute: Duration,
    /// Words that no password may be made of, a line each, besides the built-in ones.
    pub blocklist: Option<PathBuf>,
    /// What is accepted besides the accounts of the staff file.
    pub federation: federation::Settings,
}

impl Realm {
    /// A realm with the defaults, whose accounts are in `staff_file`.
    #[must_use]
    pub fn new(name: &str, staff_file: PathBuf, key_file: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            staff_file,
            key_file,
            second_factor: SecondFactor::Optional,
            passkeys: None,
            session_idle: Duration::from_secs(30 * 60),
            session_absolute: Duration::from_secs(12 * 60 * 60),
            blocklist: None,
            federation: federation::Settings::default(),
        }
    }
}

/// For which hosts passkeys are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passkeys {
    /// For this domain and all hosts below it; without one each is for the host where it was added.
    pub domain: Option<String>,
}

/// When a one-time code is asked for after the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactor {
    /// Never at sign-in; a route may still ask for it.
    Off,
    /// Of those who have one.
    Optional,
    /// Of everybody: who has none can't sign in.
    Required,
}

/// What a route asks of whoever passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// The realm.
    pub realm: String,
    /// Roles of which one is needed; empty asks for none.
    pub roles: Vec<String>,
    /// Whether a second factor must have been given.
    pub second_factor: bool,
    /// Longest time since the last proof.
    pub max_age: Option<Duration>,
    /// Whether the application gets a signed token besides the plain headers.
    pub token: bool,
}

impl Gate {
    /// A gate that asks for no more than a sign-in at `realm`.
    #[must_use]
    pub fn new(realm: &str) -> Self {
        Self { realm: realm.to_owned(), roles: Vec::new(), second_factor: false, max_age: None, token: false }
    }
}

/// A role as it is written: 1 to 64 small ASCII letters, digits and `.`, `_`, `-`, `:`, a letter first; `None` for all else.
#[must_use]
pub fn role(text: &str) -> Option<String> {
    Role::new(text).map(|role| role.as_str().to_owned())
}
