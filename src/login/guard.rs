//! The decision on an attempt, and the charge for what came of it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use arc_swap::ArcSwap;
use http::{HeaderMap, HeaderValue};

use super::{
    breached, challenge, device,
    event::{Address, Counts, Event, Events, Subscribers, Verdict},
    judge::Judged,
    key::{Account, AllTerms, Key, Secrets},
    known::Known,
    learn::Learned,
    ledger::{Ask, Claim, Denied, Keys, Ledger, Outcome, Standing, Why},
    memory::Memory,
    refused::Refused,
    rule::Rule,
    settings::{Login, Settings},
    source::Source,
    state::{millis, second},
    tarpit::Tarpit,
    top::{Offender, Top},
    username::Unreadable,
};
use crate::{
    common::{fetch::is_induced, peer::limit_key},
    seal::Ring,
};

/// Logins whose answers are remembered across reloads.
const LOGINS: usize = 1024;

/// Guards all logins of a process, across reloads.
pub struct Guard {
    secrets: Arc<Secrets>,
    ledger: Arc<dyn Ledger>,
    known: Known,
    tarpit: Tarpit,
    learned: Mutex<HashMap<String, Arc<Learned>>>,
    counts: Counts,
    breached: breached::Counts,
    subscribers: Subscribers,
    watch: Mutex<Watched>,
    nobody_is_trusted: bool,
    /// By which part limits of logins are lower for now, by name.
    lowered: ArcSwap<HashMap<String, u32>>,
}

#[derive(Debug, Default)]
struct Watched {
    addresses: Top,
    accounts: Top,
    source: Source,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// A place held for an attempt that was let through. Dropped without [`Guard::settle`], it is given back and nothing is charged, unless the
/// attempt was [`Reservation::forwarded`].
#[derive(Debug)]
#[must_use = "it is given back when dropped"]
pub struct Reservation {
    guard: Arc<Guard>,
    /// Nothing where credentials are known to be right: then there is nothing to settle.
    claim: Option<Claim>,
    forwarded: bool,
    device: device::Standing,
    about: About,
}

/// What is known of an attempt.
#[derive(Debug, Clone)]
struct About {
    login: Arc<Login>,
    name: Arc<str>,
    address: IpAddr,
    source: Key,
    account: Account,
    induced: bool,
    time: SystemTime,
}

/// What became of an attempt.
#[derive(Debug)]
pub struct Settled {
    /// It, for records.
    pub verdict: Verdict,
    /// `Set-Cookie` that makes the device familiar, after a success.
    pub cookie: Option<HeaderValue>,
}

impl Guard {
    /// A guard that remembers in memory.
    #[must_use]
    pub fn new(settings: &Settings, ring: &Ring) -> Arc<Self> {
        Self::with_ledger(settings, ring, Arc::new(Memory::new(settings.max_keys)))
    }

    /// A guard that remembers in `ledger`.
    #[must_use]
    pub fn with_ledger(settings: &Settings, ring: &Ring, ledger: Arc<dyn Ledger>) -> Arc<Self> {
        Arc::new(Self {
            secrets: Arc::new(Secrets::of(ring)),
            ledger,
            known: Known::default(),
            tarpit: Tarpit::default(),
            learned: Mutex::default(),
            counts: Counts::default(),
            breached: breached::Counts::default(),
            subscribers: Subscribers::default(),
            watch: Mutex::default(),
            nobody_is_trusted: settings.nobody_is_trusted,
            lowered: ArcSwap::default(),
        })
    }

    /// A login made ready. What was learned of one of its name goes on.
    #[must_use]
    pub fn rule(&self, login: &Arc<Login>) -> Rule {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        if learned.len() >= LOGINS {
            learned.clear();
        }
        let learned = Arc::clone(learned.entry(login.name.clone()).or_default());
        Rule::new(login, &self.secrets, learned)
    }

    /// Lets an attempt through, or not. `headers` are the request's, for the device's cookie.
    ///
    /// # Errors
    /// When a limit stands in the way. Such an attempt changes nothing: no count, no wait.
    pub async fn check(
        self: &Arc<Self>,
        rule: &Rule,
        account: &Account,
        address: IpAddr,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<Reservation, Refused> {
        let about = self.about(rule, account, address, is_induced(headers), now);
        let now = millis(now);
        let remember = rule.terms.own.remember;
        let device = device::Standing::of(&self.secrets, account, headers, second(now), remember);
        let mut reservation = Reservation { guard: Arc::clone(self), claim: None, forwarded: false, device, about };
        if [account.credentials, account.here].iter().flatten().any(|known| self.known.has(known, second(now))) {
            return Ok(reservation);
        }
        let keys = Keys { challenge: self.challenge(&reservation, headers), ..self.keys(rule, &reservation) };
        let ask = Ask { login: Arc::clone(&rule.name), keys, terms: self.terms(rule) };
        self.look_at_source(&reservation.about);
        let claim = match self.ledger.reserve(ask, now).await {
            Ok(claim) => claim,
            Err(denied) => return Err(self.refuse(&reservation.about, denied)),
        };
        let (paced, with_route) = match claim.standing {
            Standing::Stranger => (keys.address, true),
            Standing::Challenged => (keys.address, false),
            Standing::Address => (keys.pair, false),
            Standing::Device => (keys.device.unwrap_or(keys.pair), false),
        };
        if let Err(wait) = rule.pace.step(&paced, with_route, now) {
            self.ledger.settle(&claim, Outcome::Nothing, now);
            return Err(self.refuse(&reservation.about, Denied { why: Why::Pace, wait, solvable: false }));
        }
        reservation.claim = Some(claim);
        Ok(reservation)
    }

    /// From now on these logins have one n-th of their limits, and all others what they are configured to.
    pub fn lower(&self, lowered: HashMap<String, u32>) {
        self.lowered.store(Arc::new(lowered));
    }

    fn terms(&self, rule: &Rule) -> AllTerms {
        let lowered = self.lowered.load();
        lowered.get(&*rule.name).map_or(rule.terms, |part| rule.terms.share(*part))
    }

    /// Charges what came of an attempt. A body that was asked for and never came is a failure, for it must not help to hang up.
    pub fn settle(&self, mut reservation: Reservation, judged: Judged, now: SystemTime) -> Settled {
        let (verdict, outcome) = match judged {
            Judged::Success => (Verdict::Success, Outcome::Success),
            Judged::Failure | Judged::NeedsBody => (Verdict::Failure, Outcome::Failure),
            Judged::Unclear | Judged::Unproven => (Verdict::Unclear, Outcome::Nothing),
        };
        reservation.about.time = now;
        let claim = reservation.claim.take();
        self.charge(claim.as_ref(), outcome, verdict, &reservation.about);
        let (now, credentials) = (second(millis(now)), reservation.about.account.credentials);
        match (credentials, judged) {
            (Some(credentials), Judged::Success) if claim.is_some() => self.known.add(credentials, now),
            (Some(_), Judged::Unproven) => {
                if let Some(here) = reservation.about.account.here {
                    self.known.add(here, now);
                }
            }
            (Some(credentials), Judged::Failure | Judged::NeedsBody) => {
                self.known.remove(&credentials);
                reservation.about.account.here.iter().for_each(|here| self.known.remove(here));
            }
            _ => {}
        }
        let cookie = (judged == Judged::Success && claim.is_some()).then(|| {
            let device = std::mem::replace(&mut reservation.device, device::Standing::None);
            let remember = u32::try_from(reservation.about.login.remember.as_secs()).unwrap_or(u32::MAX);
            device.renew(&self.secrets, &reservation.about.account, now, remember)
        });
        Settled { verdict, cookie: cookie.flatten() }
    }

    /// Notes an attempt that was refused because its account can't be read.
    pub fn unreadable(&self, rule: &Rule, why: Unreadable, address: IpAddr, headers: &HeaderMap, now: SystemTime) {
        let source = self.secrets.address(&rule.login.realm, address);
        self.watched().addresses.add(source);
        self.publish(&Event {
            login: Arc::clone(&rule.name),
            verdict: Verdict::Unreadable(why),
            address: Address(address),
            source,
            account: None,
            induced: is_induced(headers),
            standing: None,
            time: now,
        });
    }

    /// Holds a refusal back for as long as the login says, where there is room for one more.
    pub async fn linger(&self, rule: &Rule) {
        if !rule.login.tarpit.is_zero() {
            self.tarpit.hold(rule.login.tarpit).await;
        }
    }

    /// Attempts by what became of them.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Whether a password is in the login's list of breached ones.
    pub async fn is_breached(&self, rule: &Rule, password: breached::Hash) -> bool {
        match &rule.breached {
            Some(list) => list.has(password, &self.breached).await,
            None => false,
        }
    }

    /// Passwords that were looked up, by what came of it.
    #[must_use]
    pub fn breached(&self) -> &breached::Counts {
        &self.breached
    }

    /// Keys that are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.ledger.keys()
    }

    /// Addresses and accounts with the most failures and refusals, by pseudonym.
    #[must_use]
    pub fn top(&self, most: usize) -> (Vec<Offender>, Vec<Offender>) {
        let watched = self.watched();
        (watched.addresses.first(most), watched.accounts.first(most))
    }

    /// Every attempt that is over from now on. A subscriber that is too slow misses the newest, and is told.
    #[must_use]
    pub fn subscribe(&self) -> Events {
        self.subscribers.subscribe()
    }

    fn about(&self, rule: &Rule, account: &Account, address: IpAddr, induced: bool, time: SystemTime) -> About {
        let source = self.secrets.address(&rule.login.realm, address);
        let (login, name) = (Arc::clone(&rule.login), Arc::clone(&rule.name));
        About { login, name, address, source, account: account.clone(), induced, time }
    }

    fn keys(&self, rule: &Rule, reservation: &Reservation) -> Keys {
        let (limits, about) = (&rule.login.limits, &reservation.about);
        let (account, source) = (about.account.key(), about.source);
        let own = limits.account_address.window;
        let bucket = |kind: &str, window, parts| self.secrets.bucket(kind, window, parts);
        Keys {
            route: rule.route,
            address: bucket("address", limits.address.window, [&source.0, b""]),
            account: bucket("account", limits.account.window, [&account.0, b""]),
            pair: bucket("pair", own, [&account.0, &source.0]),
            device: reservation.device.id().map(|id| bucket("device", own, [&account.0, id])),
            challenge: None,
        }
    }

    /// The challenge that a stranger says to have solved, where the login knows such.
    fn challenge(&self, reservation: &Reservation, headers: &HeaderMap) -> Option<Key> {
        let about = &reservation.about;
        let asked = about.login.challenge.is_some() && reservation.device.id().is_none();
        let presented = || challenge::presented_by(&self.secrets, &about.source, headers, second(millis(about.time)));
        asked.then(presented).flatten()
    }

    fn refuse(&self, about: &About, denied: Denied) -> Refused {
        self.publish(&about.event(Verdict::Refused(denied.why), None));
        self.offends(about);
        Refused::new(denied, &about.login.limits)
    }

    fn charge(&self, claim: Option<&Claim>, outcome: Outcome, verdict: Verdict, about: &About) {
        if let Some(claim) = claim {
            self.ledger.settle(claim, outcome, millis(about.time));
        }
        if outcome == Outcome::Failure {
            self.offends(about);
        }
        self.publish(&about.event(verdict, claim.map(|claim| claim.standing)));
    }

    fn publish(&self, event: &Event) {
        self.counts.add(event.verdict);
        self.subscribers.tell(event);
    }

    fn offends(&self, about: &About) {
        let mut watched = self.watched();
        watched.addresses.add(about.source);
        watched.accounts.add(about.account.key());
    }

    fn look_at_source(&self, about: &About) {
        if self.nobody_is_trusted && self.watched().source.note(limit_key(about.address), about.account.key()) {
            tracing::warn!(
                login = &*about.name,
                "all attempts to sign in come from one address of an inner network: name the proxy before Privet in `listen.trusted`, \
                 or everybody shares one limit"
            );
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl About {
    fn event(&self, verdict: Verdict, standing: Option<Standing>) -> Event {
        Event {
            login: Arc::clone(&self.name),
            verdict,
            address: Address(self.address),
            source: self.source,
            account: Some(self.account.key()),
            induced: self.induced,
            standing,
            time: self.time,
        }
    }
}

impl Reservation {
    /// From now on the application may have the attempt: whoever hangs up before the answer is charged as if it had failed.
    pub fn forwarded(&mut self) {
        self.forwarded = true;
    }

    /// By what the attempt was judged; nothing where its credentials were right a moment ago.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        self.claim.as_ref().map(|claim| claim.standing)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let Some(claim) = self.claim.take() else { return };
        let (outcome, verdict) =
            if self.forwarded { (Outcome::Failure, Verdict::Failure) } else { (Outcome::Nothing, Verdict::Abandoned) };
        self.guard.charge(Some(&claim), outcome, verdict, &self.about);
    }
}

#[cfg(test)]
mod tests;
