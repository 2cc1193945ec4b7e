//! The truth of the policy, of a running gateway: what is looked at, when it looks by itself, and its metrics.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{runtime::Handle, task::AbortHandle};

use super::keys;
use crate::{
    attest::{Attestor, Facts, Live, Standing, attestor::Inputs, origin},
    config::Config,
    dial::settings::Target,
    gateway::probe::{Error, Probes},
    incident::Cases,
    journal::Place,
    observe::metrics::{Metrics, Sample, Source},
    registry::Registry,
    scan::recipient::is_here,
};

/// How long it waits after a start: signatures, health and names have to be known first.
const FIRST: Duration = Duration::from_secs(60);

/// Probes of a gateway that holds its data folder, and the origin where they end.
///
/// # Errors
/// When there is no randomness.
pub(super) fn probes(config: &Config, held: bool) -> Result<Arc<Probes>, Error> {
    let listener = held.then(|| origin::bind(&config.data_dir)).transpose().inspect_err(|error| {
        tracing::warn!(%error, "the internal origin can't be opened: `attest` has nowhere to send probes");
    });
    let listener = listener.ok().flatten();
    let place = listener.is_some().then(|| origin::place(&config.data_dir));
    if let Some(listener) = listener {
        tokio::spawn(origin::serve(listener));
    }
    Probes::new(place.as_deref(), &Handle::current())
}

/// What attests, and what makes it look by itself.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) attestor: Arc<Attestor>,
    task: AbortHandle,
}

impl Running {
    /// Ready to look.
    pub(super) fn start(
        config: &Config,
        live: Live,
        registry: Option<&Arc<Registry>>,
        cases: Option<&Arc<Cases>>,
    ) -> Self {
        let metrics = Arc::clone(&live.metrics);
        let probes = Arc::clone(&live.plan.probes);
        let attestor = Attestor::new(inputs(config, live, registry, cases));
        show(&metrics, &attestor, probes);
        Self { task: tokio::spawn(watch(Arc::clone(&attestor))).abort_handle(), attestor }
    }

    /// Looks at another configuration from now on.
    pub(super) fn apply(
        &self,
        config: &Config,
        live: Live,
        registry: Option<&Arc<Registry>>,
        cases: Option<&Arc<Cases>>,
    ) {
        self.attestor.apply(inputs(config, live, registry, cases));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn inputs(config: &Config, live: Live, registry: Option<&Arc<Registry>>, cases: Option<&Arc<Cases>>) -> Inputs {
    let (registry, cases) = (registry.cloned(), cases.cloned());
    Inputs { settings: config.attest.clone(), facts: facts(config), live, registry, cases }
}

/// Looks whenever it is time. What is said of how often may change meanwhile.
async fn watch(attestor: Arc<Attestor>) {
    let mut waited = Duration::ZERO;
    let mut due = FIRST;
    loop {
        let step = Duration::from_secs(1);
        tokio::time::sleep(step).await;
        waited += step;
        let Some(every) = attestor.every() else { continue };
        if waited < due.min(every) {
            continue;
        }
        (waited, due) = (Duration::ZERO, every);
        match attestor.run(None).await {
            Ok(report) if report.count(Standing::Red) > 0 => {
                let red = report.count(Standing::Red);
                tracing::error!(red, "clauses of the policy are not true; `privet attest` says which and why");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the policy could not be attested"),
        }
    }
}

fn show(metrics: &Metrics, attestor: &Arc<Attestor>, probes: Arc<Probes>) {
    let attestor = Arc::clone(attestor);
    metrics.show(Source::gauges(
        "privet_attest_clauses",
        "Clauses of the policy by how they stood when they were last looked at.",
        move || {
            let Some(report) = attestor.last() else { return Vec::new() };
            let one = |standing: Standing| {
                let count = i64::try_from(report.count(standing)).unwrap_or(i64::MAX);
                Sample::new(&[("status", standing.name())], count)
            };
            [Standing::Green, Standing::Amber, Standing::Red].map(one).into()
        },
    ));
    metrics.show(Source::counters(
        "privet_probes_total",
        "Requests that said to be Privet's own, by whether they were.",
        move || {
            let each = ["admitted", "refused"].into_iter().zip(&probes.counts);
            each.map(|(result, count)| Sample::new(&[("result", result)], count.value())).collect()
        },
    ));
}

/// What a configuration says, for whoever attests.
#[must_use]
pub fn facts(config: &Config) -> Facts {
    let mut private: Vec<PathBuf> = config.tls.certificates.iter().map(|pair| pair.key.clone()).collect();
    private.extend(config.seal.key_file.clone());
    private.push(keys::place(config));
    private.extend(config.identity.realms.iter().flat_map(|realm| [realm.key_file.clone(), realm.staff_file.clone()]));
    if let Some(Place::Folder(folder)) = config.journal.as_ref().map(|journal| &journal.place) {
        private.extend([folder.clone(), folder.join("checkpoint.key")]);
    }
    private.sort();
    private.dedup();
    let shield = config.gateway.shield.as_ref();
    Facts {
        sha256: config.sha256,
        data_dir: config.data_dir.clone(),
        seal: config.seal.key_file.clone(),
        keys: private,
        journal: config.journal.clone(),
        cleartext: cleartext(config),
        recipients: recipients(config),
        providers: providers(config),
        routes: config.gateway.routes.clone(),
        logins: config.gateway.logins.clone(),
        rules: shield.map(|set| (set.settings().rules.is_some(), set.plan().rules.len())),
    }
}

/// Where something goes on in cleartext beyond this machine, and why.
fn cleartext(config: &Config) -> Vec<(String, String)> {
    let routes = config.gateway.routes.iter();
    let mut all: Vec<(String, Option<String>)> =
        routes.map(|route| (format!("route {}", route.name), route.cleartext_reason.clone())).collect();
    let database = config.journal.as_ref().and_then(|journal| journal.place.postgres());
    let endpoint = config.access.as_ref().and_then(|access| access.endpoint.as_ref());
    let others = [
        ("the store", config.store.as_ref().and_then(|store| store.cleartext_reason.clone())),
        ("the database", database.and_then(|database| database.cleartext_reason.clone())),
        ("telemetry", config.telemetry.as_ref().and_then(|telemetry| telemetry.cleartext_reason.clone())),
        ("clamd", config.antivirus.as_ref().and_then(|antivirus| antivirus.cleartext_reason.clone())),
        ("the list of consent", endpoint.and_then(|endpoint| endpoint.cleartext_reason.clone())),
    ];
    all.extend(others.into_iter().map(|(place, reason)| (place.to_owned(), reason)));
    all.into_iter().filter_map(|(place, reason)| Some((place, reason?))).collect()
}

/// Hosts beyond this machine that data is handed to.
fn recipients(config: &Config) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for route in &config.gateway.routes {
        for endpoint in &route.upstream.endpoints {
            if let Target::Tcp { host, .. } = &endpoint.dial.target {
                all.push((host.clone(), format!("route {}", route.name)));
            }
        }
    }
    all.extend(config.telemetry.iter().map(|telemetry| (telemetry.endpoint.host.clone(), "telemetry".to_owned())));
    all.retain(|(host, _)| !is_here(&host.to_ascii_lowercase()));
    all
}

/// Hosts where people sign in: browsers are led there on purpose.
fn providers(config: &Config) -> Vec<String> {
    let realms = config.identity.realms.iter();
    let issuers = realms.filter_map(|realm| Some(&realm.federation.oidc.as_ref()?.issuer));
    issuers.map(|issuer| issuer.address.host().to_owned()).collect()
}
