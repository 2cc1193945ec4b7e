//! One configuration made ready: routes, their applications, their rules in ticks.

use std::{
    cell::RefCell,
    path::PathBuf,
    rc::{Rc, Weak},
    sync::Arc,
};

use ipnet::IpNet;
use tokio::runtime::Handle;

pub use super::bounds::Bounds;
use crate::{
    access::Permit,
    antivirus::Scanner,
    common::watch::{Ticks, Watches},
    dial,
    gateway::{
        access::Authority,
        canary,
        download::Spent,
        engines::{self, Engines},
        head::Head,
        kin::Surnames,
        mask::{Ledger, Masking},
        probe::Probes,
        reach::{may_reach, shows_challenge},
        request_body::UploadRules,
        returned::Memory,
        route::Table,
        runs::Runs,
        settings::{HeadRules, Route, Settings},
        trace::Tracing,
        upload::Upload,
        upstream::{cluster::Cluster, shared::Shared},
        watch::Lens,
        witness::Witness,
    },
    identity::{Principal, Realm},
    incident::{notice::Notices, remedy::Overlay},
    login::{Guard, Rule, settings::Login},
    observe::{
        access_log::{Log, Scribe, url::Scratch},
        metrics::{Metrics, RouteMeter, Shard},
        otlp::Telemetry,
    },
    privacy::{
        Engine, Keys, Kind, Kinds,
        mask::{
            Mask,
            settings::{At, Canaries, Uninspectable},
        },
    },
    scan::{Watch, exchange::Eye},
    shield::{Ruleset, ban::Bans},
    tls::acme::Challenges,
};

/// What all workers share.
#[derive(Debug)]
pub struct Plan {
    /// How heads are read.
    pub head: Arc<HeadRules>,
    /// Whose forwarding headers are believed.
    pub trusted: Vec<IpNet>,
    /// The port of redirects to https.
    pub redirect_port: u16,
    /// Where answers to ACME challenges lie.
    pub acme_webroot: Option<PathBuf>,
    /// Answers to ACME challenges of our own.
    pub challenges: Arc<Challenges>,
    /// The privacy engine of what belongs to no route.
    pub engine: Arc<Engine>,
    /// Who limits attempts to sign in.
    pub guard: Arc<Guard>,
    /// Who is banned, where anybody is.
    pub bans: Option<Arc<Bans>>,
    /// What people were shown in the place of values.
    pub memory: Arc<Memory>,
    /// Neighbouring numbers that people open in a row.
    pub runs: Arc<Runs>,
    /// How common surnames are among those who were shown.
    pub surnames: Arc<Surnames>,
    /// Canaries that routes plant.
    pub canaries: Vec<Arc<Canaries>>,
    /// Leave to take files along that was used.
    pub spent: Arc<Spent>,
    /// Who may do what with personal data, and where it is written down.
    pub authority: Option<Arc<Authority>>,
    /// What everybody is told of incidents, where notices are kept.
    pub notices: Option<Arc<Notices>>,
    /// Countermeasures that hold.
    pub overlay: Arc<Overlay>,
    /// Rules against intrusion.
    pub shield: Option<Arc<Ruleset>>,
    /// Who looks at answers of watched routes.
    pub watch: Option<Arc<Watch>>,
    /// Who scans for malware, where a route asks for it.
    pub antivirus: Option<Arc<Scanner>>,
    /// Requests that Privet makes of itself.
    pub probes: Arc<Probes>,
    log: Option<Arc<Log>>,
    telemetry: Option<Arc<Telemetry>>,
    bounds: Bounds,
    table: Table,
    routes: Vec<Prepared>,
    realms: Vec<Arc<Realm>>,
}

/// One route, as all workers share it.
#[derive(Debug)]
struct Prepared {
    route: Arc<Route>,
    shared: Arc<Shared>,
    engine: Arc<Engine>,
    mask: Option<Arc<Mask>>,
    logins: Vec<Arc<Rule>>,
    challenges: Vec<Arc<Rule>>,
    realm: Option<Arc<Realm>>,
}

/// What a plan works with, and outlives it.
#[derive(Debug)]
pub struct Means<'a> {
    /// Keys of tokens and encryption.
    pub keys: &'a Arc<Keys>,
    /// Who limits attempts to sign in.
    pub guard: &'a Arc<Guard>,
    /// Who is banned, where anybody is.
    pub bans: Option<Arc<Bans>>,
    /// Who looks at answers of watched routes, where any is.
    pub watch: Option<Arc<Watch>>,
    /// Who scans for malware, where a route asks for it.
    pub antivirus: Option<Arc<Scanner>>,
    /// The doors that routes may have, and that of the console.
    pub realms: &'a [Arc<Realm>],
    /// Who may do what with personal data, and where it is written down.
    pub authority: Option<Arc<Authority>>,
    /// What everybody is told of incidents, where notices are kept.
    pub notices: Option<Arc<Notices>>,
    /// Countermeasures that hold.
    pub overlay: Arc<Overlay>,
    /// Where requests are written down.
    pub log: Option<Arc<Log>>,
    /// Answers to ACME challenges of our own.
    pub challenges: &'a Arc<Challenges>,
    /// Requests that Privet makes of itself.
    pub probes: &'a Arc<Probes>,
    /// Where what was observed is sent.
    pub telemetry: Option<Arc<Telemetry>>,
    /// Where what is done off the requests runs.
    pub service: &'a Handle,
}

/// A route's application can't be prepared.
#[derive(Debug, thiserror::Error)]
#[error("route {route}")]
pub struct Error {
    /// Which.
    pub route: String,
    /// Why.
    #[source]
    pub source: dial::Invalid,
}

impl Plan {
    /// Makes `settings` ready. An application whose settings have not changed since `previous` keeps its health and names.
    ///
    /// # Errors
    /// When a file that a route names can't be used.
    pub fn new(
        settings: &Settings,
        bounds: Bounds,
        means: Means<'_>,
        previous: Option<&Self>,
    ) -> Result<Arc<Self>, Error> {
        let mut routes: Vec<Prepared> = Vec::with_capacity(settings.routes.len());
        let mut engines = Engines::new(means.keys);
        let known = previous.filter(|plan| Arc::ptr_eq(&plan.guard, means.guard));
        let mut logins = known.map(Self::logins).unwrap_or_default();
        for route in &settings.routes {
            let kept = previous.and_then(|plan| plan.shared_of(route));
            let shared = match kept {
                Some(shared) => shared,
                None => Shared::start(&route.upstream, means.service)
                    .map_err(|source| Error { route: route.name.clone(), source })?,
            };
            let mask = (route.mask.is_some() || route.record).then(|| engines::mask(route, &mut engines));
            let engine = engines.of(&route.privacy);
            let reached = settings.logins.iter().filter(|login| may_reach(route, login));
            let own = reached.map(|login| ready(login, means.guard, &mut logins)).collect();
            let shown = settings.logins.iter().filter(|login| shows_challenge(route, login));
            let challenges = shown.map(|login| ready(login, means.guard, &mut logins)).collect();
            let gate = route.gate.as_ref();
            let realm = gate.and_then(|gate| means.realms.iter().find(|realm| realm.name() == gate.realm));
            let realm = realm.map(Arc::clone);
            routes.push(Prepared { route: Arc::clone(route), shared, engine, mask, logins: own, challenges, realm });
        }
        Ok(Arc::new(Self {
            head: Arc::new(settings.head.clone()),
            trusted: settings.trusted.clone(),
            redirect_port: bounds.redirect_port,
            acme_webroot: bounds.acme_webroot.clone(),
            challenges: Arc::clone(means.challenges),
            table: Table::new(settings.routes.iter().map(|route| &**route)),
            log: means.log,
            telemetry: means.telemetry,
            guard: Arc::clone(means.guard),
            bans: means.bans,
            watch: means.watch,
            antivirus: means.antivirus,
            probes: Arc::clone(means.probes),
            authority: means.authority,
            notices: means.notices,
            overlay: means.overlay,
            shield: settings.shield.clone(),
            canaries: canary::rules(&settings.routes),
            spent: previous.map(|plan| Arc::clone(&plan.spent)).unwrap_or_default(),
            memory: previous.map(|plan| Arc::clone(&plan.memory)).unwrap_or_default(),
            runs: previous.map(|plan| Arc::clone(&plan.runs)).unwrap_or_default(),
            surnames: previous.map(|plan| Arc::clone(&plan.surnames)).unwrap_or_default(),
            bounds,
            engine: engines.of(&settings.privacy),
            realms: means.realms.to_vec(),
            routes,
        }))
    }

    /// Every route with its application.
    #[must_use]
    pub fn applications(&self) -> Vec<(Arc<Route>, Arc<Shared>)> {
        self.routes.iter().map(|prepared| (Arc::clone(&prepared.route), Arc::clone(&prepared.shared))).collect()
    }

    /// All logins, each once. What they have learned, and their pace, outlive a reload that leaves them as they are.
    #[must_use]
    pub fn logins(&self) -> Vec<Arc<Rule>> {
        let mut all: Vec<Arc<Rule>> = Vec::new();
        for rule in self.routes.iter().flat_map(|prepared| &prepared.logins) {
            if !all.iter().any(|known| Arc::ptr_eq(known, rule)) {
                all.push(Arc::clone(rule));
            }
        }
        all
    }

    /// Whether what some route discloses is recorded.
    #[must_use]
    pub fn records(&self) -> bool {
        self.routes.iter().any(|prepared| prepared.route.record)
    }

    /// All realms that are open: of gates, and of the console.
    #[must_use]
    pub fn realms(&self) -> Vec<Arc<Realm>> {
        self.realms.clone()
    }

    /// The realm of a host: that of its own gated routes before that of wider ones.
    #[must_use]
    pub fn realm_of(&self, head: &Head) -> Option<&Arc<Realm>> {
        let host = head.host.to_str().ok()?;
        let gated = self.routes.iter().filter(|prepared| prepared.realm.is_some());
        let fitting = gated.filter_map(|prepared| Some((prepared.route.host.fits(host)?, prepared)));
        fitting.max_by_key(|(rank, _)| *rank).and_then(|(_, prepared)| prepared.realm.as_ref())
    }

    /// Bounds of what is sent to Privet's own pages.
    #[must_use]
    pub fn own_upload(&self, limit: u64) -> UploadRules {
        self.bounds.upload(limit)
    }

    fn shared_of(&self, route: &Route) -> Option<Arc<Shared>> {
        // Files behind TLS settings may have changed though the settings have not.
        if route.upstream.endpoints.iter().any(|endpoint| endpoint.dial.tls.is_some()) {
            return None;
        }
        let old = self.routes.get(self.table.exactly(&route.host, &route.path)?)?;
        (old.route.upstream == route.upstream).then(|| Arc::clone(&old.shared))
    }
}

/// `login` made ready, as it is `known` already where it is the same.
fn ready(login: &Arc<Login>, guard: &Arc<Guard>, known: &mut Vec<Arc<Rule>>) -> Arc<Rule> {
    if let Some(rule) = known.iter().find(|rule| rule.login() == login) {
        return Arc::clone(rule);
    }
    let rule = Arc::new(guard.rule(login));
    known.push(Arc::clone(&rule));
    rule
}

/// One worker's view of a plan.
#[derive(Debug)]
pub struct Gateway {
    /// What all workers share.
    pub plan: Arc<Plan>,
    /// This worker's counters.
    pub shard: Shard,
    /// This worker's pen, unless nothing is written down.
    pub scribe: Option<Rc<Scribe>>,
    /// How requests are traced, where they are.
    pub tracing: Option<Tracing>,
    /// The way to the internal origin, where probes end.
    pub origin: Option<Rc<Cluster>>,
    lines: Vec<Line>,
    guests: RefCell<Vec<Guest>>,
}

/// Somebody whom a gate has let through, while their request is under way.
#[derive(Debug)]
struct Guest {
    realm: Arc<Realm>,
    principal: Arc<Principal>,
    upload: Weak<Upload>,
}

/// One route on one worker.
#[derive(Debug)]
pub struct Line {
    /// As configured.
    pub route: Arc<Route>,
    /// What finds and rewrites personal data on it.
    pub engine: Arc<Engine>,
    /// The way to its application.
    pub cluster: Rc<Cluster>,
    /// Its counters.
    pub meter: RouteMeter,
    /// Longest time to the head of an answer.
    pub response: Ticks,
    /// Longest time for all of it.
    pub total: Option<Ticks>,
    /// Longest time that a client may leave an answer unread.
    pub stall: Ticks,
    /// Bounds of the client's body.
    pub upload: UploadRules,
    /// What of its answers may be seen by everybody; all of them without.
    pub masking: Option<Masking>,
    /// Masks that policies have asked for, by what they reveal.
    masks: RefCell<Vec<Revealing>>,
    /// Logins of its application.
    pub logins: Vec<Arc<Rule>>,
    /// Logins whose challenge it may show.
    pub challenges: Vec<Arc<Rule>>,
    /// The realm of its gate.
    pub realm: Option<Arc<Realm>>,
    /// Whether browsers may have cookies of Privet's, which are nothing for an application, whatever route they come by.
    pub has_cookies: bool,
    /// Its name, and what knows personal data, where its answers are watched.
    pub watched: Option<(Arc<str>, Arc<dyn Eye>)>,
    /// Buffers for its URLs.
    pub scratch: RefCell<Scratch>,
}

/// What is revealed, and the mask that does it.
type Revealing = (Arc<[Kind]>, Arc<Mask>);

/// Most masks of a route that are kept; those of further permits are made each time.
const MASKS: usize = 64;

impl Line {
    /// How an answer is read under a permit, and who is told of what is in it.
    #[must_use]
    pub fn masking(&self, permit: Option<&Permit>, witness: Option<Witness>) -> Option<Masking> {
        let base = self.masking.as_ref()?;
        let mask = match permit {
            Some(permit) => self.mask_revealing(base, &permit.reveal),
            None => Arc::clone(&base.mask),
        };
        Some(Masking { mask, witness, ..base.clone() })
    }

    fn mask_revealing(&self, base: &Masking, reveal: &Arc<[Kind]>) -> Arc<Mask> {
        let mut masks = self.masks.borrow_mut();
        if let Some((_, mask)) = masks.iter().find(|(known, _)| Arc::ptr_eq(known, reveal) || known == reveal) {
            return Arc::clone(mask);
        }
        let mut kinds = Kinds::default();
        let mut names = base.mask.id().to_owned();
        for kind in &**reveal {
            kinds.insert(kind.clone());
            names.extend([" ", kind.name()]);
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, names.as_bytes());
        let id = digest.as_ref().iter().take(6).fold(0_u64, |id, byte| id << 8 | u64::from(*byte));
        let mask = Arc::new(base.mask.with(kinds, format!("{id:012x}")));
        if masks.len() < MASKS {
            masks.push((Arc::clone(reveal), Arc::clone(&mask)));
        }
        mask
    }

    /// Whose everything is at this path, where a segment of it says so.
    #[must_use]
    pub fn subject_of<'p>(&self, path: &'p str) -> Option<&'p str> {
        let records = self.route.records.as_ref()?;
        let nth = records.subject.iter().find_map(|at| if let At::Segment(nth) = at { Some(*nth) } else { None })?;
        path.split('/').nth(nth).filter(|segment| !segment.is_empty())
    }
}

impl Gateway {
    /// The view of one worker; connections to applications that `previous` had too are kept.
    #[must_use]
    pub fn new(
        plan: &Arc<Plan>,
        previous: Option<&Self>,
        metrics: &Metrics,
        worker: usize,
        watches: &Rc<Watches>,
    ) -> Rc<Self> {
        let shard = metrics.shard(worker);
        let bounds = &plan.bounds;
        let has_cookies = plan.routes.iter().any(|prepared| prepared.realm.is_some() || !prepared.logins.is_empty());
        let lines = plan
            .routes
            .iter()
            .map(|Prepared { route, shared, engine, mask, logins, challenges, realm }| Line {
                has_cookies,
                scratch: RefCell::default(),
                realm: realm.clone(),
                logins: logins.clone(),
                challenges: challenges.clone(),
                masking: mask.as_ref().map(|mask| Masking {
                    mask: Arc::clone(mask),
                    // Where nothing is masked nothing has to be refused, but counted as what nobody can be named for.
                    uninspectable: route.mask.as_ref().map_or(Uninspectable::Pass, |rule| rule.uninspectable),
                    ledger: Ledger::new(&route.name, &shard),
                    witness: None,
                }),
                masks: RefCell::default(),
                cluster: previous
                    .and_then(|gateway| gateway.cluster_of(route, shared))
                    .unwrap_or_else(|| Cluster::new(shared, watches, metrics, worker)),
                meter: metrics.route(&route.name, worker),
                response: route.response_timeout.into(),
                total: route.timeout.map(Ticks::from),
                stall: bounds.stall.into(),
                upload: bounds.upload(route.body_limit.unwrap_or(u64::MAX)),
                watched: route
                    .watch
                    .then(|| (Arc::from(&*route.name), Arc::new(Lens(Arc::clone(engine))) as Arc<dyn Eye>)),
                engine: Arc::clone(engine),
                route: Arc::clone(route),
            })
            .collect();
        let scribe = Scribe::new(worker, &shard, &plan.engine, plan.log.as_deref(), plan.telemetry.as_deref());
        let tracing = plan.telemetry.as_ref().and_then(|telemetry| telemetry.sample()).map(Tracing::new);
        let origin = previous.map_or_else(|| plan.probes.way(watches), |gateway| gateway.origin.clone());
        // Those of before a reload are still to be seen off.
        let guests = previous.map(|gateway| gateway.guests.take()).unwrap_or_default();
        Rc::new(Self { plan: Arc::clone(plan), shard, scribe, tracing, origin, lines, guests: RefCell::new(guests) })
    }

    /// The route of a request.
    #[must_use]
    pub fn route(&self, head: &Head) -> Option<&Line> {
        let index = self.plan.table.find(head.host.to_str().ok()?, head.target.path())?;
        self.lines.get(index)
    }

    /// Closes idle connections to applications that are due, and tells the metrics what was counted.
    pub fn sweep(&self) {
        if let Some(scribe) = &self.scribe {
            scribe.settle();
        }
        for cluster in self.lines.iter().map(|line| &line.cluster).chain(&self.origin) {
            cluster.sweep();
        }
    }

    /// Somebody was let through on `line`; their answer ends when they leave the company.
    pub fn admit(&self, line: &Line, principal: &Arc<Principal>, upload: &Rc<Upload>) {
        if let Some(realm) = &line.realm {
            let (realm, principal) = (Arc::clone(realm), Arc::clone(principal));
            self.guests.borrow_mut().push(Guest { realm, principal, upload: Rc::downgrade(upload) });
        }
    }

    /// Ends what is under way for those who have left; whether there was anybody.
    #[must_use]
    pub fn see_off(&self) -> bool {
        let mut any = false;
        self.guests.borrow_mut().retain(|guest| {
            let Some(upload) = guest.upload.upgrade() else { return false };
            let left = guest.realm.has_left(&guest.principal);
            if left {
                upload.end();
                any = true;
            }
            !left
        });
        any
    }

    fn cluster_of(&self, route: &Route, shared: &Arc<Shared>) -> Option<Rc<Cluster>> {
        let line = self.lines.get(self.plan.table.exactly(&route.host, &route.path)?)?;
        Arc::ptr_eq(line.cluster.shared(), shared).then(|| Rc::clone(&line.cluster))
    }
}
