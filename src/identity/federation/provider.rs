//! What is known of an issuer: its endpoints and keys, fetched off the path of requests and kept fresh.
//!
//! [`Provider::run`] is a task of the service runtime. A request reads what is known, and waits for at most [`LONGEST_WAIT`], only
//! where its token names a key that is not known and the issuer may be asked again.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use serde_json::Value;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until, timeout},
};

use super::{
    claims::Claims,
    fetch::{self, Fetch},
    jwks::KeySet,
    jwt::{self, Expected, Kind, Refused},
    settings::Issuer,
};
use crate::dial::address::Address;

/// Where an issuer describes itself (`OpenID` Connect Discovery 1.0, section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";
/// Longest time that a request waits for keys to be fetched.
pub const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// Shortest time between two fetches that tokens with unknown keys cause.
const BETWEEN_WISHES: Duration = Duration::from_secs(30);
/// Within which keys are fetched again, whatever the issuer says; and where it says nothing.
const REFRESH: (Duration, Duration, Duration) =
    (Duration::from_secs(300), Duration::from_secs(12 * 3600), Duration::from_secs(3600));
/// First pause after a failure; doubled each time, up to the shortest refresh.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// How long keys are good when the issuer can't be reached to confirm them.
const KEEP: Duration = Duration::from_secs(24 * 3600);

/// Where an issuer does what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Where people are sent to sign in.
    pub authorization: Option<Address>,
    /// Where a code is changed into tokens.
    pub token: Option<Address>,
    /// Its public keys.
    pub jwks: Option<Address>,
    /// Where more claims are.
    pub userinfo: Option<Address>,
    /// Where people are sent to sign out.
    pub end_session: Option<Address>,
    /// Whether the token endpoint takes our secret in the form only.
    pub secret_in_form: bool,
    /// Whether every answer to a sign-in names its issuer (RFC 9207).
    pub names_itself: bool,
}

/// Why an issuer's documents were not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was not reached.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// Another status than 200.
    #[error("the issuer answers {0}")]
    Status(u16),
    /// The discovery document is none, or names another issuer.
    #[error("the discovery document is not one of this issuer")]
    Metadata,
    /// No keys, or none that can be used.
    #[error("the issuer publishes no key that can be used")]
    Keys,
}

impl Metadata {
    /// Asks an issuer for its discovery document.
    ///
    /// # Errors
    /// When it is not reached, or what it says is no such document of its own.
    pub async fn ask(issuer: &Issuer, fetch: &Fetch) -> Result<Self, Error> {
        let place = issuer.address.below(DISCOVERY).map_err(|_| Error::Metadata)?;
        let answer = whole(fetch.get(&place, None).await?)?;
        Self::parse(&answer.body, issuer).ok_or(Error::Metadata)
    }

    /// Reads a discovery document.
    #[must_use]
    pub fn parse(document: &[u8], issuer: &Issuer) -> Option<Self> {
        let value: Value = serde_json::from_slice(document).ok()?;
        // OpenID Connect Discovery 1.0, section 4.3: identical.
        if value.get("issuer")?.as_str()? != issuer.name {
            return None;
        }
        // An issuer reached by TLS sends nobody to anywhere without, not even to this machine.
        let fits = |address: &Address| address.server_name().is_some() || issuer.address.server_name().is_none();
        let place = |name| Address::parse(value.get(name)?.as_str()?).ok().filter(fits);
        let methods = value.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
        let knows = |method: &str| methods.is_some_and(|all| all.iter().any(|one| one == method));
        Some(Self {
            authorization: place("authorization_endpoint"),
            token: place("token_endpoint"),
            jwks: place("jwks_uri"),
            userinfo: place("userinfo_endpoint"),
            end_session: place("end_session_endpoint"),
            secret_in_form: knows("client_secret_post") && !knows("client_secret_basic"),
            names_itself: value.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
        })
    }
}

struct Known {
    set: KeySet,
    until: Instant,
}

/// An issuer.
pub struct Provider {
    issuer: Issuer,
    jwks: Option<Address>,
    fetch: Fetch,
    metadata: ArcSwapOption<Metadata>,
    keys: ArcSwapOption<Known>,
    last: Mutex<Option<Instant>>,
    busy: AtomicBool,
    wished: AtomicBool,
    wish: Notify,
    rounds: watch::Sender<u64>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.issuer.name).finish_non_exhaustive()
    }
}

impl Provider {
    /// Nothing is known of it until [`Provider::run`] runs. With `jwks` the keys are there, and nothing is discovered.
    #[must_use]
    pub fn new(issuer: &Issuer, jwks: Option<Address>) -> Arc<Self> {
        Arc::new(Self {
            issuer: issuer.clone(),
            jwks,
            fetch: Fetch::new(issuer.ca.clone()),
            metadata: ArcSwapOption::empty(),
            keys: ArcSwapOption::empty(),
            last: Mutex::default(),
            busy: AtomicBool::new(false),
            wished: AtomicBool::new(false),
            wish: Notify::new(),
            rounds: watch::Sender::new(0),
        })
    }

    /// Its settings.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Its endpoints, once they are known.
    #[must_use]
    pub fn metadata(&self) -> Option<Arc<Metadata>> {
        self.metadata.load_full()
    }

    /// Asks its servers.
    #[must_use]
    pub fn fetch(&self) -> &Fetch {
        &self.fetch
    }

    /// Keeps what is known fresh; never ends.
    pub async fn run(self: Arc<Self>) {
        let mut pause = FIRST_PAUSE;
        loop {
            self.busy.store(true, Ordering::Release);
            // Whatever was wished for until now is what comes.
            self.wished.store(false, Ordering::Release);
            *self.last() = Some(Instant::now());
            let outcome = self.refresh().await;
            self.busy.store(false, Ordering::Release);
            self.rounds.send_modify(|rounds| *rounds += 1);
            let next = match outcome {
                Ok(max_age) => {
                    pause = FIRST_PAUSE;
                    max_age.map_or(REFRESH.2, |age| age.clamp(REFRESH.0, REFRESH.1))
                }
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(tracing::field::display);
                    tracing::warn!(issuer = self.issuer.name, error = %error, cause, "the keys of an issuer were not fetched");
                    let longer = (pause * 2).min(REFRESH.0);
                    std::mem::replace(&mut pause, longer)
                }
            };
            tokio::select! {
                () = sleep_until(Instant::now() + next) => {}
                () = self.is_wished() => {}
            }
        }
    }

    async fn is_wished(&self) {
        while !self.wished.load(Ordering::Acquire) {
            self.wish.notified().await;
        }
    }

    async fn refresh(&self) -> Result<Option<Duration>, Error> {
        let place = match &self.jwks {
            Some(place) => place.clone(),
            None => self.discover().await?.jwks.clone().ok_or(Error::Metadata)?,
        };
        let answer = whole(self.fetch.get(&place, None).await?)?;
        let set = KeySet::parse(&answer.body).ok_or(Error::Keys)?;
        self.keys.store(Some(Arc::new(Known { set, until: Instant::now() + KEEP })));
        Ok(answer.max_age)
    }

    async fn discover(&self) -> Result<Arc<Metadata>, Error> {
        let metadata = Arc::new(Metadata::ask(&self.issuer, &self.fetch).await?);
        for place in [&metadata.token, &metadata.userinfo].into_iter().flatten() {
            self.fetch.prepare(place)?;
        }
        self.metadata.store(Some(Arc::clone(&metadata)));
        Ok(metadata)
    }

    /// The claims of `token`, where it is a `kind` for one of `audience`.
    ///
    /// # Errors
    /// When it is not, or the issuer's keys are not known.
    pub async fn verify(
        &self,
        token: &str,
        audience: &[String],
        kind: Kind<'_>,
        now: SystemTime,
    ) -> Result<Claims, Refused> {
        let mut rounds = self.rounds.subscribe();
        let first = self.verify_now(token, audience, kind, now);
        if first != Err(Refused::UnknownKey) || !self.may_wish(Instant::now()) {
            return first;
        }
        match timeout(LONGEST_WAIT, rounds.changed()).await {
            Ok(Ok(())) => self.verify_now(token, audience, kind, now),
            _ => first,
        }
    }

    fn verify_now(&self, token: &str, audience: &[String], kind: Kind<'_>, now: SystemTime) -> Result<Claims, Refused> {
        let algorithms = &self.issuer.algorithms;
        let expected = Expected { issuer: &self.issuer.name, audience, algorithms, kind };
        let known = self.keys.load();
        match known.as_deref().filter(|known| Instant::now() < known.until) {
            Some(known) => jwt::verify(token, &known.set, &expected, now),
            None => jwt::verify(token, &KeySet::default(), &expected, now),
        }
    }

    /// Whether waiting for another round may help: one is under way, or the last is long enough ago that one begins now.
    fn may_wish(&self, now: Instant) -> bool {
        if self.busy.load(Ordering::Acquire) {
            return true;
        }
        let mut last = self.last();
        if last.is_some_and(|last| now.duration_since(last) < BETWEEN_WISHES) {
            return false;
        }
        *last = Some(now);
        self.busy.store(true, Ordering::Release);
        self.wished.store(true, Ordering::Release);
        self.wish.notify_one();
        true
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn whole(answer: fetch::Answer) -> Result<fetch::Answer, Error> {
    if answer.status == http::StatusCode::OK { Ok(answer) } else { Err(Error::Status(answer.status.as_u16())) }
}

#[cfg(test)]
mod tests;
