//! What access is decided by. Validated values only; `config` fills them.

use std::{path::PathBuf, sync::LazyLock, time::Duration};

use crate::{
    common::{clock, secret::Secret},
    dial::address::Address,
};

pub use crate::seal::age::Recipient;

pub use super::{
    consent_list::Columns,
    policy::{Fault, Names, Policies, SHIPPED, Source},
    purpose::{Purpose, Purposes, is_key},
    subject::Name,
    vocabulary::Types,
};

/// How long a file that was taken along may be kept where nobody says otherwise.
pub const DOWNLOAD_EXPIRY: Duration = Duration::from_secs(30 * 86_400);

/// Policies and purposes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The files that the policies were read from.
    pub sources: Vec<Source>,
    /// What they say.
    pub policies: Policies,
    /// The closed list of purposes.
    pub purposes: Purposes,
    /// Types of personal data, in groups.
    pub types: Types,
    /// Minutes that the office's clock is ahead of UTC.
    pub utc_offset: i16,
    /// Whether people's data goes out where that can't be written down.
    pub open_unrecorded: bool,
    /// How long whoever takes a file along may keep it.
    pub download_expiry: Duration,
    /// Whose files leave for a key of their own.
    pub recipients: Vec<KeyOf>,
    /// What consent is learned from, besides the answers themselves.
    pub consent: Option<Form>,
    /// Where the application says who has agreed.
    pub endpoint: Option<Endpoint>,
}

/// Somebody's own key, in the place of passphrases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOf {
    /// Who vouches for them.
    pub issuer: String,
    /// Their name there.
    pub person: String,
    /// What opens their files.
    pub key: Recipient,
}

/// An application's own form by which people agree or withdraw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Its path, as a whole.
    pub path: String,
    /// The field that says whether they agree.
    pub field: String,
    /// The field that says who.
    pub id: String,
}

/// An address of an application's own that answers with who has agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where.
    pub address: Address,
    /// PEM bundle of the only authorities believed; `None` takes the system's.
    pub ca: Option<PathBuf>,
    /// `Authorization`, where it is asked for.
    pub authorization: Option<Secret>,
    /// How often it is asked.
    pub every: Duration,
    /// What says what in its answer.
    pub columns: Columns,
    /// The purpose that they have agreed to.
    pub purpose: String,
    /// Why cleartext beyond loopback is allowed, where it is.
    pub cleartext_reason: Option<String>,
}

impl PartialEq for Settings {
    /// Policies are what their files say.
    fn eq(&self, other: &Self) -> bool {
        let parts = |one: &Self| {
            let rules = (one.utc_offset, one.open_unrecorded, one.download_expiry);
            (rules, one.recipients.clone(), one.consent.clone(), one.endpoint.clone())
        };
        self.sources == other.sources
            && self.purposes == other.purposes
            && self.types == other.types
            && parts(self) == parts(other)
    }
}

impl Eq for Settings {}

impl Settings {
    /// What Privet brings: what holds where a configuration says nothing.
    #[must_use]
    pub fn shipped() -> &'static Self {
        static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
            let (purposes, types) = (Purposes::shipped(), Types::default());
            let sources = Source::shipped();
            let names = Names { types: &types, purposes: &purposes.keys(), routes: None };
            let policies = Policies::read(&sources, names).unwrap_or_else(|_| unreachable!("a test reads them"));
            Settings {
                sources,
                policies,
                purposes,
                types,
                utc_offset: 0,
                open_unrecorded: false,
                download_expiry: DOWNLOAD_EXPIRY,
                recipients: Vec::new(),
                consent: None,
                endpoint: None,
            }
        });
        &SETTINGS
    }

    /// The key that files leave for which this person takes along.
    #[must_use]
    pub fn recipient(&self, issuer: &str, person: &str) -> Option<&Recipient> {
        self.recipients.iter().find(|own| own.issuer == issuer && own.person == person).map(|own| &own.key)
    }

    /// The office's hour, 0 to 23, and weekday, 1 for Monday, at these seconds since 1970.
    #[must_use]
    pub fn office(&self, seconds: u64) -> (u8, u8) {
        let (hour, weekday, _) = clock::office(seconds, self.utc_offset);
        (hour, weekday)
    }
}

impl Source {
    /// The files that Privet brings.
    #[must_use]
    pub fn shipped() -> Vec<Self> {
        let file = |(name, text): (&str, &str)| Self { name: name.to_owned(), text: text.to_owned() };
        SHIPPED.into_iter().map(file).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_office_has_hours_and_weekdays_of_its_own() {
        let seoul = Settings { utc_offset: 540, ..Settings::shipped().clone() };
        // 2026-11-27T16:30:00Z, a Friday.
        let at = 1_795_797_000;
        assert_eq!(Settings::shipped().office(at), (16, 5));
        assert_eq!(seoul.office(at), (1, 6));
        let west = Settings { utc_offset: -720, ..seoul };
        assert_eq!(west.office(0), (12, 3));
    }
}
