//! The certificates and the trust in use, and their renewal while connections go on.
//!
//! A handshake loads one pointer; everything else happens off its path. What is in use is replaced
//! as a whole, so a live connection keeps what it began with, and a new one sees old or new, never
//! a mixture. A file that has gone bad changes nothing: the last good state stays, and
//! [`Store::refresh`] says so once.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::Ticketer,
    server::{NoServerSessionStorage, ProducesTickets},
    sign::CertifiedKey,
};

use super::{
    acme::{Orders, folder::certificate_file},
    certificate::Certificate,
    client_auth,
    client_auth::Trusted,
    dev_ca, profile,
    resolver::Resolver,
    settings::{Client, Settings},
    table::{Listed, Source},
    watch::{Look, Watched},
};
use crate::dial::pem;

/// The store cannot be opened, or a file in it has gone bad.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A chain or its key.
    #[error(transparent)]
    File(#[from] pem::Error),
    /// A leaf that rustls takes and that cannot be read for its names and dates.
    #[error("{0} begins with a certificate that cannot be parsed")]
    Leaf(PathBuf),
    /// The development authority.
    #[error(transparent)]
    Development(#[from] dev_ca::Error),
    /// Authorities or revocation lists for client certificates.
    #[error(transparent)]
    Client(#[from] client_auth::Error),
    /// The TLS library refused the configuration, or has no randomness.
    #[error("the TLS configuration was refused")]
    Tls(#[from] rustls::Error),
}

/// What a refresh found.
#[derive(Debug)]
pub enum Event {
    /// These files changed and are in use from now on.
    Reloaded {
        /// A chain and its key, or authorities and revocation list.
        files: Vec<PathBuf>,
    },
    /// These files changed for the worse; what was read before stays in use. Reported once for
    /// each distinct failure; tried again at every refresh.
    Kept {
        /// The chain, or the authorities.
        file: PathBuf,
        /// What is wrong.
        error: Error,
    },
    /// A certificate or revocation list in use has run out. Reported once. Clients refuse an
    /// expired certificate; an expired revocation list makes Privet refuse client certificates.
    Expired {
        /// The chain, or the revocation list.
        file: PathBuf,
        /// When, in seconds since the epoch.
        since: i64,
    },
}

/// Certificates and trust, shared by all workers.
#[derive(Debug)]
pub struct Store {
    current: ArcSwap<ServerConfig>,
    state: Mutex<State>,
    orders: Arc<Orders>,
}

/// Pairs that are looked at at a time: to ask for the files of 10,000 takes as long as some hundred requests.
const LOOKS: usize = 256;

#[derive(Debug)]
struct State {
    settings: Settings,
    /// Whether the one pair is the development leaf.
    development: bool,
    pairs: Vec<Watched<Pair>>,
    /// What is ordered, in the order of the settings; `None` where it has not come yet.
    ordered: Vec<Watched<Option<Pair>>>,
    /// What was found while this was made, for the next refresh to tell.
    found: Vec<Event>,
    trust: Watched<Trusted>,
    /// Process-wide, so that a client may resume at any worker and after a reload. Replaced with
    /// the trust, so that no session outlives the trust that it was made under.
    tickets: Arc<dyn ProducesTickets>,
    told_expired: Vec<(PathBuf, i64)>,
    told_development: Option<String>,
    /// The pair at which the next look begins.
    turn: usize,
}

#[derive(Debug, Clone)]
struct Pair {
    certified: Arc<CertifiedKey>,
    facts: Certificate,
}

impl Store {
    /// Reads all files; makes the development authority where no certificate is named and none is
    /// ordered. Expired certificates are taken, and ordered ones may be missing or damaged: the
    /// first [`Store::refresh`] tells of them.
    ///
    /// # Errors
    /// A file is missing or unfit; the message says which and what to do.
    pub fn open(settings: &Settings, now: SystemTime) -> Result<Arc<Self>, Error> {
        let state = State::load(settings, now, None)?;
        let current = ArcSwap::from(state.server_config()?);
        Ok(Arc::new(Self { current, state: Mutex::new(state), orders: Arc::default() }))
    }

    /// What new connections are accepted with.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Looks at files and takes over what has changed: at all of them, or where there are more than `LOOKS` pairs, at so many in turn. Blocks
    /// on files, for microseconds while nothing has changed; call it every second, away from the workers.
    pub fn refresh(&self, now: SystemTime) -> Vec<Event> {
        let mut state = self.lock();
        let mut events = std::mem::take(&mut state.found);
        state.renew_development(now, &mut events);
        let mut changed = state.look_at_pairs(&mut events);
        changed |= state.look_at_ordered(&mut events);
        changed |= state.look_at_trust(&mut events);
        if changed {
            match state.server_config() {
                Ok(config) => self.current.store(config),
                Err(error) => events.push(Event::Kept { file: state.first_file(), error }),
            }
        }
        state.tell_expired(now, &mut events);
        events
    }

    /// Takes over other settings: all of them, or on an error none. Blocks on files.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn reconfigure(&self, settings: &Settings, now: SystemTime) -> Result<(), Error> {
        let mut state = self.lock();
        let next = State::load(settings, now, Some(&state))?;
        self.current.store(next.server_config()?);
        *state = next;
        Ok(())
    }

    /// When the certificates in use run out: the first DNS name, or the file's name where there is none, and the earliest end of those that
    /// share it, in seconds since the epoch.
    #[must_use]
    pub fn expiries(&self) -> Vec<(String, i64)> {
        let state = self.lock();
        let mut ends: BTreeMap<String, i64> = BTreeMap::new();
        let one = |(file, pair): (&Path, &Pair)| {
            let file = || file.file_name().unwrap_or_default().to_string_lossy().into();
            (pair.facts.names.first().cloned().unwrap_or_else(file), pair.facts.until)
        };
        for (name, end) in state.in_use().map(one) {
            ends.entry(name).and_modify(|known| *known = end.min(*known)).or_insert(end);
        }
        ends.into_iter().collect()
    }

    /// All certificates in use, and those that are waited for.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        let state = self.lock();
        let listed = |pair: &Pair, source| Listed {
            names: pair.facts.names.clone(),
            issuer: Some(pair.facts.issuer.clone()),
            validity: Some((pair.facts.since, pair.facts.until)),
            source,
            next: None,
            trouble: None,
        };
        let source = if state.development { Source::Development } else { Source::File };
        let files = state.pairs.iter().map(|pair| listed(&pair.value, source(pair.first().to_path_buf())));
        let ordered = state.ordered.iter().zip(&state.settings.acme).map(|(pair, settings)| {
            let source = Source::Acme(settings.directory.to_string());
            let standing = self.orders.standing(settings.domains.first().map_or("", String::as_str));
            let listed = match &pair.value {
                Some(pair) => listed(pair, source),
                None => Listed {
                    names: settings.domains.clone(),
                    issuer: None,
                    validity: None,
                    source,
                    next: None,
                    trouble: None,
                },
            };
            Listed { next: standing.next, trouble: standing.trouble, ..listed }
        });
        files.chain(ordered).collect()
    }

    /// The orders of this process.
    #[must_use]
    pub fn orders(&self) -> &Arc<Orders> {
        &self.orders
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is replaced piece by piece with whole values: usable even after a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn load(settings: &Settings, now: SystemTime, before: Option<&Self>) -> Result<Self, Error> {
        let development = settings.is_development();
        if development {
            dev_ca::ensure(&settings.development_dir, now)?;
        }
        let pairs = (0..settings.certificates.len() + usize::from(development))
            .map(|number| source(settings, number))
            .map(|(chain, key)| Watched::load(&[chain.clone(), key.clone()], || Pair::read(&chain, &key)))
            .collect::<Result<_, Error>>()?;
        for file in settings.acme.iter().filter_map(|order| order.ca.as_ref()) {
            pem::roots(file)?;
        }
        let ordered = settings.acme.iter().map(|order| {
            let file = certificate_file(&settings.acme_dir, order);
            let known =
                before.into_iter().flat_map(|before| &before.ordered).find(|known| known.files() == [file.clone()]);
            known.cloned().unwrap_or_else(|| Watched::unread(None, &[file]))
        });
        let ordered = ordered.collect();
        let read = || Trusted::load(&settings.client, &profile::provider(settings.profile));
        let trust = Watched::load(&trust_files(&settings.client), read)?;
        let tickets = match before {
            Some(before) if before.trust.value.same(&trust.value) => before.tickets.clone(),
            _ => Ticketer::new()?,
        };
        let mut state = Self {
            settings: settings.clone(),
            development,
            pairs,
            ordered,
            found: Vec::new(),
            trust,
            tickets,
            told_expired: Vec::new(),
            told_development: None,
            turn: 0,
        };
        let mut found = Vec::new();
        state.look_at_ordered(&mut found);
        state.found = found;
        Ok(state)
    }

    /// Certificates in use, and their files.
    fn in_use(&self) -> impl Iterator<Item = (&Path, &Pair)> {
        let files = self.pairs.iter().map(|pair| (pair.first(), &pair.value));
        let ordered = self.ordered.iter().filter_map(|pair| Some((pair.first(), pair.value.as_ref()?)));
        files.chain(ordered)
    }

    fn server_config(&self) -> Result<Arc<ServerConfig>, Error> {
        let profile = self.settings.profile;
        let pairs = self.pairs.iter().map(|pair| &pair.value);
        let pairs = pairs.chain(self.ordered.iter().filter_map(|pair| pair.value.as_ref()));
        let ordered = self.settings.acme.iter().flat_map(|order| &order.domains).map(String::as_str);
        let resolver = Resolver::new(pairs.map(|pair| (&pair.certified, pair.facts.names.as_slice())), ordered);
        let mut config = ServerConfig::builder_with_provider(profile::provider(profile))
            .with_protocol_versions(profile::versions(profile))?
            .with_client_cert_verifier(self.trust.value.verifier.clone())
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = self.tickets.clone();
        // Tickets carry sessions; a store on the server would only be a lock that all workers share.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // One is enough for a client that keeps its connection, and spares bytes and a cipher run.
        config.send_tls13_tickets = 1;
        // No early data: it can be replayed, and a login must not be.
        config.max_early_data_size = 0;
        config.send_half_rtt_data = false;
        // But for who asks for another first: `profile::wants_chacha20`.
        config.ignore_client_order = true;
        Ok(Arc::new(config))
    }

    fn renew_development(&mut self, now: SystemTime, events: &mut Vec<Event>) {
        let soon = seconds(now) + dev_ca::RENEW_BEFORE.whole_seconds();
        let due = |pair: &Watched<Pair>| pair.value.facts.until < soon || pair.is_stale();
        if !self.development || !self.pairs.iter().any(due) {
            return;
        }
        match dev_ca::ensure(&self.settings.development_dir, now) {
            Ok(_) => self.told_development = None,
            Err(error) => {
                let text = Some(error.to_string());
                if self.told_development != text {
                    let file = self.settings.development_dir.clone();
                    let error = error.into();
                    events.push(Event::Kept { file, error });
                }
                self.told_development = text;
            }
        }
    }

    fn look_at_pairs(&mut self, events: &mut Vec<Event>) -> bool {
        let mut changed = false;
        let count = self.pairs.len();
        let due = (self.turn..).take(count.min(LOOKS));
        self.turn = (self.turn + LOOKS) % count.max(1);
        for number in due.map(|number| number % count) {
            let pair = &mut self.pairs[number];
            let (chain, key) = source(&self.settings, number);
            match pair.look(|| Pair::read(&chain, &key)) {
                Look::Nothing => {}
                Look::Failed(error) => events.push(Event::Kept { file: chain, error }),
                // Touched, or put back after an accident: nothing to tell.
                Look::Replaced(before) if before.certified.cert == pair.value.certified.cert => {}
                Look::Replaced(_) => {
                    changed = true;
                    events.push(Event::Reloaded { files: pair.files() });
                }
            }
        }
        changed
    }

    fn look_at_ordered(&mut self, events: &mut Vec<Event>) -> bool {
        let mut changed = false;
        for pair in &mut self.ordered {
            let file = pair.first().to_path_buf();
            // One that was there and is not any more is a fault like others: what was read stays.
            let is_awaited = pair.value.is_none();
            let read = || {
                if is_awaited && !file.exists() { Ok(None) } else { Pair::read(&file, &file).map(Some) }
            };
            let certificate = |pair: &Option<Pair>| pair.as_ref().map(|pair| pair.certified.cert.clone());
            match pair.look(read) {
                Look::Nothing => {}
                Look::Failed(error) => events.push(Event::Kept { file, error }),
                Look::Replaced(before) if certificate(&before) == certificate(&pair.value) => {}
                Look::Replaced(_) => {
                    changed = true;
                    events.push(Event::Reloaded { files: pair.files() });
                }
            }
        }
        changed
    }

    fn look_at_trust(&mut self, events: &mut Vec<Event>) -> bool {
        let settings = &self.settings;
        let read = || -> Result<Trusted, Error> {
            let provider = profile::provider(settings.profile);
            Ok(Trusted::load(&settings.client, &provider)?)
        };
        match self.trust.look(read) {
            Look::Nothing => false,
            Look::Failed(error) => {
                events.push(Event::Kept { file: self.trust.first().to_path_buf(), error });
                false
            }
            Look::Replaced(before) if before.same(&self.trust.value) => false,
            Look::Replaced(before) => match Ticketer::new() {
                Ok(tickets) => {
                    self.tickets = tickets;
                    events.push(Event::Reloaded { files: self.trust.files() });
                    true
                }
                // Without fresh tickets old sessions would outlive their trust: try again later.
                Err(error) => {
                    self.trust.value = before;
                    let error = Error::Tls(error);
                    if self.trust.reports(&error) {
                        let file = self.trust.files().into_iter().next().unwrap_or_default();
                        events.push(Event::Kept { file, error });
                    }
                    false
                }
            },
        }
    }

    fn tell_expired(&mut self, now: SystemTime, events: &mut Vec<Event>) {
        let pairs = self.in_use().map(|(file, pair)| (file, pair.facts.until));
        let ends = pairs.chain(self.trust.value.lists_until.as_ref().map(|(file, until)| (file.as_path(), *until)));
        let over = ends.filter(|(_, until)| *until < seconds(now)).map(|(file, until)| (file.to_path_buf(), until));
        let over: Vec<_> = over.collect();
        for end in &over {
            if !self.told_expired.contains(end) {
                events.push(Event::Expired { file: end.0.clone(), since: end.1 });
            }
        }
        self.told_expired = over;
    }

    fn first_file(&self) -> PathBuf {
        self.pairs.first().map(|pair| pair.first().to_path_buf()).unwrap_or_default()
    }
}

impl Pair {
    fn read(chain: &Path, key: &Path) -> Result<Self, Error> {
        let certified = pem::certified_key(chain, key)?;
        let leaf = certified.cert.first();
        let facts = leaf.and_then(Certificate::parse).ok_or_else(|| Error::Leaf(chain.to_path_buf()))?;
        Ok(Self { certified: Arc::new(certified), facts })
    }
}

/// Chain and key of a pair, by its number in the settings.
fn source(settings: &Settings, number: usize) -> (PathBuf, PathBuf) {
    match settings.certificates.get(number) {
        Some(pair) => (pair.chain.clone(), pair.key.clone()),
        None => dev_ca::leaf_files(&settings.development_dir),
    }
}

fn trust_files(client: &Client) -> Vec<PathBuf> {
    match client {
        Client::Off => Vec::new(),
        Client::Request(trust) | Client::Require(trust) => {
            let list = trust.crl.clone();
            std::iter::once(trust.ca.clone()).chain(list).collect()
        }
    }
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
