//! Who is banned: one word over orders, lists and scenarios.

use std::{
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use arc_swap::ArcSwap;
use ipnet::IpNet;
use tokio::runtime::Handle;

use super::{
    bucket::Terms,
    list::List,
    order::{self, Order, Orders},
    paths,
    scenario::Scenario,
    seal::Seal,
    settings::{Answer, Settings},
    shared::{Entry, News, Said, Shared},
    table::{Deed, Held, Ladder, Noted, Table},
    who::{Key, Who},
};
use crate::common::{clock, meter::Counter, peer::is_within};

/// How often the log of other replicas is read.
const LOOK: Duration = Duration::from_secs(1);
/// How often what means nothing any more is forgotten, in looks.
const SWEEP: u32 = 60;

/// Why somebody is banned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An operator has ordered it.
    Operator,
    /// A list of others, by its name.
    List(Arc<str>),
    /// The address, by what it did.
    Address(Scenario),
    /// The session, by what it did.
    Session(Scenario),
}

/// A ban.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Why.
    pub source: Source,
    /// Until when, in milliseconds since 1970, where that is known.
    pub until: Option<u64>,
}

impl Ban {
    /// Whether it holds whoever asks, at every page, and before a handshake: it was not made for what may have been somebody else at the address.
    #[must_use]
    pub fn is_absolute(&self) -> bool {
        matches!(self.source, Source::Operator | Source::List(_))
    }
}

/// What is counted of bans.
#[derive(Debug, Default)]
pub struct Counts {
    bans: [[Counter; Settings::STEPS]; Scenario::ALL.len()],
    /// Requests that a ban has refused.
    pub requests: Counter,
    /// Connections that a ban has refused.
    pub connections: Counter,
}

impl Counts {
    /// Bans that began here, by scenario and step, the first of which is 1.
    pub fn bans(&self) -> impl Iterator<Item = (Scenario, usize, u64)> {
        let steps = Scenario::ALL.into_iter().zip(&self.bans);
        steps.flat_map(|(scenario, steps)| steps.iter().enumerate().map(move |(at, n)| (scenario, at + 1, n.value())))
    }
}

/// What holds now.
#[derive(Debug)]
struct Rules {
    settings: Settings,
    terms: [Option<Terms>; Scenario::ALL.len()],
    ladder: Ladder,
    lists: Vec<Arc<List>>,
}

impl Rules {
    fn new(settings: Settings, known: &[Arc<List>], service: &Handle) -> Self {
        let start = |list: &super::settings::List| {
            let same = known.iter().find(|known| known.settings == *list);
            same.map_or_else(|| List::start(list, service), Arc::clone)
        };
        let millis = |time: &Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 4).min(u64::MAX / 4);
        Self {
            terms: settings.limits.map(|limit| limit.map(Terms::of)),
            ladder: Ladder { steps: settings.steps.iter().map(millis).collect(), forget: millis(&settings.forget) },
            lists: settings.lists.iter().map(start).collect(),
            settings,
        }
    }

    fn is_exempt(&self, address: IpAddr) -> bool {
        is_within(address, &self.settings.allow) || is_within(address, &self.settings.trusted)
    }
}

/// All bans of a process, across reloads.
#[derive(Debug)]
pub struct Bans {
    rules: ArcSwap<Rules>,
    table: Table,
    orders: Orders,
    shared: Option<Arc<Shared>>,
    counts: Counts,
    service: Handle,
    /// Where the log of other replicas was read to.
    read: Mutex<Entry>,
}

/// What bans are made with.
#[derive(Debug)]
pub struct Means {
    /// Keys of what is kept and shared.
    pub seal: Arc<Seal>,
    /// The file of orders.
    pub orders: PathBuf,
    /// The way to other replicas, where there are any.
    pub shared: Option<Arc<Shared>>,
    /// Where what is done off the requests runs.
    pub service: Handle,
}

impl Bans {
    /// Reads orders and lists, and begins to follow other replicas.
    ///
    /// # Errors
    /// When the orders can't be read.
    pub fn start(settings: Settings, means: Means) -> Result<Arc<Self>, order::Error> {
        let orders = Orders::open(means.orders, &means.seal)?;
        let bans = Arc::new(Self {
            table: Table::new(settings.max_keys),
            rules: ArcSwap::from_pointee(Rules::new(settings, &[], &means.service)),
            orders,
            shared: means.shared,
            counts: Counts::default(),
            read: Mutex::default(),
            service: means.service,
        });
        bans.service.spawn(keep(Arc::downgrade(&bans)));
        Ok(bans)
    }

    /// Takes other settings. Bans go on, and lists that are the same.
    pub fn apply(&self, settings: Settings) {
        let known = self.rules.load();
        if known.settings == settings {
            return;
        }
        self.table.limit(settings.max_keys);
        self.rules.store(Arc::new(Rules::new(settings, &known.lists, &self.service)));
    }

    /// Notes what somebody has done. It waits for nothing.
    pub fn note(self: &Arc<Self>, scenario: Scenario, who: &Who) {
        self.deed(Deed { scenario, what: None }, who);
    }

    /// Notes what somebody has done; the same thing again is not counted. `path` is what it was done to.
    pub fn note_at(self: &Arc<Self>, scenario: Scenario, who: &Who, path: &str) {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, path.as_bytes());
        let what = digest.as_ref().iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        self.deed(Deed { scenario, what: Some(what) }, who);
    }

    /// Whoever has signed in answers for it with their session, not with an address that others have as well. An address answers for each
    /// of its sessions that is banned, or signing in again would be all that it takes.
    fn deed(self: &Arc<Self>, deed: Deed, who: &Who) {
        let address = who.address.map(|address| (address, who.induced));
        match who.session {
            Some(session) => self.count(Key::session(session, who.induced), deed, address),
            None => self.count_address(deed, address),
        }
    }

    fn count_address(self: &Arc<Self>, deed: Deed, address: Option<(IpAddr, bool)>) {
        let Some((address, induced)) = address else { return };
        if !self.rules.load().is_exempt(address) {
            self.count(Key::address(address, induced), deed, None);
        }
    }

    /// `behind` is the address that answers as well where this is banned.
    fn count(self: &Arc<Self>, key: Key, deed: Deed, behind: Option<(IpAddr, bool)>) {
        let rules = self.rules.load_full();
        let Some(terms) = rules.terms[deed.scenario as usize] else { return };
        let now = clock::millis();
        let shared = self.shared.as_ref().filter(|shared| shared.decides());
        let Some(shared) = shared else {
            let terms = self.shared.as_ref().map_or(terms, |shared| terms.share(shared.replicas()));
            let noted = self.table.note(key, deed, terms, &rules.ladder, now, true);
            return self.noted(key, noted, behind);
        };
        let held = self.table.held(key, now).is_some();
        if held || deed.what.is_some_and(|what| !self.table.is_news(key, what, &rules.ladder, now)) {
            return;
        }
        let (bans, shared, deed) = (Arc::clone(self), Arc::clone(shared), Deed { what: None, ..deed });
        tokio::spawn(async move {
            let now = clock::millis();
            let said = shared.note(key, deed.scenario, terms, &rules.ladder, clock::is_set().then_some(now)).await;
            // So that an outage begins with what is known; where it has begun, this decides.
            let terms = terms.share(if said.is_err() { shared.replicas() } else { 1 });
            let noted = bans.table.note(key, deed, terms, &rules.ladder, now, said.is_err());
            match said {
                Ok(Said::Banned(held)) => {
                    bans.table.ban(key, held, &rules.ladder, now);
                    bans.noted(key, Noted::Banned(held), behind);
                }
                Ok(Said::Known(held)) => bans.table.ban(key, held, &rules.ladder, now),
                Ok(Said::Counted) => {}
                Err(_) => bans.noted(key, noted, behind),
            }
        });
    }

    fn noted(self: &Arc<Self>, key: Key, noted: Noted, behind: Option<(IpAddr, bool)>) {
        let Noted::Banned(Held { scenario, step, .. }) = noted else { return };
        if let Some(counter) = self.counts.bans[scenario as usize].get(usize::from(step)) {
            counter.increment();
        }
        let (scenario_name, step) = (scenario.name(), step + 1);
        if key.is_session() {
            tracing::info!(scenario = scenario_name, step, "a session is banned");
        } else {
            tracing::info!(scenario = scenario_name, step, address = %key, induced = key.is_induced(), "an address is banned");
        }
        self.count_address(Deed { scenario, what: None }, behind);
    }

    /// The ban of whoever asks, where there is one: an operator's before a list's, a session's before its address's.
    #[must_use]
    pub fn check(&self, who: &Who) -> Option<Ban> {
        let now = clock::millis();
        let rules = self.rules.load();
        let address = who.address.filter(|address| !rules.is_exempt(*address));
        if let Some(ban) = address.and_then(|address| self.absolute(&rules, address, now)) {
            return Some(ban);
        }
        let by =
            |held: Held, source: fn(Scenario) -> Source| Ban { source: source(held.scenario), until: Some(held.until) };
        let session = who.session.and_then(|session| self.table.held(Key::session(session, who.induced), now));
        let address = || self.table.held(Key::address(address?, who.induced), now);
        session.map(|held| by(held, Source::Session)).or_else(|| address().map(|held| by(held, Source::Address)))
    }

    /// Whether a connection from `address` is refused before anything is said: by an operator's order, or a list.
    #[must_use]
    pub fn turns_away(&self, address: IpAddr) -> bool {
        let rules = self.rules.load();
        !rules.is_exempt(address) && self.absolute(&rules, address, clock::millis()).is_some()
    }

    fn absolute(&self, rules: &Rules, address: IpAddr, now: u64) -> Option<Ban> {
        if let Some(until) = self.orders.held(address, now) {
            return Some(Ban { source: Source::Operator, until });
        }
        let list = rules.lists.iter().find(|list| list.holds(address))?;
        Some(Ban { source: Source::List(Arc::clone(&list.name)), until: None })
    }

    /// The list that an address is on, unless nothing bans it.
    #[must_use]
    pub fn listed(&self, address: IpAddr) -> Option<Arc<str>> {
        let rules = self.rules.load();
        let lists = rules.lists.iter().filter(|_| !rules.is_exempt(address));
        lists.filter(|list| list.holds(address)).map(|list| Arc::clone(&list.name)).next()
    }

    /// Whether sessions have to be looked at.
    #[must_use]
    pub fn looks_at_sessions(&self) -> bool {
        self.table.may_hold_sessions(clock::millis())
    }

    /// Whether only a scanner would ask for `path`.
    #[must_use]
    pub fn is_scanned(&self, path: &str) -> bool {
        paths::is_scanned(path, &self.rules.load().settings.scanner_paths)
    }

    /// What a banned request gets.
    #[must_use]
    pub fn answer(&self) -> Answer {
        self.rules.load().settings.answer
    }

    /// Whom those who are banned may ask.
    #[must_use]
    pub fn contact(&self) -> Option<String> {
        self.rules.load().settings.contact.clone()
    }

    /// Whether `network` is, or is within, one that nothing bans.
    #[must_use]
    pub fn allows(&self, network: &IpNet) -> bool {
        let rules = self.rules.load();
        rules.settings.allow.iter().chain(&rules.settings.trusted).any(|allowed| allowed.contains(network))
    }

    /// Takes an operator's order, here and at the other replicas. It waits for the disk.
    ///
    /// # Errors
    /// When it can't be kept.
    pub fn order(&self, order: Order) -> Result<(), order::Error> {
        self.orders.add(order.clone(), clock::millis())?;
        if let Some(shared) = &self.shared {
            shared.tell(&News::Ordered(order), &[], &self.service);
        }
        Ok(())
    }

    /// Lifts what was ordered for, and what scenarios hold against, a network; how many bans that were. It waits for the disk.
    ///
    /// # Errors
    /// When that can't be kept.
    pub fn lift(&self, network: &IpNet) -> Result<usize, order::Error> {
        let now = clock::millis();
        let ordered = self.orders.lift(network, now)?;
        let keys = self.keys_of(network, now);
        let freed = keys.iter().filter(|key| self.table.lift(**key, now)).count();
        if let Some(shared) = &self.shared {
            shared.tell(&News::Lifted(*network), &keys, &self.service);
        }
        Ok(freed + usize::from(ordered))
    }

    /// Lifts the ban of a session, by the name that it is listed under; whether there was one.
    #[must_use]
    pub fn free(&self, name: &str) -> bool {
        let now = clock::millis();
        let (all, _) = self.table.all(now, usize::MAX);
        let named = all.into_iter().map(|(key, _)| key).filter(|key| key.is_session() && key.to_string() == name);
        let free = |key: Key| {
            if let Some(shared) = &self.shared {
                shared.tell(&News::Freed(key), &[key], &self.service);
            }
            self.table.lift(key, now)
        };
        named.filter(|key| free(*key)).count() > 0
    }

    /// Keys that scenarios hold something against within a network, and its own.
    fn keys_of(&self, network: &IpNet, now: u64) -> Vec<Key> {
        let own = [false, true].map(|induced| Key::address(network.addr(), induced));
        let (all, _) = self.table.all(now, usize::MAX);
        let within = all.into_iter().map(|(key, _)| key).filter(|key| key.is_within(network) && !own.contains(key));
        own.into_iter().chain(within).collect()
    }

    /// Everybody whom a scenario has banned, at most so many, and how many there are.
    #[must_use]
    pub fn held(&self, most: usize) -> (Vec<(Key, Held)>, usize) {
        self.table.all(clock::millis(), most)
    }

    /// Operators' orders.
    #[must_use]
    pub fn orders(&self) -> Vec<Order> {
        self.orders.all(clock::millis())
    }

    /// Lists of others.
    #[must_use]
    pub fn lists(&self) -> Vec<Arc<List>> {
        self.rules.load().lists.clone()
    }

    /// Addresses and sessions that scenarios hold banned.
    #[must_use]
    pub fn active(&self) -> (usize, usize) {
        self.table.count(clock::millis())
    }

    /// What is counted.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Takes over what other replicas say.
    async fn follow(self: &Arc<Self>, shared: &Shared) {
        let mut after = *self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // What was read before the store went is taken all the same the next time.
        let Ok(news) = shared.read(&mut after).await else { return };
        let (now, rules) = (clock::millis(), self.rules.load_full());
        let mut words = Vec::new();
        for news in news {
            match news {
                News::Ban(key, held) if held.until > now => self.table.ban(key, held, &rules.ladder, now),
                News::Ban(..) => {}
                News::Ordered(order) => words.push((order.network, Some(order))),
                News::Lifted(network) => {
                    self.keys_of(&network, now).iter().for_each(|key| {
                        self.table.lift(*key, now);
                    });
                    words.push((network, None));
                }
                News::Freed(key) => {
                    self.table.lift(key, now);
                }
            }
        }
        if !words.is_empty() {
            let bans = Arc::clone(self);
            let kept = tokio::task::spawn_blocking(move || bans.orders.follow(words, now)).await;
            if let Ok(Err(error)) = kept {
                tracing::error!(%error, "another replica's orders about bans could not be kept here");
            }
        }
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = after;
    }
}

/// Follows other replicas and forgets, as long as anybody holds the bans.
async fn keep(bans: Weak<Bans>) {
    let mut looks = 0_u32;
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(bans) = bans.upgrade() else { return };
        looks = looks.wrapping_add(1);
        if let Some(shared) = bans.shared.as_ref().filter(|shared| shared.decides()) {
            bans.follow(shared).await;
        }
        if looks.is_multiple_of(SWEEP) {
            bans.table.sweep(&bans.rules.load().ladder, clock::millis());
        }
    }
}
