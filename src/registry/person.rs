//! Who somebody is, and what they can be.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// The role of privacy officers, who say what others may.
pub const OFFICER: &str = "privacy-officer";
/// The role of those whose job description asks for it; which job is named in the grant.
pub const DUTY: &str = "duty";

/// Somebody, as an issuer names them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PersonId {
    /// Who vouches: a realm's name for accounts of its staff file, or a provider's URL.
    pub issuer: String,
    /// Their name there.
    pub subject: String,
}

impl PersonId {
    /// Whom `issuer` calls `subject`.
    #[must_use]
    pub fn new(issuer: &str, subject: &str) -> Self {
        Self { issuer: issuer.to_owned(), subject: subject.to_owned() }
    }
}

impl fmt::Debug for PersonId {
    /// Without the name: it is personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonId")
    }
}

/// What somebody is: 1 to 64 small ASCII letters, digits and `.`, `_`, `-`, `:`, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Role(String);

impl Role {
    /// A role of this name; `None` where it is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-:".contains(&b);
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        (starts && text.len() <= 64 && text.bytes().all(legal)).then(|| Self(text.to_owned()))
    }

    /// That of privacy officers.
    #[must_use]
    pub fn officer() -> Self {
        Self(OFFICER.to_owned())
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("no role"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_safe_in_a_header_and_names_are_not_shown() {
        assert!([OFFICER, DUTY, "marketing", "own:desk_2"].iter().all(|role| Role::new(role).is_some()));
        assert!(["", "Admin", "a,b", "1a", "a b", &"a".repeat(65)].iter().all(|role| Role::new(role).is_none()));
        assert!(serde_json::from_str::<Role>("\"a b\"").is_err());
        assert!(!format!("{:?}", PersonId::new("staff", "alice")).contains("alice"));
    }
}
