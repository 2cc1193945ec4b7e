//! What of a running gateway is written into its journal.

use std::{
    collections::HashSet,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, bail};
use tokio::{
    task::{AbortHandle, spawn_blocking},
    time::{Instant, MissedTickBehavior, interval, interval_at},
};

use super::{exposure::Exposures, witness};
use crate::{
    common::clock,
    config::Config,
    identity::staff::{Change, What},
    journal::{Class, Journal, Kind, Record, Settings, State, Stream, open, shared::Shared, tree::hex},
    login::{
        Guard,
        event::{Event, Events, Heard, Verdict},
        stuffed::Failures,
    },
    observe::metrics::{Metrics, Sample, Source},
    seal::Ring,
    server::worker::Process,
    tls,
};

/// Most refused attempts that are written one by one in a [`MINUTE`]: whoever is refused could fill a disk.
const REFUSED: usize = 60;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// How long the end waits for the disk.
const LAST: Duration = Duration::from_secs(5);

/// The journal of a running gateway, or none.
#[derive(Debug, Default)]
pub(super) struct Running {
    journal: Option<Arc<Journal>>,
    /// What all gateways decide by; none where each has a folder of its own.
    stream: Option<Stream>,
    /// Who hears of attempts to sign in, and from which guard.
    listener: Option<(Arc<Guard>, AbortHandle)>,
    /// What looks after journals that nobody writes.
    idle: Option<AbortHandle>,
    /// Who writes down what requests have exposed.
    _exposures: Option<Exposures>,
    /// Who brings checkpoints to witnesses.
    _witnesses: Option<witness::Running>,
}

impl Running {
    /// Opens the journal where the data folder is held. One that nobody asked for, and that can't be opened, costs itself only.
    ///
    /// # Errors
    /// When it was asked for and is not to be had.
    pub(super) fn start(config: &Config, held: bool, process: &Process, guard: &Arc<Guard>) -> anyhow::Result<Self> {
        let Some(settings) = &config.journal else { return Ok(Self::default()) };
        let in_database = settings.place.postgres().is_some();
        let opened = || -> anyhow::Result<(Arc<Journal>, Option<Stream>)> {
            if !held && !in_database {
                bail!("the data folder is not held by this gateway");
            }
            let keys = config.seal.key_file.as_deref().context("there is no place for its keys")?;
            // Before a chain is claimed: whoever has other keys than the others must not begin one.
            let shared = in_database.then(|| Ring::load_or_make(keys)).transpose()?;
            let shared = shared.map(|ring| Stream::open(settings, ring)).transpose()?;
            let journal = Arc::new(Journal::open(settings, Ring::load_or_make(keys)?)?);
            let own = || Stream::Own(Arc::clone(&journal));
            let stream = shared.or_else(|| (!settings.place.is_many()).then(own));
            Ok((journal, stream))
        };
        let (journal, stream) = match opened() {
            Ok((journal, stream)) => (Some(journal), stream),
            Err(error) if settings.given || error.downcast_ref().is_some_and(is_damage) => {
                return Err(error.context(format!("the journal in {}", settings.place)));
            }
            Err(error) => {
                tracing::warn!(error = %format!("{error:#}"), "there is no journal");
                (None, None)
            }
        };
        let shared = if let Some(Stream::Shared(shared)) = &stream { Some(shared) } else { None };
        show(&process.metrics, journal.as_ref(), shared);
        let witnesses =
            journal.as_ref().map(|journal| witness::Running::start(journal, shared, settings, &process.metrics));
        let exposures = journal.as_ref().map(|journal| Exposures::start(journal, &process.metrics));
        let mut running =
            Self { journal, stream, listener: None, idle: None, _exposures: exposures, _witnesses: witnesses };
        running.look_after(config, HOUR);
        running.note(|| Record::process_started(&hex(&config.sha256)));
        let certificates = process.tls.expiries();
        running.note(|| Record::certificate_loaded(certificates.into_iter().map(|(name, _)| name).collect()));
        running.listen(guard);
        Ok(running)
    }

    /// The journal itself.
    pub(super) fn journal(&self) -> Option<&Arc<Journal>> {
        self.journal.as_ref()
    }

    /// What all gateways decide by.
    pub(super) fn stream(&self) -> Option<&Stream> {
        self.stream.as_ref()
    }

    /// Writes what `record` says, where there is a journal.
    pub(super) fn note(&self, record: impl FnOnce() -> Record) {
        if let Some(journal) = &self.journal {
            journal.note(&record());
        }
    }

    /// Hears of attempts to sign in from `guard`, and of no other.
    pub(super) fn listen(&mut self, guard: &Arc<Guard>) {
        let Some(journal) = &self.journal else { return };
        if self.listener.as_ref().is_some_and(|(known, _)| Arc::ptr_eq(known, guard)) {
            return;
        }
        let task = tokio::spawn(attempts(Arc::clone(journal), guard.subscribe())).abort_handle();
        if let Some((_, former)) = self.listener.replace((Arc::clone(guard), task)) {
            former.abort();
        }
    }

    /// A new configuration is in force, or why it is not. Its keys seal from now on.
    pub(super) fn reloaded(&mut self, config: &Config, outcome: &Result<(), String>) {
        match outcome {
            Err(why) => self.note(|| Record::config_refused(why)),
            Ok(()) => self.note(|| Record::config_reloaded(&hex(&config.sha256))),
        }
        if let (Ok(()), Some(journal), Some(keys)) = (outcome, &self.journal, &config.seal.key_file) {
            match Ring::load(keys) {
                Ok(ring) => {
                    journal.renew(ring);
                    if let (Some(Stream::Shared(shared)), Ok(ring)) = (&self.stream, Ring::load(keys)) {
                        shared.renew(ring);
                    }
                }
                Err(error) => tracing::error!(%error, "the journal goes on with the keys of before"),
            }
            self.look_after(config, Duration::ZERO);
        }
    }

    /// Looks every hour after journals of a place for several that nobody writes, first in `begin`.
    fn look_after(&mut self, config: &Config, begin: Duration) {
        let (Some(settings), Some(keys)) = (&config.journal, &config.seal.key_file) else { return };
        if self.journal.is_none() || !settings.place.is_many() {
            return;
        }
        let (settings, keys) = (settings.clone(), keys.clone());
        let task = tokio::spawn(async move {
            let mut hours = interval_at(Instant::now() + begin, HOUR);
            let mut expire = !begin.is_zero();
            loop {
                hours.tick().await;
                let (settings, keys) = (settings.clone(), keys.clone());
                // A panic in it is told by the hook, and another hour comes.
                let now = (expire && !clock::is_set()).then(clock::now);
                let _ = spawn_blocking(move || look_after_idle(&settings, &keys, now)).await;
                expire = true;
            }
        });
        if let Some(former) = self.idle.replace(task.abort_handle()) {
            former.abort();
        }
    }

    /// Something happened to certificates.
    pub(super) fn certificates(&self, event: &tls::Event) {
        let name = |file: &std::path::Path| file.display().to_string();
        self.note(|| match event {
            tls::Event::Reloaded { files } => Record::certificate_loaded(files.iter().map(|file| name(file)).collect()),
            tls::Event::Kept { file, error } => Record::certificate_refused(name(file), &error.to_string()),
            tls::Event::Expired { file, since } => Record::certificate_expired(name(file), *since),
        });
    }

    /// Who writes what happens to accounts, on another thread.
    pub(super) fn accounts(&self) -> impl Fn(&str, Change) + Send + use<> {
        let journal = self.journal.clone();
        move |realm, change| {
            let kind = match change.what {
                What::Added => Kind::AccountAdded,
                What::Removed => Kind::AccountRemoved,
                What::Changed(_) => Kind::AccountChanged,
            };
            let of = if let What::Changed(of) = &change.what { of.as_slice() } else { &[] };
            if let Some(journal) = &journal {
                journal.note(&Record::account(kind, realm, &change.account, of));
            }
        }
    }

    /// Writes what waits.
    pub(super) fn end(&self) {
        self.note(Record::process_stopped);
        if self.journal.as_ref().is_some_and(|journal| !journal.end(LAST)) {
            tracing::error!("the journal could not be written to its end");
        }
    }
}

/// In journals that nobody writes: keys of days that have run out are destroyed as well (where `now` is told), and the others sealed by the newest key.
fn look_after_idle(settings: &Settings, keys: &Path, now: Option<SystemTime>) {
    let places = settings.place.own().unwrap_or_else(|error| {
        tracing::error!(%error, "the journals that nobody writes can't be looked for");
        Vec::new()
    });
    for place in places {
        let name = place.to_string();
        let opened = || -> anyhow::Result<Journal> {
            Ok(Journal::open(&Settings { place, ..settings.clone() }, Ring::load(keys)?)?)
        };
        match opened() {
            Ok(journal) => {
                if let Some(now) = now {
                    journal.expire(now);
                }
                journal.end(LAST);
            }
            // Somebody writes it, and does so himself.
            Err(error) if error.downcast_ref().is_some_and(open::Error::is_held) => {}
            Err(error) => {
                tracing::error!(journal = name, error = %format!("{error:#}"), "a journal that nobody writes can't be opened");
            }
        }
    }
}

/// Whether records are not what they were: somebody has to look before more are written, or nobody ever would.
fn is_damage(error: &open::Error) -> bool {
    !matches!(error, open::Error::Locked(_) | open::Error::Io(_))
}

fn show(metrics: &Metrics, journal: Option<&Arc<Journal>>, shared: Option<&Arc<Shared>>) {
    let (up, shared) = (journal.cloned(), shared.cloned());
    metrics.show(Source::gauge("privet_journal_up", "Whether the journal can be written.", move || {
        let own = up.as_ref().is_some_and(|journal| journal.state() == State::Ready);
        (own && shared.as_ref().is_none_or(|shared| shared.is_up())).into()
    }));
    let Some(journal) = journal else { return };
    let [records, groups, waiting, dropped] = [(); 4].map(|()| Arc::clone(journal));
    metrics.show(Source::counters("privet_journal_records_total", "Records on disk, by class.", move || {
        let count = |class| records.counts().records(class).value();
        Class::ALL.map(|class| Sample::new(&[("class", class.name())], count(class))).into()
    }));
    metrics.show(Source::counter(
        "privet_journal_groups_total",
        "Groups of records, each of which has waited for the disk once.",
        move || groups.counts().groups.value(),
    ));
    metrics.show(Source::gauge("privet_journal_queue_records", "Records that wait for the disk.", move || {
        i64::try_from(waiting.waiting()).unwrap_or(i64::MAX)
    }));
    metrics.show(Source::counter(
        "privet_journal_dropped_total",
        "Records that were handed over and could not be written.",
        move || dropped.counts().dropped.value(),
    ));
}

/// Writes attempts to sign in at gates, and attempts at whatever login that a limit stood in the way of.
async fn attempts(journal: Arc<Journal>, mut events: Events) {
    let mut minute = interval(MINUTE);
    minute.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut refusals = Refusals::default();
    loop {
        tokio::select! {
            heard = events.next() => match heard {
                Some(Heard::Event(event)) => {
                    if let Some(record) = refusals.record(&event) {
                        journal.note(&record);
                    }
                }
                Some(Heard::Missed(missed)) => journal.note(&Record::sign_ins(Kind::SignInMissed, missed)),
                None => return,
            },
            _ = minute.tick() => {
                let more = refusals.renew();
                if more > 0 {
                    journal.note(&Record::sign_ins(Kind::SignInRefused, more));
                }
            }
        }
    }
}

/// Refused attempts of this minute.
#[derive(Debug, Default)]
struct Refusals {
    seen: HashSet<(Arc<str>, &'static str, String)>,
    more: u64,
    /// Who has failed at logins of applications.
    failures: Failures<String>,
}

impl Refusals {
    /// What is to be written of an attempt: the first refusal of an account from an address, and a bounded number of them.
    fn record(&mut self, event: &Event) -> Option<Record> {
        let account = event.account.map(|key| key.to_string());
        let address = event.source.to_string();
        let (kind, limit) = match event.verdict {
            Verdict::Success => (Kind::SignInSuccess, None),
            Verdict::Failure => (Kind::SignInFailure, None),
            Verdict::Refused(why) => (Kind::SignInRefused, Some(why.name())),
            Verdict::Unclear | Verdict::Abandoned | Verdict::Unreadable(_) => return None,
        };
        if let Some(limit) = limit {
            let whose = format!("{}/{address}", account.as_deref().unwrap_or_default());
            let key = (Arc::clone(&event.login), limit, whose);
            if self.seen.contains(&key) || self.seen.len() >= REFUSED {
                self.more += 1;
                return None;
            }
            self.seen.insert(key);
        } else if !event.login.starts_with("realm ") {
            // Who signs in at an application is the application's to write down; that somebody has guessed is not.
            let seconds = event.time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
            let own = format!("{} {}", event.login, account.as_deref()?);
            let failures = self.failures.take(seconds, &own, &address, kind == Kind::SignInSuccess)?;
            return Some(Record::login_stuffed(&event.login, account, address, failures));
        }
        Some(Record::sign_in(kind, &event.login, account, address, limit))
    }

    /// Begins another minute; how many refusals of the last were not written.
    fn renew(&mut self) -> u64 {
        self.seen.clear();
        std::mem::take(&mut self.more)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::login::{event::Address, key::Key, ledger::Why};

    fn event(login: &str, verdict: Verdict, account: u8) -> Event {
        Event {
            login: login.into(),
            verdict,
            address: Address(Ipv4Addr::LOCALHOST.into()),
            source: Key([1; 16]),
            account: Some(Key([account; 16])),
            induced: false,
            standing: None,
            time: SystemTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn attempts_at_gates_and_refusals_are_written_and_a_flood_is_summed() {
        let mut refusals = Refusals::default();
        let mut kind = |event: &Event| refusals.record(event).map(|record| record.kind());
        assert_eq!(kind(&event("realm staff", Verdict::Success, 1)), Some(Kind::SignInSuccess));
        assert_eq!(kind(&event("realm staff", Verdict::Failure, 1)), Some(Kind::SignInFailure));
        assert_eq!(kind(&event("shop", Verdict::Failure, 1)), None);
        assert_eq!(kind(&event("realm staff", Verdict::Abandoned, 1)), None);
        let refused = event("shop", Verdict::Refused(Why::Account), 1);
        assert_eq!((kind(&refused), kind(&refused)), (Some(Kind::SignInRefused), None));
        let written = (2..=200).filter(|n| kind(&event("shop", Verdict::Refused(Why::Address), *n)).is_some()).count();
        assert_eq!(written, REFUSED - 1);
        assert_eq!((refusals.renew(), refusals.renew()), (1 + 199 - 59, 0));
        assert!(refusals.record(&refused).is_some(), "another minute");
    }

    #[test]
    fn keys_run_out_in_folders_that_nobody_writes() {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = dir.path().join("seal.key");
        let settings = Settings::new(dir.path().join("journal-*"));
        let open = || Journal::open(&settings, Ring::load_or_make(&keys).expect("keys")).expect("opened");
        let written = [open(), open()];
        for journal in &written {
            journal.note(&Record::process_stopped());
        }
        let [written, idle] = written;
        drop(idle);
        let count = |number: u8| {
            let folder = dir.path().join(format!("journal-{number}/keys"));
            std::fs::read_dir(folder).expect("keys").flatten().filter(|e| e.file_name() != "lock").count()
        };
        look_after_idle(&settings, &keys, None);
        assert_eq!(count(2), 1, "not yet");
        let later = SystemTime::now() + settings.retention.operations + Duration::from_secs(3 * 86_400);
        look_after_idle(&settings, &keys, Some(later));
        written.end(LAST);
        let left = |number: u8| {
            let folder = dir.path().join(format!("journal-{number}"));
            let ring = Ring::load(&keys).expect("keys");
            let mut kinds = Vec::new();
            let unread = crate::journal::search::search(
                &folder.into(),
                ring,
                &crate::journal::search::Filter::default(),
                |line| {
                    kinds.push(line.kind);
                    true
                },
            );
            (unread.expect("read").destroyed, kinds)
        };
        assert_eq!(left(1), (0, vec!["process.stopped".to_owned()]), "its own gateway looks after it");
        assert_eq!(left(2), (1, vec!["journal.key_destroyed".to_owned()]));
    }
}
