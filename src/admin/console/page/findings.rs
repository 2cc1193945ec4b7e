//! What rules have found in answers of watched routes.

use serde_json::Value;

use super::reading::{joined, number, rows, text};
use crate::admin::console::{
    layout::Shown,
    list::{Cell, Column, List, Sign},
    visit::{Absent, Visit},
};

pub(in crate::admin::console) async fn show(visit: &Visit) -> Result<Shown, Absent> {
    let all = visit.ask("/v1/scan").await?;
    let columns = vec![
        Column::new("severity", visit.say("Severity", "심각도")),
        Column::new("title", visit.say("Finding", "취약점")),
        Column::new("route", visit.say("Route", "경로")),
        Column::new("places", visit.say("Where", "위치")),
        Column::number("times", visit.say("Times", "횟수")),
        Column::new("last", visit.say("Last seen", "마지막 발견")),
        Column::new("mend", visit.say("How to mend it", "조치 방법")),
        Column::new("rule", visit.say("Rule", "규칙")),
    ];
    let rank = |own: &Value| {
        ["critical", "high", "medium", "low", "info"].iter().position(|one| text(own, "severity") == *one)
    };
    let mut found: Vec<&Value> = rows(&all, "findings").iter().collect();
    found.sort_by_key(|own| rank(own));
    let row = |own: &&Value| {
        let severity = text(own, "severity");
        let mend = [text(own, "mend"), text(own, "privet")].join(" ");
        vec![
            Cell::sign(Sign::of(severity), &visit.term(severity)),
            Cell::english(&format!("{}. {}", text(own, "title"), text(own, "why"))),
            Cell::text(text(own, "route")),
            Cell::text(joined(&own["places"])),
            Cell::number(number(own, "times")),
            Cell::time(own["last"].as_str()),
            Cell::english(mend.trim()),
            Cell::text(format!("{} {}", text(own, "rule"), cwe(&own["cwe"]))),
        ]
    };
    let lines = found.iter().map(row).collect();
    let looked = visit.say(
        "Answers looked at: {n}; passed over for want of room: {d}.",
        "살펴본 응답 {n}건, 여유가 없어 건너뛴 응답 {d}건.",
    );
    let above =
        looked.replace("{n}", &number(&all, "looked").to_string()).replace("{d}", &number(&all, "dropped").to_string());
    let caption = visit.say("Findings of the vulnerability analysis", "취약점 분석 결과").to_owned();
    Ok(List { caption, columns, rows: lines }.show(visit, &format!("<p>{above}</p>")))
}

fn cwe(value: &Value) -> String {
    value.as_u64().map_or_else(|| value.as_str().unwrap_or_default().to_owned(), |number| format!("CWE-{number}"))
}
