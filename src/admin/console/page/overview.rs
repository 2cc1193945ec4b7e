//! How it is: what goes by, what is refused, and what waits for somebody.

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    policy::tally,
    reading::{left, number, rows, text},
};
use crate::{
    access::page::escaped,
    admin::console::{
        chart::{Chart, Series},
        layout::Shown,
        list::Sign,
        traffic::{Levels, Point, VERDICTS},
        visit::{Absent, Visit},
    },
};

pub(in crate::admin::console) async fn show(visit: &Visit) -> Result<Shown, Absent> {
    let live = visit.query.one("live") == Some("on");
    let (points, levels) = visit.traffic.points();
    let mut main = switch(visit, live);
    main.push_str(&now(visit, &points, levels));
    main.push_str("<section><h2>");
    main.push_str(visit.say("The last 15 minutes", "최근 15분"));
    main.push_str("</h2><div class=\"plots\">");
    for chart in charts(visit, &points) {
        main.push_str(&chart.html(visit));
    }
    main.push_str("</div></section>");
    if visit.is_officer() {
        main.push_str(&policy(visit).await);
        main.push_str(&incidents(visit).await);
        main.push_str(&due(visit).await);
    }
    Ok(Shown::Page { main, title: None, live })
}

/// The page stands still unless somebody asks otherwise, and can be stopped again.
fn switch(visit: &Visit, live: bool) -> String {
    let (to, text) = if live {
        ("/", visit.say("Pause: do not ask again by itself", "자동 새로고침 멈춤"))
    } else {
        ("/?live=on", visit.say("Ask again every 10 seconds", "10초마다 새로고침"))
    };
    format!("<p><a href=\"{to}\">{text}</a></p>")
}

fn now(visit: &Visit, points: &[Point], levels: Levels) -> String {
    let last = points.last();
    let a_second: f64 = last.map_or(0.0, |point| point.requests.iter().sum());
    let millis = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.1} ms"));
    let sum = |of: fn(&Point) -> u64| points.iter().map(of).sum::<u64>().to_string();
    let all = [
        (visit.say("Requests a second", "초당 요청"), format!("{a_second:.1}")),
        (visit.say("In flight", "처리 중"), levels.in_flight.to_string()),
        (visit.say("Connections", "연결"), levels.connections.to_string()),
        (visit.say("Half are faster than", "응답 시간 p50"), millis(last.and_then(|point| point.p50))),
        (visit.say("99 of 100 are faster than", "응답 시간 p99"), millis(last.and_then(|point| point.p99))),
        (visit.say("Errors of applications", "애플리케이션 오류"), sum(|point| point.upstream)),
        (visit.say("Requests refused", "거부한 요청"), sum(|point| point.refusals)),
        (visit.say("Bans in force", "적용 중인 차단"), levels.bans.to_string()),
    ];
    let mut out = "<ul class=\"cards\">".to_owned();
    for (name, value) in all {
        let _ = write!(out, "<li><span class=\"name\">{name}</span> <b>{value}</b></li>");
    }
    out + "</ul>"
}

fn charts(visit: &Visit, points: &[Point]) -> Vec<Chart> {
    let at: Vec<i64> = points.iter().map(|point| point.at).collect();
    let series = |label: &str, value: &dyn Fn(&Point) -> Option<f64>| Series {
        label: label.to_owned(),
        values: points.iter().map(value).collect(),
    };
    #[allow(clippy::cast_precision_loss, reason = "plots are looked at, not counted with")]
    let count = |count: u64| Some(count as f64);
    let by_class =
        |class: usize| series(&format!("{}xx", class + 1), &move |point: &Point| Some(point.requests[class]));
    let chart = |id, title: &str, unit, series| Chart { id, title: title.to_owned(), unit, at: at.clone(), series };
    let verdict = |at: usize| series(&visit.term(VERDICTS[at]), &move |point: &Point| count(point.logins[at]));
    vec![
        chart("requests", visit.say("Requests by status", "상태별 요청"), "1/s", [1, 2, 3, 4].map(by_class).into()),
        chart(
            "latency",
            visit.say("Time to the last byte", "응답 시간"),
            "ms",
            vec![series("p50", &|point| point.p50), series("p99", &|point| point.p99)],
        ),
        chart(
            "errors",
            visit.say("Errors and refusals", "오류와 거부"),
            "10 s",
            vec![
                series(visit.say("applications", "애플리케이션"), &|point| count(point.upstream)),
                series(visit.say("refused", "거부"), &|point| count(point.refusals)),
            ],
        ),
        chart("logins", visit.say("Attempts to sign in", "로그인 시도"), "10 s", [0, 1, 2].map(verdict).into()),
    ]
}

async fn policy(visit: &Visit) -> String {
    let inner = match visit.ask("/v1/attest").await {
        Ok(report) => tally(visit, &report),
        Err(_) => format!("<p>{}</p>", visit.say("Nobody has looked yet.", "아직 점검한 적이 없습니다.")),
    };
    section(visit.say("The policy", "처리방침"), "/policy", &inner)
}

async fn incidents(visit: &Visit) -> String {
    let title = visit.say("Open incidents", "진행 중인 사고");
    let all = match visit.ask("/v1/incidents").await {
        Ok(all) => all,
        Err(absent) => return section(title, "/incidents", &format!("<p>{}</p>", escaped(&absent.why))),
    };
    let open = |case: &&Value| ["possible", "confirmed"].contains(&text(case, "status"));
    let mut out = String::new();
    for case in rows(&all, "cases").iter().filter(open) {
        let (status, id) = (text(case, "status"), number(case, "number"));
        let clock = if case["next"].is_object() {
            let (sign, left) = left(visit, case["next"]["left_seconds"].as_i64());
            sign.html(&left)
        } else {
            String::new()
        };
        let _ = write!(
            out,
            "<li>{} <a href=\"/incidents/{id}\">{id}: {}</a> {clock}</li>",
            Sign::of(status).html(&visit.term(status)),
            escaped(text(case, "title")),
        );
    }
    let none = format!("<p>{}</p>", Sign::Green.html(visit.say("None.", "없습니다.")));
    section(title, "/incidents", &if out.is_empty() { none } else { format!("<ul>{out}</ul>") })
}

async fn due(visit: &Visit) -> String {
    let title = visit.say("What is due", "처리할 일");
    let all = match visit.ask("/v1/registry").await {
        Ok(all) => all,
        Err(absent) => return section(title, "/people/due", &format!("<p>{}</p>", escaped(&absent.why))),
    };
    let people = || rows(&all, "people").iter().filter(|one| one["left"].is_null() && !rows(one, "grants").is_empty());
    let unsigned = people().filter(|one| text(&one["pledge"], "state") != "current").count();
    let handovers = rows(&all, "handovers").iter().filter(|own| text(own, "state") == "waiting").count();
    let lines = [
        (rows(&all, "proposals").len(), "/people/grants", visit.say("Proposed grants", "승인 대기 권한")),
        (unsigned, "/people", visit.say("Pledges not signed", "미서명 서약")),
        (handovers, "/people/handovers", visit.say("Handovers that wait", "대기 중인 인수인계")),
        (
            rows(&all, "findings").len(),
            "/people/due",
            visit.say("Reviews and other things that are late", "지연된 점검 등"),
        ),
    ];
    let mut out = "<ul class=\"cards\">".to_owned();
    for (count, to, name) in lines {
        let sign = if count == 0 { Sign::Green } else { Sign::Amber };
        let _ = write!(out, "<li><a href=\"{to}\">{name}</a> <b>{}</b></li>", sign.html(&count.to_string()));
    }
    section(title, "/people/due", &(out + "</ul>"))
}

fn section(title: &str, to: &str, inner: &str) -> String {
    format!("<section><h2><a href=\"{to}\">{title}</a></h2>{inner}</section>")
}
