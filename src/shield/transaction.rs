//! One request and its answer, as rules see them.

pub(super) mod gathered;
mod input;
pub(super) mod spare;
pub mod state;

use std::{sync::Arc, time::Duration};

pub use input::{Head, Peer};
pub use state::Value;

use self::state::State;
use super::{
    fields::Bounds,
    plan::Plan,
    rule::{Engine, Phase, Scope, Severity},
    texts::{Text, Texts},
    variable::{Choice, Variable},
};

/// How much of a request is looked at, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a request's body.
    pub body: usize,
    /// Most bytes of an answer's body.
    pub answer: usize,
    /// Most arguments, and the deepest nesting.
    pub bounds: Bounds,
    /// Longest time that rules of one request take, in all phases.
    pub time: Duration,
}

/// Which limit was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// Of a body's bytes.
    Bytes,
    /// Of arguments or nesting.
    Arguments,
    /// Of time.
    Time,
}

impl Exceeded {
    /// Its name in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Arguments => "arguments",
            Self::Time => "time",
        }
    }
}

/// A rule that matched, and where first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's place in the plan.
    pub rule: u32,
    /// The variable; none where the rule looks at nothing.
    pub variable: Option<Variable>,
    /// The member, where it has a name.
    pub member: Vec<u8>,
    /// What was looked at, cut. It may hold anything that a client has sent.
    pub value: Vec<u8>,
    /// What the rule says of it: its message and data with variables filled in, cut. So may these.
    pub said: [Vec<u8>; 2],
}

impl Finding {
    /// What was looked at: `ARGS:name`.
    #[must_use]
    pub fn label(&self) -> Vec<u8> {
        let mut label = self.variable.map_or("", Variable::name).as_bytes().to_vec();
        if !self.member.is_empty() && self.variable.is_some_and(Variable::is_collection) {
            label.push(b':');
            label.extend_from_slice(&self.member);
        }
        label
    }
}

/// What rules want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The status that the rule names.
    pub status: u16,
    /// The rule's place in the plan.
    pub rule: u32,
}

/// A request on its way through the phases.
#[derive(Debug)]
pub struct Transaction {
    pub(super) plan: Arc<Plan>,
    pub(super) texts: Texts,
    pub(super) state: State,
    pub(super) limits: Limits,
    /// What was found, in order.
    pub(super) findings: Vec<Finding>,
    pub(super) refused: Option<Refused>,
    pub(super) exceeded: Option<Exceeded>,
    pub(super) spent: Duration,
    /// Bytes that were looked at since the clock was.
    pub(super) unclocked: usize,
}

impl Transaction {
    /// A request that nothing is known of.
    #[must_use]
    pub fn new(plan: &Arc<Plan>, limits: Limits) -> Self {
        let (texts, mut state) = plan.spare.take();
        state.begin(plan);
        Self {
            plan: Arc::clone(plan),
            texts,
            state,
            limits,
            findings: Vec::new(),
            refused: None,
            exceeded: None,
            spent: Duration::ZERO,
            unclocked: 0,
        }
    }

    /// The rules that it is asked by.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What was found so far.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether a rule refuses it. In detection only, this is the first that would have.
    #[must_use]
    pub fn refused(&self) -> Option<Refused> {
        self.refused
    }

    /// Which limit was met first.
    #[must_use]
    pub fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded
    }

    /// The score of anomalies: of the request, or of the answer.
    #[must_use]
    pub fn score(&self, answer: bool) -> i64 {
        let names: [&[u8]; 2] = if answer {
            [b"blocking_outbound_anomaly_score", b"outbound_anomaly_score"]
        } else {
            [b"blocking_inbound_anomaly_score", b"anomaly_score"]
        };
        names.into_iter().map(|name| self.number(Variable::Tx, name)).find(|score| *score != 0).unwrap_or_default()
    }

    /// What a member of a collection that rules assign holds, as a number.
    #[must_use]
    pub fn number(&self, collection: Variable, name: &[u8]) -> i64 {
        self.state.kept(&self.plan, collection, name).map_or(0, Value::number)
    }

    /// Whether rules are written down only.
    #[must_use]
    pub fn detects_only(&self) -> bool {
        self.state.engine == Engine::DetectionOnly
    }

    /// That rules are written down only.
    pub fn detect_only(&mut self) {
        self.state.engine = Engine::DetectionOnly;
    }

    /// Takes rules out for this request: a bit a rule.
    pub fn remove(&mut self, bits: &[u64]) {
        self.state.remove(bits);
    }

    /// Takes something out of what some rules look at: a number of the plan's `meant`.
    pub fn remove_target(&mut self, meant: u32, choice: Choice) {
        self.state.removed_targets.push((meant, choice));
    }

    /// Whether a phase is still to be asked.
    #[must_use]
    pub fn goes_on(&self, phase: Phase) -> bool {
        let allowed = match self.state.allowed {
            None | Some(Scope::Phase) => false,
            Some(Scope::All) => phase != Phase::Logging,
            Some(Scope::Request) => phase <= Phase::RequestBody,
        };
        self.state.engine != Engine::Off && !allowed && self.plan.asks(phase)
    }

    /// The gravest of what was found.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().filter_map(|finding| self.plan.rules[finding.rule as usize].severity).min()
    }

    pub(super) fn keep(&mut self, text: &[u8]) -> Text {
        self.texts.push(text)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.plan.spare.keep(std::mem::take(&mut self.texts), std::mem::take(&mut self.state));
    }
}
