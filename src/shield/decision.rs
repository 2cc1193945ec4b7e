//! What was decided on a request, for whoever writes it down.

use super::{rule::Severity, transaction::Transaction};

/// Most bytes of a value that a finding keeps.
pub const KEPT: usize = 256;
/// Most rules whose numbers are kept.
const NUMBERS: usize = 100;
/// Most rules that are kept with what they found.
const FINDINGS: usize = 8;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No rule found anything that is worth a word.
    Passed,
    /// Rules found something, and it went on: it is not enough, or the route only detects.
    Detected,
    /// The route only detects; where it blocks this would have been refused.
    WouldRefuse,
    /// It was refused.
    Refused,
    /// There was more than can be looked at, and so it was refused.
    Excess,
}

impl Verdict {
    /// Its name in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Detected => "detected",
            Self::WouldRefuse => "would_refuse",
            Self::Refused => "refused",
            Self::Excess => "excess",
        }
    }
}

/// A rule and what it found. Members and values are as a client, or an application, has sent them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The rule's number.
    pub id: u32,
    /// How grave it is.
    pub severity: Option<Severity>,
    /// What the rule says, in the words of its file.
    pub message: String,
    /// What it is about: `attack-sqli`.
    pub tags: Vec<String>,
    /// The variable, `ARGS`.
    pub variable: &'static str,
    /// Its member, `comment`.
    pub member: Vec<u8>,
    /// What was found there, cut.
    pub value: Vec<u8>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What became of it.
    pub verdict: Verdict,
    /// The score of the request, or of the answer where that is larger.
    pub score: i64,
    /// Every rule that found something, in order, each once.
    pub rules: Vec<u32>,
    /// The first of them.
    pub found: Vec<Found>,
    /// The limit that was met.
    pub exceeded: Option<&'static str>,
}

impl Decision {
    /// What has become of a request so far.
    #[must_use]
    pub fn of(transaction: &Transaction, verdict: Verdict) -> Self {
        let plan = transaction.plan();
        let mut rules = Vec::new();
        let mut found = Vec::new();
        for finding in transaction.findings() {
            let rule = &plan.rules[finding.rule as usize];
            if rules.len() >= NUMBERS || rules.contains(&rule.id) {
                continue;
            }
            rules.push(rule.id);
            if found.len() < FINDINGS {
                found.push(Found {
                    id: rule.id,
                    severity: rule.severity,
                    message: rule.title(),
                    tags: rule.tags.iter().filter(|tag| tag.starts_with("attack-")).cloned().collect(),
                    variable: finding.variable.map_or("", super::variable::Variable::name),
                    member: finding.member.clone(),
                    value: finding.value.clone(),
                });
            }
        }
        let score = transaction.score(false).max(transaction.score(true));
        let exceeded = transaction.exceeded().map(super::transaction::Exceeded::name);
        Self { verdict, score, rules, found, exceeded }
    }
}
