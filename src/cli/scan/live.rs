//! What a running gateway has found.

use std::{fmt::Write as _, process::ExitCode};

use http::Method;
use serde_json::Value;
use time::OffsetDateTime;

use super::{Outcome, ScanArgs};
use crate::{
    gateway::watch::Lens,
    scan::{Finding, Seen, baseline::Baseline, report::Report, rules},
};

/// Asks the gateway.
pub(super) fn look(
    args: &ScanArgs,
    baseline: Option<&Baseline>,
    eye: &Lens,
    now: OffsetDateTime,
) -> Result<Outcome, ExitCode> {
    let answer = args.gateway.ask(Method::GET, "/v1/scan", &Value::Null)?;
    let mut routes: Vec<(String, Option<String>, Vec<Finding>)> = Vec::new();
    let mut findings = Vec::new();
    for row in answer["findings"].as_array().into_iter().flatten() {
        let Some(finding) = finding(row, eye) else { continue };
        let route = row["route"].as_str().unwrap_or_default().to_owned();
        match routes.iter_mut().find(|(known, ..)| *known == route) {
            Some((_, _, list)) => list.push(finding.clone()),
            None => routes.push((route, None, vec![finding.clone()])),
        }
        findings.push(finding);
    }
    findings.sort_by(|a, b| b.rule.severity.cmp(&a.rule.severity).then(a.rule.id.cmp(b.rule.id)));
    let (judged, fixed) = Report::judged(baseline, &findings, now);
    let (looked, dropped) = (answer["looked"].as_u64().unwrap_or(0), answer["dropped"].as_u64().unwrap_or(0));
    let mut notes =
        vec![format!("rules have looked at {looked} answers, and not at {dropped} for which there was no room")];
    notes.extend(answer["recipients"].as_array().into_iter().flatten().map(recipient));
    let report = Report {
        target: "live traffic of watched routes".to_owned(),
        at: now,
        asked: 0,
        findings: judged,
        fixed,
        has_baseline: baseline.is_some(),
        grade: None,
        facts: None,
        notes,
    };
    Ok(Outcome { text: Some(table(&answer, &report)), report, routes })
}

fn finding(row: &Value, eye: &Lens) -> Option<Finding> {
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    // A gateway of another version may know other rules.
    let rule = rules::named(row["rule"].as_str()?)?;
    let place = row["places"][0].as_str().unwrap_or_default();
    let finding = Finding::new(rule, place, &Seen::new(text("subject"), text("sample")), eye);
    Some(Finding { times: row["times"].as_u64().unwrap_or(1), ..finding })
}

/// Another host that answers send browsers to.
fn recipient(row: &Value) -> String {
    let text = |key: &str| super::safe::printable(row[key].as_str().unwrap_or_default());
    let ways: Vec<&str> = row["ways"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let ways = super::safe::printable(&ways.join(", "));
    format!(
        "answers of {} name {} ({ways}, {} times, {} to {})",
        text("route"),
        text("host"),
        row["times"],
        text("first"),
        text("last")
    )
}

/// A line each: how grave, which rule, where, how often, since when and when last.
fn table(answer: &Value, report: &Report) -> String {
    let mut out = String::new();
    let mut rows: Vec<&Value> = answer["findings"].as_array().into_iter().flatten().collect();
    let grave = |row: &Value| rules::named(row["rule"].as_str().unwrap_or_default()).map(|rule| rule.severity);
    rows.sort_by_key(|row| std::cmp::Reverse(grave(row)));
    for row in rows {
        let text = |key: &str| super::safe::printable(row[key].as_str().unwrap_or_default());
        let place = super::safe::printable(row["places"][0].as_str().unwrap_or_default());
        let _ = writeln!(
            out,
            "{:<8}  {}  route {}  {} times, {} to {}\n    {place}  {}\n    {}",
            text("severity"),
            text("rule"),
            text("route"),
            row["times"],
            text("first"),
            text("last"),
            text("sample"),
            text("mend"),
        );
    }
    let _ = writeln!(out, "{} findings; {}", report.findings.len(), report.notes.join("; "));
    out
}
