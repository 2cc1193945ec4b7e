//! One case: its clocks, what is known, what has happened in it, and what was done.

use std::fmt::Write as _;

use http::StatusCode;
use serde_json::Value;

use super::reading::{deeds, facts, joined, left, number, opener, person, rows, text};
use crate::{
    access::page::escaped,
    admin::console::{
        layout::Shown,
        list::{Cell, Column, List, Sign, time},
        visit::{Absent, Visit},
    },
    common::clock,
    incident::notice::view::papers,
};

pub(in crate::admin::console) async fn show(visit: &Visit) -> Result<Shown, Absent> {
    let case = visit.ask(&format!("/v1/incidents/{}", visit.rest.parse::<u64>().unwrap_or_default())).await?;
    if case.is_null() {
        return Err(Absent::new(StatusCode::NOT_FOUND, visit.say("There is no such case.", "해당 사고가 없습니다.")));
    }
    let remedies = visit.ask("/v1/remedies").await.unwrap_or_default();
    let id = number(&case, "number");
    let status = text(&case, "status");
    let at = |what: &str| format!("/incidents/{id}/{what}");
    let mut out = format!("<p>{}</p>", Sign::of(status).html(&visit.term(status)));
    out.push_str(&deeds(&[
        (at("confirm"), visit.say("Confirm", "확정")),
        (at("clear"), visit.say("Clear", "해소")),
        (at("close"), visit.say("Close", "종결")),
        (at("note"), visit.say("Add a note", "메모 추가")),
        (at("measure"), visit.say("Take a measure", "조치 시행")),
    ]));
    out.push_str(&known(visit, &case));
    out.push_str(&clocks(visit, &case));
    out.push_str(&affected(visit, &case));
    out.push_str(&measures(visit, id, &remedies));
    out.push_str(&told(visit, id));
    out.push_str(&timeline(visit, &case));
    let title = format!("{} {id}: {}", visit.say("Incident", "사고"), text(&case, "title"));
    Ok(Shown::titled(title, out))
}

fn known(visit: &Visit, case: &Value) -> String {
    let yes_no = |value: &Value| match value.as_bool() {
        Some(true) => visit.say("yes", "예").to_owned(),
        Some(false) => visit.say("no", "아니요").to_owned(),
        None => visit.say("nobody has said", "미정").to_owned(),
    };
    let people: Vec<String> = rows(&case["scope"], "persons").iter().map(|who| person(visit, who)).collect();
    let found = &case["facts"];
    let at = |key: &str| case[key].as_str().map_or_else(String::new, time);
    facts(&[
        (visit.say("First known", "인지 시각"), at("known_at")),
        (visit.say("Opened", "개시"), format!("{} · {}", at("opened"), escaped(&opener(visit, &case["by"])))),
        (visit.say("Confirmed", "확정"), at("confirmed")),
        (visit.say("Sees to it", "담당"), escaped(&person(visit, &case["responsible"]))),
        (visit.say("Suspected", "의심 대상"), escaped(&people.join(", "))),
        (visit.say("Routes", "경로"), escaped(&joined(&case["scope"]["routes"]))),
        (visit.say("Types of data", "개인정보 유형"), escaped(&joined(&found["types"]))),
        (visit.say("From outside", "외부 침입"), yes_no(&found["external_intrusion"])),
        (visit.say("Sensitive data", "민감정보"), yes_no(&found["sensitive"])),
        (visit.say("Unique identifiers", "고유식별정보"), yes_no(&found["unique_identifiers"])),
    ])
}

fn clocks(visit: &Visit, case: &Value) -> String {
    let columns = vec![
        Column::new("law", visit.say("Law", "법령")),
        Column::new("duty", visit.say("Duty", "의무")),
        Column::new("to", visit.say("To", "대상")),
        Column::new("due", visit.say("Due", "기한")),
        Column::new("left", visit.say("Left", "남은 시간")),
    ];
    let row = |clock: &Value| {
        let settled = clock["settled"].is_object();
        let (sign, left) = if settled {
            let outcome = text(&clock["settled"], "outcome");
            (Sign::Green, visit.term(outcome))
        } else {
            match (text(clock, "applies"), clock["left_seconds"].as_i64()) {
                ("no", _) => (Sign::Grey, visit.say("does not apply", "해당 없음").to_owned()),
                ("open", None) => (Sign::Amber, visit.say("nobody has said yet", "적용 여부 미정").to_owned()),
                (_, seconds) => left(visit, seconds),
            }
        };
        vec![
            Cell::text(format!("{} · {}", text(clock, visit.say("law_name", "law_name_ko")), text(clock, "article"))),
            Cell::english(text(clock, "rule")),
            Cell::text(visit.term(text(clock, "to"))),
            Cell::time(clock["due"].as_str()),
            Cell::sign(sign, &left),
        ]
    };
    let rows = rows(case, "clocks").iter().map(row).collect();
    let caption = visit.say("Clocks", "기한").to_owned();
    section(visit.say("Clocks", "기한"), &List { caption, columns, rows }.table(None))
}

fn affected(visit: &Visit, case: &Value) -> String {
    let count = &case["count"];
    let text = if count.is_object() {
        facts(&[
            (visit.say("Certain", "확정"), number(count, "confirmed").to_string()),
            (visit.say("Possible", "가능성"), number(count, "possible").to_string()),
            (visit.say("Records of nobody in particular", "특정 불가 기록"), number(count, "unattributed").to_string()),
            (visit.say("Counted", "집계 시각"), time(self::text(count, "at"))),
        ])
    } else {
        format!(
            "<p>{} <code>privet incident affected {}</code></p>",
            visit.say("Nobody has counted them yet:", "아직 집계하지 않았습니다:"),
            number(case, "number")
        )
    };
    section(visit.say("People concerned", "정보주체"), &text)
}

fn measures(visit: &Visit, case: i64, all: &Value) -> String {
    let columns = vec![
        Column::number("id", visit.say("No.", "번호")),
        Column::new("measure", visit.say("Measure", "조치")),
        Column::new("about", visit.say("About", "대상")),
        Column::new("state", visit.say("State", "상태")),
        Column::new("since", visit.say("Since", "시각")),
        Column::new("by", visit.say("By", "시행자")),
        Column::new("reason", visit.say("Why", "사유")),
        Column::action(visit.say("What can be done", "작업")),
    ];
    let row = |taken: &Value| {
        let what = &taken["what"];
        let about = ["route", "login", "network", "role"].iter().find_map(|key| what[*key].as_str());
        let about = about.map_or_else(|| person(visit, &what["person"]), str::to_owned);
        let holds = taken["holds"] == true;
        let lift = format!("<a href=\"/measures/{}/lift\">{}</a>", number(taken, "id"), visit.say("Lift", "해제"));
        let word = if holds {
            "in_force"
        } else if taken["lifted"].is_object() {
            "ended"
        } else {
            "done"
        };
        vec![
            Cell::number(number(taken, "id")),
            Cell::text(visit.term(text(what, "measure"))),
            Cell::text(about),
            Cell::sign(if holds { Sign::Amber } else { Sign::Grey }, &visit.term(word)),
            Cell::time(taken["at"].as_str()),
            Cell::text(person(visit, &taken["by"])),
            Cell::text(text(taken, "reason")),
            Cell::action(if holds { lift } else { String::new() }),
        ]
    };
    let own = rows(all, "remedies").iter().filter(|taken| number(taken, "case") == case);
    let caption = visit.say("Measures taken", "시행한 조치").to_owned();
    let list = List { caption, columns, rows: own.map(row).collect() };
    section(visit.say("Measures", "조치"), &list.table(None))
}

/// What people and the public were told.
fn told(visit: &Visit, case: i64) -> String {
    let state = visit.reach.notices.get().map(|notices| notices.state());
    let known = state.as_ref().and_then(|state| state.of(u64::try_from(case).unwrap_or_default()));
    let all = known.map(|own| papers(own, None, clock::now().into())).unwrap_or_default();
    let columns = vec![
        Column::number("notice", visit.say("No.", "번호")),
        Column::new("law", visit.say("Law and duty", "법령과 의무")),
        Column::new("at", visit.say("Drafted", "작성")),
        Column::new("approved", visit.say("Approved", "승인")),
        Column::number("recipients", visit.say("Recipients", "수신자")),
        Column::new("states", visit.say("Deliveries", "발송 현황")),
    ];
    let row = |notice: &Value| {
        let approved = notice["approved"] == true;
        let states = notice["sending"]["states"].as_object();
        let states: Vec<String> = states
            .into_iter()
            .flatten()
            .filter(|(_, count)| count.as_u64() > Some(0))
            .map(|(state, count)| format!("{state} {count}"))
            .collect();
        vec![
            Cell::number(number(notice, "notice")),
            Cell::text(format!("{} · {}", text(notice, "law"), text(notice, "duty"))),
            Cell::time(notice["at"].as_str()),
            Cell::sign(
                if approved { Sign::Green } else { Sign::Amber },
                if approved { visit.say("yes", "예") } else { visit.say("not yet", "아니요") },
            ),
            notice["sending"]["recipients"].as_u64().map_or_else(|| Cell::text("–"), Cell::number),
            Cell::text(states.join(", ")),
        ]
    };
    let caption = visit.say("Notices to people", "정보주체 통지").to_owned();
    let list = List { caption, columns, rows: rows(&all, "notices").iter().map(row).collect() };
    let mut out = list.table(None);
    for posting in rows(&all, "postings") {
        let _ = write!(
            out,
            "<p>{} {}{}</p>",
            visit.say("Posted on the public page since", "공개 페이지 게시 시작:"),
            time(text(posting, "since")),
            posting["ended"].as_str().map_or_else(String::new, |ended| format!(" – {}", time(ended)))
        );
    }
    section(visit.say("Notices", "통지"), &out)
}

/// All that has happened in it, the newest first.
fn timeline(visit: &Visit, case: &Value) -> String {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |at: &Value, what: String| all.extend(at.as_str().map(|at| (at.to_owned(), what)));
    add(&case["known_at"], visit.say("Somebody first knew.", "처음 인지했습니다.").to_owned());
    add(&case["opened"], format!("{} {}", visit.say("Opened by", "개시:"), opener(visit, &case["by"])));
    add(&case["confirmed"], visit.say("Confirmed.", "확정되었습니다.").to_owned());
    for sign in rows(case, "signs") {
        let severity = visit.term(text(sign, "severity"));
        let (measure, threshold) = (number(sign, "measure"), number(sign, "threshold"));
        let who = person(visit, &sign["person"]);
        let signal = visit.say("Signal", "신호");
        add(&sign["at"], format!("{signal} {} ({severity}) {measure}/{threshold} {who}", text(sign, "rule")));
    }
    for note in rows(case, "notes") {
        add(&note["at"], format!("{}: {}", person(visit, &note["by"]), text(note, "text")));
    }
    for delay in rows(case, "delays") {
        add(&delay["at"], format!("{} {}", visit.say("Late:", "지연:"), text(delay, "reason")));
    }
    for settled in rows(case, "settled") {
        let (law, duty, outcome) = (text(settled, "law"), text(settled, "duty"), visit.term(text(settled, "outcome")));
        add(&settled["at"], format!("{law} · {duty}: {outcome} {}", text(settled, "reference")));
    }
    let ended = &case["ended"];
    add(&ended["at"], format!("{}: {}", person(visit, &ended["by"]), text(ended, "text")));
    all.sort_by(|one, other| other.0.cmp(&one.0));
    let line = |(at, what): &(String, String)| format!("<li>{} {}</li>", time(at), escaped(what));
    let lines: String = all.iter().map(line).collect();
    section(visit.say("What has happened", "경과"), &format!("<ol class=\"line\" reversed>{lines}</ol>"))
}

fn section(title: &str, inner: &str) -> String {
    format!("<section><h2>{title}</h2>{inner}</section>")
}
