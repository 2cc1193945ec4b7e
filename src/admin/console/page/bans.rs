//! Who is banned, by scenarios, by operators, and by lists of others.

use std::fmt::Write as _;

use serde_json::Value;

use super::reading::{deeds, number, rows, text};
use crate::{
    admin::console::{
        layout::Shown,
        list::{Cell, Column, List, Sign},
        visit::{Absent, Visit},
    },
    identity::forward::encoded,
};

pub(in crate::admin::console) async fn show(visit: &Visit) -> Result<Shown, Absent> {
    let all = visit.ask("/v1/bans").await?;
    let columns = vec![
        Column::new("address", visit.say("Address, network or session", "주소·네트워크·세션")),
        Column::new("source", visit.say("By", "근거")),
        Column::new("reason", visit.say("Why", "사유")),
        Column::new("since", visit.say("Since", "시작")),
        Column::new("until", visit.say("Until", "종료")),
        Column::action(visit.say("What can be done", "작업")),
    ];
    let row = |own: &Value| {
        let address = text(own, "address");
        let step = own["step"].as_u64().map_or_else(String::new, |step| format!(" ({step})"));
        vec![
            Cell::text(address),
            Cell::text(format!("{}{step}", visit.term(text(own, "source")))),
            Cell::text(text(own, "reason")),
            Cell::time(own["since"].as_str()),
            own["until"]
                .as_str()
                .map_or_else(|| Cell::text(visit.say("for good", "무기한")), |until| Cell::time(Some(until))),
            Cell::action(format!(
                "<a href=\"/bans/lift?address={}\">{}</a>",
                encoded(address),
                visit.say("Lift", "해제")
            )),
        ]
    };
    let lines = rows(&all, "bans").iter().map(row).collect();
    let mut above = deeds(&[("/bans/add".to_owned(), visit.say("Ban an address", "주소 차단"))]);
    if number(&all, "unlisted") > 0 {
        let more = visit.say("{n} more are not listed.", "목록에 없는 차단이 {n}건 더 있습니다.");
        let _ = write!(above, "<p>{}</p>", more.replace("{n}", &number(&all, "unlisted").to_string()));
    }
    above += &lists(visit, &all);
    Ok(List { caption: visit.say("Bans", "차단 목록").to_owned(), columns, rows: lines }.show(visit, &above))
}

fn lists(visit: &Visit, all: &Value) -> String {
    if rows(all, "lists").is_empty() {
        return String::new();
    }
    let columns = vec![
        Column::new("name", visit.say("List", "외부 목록")),
        Column::number("entries", visit.say("Entries", "항목")),
        Column::new("state", visit.say("State", "상태")),
    ];
    let row = |own: &Value| {
        let up = own["up"] == true;
        let word = visit.term(if up { "up" } else { "down" });
        vec![
            Cell::text(text(own, "name")),
            Cell::number(number(own, "entries")),
            Cell::sign(if up { Sign::Green } else { Sign::Red }, &word),
        ]
    };
    let rows = rows(all, "lists").iter().map(row).collect();
    List { caption: visit.say("Lists of others", "외부 차단 목록").to_owned(), columns, rows }.table(None)
}
