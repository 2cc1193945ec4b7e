//! What is to be learned when a case is over: how it went, who was responsible at that time, what was done about it, and whether in time. Pure.

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::{Map, Value, json};

use super::{
    case::{Case, Outcome},
    clock::clocks,
    notice::{settings::Page, state::Papers, template::escape, view},
};
use crate::registry::{self, Moment};

/// Notes that begin so say what was the cause, what is done about it, and what is learned.
const SAYINGS: [&str; 3] = ["cause", "measure", "lesson"];
/// Records that are one of very many: they are summed up.
const MANY: [&str; 3] = ["notice.sent", "notice.delivery", "notice.posted"];

/// What a report is made from.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The case.
    pub case: &'a Case,
    /// Its notices.
    pub papers: &'a Papers,
    /// Who may what, and has been able to.
    pub registry: &'a registry::State,
    /// The laws whose clocks run.
    pub laws: &'a [String],
    /// Roles that the gates and policies of the case's routes name.
    pub roles: &'a [String],
    /// Where the public page is looked at.
    pub page: Option<&'a Page>,
    /// When the report is made.
    pub now: Moment,
}

/// The report as an object. `timeline` is what [`step`] has made of the case's records; `words` are an officer's, by what they are about.
#[must_use]
pub fn report(ground: &Ground<'_>, timeline: &[Value], words: &Map<String, Value>) -> Value {
    let Ground { case, papers, now, .. } = *ground;
    let of_notes = |name: &str| -> Vec<Value> {
        let said = case.notes.iter().filter_map(|note| {
            let (head, text) = note.text.split_once(':')?;
            head.trim().eq_ignore_ascii_case(name).then(|| json!(text.trim()))
        });
        said.chain(words.get(name).cloned()).collect()
    };
    let [cause, mut measures, lessons] = SAYINGS.map(of_notes);
    for notice in &papers.notices {
        measures.extend(notice.texts.values().filter_map(|said| said.get("measures")).map(|text| json!(text)));
    }
    let mut notices = view::papers(papers, ground.page, now);
    if let Some(all) = notices["notices"].as_array_mut() {
        all.iter_mut().filter_map(Value::as_object_mut).for_each(|notice| drop(notice.remove("texts")));
    }
    let totals: Vec<Value> = papers
        .compensation
        .totals()
        .into_iter()
        .map(|((currency, stage), (people, minor))| json!({ "currency": currency, "stage": stage, "people": people, "minor": minor }))
        .collect();
    json!({
        "case": case.number, "title": case.title, "status": case.status, "opened": case.opened, "known_at": case.known_at,
        "confirmed": case.confirmed, "ended": case.ended.as_ref().map(|note| note.at), "made": now,
        "routes": case.scope.routes, "since": case.scope.since, "until": case.scope.until, "suspected": case.scope.persons,
        "facts": case.facts, "count": case.count, "timeline": timeline, "cause": cause, "responsible": responsible(ground),
        "measures": measures, "clocks": kept(ground), "notices": notices["notices"], "postings": notices["postings"],
        "compensation": totals, "lessons": lessons,
    })
}

/// Who held a role at that time that has to do with it, those included who have left meanwhile.
fn responsible(ground: &Ground<'_>) -> Vec<Value> {
    let scope = &ground.case.scope;
    let from = scope.since.unwrap_or(ground.case.known_at);
    let to = scope.until.unwrap_or(ground.case.known_at).max(from);
    let roles: BTreeSet<&str> = ground.roles.iter().map(String::as_str).chain([registry::person::OFFICER]).collect();
    let mut rows = Vec::new();
    for (person, dossier) in ground.registry.people() {
        for grant in dossier.grants.iter().filter(|grant| roles.contains(grant.role.as_str())) {
            let end = [grant.until, grant.ended.as_ref().map(|ended| ended.at)].into_iter().flatten().min();
            if grant.start > to || end.is_some_and(|end| end <= from) {
                continue;
            }
            rows.push(json!({
                "person": person, "name": dossier.name, "role": grant.role, "duty": grant.duty, "grant": grant.id, "from": grant.start,
                "until": end, "left": dossier.left, "suspected": ground.case.suspects(person),
                "sees_to_it": ground.case.responsible.as_ref() == Some(person),
            }));
        }
    }
    rows
}

/// Which clocks were kept.
fn kept(ground: &Ground<'_>) -> Vec<Value> {
    let state = |clock: &super::clock::Clock<'_>| match (clock.settled, clock.due) {
        (Some(settled), _) if settled.outcome == Outcome::NotDue => "not asked for",
        (Some(settled), Some(due)) if settled.at > due => "missed",
        (Some(_), _) => "kept",
        (None, _) if !clock.is_due() => "not asked for",
        (None, Some(due)) if ground.now > due => "missed",
        (None, _) => "open",
    };
    clocks(ground.case, ground.laws)
        .iter()
        .map(|clock| {
            let delay = ground.case.delay(&clock.law.id, &clock.duty.id).map(|delay| delay.reason.clone());
            json!({
                "law": clock.law.id, "duty": clock.duty.id, "article": clock.duty.article, "start": clock.start, "due": clock.due,
                "done": clock.settled.map(|settled| settled.at), "state": state(clock), "delay": delay,
            })
        })
        .collect()
}

/// A record of the case as a step of its timeline; nothing for one of very many that went well.
#[must_use]
pub fn step(kind: &str, time: Moment, body: &Map<String, Value>) -> Option<Value> {
    let failed = kind == "notice.posted" && body.get("matches") == Some(&Value::Bool(false));
    if MANY.contains(&kind) && !failed {
        return None;
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let by = body.get("by").and_then(|by| by.get("subject").or_else(|| by.get("person")?.get("subject")));
    let what = ["title", "reason", "text", "trouble", "way", "duty"].into_iter().find_map(text);
    let nested = || {
        let settled = body.get("settled").or_else(|| body.get("warning"))?;
        Some(format!("{} {}", settled["law"].as_str()?, settled["duty"].as_str()?))
    };
    let rule = || Some(body.get("sign")?["rule"].as_str()?.to_owned());
    let what = what.map(str::to_owned).or_else(nested).or_else(rule);
    Some(json!({ "at": time, "kind": kind, "by": by, "what": what }))
}

/// The report as a page.
#[must_use]
pub fn html(report: &Value) -> String {
    let mut out = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>After action</title>\n<style>body{font:11pt/1.5 system-ui,\"Noto Sans KR\",sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}\
         table{border-collapse:collapse;width:100%}th,td{border:1px solid #888;padding:.3rem .5rem;text-align:left;vertical-align:top}</style></head><body>\n",
    );
    let _ = write!(out, "<h1>Case {}: ", report["case"]);
    escape(report["title"].as_str().unwrap_or_default(), &mut out);
    out.push_str("</h1>\n");
    let facts =
        ["status", "opened", "known_at", "confirmed", "ended", "since", "until", "routes", "facts", "count", "made"];
    out.push_str("<table>\n");
    for name in facts {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th><td>", name.replace('_', " "));
        escape(&plain(&report[name]), &mut out);
        out.push_str("</td></tr>\n");
    }
    out.push_str("</table>\n");
    for (name, title) in [("cause", "Cause"), ("measures", "Measures"), ("lessons", "Lessons")] {
        let _ = write!(out, "<h2>{title}</h2>\n<ul>\n");
        let said = report[name].as_array().map_or(&[][..], Vec::as_slice);
        if said.is_empty() {
            out.push_str("<li>Nobody has said.</li>\n");
        }
        for one in said {
            out.push_str("<li>");
            escape(&plain(one), &mut out);
            out.push_str("</li>\n");
        }
        out.push_str("</ul>\n");
    }
    let tables: [(&str, &str, &[&str]); 6] = [
        ("timeline", "Timeline", &["at", "kind", "by", "what"]),
        (
            "responsible",
            "Who was responsible at that time",
            &["person", "name", "role", "duty", "from", "until", "left", "suspected"],
        ),
        ("clocks", "Clocks", &["law", "duty", "article", "start", "due", "done", "state", "delay"]),
        ("notices", "Notices", &["notice", "law", "duty", "sha256", "approvals", "sending"]),
        ("postings", "Public page", &["notice", "since", "until", "ended", "proofs", "failed", "gaps"]),
        ("compensation", "Compensation", &["currency", "stage", "people", "minor"]),
    ];
    for (name, title, columns) in tables {
        table(report, name, title, columns, &mut out);
    }
    out.push_str("</body></html>\n");
    out
}

fn table(report: &Value, name: &str, title: &str, columns: &[&str], out: &mut String) {
    let _ = write!(out, "<h2>{title}</h2>\n<table>\n<tr>");
    for column in columns {
        let _ = write!(out, "<th scope=\"col\">{}</th>", column.replace('_', " "));
    }
    out.push_str("</tr>\n");
    for row in report[name].as_array().into_iter().flatten() {
        out.push_str("<tr>");
        for column in columns {
            out.push_str("<td>");
            escape(&plain(&row[*column]), out);
            out.push_str("</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(all) if all.contains_key("subject") => plain(&all["subject"]),
        Value::Object(all) => {
            let pairs = all.iter().filter(|(_, value)| !value.is_null() && **value != json!(0));
            pairs
                .map(|(name, value)| format!("{}: {}", name.replace('_', " "), plain(value)))
                .collect::<Vec<_>>()
                .join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incident::{
            State,
            case::{Opener, Settled},
            command::Change,
            event::Event,
            ledger::Fold as _,
        },
        registry::{PersonId, Role, grant::Grant},
    };

    #[test]
    fn who_was_responsible_at_that_time_is_told_leavers_included() {
        let at = |day: u64| Moment::at(1_793_000_000 + day * 86_400);
        let person = |name: &str| PersonId::new("staff", name);
        let mut registry = registry::State::default();
        let grant = |id: u64, name: &str, role: &str| Grant {
            id,
            person: person(name),
            role: Role::new(role).expect("a role"),
            duty: None,
            reason: "work".into(),
            by: None,
            confirmed_by: None,
            start: at(0),
            until: None,
            certified: at(0),
            ended: None,
        };
        let founded = vec![grant(1, "one", "privacy-officer"), grant(2, "two", "privacy-officer")];
        registry.apply(&registry::Event::Founded { grants: founded }, at(0));
        for (id, name, role) in
            [(3, "ann", "complaints"), (4, "bob", "marketing"), (5, "carl", "complaints"), (6, "dan", "complaints")]
        {
            let mut grant = grant(id, name, role);
            if name == "dan" {
                grant.start = at(20);
            }
            registry.apply(&registry::Event::Given { grant }, at(0));
        }
        let left = |name: &str, id| registry::Event::Left {
            person: person(name),
            ended: vec![id],
            reason: None,
            by: person("one"),
        };
        registry.apply(&left("ann", 3), at(12));
        registry.apply(&left("carl", 5), at(5));
        let mut cases = State::default();
        let mut change = Change::default();
        (change.scope.since, change.scope.until) = (Some(at(10)), Some(at(11)));
        let opened = Event::Opened {
            case: 1,
            title: "night <export>".into(),
            by: Opener::Person(person("one")),
            known_at: at(11),
            change,
        };
        cases.apply(&opened, at(11));
        cases.apply(&Event::Confirmed { case: 1, reason: "seen".into(), by: person("one") }, at(11));
        let note =
            |text: &str| Event::Noted { case: 1, text: text.into(), change: Change::default(), by: person("one") };
        cases.apply(&note("lesson: look at night"), at(12));
        let settled = Settled {
            law: "kr-pipa".into(),
            duty: "notice".into(),
            outcome: Outcome::Done,
            at: at(15),
            reference: None,
            by: None,
        };
        cases.apply(&Event::Settled { case: 1, settled }, at(15));
        let papers = Papers::default();
        let (laws, roles) = (["kr-pipa".to_owned()], ["complaints".to_owned()]);
        let case = cases.case(1).expect("a case");
        let ground =
            Ground { case, papers: &papers, registry: &registry, laws: &laws, roles: &roles, page: None, now: at(30) };
        let body = opened.record().expect("a record").body().clone();
        let timeline = vec![step("incident.opened", at(11), &body).expect("a step")];
        let report = report(&ground, &timeline, &Map::new());
        let names: Vec<&str> = report["responsible"]
            .as_array()
            .expect("rows")
            .iter()
            .filter_map(|row| row["person"]["subject"].as_str())
            .collect();
        assert_eq!(names, ["ann", "one", "two"], "carl had left, dan had not begun, bob has nothing to do with it");
        assert!(report["responsible"][0]["left"].is_string());
        let notice = report["clocks"]
            .as_array()
            .expect("rows")
            .iter()
            .find(|row| row["duty"] == "notice")
            .expect("a clock")
            .clone();
        assert_eq!(notice["state"], "missed", "three days are 72 hours");
        assert_eq!(report["lessons"][0], "look at night");
        assert_eq!(
            (report["timeline"][0]["by"].as_str(), report["timeline"][0]["what"].as_str()),
            (Some("one"), Some("night <export>"))
        );
        let page = html(&report);
        assert!(
            page.contains("night &lt;export&gt;") && !page.contains("<export>") && page.contains("<td>ann</td>"),
            "{page}"
        );
        assert!(step("notice.delivery", at(1), &Map::new()).is_none());
    }
}
