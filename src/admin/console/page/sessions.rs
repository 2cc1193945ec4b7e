//! Who is signed in.

use serde_json::Value;

use super::reading::{joined, rows, text};
use crate::{
    access::page::escaped,
    admin::console::{
        layout::Shown,
        list::{Cell, Column, List},
        visit::{Absent, Visit},
    },
};

pub(in crate::admin::console) async fn show(visit: &Visit) -> Result<Shown, Absent> {
    let all = visit.ask("/v1/sessions").await?;
    let columns = vec![
        Column::new("person", visit.say("Person", "담당자")),
        Column::new("realm", visit.say("Realm", "영역")),
        Column::new("roles", visit.say("Roles", "역할")),
        Column::new("methods", visit.say("Signed in by", "인증 수단")),
        Column::new("began", visit.say("Since", "시작")),
        Column::new("seen", visit.say("Last seen", "마지막 활동")),
        Column::action(visit.say("What can be done", "작업")),
    ];
    let row = |own: &Value| {
        let methods: Vec<String> =
            rows(own, "methods").iter().filter_map(Value::as_str).map(|method| visit.term(method)).collect();
        vec![
            Cell::text(text(own, "subject")),
            Cell::text(text(own, "realm")),
            Cell::text(joined(&own["roles"])),
            Cell::text(methods.join(", ")),
            Cell::time(own["began"].as_str()),
            Cell::time(own["seen"].as_str()),
            Cell::action(format!(
                "<a href=\"/sessions/{}/end\">{}</a>",
                escaped(text(own, "handle")),
                visit.say("End", "종료")
            )),
        ]
    };
    let rows = rows(&all, "sessions").iter().map(row).collect();
    Ok(List { caption: visit.say("Sessions", "세션").to_owned(), columns, rows }.show(visit, ""))
}
