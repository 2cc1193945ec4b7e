//! Cases of incidents and the nearest clock of each.

use super::reading::{left, number, opener, rows, text};
use crate::admin::console::{
    layout::Shown,
    list::{Cell, Column, List, Sign},
    visit::{Absent, Visit},
};

pub(in crate::admin::console) async fn show(visit: &Visit) -> Result<Shown, Absent> {
    let all = visit.ask("/v1/incidents").await?;
    let columns = vec![
        Column::number("number", visit.say("Case", "번호")),
        Column::new("status", visit.say("Status", "상태")),
        Column::new("title", visit.say("Title", "제목")),
        Column::new("known", visit.say("First known", "인지 시각")),
        Column::new("clock", visit.say("Nearest clock", "가장 가까운 기한")),
        Column::number("people", visit.say("People (certain)", "정보주체(확정)")),
        Column::number("signals", visit.say("Signals", "신호")),
        Column::new("by", visit.say("Opened by", "개시")),
    ];
    let row = |case: &serde_json::Value| {
        let status = text(case, "status");
        let clock = match &case["next"] {
            next if next.is_object() => {
                let (sign, left) = left(visit, next["left_seconds"].as_i64());
                Cell::sign(sign, &format!("{left} · {}", text(next, "law")))
            }
            _ => Cell::text("–"),
        };
        vec![
            Cell::number(number(case, "number")).link(&format!("/incidents/{}", number(case, "number"))),
            Cell::sign(Sign::of(status), &visit.term(status)),
            Cell::text(text(case, "title")),
            Cell::time(case["known_at"].as_str()),
            clock,
            case["count"]["confirmed"].as_u64().map_or_else(|| Cell::text("–"), Cell::number),
            Cell::number(number(case, "signals")),
            Cell::text(opener(visit, &case["by"])),
        ]
    };
    // The newest first.
    let rows = rows(&all, "cases").iter().rev().map(row).collect();
    let list = List { caption: visit.say("Incidents", "개인정보 사고").to_owned(), columns, rows };
    Ok(list.show(visit, ""))
}
