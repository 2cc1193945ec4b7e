//! A scan's report, and the forms that it is written in.

pub mod html;
pub mod json;
pub mod sarif;
pub mod suggest;
pub mod text;

use time::OffsetDateTime;

use super::{
    baseline::{Baseline, Known, State},
    finding::Finding,
    grade::Grade,
    probe::tls::Facts,
    rule::Severity,
};

/// Everything that a scan tells.
#[derive(Debug)]
pub struct Report {
    /// What was scanned.
    pub target: String,
    /// When.
    pub at: OffsetDateTime,
    /// Requests and connections that it took.
    pub asked: u32,
    /// What was found, the gravest first, and how it stands to the baseline.
    pub findings: Vec<(Finding, State)>,
    /// What was known and is no more.
    pub fixed: Vec<Known>,
    /// Whether there was a baseline.
    pub has_baseline: bool,
    /// The grade of transport and headers, where a site was asked.
    pub grade: Option<Grade>,
    /// What the server speaks.
    pub facts: Option<Facts>,
    /// What was not looked at, and why.
    pub notes: Vec<String>,
}

impl Report {
    /// Compares what was found with what is known.
    #[must_use]
    pub fn judged(
        baseline: Option<&Baseline>,
        findings: &[Finding],
        now: OffsetDateTime,
    ) -> (Vec<(Finding, State)>, Vec<Known>) {
        let state = |finding: &Finding| baseline.map_or(State::New, |baseline| baseline.state(finding, now));
        let judged = findings.iter().map(|finding| (finding.clone(), state(finding))).collect();
        (judged, baseline.map(|baseline| baseline.fixed(findings)).unwrap_or_default())
    }

    /// Whether there is one of at least this severity that is not known, or accepted no more.
    #[must_use]
    pub fn fails(&self, level: Severity) -> bool {
        self.findings.iter().any(|(finding, state)| finding.rule.severity >= level && state.counts())
    }

    /// How many there are of each severity, the gravest first.
    #[must_use]
    pub fn tally(&self) -> Vec<(Severity, usize)> {
        let count = |severity| self.findings.iter().filter(|(finding, _)| finding.rule.severity == severity).count();
        Severity::ALL.into_iter().rev().map(|severity| (severity, count(severity))).filter(|(_, n)| *n > 0).collect()
    }
}

/// What mends it now, for people: with what stands for its path and host.
fn remedy(finding: &Finding) -> Option<String> {
    let text = finding.rule.remedy.text()?;
    let place = finding.places.first().map_or("", |place| place.as_str());
    let rest = place.split_once("://").map_or(place, |(_, rest)| rest);
    let at = rest.find('/').unwrap_or(rest.len());
    let host = rest[..at].split(':').next().unwrap_or_default();
    Some(text.replace("{path}", &rest[at..]).replace("{host}", host))
}

/// What it is about and what was seen, in one line.
fn detail(finding: &Finding) -> String {
    match (finding.subject.is_empty(), finding.sample.is_empty()) {
        (true, true) => String::new(),
        (false, true) => finding.subject.clone(),
        (true, false) => finding.sample.clone(),
        (false, false) if finding.sample.contains(&finding.subject) => finding.sample.clone(),
        (false, false) => format!("{}: {}", finding.subject, finding.sample),
    }
}

#[cfg(test)]
pub(in crate::scan) mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::scan::{exchange::Blind, finding::Seen, rules};

    /// Of every rule one finding, the texts of which are hostile.
    pub(in crate::scan) fn full() -> Report {
        let hostile = "</script><script>alert(\"1\")</script> & ' \u{1b}[31m é";
        let one = |rule| Finding::new(rule, "https://shop.example/<b>?x", &Seen::new("na\"me", hostile), &Blind);
        let findings: Vec<Finding> = rules::all().map(one).collect();
        let mut baseline = Baseline::default().updated(&findings[..4]);
        let first = baseline.findings[0].fingerprint.clone();
        baseline.accept(&first, "a <reason>", "2026-12-31").expect("accepted");
        let now = datetime!(2026-11-29 12:00 UTC);
        let (judged, fixed) = Report::judged(Some(&baseline), &findings, now);
        Report {
            target: "https://shop.example/".to_owned(),
            at: now,
            asked: 7,
            grade: Some(Grade::of(&findings)),
            findings: judged,
            fixed,
            has_baseline: true,
            facts: Some(Facts { protocols: vec!["TLS 1.3"], ..Facts::default() }),
            notes: vec!["<note>".to_owned()],
        }
    }

    #[test]
    fn what_is_known_fails_nothing() {
        let mut report = full();
        assert!(report.fails(Severity::Critical));
        report.findings.retain(|(_, state)| !state.counts());
        assert!(!report.findings.is_empty() && !report.fails(Severity::Info));
    }
}
