//! What people are called where nobody may know who they are: keyed pseudonyms. One person has one, however their name is written.

use std::{borrow::Cow, fmt};

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};

use crate::{
    privacy::{Kind, canonical},
    seal::Ring,
};

/// A person, as 128 bits that lead back to nobody without the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(pub [u8; 16]);

impl Subject {
    /// As text: 22 characters of base64url.
    #[must_use]
    pub fn text(&self) -> String {
        BASE64.encode(self.0)
    }

    /// From its text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        BASE64.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// Types of values that records may name a person by.
const NAMES: [Kind; 6] = [Kind::Email, Kind::Phone, Kind::KrRrn, Kind::KrFrn, Kind::KrPassport, Kind::UsSsn];

/// What a person is named by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// A value of this type.
    Kind(Kind),
    /// The application's own id.
    Id,
}

impl Name {
    /// What a field, column or key of this name holds; or the type that is called so. Whatever is no telephone number or mail address by
    /// its name is the application's own id.
    #[must_use]
    pub fn of(field: &str) -> Self {
        if let Some(kind) = Kind::ALL.iter().find(|kind| kind.name() == field) {
            return Self::Kind(kind.clone());
        }
        let letters: String = field.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let has = |words: &[&str]| words.iter().any(|word| letters.contains(word));
        if has(&["mail", "이메일", "메일"]) {
            Self::Kind(Kind::Email)
        } else if has(&["phone", "mobile", "telno", "전화", "휴대"]) {
            Self::Kind(Kind::Phone)
        } else {
            Self::Id
        }
    }

    fn word(&self) -> &str {
        match self {
            Self::Kind(kind) => kind.name(),
            Self::Id => "id",
        }
    }

    /// The value in its one form; none where it names nobody.
    fn canonical<'v>(&self, value: &'v [u8]) -> Option<Cow<'v, [u8]>> {
        let value = value.trim_ascii();
        let canonical = match self {
            Self::Kind(kind) => canonical(kind, value),
            Self::Id => Cow::Borrowed(value),
        };
        (!canonical.is_empty()).then_some(canonical)
    }
}

/// Who names people.
pub struct Subjects {
    key: hmac::Key,
    fingerprint: u64,
}

impl fmt::Debug for Subjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subjects")
    }
}

impl Subjects {
    /// By the ring's oldest epoch, so that a new epoch changes nobody's name. Who takes the oldest out forgets everybody's.
    #[must_use]
    pub fn of(ring: &Ring) -> Self {
        let derived =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, ring.oldest().secret()), b"privet access subject 1");
        let key = hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref());
        let tag = hmac::sign(&key, b"fingerprint");
        let fingerprint = tag.as_ref()[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Self { key, fingerprint }
    }

    /// Everything that a person may be called by this value: nobody knows which it is, and a pseudonym of one type is none of another.
    #[must_use]
    pub fn all_of(&self, value: &[u8]) -> Vec<Subject> {
        let names = NAMES.into_iter().map(Name::Kind).chain([Name::Id]);
        names.filter_map(|name| self.name(&name, value)).collect()
    }

    /// The person of this name; none where the value is empty.
    #[must_use]
    pub fn name(&self, name: &Name, value: &[u8]) -> Option<Subject> {
        let canonical = name.canonical(value)?;
        let mut context = hmac::Context::with_key(&self.key);
        context.update(name.word().as_bytes());
        context.update(&[0]);
        context.update(&canonical);
        let tag = context.sign();
        Some(Subject(std::array::from_fn(|i| tag.as_ref()[i])))
    }

    /// What tells names by this key from names by another, and nothing of the key.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(text: &str) -> Ring {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("seal.key");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("set");
        Ring::load(&path).expect("a ring")
    }

    #[test]
    fn one_person_has_one_name() {
        let subjects = Subjects::of(&Ring::ephemeral().expect("random bytes"));
        let name = |field: &str, value: &str| subjects.name(&Name::of(field), value.as_bytes());
        assert_eq!(name("email", "Kim@Example.com "), name("EMAIL_ADDRESS", "kim@example.com"));
        assert_eq!(name("E-Mail", "kim@example.com"), name("이메일", "kim@example.com"));
        assert_eq!(name("phone", "+82 10-1234-5678"), name("휴대폰", "01012345678"));
        assert_eq!(name("customer_id", "42"), name("id", " 42"));
        assert_ne!(name("id", "42"), name("id", "43"));
        assert_ne!(name("id", "a@example.com"), name("email", "a@example.com"));
        assert_eq!((name("id", " "), name("phone", "none")), (None, None));
        let subject = name("id", "42").expect("a name");
        assert_eq!(Subject::parse(&subject.text()), Some(subject));
        assert_eq!(subject.text().len(), 22);
        assert!(Subject::parse("x").is_none() && Subject::parse(&"é".repeat(11)).is_none());
    }

    #[test]
    fn a_new_epoch_changes_no_name_and_another_ring_all() {
        let (a, b) = (format!("a {}=", "A".repeat(43)), format!("b {}=", "B".repeat(42) + "A"));
        let [before, after, other] = [ring(&a), ring(&format!("{a}\n{b}")), ring(&b)].map(|ring| Subjects::of(&ring));
        let name = |subjects: &Subjects| (subjects.name(&Name::Id, b"42"), subjects.fingerprint());
        assert_eq!(name(&before), name(&after));
        assert_ne!(name(&before).0, name(&other).0);
        assert_ne!(name(&before).1, name(&other).1);
    }
}
