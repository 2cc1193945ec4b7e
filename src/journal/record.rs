//! What is written down: a kind from a closed list, and what there is to say of it, as a flat object.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::kind::{Class, Kind};
use crate::common::clock;

/// Most bytes of a record's text.
pub const LONGEST: usize = 256 << 10;
/// Texts are filled up with blanks to a multiple of this, so that their lengths tell less.
const GRAIN: usize = 64;
/// What tells one event from another where both are objects.
const TAG: &str = "kind";

/// One thing to be written down.
#[derive(Clone, PartialEq)]
pub struct Record {
    kind: Kind,
    body: Map<String, Value>,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({}, {} fields)", self.kind.name(), self.body.len())
    }
}

impl Record {
    /// A record of `kind`. What is `null` is left out.
    #[must_use]
    pub fn new<const N: usize>(kind: Kind, fields: [(&str, Value); N]) -> Self {
        Self::of(kind, fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// A record of `kind` with these fields. What is `null` is left out.
    #[must_use]
    pub fn of(kind: Kind, mut body: Map<String, Value>) -> Self {
        body.retain(|_, value| !value.is_null());
        Self { kind, body }
    }

    /// A record of an event, whose fields are its own, and whose tag is its kind; `None` where it can't be one.
    #[must_use]
    pub fn of_event(kind: Kind, event: &impl Serialize) -> Option<Self> {
        let Ok(Value::Object(mut body)) = serde_json::to_value(event) else { return None };
        body.remove(TAG);
        Some(Self::of(kind, body))
    }

    /// The event of a record of this kind.
    ///
    /// # Errors
    /// When it says something else.
    pub fn event<E: DeserializeOwned>(kind: &str, mut body: Map<String, Value>) -> Result<E, serde_json::Error> {
        body.insert(TAG.to_owned(), kind.into());
        serde_json::from_value(Value::Object(body))
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What there is to say of it.
    #[must_use]
    pub fn body(&self) -> &Map<String, Value> {
        &self.body
    }

    /// The gateway serves, by a configuration with this SHA-256.
    #[must_use]
    pub fn process_started(config: &str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        Self::new(Kind::ProcessStarted, [("version", version.into()), ("config_sha256", config.into())])
    }

    /// The gateway has ended in order.
    #[must_use]
    pub fn process_stopped() -> Self {
        Self::new(Kind::ProcessStopped, [])
    }

    /// A configuration with this SHA-256 is in force.
    #[must_use]
    pub fn config_reloaded(config: &str) -> Self {
        Self::new(Kind::ConfigReloaded, [("config_sha256", config.into())])
    }

    /// A configuration was refused.
    #[must_use]
    pub fn config_refused(why: &str) -> Self {
        Self::new(Kind::ConfigRefused, [("why", start(why).into())])
    }

    /// The certificates of these names are in use.
    #[must_use]
    pub fn certificate_loaded(names: Vec<String>) -> Self {
        Self::new(Kind::CertificateLoaded, [("names", names.into())])
    }

    /// A changed certificate can't be used.
    #[must_use]
    pub fn certificate_refused(name: String, why: &str) -> Self {
        Self::new(Kind::CertificateRefused, [("name", name.into()), ("why", start(why).into())])
    }

    /// A certificate or revocation list ran out, at these seconds since 1970.
    #[must_use]
    pub fn certificate_expired(name: String, since: i64) -> Self {
        Self::new(Kind::CertificateExpired, [("name", name.into()), ("since", since.into())])
    }

    /// An account of a realm was added ([`Kind::AccountAdded`]), removed or changed; what of it, where it was changed.
    #[must_use]
    pub fn account(kind: Kind, realm: &str, account: &str, what: &[&str]) -> Self {
        let what = if what.is_empty() { Value::Null } else { what.into() };
        Self::new(kind, [("realm", realm.into()), ("account", account.into()), ("what", what)])
    }

    /// An attempt to sign in ([`Kind::SignInSuccess`], failure, refused), with pseudonyms of account and address, and the limit in its way.
    #[must_use]
    pub fn sign_in(kind: Kind, login: &str, account: Option<String>, address: String, limit: Option<&str>) -> Self {
        let fields = [
            ("login", login.into()),
            ("account", account.into()),
            ("address", address.into()),
            ("limit", limit.into()),
        ];
        Self::new(kind, fields)
    }

    /// Somebody has signed in at an application after so many failures: of the account from elsewhere, or of other accounts from the address.
    #[must_use]
    pub fn login_stuffed(login: &str, account: Option<String>, address: String, failures: u64) -> Self {
        let fields = [
            ("login", login.into()),
            ("account", account.into()),
            ("address", address.into()),
            ("failures", failures.into()),
        ];
        Self::new(Kind::LoginStuffed, fields)
    }

    /// So many requests of a route have shown what they should not ([`Kind::ExposureUrl`], cleartext).
    #[must_use]
    pub fn exposure(kind: Kind, route: &str, requests: u64) -> Self {
        Self::new(kind, [("route", route.into()), ("requests", requests.into())])
    }

    /// So many more attempts of a kind, not written down one by one.
    #[must_use]
    pub fn sign_ins(kind: Kind, attempts: u64) -> Self {
        Self::new(kind, [("attempts", attempts.into())])
    }

    /// So many bytes with this SHA-256 were cut off a segment.
    #[must_use]
    pub fn recovered(segment: &str, at: u64, bytes: u64, sha256: &str) -> Self {
        let fields =
            [("segment", segment.into()), ("at", at.into()), ("bytes", bytes.into()), ("sha256", sha256.into())];
        Self::new(Kind::JournalRecovered, fields)
    }

    /// The journal can be written again; since these milliseconds of 1970 it could not, and so many records were refused or lost.
    #[must_use]
    pub fn resumed(since: u64, lost: u64) -> Self {
        Self::new(Kind::JournalResumed, [("since_ms", since.into()), ("records_lost", lost.into())])
    }

    /// The key of a class and day was destroyed.
    #[must_use]
    pub fn key_destroyed(class: Class, day: &str) -> Self {
        Self::new(Kind::KeyDestroyed, [("class", class.name().into()), ("day", day.into())])
    }

    /// A witness has taken the checkpoint over so many records.
    #[must_use]
    pub fn witnessed(witness: &str, size: u64) -> Self {
        Self::new(Kind::JournalWitnessed, [("witness", witness.into()), ("records", size.into())])
    }

    /// A witness has not, and whether somebody has to look.
    #[must_use]
    pub fn witness_failed(witness: &str, why: &str, alarm: bool) -> Self {
        let fields = [("witness", witness.into()), ("why", start(why).into()), ("alarm", alarm.into())];
        Self::new(Kind::WitnessFailed, fields)
    }

    /// What is sealed: JSON, filled up with blanks. `None` where it is too long.
    pub(super) fn text(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut all = Map::with_capacity(3);
        all.insert("kind".to_owned(), self.kind.name().into());
        if clock::is_set() {
            all.insert("clock".to_owned(), "set".into());
        }
        all.insert("body".to_owned(), Value::Object(self.body.clone()));
        let mut text = Zeroizing::new(serde_json::to_vec(&all).ok()?);
        let filled = text.len().next_multiple_of(GRAIN);
        text.resize(filled, b' ');
        Some(text).filter(|text| text.len() <= LONGEST)
    }
}

/// As much of a text as a record takes.
fn start(text: &str) -> &str {
    let end = (0..=text.len().min(4096)).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_tell_little_and_debug_nothing() {
        let long = Record::account(Kind::AccountAdded, "staff", "kim.chulsoo@example.com", &[]);
        let short = Record::account(Kind::AccountAdded, "staff", "anna", &[]);
        let length = |record: &Record| record.text().expect("short enough").len();
        assert_eq!((length(&long), length(&short)), (128, 128));
        assert!(!format!("{long:?}").contains("kim"));
        assert!(Record::certificate_loaded(vec!["x".repeat(LONGEST)]).text().is_none());
        assert_eq!(Record::config_refused(&"é".repeat(4096)).text().expect("cut").len() % 64, 0);
    }
}
