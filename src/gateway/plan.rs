//! One configuration made ready: routes, their applications, their rules in ticks.

use std::{path::PathBuf, rc::Rc, sync::Arc, time::Duration};

use ipnet::IpNet;
use tokio::runtime::Handle;

use crate::{
    common::watch::{Ticks, Watches},
    dial,
    gateway::{
        body::UploadRules,
        head::Head,
        mask::{Ledger, Masking},
        route::Table,
        settings::{HeadRules, Route, Settings},
        upstream::{cluster::Cluster, shared::Shared},
    },
    observe::metrics::{Metrics, RouteMeter, Shard},
    privacy::{self, Engine, Keys, mask::Mask},
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
    bounds: Bounds,
    table: Table,
    routes: Vec<(Arc<Route>, Arc<Shared>)>,
    /// The masks of the routes, as they come.
    masks: Vec<Option<Arc<Mask>>>,
}

/// Bounds of bodies, which the connection settings give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Longest silence of a client that owes us body bytes.
    pub body_idle: Duration,
    /// Least bytes a second of a request body; 0 is off.
    pub body_min_rate: u64,
    /// Longest time that a client may leave an answer unread.
    pub stall: Duration,
    /// The port of redirects to https.
    pub redirect_port: u16,
    /// Where answers to ACME challenges lie.
    pub acme_webroot: Option<PathBuf>,
}

/// A plan can't be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A route's application can't be prepared.
    #[error("route {route}")]
    Route {
        /// Which.
        route: String,
        /// Why.
        #[source]
        source: dial::Invalid,
    },
    /// What is looked for in bodies can't be.
    #[error("[privacy]")]
    Detector(#[from] privacy::detect::Invalid),
    /// There are no keys to rewrite with.
    #[error("keys of the privacy engine")]
    Keys(#[from] privacy::keys::Invalid),
}

impl Plan {
    /// Makes `settings` ready. An application whose settings have not changed since `previous` keeps its health and names.
    ///
    /// # Errors
    /// When a file that a route names can't be used.
    pub fn new(
        settings: &Settings,
        bounds: Bounds,
        service: &Handle,
        previous: Option<&Self>,
    ) -> Result<Arc<Self>, Error> {
        let mut routes = Vec::with_capacity(settings.routes.len());
        for route in &settings.routes {
            let kept = previous.and_then(|plan| plan.shared_of(route));
            let shared = match kept {
                Some(shared) => shared,
                None => Shared::start(&route.upstream, service)
                    .map_err(|source| Error::Route { route: route.name.clone(), source })?,
            };
            routes.push((Arc::clone(route), shared));
        }
        Ok(Arc::new(Self {
            head: Arc::new(settings.head.clone()),
            trusted: settings.trusted.clone(),
            redirect_port: bounds.redirect_port,
            acme_webroot: bounds.acme_webroot.clone(),
            table: Table::new(settings.routes.iter().map(|route| &**route)),
            bounds,
            routes,
            masks: masks(settings)?,
        }))
    }

    fn shared_of(&self, route: &Route) -> Option<Arc<Shared>> {
        // Files behind TLS settings may have changed though the settings have not.
        if route.upstream.endpoints.iter().any(|endpoint| endpoint.dial.tls.is_some()) {
            return None;
        }
        let (old, shared) = self.routes.get(self.table.exactly(&route.host, &route.path)?)?;
        (old.upstream == route.upstream).then(|| Arc::clone(shared))
    }
}

/// The masks of the routes. One engine serves them all.
fn masks(settings: &Settings) -> Result<Vec<Option<Arc<Mask>>>, Error> {
    if settings.routes.iter().all(|route| route.mask.is_none()) {
        return Ok(vec![None; settings.routes.len()]);
    }
    let rules = privacy::mask::engine_settings(&settings.privacy);
    let keys = Keys::ephemeral()?;
    let epoch = keys.epoch().to_owned();
    let engine = Arc::new(Engine::new(&rules, keys)?);
    let mask = |rule: &privacy::mask::settings::Settings| {
        // Whatever changes what is shown changes the id.
        let text = format!("{rules:?} {:?} {epoch} {}", rule.paths, env!("CARGO_PKG_VERSION"));
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let id = digest.as_ref().iter().take(6).fold(0_u64, |id, byte| id << 8 | u64::from(*byte));
        Arc::new(Mask::new(Arc::clone(&engine), rule.paths.clone(), format!("{id:012x}")))
    };
    Ok(settings.routes.iter().map(|route| route.mask.as_ref().map(mask)).collect())
}

/// One worker's view of a plan.
#[derive(Debug)]
pub struct Gateway {
    /// What all workers share.
    pub plan: Arc<Plan>,
    /// This worker's counters.
    pub shard: Shard,
    lines: Vec<Line>,
}

/// One route on one worker.
#[derive(Debug)]
pub struct Line {
    /// As configured.
    pub route: Arc<Route>,
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
    /// What of its answers may be seen; all of them without.
    pub masking: Option<Masking>,
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
        let lines = plan
            .routes
            .iter()
            .zip(&plan.masks)
            .map(|((route, shared), mask)| Line {
                masking: route.mask.as_ref().zip(mask.as_ref()).map(|(rule, mask)| Masking {
                    mask: Arc::clone(mask),
                    uninspectable: rule.uninspectable,
                    ledger: Ledger::new(&route.name, &shard),
                }),
                cluster: previous
                    .and_then(|gateway| gateway.cluster_of(route, shared))
                    .unwrap_or_else(|| Cluster::new(shared, watches, &shard)),
                meter: metrics.route(&route.name, worker),
                response: route.response_timeout.into(),
                total: route.timeout.map(Ticks::from),
                stall: bounds.stall.into(),
                upload: UploadRules {
                    limit: route.body_limit.unwrap_or(u64::MAX),
                    idle: bounds.body_idle.into(),
                    min_rate: bounds.body_min_rate,
                    grace: bounds.body_idle,
                },
                route: Arc::clone(route),
            })
            .collect();
        Rc::new(Self { plan: Arc::clone(plan), shard, lines })
    }

    /// The route of a request.
    #[must_use]
    pub fn route(&self, head: &Head) -> Option<&Line> {
        let index = self.plan.table.find(head.host.to_str().ok()?, head.target.path())?;
        self.lines.get(index)
    }

    /// Closes idle connections to applications that are due.
    pub fn sweep(&self) {
        for line in &self.lines {
            line.cluster.sweep();
        }
    }

    fn cluster_of(&self, route: &Route, shared: &Arc<Shared>) -> Option<Rc<Cluster>> {
        let line = self.lines.get(self.plan.table.exactly(&route.host, &route.path)?)?;
        Arc::ptr_eq(line.cluster.shared(), shared).then(|| Rc::clone(&line.cluster))
    }
}
