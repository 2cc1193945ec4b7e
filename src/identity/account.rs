//! One account of the staff file.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{passkey::credential::Passkey, settings};

/// Why a name or a role is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A name.
    #[error("a name has 1 to 64 ASCII letters, digits and `.`, `_`, `-`, `@`, `+`, and starts with a letter or digit")]
    Name,
    /// A role.
    #[error("a role has 1 to 64 small ASCII letters, digits and `.`, `_`, `-`, `:`, and starts with a letter")]
    Role,
}

/// An account. What is secret in it is shown by no format.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The name that signs in; small letters.
    pub id: String,
    /// What people call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Argon2id, as a PHC string.
    pub password: String,
    /// The secret of one-time codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<Vec<u8>>,
    /// The step of the last one-time code that was used.
    #[serde(default)]
    pub step: u64,
    /// Hashes of the recovery codes that were not used yet.
    #[serde(default)]
    pub recovery: Vec<String>,
    /// Their passkeys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passkeys: Vec<Passkey>,
    /// What they are.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Seconds since 1970.
    pub created: u64,
    /// Whether they may not sign in.
    #[serde(default)]
    pub disabled: bool,
    /// A random number, another one after every change of what they prove themselves by: it ends their sessions.
    pub credential: u64,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("roles", &self.roles).field("disabled", &self.disabled).finish_non_exhaustive()
    }
}

impl Account {
    /// A new one, which may sign in by `password` (a PHC string).
    #[must_use]
    pub fn new(id: String, password: String, roles: Vec<String>, now: SystemTime) -> Self {
        Self {
            id,
            name: None,
            password,
            totp: None,
            step: 0,
            recovery: Vec::new(),
            passkeys: Vec::new(),
            roles,
            created: now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            disabled: false,
            credential: credential(),
        }
    }

    /// Sets another password; sessions end.
    pub fn set_password(&mut self, phc: String) {
        self.password = phc;
        self.end_sessions();
    }

    /// Ends their sessions.
    pub fn end_sessions(&mut self) {
        self.credential = credential();
    }

    /// Removes the passkey that `tag` tells, or all of them; sessions end. Whether there was one.
    pub fn remove_passkeys(&mut self, tag: Option<&str>) -> bool {
        let before = self.passkeys.len();
        self.passkeys.retain(|passkey| tag.is_some_and(|tag| passkey.tag() != tag));
        let removed = self.passkeys.len() < before;
        if removed {
            self.end_sessions();
        }
        removed
    }

    /// Lets them sign in, or no more; sessions end.
    pub fn set_disabled(&mut self, disabled: bool) {
        self.disabled = disabled;
        self.end_sessions();
    }
}

/// Only told apart from others, so that it need not be hard to guess.
fn credential() -> u64 {
    fastrand::u64(..)
}

/// A name in the form that accounts are kept under.
///
/// # Errors
/// When it is none.
pub fn id(text: &str) -> Result<String, Invalid> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._-@+".contains(&b);
    let text = text.trim();
    let starts = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    let right = starts && text.len() <= 64 && text.bytes().all(legal);
    right.then(|| text.to_ascii_lowercase()).ok_or(Invalid::Name)
}

/// A role as it is written.
///
/// # Errors
/// When it is none.
pub fn role(text: &str) -> Result<String, Invalid> {
    settings::role(text).ok_or(Invalid::Role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_roles_are_safe_in_a_header() {
        assert_eq!(id(" Min-Jun.Kim@example.com "), Ok("min-jun.kim@example.com".to_owned()));
        for bad in ["", "-a", "a b", "김민준", "a\r\nb", "a,b", &"a".repeat(65)] {
            assert_eq!(id(bad), Err(Invalid::Name), "{bad}");
        }
        assert!(role("privacy_officer").is_ok());
        for bad in ["", "Admin", "a,b", "1a", "a b"] {
            assert_eq!(role(bad), Err(Invalid::Role), "{bad}");
        }
    }

    #[test]
    fn nothing_of_an_account_is_shown() {
        let account = Account::new("alice".into(), "$argon2id$secret".into(), vec!["clerk".into()], UNIX_EPOCH);
        let shown = format!("{account:?}");
        assert!(!shown.contains("alice") && !shown.contains("secret"), "{shown}");
    }
}
