//! Attempts to sign in: who stands out, by pseudonyms alone.

use serde_json::Value;

use super::reading::{number, rows, text};
use crate::admin::console::{
    layout::Shown,
    list::{Cell, Column, List},
    visit::{Absent, Visit},
};

pub(in crate::admin::console) async fn show(visit: &Visit) -> Result<Shown, Absent> {
    let all = visit.ask("/v1/logins").await?;
    let columns = vec![
        Column::new("what", visit.say("Who", "구분")),
        Column::new("pseudonym", visit.say("Pseudonym", "가명")),
        Column::number("count", visit.say("Failures and refusals", "실패·거부")),
    ];
    let mut lines = Vec::new();
    for (key, called) in [("accounts", visit.say("account", "계정")), ("addresses", visit.say("address", "주소"))] {
        let row = |own: &Value| {
            vec![Cell::text(called), Cell::text(text(own, "pseudonym")), Cell::number(number(own, "count"))]
        };
        lines.extend(rows(&all, key).iter().map(row));
    }
    let note = visit.say(
        "The same pseudonyms stand in the access log. Who they are is not kept.",
        "접근 로그에도 같은 가명이 남습니다. 실제 계정이나 주소는 저장하지 않습니다.",
    );
    let caption = visit.say("Who fails most", "실패가 많은 대상").to_owned();
    let above = format!("<p>{note}</p>{}", logins(visit, &all));
    Ok(List { caption, columns, rows: lines }.show(visit, &above))
}

fn logins(visit: &Visit, all: &Value) -> String {
    let columns = vec![
        Column::new("login", visit.say("Login", "로그인")),
        Column::new("belief", visit.say("What its answers are taken for", "응답 해석")),
        Column::new("confidence", visit.say("Confidence", "신뢰도")),
    ];
    let row = |own: &Value| {
        let belief = &own["belief"];
        vec![Cell::text(text(own, "login")), Cell::text(text(belief, "text")), Cell::text(text(belief, "confidence"))]
    };
    let rows = rows(all, "logins").iter().map(row).collect();
    List { caption: visit.say("Logins of applications", "애플리케이션 로그인").to_owned(), columns, rows }.table(None)
}
