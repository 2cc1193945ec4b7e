//! Asks sites, and looks at a configuration.

use std::{cell::RefCell, process::ExitCode, sync::Arc};

use time::OffsetDateTime;

use super::{Outcome, ScanArgs, lint, usage, wish};
use crate::{
    config::Config,
    dial::{self, dialer},
    gateway::{settings::Route, watch::Lens},
    scan::{
        Finding,
        baseline::Baseline,
        finding::Findings,
        grade::Grade,
        library::Libraries,
        probe::{
            Probe, Wishes,
            around::{self, Application},
            budget::Budget,
            target::Target,
            tls::Facts,
        },
        report::Report,
    },
};

/// Looks at everything that is asked for.
pub(super) fn look(
    args: &ScanArgs,
    baseline: Option<&Baseline>,
    eye: &Lens,
    now: OffsetDateTime,
) -> Result<Outcome, ExitCode> {
    let config = args.gateway.loaded().map_err(|report| {
        eprintln!("{report}");
        ExitCode::from(2)
    })?;
    let config = config.as_ref();
    let asking = &args.asking;
    let libraries = match &asking.retirejs {
        Some(file) => Arc::new(Libraries::open(file).map_err(|error| usage(format!("{}: {error}", file.display())))?),
        None => config.map(|config| Arc::clone(&config.scan.libraries)).unwrap_or_default(),
    };
    let sites = match (&args.url, config) {
        (Some(url), _) => {
            vec![Target::parse(url, asking.connect.as_deref()).map_err(|why| usage(format!("{url}: {why}")))?]
        }
        (None, Some(config)) => wish::sites(config),
        (None, None) => return Err(usage("name a URL, or a configuration (--config FILE)")),
    };
    let roots = dialer::roots(asking.ca.as_deref()).map_err(usage)?;
    let budget = Budget::new(asking.max_requests, asking.max_time, asking.rate);
    let (findings, notes) = (RefCell::default(), RefCell::default());
    let mut scan = Scan { args, config, eye, budget, libraries, roots: Arc::new(roots), findings, notes, facts: None };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(usage)?;
    let answered = runtime.block_on(scan.all(&sites))?;
    let findings = scan.findings.into_inner().sorted();
    let (judged, fixed) = Report::judged(baseline, &findings, now);
    let target = match (&args.url, config) {
        (Some(_), _) => sites.first().map_or_else(String::new, |site| site.place(&site.path)),
        (None, _) => sites.iter().map(Target::origin).collect::<Vec<_>>().join(" "),
    };
    let report = Report {
        target: crate::scan::finding::shown(&target, eye),
        at: now,
        asked: scan.budget.asked(),
        grade: answered.then(|| Grade::of(&findings)),
        findings: judged,
        fixed,
        has_baseline: baseline.is_some(),
        facts: scan.facts,
        notes: scan.notes.into_inner(),
    };
    Ok(Outcome { routes: routes(config, &sites, findings), report, text: None })
}

struct Scan<'a> {
    args: &'a ScanArgs,
    config: Option<&'a Config>,
    eye: &'a Lens,
    budget: Budget,
    libraries: Arc<Libraries>,
    roots: Arc<rustls::RootCertStore>,
    findings: RefCell<Findings>,
    notes: RefCell<Vec<String>>,
    facts: Option<Facts>,
}

impl Scan<'_> {
    /// Everything; whether a site has answered.
    async fn all(&mut self, sites: &[Target]) -> Result<bool, ExitCode> {
        if let Some(config) = self.config {
            for (rule, place, seen) in lint::look(config) {
                self.findings.borrow_mut().add(Finding::new(rule, &place, &seen, self.eye));
            }
        }
        let mut answered = false;
        for site in sites {
            wish::may_ask(site, self.config, self.args.asking.i_own_this).await?;
            if let Err(error) = self.probe(site).connect(site).await {
                if self.args.url.is_some() {
                    eprintln!("privet scan: {} does not answer: {error}", site.host);
                    return Err(ExitCode::from(3));
                }
                self.probe(site).note(format!("{} does not answer, so it was not asked: {error}", site.host));
                continue;
            }
            answered = true;
            let wishes = Wishes {
                pages: self.args.asking.pages,
                logins: !self.args.asking.no_login,
                known_logins: self.config.map(wish::logins).unwrap_or_default(),
                files: !self.args.asking.no_files,
                cleartext: wish::cleartext(site, self.config, &self.args.asking)?,
            };
            let facts = self.probe(site).run(&wishes).await;
            if site.secure {
                self.facts.get_or_insert(facts);
            }
        }
        if let (Some(config), Some(site)) = (self.config, sites.first())
            && let Err(spent) = around::look(&self.probe(site), &applications(config)).await
        {
            self.probe(site).note(format!("not every application was asked for: {spent}"));
        }
        Ok(answered)
    }

    fn probe<'s>(&'s self, target: &'s Target) -> Probe<'s> {
        Probe {
            target,
            budget: &self.budget,
            eye: self.eye,
            libraries: &self.libraries,
            roots: Arc::clone(&self.roots),
            findings: &self.findings,
            notes: &self.notes,
        }
    }
}

/// The applications of all routes, each once.
fn applications(config: &Config) -> Vec<Application> {
    let mut all: Vec<Application> = Vec::new();
    for endpoint in config.gateway.routes.iter().flat_map(|route| &route.upstream.endpoints) {
        if let dial::settings::Target::Tcp { host, port } = &endpoint.dial.target {
            let one = Application { name: endpoint.authority.clone(), host: host.clone(), port: *port };
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all
}

/// Findings by the route that they are of; of one that is no route's, by none.
fn routes(
    config: Option<&Config>,
    sites: &[Target],
    findings: Vec<Finding>,
) -> Vec<(String, Option<String>, Vec<Finding>)> {
    let Some(config) = config else {
        let site = sites.first();
        let title = site.map(Target::origin).unwrap_or_default();
        return vec![(title.clone(), Some(title), findings)];
    };
    let mut parted: Vec<(String, Option<String>, Vec<Finding>)> = Vec::new();
    for finding in findings {
        let route = finding.places.first().and_then(|place| route_of(config, place));
        let name = route.map_or(String::new(), |route| route.name.clone());
        match parted.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, _, list)) => list.push(finding),
            None => parted.push((name, None, vec![finding])),
        }
    }
    // Tables are last, for lines behind them would be theirs.
    parted.sort_by_key(|(name, ..)| name.is_empty());
    parted
}

/// The route of a place: the one that a finding of the configuration names, or the one that serves a URL.
fn route_of<'c>(config: &'c Config, place: &str) -> Option<&'c Route> {
    let routes = &config.gateway.routes;
    if let Some(name) = place.strip_prefix(lint::ROUTE) {
        return routes.iter().find(|route| route.name == name).map(|route| &**route);
    }
    let (host, path) = place.split_once("://")?.1.split_once('/')?;
    let path = format!("/{path}");
    let serves = |route: &&Route| {
        let below = path.strip_prefix(route.path.trim_end_matches('/'));
        route.host.fits(host).is_some() && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let fitting = routes.iter().map(|route| &**route).filter(serves);
    fitting.max_by_key(|route| (route.host.fits(host), route.path.len()))
}
