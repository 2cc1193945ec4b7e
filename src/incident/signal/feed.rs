//! Records as they come, looked at by all rules; what these find goes to a case, or is only counted where an officer has muted it.

use std::{
    collections::{HashSet, VecDeque},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{
    super::{
        case::Sign,
        cases::Cases,
        command::{Actor, Command},
        ledger::Ledger,
    },
    detector::Detector,
    found::{Signal, Who},
    mutes::{Mutes, Muting, Order, Refused},
    past::WINDOW,
    reading::Reading,
    rule::Rule,
    settings::Settings,
    snooping::Lists,
};
use crate::{
    access::canary::Holder,
    identity::{
        Realm,
        order::{self, Order as Signed},
    },
    journal::{
        Journal, Kind, Place, Record, Stream,
        search::{self, Line},
    },
    registry::{self, Error, Moment, Registry},
    seal::Ring,
};

const DAY: u64 = 86_400_000;
/// What was found before a start, by records that are no older than this, is told if it was not.
const LATE: u64 = 2 * DAY;
/// A database is looked at so often, and what is younger than this waits: another gateway may still be writing what came before.
const DATABASE: (u64, u64) = (5000, 2000);

/// What watches the records of a gateway.
pub struct Feed {
    journal: Arc<Journal>,
    cases: Arc<Cases>,
    registry: Arc<Registry>,
    mutes: Arc<Ledger<Mutes>>,
    settings: ArcSwap<Settings>,
    keys: PathBuf,
    /// Nobody looks while somebody does.
    looking: Arc<Mutex<Looking>>,
    /// By rule: signals that went to a case, and that were muted.
    counts: Vec<[AtomicU64; 2]>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Feed")
    }
}

/// How far it has looked.
#[derive(Default)]
struct Looking {
    /// By which settings; another one begins again.
    by: Option<(Arc<Settings>, Detector, Reading)>,
    /// What is to be told still.
    pending: VecDeque<Signal>,
    /// When it was looked last, in milliseconds since 1970.
    last: u64,
    /// Trouble was told of.
    troubled: bool,
}

/// Why an order is not carried out. Nobody's name is in the texts.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// Who orders it can't prove who they are.
    #[error(transparent)]
    Unproved(#[from] order::Refused),
    /// It may not happen.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Denied {
    /// The exit code of a command that was refused so.
    #[must_use]
    pub fn exit(&self) -> u8 {
        match self {
            Self::Unproved(refused) => refused.exit(),
            Self::Refused(Refused::Journal(_)) => 3,
            Self::Refused(_) => 1,
        }
    }

    /// How to mend it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unproved(refused) => refused.hint(),
            Self::Refused(_) => None,
        }
    }
}

/// Carries out what an officer orders of mutes; what has happened.
///
/// # Errors
/// When who orders it can't prove who they are, or may not.
pub async fn carry_out(
    mutes: &Arc<Ledger<Mutes>>,
    registry: &Registry,
    realm: &Arc<Realm>,
    order: Signed<Order>,
    now: SystemTime,
) -> Result<Vec<Muting>, Denied> {
    let (person, order) = order.prove(realm, now).await?;
    let officers = registry.state();
    Ok(mutes.write(|state| state.decide(&officers, &order, &person, now.into())).await?)
}

impl Feed {
    /// One that looks at the records of a journal, from a window back on; `stream` is where mutes are kept.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn open(
        journal: Arc<Journal>,
        stream: Stream,
        keys: &Path,
        settings: Settings,
        cases: Arc<Cases>,
        registry: Arc<Registry>,
    ) -> Result<Arc<Self>, Error> {
        let mutes = Ledger::open(stream, keys)?;
        let counts = Rule::ALL.iter().map(|_| Default::default()).collect();
        let (settings, keys) = (ArcSwap::from_pointee(settings), keys.to_owned());
        Ok(Arc::new(Self { journal, cases, registry, mutes, settings, keys, looking: Arc::default(), counts }))
    }

    /// Takes other rules: it looks again at the past by these.
    pub fn apply(&self, settings: Settings) {
        if **self.settings.load() != settings {
            self.settings.store(Arc::new(settings));
        }
    }

    /// What is muted.
    #[must_use]
    pub fn mutes(&self) -> &Arc<Ledger<Mutes>> {
        &self.mutes
    }

    /// Who is an officer.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Rule, whether its signals were muted, and how many.
    pub fn counts(&self) -> impl Iterator<Item = (Rule, bool, u64)> {
        let one = |(rule, counts): (&Rule, &[AtomicU64; 2])| {
            [(*rule, false, counts[0].load(Relaxed)), (*rule, true, counts[1].load(Relaxed))]
        };
        Rule::ALL.iter().zip(&self.counts).flat_map(one)
    }

    /// Looks at what has come since it looked last, and tells of what was found.
    pub async fn look(&self, now: SystemTime) {
        let Ok(mut looking) = Arc::clone(&self.looking).try_lock_owned() else { return };
        let millis = Moment::from(now).millis();
        let in_database = self.journal.place().postgres().is_some();
        if in_database && millis < looking.last.saturating_add(DATABASE.0) {
            return;
        }
        looking.last = millis;
        let settings = self.settings.load_full();
        let (stream, keys, told) = (self.place(), self.keys.clone(), self.told(settings.utc_offset));
        let registry = self.registry.state();
        let until = if in_database { millis.saturating_sub(DATABASE.1) } else { u64::MAX };
        let read = tokio::task::spawn_blocking(move || {
            let outcome = looking.read(settings, stream, &keys, &registry, (millis, until), &told);
            (looking, outcome)
        });
        // A panic in it is told by the hook, and it begins again.
        let Ok((mut looking, outcome)) = read.await else { return };
        match outcome {
            Ok(()) => looking.troubled = false,
            Err(error) if !looking.troubled => {
                looking.troubled = true;
                tracing::error!(%error, "records can't be looked at for signals");
            }
            Err(_) => {}
        }
        while let Some(signal) = looking.pending.front() {
            if !self.tell(signal, now).await {
                break;
            }
            looking.pending.pop_front();
        }
    }

    fn place(&self) -> Place {
        match self.journal.place() {
            // What somebody does at one gateway belongs to what they do at another.
            Place::Database { postgres, .. } => Place::Database { postgres, chain: None },
            place @ Place::Folder(_) => place,
        }
    }

    /// What was told already.
    fn told(&self, utc_offset: i16) -> HashSet<(Rule, Who, i64)> {
        let state = self.cases.state();
        let signs = state.cases().flat_map(|case| &case.signs);
        signs.filter_map(|sign| Some((Rule::named(&sign.rule)?, who(sign), day(sign.at, utc_offset)))).collect()
    }

    /// Tells of a signal; whether it is written down.
    async fn tell(&self, signal: &Signal, now: SystemTime) -> bool {
        let muted = self.mutes.state().mutes(signal);
        let (rule, measure, threshold) = (signal.rule.name(), signal.measure, signal.threshold);
        if muted {
            self.journal.note(&muted_record(signal));
        } else {
            let title = match &*signal.planted {
                [] => format!("{rule}: {measure}, where {threshold} is told of"),
                [Holder { person, route }, ..] => {
                    format!("{rule}: planted into the list of {} on {route}", person.subject)
                }
            };
            let command = Command::Signal { sign: sign(signal), title };
            if let Err(denied) = self.cases.submit(command, &Actor::Gateway, now).await {
                tracing::error!(rule, %denied, "a signal can't be written down yet");
                return false;
            }
        }
        if let Some(place) = Rule::ALL.iter().position(|rule| *rule == signal.rule) {
            self.counts[place][usize::from(muted)].fetch_add(1, Relaxed);
        }
        tracing::warn!(rule, severity = ?signal.severity, measure, threshold, muted, "a signal");
        true
    }
}

impl Looking {
    fn read(
        &mut self,
        settings: Arc<Settings>,
        place: Place,
        keys: &Path,
        registry: &registry::State,
        (now, until): (u64, u64),
        told: &HashSet<(Rule, Who, i64)>,
    ) -> Result<(), search::Error> {
        if !self.by.as_ref().is_some_and(|(known, ..)| Arc::ptr_eq(known, &settings)) {
            let ring = Ring::load(keys).map_err(|error| search::Error::Key(error.to_string()))?;
            let lists = Lists::of(&settings, &ring, registry.people().map(|(person, _)| person));
            let since = now.saturating_sub((WINDOW as u64 + 1) * DAY);
            let detector = Detector::new(Settings::clone(&settings), lists);
            self.by = Some((settings, detector, Reading::new(place, keys.to_owned(), since)));
            self.pending.clear();
        }
        let Some((settings, detector, reading)) = &mut self.by else { return Ok(()) };
        let (mut found, mut muted) = (Vec::new(), HashSet::new());
        let outcome = reading.read(until, |line, base| {
            muted.extend(was_muted(line));
            found.extend(detector.take(line, base));
        });
        let offset = settings.utc_offset;
        found.retain(|signal| {
            let key = (signal.rule, signal.who.clone(), day(signal.at, offset));
            signal.at.millis() + LATE >= now && !told.contains(&key) && !muted.contains(&key)
        });
        self.pending.extend(found);
        outcome
    }
}

fn day(at: Moment, utc_offset: i16) -> i64 {
    super::fact::At::new(at.millis() / 1000, utc_offset).day
}

fn who(sign: &Sign) -> Who {
    match (&sign.person, &sign.address, Rule::named(&sign.rule)) {
        (Some(person), ..) => Who::Person(person.clone()),
        (None, Some(address), _) => Who::Address(address.clone()),
        (None, None, Some(Rule::Journal | Rule::Configuration)) => Who::Gateway,
        _ => sign.routes.first().cloned().map_or(Who::Gateway, Who::Route),
    }
}

/// As a case has it.
#[must_use]
pub fn sign(signal: &Signal) -> Sign {
    let (person, address) = match &signal.who {
        Who::Person(person) => (Some(person.clone()), None),
        Who::Address(address) => (None, Some(address.clone())),
        Who::Route(_) | Who::Gateway => (None, None),
    };
    // What somebody has done is looked at on all routes.
    let routes = if person.is_some() { None } else { signal.route.clone() };
    let seconds = signal.at.millis() / 1000;
    Sign {
        rule: signal.rule.name().to_owned(),
        severity: signal.severity,
        at: signal.at,
        person,
        address,
        routes: routes.into_iter().collect(),
        since: Moment::at(seconds.saturating_sub(signal.rule.span())),
        records: signal.evidence.clone(),
        measure: signal.measure,
        threshold: signal.threshold,
        planted: signal.planted.clone(),
    }
}

fn muted_record(signal: &Signal) -> Record {
    let fields = [
        ("rule", signal.rule.name().into()),
        ("who", json!(signal.who)),
        ("day", signal.day.into()),
        ("route", json!(signal.route)),
        ("measure", signal.measure.into()),
        ("threshold", signal.threshold.into()),
        ("records", json!(signal.evidence)),
        ("planted", json!(signal.planted)),
    ];
    Record::new(Kind::SignalMuted, fields)
}

fn was_muted(line: &Line) -> Option<(Rule, Who, i64)> {
    if line.kind != Kind::SignalMuted.name() {
        return None;
    }
    let rule = line.body.get("rule").and_then(Value::as_str).and_then(Rule::named)?;
    let who = serde_json::from_value(line.body.get("who")?.clone()).ok()?;
    Some((rule, who, line.body.get("day")?.as_i64()?))
}
