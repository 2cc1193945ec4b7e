//! Keeps one certificate: looks at what is there, asks the authority when it wants it renewed, orders, and tries again.
//!
//! The file is the only thing between this and those who use the certificate: the store looks at it, here and in other processes that
//! share the folder. Whoever has the lock beside it orders; the others find a new file.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use instant_acme::{Account, CertificateIdentifier};
use rustls::pki_types::CertificateDer;
use tokio::time::{Instant, sleep, timeout};

use super::{
    Error, account,
    client::Client,
    folder::{self, Folder, Held},
    order,
    orders::Orders,
    schedule::{self, Failure},
};
use crate::{
    common::{lock_file, stamp::Stamps},
    tls::settings::{Acme, Challenge},
};

/// How often the file and the clock are looked at: others may have renewed it, and clocks are set.
const LOOK: Duration = Duration::from_secs(5);
/// Longest time for one attempt.
const ATTEMPT: Duration = Duration::from_secs(600);
/// Shortest time between a certificate and the next.
const LEAST: Duration = Duration::from_secs(30);
/// When to ask for the window again: where the authority could not be asked, and where it has none; and the bounds of what it says.
const ASK_AGAIN: (Duration, Duration) = (Duration::from_secs(600), Duration::from_secs(86_400));
const BETWEEN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(86_400));

/// One order, kept up for good.
pub(super) struct Renewal {
    settings: Acme,
    folder: Folder,
    orders: Arc<Orders>,
    client: Client,
    order: String,
    window: Option<Window>,
    failures: u32,
    not_before: Option<Instant>,
    /// The certificate's file when it was last read, and what was in it.
    seen: Option<(Stamps, Option<Held>)>,
}

/// What the authority suggests for one certificate.
struct Window {
    leaf: CertificateDer<'static>,
    bounds: Option<(i64, i64)>,
    ask_again: Instant,
}

impl Renewal {
    pub(super) fn new(settings: Acme, folder: Folder, orders: Arc<Orders>) -> Self {
        Self {
            client: Client::new(&settings),
            order: folder::order(&settings),
            settings,
            folder,
            orders,
            window: None,
            failures: 0,
            not_before: None,
            seen: None,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            self.step().await;
            sleep(LOOK).await;
        }
    }

    /// One look, and what follows from it.
    async fn step(&mut self) {
        let held = self.held();
        let due = match &held {
            Some(held) => self.due(held).await,
            None => 0,
        };
        if due > now() {
            // What another process has renewed has no trouble any more.
            if std::mem::take(&mut self.failures) > 0 {
                self.not_before = None;
            }
            self.orders.note(self.name(), |standing| {
                standing.next = Some(due);
                standing.trouble = None;
            });
            return;
        }
        if self.not_before.is_some_and(|at| at > Instant::now()) {
            return;
        }
        let _lock = match self.folder.lock(&self.settings) {
            Ok(lock) => lock,
            // Another process orders.
            Err(lock_file::Error::Held { .. }) => return,
            Err(error) => return self.failed(&folder::Error::from(error).into(), held.is_some()),
        };
        // Whoever had the lock until now may have done the work.
        if self.held().map(|held| held.leaf) != held.as_ref().map(|held| held.leaf.clone()) {
            return;
        }
        let orders = Arc::clone(&self.orders);
        let Ok(_turn) = orders.turns.acquire().await else { return };
        match timeout(ATTEMPT, self.attempt(held.as_ref())).await.unwrap_or(Err(Error::Slow)) {
            Ok(()) => self.succeeded().await,
            Err(error) => self.failed(&error, held.is_some()),
        }
    }

    /// The certificate as it is kept, read again where its file has changed. A damaged file is told of, and counts as none.
    fn held(&mut self) -> Option<Held> {
        if let Some((stamps, held)) = &self.seen
            && !stamps.are_stale()
        {
            return held.clone();
        }
        let stamps = Stamps::take([folder::certificate_file(&self.folder.0, &self.settings)]);
        let held = self.folder.held(&self.settings).unwrap_or_else(|error| {
            tracing::error!(domains = ?self.settings.domains, error = %error, "the stored certificate can't be used; another one is ordered");
            None
        });
        self.seen = Some((stamps, held.clone()));
        held
    }

    /// When `held` is to be replaced.
    async fn due(&mut self, held: &Held) -> i64 {
        if held.order != self.order {
            return 0;
        }
        let stale = |window: &Window| window.leaf != held.leaf || window.ask_again <= Instant::now();
        if self.window.as_ref().is_none_or(stale) {
            self.ask_window(held).await;
        }
        let suggested = self.window.as_ref().and_then(|window| window.bounds);
        let suggested = suggested.and_then(|(start, end)| held.life.renewal_within(start, end));
        suggested.unwrap_or_else(|| held.life.renewal(self.settings.renew_before))
    }

    /// Asks for the window within which the authority wants `held` renewed (RFC 9773). What it said before holds while it can't be asked.
    async fn ask_window(&mut self, held: &Held) {
        let before = self.window.take().filter(|window| window.leaf == held.leaf).and_then(|window| window.bounds);
        let (bounds, pause) = match timeout(ATTEMPT, self.window_of(held)).await.unwrap_or(Err(Error::Slow)) {
            Ok(Some((bounds, pause))) => (Some(bounds), pause.clamp(BETWEEN.0, BETWEEN.1)),
            Ok(None) => (None, ASK_AGAIN.1),
            Err(error) => {
                tracing::debug!(domains = ?self.settings.domains, %error, "the authority does not say when to renew");
                (before, ASK_AGAIN.0)
            }
        };
        self.window = Some(Window { leaf: held.leaf.clone(), bounds, ask_again: Instant::now() + pause });
    }

    async fn window_of(&mut self, held: &Held) -> Result<Option<((i64, i64), Duration)>, Error> {
        let Ok(identifier) = CertificateIdentifier::try_from(&held.leaf) else { return Ok(None) };
        self.client = Client::new(&self.settings);
        let Some(account) = account::known(&self.settings, &self.folder, &self.client).await? else { return Ok(None) };
        match account.renewal_info(&identifier).await {
            Err(instant_acme::Error::Unsupported(_)) => Ok(None),
            Err(error) => Err(error.into()),
            Ok((info, pause)) => {
                let window = info.suggested_window;
                Ok(Some(((window.start.unix_timestamp(), window.end.unix_timestamp()), pause)))
            }
        }
    }

    async fn attempt(&mut self, held: Option<&Held>) -> Result<(), Error> {
        // Reads `ca` anew.
        self.client = Client::new(&self.settings);
        let known = self.folder.account(&self.settings).is_some();
        let account = account::open(&self.settings, &self.folder, &self.client).await;
        let order = match account {
            Ok(account) => self.begin(&account, held).await,
            Err(error) => Err(error),
        };
        let order = match order {
            Err(error) if known && error.is_of_account() => {
                tracing::warn!(directory = %self.settings.directory, %error, "the authority does not know the ACME account; another one is made");
                self.folder.retire_account(&self.settings);
                let account = account::open(&self.settings, &self.folder, &self.client).await?;
                self.begin(&account, None).await?
            }
            order => order?,
        };
        let issued = order::finish(order, &self.settings, &self.orders.challenges).await?;
        Ok(self.folder.keep(&self.settings, &issued.key, &issued.chain)?)
    }

    /// An order in the place of `held`, where the authority knows of that and it is one of its own.
    async fn begin(&self, account: &Account, held: Option<&Held>) -> Result<instant_acme::Order, Error> {
        let own = |held: &&Held| self.window.as_ref().is_some_and(|w| w.bounds.is_some() && w.leaf == held.leaf);
        let replaced = held.filter(own).and_then(|held| CertificateIdentifier::try_from(&held.leaf).ok());
        order::begin(account, &self.settings, replaced).await
    }

    async fn succeeded(&mut self) {
        self.orders.count("issued");
        self.orders.note(self.name(), |standing| standing.trouble = None);
        let next = match self.held() {
            Some(held) => self.due(&held).await,
            None => 0,
        };
        let mut pause = LEAST;
        if next > now() {
            self.failures = 0;
        } else {
            // By a clock that is wrong, say: it must not be ordered again and again.
            if self.failures > 0 {
                pause = schedule::pause(Failure::Question, self.failures, None, fastrand::f64()).max(LEAST);
            }
            self.failures = self.failures.saturating_add(1);
            tracing::warn!(domains = ?self.settings.domains, again_in_s = pause.as_secs(), "a certificate is to be renewed as soon as it came: is the clock of this machine right?");
        }
        self.not_before = Some(Instant::now() + pause);
        tracing::info!(domains = ?self.settings.domains, directory = %self.settings.directory, "a certificate was issued");
    }

    fn failed(&mut self, error: &Error, is_held: bool) {
        self.orders.count(error.result());
        self.failures = self.failures.saturating_add(1);
        let asked = self.client.asked_to_wait(SystemTime::now());
        let pause = schedule::pause(error.failure(), self.failures, asked, fastrand::f64());
        self.not_before = Some(Instant::now() + pause);
        let text = chain(error);
        let next = now().saturating_add(i64::try_from(pause.as_secs()).unwrap_or(i64::MAX));
        self.orders.note(self.name(), |standing| {
            standing.next = Some(next);
            standing.trouble = Some(text.clone());
        });
        let hint = match (error, self.settings.challenge) {
            (Error::NotValidated { .. }, Challenge::TlsAlpn01) => {
                "the authority looks for this gateway at port 443 of the domain: its DNS, firewalls and port mappings must lead to `listen.https`"
            }
            (Error::NotValidated { .. }, Challenge::Http01) => {
                "the authority looks for this gateway at port 80 of the domain: its DNS, firewalls and port mappings must lead to `listen.http`"
            }
            (Error::Unreachable(_), _) => {
                "`directory`, `ca`, DNS and firewalls decide whether the authority can be asked"
            }
            _ => "docs/CERTIFICATES.md",
        };
        let meanwhile = if is_held { "the present certificate goes on" } else { "there is no certificate yet" };
        tracing::error!(
            domains = ?self.settings.domains,
            directory = %self.settings.directory,
            result = error.result(),
            error = %text,
            hint,
            again_in_s = pause.as_secs(),
            "a certificate was not issued; {meanwhile}"
        );
    }

    fn name(&self) -> &str {
        self.settings.domains.first().map_or("", String::as_str)
    }
}

/// An error and what is behind it. Causes come from connections and files, not from anybody's data.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
