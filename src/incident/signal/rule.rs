//! The rules: what each is called, how bad what it finds is, and what it takes by default.

use serde::{Deserialize, Serialize};

use super::super::case::Severity;

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $rule:ident = $name:literal, $threshold:literal, $severity:ident;)*) => {
        /// A rule.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "&'static str", try_from = "String")]
        pub enum Rule {
            $($(#[doc = $doc])* $rule,)*
        }

        impl Rule {
            /// All of them, in the order of `docs/SIGNALS.md`.
            pub const ALL: &[Self] = &[$(Self::$rule),*];

            /// As it is written.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$rule => $name,)* }
            }

            /// What it takes, where the configuration says nothing.
            #[must_use]
            pub const fn usual(self) -> Setting {
                match self {
                    $(Self::$rule => Setting { on: true, threshold: $threshold, severity: Severity::$severity },)*
                }
            }

            /// What its threshold counts.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$rule => concat!($($doc),*),)* }
            }
        }
    };
}

rules! {
    /// Different people one person saw within an hour.
    PeopleHour = "people_hour", 500, High;
    /// Different people one person saw on a day.
    PeopleDay = "people_day", 1000, High;
    /// Robust deviations above one's own days, or one's own busiest hours.
    OwnPast = "own_past", 4, Medium;
    /// Robust deviations above the days of people with the same roles.
    Peers = "peers", 4, Medium;
    /// Per cent of one's own usual day, five active days in a row.
    Slow = "slow", 250, Medium;
    /// Different people opened one by one within ten minutes.
    Enumeration = "enumeration", 60, High;
    /// Neighbouring numbers opened in a row.
    Sequence = "sequence", 20, High;
    /// People seen within an hour, four hours or more from when one, or people with the same roles, ever work.
    Hour = "hour", 10, Medium;
    /// People seen on a day of a weekend, and three times as many as one, or anybody with the same roles, ever sees on one.
    Weekend = "weekend", 80, Medium;
    /// People seen from a network that is new, while one is at work from another, or far more than one usually sees.
    Address = "address", 30, High;
    /// People in one answer to somebody whom nobody knows.
    AnonymousAnswer = "anonymous_answer", 5, High;
    /// Different people that one address saw within an hour without a sign-in.
    AnonymousPeople = "anonymous_people", 50, High;
    /// Times that a person who must never be seen was seen on a day.
    Canary = "canary", 1, High;
    /// Times that somebody opened their own record on a day.
    OwnRecord = "own_record", 1, Low;
    /// Different people opened on a day whom one has said to know.
    KnownPerson = "known_person", 1, Medium;
    /// Different colleagues opened within seven days, and more than chance has it.
    Colleague = "colleague", 3, Medium;
    /// Different people of public interest opened within seven days, and more than chance has it.
    Vip = "vip", 3, High;
    /// Different people opened within seven days with one's own surname, and more than chance has it.
    Surname = "surname", 3, Medium;
    /// Records created, changed or deleted by one person within an hour.
    Bulk = "bulk", 100, Medium;
    /// Records deleted by one person within an hour.
    BulkDelete = "bulk_delete", 20, High;
    /// Failures before a sign-in: of one account from elsewhere, or different accounts from one address.
    Stuffing = "stuffing", 10, High;
    /// Infected files from one route within an hour; one that was let through is enough.
    Malware = "malware", 10, High;
    /// Records that say that the journal is not what it was.
    Journal = "journal", 1, High;
    /// Configurations refused within an hour.
    Configuration = "configuration", 5, Low;
    /// Requests on a day whose URL held personal data, by route.
    Url = "url", 10, Low;
    /// Requests on a day that carried credentials or personal data over cleartext, by route.
    Cleartext = "cleartext", 5, Medium;
}

impl Rule {
    /// So many seconds before it fires something of it may have begun.
    #[must_use]
    pub const fn span(self) -> u64 {
        const HOUR: u64 = 3600;
        const DAY: u64 = 24 * HOUR;
        match self {
            Self::Enumeration => HOUR / 6,
            Self::PeopleHour | Self::AnonymousPeople | Self::Bulk | Self::BulkDelete | Self::Hour | Self::Stuffing => {
                HOUR
            }
            Self::Malware | Self::Configuration => HOUR,
            Self::PeopleDay | Self::OwnPast | Self::Peers | Self::Weekend | Self::Address | Self::Sequence => DAY,
            Self::Url | Self::Cleartext | Self::KnownPerson => DAY,
            Self::Colleague | Self::Vip | Self::Surname => 7 * DAY,
            // Five active days are seven days, or more around holidays.
            Self::Slow => 9 * DAY,
            Self::AnonymousAnswer | Self::Canary | Self::OwnRecord | Self::Journal => 60,
        }
    }

    /// The rule of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.name() == name)
    }
}

impl From<Rule> for &'static str {
    fn from(rule: Rule) -> Self {
        rule.name()
    }
}

impl TryFrom<String> for Rule {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::named(&name).ok_or_else(|| "no rule".to_owned())
    }
}

/// What a rule takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Whether it is asked at all.
    pub on: bool,
    /// From what on it fires.
    pub threshold: u64,
    /// How bad that is.
    pub severity: Severity,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_names_of_their_own() {
        for &rule in Rule::ALL {
            assert_eq!(Rule::named(rule.name()), Some(rule));
            assert!(rule.usual().threshold > 0 && !rule.doc().is_empty());
            let text = serde_json::to_string(&rule).expect("text");
            assert_eq!(serde_json::from_str::<Rule>(&text).expect("read"), rule);
        }
        assert!(Rule::named("nothing").is_none() && serde_json::from_str::<Rule>("\"nothing\"").is_err());
    }
}
