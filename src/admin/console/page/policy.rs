//! The policy clause by clause, with the controls that each rests on, why they stand so, and where to look.

use std::fmt::Write as _;

use serde_json::Value;

use super::reading::{deeds, joined, rows, text};
use crate::{
    access::page::escaped,
    admin::console::{
        layout::Shown,
        list::{Sign, time},
        visit::{Absent, Visit},
    },
    attest::settings::Control,
};

pub(in crate::admin::console) async fn show(visit: &Visit) -> Result<Shown, Absent> {
    let again = deeds(&[("/policy/look".to_owned(), visit.say("Look again now", "지금 다시 점검"))]);
    let Ok(report) = visit.ask("/v1/attest").await else {
        let none = visit.say("Nobody has looked yet.", "아직 점검한 적이 없습니다.");
        return Ok(Shown::html(format!("<p>{none}</p>{again}")));
    };
    let title = text(&report, visit.say("title_en", "title_ko"));
    let mut out = format!(
        "<p>{}. {} {}</p>{again}{}",
        escaped(title),
        visit.say("Last looked at:", "마지막 점검:"),
        time(text(&report, "at")),
        tally(visit, &report)
    );
    for clause in rows(&report, "clauses") {
        out.push_str(&self::clause(visit, clause, &report));
    }
    Ok(Shown::html(out))
}

/// How many clauses stand how.
pub(super) fn tally(visit: &Visit, report: &Value) -> String {
    let mut out = "<ul class=\"cards\">".to_owned();
    for standing in ["green", "amber", "red"] {
        let count = rows(report, "clauses").iter().filter(|clause| text(clause, "standing") == standing).count();
        let _ = write!(out, "<li><b>{count}</b> {}</li>", Sign::of(standing).html(&visit.term(standing)));
    }
    out + "</ul>"
}

fn clause(visit: &Visit, clause: &Value, report: &Value) -> String {
    let standing = text(clause, "standing");
    let mut out = format!(
        "<section class=\"clause\" aria-labelledby=\"{0}\"><h2 id=\"{0}\">{1} {0}</h2><p>{2}</p>",
        escaped(text(clause, "id")),
        Sign::of(standing).html(&visit.term(standing)),
        escaped(text(clause, visit.say("text_en", "text_ko")))
    );
    for (key, besides) in [("controls", false), ("supports", true)] {
        for name in rows(clause, key).iter().filter_map(Value::as_str) {
            out.push_str(&control(visit, name, besides, report));
        }
    }
    out + "</section>"
}

fn control(visit: &Visit, name: &str, besides: bool, report: &Value) -> String {
    let Some(seen) = rows(report, "controls").iter().find(|seen| text(seen, "control") == name) else {
        return String::new();
    };
    let standing = text(seen, "standing");
    let known = Control::ALL.iter().find(|control| control.name() == name);
    let mut out = format!(
        "<details{}><summary>{} <code>{}</code>{}</summary><dl>",
        if standing == "green" { "" } else { " open" },
        Sign::of(standing).html(&visit.term(standing)),
        escaped(name),
        if besides { visit.say(" (bears on it)", " (참고)") } else { "" },
    );
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = write!(out, "<dt>{name}</dt><dd lang=\"en\">{}</dd>", escaped(value));
        }
    };
    line(visit.say("Control", "통제 항목"), known.map_or("", |control| control.shows()));
    line(visit.say("Why", "판단 근거"), text(seen, "why"));
    line(visit.say("Evidence", "증거"), &joined(&seen["evidence"]));
    out + "</dl></details>"
}
