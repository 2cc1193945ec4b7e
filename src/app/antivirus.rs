//! The scanner of a running gateway: made with its keys, watched, written down, shown in its metrics.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::Instant,
};

use super::keys;
use crate::{
    antivirus::{
        Event, Scanner,
        quarantine::Quarantine,
        scanner::watch,
        signatures::{Version, age},
    },
    common::clock,
    config::Config,
    journal::{Journal, Kind, Record},
    observe::metrics::{Metrics, Sample, Source},
};

/// Most findings that are written one by one in a [`MINUTE`]: whoever sends malware could fill a disk.
const FINDINGS: usize = 60;
const MINUTE: Duration = Duration::from_secs(60);

/// The scanner of a configuration: the former one where nothing has changed, else a new one that knows what that has learned; none where no
/// route asks for it.
///
/// # Errors
/// When keys, or the quarantine's folder, can't be used.
pub(super) fn of(
    config: &Config,
    journal: Option<&Arc<Journal>>,
    former: Option<&Arc<Scanner>>,
) -> anyhow::Result<Option<Arc<Scanner>>> {
    let Some(settings) = &config.antivirus else { return Ok(None) };
    if let Some(former) = former.filter(|former| former.settings() == settings) {
        return Ok(Some(Arc::clone(former)));
    }
    let kept = former.and_then(|former| former.quarantine());
    let quarantine = match &settings.quarantine {
        None => None,
        Some(wanted) if kept.is_some_and(|kept| kept.settings() == wanted) => kept.map(Arc::clone),
        Some(wanted) => {
            let ring = keys::ring(config, "what is in quarantine can't be opened after the next start")?;
            Some(Arc::new(Quarantine::open(wanted.clone(), ring).context("`antivirus.quarantine`")?))
        }
    };
    let scanner = Arc::new(Scanner::new(settings.clone(), quarantine, former.map(AsRef::as_ref))?);
    tokio::spawn(watch(Arc::downgrade(&scanner)));
    if let (Some(journal), None) = (journal, former) {
        tokio::spawn(write(Arc::clone(journal), scanner.subscribe()));
    }
    Ok(Some(scanner))
}

/// Writes down what scans have found, until nobody scans any more.
async fn write(journal: Arc<Journal>, mut events: Receiver<Event>) {
    let mut recent = VecDeque::new();
    loop {
        match events.recv().await {
            Ok(event) => {
                let now = Instant::now();
                while recent.front().is_some_and(|at| now.duration_since(*at) > MINUTE) {
                    recent.pop_front();
                }
                if matches!(event, Event::Found { .. }) {
                    if recent.len() >= FINDINGS {
                        continue;
                    }
                    recent.push_back(now);
                }
                journal.note(&record(event));
            }
            // The access log has them all.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

fn record(event: Event) -> Record {
    match event {
        Event::Found { route, request, direction, infection, refused, probe } => Record::new(
            Kind::MalwareFound,
            [
                ("route", route.into()),
                ("request_id", request.into()),
                ("direction", direction.name().into()),
                ("signature", infection.signature.into()),
                ("size", infection.size.into()),
                ("refused", refused.into()),
                ("quarantine", infection.quarantine.into()),
                ("probe", probe.then_some(true).into()),
            ],
        ),
        Event::Signatures(version) => signatures(Kind::SignaturesChanged, version),
        Event::Stale(version) => signatures(Kind::SignaturesStale, version),
    }
}

fn signatures(kind: Kind, version: Version) -> Record {
    let fields = [
        ("engine", version.engine.into()),
        ("signatures", version.signatures.into()),
        ("made", version.made.into()),
        ("tag", version.tag.into()),
    ];
    Record::new(kind, fields)
}

/// Shows what is known of scanners; nothing where nobody scans.
pub(super) fn show(metrics: &Metrics, scanner: Option<&Arc<Scanner>>) {
    type Says = fn(&Scanner) -> Option<i64>;
    let shown: [(&'static str, &'static str, Says); 8] = [
        ("privet_antivirus_up", "Whether all scanners answer.", |scanner| scanner.signatures().is_up().map(i64::from)),
        ("privet_antivirus_signatures_version", "Number of clamd's daily signatures.", |scanner| {
            scanner.signatures().version()?.signatures.map(i64::from)
        }),
        ("privet_antivirus_signatures_age_seconds", "Age of clamd's daily signatures.", |scanner| {
            let made = scanner.signatures().version()?.made?;
            Some(whole(age(made, clock::now()).as_secs()))
        }),
        (
            "privet_antivirus_signatures_stale",
            "Whether signatures are older than `max_age`, or nobody knows how old they are.",
            // Where nobody tells it, there is nothing to show.
            |scanner| {
                let dated = scanner.signatures().version().is_none_or(|version| version.dated);
                dated.then(|| i64::from(scanner.is_stale()))
            },
        ),
        ("privet_antivirus_waiting", "Bodies that wait for their turn to be scanned.", |scanner| {
            i64::try_from(scanner.waiting()).ok()
        }),
        ("privet_antivirus_held_bytes", "Bytes of bodies that are held, in memory and on disk.", |scanner| {
            Some(whole(scanner.held().0))
        }),
        ("privet_antivirus_held_memory_bytes", "Bytes of bodies that are held in memory.", |scanner| {
            Some(whole(scanner.held().1))
        }),
        (
            "privet_antivirus_not_quarantined",
            "Infected files that the quarantine had no room for, or could not take, since the start.",
            |scanner| Some(whole(scanner.unkept())),
        ),
    ];
    for (name, help, says) in shown {
        let scanner = scanner.cloned();
        metrics.show(Source::gauges(name, help, move || {
            scanner.as_deref().and_then(says).map(|value| Sample::new(&[], value)).into_iter().collect()
        }));
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
