//! What clients are banned for.

use crate::common::limit::Limit;

/// A kind of misbehaviour that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Scenario {
    /// Attempts to sign in that have failed.
    Login = 0,
    /// Requests that rules have refused as attacks.
    Attack = 1,
    /// Requests for what only scanners look for.
    Scanner = 2,
    /// Requests for one thing after the other that is not there.
    NotFound = 3,
    /// Requests that are no HTTP, or HTTP that could be read in two ways.
    Protocol = 4,
}

impl Scenario {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Login, Self::Attack, Self::Scanner, Self::NotFound, Self::Protocol];

    /// As configurations, metrics and commands name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Attack => "attack",
            Self::Scanner => "scanner",
            Self::NotFound => "not_found",
            Self::Protocol => "protocol",
        }
    }

    /// The one of this number.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// How many are let pass where nothing else is said.
    #[must_use]
    pub const fn usual(self) -> Limit {
        match self {
            Self::Login => Limit::new(20, 600),
            Self::Attack => Limit::new(10, 600),
            Self::Scanner => Limit::new(6, 600),
            Self::NotFound => Limit::new(60, 60),
            Self::Protocol => Limit::new(20, 60),
        }
    }

    /// What is told of it to whoever is banned: general words, of use to nobody who tries where the limits are.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::Login => "too many attempts to sign in have failed from there",
            Self::Attack => "requests from there have looked like attacks",
            Self::Scanner => "requests from there have looked for weak spots of this site",
            Self::NotFound => "too many requests from there were for pages that do not exist",
            Self::Protocol => "too many requests from there were not well-formed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places() {
        for (at, scenario) in Scenario::ALL.into_iter().enumerate() {
            assert_eq!(scenario as usize, at);
            assert_eq!(Scenario::of(scenario as u8), Some(scenario));
        }
        assert_eq!(Scenario::of(5), None);
    }
}
