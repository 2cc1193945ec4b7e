//! Attests for a running gateway: one at a time, and remembers the last.

use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::{
    grounds::{Facts, Grounds, Live},
    looking,
    report::{Report, Standing},
    settings::Settings,
};
use crate::{
    common::clock,
    incident::{Case, Cases, clock::clocks},
    journal::{Kind, Record},
    registry::Registry,
};

/// What is looked at, until a reload.
#[derive(Debug)]
pub struct Inputs {
    /// The policy.
    pub settings: Settings,
    /// What the configuration says.
    pub facts: Facts,
    /// What is running.
    pub live: Live,
    /// Who may what.
    pub registry: Option<Arc<Registry>>,
    /// Cases of incidents.
    pub cases: Option<Arc<Cases>>,
}

/// Attests for a running gateway.
#[derive(Debug)]
pub struct Attestor {
    inputs: ArcSwap<Inputs>,
    last: ArcSwapOption<Report>,
    turn: Mutex<()>,
}

impl Attestor {
    /// One that has not looked yet.
    #[must_use]
    pub fn new(inputs: Inputs) -> Arc<Self> {
        Arc::new(Self { inputs: ArcSwap::from_pointee(inputs), last: ArcSwapOption::empty(), turn: Mutex::default() })
    }

    /// Looks at something else from now on.
    pub fn apply(&self, inputs: Inputs) {
        self.inputs.store(Arc::new(inputs));
    }

    /// How often it is to look by itself.
    #[must_use]
    pub fn every(&self) -> Option<Duration> {
        self.inputs.load().settings.every
    }

    /// SHA-256 of the text of the configuration that is worked by.
    #[must_use]
    pub fn config_sha256(&self) -> [u8; 32] {
        self.inputs.load().facts.sha256
    }

    /// What came of the last look at the whole.
    #[must_use]
    pub fn last(&self) -> Option<Arc<Report>> {
        self.last.load_full()
    }

    /// Whether the policy has this clause.
    #[must_use]
    pub fn has(&self, clause: &str) -> bool {
        self.inputs.load().settings.policy.clauses.iter().any(|known| known.id == clause)
    }

    /// Looks at the whole, or one clause, once those who have asked before are done. The whole is written down.
    ///
    /// # Errors
    /// When it can't be run.
    pub async fn run(&self, clause: Option<String>) -> io::Result<Arc<Report>> {
        let _turn = self.turn.lock().await;
        let inputs = self.inputs.load_full();
        let journal = inputs.live.journal.clone();
        let whole = clause.is_none();
        let looked = tokio::task::spawn_blocking(move || {
            let registry = inputs.registry.as_ref();
            let grounds = Grounds {
                settings: inputs.settings.clone(),
                facts: inputs.facts.clone(),
                live: Some(inputs.live.clone()),
                registry: registry.map(|registry| (registry.state(), (*registry.settings()).clone())),
                clocks: inputs.cases.as_ref().map(|cases| late(cases, clock::now())),
                now: clock::now(),
            };
            looking::look(&grounds, clause.as_deref())
        });
        let report = Arc::new(looked.await.map_err(io::Error::other)??);
        if whole {
            self.last.store(Some(Arc::clone(&report)));
            if let Some(journal) = &journal {
                journal.note(&record(&report));
            }
        }
        Ok(report)
    }
}

/// Open cases in which a clock has run out, by number.
fn late(cases: &Cases, now: SystemTime) -> Vec<u64> {
    let (state, rules, now) = (cases.state(), cases.settings(), now.into());
    let is_late = |case: &&Case| {
        let clocks = clocks(case, &rules.laws);
        case.status.is_open() && clocks.iter().any(|clock| clock.left(now).is_some_and(|left| left < 0))
    };
    state.cases().filter(is_late).map(|case| case.number).collect()
}

/// A report in short: how many clauses stand how, and which controls don't hold.
fn record(report: &Report) -> Record {
    let of = |standing| report.controls.iter().filter(move |seen| seen.standing == standing);
    let names = |standing| Value::from(of(standing).map(|seen| seen.control.as_str()).collect::<Vec<_>>());
    let clauses: Map<String, Value> =
        report.clauses.iter().map(|judged| (judged.id.clone(), judged.standing.name().into())).collect();
    let fields = [
        ("policy_sha256", report.policy_sha256.as_str().into()),
        ("config_sha256", report.config_sha256.as_str().into()),
        ("green", report.count(Standing::Green).into()),
        ("amber", report.count(Standing::Amber).into()),
        ("red", report.count(Standing::Red).into()),
        ("clauses", clauses.into()),
        ("controls_red", names(Standing::Red)),
        ("controls_amber", names(Standing::Amber)),
        ("controls_off", names(Standing::Off)),
    ];
    Record::new(Kind::AttestDone, fields)
}
