//! One login made ready: which requests are attempts, whose account they name, what an answer says.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::{
    breached::{Hash, List},
    challenge,
    judge::{Judged, told},
    key::{Account, AllTerms, Key, Secrets},
    learn::{Belief, Learned},
    pace::Pace,
    settings::{Login, Outcome, Username},
    state::{millis, second},
    username::{self, Unreadable, basic_credentials, is_in_query},
};
use crate::common::authority::Authority;

/// Most bytes of an answer that are looked at.
const ANSWER: usize = 64 << 10;

/// One login made ready.
#[derive(Debug)]
pub struct Rule {
    pub(super) login: Arc<Login>,
    pub(super) name: Arc<str>,
    pub(super) terms: AllTerms,
    pub(super) route: Key,
    pub(super) pace: Pace,
    pub(super) breached: Option<List>,
    secrets: Arc<Secrets>,
    learned: Arc<Learned>,
    told: Mutex<String>,
}

impl Rule {
    pub(super) fn new(login: &Arc<Login>, secrets: &Arc<Secrets>, learned: Arc<Learned>) -> Self {
        let limits = &login.limits;
        Self {
            name: login.name.as_str().into(),
            terms: AllTerms::of(login),
            route: secrets.bucket("route", limits.route.window, [login.name.as_bytes(), b""]),
            pace: Pace::new(limits.address, limits.route),
            breached: login.breached.as_ref().map(|breached| List::open(&breached.list)),
            login: Arc::clone(login),
            secrets: Arc::clone(secrets),
            learned,
            told: Mutex::default(),
        }
    }

    /// The login's name: host and path as written.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As configured.
    #[must_use]
    pub fn login(&self) -> &Arc<Login> {
        &self.login
    }

    /// Whether a request is an attempt. `path` is canonical. What some applications take for the same counts as the same: case, slashes at the
    /// end, every method that can change something, and a query that names an account and a password.
    #[must_use]
    pub fn concerns(&self, host: &str, method: &Method, path: &str, query: Option<&str>, headers: &HeaderMap) -> bool {
        self.is_path(path) && self.is_host(host) && self.is_method(method, query) && self.has_credentials(headers)
    }

    /// Whether an answer at this place may say that a challenge of this login was solved. `path` is canonical; slashes at its end make no
    /// difference.
    #[must_use]
    pub fn is_challenge(&self, host: &str, path: &str) -> bool {
        let trimmed = |path: &str| path.trim_end_matches('/').len();
        self.login.challenge.as_deref().is_some_and(|own| own[..trimmed(own)] == path[..trimmed(path)])
            && self.is_host(host)
    }

    /// The `Set-Cookie` for a client that has solved it, with which one more attempt passes.
    #[must_use]
    pub fn solved(&self, address: IpAddr, now: SystemTime) -> Option<HeaderValue> {
        let source = self.secrets.address(&self.login.realm, address);
        challenge::issue(&self.secrets, &source, second(millis(now)))
    }

    fn is_path(&self, path: &str) -> bool {
        let (wanted, path) = (self.login.path.trim_end_matches('/').as_bytes(), path.as_bytes());
        let Some((start, rest)) = path.split_at_checked(wanted.len()) else { return false };
        let ends = if self.login.below { matches!(rest, [] | [b'/', ..]) } else { rest.iter().all(|b| *b == b'/') };
        ends && start.eq_ignore_ascii_case(wanted)
    }

    fn is_host(&self, host: &str) -> bool {
        let Some(wanted) = &self.login.host else { return true };
        let Some(authority) = Authority::parse(host) else { return false };
        let key = authority.key();
        match wanted.strip_prefix("*.") {
            Some(suffix) => key.split_once('.').is_some_and(|(_, rest)| rest == suffix),
            None => *key == **wanted,
        }
    }

    fn is_method(&self, method: &Method, query: Option<&str>) -> bool {
        let named: &BTreeSet<String> = &self.login.methods;
        let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        match &self.login.username {
            Username::Basic if named.is_empty() => true,
            _ if named.contains(method.as_str()) => true,
            // Servlets often take by GET what they take by POST.
            source if reads => query.is_some_and(|query| is_in_query(source, query)),
            _ => named.is_empty(),
        }
    }

    fn has_credentials(&self, headers: &HeaderMap) -> bool {
        self.login.username != Username::Basic
            || headers.get_all(header::AUTHORIZATION).iter().any(|value| basic_credentials(value).is_some())
    }

    /// Most bytes of the body that [`Rule::username`] needs; 0 where the username is in a header.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        match self.login.username {
            Username::Basic | Username::Header(_) => 0,
            _ => self.login.body_limit,
        }
    }

    /// The account that a request names; `None` when it is surely no attempt and may pass. `body` is the whole body, or its first
    /// [`Rule::body_limit`] bytes and one more when it is larger.
    ///
    /// # Errors
    /// When it can't be read without doubt, and the request must be refused.
    pub fn username(
        &self,
        query: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Option<Account>, Unreadable> {
        let login = &self.login;
        let name = match username::read(&login.username, login.body_limit, query, headers, body) {
            Err(Unreadable::Missing) if login.passes_without_username => return Ok(None),
            read => read?,
        };
        let realm = &login.realm;
        Ok(Some(match (&login.username, headers.get(header::AUTHORIZATION)) {
            (Username::Basic, Some(value)) => self.secrets.credentials(realm, &name, value.as_bytes()),
            _ => self.secrets.account(realm, &name),
        }))
    }

    /// The password of a request, as lists of breached ones name it; nothing where it is not looked up, or can't be told without doubt.
    #[must_use]
    pub fn password(&self, query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Option<Hash> {
        let place = &self.login.breached.as_ref()?.password;
        let password = username::password(place, self.login.body_limit, query, headers, body)?;
        Some(Hash::of(&password))
    }

    /// The account called `name`, where that is known without a request. What is no name at all is an account as well, that nobody has.
    #[must_use]
    pub fn account(&self, name: &str) -> Account {
        let canonical = username::canonical(name.as_bytes()).unwrap_or_default();
        self.secrets.account(&self.login.realm, &canonical)
    }

    /// What an answer says. `headers` are as the client sees them; `body` is the first [`Rule::answer_limit`] bytes, without a content
    /// coding, in the second call after [`Judged::NeedsBody`].
    #[must_use]
    pub fn judge(&self, status: StatusCode, headers: &HeaderMap, body: Option<&[u8]>) -> Judged {
        let path = &self.login.path;
        match &self.login.outcome {
            Outcome::Told { failure, success } => told(path, (failure, success), status, headers, body),
            Outcome::Learned => {
                let judged = self.learned.judge(path, status, headers, body);
                self.tell();
                judged
            }
        }
    }

    /// Most bytes of an answer's body that [`Rule::judge`] may ask for; 0 where it never does.
    #[must_use]
    pub fn answer_limit(&self) -> usize {
        match &self.login.outcome {
            Outcome::Told { failure, success } if failure.body.is_none() && success.body.is_none() => 0,
            _ => ANSWER,
        }
    }

    /// What `auto` believes so far; nothing where signs are told.
    #[must_use]
    pub fn belief(&self) -> Option<Belief> {
        (self.login.outcome == Outcome::Learned).then(|| self.learned.belief())
    }

    /// Logs a belief that has changed.
    fn tell(&self) {
        let Belief { text, confidence } = self.learned.belief();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told != text {
            tracing::info!(login = &*self.name, belief = text, confidence, "what a login's answers look like");
            *told = text;
        }
    }
}
