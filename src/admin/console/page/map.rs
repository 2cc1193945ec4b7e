//! The map of personal data: which types were seen on which route, where in it. Counts only.

use crate::admin::console::{
    layout::Shown,
    list::{Cell, Column, List},
    visit::{Absent, Visit},
};

pub(in crate::admin::console) async fn show(visit: &Visit) -> Result<Shown, Absent> {
    let columns = vec![
        Column::new("route", visit.say("Route", "경로")),
        Column::new("type", visit.say("Type", "유형")),
        Column::new("direction", visit.say("Direction", "방향")),
        Column::new("place", visit.say("Place", "위치")),
        Column::new("field", visit.say("Field", "필드")),
        Column::number("count", visit.say("Values", "건수")),
    ];
    let rows = visit.reach.metrics.personal_data().into_iter().map(|row| {
        vec![
            Cell::text(row.route),
            Cell::text(row.r#type),
            Cell::text(visit.term(row.direction)),
            Cell::text(visit.term(row.place)),
            Cell::text(row.field),
            Cell::number(row.count),
        ]
    });
    let note = visit.say(
        "Seen since this gateway was started. No value is kept, only how many there were.",
        "이 게이트웨이가 시작된 이후의 집계입니다. 값은 저장하지 않고 건수만 셉니다.",
    );
    let caption = visit.say("Personal data by route and type", "경로·유형별 개인정보").to_owned();
    Ok(List { caption, columns, rows: rows.collect() }.show(visit, &format!("<p>{note}</p>")))
}
