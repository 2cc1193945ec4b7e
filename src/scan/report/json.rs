//! For programs.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::{Report, remedy};
use crate::scan::{baseline::State, finding::Finding};

/// The whole report.
#[must_use]
pub fn write(report: &Report) -> Value {
    let facts = report.facts.as_ref().map(|facts| {
        json!({
            "protocols": facts.protocols, "suites": facts.suites, "groups": facts.groups, "certificate": facts.certificate,
        })
    });
    json!({
        "target": report.target,
        "at": report.at.format(&Rfc3339).unwrap_or_default(),
        "version": env!("CARGO_PKG_VERSION"),
        "requests": report.asked,
        "grade": report.grade.map(|grade| json!({ "letter": grade.letter(), "points": grade.points })),
        "tls": facts,
        "findings": report.findings.iter().map(|(finding, state)| one(finding, state)).collect::<Vec<_>>(),
        "fixed": report.fixed,
        "notes": report.notes,
    })
}

fn one(finding: &Finding, state: &State) -> Value {
    let mut value = finding_value(finding);
    value["state"] = state.name().into();
    if let State::Accepted(accepted) | State::Expired(accepted) = state {
        value["accepted"] = json!(accepted);
    }
    value
}

/// One finding, without how it stands to a baseline.
#[must_use]
pub fn finding_value(finding: &Finding) -> Value {
    let rule = finding.rule;
    json!({
        "rule": rule.id, "title": rule.title, "severity": rule.severity.name(), "cwe": rule.cwe, "why": rule.why, "mend": rule.mend,
        "privet": remedy(finding), "subject": finding.subject, "places": finding.places, "sample": finding.sample, "times": finding.times,
        "fingerprint": finding.fingerprint(),
    })
}
