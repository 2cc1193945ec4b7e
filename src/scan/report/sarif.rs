//! SARIF 2.1.0 (OASIS), as code hosts take it in.

use std::fmt::Write as _;

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::{Report, detail};
use crate::scan::{
    baseline::State,
    finding::Finding,
    rule::{Rule, Severity},
    rules,
};

/// The name under which fingerprints are kept; with a new way of making them it gets another number.
const FINGERPRINT: &str = "privetFinding/v1";

/// The whole report.
#[must_use]
pub fn write(report: &Report) -> Value {
    let results: Vec<Value> =
        report.findings.iter().map(|(finding, state)| result(finding, state, report.has_baseline)).collect();
    let notes: Vec<Value> =
        report.notes.iter().map(|note| json!({ "level": "note", "message": { "text": note } })).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "privet scan",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules::all().map(described).collect::<Vec<_>>(),
            } },
            "automationDetails": { "id": format!("privet-scan/{}", report.target) },
            "invocations": [{
                "executionSuccessful": true,
                "endTimeUtc": report.at.format(&Rfc3339).unwrap_or_default(),
                "toolExecutionNotifications": notes,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn described(rule: &Rule) -> Value {
    let remedy = rule.remedy.text().map(|text| format!(" With Privet: {text}.")).unwrap_or_default();
    json!({
        "id": rule.id,
        "name": camel(rule.id),
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.why },
        "help": { "text": format!("{}{remedy}", rule.mend) },
        "helpUri": format!("https://cwe.mitre.org/data/definitions/{}.html", rule.cwe),
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": {
            "security-severity": rule.severity.score(),
            "precision": "high",
            "tags": ["security", format!("external/cwe/cwe-{:03}", rule.cwe)],
        },
    })
}

fn result(finding: &Finding, state: &State, has_baseline: bool) -> Value {
    let seen = detail(finding);
    let seen = if seen.is_empty() { String::new() } else { format!(" ({seen})") };
    let index = rules::all().position(|rule| rule == finding.rule);
    let mut result = json!({
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "level": level(finding.rule.severity),
        "message": { "text": format!("{}{seen}. {}", finding.rule.title, finding.rule.mend) },
        "locations": finding.places.iter().map(|place| location(place)).collect::<Vec<_>>(),
        "partialFingerprints": { FINGERPRINT: finding.fingerprint() },
        "occurrenceCount": finding.times,
    });
    if has_baseline {
        result["baselineState"] = if state.counts() { "new" } else { "unchanged" }.into();
    }
    if let State::Accepted(accepted) = state {
        let text = format!("{} (until {})", accepted.reason, accepted.until);
        result["suppressions"] = json!([{ "kind": "external", "status": "accepted", "justification": text }]);
    }
    result
}

fn location(place: &str) -> Value {
    // What is no URI of its own is a name, such as a key of a configuration.
    if place.contains("://") {
        return json!({ "physicalLocation": { "artifactLocation": { "uri": uri(place) } } });
    }
    json!({
        "physicalLocation": { "artifactLocation": { "uri": uri(place) } },
        "logicalLocations": [{ "fullyQualifiedName": place }],
    })
}

/// A text as a URI reference: what may not stand in one is encoded (RFC 3986).
fn uri(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn camel(id: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1.min(word.len()));
        first.to_ascii_uppercase() + rest
    };
    id.split('-').map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_names_its_rule() {
        let sarif = write(&super::super::tests::full());
        let run = &sarif["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
        for result in run["results"].as_array().expect("results") {
            let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert_eq!(result["partialFingerprints"][FINGERPRINT].as_str().map(str::len), Some(32));
        }
        assert!(rules.iter().all(|rule| {
            rule["properties"]["tags"][1].as_str().is_some_and(|tag| tag.starts_with("external/cwe/cwe-"))
        }));
    }
}
