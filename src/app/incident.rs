//! What a running gateway does when it happens anyway: cases, what opens them, what people are told, and what is done at once. All of it is read
//! from the journal that all gateways decide by, and looked at every second.

use std::{sync::Arc, time::SystemTime};

use anyhow::Context as _;

use super::{control::Control, detection, journal, remedy};
use crate::{
    admin,
    common::clock,
    config::Config,
    gateway::Plan,
    incident::{
        Cases, Status,
        clock::nearest,
        notice::Notices,
        remedy::{Overlay, Remedies},
        signal::Feed,
    },
    journal::Stream,
    observe::metrics::{Metrics, Sample, Source},
    registry::{Moment, Registry},
};

/// All of it; nothing without a registry, which says who decides.
#[derive(Debug)]
pub(super) struct Incidents {
    cases: Option<Arc<Cases>>,
    feed: Option<Arc<Feed>>,
    notices: Option<Arc<Notices>>,
    remedies: Option<Arc<Remedies>>,
}

impl Incidents {
    /// Reads it.
    ///
    /// # Errors
    /// When the journal is not what was written, or can't be read.
    pub(super) fn start(
        config: &Config,
        journal: &journal::Running,
        registry: Option<&Arc<Registry>>,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let stream = journal.stream();
        let cases = start(config, stream, registry, metrics)?;
        let feed = detection::start(config, journal, cases.as_ref(), registry, metrics)?;
        let notices = notices(config, stream, registry, cases.as_ref())?;
        let remedies = remedy::start(config, stream, registry, cases.as_ref(), metrics)?;
        Ok(Self { cases, feed, notices, remedies })
    }

    /// The cases, where they are kept.
    pub(super) fn cases(&self) -> Option<&Arc<Cases>> {
        self.cases.as_ref()
    }

    /// What people are told.
    pub(super) fn notices(&self) -> Option<Arc<Notices>> {
        self.notices.clone()
    }

    /// What requests meet of countermeasures.
    pub(super) fn overlay(&self) -> Arc<Overlay> {
        self.remedies.as_ref().map(|remedies| Arc::clone(remedies.overlay())).unwrap_or_default()
    }

    /// Lets commands reach it.
    pub(super) fn introduce(&self, control: &Control) {
        let Self { cases, feed, notices, remedies } = self;
        control.incidents(cases.as_ref(), feed.as_ref(), notices.as_ref(), remedies.as_ref());
    }

    /// Lets countermeasures hold in a plan before it meets its first request.
    pub(super) fn hold(&self, plan: &Plan) {
        if let Some(remedies) = &self.remedies {
            admin::remedy::hold(plan, remedies);
        }
    }

    /// Takes another configuration.
    pub(super) fn apply(&self, config: &Config) {
        if let Some(cases) = &self.cases {
            cases.apply(config.incident.clone());
        }
        if let Some(feed) = &self.feed {
            feed.apply(config.incident.signals.clone());
        }
    }

    /// Looks at clocks, records, the public page, and what was decided at another gateway.
    pub(super) fn look(&self, plan: &Arc<Plan>, now: SystemTime) {
        if let Some(cases) = &self.cases {
            look(cases, self.notices.as_ref(), now);
        }
        if let Some(feed) = &self.feed {
            detection::look(feed, now);
        }
        if let Some(remedies) = &self.remedies {
            remedy::look(remedies, plan, now);
        }
    }
}

/// Reads them where there is a registry, which says who decides.
///
/// # Errors
/// When the journal is not what was written, or can't be read.
fn start(
    config: &Config,
    stream: Option<&Stream>,
    registry: Option<&Arc<Registry>>,
    metrics: &Metrics,
) -> anyhow::Result<Option<Arc<Cases>>> {
    let (Some(stream), Some(journal), Some(keys), Some(registry)) =
        (stream, &config.journal, &config.seal.key_file, registry)
    else {
        return Ok(None);
    };
    let (kept, rules) = (journal.retention.grants, config.incident.clone());
    let cases = Cases::open(stream.clone(), kept, keys, rules, Arc::clone(registry)).context("incidents")?;
    show(metrics, &cases);
    Ok(Some(cases))
}

/// What people are told of them.
///
/// # Errors
/// When the journal can't be read.
fn notices(
    config: &Config,
    stream: Option<&Stream>,
    registry: Option<&Arc<Registry>>,
    cases: Option<&Arc<Cases>>,
) -> anyhow::Result<Option<Arc<Notices>>> {
    let (Some(stream), Some(keys), Some(registry), Some(cases)) = (stream, &config.seal.key_file, registry, cases)
    else {
        return Ok(None);
    };
    let notices = Notices::open(stream.clone(), keys, Arc::clone(cases), Arc::clone(registry));
    notices.context("notices of incidents").map(Some)
}

fn show(metrics: &Metrics, cases: &Arc<Cases>) {
    let [counted, timed, unread] = [(); 3].map(|()| Arc::clone(cases));
    metrics.show(Source::gauges("privet_incidents", "Cases of incidents by their status.", move || {
        let state = counted.state();
        let count = |status: Status| i64::try_from(state.count(status)).unwrap_or(i64::MAX);
        Status::ALL.map(|status| Sample::new(&[("status", status.name())], count(status))).into()
    }));
    metrics.show(Source::gauges(
        "privet_incident_deadline_seconds",
        "What is left of the nearest clock of all open cases, by law and duty; below zero where it has run out.",
        move || {
            let all = nearest(&timed.state(), &timed.settings().laws, Moment::from(clock::now()));
            all.iter().map(|(law, duty, left)| Sample::new(&[("law", law), ("duty", duty)], *left)).collect()
        },
    ));
    metrics.show(Source::gauge(
        "privet_incident_unread_records",
        "Records of incidents that could not be read at the start, and may have said something that holds.",
        move || i64::try_from(unread.unread().missing()).unwrap_or(i64::MAX),
    ));
}

/// Looks at the clocks, and whether what is posted is there.
fn look(cases: &Arc<Cases>, notices: Option<&Arc<Notices>>, now: SystemTime) {
    if let Some(notices) = notices.map(Arc::clone) {
        tokio::spawn(async move {
            if let Err(denied) = notices.look(now).await {
                tracing::error!(%denied, "a look at the public page could not be written down");
            }
        });
    }
    let cases = Arc::clone(cases);
    tokio::spawn(async move {
        if let Err(denied) = cases.look(now).await {
            tracing::error!(%denied, "clocks of incidents could not be written down");
        }
    });
}
