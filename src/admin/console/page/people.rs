//! Staff: who is what, who has promised, who took over, and what is due.

use std::fmt::Write as _;

use serde_json::Value;

use super::reading::{deeds, facts, joined, number, person, rows, text};
use crate::{
    admin::console::{
        layout::Shown,
        list::{Cell, Column, List, Sign, time},
        visit::{Absent, Visit},
    },
    registry::page::HANDOVERS,
};

/// The pages of people.
const SUB: [(&str, &str, &str); 5] = [
    ("/people", "Staff and pledges", "담당자와 서약"),
    ("/people/grants", "Grants", "권한"),
    ("/people/handovers", "Handovers", "인수인계"),
    ("/people/reviews", "Reviews", "접속기록 점검"),
    ("/people/due", "What is due", "처리할 일"),
];

pub(in crate::admin::console) async fn staff(visit: &Visit) -> Result<Shown, Absent> {
    let all = registry(visit).await?;
    let columns = vec![
        Column::new("person", visit.say("Person", "담당자")),
        Column::new("name", visit.say("Name", "이름")),
        Column::new("roles", visit.say("Roles in force", "유효한 역할")),
        Column::new("pledge", visit.say("Pledge", "보안 서약")),
        Column::new("signed", visit.say("Signed", "서명 시각")),
        Column::new("joined", visit.say("Joined", "입사")),
        Column::new("left", visit.say("Left", "퇴사")),
    ];
    let row = |one: &Value| {
        let roles: Vec<&str> = rows(one, "grants")
            .iter()
            .filter(|grant| grant["in_force"] == true)
            .map(|grant| text(grant, "role"))
            .collect();
        let state = text(&one["pledge"], "state");
        vec![
            Cell::text(person(visit, &one["person"])),
            Cell::text(text(one, "name")),
            Cell::text(roles.join(", ")),
            Cell::sign(if state == "current" { Sign::Green } else { Sign::of(state) }, &visit.term(state)),
            Cell::time(one["pledge"]["signature"]["at"].as_str()),
            Cell::time(one["joined"].as_str()),
            Cell::time(one["left"].as_str()),
        ]
    };
    let above = pledge(visit, &all["pledge"]);
    Ok(list(visit, columns, rows(&all, "people").iter().map(row).collect(), &above))
}

fn pledge(visit: &Visit, pledge: &Value) -> String {
    if pledge.is_null() {
        return String::new();
    }
    let published = pledge["published"].as_str().map_or_else(String::new, time);
    facts(&[
        (
            visit.say("Pledge in force", "시행 중인 서약"),
            format!("{} {}", visit.say("version", "버전"), pledge["version"]),
        ),
        (visit.say("Published", "공표"), published),
    ])
}

pub(in crate::admin::console) async fn grants(visit: &Visit) -> Result<Shown, Absent> {
    let all = registry(visit).await?;
    let columns = vec![
        Column::number("id", visit.say("No.", "번호")),
        Column::new("person", visit.say("Person", "담당자")),
        Column::new("role", visit.say("Role", "역할")),
        Column::new("duty", visit.say("Duty", "직무")),
        Column::new("state", visit.say("State", "상태")),
        Column::new("since", visit.say("From", "시작")),
        Column::new("until", visit.say("Until", "종료")),
        Column::new("by", visit.say("Given by", "부여자")),
        Column::new("reason", visit.say("Why", "사유")),
        Column::action(visit.say("What can be done", "작업")),
    ];
    let mut lines: Vec<Vec<Cell>> =
        rows(&all, "proposals").iter().rev().map(|own| grant(visit, own, "proposed")).collect();
    let of_people = rows(&all, "people").iter().flat_map(|one| rows(one, "grants"));
    let mut given: Vec<&Value> = of_people.collect();
    given.sort_by_key(|own| std::cmp::Reverse(number(own, "id")));
    lines.extend(given.into_iter().map(|own| {
        let word = match (own["due"] == true, own["in_force"] == true) {
            (true, _) => "due",
            (_, true) => "in_force",
            _ => "ended",
        };
        grant(visit, own, word)
    }));
    Ok(list(visit, columns, lines, ""))
}

fn grant(visit: &Visit, grant: &Value, state: &str) -> Vec<Cell> {
    let id = number(grant, "id");
    let deeds: &[(&str, &str, &str)] = match state {
        "proposed" => &[("confirm", "Confirm", "승인"), ("reject", "Reject", "거부")],
        "due" => &[("keep", "Still right", "계속 필요"), ("revoke", "Revoke", "회수")],
        "in_force" => &[("revoke", "Revoke", "회수")],
        _ => &[],
    };
    let link = |(deed, english, korean): &(&str, &str, &str)| {
        format!("<a href=\"/grants/{id}/{deed}\">{}</a>", visit.say(english, korean))
    };
    vec![
        Cell::number(id),
        Cell::text(person(visit, &grant["person"])),
        Cell::text(text(grant, "role")),
        Cell::text(text(grant, "duty")),
        Cell::sign(Sign::of(state), &visit.term(state)),
        Cell::time(grant["start"].as_str()),
        Cell::time(grant["ended"]["at"].as_str().or_else(|| grant["until"].as_str())),
        Cell::text(person(visit, &grant["by"])),
        Cell::text(text(grant, "reason")),
        Cell::action(deeds.iter().map(link).collect::<Vec<_>>().join(" · ")),
    ]
}

pub(in crate::admin::console) async fn handovers(visit: &Visit) -> Result<Shown, Absent> {
    let all = registry(visit).await?;
    let columns = vec![
        Column::number("id", visit.say("No.", "번호")),
        Column::new("from", visit.say("From", "인계자")),
        Column::new("to", visit.say("To", "인수자")),
        Column::new("duties", visit.say("Duties", "업무")),
        Column::new("matters", visit.say("Open matters", "미결 사항")),
        Column::new("state", visit.say("State", "상태")),
        Column::new("started", visit.say("Started", "시작")),
        Column::new("from_signed", visit.say("Signed by who hands over", "인계자 서명")),
        Column::new("to_signed", visit.say("Signed by who takes over", "인수자 서명")),
        Column::action(visit.say("What can be done", "작업")),
    ];
    let left: Vec<&Value> =
        rows(&all, "people").iter().filter(|one| !one["left"].is_null()).map(|one| &one["person"]).collect();
    let row = |own: &Value| {
        let state = text(own, "state");
        let side = |side: &str, signed: &str| visit.is_of(&own[side]) && own[signed].is_null();
        let for_leaver = own["from_signed"].is_null() && left.contains(&&own["from"]) && !visit.is_of(&own["by"]);
        let may = state == "waiting" && (side("from", "from_signed") || side("to", "to_signed") || for_leaver);
        let sign = visit.say("Sign", "서명");
        let link =
            if may { format!("<a href=\"/handovers/{}/sign\">{sign}</a>", number(own, "id")) } else { String::new() };
        vec![
            Cell::number(number(own, "id")),
            Cell::text(person(visit, &own["from"])),
            Cell::text(person(visit, &own["to"])),
            Cell::text(joined(&own["duties"])),
            Cell::text(joined(&own["matters"])),
            Cell::sign(Sign::of(state), &visit.term(state)),
            Cell::time(own["started"].as_str()),
            Cell::time(own["from_signed"].as_str()),
            Cell::time(own["to_signed"].as_str()),
            Cell::action(link),
        ]
    };
    let note = visit.say(
        "Those who are no privacy officers sign theirs at {p}, on this address or at any gate of the realm.",
        "책임자가 아닌 담당자는 이 주소나 게이트의 {p}에서 자신의 인수인계에 서명합니다.",
    );
    let note = note.replace("{p}", &format!("<a href=\"{HANDOVERS}\">{HANDOVERS}</a>"));
    let start = deeds(&[("/handovers/start".to_owned(), visit.say("Start a handover", "인수인계 시작"))]);
    let above = format!("{start}<p class=\"note\">{note}</p>");
    Ok(list(visit, columns, rows(&all, "handovers").iter().rev().map(row).collect(), &above))
}

pub(in crate::admin::console) async fn reviews(visit: &Visit) -> Result<Shown, Absent> {
    let all = registry(visit).await?;
    let columns = vec![
        Column::number("review", visit.say("No.", "번호")),
        Column::new("since", visit.say("From", "시작")),
        Column::new("until", visit.say("Up to", "종료")),
        Column::number("total", visit.say("Access records", "접속기록")),
        Column::number("records", visit.say("To look at", "점검 대상")),
        Column::number("unjudged", visit.say("Not yet looked at", "미점검")),
        Column::number("findings", visit.say("Findings", "지적 사항")),
        Column::new("by", visit.say("By", "점검자")),
        Column::new("state", visit.say("State", "상태")),
    ];
    let row = |own: &Value| {
        let state = if own["signed"].is_null() { "waiting" } else { "signed" };
        vec![
            Cell::number(number(own, "review")).link(&format!("/people/reviews/{}", number(own, "review"))),
            Cell::time(own["since"].as_str()),
            Cell::time(own["until"].as_str()),
            Cell::number(number(own, "total")),
            Cell::number(number(own, "records")),
            Cell::number(number(own, "unjudged")),
            Cell::number(number(own, "findings")),
            Cell::text(person(visit, &own["by"])),
            Cell::sign(Sign::of(state), &visit.term(state)),
        ]
    };
    let at = |key: &str| all[key].as_str().map_or_else(String::new, time);
    let open = deeds(&[("/reviews/open".to_owned(), visit.say("Open a review", "점검 시작"))]);
    let above = open
        + &facts(&[
            (visit.say("Reviewed without a hole up to", "빠짐없이 점검된 시점"), at("reviewed")),
            (visit.say("The next is due", "다음 점검 기한"), at("review_due")),
        ]);
    Ok(list(visit, columns, rows(&all, "reviews").iter().rev().map(row).collect(), &above))
}

pub(in crate::admin::console) async fn due(visit: &Visit) -> Result<Shown, Absent> {
    let all = registry(visit).await?;
    let columns = vec![
        Column::new("what", visit.say("What is amiss", "내용")),
        Column::new("person", visit.say("Person", "담당자")),
        Column::new("role", visit.say("Role or duty", "역할·직무")),
        Column::number("number", visit.say("Grant or handover", "권한·인수인계 번호")),
        Column::new("since", visit.say("Since", "발생")),
    ];
    let row = |own: &Value| {
        vec![
            Cell::sign(Sign::Amber, &visit.term(text(own, "finding"))),
            Cell::text(person(visit, &own["person"])),
            Cell::text([text(own, "role"), text(own, "duty")].join(" ").trim()),
            own["number"].as_u64().map_or_else(|| Cell::text("–"), Cell::number),
            Cell::time(own["since"].as_str()),
        ]
    };
    Ok(list(visit, columns, rows(&all, "findings").iter().map(row).collect(), ""))
}

/// All that is in the registry; a page says so where nobody has founded it.
async fn registry(visit: &Visit) -> Result<Value, Absent> {
    visit.ask("/v1/registry").await
}

fn list(visit: &Visit, columns: Vec<Column>, rows: Vec<Vec<Cell>>, above: &str) -> Shown {
    let own = SUB.iter().find(|(path, ..)| *path == visit.path);
    let caption = own.map_or("", |(_, english, korean)| visit.say(english, korean));
    let mut nav = format!("<nav class=\"sub\" aria-label=\"{}\"><ul>", visit.say("Pages about people", "담당자 메뉴"));
    for (path, english, korean) in SUB {
        let here = if path == visit.path { " aria-current=\"page\"" } else { "" };
        let _ = write!(nav, "<li><a href=\"{path}\"{here}>{}</a></li>", visit.say(english, korean));
    }
    nav += "</ul></nav>";
    List { caption: caption.to_owned(), columns, rows }.show(visit, &(nav + above))
}
