//! Sends requests of Privet's own through its own front door: TLS, limits and all.

use std::{cell::RefCell, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};
use rustls::RootCertStore;

use super::grounds::Live;
use crate::{
    gateway::{
        probe::{Errand, Probe, X_PRIVET_PROBE},
        settings::{HostPattern, Route},
    },
    scan::{
        self,
        exchange::Blind,
        finding::Findings,
        library::Libraries,
        probe::{budget::Budget, client::Answer, target::Target},
    },
};

/// What stands in the path of every probe, by which its line in a log is known.
pub(super) const MARK: &str = "privet-probe";
/// Most requests and handshakes of one attestation.
const REQUESTS: u32 = 5_000;
/// Longest time that all of them take.
const TIME: Duration = Duration::from_secs(300);
/// Most of them in a second.
const RATE: u32 = 500;

/// What sends.
pub(super) struct Prober {
    live: Live,
    budget: Budget,
    libraries: Libraries,
    roots: Arc<RootCertStore>,
    findings: RefCell<Findings>,
    notes: RefCell<Vec<String>>,
    /// The name of a host that no route names.
    any: String,
}

/// One request.
#[derive(Debug, Clone, Default)]
pub(super) struct Ask<'a> {
    /// GET where it does not say.
    pub(super) method: Option<Method>,
    /// A path in the place of the route's own with the mark.
    pub(super) path: Option<&'a str>,
    /// What follows the path, with its `?`.
    pub(super) query: String,
    /// Headers besides.
    pub(super) headers: Vec<(HeaderName, String)>,
    /// What is sent.
    pub(super) body: Vec<u8>,
    /// Whom it speaks for.
    pub(super) probe: Probe,
    /// Whether it goes where cleartext is answered.
    pub(super) cleartext: bool,
}

impl Prober {
    /// Ready to send to what is running.
    ///
    /// # Errors
    /// With the reason, where nothing can be sent.
    pub(super) fn new(live: &Live) -> Result<Self, String> {
        if !live.plan.probes.are_possible() {
            return Err("probes have nowhere to end: the gateway does not hold its data folder".to_owned());
        }
        live.plan.probes.renew().map_err(|error| error.to_string())?;
        Ok(Self {
            any: nobodys(live),
            live: live.clone(),
            budget: Budget::new(REQUESTS, TIME, RATE),
            libraries: Libraries::default(),
            roots: anchor()?,
            findings: RefCell::default(),
            notes: RefCell::default(),
        })
    }

    /// The host by which requests come to `route`.
    pub(super) fn host(&self, route: &Route) -> String {
        match &route.host {
            HostPattern::Exact(name) => name.clone(),
            HostPattern::Wildcard(suffix) => format!("{MARK}.{suffix}"),
            HostPattern::Any => self.any.clone(),
        }
    }

    /// Where `route` is.
    pub(super) fn target(&self, route: &Route, cleartext: bool) -> Option<Target> {
        let address = if cleartext { self.live.http? } else { self.live.https };
        let host = self.host(route);
        let connect = (reachable(address).ip().to_string(), address.port());
        Some(Target { secure: !cleartext, host, connect, path: "/".to_owned() })
    }

    /// Asks on `route`, with a tag of its own.
    ///
    /// # Errors
    /// With the reason, where there is no answer.
    pub(super) async fn ask(&self, route: &Route, ask: Ask<'_>) -> Result<Answer, String> {
        let target = self.target(route, ask.cleartext).ok_or("cleartext is not answered at all")?;
        let base = route.path.trim_end_matches('/');
        let place = ask.path.map_or_else(|| format!("{base}/{MARK}"), str::to_owned) + &ask.query;
        let method = ask.method.unwrap_or(Method::GET);
        let errand =
            Errand { method: method.clone(), host: target.host.clone(), target: place.clone(), probe: ask.probe };
        let tag = self.live.plan.probes.issue(&errand).map_err(|error| error.to_string())?;
        let mut request = Request::builder().method(method).uri(&*place);
        if !ask.headers.iter().any(|(name, _)| *name == header::ACCEPT) {
            request = request.header(header::ACCEPT, "application/json");
        }
        for (name, value) in &ask.headers {
            request = request.header(name, HeaderValue::from_str(value).map_err(|error| error.to_string())?);
        }
        if !ask.body.is_empty() {
            request = request.header(header::CONTENT_LENGTH, ask.body.len());
        }
        let request = request.header(X_PRIVET_PROBE, tag).body(Bytes::from(ask.body));
        let request = request.map_err(|error| error.to_string())?;
        self.with(&target).ask(&target, request).await.map_err(|error| format!("{}: {error}", route.name))
    }

    /// The probes of the vulnerability analysis, of `target`.
    pub(super) fn with<'p>(&'p self, target: &'p Target) -> scan::probe::Probe<'p> {
        scan::probe::Probe {
            target,
            budget: &self.budget,
            eye: &Blind,
            libraries: &self.libraries,
            roots: Arc::clone(&self.roots),
            findings: &self.findings,
            notes: &self.notes,
        }
    }

    /// What those have found so far.
    pub(super) fn found(&self) -> Vec<scan::finding::Finding> {
        self.findings.take().sorted()
    }
}

/// What a refusal calls itself; nothing for what is none.
pub(super) fn refusal(answer: &Answer) -> Option<String> {
    let object: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
    object["error"].as_str().filter(|_| !answer.status.is_success()).map(str::to_owned)
}

/// An address of this machine for one that stands for all.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

/// A name that a certificate has, and no route.
fn nobodys(live: &Live) -> String {
    let routes = live.plan.applications();
    let is_free = |name: &String| {
        let taken = |route: &Route| route.host != HostPattern::Any && route.host.fits(name).is_some();
        !name.contains('*') && !routes.iter().any(|(route, _)| taken(route))
    };
    let names = live.tls.list().into_iter().flat_map(|listed| listed.names);
    names.into_iter().find(is_free).unwrap_or_else(|| "localhost".to_owned())
}

/// An authority that nobody has: what is shown is looked at, not believed, and verifiers want one.
fn anchor() -> Result<Arc<RootCertStore>, String> {
    let made = rcgen::generate_simple_self_signed(vec!["probe.privet.invalid".to_owned()]);
    let made = made.map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).map_err(|error| error.to_string())?;
    Ok(Arc::new(roots))
}
