//! What came of looking: each control, and each clause by those that it rests on.

use serde::{Deserialize, Serialize};

use super::settings::{Clause, Control, Policy};

/// How it stands with a control, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It was seen to hold.
    Green,
    /// It is in doubt, or nobody could look.
    Amber,
    /// It was seen not to hold.
    Red,
    /// There is nothing of the kind here. No clause stands so: it is red or amber then, by what it says of the control.
    Off,
}

impl Standing {
    /// As it is written everywhere.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Amber => "amber",
            Self::Red => "red",
            Self::Off => "off",
        }
    }
}

/// What was seen of one control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its name.
    pub control: String,
    /// How it stands.
    pub standing: Standing,
    /// Why. Nobody's data is in it.
    pub why: String,
    /// Where to look: a record of the journal, a file, a command.
    pub evidence: Vec<String>,
}

impl Seen {
    /// What was found of `control`.
    #[must_use]
    pub fn of(control: Control, finding: Finding) -> Self {
        let Finding { standing, why, evidence } = finding;
        Self { control: control.name().to_owned(), standing, why, evidence }
    }
}

/// What a look has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it stands.
    pub standing: Standing,
    /// Why.
    pub why: String,
    /// Where to look.
    pub evidence: Vec<String>,
}

impl Finding {
    /// A finding without evidence yet.
    pub fn new(standing: Standing, why: impl Into<String>) -> Self {
        Self { standing, why: why.into(), evidence: Vec::new() }
    }

    /// It holds.
    pub fn green(why: impl Into<String>) -> Self {
        Self::new(Standing::Green, why)
    }

    /// It is in doubt.
    pub fn amber(why: impl Into<String>) -> Self {
        Self::new(Standing::Amber, why)
    }

    /// It does not hold.
    pub fn red(why: impl Into<String>) -> Self {
        Self::new(Standing::Red, why)
    }

    /// There is nothing of the kind.
    pub fn off(why: impl Into<String>) -> Self {
        Self::new(Standing::Off, why)
    }

    /// Where to look.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.evidence.push(place.into());
        self
    }

    /// Of what was found place by place: red where anything is wrong, amber where anything is in doubt, else green.
    #[must_use]
    pub fn of(wrong: &[String], doubts: &[String], else_green: impl Into<String>) -> Self {
        match (wrong, doubts) {
            ([], []) => Self::green(else_green),
            ([], doubts) => Self::amber(doubts.join("; ")),
            (wrong, _) => Self::red(wrong.join("; ")),
        }
    }
}

/// One clause, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// What it is called by.
    pub id: String,
    /// What it says, in Korean.
    pub text_ko: String,
    /// What it says, in English.
    pub text_en: String,
    /// Green, amber or red.
    pub standing: Standing,
    /// The controls that must hold.
    pub controls: Vec<String>,
    /// Those that bear on it besides.
    pub supports: Vec<String>,
}

/// All of it, at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When, by RFC 3339.
    pub at: String,
    /// Of Privet.
    pub version: String,
    /// Whether a running gateway was asked; without one most can't be told.
    pub live: bool,
    /// What the policy is called.
    pub title_ko: String,
    /// The same in English.
    pub title_en: String,
    /// SHA-256 of the policy's file.
    pub policy_sha256: String,
    /// SHA-256 of the configuration.
    pub config_sha256: String,
    /// Clauses, in the policy's order.
    pub clauses: Vec<Judged>,
    /// Controls that any clause rests on, each once.
    pub controls: Vec<Seen>,
}

impl Report {
    /// Clauses of a standing.
    #[must_use]
    pub fn count(&self, standing: Standing) -> usize {
        self.clauses.iter().filter(|clause| clause.standing == standing).count()
    }

    /// What was seen of a control.
    #[must_use]
    pub fn seen(&self, control: &str) -> Option<&Seen> {
        self.controls.iter().find(|seen| seen.control == control)
    }

    /// One clause of it, with its controls alone.
    #[must_use]
    pub fn only(mut self, clause: &str) -> Option<Self> {
        self.clauses.retain(|judged| judged.id == clause);
        let judged = self.clauses.first()?;
        self.controls.retain(|seen| judged.controls.contains(&seen.control) || judged.supports.contains(&seen.control));
        Some(self)
    }
}

/// Judges the clauses of a policy by what was seen.
#[must_use]
pub fn judge(policy: &Policy, seen: &[(Control, Standing)]) -> Vec<Judged> {
    let standing = |control: &Control| {
        seen.iter().find(|(known, _)| known == control).map_or(Standing::Amber, |(_, standing)| *standing)
    };
    let names = |controls: &[Control]| controls.iter().map(|control| control.name().to_owned()).collect();
    let one = |clause: &Clause| {
        let needed =
            clause.controls.iter().map(standing).map(|it| if it == Standing::Off { Standing::Red } else { it });
        let besides =
            clause.supports.iter().map(standing).map(|it| if it == Standing::Off { Standing::Amber } else { it });
        Judged {
            id: clause.id.clone(),
            text_ko: clause.text.ko.clone(),
            text_en: clause.text.en.clone(),
            standing: needed.chain(besides).max().unwrap_or(Standing::Amber),
            controls: names(&clause.controls),
            supports: names(&clause.supports),
        }
    };
    policy.clauses.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        Control::{JournalWhole, ShieldBlocks, ShieldRules, TlsHsts},
        Standing::{Amber, Green, Red},
        *,
    };
    use crate::attest::settings::Text;

    #[test]
    fn what_is_not_configured_is_red_or_amber_by_clause() {
        let text = || Text { ko: "가".to_owned(), en: "a".to_owned() };
        let clause = |id: &str, controls: &[Control], supports: &[Control]| Clause {
            id: id.to_owned(),
            text: text(),
            controls: controls.to_vec(),
            supports: supports.to_vec(),
        };
        let policy = Policy {
            title: text(),
            sha256: [0; 32],
            types: None,
            recipients: None,
            clauses: vec![
                clause("must", &[ShieldBlocks], &[]),
                clause("may", &[TlsHsts], &[ShieldBlocks]),
                clause("wrong", &[TlsHsts], &[JournalWhole]),
                clause("right", &[TlsHsts], &[]),
                clause("unseen", &[ShieldRules], &[]),
            ],
        };
        let seen = [(ShieldBlocks, Standing::Off), (TlsHsts, Standing::Green), (JournalWhole, Standing::Red)];
        let judged: Vec<Standing> = judge(&policy, &seen).iter().map(|judged| judged.standing).collect();
        assert_eq!(judged, [Red, Amber, Red, Green, Amber]);
    }
}
