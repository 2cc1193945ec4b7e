//! What the signals are told: a setting a rule, and lists of people. Validated values only; `config` fills them.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use super::rule::{Rule, Setting};
use crate::{
    access::subject::Name,
    privacy::{mask::settings::Canaries, surname::FullName},
    registry::PersonId,
};

/// Somebody of the application's, as the configuration names them.
#[derive(Clone, PartialEq, Eq)]
pub struct Named {
    /// What the value is.
    pub name: Name,
    /// The value.
    pub value: String,
}

impl fmt::Debug for Named {
    /// Without the value: it is personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Named({:?})", self.name)
    }
}

/// What is known of somebody of the staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// Who.
    pub person: PersonId,
    /// What they are called: surnames are compared by it.
    pub name: Option<FullName>,
    /// Who they are in the application, where they are its customers as well.
    pub own: Vec<Named>,
    /// Whom they have said to know: family, neighbours, friends.
    pub known: Vec<Named>,
}

/// The signals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Rules that are not as usual.
    pub rules: BTreeMap<Rule, Setting>,
    /// People who exist in the application and must never be seen.
    pub canaries: Vec<Named>,
    /// Routes that plant canaries into their lists.
    pub planted: Vec<(String, Arc<Canaries>)>,
    /// People of public interest.
    pub vips: Vec<Named>,
    /// Staff who are customers as well, or know some.
    pub staff: Vec<Staff>,
    /// Minutes that the office is ahead of UTC.
    pub utc_offset: i16,
    /// How long keys of each class of records live: one that is destroyed earlier is a signal.
    pub kept: [Duration; 3],
}

impl Settings {
    /// What a rule takes.
    #[must_use]
    pub fn of(&self, rule: Rule) -> Setting {
        self.rules.get(&rule).copied().unwrap_or(rule.usual())
    }
}
