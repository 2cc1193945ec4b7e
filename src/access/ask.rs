//! What is asked: who wants to do what, where, for what, and how it stands with them. Nobody's name is in it.

use std::net::IpAddr;

/// What somebody does with personal data, in the words of the law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Looks at it.
    View,
    /// Adds it.
    Create,
    /// Changes it.
    Change,
    /// Deletes it.
    Delete,
    /// Takes it along.
    Download,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::View, Self::Create, Self::Change, Self::Delete, Self::Download];

    /// As policies and records name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
            Self::Download => "download",
        }
    }

    /// The action of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// One question. A decision is a function of it and of the configuration, of nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a circumstance that policies speak of")]
pub struct Ask<'a> {
    /// The route's name.
    pub route: &'a str,
    /// What is done.
    pub action: Action,
    /// The roles that are held.
    pub roles: &'a [&'a str],
    /// The duty for which one is held.
    pub duty: Option<&'a str>,
    /// The key of the purpose that was chosen.
    pub purpose: Option<&'a str>,
    /// Whether a ticket was named.
    pub ticket: bool,
    /// Whether the route knows of each person whether they have agreed.
    pub consent: bool,
    /// Whether the current pledge is signed.
    pub pledged: bool,
    /// Whether a second factor was given.
    pub second_factor: bool,
    /// Where it comes from.
    pub address: IpAddr,
    /// 0 to 23, where the office is.
    pub hour: u8,
    /// 1, Monday, to 7, Sunday.
    pub weekday: u8,
    /// Whether many people's data is asked for at once.
    pub bulk: bool,
    /// Whether the glass was broken.
    pub glass: bool,
}
