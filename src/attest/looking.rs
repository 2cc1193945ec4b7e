//! One attestation under way: every control that the policy names is looked at once.

use std::{collections::BTreeSet, time::SystemTime};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    control,
    grounds::{Facts, Grounds},
    prober::Prober,
    report::{Finding, Report, Seen, judge},
    settings::Control,
};
use crate::{
    gateway::{probe::Probe, settings::Route},
    journal::{Place, search::Filter, search::Line, search::search, tree::hex},
    seal::Ring,
};

/// What looks.
pub(super) struct Looking<'a> {
    pub(super) grounds: &'a Grounds,
    prober: Result<Prober, String>,
}

/// Looks at all of it. It takes as long as probes take, and must not be run where others wait.
///
/// # Errors
/// When the process can get no runtime of its own.
pub fn look(grounds: &Grounds, clause: Option<&str>) -> std::io::Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(run(grounds, clause)))
}

async fn run(grounds: &Grounds, clause: Option<&str>) -> Report {
    let no_gateway = || Err("unknown: no gateway runs here".to_owned());
    let looking = Looking { grounds, prober: grounds.live.as_ref().map_or_else(no_gateway, Prober::new) };
    let policy = &grounds.settings.policy;
    let asked = policy.clauses.iter().filter(|known| clause.is_none_or(|id| known.id == id));
    let controls: BTreeSet<Control> = asked.flat_map(super::settings::Clause::all).collect();
    let (mut seen, mut standings) = (Vec::new(), Vec::new());
    for control in controls {
        let finding = control::look(control, &looking).await.unwrap_or_else(Finding::amber);
        standings.push((control, finding.standing));
        seen.push(Seen::of(control, finding));
    }
    let mut clauses = judge(policy, &standings);
    clauses.retain(|judged| clause.is_none_or(|id| judged.id == id));
    Report {
        at: stamp(grounds.now),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        live: grounds.live.is_some(),
        title_ko: policy.title.ko.clone(),
        title_en: policy.title.en.clone(),
        policy_sha256: hex(&policy.sha256),
        config_sha256: hex(&grounds.facts.sha256),
        clauses,
        controls: seen,
    }
}

/// A time by RFC 3339, in whole seconds.
pub(super) fn stamp(at: SystemTime) -> String {
    let at = OffsetDateTime::from(at);
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

impl Looking<'_> {
    /// What sends probes.
    pub(super) fn prober(&self) -> Result<&Prober, String> {
        self.prober.as_ref().map_err(Clone::clone)
    }

    /// What the configuration says.
    pub(super) fn facts(&self) -> &Facts {
        &self.grounds.facts
    }

    /// Routes that carry personal data behind a gate.
    pub(super) fn guarded(&self) -> impl Iterator<Item = &Route> {
        self.facts().routes.iter().map(|route| &**route).filter(|route| route.gate.is_some())
    }

    /// Records of a kind that can be read, the oldest first, each with its journal.
    pub(super) fn records(&self, filter: &Filter) -> Result<Vec<(Place, Line)>, String> {
        let (Some(journal), Some(keys)) = (&self.facts().journal, &self.facts().seal) else {
            return Err("unknown: there is no journal".to_owned());
        };
        let mut found = Vec::new();
        for place in journal.place.all().map_err(|error| error.to_string())? {
            let ring = Ring::load(keys).map_err(|error| format!("unknown: {error}"))?;
            let mut lines = Vec::new();
            search(&place, ring, filter, |line| {
                lines.push(line);
                true
            })
            .map_err(|error| error.to_string())?;
            found.extend(lines.into_iter().map(|line| (place.clone(), line)));
        }
        found.sort_by_key(|(_, line)| line.time);
        Ok(found)
    }

    /// How long ago a time in milliseconds was, in seconds.
    pub(super) fn age(&self, millis: u64) -> u64 {
        let now = self.grounds.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        now.as_secs().saturating_sub(millis / 1000)
    }
}

/// Somebody who passes the gate of `route` by their role, and by what they say that they work for.
pub(super) fn entrant(route: &Route) -> (Probe, Vec<(http::HeaderName, String)>) {
    use crate::access::header::{PURPOSE, TICKET};
    let Some(gate) = &route.gate else { return (Probe::default(), Vec::new()) };
    let known = ["marketing", "complaints"].into_iter().find(|known| gate.roles.iter().any(|role| role == known));
    let role = known.or(gate.roles.first().map(String::as_str)).unwrap_or("marketing");
    let stated = match role {
        _ if !route.asks_policies() => Vec::new(),
        "marketing" => vec![(PURPOSE, "marketing".to_owned())],
        _ => vec![(PURPOSE, "complaint".to_owned()), (TICKET, "PROBE-1".to_owned())],
    };
    (Probe { role: Some(role.to_owned()), signed: true, people: None }, stated)
}
