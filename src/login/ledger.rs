//! What is remembered of attempts, wherever it is kept: which keys an attempt has, who is judged by which, and what an outcome changes.
//!
//! A stranger is judged by four keys, or by less for one attempt where a challenge was solved. A familiar client, one with a device cookie or an address of a past success, is judged by its own and
//! by nothing else, so that nobody who guesses at an account can lock its owner out. All keys of an attempt are looked at and
//! reserved in one step; a refusal changes nothing.

use std::{future::Future, pin::Pin, sync::Arc};

use super::{
    challenge,
    key::{AllTerms, Key},
    state::{State, Terms},
};

/// The keys of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// The login as a whole.
    pub route: Key,
    /// The address.
    pub address: Key,
    /// The account.
    pub account: Key,
    /// The account from the address.
    pub pair: Key,
    /// The account from the device, where a cookie vouches for it.
    pub device: Option<Key>,
    /// The number of a challenge that was solved. It counts for nothing where a device is vouched for.
    pub challenge: Option<Key>,
}

/// What is asked of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The login's name.
    pub login: Arc<str>,
    /// The keys.
    pub keys: Keys,
    /// What holds for each.
    pub terms: AllTerms,
}

/// By what an attempt is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// By everything.
    Stranger,
    /// By its account and address, which had a success before.
    Address,
    /// By its account and device.
    Device,
    /// As a stranger, but neither by how often the account failed nor by the login as a whole: it has solved a challenge.
    Challenged,
}

impl Standing {
    /// As records, and a header to the application, may name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Address => "familiar_address",
            Self::Device => "familiar_device",
            Self::Challenged => "challenged",
        }
    }
}

/// Which limit stood in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// Of the login as a whole.
    Route,
    /// Of the address.
    Address,
    /// Of the account.
    Account,
    /// Of the account from the address, or from the device.
    AccountAddress,
    /// Attempts come too fast, whatever becomes of them.
    Pace,
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Route, Self::Address, Self::Account, Self::AccountAddress, Self::Pace];

    /// As metrics and headers name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Address => "address",
            Self::Account => "account",
            Self::AccountAddress => "account_address",
            Self::Pace => "pace",
        }
    }
}

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied {
    /// The limit with the longest wait.
    pub why: Why,
    /// Milliseconds.
    pub wait: u64,
    /// Whether it would be let through, had it solved a challenge.
    pub solvable: bool,
}

/// A place held for an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What was asked.
    pub ask: Ask,
    /// By what it was judged, and so what it is charged to.
    pub standing: Standing,
    /// A number of the ledger's own.
    pub lease: u64,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The password was right.
    Success,
    /// It was not.
    Failure,
    /// Nobody knows: the place is given back and nothing charged.
    Nothing,
}

/// What a ledger answers, when it does.
pub type Reserved<'a> = Pin<Box<dyn Future<Output = Result<Claim, Denied>> + Send + 'a>>;

/// Keeps states by key.
pub trait Ledger: Send + Sync {
    /// Decides on an attempt and holds a place for it, at once for all its keys. `now` is in milliseconds since 1970.
    fn reserve(&self, ask: Ask, now: u64) -> Reserved<'_>;

    /// Gives the place back and charges what came of it.
    fn settle(&self, claim: &Claim, outcome: Outcome, now: u64);

    /// Keys that are remembered here.
    fn keys(&self) -> usize;
}

impl Ask {
    /// The decision, from the states as they are.
    ///
    /// # Errors
    /// With the longest wait.
    pub fn decide(&self, look: impl Fn(&Key) -> State, now: u64) -> Result<Standing, Denied> {
        let own = &self.terms.own;
        let standing = if self.keys.device.is_some_and(|device| !look(&device).is_spent(own, now)) {
            Standing::Device
        } else if look(&self.keys.pair).is_familiar(own, now) {
            Standing::Address
        } else {
            Standing::Stranger
        };
        let Some((why, wait)) = self.longest(standing, &look, now) else { return Ok(standing) };
        let solvable = standing == Standing::Stranger && self.longest(Standing::Challenged, &look, now).is_none();
        match self.spends(Standing::Challenged) {
            Some(challenge) if solvable && look(&challenge).is_unused(&challenge::TERMS, now) => {
                Ok(Standing::Challenged)
            }
            _ => Err(Denied { why, wait, solvable }),
        }
    }

    /// The longest wait of somebody of `standing`.
    fn longest(&self, standing: Standing, look: impl Fn(&Key) -> State, now: u64) -> Option<(Why, u64)> {
        let mut longest = None;
        for (why, key, terms) in self.judges(standing) {
            let state = look(&key);
            let wait = match (standing, why) {
                (Standing::Challenged, Why::Route) => 0,
                // A hundred in a row are the end for whoever solves challenges, too.
                (Standing::Challenged, Why::Account) => state.end_of_run(&terms, now),
                _ => state.refusal(&terms, now),
            };
            if wait > longest.map_or(0, |(_, longest)| longest) {
                longest = Some((why, wait));
            }
        }
        longest
    }

    /// The solved challenge that somebody of `standing` spends.
    fn spends(&self, standing: Standing) -> Option<Key> {
        self.keys.challenge.filter(|_| standing == Standing::Challenged && self.keys.device.is_none())
    }

    /// Every key that holds a place for somebody of `standing`.
    pub fn places(&self, standing: Standing) -> impl Iterator<Item = (Key, Terms)> {
        let spends = self.spends(standing).map(|key| (key, challenge::TERMS));
        self.judges(standing).map(|(_, key, terms)| (key, terms)).chain(spends)
    }

    /// The keys that judge somebody of `standing`, and are charged.
    pub fn judges(&self, standing: Standing) -> impl Iterator<Item = (Why, Key, Terms)> {
        let (keys, terms) = (&self.keys, &self.terms);
        let own = |key| Some((Why::AccountAddress, key, terms.own));
        let all = match standing {
            Standing::Device => [keys.device.and_then(own), None, None, None],
            Standing::Address => [own(keys.pair), None, None, None],
            Standing::Stranger | Standing::Challenged => [
                own(keys.pair),
                Some((Why::Account, keys.account, terms.account)),
                Some((Why::Address, keys.address, terms.address)),
                Some((Why::Route, keys.route, terms.route)),
            ],
        };
        all.into_iter().flatten()
    }
}

impl Claim {
    /// Every key that `outcome` changes, and how.
    pub fn changes(&self, outcome: Outcome, now: u64, mut change: impl FnMut(Key, &Terms, &dyn Fn(&mut State))) {
        for (_, key, terms) in self.ask.judges(self.standing) {
            change(key, &terms, &|state| {
                state.release();
                if outcome == Outcome::Failure {
                    state.fail(&terms, now);
                }
            });
        }
        if let Some(challenge) = self.ask.spends(self.standing) {
            change(challenge, &challenge::TERMS, &|state| {
                state.release();
                if outcome != Outcome::Nothing {
                    state.succeed(&challenge::TERMS, now);
                }
            });
        }
        if outcome == Outcome::Success {
            let (keys, terms) = (&self.ask.keys, &self.ask.terms);
            if let (Standing::Device, Some(device)) = (self.standing, keys.device) {
                change(device, &terms.own, &|state| state.succeed(&terms.own, now));
            }
            change(keys.pair, &terms.own, &|state| state.succeed(&terms.own, now));
            change(keys.account, &terms.account, &State::end_run);
        }
    }
}
