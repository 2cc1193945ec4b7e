//! The ledger that replicas share, in Redis: one script, one round trip an attempt. While the store is away each replica decides by its
//! own memory, with its share of every limit.
//!
//! What a replica settles it notes in both places: so it knows something of its own when the store goes, and what was let through during
//! an outage is charged when the store is back. The store's clock is the one that counts, since replicas' clocks differ.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use tokio::sync::oneshot;

use super::{
    key::Key,
    ledger::{Ask, Claim, Denied, Ledger, Outcome, Reserved, Standing, Why},
    memory::Memory,
    state::Terms,
};
use crate::{
    common::meter::Counter,
    store::{Script, Store, Value},
};

/// The lease of a claim that memory holds. Redis counts leases from 1970, so this one is long over there.
const LOCAL: u64 = 0;

/// Whose time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The server's.
    Server,
    /// The caller's, where a clock was set.
    Caller,
}

/// The shared ledger, and the one of this process that stands in for it.
#[derive(Debug)]
pub struct Redis {
    wire: Arc<Wire>,
    memory: Memory,
    replicas: u32,
    /// Whether the other replicas name things by the same keys; without it what they count is not the same.
    agreed: Option<Arc<AtomicBool>>,
    local: Counter,
}

impl Redis {
    /// On `store`, which `replicas` share; `memory` stands in.
    #[must_use]
    pub fn new(store: Arc<Store>, memory: Memory, replicas: u32, clock: Clock) -> Self {
        let wire = Wire { store, clock, script: Script::new(include_str!("ledger.lua")) };
        Self { wire: Arc::new(wire), memory, replicas, agreed: None, local: Counter::new() }
    }

    /// Asks the store only while `agreed` says that replicas name things by the same keys; otherwise each goes on with its share, as
    /// while the store is away.
    #[must_use]
    pub fn agreeing(self, agreed: Arc<AtomicBool>) -> Self {
        Self { agreed: Some(agreed), ..self }
    }

    /// Attempts that were decided by this replica alone.
    #[must_use]
    pub fn local(&self) -> u64 {
        self.local.value()
    }

    async fn decide(&self, ask: Ask, now: u64) -> Result<Claim, Denied> {
        if self.agreed.as_ref().is_some_and(|agreed| !agreed.load(Relaxed)) {
            return self.decide_alone(ask, now);
        }
        let (give, answer) = oneshot::channel();
        let (wire, asked) = (Arc::clone(&self.wire), ask.clone());
        // On a task of its own: a client that hangs up meanwhile must not leave a place behind that nobody knows of.
        tokio::spawn(async move {
            let answer = wire.reserve(asked, now).await;
            // Where nobody awaits it any more, the place gives itself back.
            let _ = give.send(answer);
        });
        match answer.await.ok().flatten().map(|decision| decision.map(Place::taken)) {
            Some(Ok(Some(claim))) => Ok(claim),
            Some(Err(denied)) => Err(denied),
            None | Some(Ok(None)) => self.decide_alone(ask, now),
        }
    }

    fn decide_alone(&self, ask: Ask, now: u64) -> Result<Claim, Denied> {
        self.local.increment();
        let claim = self.memory.reserve_now(self.share(&ask), now)?;
        Ok(Claim { ask, lease: LOCAL, ..claim })
    }

    /// What is asked, with this replica's share of every limit.
    fn share(&self, ask: &Ask) -> Ask {
        Ask { terms: ask.terms.share(self.replicas), ..ask.clone() }
    }
}

impl Ledger for Redis {
    fn reserve(&self, ask: Ask, now: u64) -> Reserved<'_> {
        Box::pin(self.decide(ask, now))
    }

    fn settle(&self, claim: &Claim, outcome: Outcome, now: u64) {
        let own = Claim { ask: self.share(&claim.ask), ..claim.clone() };
        if claim.lease != LOCAL {
            self.memory.hold(&own, now);
        }
        self.memory.settle(&own, outcome, now);
        self.wire.settle(claim, outcome, now);
    }

    fn keys(&self) -> usize {
        self.memory.keys()
    }
}

/// The script, and the way to it.
#[derive(Debug)]
struct Wire {
    store: Arc<Store>,
    clock: Clock,
    script: Script,
}

impl Wire {
    /// `None` when the store is away.
    async fn reserve(self: Arc<Self>, ask: Ask, now: u64) -> Option<Result<Place, Denied>> {
        let answer = self.store.run(&self.script, &names(&ask), &self.arguments("reserve", &ask, now)).await.ok()?;
        let decision = understood(&answer)?;
        Some(decision.map(|(standing, lease)| Place { claim: Some(Claim { ask, standing, lease }), now, wire: self }))
    }

    fn settle(&self, claim: &Claim, outcome: Outcome, now: u64) {
        let mut arguments = self.arguments("settle", &claim.ask, now);
        let standing = match claim.standing {
            Standing::Stranger => 0,
            Standing::Address => 1,
            Standing::Device => 2,
            Standing::Challenged => 3,
        };
        let outcome = match outcome {
            Outcome::Nothing => 0,
            Outcome::Failure => 1,
            Outcome::Success => 2,
        };
        arguments.extend([standing, outcome, claim.lease].map(|n: u64| n.to_string()));
        self.store.tell(&self.script, &names(&claim.ask), &arguments);
    }

    fn arguments(&self, step: &str, ask: &Ask, now: u64) -> Vec<String> {
        let now = if self.clock == Clock::Caller { now.to_string() } else { String::new() };
        let fifth = match (ask.keys.device, ask.keys.challenge) {
            (Some(_), _) => "device",
            (None, Some(_)) => "challenge",
            (None, None) => "",
        };
        let terms = &ask.terms;
        let numbers = [terms.route, terms.address, terms.account, terms.own];
        let numbers = numbers.into_iter().flat_map(numbers_of).map(|n| n.to_string());
        [step.to_owned(), now, fifth.to_owned()].into_iter().chain(numbers).collect()
    }
}

/// A place that was reserved, on its way to whoever asked; given back where it does not arrive.
struct Place {
    claim: Option<Claim>,
    now: u64,
    wire: Arc<Wire>,
}

impl Place {
    /// It has arrived.
    fn taken(mut self) -> Option<Claim> {
        self.claim.take()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.wire.settle(&claim, Outcome::Nothing, self.now);
        }
    }
}

/// Keys of the store. Logins may have accounts and addresses in common, so all are in one place of a cluster.
fn names(ask: &Ask) -> Vec<String> {
    let keys = &ask.keys;
    let name = |Key(bytes): Key| format!("{{login}}:{:032x}", u128::from_be_bytes(bytes));
    [keys.route, keys.address, keys.account, keys.pair]
        .into_iter()
        .chain(keys.device.or(keys.challenge))
        .map(name)
        .collect()
}

fn numbers_of(terms: Terms) -> [u64; 6] {
    let Terms { limit, slot, waits, cap, forget, remember } = terms;
    [limit.into(), slot, waits.into(), cap.into(), forget.into(), remember.into()]
}

/// What the script has answered; `None` for what it never does.
fn understood(value: &Value) -> Option<Result<(Standing, u64), Denied>> {
    let Value::Array(values) = value else { return None };
    let [Value::Int(through), Value::Int(what), Value::Int(number), Value::Int(solvable)] = values[..] else {
        return None;
    };
    let number = u64::try_from(number).ok()?;
    let denied = |why| Err(Denied { why, wait: number, solvable: solvable == 1 });
    Some(match (through, what) {
        (1, 0) => Ok((Standing::Stranger, number)),
        (1, 1) => Ok((Standing::Address, number)),
        (1, 2) => Ok((Standing::Device, number)),
        (1, 3) => Ok((Standing::Challenged, number)),
        (0, 0) => denied(Why::Route),
        (0, 1) => denied(Why::Address),
        (0, 2) => denied(Why::Account),
        (0, 3) => denied(Why::AccountAddress),
        _ => return None,
    })
}
