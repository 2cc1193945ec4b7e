//! One review: what there is to look at, why, and what came of it.

use serde_json::Value;

use super::reading::{deeds, facts, number, person, rows, text};
use crate::{
    access::page::escaped,
    admin::console::{
        action::review::find,
        layout::Shown,
        list::{Cell, Column, List, Sign, time},
        visit::{Absent, Visit},
    },
    registry::{population, review::CHAIN},
};

/// Records that one form is filled with.
const AT_ONCE: usize = 100;

pub(in crate::admin::console) async fn show(visit: &Visit) -> Result<Shown, Absent> {
    let id: u64 = visit.rest.parse().unwrap_or_default();
    let review = find(visit, id).await?;
    let is_open = review["signed"].is_null();
    let looked_at = rows(&review, "looked_at");
    // Records of other gateways' journals are not to be had here.
    let base = visit.reach.journal.get().map(|journal| population::number(&journal.place(), 0));
    let columns = vec![
        Column::number("record", visit.say("Record", "기록 번호")),
        Column::new("person", visit.say("Who", "담당자")),
        Column::new("why", visit.say("Why it is looked at", "점검 사유")),
        Column::new("verdict", visit.say("Result", "결과")),
        Column::new("result", visit.say("What was found", "점검 내용")),
        Column::new("action", visit.say("What is done about it", "조치 내용")),
        Column::new("by", visit.say("By", "점검자")),
        Column::action(visit.say("What can be done", "작업")),
    ];
    let lines = looked_at.iter().map(|own| row(visit, id, own, is_open, base)).collect();
    let mut above = nav(visit, id, looked_at, is_open);
    above.push_str(&about(visit, &review));
    let caption = visit.say("Records to look at", "점검 대상 기록").to_owned();
    let title = format!("{} {id}", visit.say("Review", "접속기록 점검"));
    Ok(match (List { caption, columns, rows: lines }).show(visit, &above) {
        Shown::Page { main, .. } => Shown::titled(title, main),
        other => other,
    })
}

/// What can be done with the review as a whole.
fn nav(visit: &Visit, id: u64, looked_at: &[Value], is_open: bool) -> String {
    let mut all = vec![("/people/reviews".to_owned(), visit.say("All reviews", "전체 점검"))];
    if is_open {
        let waits = |own: &&Value| own["result"].is_null() && !visit.is_of(&own["person"]);
        let waiting: Vec<String> =
            looked_at.iter().filter(waits).take(AT_ONCE).map(|own| own["record"].to_string()).collect();
        if !waiting.is_empty() {
            let to = format!("/reviews/{id}/result?records={}", waiting.join("+"));
            all.push((to, visit.say("Say what came of all that wait", "미점검 기록 결과 한꺼번에 적기")));
        }
        all.push((format!("/reviews/{id}/sign"), visit.say("Sign the review", "점검에 서명")));
    }
    deeds(&all)
}

fn about(visit: &Visit, review: &Value) -> String {
    let at = |key: &str| review[key].as_str().map_or_else(String::new, time);
    let unusual = review["by_rule"].as_object().into_iter().flatten();
    let unusual: Vec<String> = unusual.map(|(rule, count)| format!("{} {count}", visit.term(rule))).collect();
    let signed = &review["signed"];
    let signed = match signed["at"].as_str() {
        Some(moment) => format!("{} {}", escaped(&person(visit, &signed["by"])), time(moment)),
        None => Sign::Amber.html(visit.say("not yet", "아직")),
    };
    facts(&[
        (visit.say("From", "시작"), at("since")),
        (visit.say("Up to", "종료"), at("until")),
        (visit.say("Opened by", "시작한 책임자"), escaped(&person(visit, &review["by"]))),
        (visit.say("Access records", "접속기록"), number(review, "total").to_string()),
        (visit.say("Drawn at random", "무작위 추출"), number(review, "drawn").to_string()),
        (visit.say("By the seed", "추출 시드"), escaped(text(review, "seed"))),
        (visit.say("Unusual", "특이 기록"), escaped(&unusual.join(", "))),
        (visit.say("Not yet looked at", "미점검"), number(review, "unjudged").to_string()),
        (visit.say("Signed", "서명"), signed),
    ])
}

fn row(visit: &Visit, id: u64, own: &Value, is_open: bool, base: Option<u64>) -> Vec<Cell> {
    let record = own["record"].as_u64().unwrap_or_default();
    let rules = rows(own, "rules").iter().filter_map(Value::as_str);
    let why = Some("drawn").filter(|_| own["drawn"] == true).into_iter().chain(rules);
    let why: Vec<String> = why.map(|word| visit.term(word)).collect();
    let result = &own["result"];
    let verdict = match result["verdict"].as_str() {
        Some(verdict) => Cell::sign(Sign::of(verdict), &visit.term(verdict)),
        None => Cell::sign(Sign::Amber, &visit.term("waiting")),
    };
    let mut links = Vec::new();
    if let Some(index) = base.and_then(|base| record.checked_sub(base)).filter(|index| *index < CHAIN) {
        links.push(format!("<a href=\"/disclosures?record={index}\">{}</a>", visit.say("Look at it", "기록 보기")));
    }
    if is_open && !visit.is_of(&own["person"]) {
        let what = visit.say("Say what came of it", "결과 적기");
        links.push(format!("<a href=\"/reviews/{id}/result?records={record}\">{what}</a>"));
    }
    vec![
        Cell::number(record),
        Cell::text(person(visit, &own["person"])),
        Cell::text(why.join(", ")),
        verdict,
        Cell::text(text(result, "result")),
        Cell::text(text(result, "action")),
        Cell::text(person(visit, &result["by"])),
        Cell::action(links.join(" · ")),
    ]
}
