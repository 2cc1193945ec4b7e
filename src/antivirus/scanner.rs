//! Who scans: turns, what outlives a reload, and the watch over scanners and their signatures.

use std::{
    net::IpAddr,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::sync::{Semaphore, broadcast};

use super::{
    engines::{Engines, Said},
    event::Event,
    parts::Name,
    quarantine::{self, Quarantine},
    reading::Reading,
    room::{Room, Share},
    scan::{Means, Pick, Scan},
    seen::{Clean, Fingerprint, Passage, Passed},
    settings::Settings,
    signatures::{Signatures, stamp},
    spool::{Held, Place, Spool},
    verdict::{Direction, Infection, Verdict},
};
use crate::{
    common::{clock, meter::Counter, peer::limit_key},
    seal::keys,
};

/// How often scanners are asked how they are.
const LOOK: Duration = Duration::from_secs(5);
/// Events that nobody has read yet; what comes beyond pushes out the oldest.
const EVENTS: usize = 256;

/// What a body belongs to.
#[derive(Debug, Clone)]
pub struct About {
    /// The route's name.
    pub route: String,
    /// The request's id.
    pub request: String,
    /// Which way it goes.
    pub direction: Direction,
    /// Whether Privet has made it up itself: then nothing is kept of it.
    pub probe: bool,
}

/// What was made of a body, and the files that were looked at.
#[derive(Debug)]
pub struct Scanned {
    /// The verdict.
    pub verdict: Verdict,
    /// The files, up to the one that ended it.
    pub files: Vec<Fingerprint>,
}

/// Scans bodies, for all workers.
#[derive(Debug)]
pub struct Scanner {
    settings: Settings,
    engines: Engines,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    room: Arc<Room>,
    place: Arc<Place>,
    kept: Arc<Kept>,
    quarantine: Option<Arc<Quarantine>>,
}

/// What outlives a reload.
#[derive(Debug)]
struct Kept {
    signatures: Signatures,
    clean: Clean,
    passage: Passage,
    events: broadcast::Sender<Event>,
    unkept: Counter,
}

/// Why there is no scanner.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No random bytes.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// No place for infected files.
    #[error(transparent)]
    Quarantine(#[from] quarantine::Error),
}

impl Scanner {
    /// A scanner by these settings. What `former` has learned it knows as well.
    ///
    /// # Errors
    /// When there are no random bytes, or no place for infected files.
    pub fn new(settings: Settings, quarantine: Option<Arc<Quarantine>>, former: Option<&Self>) -> Result<Self, Error> {
        let kept = match former {
            Some(former) => Arc::clone(&former.kept),
            None => Arc::new(Kept {
                signatures: Signatures::default(),
                clean: Clean::default(),
                passage: Passage::default(),
                events: broadcast::channel(EVENTS).0,
                unkept: Counter::new(),
            }),
        };
        // Others may know other signatures.
        kept.signatures.renew();
        Ok(Self {
            engines: Engines::new(&settings),
            turns: Arc::new(Semaphore::new(settings.connections)),
            waiting: AtomicUsize::new(0),
            room: Room::new(settings.spool, settings.spool_per_address, settings.memory),
            place: Place::new(settings.folder.clone())?,
            kept,
            quarantine,
            settings,
        })
    }

    /// What it goes by.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Who is asked.
    #[must_use]
    pub fn engines(&self) -> &Engines {
        &self.engines
    }

    /// What is known of scanners and their signatures.
    #[must_use]
    pub fn signatures(&self) -> &Signatures {
        &self.kept.signatures
    }

    /// Files that have passed.
    #[must_use]
    pub fn passage(&self) -> &Passage {
        &self.kept.passage
    }

    /// Where infected files are kept.
    #[must_use]
    pub fn quarantine(&self) -> Option<&Arc<Quarantine>> {
        self.quarantine.as_ref()
    }

    /// Hears of what happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.kept.events.subscribe()
    }

    /// Bodies that wait for their turn.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// Bytes that are held, and those of them in memory.
    #[must_use]
    pub fn held(&self) -> (u64, u64) {
        self.room.held()
    }

    /// Infected files that the quarantine did not take.
    #[must_use]
    pub fn unkept(&self) -> u64 {
        self.kept.unkept.value()
    }

    /// Whether signatures are older than they should be.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.kept.signatures.are_stale(self.settings.max_age, clock::now())
    }

    /// Begins to hold a body of this address.
    #[must_use]
    pub fn hold(&self, address: IpAddr) -> Spool {
        Spool::new(&self.place, Share::new(&self.room, limit_key(address)))
    }

    /// Waits for a turn, and for the verdict on a body that came from, or goes to, `address`. Dropped, it gives up.
    pub async fn scan(self: &Arc<Self>, held: &Arc<Held>, reading: Reading, about: &About, address: IpAddr) -> Scanned {
        let nothing = |verdict| Scanned { verdict, files: Vec::new() };
        let waiting = Waiting::new(&self.waiting);
        if waiting.before >= self.settings.queue && self.turns.available_permits() == 0 {
            return nothing(Verdict::Unavailable("too many wait"));
        }
        let turn = Arc::clone(&self.turns).acquire_owned();
        let Ok(Ok(turn)) = tokio::time::timeout(self.settings.timeout, turn).await else {
            return nothing(Verdict::Unavailable("too many wait"));
        };
        drop(waiting);
        let given_up = GiveUp(Arc::default());
        let (own, held, about, cancelled) =
            (Arc::clone(self), Arc::clone(held), about.clone(), Arc::clone(&given_up.0));
        let scanned = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            own.judge(&held, &reading, &about, address, &cancelled)
        });
        scanned.await.unwrap_or_else(|_| nothing(Verdict::Unavailable("the scan failed")))
    }

    fn judge(&self, held: &Held, reading: &Reading, about: &About, address: IpAddr, cancelled: &AtomicBool) -> Scanned {
        let is_released =
            |sha256: &[u8; 32]| self.quarantine.as_ref().is_some_and(|quarantine| quarantine.is_released(&hex(sha256)));
        let means = Means {
            engines: &self.engines,
            upload: about.direction == Direction::Upload,
            clean: &self.kept.clean,
            epoch: self.kept.signatures.epoch(),
            // What an application hands out is its own; what people send is nobody else's business, not even by how long it takes.
            whose: (about.direction == Direction::Upload).then(|| limit_key(address)),
            is_released: &is_released,
            patience: self.settings.timeout,
            cancelled,
        };
        let mut scan = Scan::new(&means);
        let read = reading.run(held, &mut scan);
        let mut verdict = scan.verdict(read);
        let (files, name) = (scan.files, scan.name);
        if let (Verdict::Infected(infection), Some(file)) = (&mut verdict, files.last()) {
            infection.quarantine = self.keep(held, reading, about, infection, (file, name));
        }
        Scanned { verdict, files }
    }

    fn keep(
        &self,
        held: &Held,
        reading: &Reading,
        about: &About,
        infection: &Infection,
        (file, name): (&Fingerprint, Name),
    ) -> Option<String> {
        let quarantine = self.quarantine.as_ref().filter(|_| !about.probe)?;
        let about = quarantine::About {
            at: clock::millis(),
            signature: infection.signature.clone(),
            route: about.route.clone(),
            request: about.request.clone(),
            direction: about.direction.name().to_owned(),
            size: file.size,
            sha256: hex(&file.sha256),
            field: name.field,
            name: name.file,
        };
        let kept = quarantine.keep(&about, |write| {
            let mut failed = None;
            let write = |bytes: &[u8]| {
                write(bytes).map_err(|error| {
                    failed = Some(error);
                    Verdict::Full
                })
            };
            // It ends where the writing fails, and was read as a whole before.
            let _ = reading.run(held, &mut Pick { wanted: infection.item, number: 0, write });
            failed.map_or(Ok(()), Err)
        });
        kept.inspect_err(|error| {
            self.kept.unkept.increment();
            tracing::error!(%error, "an infected file is not kept");
        })
        .ok()
    }

    /// Malware was found.
    pub fn tell(&self, about: &About, infection: &Infection, refused: bool) {
        // Nobody has to listen.
        let _ = self.kept.events.send(Event::Found {
            route: about.route.clone(),
            request: about.request.clone(),
            direction: about.direction,
            infection: infection.clone(),
            refused,
            probe: about.probe,
        });
    }

    /// A body goes on, of which these files are known; nothing where it was not scanned.
    pub fn passed(&self, about: &About, files: &[Fingerprint]) {
        let passage = &self.kept.passage;
        if files.is_empty() {
            passage.note_unknown(self.settings.remember);
            return;
        }
        let (request, route): (Arc<str>, Arc<str>) = (about.request.as_str().into(), about.route.as_str().into());
        let at = clock::millis();
        for file in files {
            let (request, route) = (Arc::clone(&request), Arc::clone(&route));
            passage
                .note(Passed { file: *file, request, route, direction: about.direction, at }, self.settings.remember);
        }
    }

    /// Asks scanners how they are, and looks at clamd's folder. Blocking.
    pub fn look(&self) {
        let Said { version, away, nobody } = self.engines.look();
        let folder = self.settings.database.as_deref().map(stamp).unwrap_or_default();
        let signatures = &self.kept.signatures;
        signatures.note_nobody(nobody);
        let changes = signatures.note(version, folder, self.settings.max_age, clock::now());
        let (who, version) = (self.engines.name(), signatures.version());
        let number = version.as_ref().and_then(|version| version.signatures);
        if changes.away {
            for (name, error) in &away {
                tracing::error!(%error, "{name} does not answer");
            }
        }
        if changes.back {
            tracing::info!(signatures = number, "{who} answers again");
        }
        if changes.signatures {
            tracing::info!(signatures = number, "{who} has other signatures");
            let _ = version.clone().map(|version| self.kept.events.send(Event::Signatures(version)));
        }
        if changes.stale {
            tracing::error!(signatures = number, "clamd's signatures are stale, or of unknown age");
            let _ = version.map(|version| self.kept.events.send(Event::Stale(version)));
        }
        if changes.fresh {
            tracing::info!(signatures = number, "clamd's signatures are fresh again");
        }
    }
}

/// Looks at scanners every few seconds, and at the quarantine, until `scanner` is gone.
pub async fn watch(scanner: Weak<Scanner>) {
    while let Some(scanner) = scanner.upgrade() {
        let _ = tokio::task::spawn_blocking(move || {
            scanner.look();
            if let Some(quarantine) = &scanner.quarantine {
                quarantine.sweep(std::time::SystemTime::now());
            }
        })
        .await;
        tokio::time::sleep(LOOK).await;
    }
}

/// Counts who waits.
struct Waiting<'a> {
    count: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        Self { count, before: count.fetch_add(1, Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Relaxed);
    }
}

/// Dropped, it lets whoever scans know that nobody waits.
struct GiveUp(Arc<AtomicBool>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// In hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
