//! Countermeasures, tried out before they are taken.

use serde_json::{Value, json};

use super::act::{Act, Doing, Outcome, person, value};
use crate::admin::console::{
    form::Field,
    visit::{Absent, Visit},
};

const REASON: usize = 500;
const MEASURES: [&str; 8] = ["suspend", "sign-in-again", "close", "quarantine", "limit", "ban", "mask", "rotate-key"];

/// Takes one for a case.
pub(in crate::admin::console) const TAKE: Act = Act { fields, run: |visit, fields, sure| take(visit, fields, sure) };
/// Lifts one.
pub(in crate::admin::console) const LIFT: Act = Act {
    fields: |visit| vec![Field::line("reason", visit.say("Why", "사유"), REASON)],
    run: |visit, fields, sure| lift(visit, fields, sure),
};

fn fields(visit: &Visit) -> Vec<Field> {
    let measures = MEASURES.map(|name| (name.to_owned(), visit.term(name))).to_vec();
    vec![
        Field::choice("measure", visit.say("Measure", "조치"), measures),
        Field::line(
            "target",
            visit.say(
                "Whom or what it is about: a person's name in the staff file, a route, a login, a network or a role; empty where it is about everybody",
                "대상: 담당자 계정, 경로, 로그인, 네트워크 또는 역할 이름(전원 대상이면 비워 둠)",
            ),
            300,
        )
        .optional(),
        Field::line("reason", visit.say("Why", "사유"), REASON),
    ]
}

fn what(visit: &Visit, fields: &[Field]) -> Value {
    let target = value(fields, "target");
    let name = value(fields, "measure");
    match name {
        "suspend" => json!({ "measure": name, "person": person(visit, target) }),
        "close" | "quarantine" => json!({ "measure": name, "route": target }),
        "limit" => json!({ "measure": name, "login": target, "divisor": 10 }),
        "ban" => {
            let bare = target.parse::<std::net::IpAddr>().map(|address| ipnet::IpNet::from(address).to_string());
            json!({ "measure": name, "network": bare.unwrap_or_else(|_| target.to_owned()) })
        }
        "mask" => json!({ "measure": name, "role": target }),
        _ => json!({ "measure": name }),
    }
}

fn take<'v>(visit: &'v Visit, fields: &'v [Field], sure: bool) -> Doing<'v> {
    Box::pin(async move {
        let case: u64 = visit.rest.parse().unwrap_or_default();
        let command =
            json!({ "command": "take", "case": case, "what": what(visit, fields), "reason": value(fields, "reason") });
        let to = format!("/incidents/{case}?done=1");
        told(visit, command, to, sure).await
    })
}

fn lift<'v>(visit: &'v Visit, fields: &'v [Field], sure: bool) -> Doing<'v> {
    Box::pin(async move {
        let id: u64 = visit.rest.parse().unwrap_or_default();
        let all = visit.ask("/v1/remedies").await?;
        let taken = all["remedies"].as_array().and_then(|all| all.iter().find(|taken| taken["id"] == id));
        let to = taken.map_or_else(|| "/incidents".to_owned(), |taken| format!("/incidents/{}?done=1", taken["case"]));
        let command = json!({ "command": "lift", "id": id, "reason": value(fields, "reason") });
        let mut outcome = told(visit, command, to, sure).await?;
        if let Some(taken) = taken {
            let name = taken["what"]["measure"].as_str().unwrap_or_default();
            let says = visit.say("It holds no more: {m}.", "다음 조치가 해제됩니다: {m}.");
            outcome.says.insert(0, says.replace("{m}", &visit.term(name)));
        }
        Ok(outcome)
    })
}

/// What it would do at this gateway, by the gateway's own dry run; or that it is done.
async fn told(visit: &Visit, command: Value, to: String, sure: bool) -> Result<Outcome, Absent> {
    let path = if sure { "/v1/remedies/orders" } else { "/v1/remedies/rehearsals" };
    let said = visit.order(path, &json!({ "command": command })).await?;
    let effect = &said["effect"];
    let mut says = Vec::new();
    let mut line = |key: &str, english: &str, korean: &str| {
        let value = &effect[key];
        let text = match value {
            Value::Null => return,
            Value::String(text) => text.clone(),
            Value::Array(all) if all.is_empty() => return,
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            other => other.to_string(),
        };
        says.push(visit.say(english, korean).replace("{v}", &text));
    };
    line("sessions", "Sessions that end now: {v}.", "지금 종료되는 세션: {v}개.");
    line(
        "route",
        "The route answers nobody, or officers alone: {v}.",
        "다음 경로가 차단되거나 책임자에게만 열립니다: {v}.",
    );
    line("login", "Limits on attempts become a tenth at: {v}.", "로그인 시도 한도가 10분의 1로 줄어듭니다: {v}.");
    line("network", "Nobody gets through from: {v}.", "다음 네트워크의 접속이 차단됩니다: {v}.");
    line("people_signed_in", "People of the role who are signed in: {v}.", "현재 로그인한 해당 역할 인원: {v}명.");
    line("routes", "They see personal data masked on: {v}.", "다음 경로에서 개인정보가 마스킹됩니다: {v}.");
    line("unmasked_routes", "No mask is possible on: {v}.", "다음 경로는 마스킹할 수 없습니다: {v}.");
    line("keys", "Keys there are already, which stay: {v}.", "기존 키는 유지됩니다: {v}개.");
    if said["event"]["what"]["measure"] == "sign-in-again" || said["event"]["what"]["measure"] == "rotate-key" {
        says.push(
            visit.say("It happens once and can't be taken back.", "한 번 실행되며 되돌릴 수 없습니다.").to_owned(),
        );
    }
    Ok(Outcome::new(to, says))
}
