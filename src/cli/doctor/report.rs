//! All that was found, for people and for programs.

use std::{fmt::Write as _, process::ExitCode};

use serde_json::{Value, json};

use super::finding::{Finding, Severity};
use crate::cli::safe::{printable, scrubbed};

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) findings: Vec<Finding>,
    /// Checks that have looked to their end.
    pub(super) looked: Vec<&'static str>,
    /// What could not be looked at, and why.
    unseen: Vec<(&'static str, String)>,
}

impl Report {
    pub(super) fn unseen(&mut self, check: &'static str, why: &str) {
        self.unseen.push((check, why.to_owned()));
    }

    /// The gravest first.
    pub(super) fn sort(&mut self) {
        self.findings.sort_by(|a, b| (a.severity, &a.name, &a.seen).cmp(&(b.severity, &b.name, &b.seen)));
        self.findings.dedup();
        self.looked.sort_unstable();
        self.unseen.sort();
    }

    /// Leaves what was asked for: findings of a check, or of one name.
    pub(super) fn keep(&mut self, only: &[String]) {
        let asked = |name: &str| {
            let within = |asked: &String| {
                name.strip_prefix(asked.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            only.is_empty() || only.iter().any(within)
        };
        self.findings.retain(|finding| asked(&finding.name));
    }

    /// 1 for a fault, 3 where something could not be looked at, else 0.
    pub(super) fn code(&self) -> ExitCode {
        let fault = self.findings.iter().any(|finding| finding.severity == Severity::Fault);
        match (fault, self.unseen.is_empty()) {
            (true, _) => ExitCode::FAILURE,
            (false, false) => ExitCode::from(3),
            (false, true) => ExitCode::SUCCESS,
        }
    }

    pub(super) fn json(&self) -> Value {
        let finding = |f: &Finding| json!({ "severity": f.severity.name(), "name": f.name, "seen": shown(&f.seen), "mend": shown(&f.mend) });
        let unseen = |(check, why): &(&str, String)| json!({ "check": check, "why": shown(why) });
        json!({
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
            "looked": self.looked,
            "unseen": self.unseen.iter().map(unseen).collect::<Vec<_>>(),
        })
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for finding in &self.findings {
            let (severity, name) = (finding.severity.name(), &finding.name);
            let _ =
                writeln!(out, "{severity:<7}  {name}\n    {}\n    do: {}", shown(&finding.seen), shown(&finding.mend));
        }
        for (check, why) in &self.unseen {
            let _ = writeln!(out, "not seen {check}\n    {}", shown(why));
        }
        let count = |severity| self.findings.iter().filter(|finding| finding.severity == severity).count();
        let [faults, warnings, notes] = [Severity::Fault, Severity::Warning, Severity::Note].map(count);
        let checks = self.looked.len();
        let _ = writeln!(out, "faults: {faults}, warnings: {warnings}, notes: {notes}, checks: {checks}");
        out
    }
}

/// What others have said may be in it: an application, a certificate, an authority.
fn shown(text: &str) -> String {
    scrubbed(&printable(text))
}
