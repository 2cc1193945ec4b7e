//! Requests that Privet makes of itself, to show that its safeguards hold: they pass every check like anybody's, and end at an internal origin
//! in place of the application.
//!
//! What makes a request one is a tag that is signed by a key of this process, bound to method, host and target, good for half a minute and once.
//! Any other is as good as none, and nobody is told. A probe's attempts to sign in are counted by a guard of their own, its deeds speak for no ban,
//! and whatever is written down of it says so.

use std::{
    collections::HashMap,
    fmt::Write as _,
    path::Path,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use arc_swap::ArcSwap;
use aws_lc_rs::{hmac, rand};
use http::{HeaderName, HeaderValue, Method};
use tokio::runtime::Handle;

use super::{
    head::Head,
    upstream::{
        cluster::Cluster,
        settings::{Balance, Ejection, Endpoint, Retry, Settings},
        shared::Shared,
    },
};
use crate::{
    common::{meter::Counter, watch::Watches},
    dial,
    identity::{Principal, principal},
    login::{self, Guard, Rule},
    observe::metrics::Metrics,
    seal::{self, Ring},
};

/// What carries a tag; towards the internal origin, what it is to answer.
pub const X_PRIVET_PROBE: HeaderName = HeaderName::from_static("x-privet-probe");
/// Who vouches for the one whom a probe speaks for: nobody can sign in by this name.
pub const ISSUER: &str = "privet:probe";
/// How long a tag is good for.
const LIFE: Duration = Duration::from_secs(30);
/// Most tags that wait to be used.
const WAITING: usize = 1024;
/// Most keys that the guard of probes remembers.
const KEYS: usize = 10_000;
/// Said where there is nothing to say; no role begins with it.
const NONE: &str = "-";

/// What a probe is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// The request's method.
    pub method: Method,
    /// Its `Host`, as it will be sent.
    pub host: String,
    /// Its canonical path, and its query.
    pub target: String,
    /// Whom it speaks for, and what is answered.
    pub probe: Probe,
}

/// Whom a probe speaks for, and what the internal origin answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe {
    /// The role of somebody who has signed in for this one request; nobody has where there is none.
    pub role: Option<String>,
    /// Whether that somebody has signed the pledge.
    pub signed: bool,
    /// By which number the internal origin makes people up; it says nothing of anybody without.
    pub people: Option<u64>,
}

/// Tags that were given out, and what probes are kept apart by. It outlives reloads.
pub struct Probes {
    key: hmac::Key,
    since: Instant,
    /// Numbers of tags that nobody has used, and when they end, in milliseconds of this process.
    waiting: Mutex<HashMap<u128, u64>>,
    login: ArcSwap<Apart>,
    origin: Option<Arc<Shared>>,
    /// Requests with a tag that was good, and with one that was not.
    pub counts: [Counter; 2],
}

/// Attempts to sign in that nobody has made.
struct Apart {
    guard: Arc<Guard>,
    rules: Mutex<Vec<Arc<Rule>>>,
}

/// Why there are no probes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No randomness.
    #[error("the system gives no random bytes")]
    Random,
    /// The key of the guard can't be made.
    #[error("a key can't be made")]
    Key(#[from] seal::keys::Error),
    /// The origin can't be dialled.
    #[error("the internal origin can't be used")]
    Origin(#[from] dial::Invalid),
    /// Too many wait.
    #[error("too many probes wait to be sent")]
    Full,
}

impl std::fmt::Debug for Probes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probes").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl Probes {
    /// Probes that end at the Unix socket `origin`; without one there are none.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new(origin: Option<&Path>, service: &Handle) -> Result<Arc<Self>, Error> {
        let origin = origin.map(|path| Shared::start(&Arc::new(to(path)), service)).transpose()?;
        let mut key = [0; 32];
        rand::fill(&mut key).map_err(|_| Error::Random)?;
        Ok(Arc::new(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            since: Instant::now(),
            waiting: Mutex::default(),
            login: ArcSwap::from_pointee(Apart::new()?),
            origin,
            counts: Default::default(),
        }))
    }

    /// Whether there is an origin for them.
    #[must_use]
    pub fn are_possible(&self) -> bool {
        self.origin.is_some()
    }

    /// The way of one worker to the internal origin. Its counts are nobody's: metrics are about applications.
    pub(super) fn way(&self, watches: &Rc<Watches>) -> Option<Rc<Cluster>> {
        self.origin.as_ref().map(|origin| Cluster::new(origin, watches, &Metrics::new(1), 0))
    }

    /// Forgets the attempts to sign in of probes before.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn renew(&self) -> Result<(), Error> {
        self.login.store(Arc::new(Apart::new()?));
        Ok(())
    }

    /// A tag for one request.
    ///
    /// # Errors
    /// When there is no randomness, or too many wait.
    pub fn issue(&self, errand: &Errand) -> Result<HeaderValue, Error> {
        self.issue_for(errand, LIFE)
    }

    fn issue_for(&self, errand: &Errand, life: Duration) -> Result<HeaderValue, Error> {
        let mut number = [0; 16];
        rand::fill(&mut number).map_err(|_| Error::Random)?;
        let number = u128::from_be_bytes(number);
        let now = self.now();
        let end = now + u64::try_from(life.as_millis()).unwrap_or(u64::MAX / 2);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, end| *end > now);
        if waiting.len() >= WAITING {
            return Err(Error::Full);
        }
        waiting.insert(number, end);
        let Probe { role, signed, people } = &errand.probe;
        let people = people.map_or(NONE.to_owned(), |people| format!("{people:016x}"));
        let mut text =
            format!("{number:032x}/{end}/{}/{}/{people}", role.as_deref().unwrap_or(NONE), u8::from(*signed));
        let mac = hmac::sign(&self.key, &bound(&errand.method, &errand.host, &errand.target, &text));
        text.push('/');
        for byte in mac.as_ref() {
            let _ = write!(text, "{byte:02x}");
        }
        let mut value = HeaderValue::from_str(&text).map_err(|_| Error::Random)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Takes the tag off a request, and says what it is for, where it is good: it is not good a second time.
    #[must_use]
    pub(super) fn admit(&self, head: &mut Head, method: &Method) -> Option<Box<Probe>> {
        let mut said = head.hop.get_all(&X_PRIVET_PROBE).iter();
        let tag = said.next()?.clone();
        let is_alone = said.next().is_none();
        head.hop.remove(&X_PRIVET_PROBE);
        let probe = tag.to_str().ok().filter(|_| is_alone).and_then(|tag| {
            let host = head.host.to_str().ok()?;
            self.open(tag, method, host, head.target.as_str())
        });
        self.counts[usize::from(probe.is_none())].increment();
        probe.map(Box::new)
    }

    fn open(&self, tag: &str, method: &Method, host: &str, target: &str) -> Option<Probe> {
        let (text, mac) = tag.rsplit_once('/')?;
        let mac = unhex(mac)?;
        // In constant time.
        hmac::verify(&self.key, &bound(method, host, target, text), &mac).ok()?;
        let mut parts = text.split('/');
        let (number, end) = (u128::from_str_radix(parts.next()?, 16).ok()?, parts.next()?.parse::<u64>().ok()?);
        let known = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        if known != Some(end) || end <= self.now() {
            return None;
        }
        let role = Some(parts.next()?).filter(|role| *role != NONE).map(str::to_owned);
        let signed = parts.next()? == "1";
        let people = Some(parts.next()?).filter(|people| *people != NONE);
        let people = people.map(|people| u64::from_str_radix(people, 16)).transpose().ok()?;
        Some(Probe { role, signed, people })
    }

    /// Milliseconds of this process: no clock that is set makes a tag live longer.
    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Who counts the attempts of probes at a login, by the same rule as those of people.
    pub(super) fn login(&self, of: &Rule) -> (Arc<Guard>, Arc<Rule>) {
        let apart = self.login.load_full();
        let mut rules = apart.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let known = rules.iter().find(|rule| rule.login() == of.login()).map(Arc::clone);
        let rule = known.unwrap_or_else(|| {
            let rule = Arc::new(apart.guard.rule(of.login()));
            rules.push(Arc::clone(&rule));
            rule
        });
        (Arc::clone(&apart.guard), rule)
    }
}

impl Apart {
    fn new() -> Result<Self, seal::keys::Error> {
        let settings = login::Settings { max_keys: KEYS, nobody_is_trusted: false, ..login::Settings::default() };
        Ok(Self { guard: Guard::new(&settings, &Ring::ephemeral()?), rules: Mutex::default() })
    }
}

impl Probe {
    /// Whom it speaks for, as if they had just proved it by two factors.
    #[must_use]
    pub(super) fn principal(&self, now: SystemTime) -> Option<Arc<Principal>> {
        let role = self.role.clone()?;
        Some(Arc::new(Principal {
            subject: "probe".to_owned(),
            issuer: ISSUER.to_owned(),
            roles: vec![role],
            methods: vec![principal::Method::Password, principal::Method::Otp],
            authenticated_at: now,
            name: None,
        }))
    }

    /// What the internal origin is told.
    pub(super) fn asks(&self) -> HeaderValue {
        let text = self.people.map(|people| format!("{people:016x}"));
        text.and_then(|text| HeaderValue::from_str(&text).ok()).unwrap_or(HeaderValue::from_static(NONE))
    }
}

/// What is signed. A line can't hold another one's end: none of them may have one.
fn bound(method: &Method, host: &str, target: &str, text: &str) -> Vec<u8> {
    ["privet probe 1", method.as_str(), host, target, text].join("\n").into_bytes()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|p| p.len() == 2)?, 16).ok()).collect()
}

/// How the internal origin is reached.
fn to(path: &Path) -> Settings {
    let dial = dial::Settings {
        target: dial::settings::Target::Unix(path.to_owned()),
        tls: None,
        connect_timeout: Duration::from_secs(5),
        resolve_every: Duration::from_secs(3600),
    };
    Settings {
        endpoints: vec![Endpoint { dial: Arc::new(dial), authority: "probe.privet.invalid".to_owned(), weight: 1 }],
        balance: Balance::RoundRobin,
        http2: false,
        pass_host: true,
        authorization: None,
        idle: Duration::from_secs(5),
        max_idle: 1,
        health: None,
        ejection: Ejection { failures: 0, duration: Duration::from_secs(1) },
        retry: Retry { attempts: 1, budget_percent: 100 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errand() -> Errand {
        let probe = Probe { role: Some("marketing".to_owned()), signed: true, people: Some(7) };
        Errand { method: Method::GET, host: "shop.example".to_owned(), target: "/a?b=c".to_owned(), probe }
    }

    fn probes() -> (tokio::runtime::Runtime, Arc<Probes>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let probes = Probes::new(None, runtime.handle()).expect("randomness");
        (runtime, probes)
    }

    #[test]
    fn a_tag_is_good_once_for_what_it_was_made_for() {
        let (_runtime, probes) = probes();
        let errand = errand();
        let tag = probes.issue(&errand).expect("a tag");
        let tag = tag.to_str().expect("text");
        for (method, host, target) in [
            (Method::POST, "shop.example", "/a?b=c"),
            (Method::GET, "other.example", "/a?b=c"),
            (Method::GET, "shop.example", "/a?b=d"),
            (Method::GET, "shop.example", "/admin"),
        ] {
            assert_eq!(probes.open(tag, &method, host, target), None, "{method} {host} {target}");
        }
        // What was not good has used nothing up.
        assert_eq!(probes.open(tag, &Method::GET, "shop.example", "/a?b=c"), Some(errand.probe.clone()));
        assert_eq!(probes.open(tag, &Method::GET, "shop.example", "/a?b=c"), None, "a second time");
    }

    #[test]
    fn forged_and_expired_tags_are_none() {
        let (runtime, probes) = probes();
        let errand = errand();
        let (own, other) = (probes.issue(&errand).expect("a tag"), Probes::new(None, runtime.handle()).expect("one"));
        let text = own.to_str().expect("text");
        assert_eq!(other.open(text, &Method::GET, "shop.example", "/a?b=c"), None, "another process's key");
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let forged = String::from_utf8(bytes).expect("text");
            assert_eq!(probes.open(&forged, &Method::GET, "shop.example", "/a?b=c"), None, "{at}");
        }
        for bad in ["", "/", "////////", "é/", &text[..text.len() - 1], &format!("{text}0")] {
            assert_eq!(probes.open(bad, &Method::GET, "shop.example", "/a?b=c"), None, "{bad}");
        }
        let late = probes.issue_for(&errand, Duration::ZERO).expect("a tag");
        assert_eq!(probes.open(late.to_str().expect("text"), &Method::GET, "shop.example", "/a?b=c"), None);
        assert!(probes.open(text, &Method::GET, "shop.example", "/a?b=c").is_some());
    }

    /// A head as it is when a request with these tags was read.
    fn head(tags: &[&str]) -> Head {
        let mut hop = http::HeaderMap::new();
        for tag in tags {
            hop.append(X_PRIVET_PROBE, HeaderValue::from_str(tag).expect("a value"));
        }
        Head {
            host: HeaderValue::from_static("shop.example"),
            is_bare: false,
            target: "/a?b=c".parse().expect("a target"),
            introduction: Rc::default(),
            upgrade: None,
            address: "127.0.0.1".parse().expect("an address"),
            stated: http::HeaderMap::new(),
            hop,
            probe: None,
        }
    }

    #[test]
    fn a_tag_is_taken_off_whatever_it_is() {
        let (_runtime, probes) = probes();
        let errand = errand();
        let tag = probes.issue(&errand).expect("a tag");
        let text = tag.to_str().expect("text");
        let admit = |method: Method, tags: &[&str]| {
            let mut head = head(tags);
            let probe = probes.admit(&mut head, &method);
            assert!(!head.hop.contains_key(X_PRIVET_PROBE));
            probe.map(|probe| *probe)
        };
        assert_eq!(admit(Method::GET, &[]), None);
        assert_eq!(admit(Method::GET, &[text, text]), None, "twice in one request");
        assert_eq!(admit(Method::POST, &[text]), None, "another method");
        assert_eq!(admit(Method::GET, &["x"]), None);
        assert_eq!(admit(Method::GET, &[text]), Some(errand.probe.clone()));
        assert_eq!(admit(Method::GET, &[text]), None, "replayed");
        let late = probes.issue_for(&errand, Duration::ZERO).expect("a tag");
        assert_eq!(admit(Method::GET, &[late.to_str().expect("text")]), None, "expired");
        assert_eq!(probes.counts.each_ref().map(Counter::value), [1, 5]);
    }

    #[test]
    fn waiting_tags_are_bounded() {
        let (_runtime, probes) = probes();
        let errand = errand();
        for _ in 0..WAITING {
            probes.issue(&errand).expect("a tag");
        }
        assert!(matches!(probes.issue(&errand), Err(Error::Full)));
    }
}
