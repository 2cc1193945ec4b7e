//! One page for people, in Korean and English: no script, nothing that is loaded from elsewhere. The same on paper.

use std::fmt::Write as _;

use super::super::report::{Judged, Report, Seen, Standing};
use crate::format::{font::Font, pdf};

const STYLE: &str = "body{font:16px/1.6 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1b1f23}\
h1{font-size:1.4rem;margin-bottom:.2rem}section{border:1px solid #d0d7de;border-left:8px solid #57606a;border-radius:6px;padding:.6rem 1rem;margin:1rem 0}\
section h2{font-size:1rem;margin:0}p{margin:.3rem 0}table{border-collapse:collapse;width:100%;font-size:.9rem}\
td{vertical-align:top;padding:.25rem .8rem .25rem 0;overflow-wrap:anywhere;border-top:1px solid #d0d7de}td:first-child{white-space:nowrap}\
.green{border-left-color:#1a7f37}.amber{border-left-color:#bf8700}.red{border-left-color:#cf222e}.note{color:#57606a}\
.count{display:inline-block;padding:.2rem .8rem;border-radius:1rem;border:1px solid #d0d7de;margin-right:.5rem}\
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}section,td,.count{border-color:#30363d}.note{color:#8d96a0}}";

/// Said where nothing could be asked.
const ALONE: &str = "게이트웨이가 실행 중이 아니어서 일부 항목은 확인되지 않았습니다. · No gateway was running: much could not be looked at.";

/// The page.
#[must_use]
pub fn page(report: &Report) -> String {
    let (ko, en) = (escaped(&report.title_ko), escaped(&report.title_en));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"ko\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{ko} · {en}</title><style>{STYLE}</style></head>\n\
         <body><h1>{ko}</h1><p lang=\"en\">{en}</p>\n"
    );
    for standing in [Standing::Green, Standing::Amber, Standing::Red] {
        let (ko, en) = words(standing);
        let _ = write!(out, "<span class=\"count\">{} {ko} · {en}</span>", report.count(standing));
    }
    let _ = writeln!(
        out,
        "<p class=\"note\">{} · privet {} · 정책 policy {} · 설정 configuration {}</p>",
        escaped(&report.at),
        escaped(&report.version),
        short(&report.policy_sha256),
        short(&report.config_sha256)
    );
    if !report.live {
        let _ = writeln!(out, "<p><strong>{ALONE}</strong></p>");
    }
    for judged in &report.clauses {
        clause(&mut out, judged, report);
    }
    out.push_str("</body></html>\n");
    out
}

fn clause(out: &mut String, judged: &Judged, report: &Report) {
    let (ko, en) = words(judged.standing);
    let _ = writeln!(
        out,
        "<section class=\"{}\"><h2>{} — {ko} · {en}</h2><p>{}</p><p lang=\"en\" class=\"note\">{}</p><table>",
        judged.standing.name(),
        escaped(&judged.id),
        escaped(&judged.text_ko),
        escaped(&judged.text_en)
    );
    for name in judged.controls.iter().chain(&judged.supports) {
        let Some(Seen { standing, why, evidence, .. }) = report.seen(name) else { continue };
        let (ko, en) = words(*standing);
        let evidence = escaped(&evidence.join(", "));
        let _ = writeln!(
            out,
            "<tr><td>{}<td>{ko} · {en}<td lang=\"en\">{}<br><span class=\"note\">{evidence}</span>",
            escaped(name),
            escaped(why)
        );
    }
    out.push_str("</table></section>\n");
}

/// The same as a PDF. What the font has no sign for in what was found is a question mark; the policy's own words are not.
///
/// # Errors
/// When the font lacks what the policy says.
pub fn paper(report: &Report, font: &Font) -> Result<Vec<u8>, pdf::Error> {
    let mut out = format!("{}\n{}\n\n", report.title_ko, report.title_en);
    for standing in [Standing::Green, Standing::Amber, Standing::Red] {
        let (ko, en) = words(standing);
        let _ = writeln!(out, "{} {ko} / {en}", report.count(standing));
    }
    let (policy, config) = (&report.policy_sha256, &report.config_sha256);
    let _ =
        writeln!(out, "{}, privet {}\n정책 policy {policy}\n설정 configuration {config}", report.at, report.version);
    if !report.live {
        let _ = writeln!(out, "{}", ALONE.replace('·', "/"));
    }
    let found = |text: &str| -> String {
        let known = |sign: char| if sign.is_control() || font.glyph(sign).is_none() { '?' } else { sign };
        text.chars().map(known).collect()
    };
    for judged in &report.clauses {
        let (ko, en) = words(judged.standing);
        let _ = writeln!(out, "\n■ {}: {ko} / {en}\n{}\n{}", judged.id, judged.text_ko, judged.text_en);
        for name in judged.controls.iter().chain(&judged.supports) {
            let Some(Seen { standing, why, evidence, .. }) = report.seen(name) else { continue };
            let (ko, en) = words(*standing);
            let _ = writeln!(out, "- {name}: {ko} / {en}. {}", found(why));
            if !evidence.is_empty() {
                let _ = writeln!(out, "  {}", found(&evidence.join(", ")));
            }
        }
    }
    pdf::write(&out, font)
}

fn words(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Green => ("이행됨", "true"),
        Standing::Amber => ("확인 필요", "in doubt"),
        Standing::Red => ("이행되지 않음", "not true"),
        Standing::Off => ("설정되지 않음", "not configured"),
    }
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
