//! One file for whoever reads it in a browser: no script, nothing that is loaded from elsewhere.

use std::fmt::Write as _;

use super::{Report, detail, remedy};
use crate::scan::{baseline::State, finding::Finding};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f23}\
h1{font-size:1.4rem}table{border-collapse:collapse}td,th{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top}\
section{border:1px solid #d0d7de;border-left:6px solid #57606a;border-radius:6px;padding:.5rem 1rem;margin:1rem 0}\
section h2{font-size:1.05rem;margin:.2rem 0}dl{display:grid;grid-template-columns:6rem 1fr;margin:.5rem 0;gap:.1rem 1rem}\
dt{color:#57606a}dd{margin:0;overflow-wrap:anywhere}code{font:.9em ui-monospace,monospace;white-space:pre-wrap}\
.critical{border-left-color:#82071e}.high{border-left-color:#cf222e}.medium{border-left-color:#bf8700}.low{border-left-color:#0969da}\
.grade{font-size:2.5rem;font-weight:700}.state{color:#57606a;font-weight:400}\
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}section{border-color:#30363d}dt,.state{color:#8d96a0}}";

/// The whole report.
#[must_use]
pub fn write(report: &Report) -> String {
    let target = escaped(&report.target);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Scan of {target}</title><style>{STYLE}</style></head>\n<body><h1>Scan of {target}</h1>\n"
    );
    if let Some(grade) = report.grade {
        let _ = writeln!(
            out,
            "<p><span class=\"grade\">{}</span> {} of 100 points for transport and headers</p>",
            grade.letter(),
            grade.points
        );
    }
    let tally: Vec<String> = report.tally().iter().map(|(severity, n)| format!("{n} {}", severity.name())).collect();
    let tally = if tally.is_empty() { "Nothing was found".to_owned() } else { tally.join(", ") };
    let at = report.at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
    let _ = writeln!(out, "<p>{tally}; {} requests; {at}; privet {}</p>", report.asked, env!("CARGO_PKG_VERSION"));
    if let Some(facts) = &report.facts {
        out.push_str("<table>");
        for (name, list) in [("Protocols", &facts.protocols), ("Suites", &facts.suites), ("Groups", &facts.groups)] {
            let _ = write!(out, "<tr><th>{name}<td>{}", escaped(&list.join(", ")));
        }
        let _ =
            writeln!(out, "<tr><th>Certificate<td>{}</table>", escaped(facts.certificate.as_deref().unwrap_or("none")));
    }
    for (finding, state) in &report.findings {
        section(&mut out, finding, state, report.has_baseline);
    }
    list(
        &mut out,
        "Fixed",
        report.fixed.iter().map(|known| format!("{} {} {}", known.rule, known.subject, known.place)),
    );
    list(&mut out, "Notes", report.notes.iter().cloned());
    out.push_str("</body></html>\n");
    out
}

fn section(out: &mut String, finding: &Finding, state: &State, has_baseline: bool) {
    let rule = finding.rule;
    let mark = if has_baseline { format!(" <span class=\"state\">{}</span>", state.name()) } else { String::new() };
    let _ = write!(
        out,
        "<section class=\"{}\"><h2>{}{mark}</h2><dl><dt>Severity<dd>{} (CWE-{}, {})",
        rule.severity.name(),
        escaped(rule.title),
        rule.severity.name(),
        rule.cwe,
        rule.id
    );
    let more = if finding.times > 1 { format!(" ({} times)", finding.times) } else { String::new() };
    let places: Vec<String> = finding.places.iter().map(|place| format!("<code>{}</code>", escaped(place))).collect();
    let _ = write!(out, "<dt>Where<dd>{}{more}", places.join("<br>"));
    let seen = detail(finding);
    if !seen.is_empty() {
        let _ = write!(out, "<dt>Seen<dd><code>{}</code>", escaped(&seen));
    }
    let _ = write!(out, "<dt>Why<dd>{}<dt>Mend<dd>{}", escaped(rule.why), escaped(rule.mend));
    if let Some(remedy) = remedy(finding) {
        let _ = write!(out, "<dt>Privet<dd><code>{}</code>", escaped(&remedy));
    }
    if let State::Accepted(accepted) | State::Expired(accepted) = state {
        let _ = write!(out, "<dt>Said<dd>{} (until {})", escaped(&accepted.reason), escaped(&accepted.until));
    }
    let _ = writeln!(out, "<dt>Id<dd><code>{}</code></dl></section>", &finding.fingerprint()[..12]);
}

fn list(out: &mut String, title: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.map(|item| format!("<li>{}", escaped(&item))).collect();
    if !items.is_empty() {
        let _ = writeln!(out, "<h2>{title}</h2><ul>{}</ul>", items.concat());
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_of_a_sample_is_markup() {
        let page = super::write(&super::super::tests::full());
        assert!(
            !page.contains("<script")
                && !page.contains("<b>")
                && !page.contains("<reason>")
                && !page.contains("<note>")
        );
        assert!(page.contains("&lt;script&gt;"));
        // One file: nothing is loaded.
        assert!(!page.contains("src=") && !page.contains("<link"));
    }
}
