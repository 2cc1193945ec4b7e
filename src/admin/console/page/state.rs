//! Certificates, clamd, the journal and who vouches for it.

use std::fmt::Write as _;

use serde_json::Value;

use super::reading::{facts, joined, number, rows, text};
use crate::{
    access::page::escaped,
    admin::console::{
        layout::Shown,
        list::{Cell, Column, List, Sign, time},
        visit::{Absent, Visit},
    },
    common::clock,
    journal::State,
    observe::metrics::Value as Metric,
    registry::Moment,
};

/// Certificates that end sooner are in doubt.
const SOON: u64 = 14 * 86_400_000;

pub(in crate::admin::console) async fn show(visit: &Visit) -> Result<Shown, Absent> {
    let certificates = visit.ask("/v1/certificates").await?;
    let mut above = format!("<section><h2>{}</h2>{}</section>", visit.say("Journal", "기록"), journal(visit));
    let antivirus = match visit.ask("/v1/antivirus").await {
        Ok(status) => antivirus(visit, &status),
        Err(absent) => format!("<p>{}</p>", escaped(&absent.why)),
    };
    let _ = write!(above, "<section><h2>{}</h2>{antivirus}</section>", visit.say("Anti-virus", "백신"));
    let _ = write!(above, "<h2>{}</h2>", visit.say("Certificates", "인증서"));
    Ok(self::certificates(visit, &certificates).show(visit, &above))
}

fn certificates(visit: &Visit, all: &Value) -> List {
    let columns = vec![
        Column::new("names", visit.say("Names", "이름")),
        Column::new("issuer", visit.say("Issuer", "발급자")),
        Column::new("source", visit.say("From", "출처")),
        Column::new("until", visit.say("Valid until", "만료")),
        Column::new("state", visit.say("State", "상태")),
        Column::new("next", visit.say("Renewed", "갱신 예정")),
        Column::new("trouble", visit.say("Trouble", "문제")),
    ];
    let now = Moment::from(clock::now()).millis();
    let row = |own: &Value| {
        let until = own["until"].as_str().and_then(Moment::parse).map(Moment::millis);
        let (sign, word) = match until {
            Some(until) if until <= now => (Sign::Red, visit.say("has ended", "만료됨")),
            Some(until) if until <= now + SOON => (Sign::Amber, visit.say("ends soon", "곧 만료")),
            Some(_) => (Sign::Green, visit.say("valid", "유효")),
            None => (Sign::Red, visit.say("has not come yet", "아직 발급되지 않음")),
        };
        vec![
            Cell::text(joined(&own["names"])),
            Cell::text(text(own, "issuer")),
            Cell::text(visit.term(text(own, "source"))),
            Cell::time(own["until"].as_str()),
            Cell::sign(sign, word),
            Cell::time(own["next"].as_str()),
            Cell::text(text(own, "trouble")),
        ]
    };
    let rows = rows(all, "certificates").iter().map(row).collect();
    List { caption: visit.say("Certificates", "인증서").to_owned(), columns, rows }
}

fn journal(visit: &Visit) -> String {
    let Some(journal) = visit.reach.journal.get() else {
        return format!(
            "<p>{}</p>",
            visit.say("This gateway keeps no journal.", "이 게이트웨이는 기록을 남기지 않습니다.")
        );
    };
    let up = journal.state() == State::Ready;
    let word = visit.term(if up { "up" } else { "down" });
    let families = visit.reach.metrics.gather();
    let of = |name: &str| {
        let family = families.iter().find(|family| family.name == name);
        let samples = family.into_iter().flat_map(|family| &family.samples);
        samples
            .map(|sample| {
                let label = sample.labels.first().map_or("", |(_, value)| value.as_str());
                let value = match &sample.value {
                    Metric::Count(count) => count.to_string(),
                    Metric::Level(level) => level.to_string(),
                    _ => String::new(),
                };
                (label.to_owned(), value)
            })
            .collect::<Vec<_>>()
    };
    let records: Vec<String> =
        of("privet_journal_records_total").into_iter().map(|(class, count)| format!("{class} {count}")).collect();
    let covered = of("privet_journal_witnessed_records");
    let witnesses: Vec<String> = of("privet_journal_witness_up")
        .into_iter()
        .map(|(name, up)| {
            let own = covered.iter().find(|(known, _)| *known == name).map_or("0", |(_, count)| count.as_str());
            let (sign, word) = if up == "1" { (Sign::Green, "up") } else { (Sign::Red, "down") };
            format!("{} {} ({own})", escaped(&name), sign.html(&visit.term(word)))
        })
        .collect();
    let nobody = visit.say("nobody outside vouches for it", "외부 증인 없음").to_owned();
    facts(&[
        (visit.say("State", "상태"), if up { Sign::Green.html(&word) } else { Sign::Red.html(&word) }),
        (visit.say("Written since the start", "시작 이후 기록"), escaped(&records.join(", "))),
        (visit.say("Waiting for the disk", "쓰기 대기"), journal.waiting().to_string()),
        (visit.say("Could not be written", "쓰지 못한 기록"), journal.counts().dropped.value().to_string()),
        (
            visit.say("Witnesses (records covered)", "증인(확인된 기록 수)"),
            if witnesses.is_empty() { nobody } else { witnesses.join(", ") },
        ),
        (visit.say("Its key", "검증 키"), format!("<code>{}</code>", escaped(&journal.verifier()))),
    ])
}

fn antivirus(visit: &Visit, status: &Value) -> String {
    let good = status["up"] == true && status["stale"] != true;
    let word = visit.term(if good { "up" } else { "down" });
    facts(&[
        (visit.say("State", "상태"), if good { Sign::Green.html(&word) } else { Sign::Red.html(&word) }),
        (visit.say("Engine", "엔진"), escaped(text(status, "engine"))),
        (visit.say("Signatures", "서명"), escaped(&status["signatures"].to_string())),
        (visit.say("Made", "서명 생성"), status["made"].as_str().map_or_else(String::new, time)),
        (visit.say("Files that wait", "검사 대기"), number(status, "waiting").to_string()),
    ])
}
