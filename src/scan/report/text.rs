//! For a terminal.

use std::fmt::Write as _;

use super::{Report, detail, remedy};
use crate::scan::{baseline::State, finding::Finding, rule::Severity};

/// Most places that are shown of one finding.
const PLACES: usize = 3;

/// The whole report. Colours where the terminal has them.
#[must_use]
pub fn write(report: &Report, colours: bool) -> String {
    let mut out = format!("{}\n", report.target);
    if let Some(grade) = report.grade {
        let _ = writeln!(out, "grade of transport and headers: {} ({} of 100)", grade.letter(), grade.points);
    }
    if let Some(facts) = &report.facts {
        for (name, list) in [("protocols", &facts.protocols), ("suites", &facts.suites), ("groups", &facts.groups)] {
            if !list.is_empty() {
                let _ = writeln!(out, "{name}: {}", list.join(", "));
            }
        }
        if let Some(certificate) = &facts.certificate {
            let _ = writeln!(out, "certificate: {certificate}");
        }
    }
    out.push('\n');
    let mut rest = &report.findings[..];
    while let Some((first, _)) = rest.first() {
        let same = rest.iter().take_while(|(finding, _)| finding.rule == first.rule).count();
        let (group, others) = rest.split_at(same);
        rest = others;
        let rule = first.rule;
        let _ = writeln!(out, "{}  {}  {}", paint(rule.severity, colours), rule.title, rule.id);
        for (finding, state) in group {
            one(&mut out, finding, state, report.has_baseline);
        }
        let _ = writeln!(out, "    why     {} (CWE-{})", rule.why, rule.cwe);
        let _ = writeln!(out, "    mend    {}", rule.mend);
        if let Some(remedy) = remedy(first) {
            let _ = writeln!(out, "    now     {remedy}");
        }
    }
    for known in &report.fixed {
        let _ = writeln!(out, "fixed     {} {} {}", known.rule, known.subject, known.place);
    }
    for note in &report.notes {
        let _ = writeln!(out, "note      {note}");
    }
    let tally: Vec<String> = report.tally().iter().map(|(severity, n)| format!("{n} {}", severity.name())).collect();
    let tally = if tally.is_empty() { "nothing was found".to_owned() } else { tally.join(", ") };
    let _ = writeln!(out, "{tally}; {} requests", report.asked);
    out
}

/// Where a finding is, and what was seen.
fn one(out: &mut String, finding: &Finding, state: &State, has_baseline: bool) {
    let mut places = finding.places.iter().take(PLACES).cloned().collect::<Vec<_>>().join(" ");
    if finding.times > 1 {
        let _ = write!(places, " ({} times)", finding.times);
    }
    let mark = if has_baseline { format!("  [{}]", state.name()) } else { String::new() };
    let _ = writeln!(out, "    where   {places}  {}{mark}", &finding.fingerprint()[..12]);
    let seen = detail(finding);
    if !seen.is_empty() {
        let _ = writeln!(out, "    seen    {seen}");
    }
    if let State::Accepted(accepted) | State::Expired(accepted) = state {
        let _ = writeln!(out, "    said    {} (until {})", accepted.reason, accepted.until);
    }
}

fn paint(severity: Severity, colours: bool) -> String {
    let text = format!("{:<8}", severity.name());
    let colour = match severity {
        Severity::Critical => "1;31",
        Severity::High => "31",
        Severity::Medium => "33",
        Severity::Low => "36",
        Severity::Info => "2",
    };
    if colours { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text }
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_of_a_sample_reaches_the_terminal_as_it_is() {
        let text = super::write(&super::super::tests::full(), false);
        assert!(!text.contains('\u{1b}') && text.contains("\\u{1b}"));
        assert!(text.contains("grade of transport and headers: F (0 of 100)") && text.contains("[accepted]"));
    }
}
