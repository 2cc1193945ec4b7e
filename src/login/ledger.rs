//! The ledger: failures and attempts in flight, by key, in bounded memory.
//!
//! A question is answered, and a place reserved, under one lock: parallel attempts see each other. A refusal changes nothing, so that it
//! neither extends a wait nor makes an entry. Entries live in two generations; when the young one is full the old one goes, but for
//! those whose loss would free somebody who must wait, or make a known client unknown.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{
    key::Key,
    settings::{Limit, Limits},
    state::State,
};

/// How long credentials that were right count as such, in milliseconds.
const PROVEN: u64 = 600_000;

/// The keys of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// The account from the address.
    pub pair: Key,
    /// The account.
    pub account: Key,
    /// The address.
    pub address: Key,
    /// The login as a whole.
    pub rule: Key,
    /// A device on which the account has won before.
    pub device: Option<Key>,
    /// The credentials themselves, where every request carries them.
    pub proof: Option<Key>,
}

/// Limits as they hold at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Most failures.
    pub limits: Limits,
    /// Most failures of an account in a row.
    pub consecutive: u32,
    /// How long that is remembered, in milliseconds.
    pub lock: u64,
    /// How long a success is remembered, in milliseconds.
    pub known: u64,
}

/// Which limit an attempt ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The account from this address, or from a familiar device.
    AccountAddress,
    /// The account.
    Account,
    /// The address.
    Address,
    /// The login as a whole.
    Route,
    /// Attempts come too fast, whatever their outcome.
    Pace,
}

impl Why {
    /// A short name, for metrics and policies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountAddress => "account_address",
            Self::Account => "account",
            Self::Address => "address",
            Self::Route => "route",
            Self::Pace => "pace",
        }
    }
}

/// No.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Which limit.
    pub why: Why,
    /// When to come again, in milliseconds since 1970.
    pub until: u64,
    /// The limit.
    pub limit: Limit,
}

/// The places that an attempt holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// None: just these credentials were right a moment ago.
    Proven(Key),
    /// A familiar client's own.
    Own(Key),
    /// A stranger's: one at each key.
    All,
}

/// How an attempt has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The account was entered.
    Success,
    /// It was not.
    Failure,
    /// Nobody can tell: the client went away, or the application broke.
    Unclear,
}

/// A ledger in this process's memory.
#[derive(Debug)]
pub struct Memory(Mutex<Generations>);

#[derive(Debug)]
struct Generations {
    young: HashMap<Key, State>,
    old: HashMap<Key, State>,
    /// Most entries of each.
    most: usize,
}

impl Memory {
    /// A ledger of at most `most` entries, each of about 80 to 160 bytes.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let most = (most / 2).max(64);
        Self(Mutex::new(Generations { young: HashMap::new(), old: HashMap::new(), most }))
    }

    /// Bounds it anew; what is over goes with the next generation.
    pub fn resize(&self, most: usize) {
        self.lock().most = (most / 2).max(64);
    }

    /// Whether an attempt may go on; its places are held then.
    ///
    /// # Errors
    /// When it may not.
    pub fn check(&self, keys: &Keys, terms: &Terms, now: u64) -> Result<Hold, Block> {
        let mut book = self.lock();
        let hold = book.judge(keys, terms, now)?;
        for key in hold.keys(keys) {
            book.entry(key, now).reserve();
        }
        Ok(hold)
    }

    /// An attempt has ended.
    pub fn settle(&self, keys: &Keys, hold: Hold, terms: &Terms, end: End, now: u64) {
        let mut book = self.lock();
        for key in hold.keys(keys) {
            book.entry(key, now).release();
        }
        match (end, hold) {
            (End::Unclear, _) => {}
            (End::Failure, Hold::Own(key)) => {
                book.entry(key, now).fail(&terms.limits.account_address, true, now);
            }
            (End::Failure, Hold::All | Hold::Proven(_)) => {
                if let Hold::Proven(key) = hold {
                    book.entry(key, now).win(0);
                }
                let limits = &terms.limits;
                for (key, limit, waits) in [
                    (keys.pair, &limits.account_address, true),
                    (keys.account, &limits.account, true),
                    (keys.address, &limits.address, true),
                    (keys.rule, &limits.route, false),
                ] {
                    book.entry(key, now).fail(limit, waits, now);
                }
            }
            (End::Success, Hold::Proven(_)) => {}
            (End::Success, _) => {
                if let Some(proof) = keys.proof {
                    book.entry(proof, now).win(now + PROVEN);
                }
                book.entry(keys.pair, now).win(now + terms.known);
                book.entry(keys.account, now).end_row();
                if let Hold::Own(key) = hold
                    && key != keys.pair
                {
                    book.entry(key, now).win(0);
                }
            }
        }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let book = self.lock();
        book.young.len() + book.old.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that its tables take: a key, a state and a byte of the table's own, for every place there is.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let book = self.lock();
        let places = |table: &HashMap<Key, State>| table.capacity() * 8 / 7;
        (places(&book.young) + places(&book.old)) * (size_of::<(Key, State)>() + 1)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    fn keys(self, keys: &Keys) -> impl Iterator<Item = Key> {
        let all = match self {
            Self::Proven(_) => [None; 4],
            Self::Own(key) => [Some(key), None, None, None],
            Self::All => [keys.pair, keys.account, keys.address, keys.rule].map(Some),
        };
        all.into_iter().flatten()
    }
}

impl Generations {
    /// A familiar client is judged by its own places alone, so that nobody can take them from it.
    fn judge(&self, keys: &Keys, terms: &Terms, now: u64) -> Result<Hold, Block> {
        let limits = &terms.limits;
        if let Some(proof) = keys.proof.filter(|proof| self.state(*proof).is_known(now)) {
            return Ok(Hold::Proven(proof));
        }
        let own = keys.device.or_else(|| self.state(keys.pair).is_known(now).then_some(keys.pair));
        if let Some(own) = own {
            let state = self.state(own);
            check(&state, Why::AccountAddress, &limits.account_address, now)?;
            in_a_row(&state, terms, Why::AccountAddress, &limits.account_address, now)?;
            return Ok(Hold::Own(own));
        }
        let account = self.state(keys.account);
        let states = [
            (self.state(keys.pair), Why::AccountAddress, &limits.account_address),
            (account, Why::Account, &limits.account),
            (self.state(keys.address), Why::Address, &limits.address),
            (self.state(keys.rule), Why::Route, &limits.route),
        ];
        let blocks = states.iter().filter_map(|(state, why, limit)| check(state, *why, limit, now).err());
        let locked = in_a_row(&account, terms, Why::Account, &limits.account, now).err();
        // The longest wait is the one that holds.
        match blocks.chain(locked).max_by_key(|block| block.until) {
            Some(block) => Err(block),
            None => Ok(Hold::All),
        }
    }

    fn state(&self, key: Key) -> State {
        self.young.get(&key).or_else(|| self.old.get(&key)).copied().unwrap_or_default()
    }

    fn entry(&mut self, key: Key, now: u64) -> &mut State {
        let known = self.old.remove(&key);
        if self.young.len() >= self.most && !self.young.contains_key(&key) {
            self.turn(now);
        }
        self.young.entry(key).or_insert_with(|| known.unwrap_or_default())
    }

    /// The young become the old, and of the old only the dear stay, as far as there is room.
    fn turn(&mut self, now: u64) {
        let dear = std::mem::take(&mut self.old).into_iter().filter(|(_, state)| state.is_dear(now));
        let kept: HashMap<Key, State> = dear.take(self.most / 2).collect();
        self.old = std::mem::replace(&mut self.young, kept);
    }
}

fn check(state: &State, why: Why, limit: &Limit, now: u64) -> Result<(), Block> {
    state.blocked_until(limit, now).map_or(Ok(()), |until| Err(Block { why, until, limit: *limit }))
}

fn in_a_row(state: &State, terms: &Terms, why: Why, limit: &Limit, now: u64) -> Result<(), Block> {
    let row = state.row(terms.lock, now);
    if u32::from(row.length) >= terms.consecutive {
        return Err(Block { why, until: row.until, limit: *limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
