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

/// What of a request tells whether it is an attempt, besides where it goes.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Its query.
    pub query: Option<&'a str>,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Whether it has a body.
    pub has_body: bool,
}

impl Asked<'_> {
    /// Whether there is something to read besides the query, or a wish to be taken for another method. Applications may read it whatever the
    /// method.
    fn carries(&self) -> bool {
        const OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];
        self.has_body || OVERRIDES.iter().any(|name| self.headers.contains_key(*name))
    }
}

fn is_reading(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether `path` is `wanted` to some application.
fn is_path_of(wanted: &str, below: bool, path: &[u8]) -> bool {
    const SCRIPTS: [&str; 6] = [".php", ".jsp", ".asp", ".aspx", ".cgi", ".do"];
    let Some((start, rest)) = path.split_at_checked(wanted.len()) else { return false };
    if !start.eq_ignore_ascii_case(wanted.as_bytes()) {
        return false;
    }
    let is_script = || SCRIPTS.iter().any(|extension| wanted.to_ascii_lowercase().ends_with(extension));
    match rest {
        [] | [b';', ..] => true,
        [b'/', ..] if below => true,
        [b'/', rest @ ..] => rest.iter().all(|b| *b == b'/') || is_script(),
        [b'.', rest @ ..] => !rest.contains(&b'/') || rest.iter().all(|b| matches!(b, b'/' | b'.')),
        rest => rest.starts_with(b"%20") || rest.starts_with(b" "),
    }
}

/// Paths at which somebody was refused, as hashes under a key of this process; bounded.
#[derive(Debug, Default)]
struct Refusing(Mutex<std::collections::HashSet<u64>>, std::hash::RandomState);

impl Refusing {
    /// Most that are remembered.
    const MOST: usize = 16_384;

    fn add(&self, path: &str) {
        let mut paths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if paths.len() >= Self::MOST {
            // They come again with the next refusals.
            paths.clear();
        }
        paths.insert(self.hash(path));
    }

    fn holds(&self, path: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&self.hash(path))
    }

    fn hash(&self, path: &str) -> u64 {
        std::hash::BuildHasher::hash_one(&self.1, path)
    }
}

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
    refusing: Refusing,
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
            refusing: Refusing::default(),
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
    pub fn concerns(&self, host: &str, method: &Method, path: &str, ask: &Asked<'_>) -> bool {
        self.is_path(path) && self.is_host(host) && self.is_method(method, ask) && self.has_credentials(ask.headers)
    }

    /// What an answer says where it came from and how it was asked for: a request that reads shows no success, for pages without any
    /// failure are what reading brings; and where `basic` lets somebody in proves nothing unless others are refused there.
    #[must_use]
    pub fn weigh(&self, method: &Method, path: &str, status: StatusCode, judged: Judged) -> Judged {
        if self.login.username == Username::Basic {
            return match judged {
                _ if status == StatusCode::UNAUTHORIZED => {
                    self.refuses_at(path);
                    judged
                }
                Judged::Success if !(status.is_success() || status.is_redirection()) => Judged::Unclear,
                Judged::Success if !self.refusing.holds(path) => Judged::Unproven,
                judged => judged,
            };
        }
        let reads = is_reading(method) && !self.login.methods.contains(method.as_str());
        if reads && judged == Judged::Success { Judged::Unclear } else { judged }
    }

    /// Somebody was refused at `path` for want of credentials.
    pub fn refuses_at(&self, path: &str) {
        if self.login.username == Username::Basic && self.is_path(path) {
            self.refusing.add(path);
        }
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

    /// Whether `path` is the login's, to whatever application: besides case and slashes at the end, parameters (`/login;x`), dots and spaces at
    /// the end (`/login.`), an extension (`/login.json`), a path behind a script (`/login.php/x`) and a script before the path (`/index.php/login`) may
    /// make no difference.
    fn is_path(&self, path: &str) -> bool {
        let wanted = self.login.path.trim_end_matches('/');
        if is_path_of(wanted, self.login.below, path.as_bytes()) {
            return true;
        }
        let Some(script) = memchr::memmem::find(path.as_bytes(), b".php/") else { return false };
        is_path_of(wanted, self.login.below, &path.as_bytes()[script + 4..])
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

    fn is_method(&self, method: &Method, ask: &Asked<'_>) -> bool {
        let named: &BTreeSet<String> = &self.login.methods;
        let reads = is_reading(method);
        match &self.login.username {
            Username::Basic if named.is_empty() => true,
            _ if named.contains(method.as_str()) => true,
            // Servlets often take by GET what they take by POST.
            source if reads => ask.carries() || ask.query.is_some_and(|query| is_in_query(source, query)),
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
