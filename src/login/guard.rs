//! The guard: an attempt is let through, or not, before the application sees it, and settled by the application's answer.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use aws_lc_rs::error::Unspecified;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::sync::broadcast;

use super::{
    device::Device,
    key::{Account, Key, Keyring},
    ledger::{Block, End, Hold, Keys, Memory, Terms, Why},
    rule::Rule,
    settings::{Limit, Source},
    top::{Offender, Top, Whose},
};
use crate::common::clock;

/// Events that wait for a slow subscriber; it is told how many it has missed.
const EVENTS: usize = 1024;

/// All logins of the process. What it has counted outlives reloads.
#[derive(Debug)]
pub struct Guard {
    ring: Keyring,
    memory: Memory,
    events: broadcast::Sender<Settled>,
    top: Mutex<Top>,
    sameness: Mutex<Sameness>,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The account was entered.
    Success,
    /// It was not.
    Failure,
    /// Nobody can tell.
    Unclear,
    /// It did not reach the application.
    Refused(Why),
}

/// An attempt that has come to its end, for whoever subscribes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The login.
    pub rule: String,
    /// What became of it.
    pub verdict: Verdict,
    /// The account's pseudonym.
    pub account: Key,
    /// The address's pseudonym.
    pub address: Key,
    /// Whether the client was familiar.
    pub familiar: bool,
}

impl Verdict {
    /// A short name, the label of metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Unclear => "unclear",
            Self::Refused(_) => "refused",
        }
    }
}

/// An attempt that must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Which limit it ran into.
    pub why: Why,
    /// How long to wait.
    pub wait: Duration,
    limit: Limit,
}

impl Refused {
    /// `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers): the policy's name, its quota and window in seconds,
    /// what remains and when there is more.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let name = self.why.name();
        let seconds = |duration: Duration| duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
        let policy = format!("\"{name}\";q={};w={}", self.limit.failures, seconds(self.limit.window));
        let rate = format!("\"{name}\";r=0;t={}", seconds(self.wait));
        let mut headers = HeaderMap::new();
        for (name, text) in [("ratelimit-policy", policy), ("ratelimit", rate)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        headers
    }
}

/// Who tries.
#[derive(Debug)]
pub struct Who<'a> {
    /// The account.
    pub account: &'a Account,
    /// The client's address.
    pub address: IpAddr,
    /// The request's headers.
    pub headers: &'a HeaderMap,
}

/// An attempt under way. Dropped before the application could see it, it gives its places back; dropped later, as by a client that does
/// not wait for the answer, it is a failure, or guesses could be had for nothing.
#[derive(Debug)]
pub struct Attempt {
    guard: Arc<Guard>,
    rule: Arc<Rule>,
    keys: Keys,
    hold: Hold,
    terms: Terms,
    device: Option<Device>,
    /// The application may have seen it.
    forwarded: bool,
    settled: bool,
}

fn now() -> u64 {
    let since = clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX / 2)
}

impl Guard {
    /// A guard with these keys, and a ledger of at most `most` entries.
    #[must_use]
    pub fn new(ring: Keyring, most: usize) -> Arc<Self> {
        let (events, _) = broadcast::channel(EVENTS);
        Arc::new(Self { ring, memory: Memory::new(most), events, top: Mutex::default(), sameness: Mutex::default() })
    }

    /// Whether an attempt may reach the application.
    ///
    /// # Errors
    /// When it must wait.
    pub fn check(self: &Arc<Self>, rule: &Arc<Rule>, who: &Who<'_>) -> Result<Attempt, Refused> {
        let (now, terms) = (now(), rule.terms(1));
        let name = &rule.settings.name;
        let (account, address) = (self.ring.account(name, who.account), self.ring.address(name, who.address));
        let device = self.device(who.headers);
        let familiar = device.as_ref().filter(|device| device.knows(account, terms.known, now));
        let keys = Keys {
            pair: self.ring.pair(account, address),
            account,
            address,
            rule: self.ring.rule(name),
            device: familiar.map(|device| device.key(account, &self.ring)),
            proof: self.proof(rule, who.headers),
        };
        self.look_for_sameness(who.address, account);
        match self.hold(rule, &keys, &terms, now) {
            Ok(hold) => Ok(Attempt {
                guard: Arc::clone(self),
                rule: Arc::clone(rule),
                keys,
                hold,
                terms,
                device,
                forwarded: false,
                settled: false,
            }),
            Err(block) => {
                self.tell(rule, &keys, Verdict::Refused(block.why), false);
                Err(Refused {
                    why: block.why,
                    wait: Duration::from_millis(block.until.saturating_sub(now)),
                    limit: block.limit,
                })
            }
        }
    }

    /// Every settled attempt from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Settled> {
        self.events.subscribe()
    }

    /// The accounts and addresses that failed or were refused most often, as pseudonyms.
    #[must_use]
    pub fn top(&self, most: usize) -> Vec<Offender> {
        self.top.lock().unwrap_or_else(PoisonError::into_inner).first(most)
    }

    /// The ledger, for those who measure it.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    fn hold(&self, rule: &Rule, keys: &Keys, terms: &Terms, now: u64) -> Result<Hold, Block> {
        let hold = self.memory.check(keys, terms, now)?;
        if hold == Hold::All
            && let Err(wait) = rule.pace.take(keys.address)
        {
            self.memory.settle(keys, hold, terms, End::Unclear, now);
            let until = now + u64::try_from(wait.as_millis()).unwrap_or(u64::MAX / 4);
            return Err(Block { why: Why::Pace, until, limit: terms.limits.address });
        }
        Ok(hold)
    }

    fn device(&self, headers: &HeaderMap) -> Option<Device> {
        headers.get_all(header::COOKIE).iter().find_map(|cookies| Device::read(cookies.as_bytes(), &self.ring))
    }

    /// Credentials that come with every request are remembered once they were right: a browser sends them with each picture.
    fn proof(&self, rule: &Rule, headers: &HeaderMap) -> Option<Key> {
        let basic = rule.settings.username == Source::Basic;
        let said = headers.get(header::AUTHORIZATION).filter(|_| basic)?;
        Some(self.ring.key("proof", &[rule.settings.name.as_bytes(), said.as_bytes()]))
    }

    fn tell(&self, rule: &Rule, keys: &Keys, verdict: Verdict, familiar: bool) {
        if matches!(verdict, Verdict::Failure | Verdict::Refused(_)) {
            let mut top = self.top.lock().unwrap_or_else(PoisonError::into_inner);
            top.count(Whose::Account, keys.account);
            top.count(Whose::Address, keys.address);
        }
        let (rule, account, address) = (rule.settings.name.clone(), keys.account, keys.address);
        // Without a subscriber nobody wants to know.
        let _ = self.events.send(Settled { rule, verdict, account, address, familiar });
    }

    fn look_for_sameness(&self, address: IpAddr, account: Key) {
        if self.sameness.lock().unwrap_or_else(PoisonError::into_inner).see(address, account) {
            tracing::warn!(
                "all attempts to sign in come from one private address: if that is a proxy before this one, name it in `listen.trusted`, or all clients share one limit"
            );
        }
    }
}

impl Attempt {
    /// The login.
    #[must_use]
    pub fn rule(&self) -> &Arc<Rule> {
        &self.rule
    }

    /// Notes that the application may see it from now on.
    pub fn forward(&mut self) {
        self.forwarded = true;
    }

    /// Notes how it has ended; the cookie by which the device is known again after a success.
    #[must_use]
    pub fn settle(mut self, end: End) -> (Verdict, Option<HeaderValue>) {
        let now = now();
        self.end(end, now);
        let verdict = match end {
            End::Success => Verdict::Success,
            End::Failure => Verdict::Failure,
            End::Unclear => Verdict::Unclear,
        };
        self.guard.tell(&self.rule, &self.keys, verdict, !matches!(self.hold, Hold::All));
        let remember = end == End::Success && !matches!(self.hold, Hold::Proven(_)) && self.keys.proof.is_none();
        let cookie = remember.then(|| self.cookie(now).ok()).flatten();
        (verdict, cookie)
    }

    fn cookie(&mut self, now: u64) -> Result<HeaderValue, Unspecified> {
        let mut device = self.device.take().or_else(Device::random).ok_or(Unspecified)?;
        device.learn(self.keys.account, now);
        device.cookie(&self.guard.ring, self.terms.known).ok_or(Unspecified)
    }

    fn end(&mut self, end: End, now: u64) {
        if !std::mem::replace(&mut self.settled, true) {
            self.guard.memory.settle(&self.keys, self.hold, &self.terms, end, now);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.end(if self.forwarded { End::Failure } else { End::Unclear }, now());
    }
}

/// Whether all attempts come from one address though they are for many accounts.
#[derive(Debug, Default)]
struct Sameness {
    address: Option<IpAddr>,
    attempts: u32,
    accounts: Vec<Key>,
    told: bool,
}

impl Sameness {
    /// `true` once, when it has become clear.
    fn see(&mut self, address: IpAddr, account: Key) -> bool {
        if self.told {
            return false;
        }
        if self.address != Some(address) {
            *self = Self { address: Some(address), ..Self::default() };
        }
        self.attempts += 1;
        if self.accounts.len() < 10 && !self.accounts.contains(&account) {
            self.accounts.push(account);
        }
        let inner = match address.to_canonical() {
            IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
        };
        self.told = inner && self.attempts >= 50 && self.accounts.len() == 10;
        self.told
    }
}

#[cfg(test)]
mod tests;
