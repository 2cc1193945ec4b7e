//! An operator's word on bans.

use http::StatusCode;
use serde_json::json;

use super::act::{Act, Doing, Outcome, value};
use crate::admin::console::{
    form::Field,
    visit::{Absent, Visit},
};

/// How long a ban may be chosen to last, in hours; 0 is for good.
const HOURS: [u64; 5] = [1, 24, 168, 720, 0];

/// Bans an address or a network.
pub(in crate::admin::console) const ADD: Act = Act { fields, run: |visit, fields, sure| add(visit, fields, sure) };
/// Lifts a ban.
pub(in crate::admin::console) const LIFT: Act = Act {
    fields: |visit| {
        let label = visit
            .say("Address, network or session, as the list has it", "주소, 네트워크 또는 세션(목록에 표시된 그대로)");
        vec![Field::line("address", label, 100).or(visit.query.one("address"))]
    },
    run: |visit, fields, sure| lift(visit, fields, sure),
};

fn fields(visit: &Visit) -> Vec<Field> {
    let called = |hours: u64| match hours {
        0 => visit.say("for good", "무기한").to_owned(),
        1 => visit.say("an hour", "1시간").to_owned(),
        hours => visit.say("{n} days", "{n}일").replace("{n}", &(hours / 24).to_string()),
    };
    vec![
        Field::line("address", visit.say("Address or network", "주소 또는 네트워크"), 100)
            .or(visit.query.one("address")),
        Field::choice("hours", visit.say("For how long", "기간"), HOURS.map(|n| (n.to_string(), called(n))).to_vec()),
        Field::line("reason", visit.say("Why", "사유"), 200),
    ]
}

fn on(visit: &Visit) -> Result<(), Absent> {
    if visit.reach.plan.load().bans.is_some() {
        return Ok(());
    }
    let why = visit.say(
        "This gateway bans nobody: add [shield.ban] to its configuration.",
        "이 게이트웨이는 차단을 사용하지 않습니다. 설정에 [shield.ban]을 추가하세요.",
    );
    Err(Absent::new(StatusCode::CONFLICT, why))
}

fn add<'v>(visit: &'v Visit, fields: &'v [Field], sure: bool) -> Doing<'v> {
    Box::pin(async move {
        on(visit)?;
        let hours: u64 = value(fields, "hours").parse().unwrap_or(1);
        let address = value(fields, "address");
        let life = (hours > 0).then_some(hours.min(87_600) * 3_600_000);
        let order = json!({ "address": address, "reason": value(fields, "reason"), "for_ms": life, "dry_run": !sure });
        visit.order("/v1/bans/add", &order).await?;
        let says = visit.say(
            "Whoever comes from {a} is turned away before anything is read. Sessions from there go on nowhere.",
            "{a}에서 오는 접속은 내용을 읽기 전에 거부됩니다.",
        );
        Ok(Outcome::new("/bans?done=1", [says.replace("{a}", address)]))
    })
}

fn lift<'v>(visit: &'v Visit, fields: &'v [Field], sure: bool) -> Doing<'v> {
    Box::pin(async move {
        on(visit)?;
        let address = value(fields, "address");
        if sure {
            visit.order("/v1/bans/lift", &json!({ "address": address })).await?;
        }
        let says = visit.say(
            "{a} gets through again, if no list of others holds it.",
            "{a}의 접속이 다시 허용됩니다(다른 차단 목록에 없는 경우).",
        );
        Ok(Outcome::new("/bans?done=1", [says.replace("{a}", address)]))
    })
}
