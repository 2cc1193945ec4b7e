//! What officers say of grants.

use http::StatusCode;
use serde_json::{Value, json};

use super::act::{Act, Doing, Outcome, value};
use crate::admin::console::{
    form::Field,
    visit::{Absent, Visit},
};

const REASON: usize = 500;

/// Agrees to what another officer has proposed.
pub(in crate::admin::console) const CONFIRM: Act =
    Act { fields: |_| Vec::new(), run: |visit, fields, sure| order(visit, "confirm", fields, sure) };
/// Does not.
pub(in crate::admin::console) const REJECT: Act =
    Act { fields: reason, run: |visit, fields, sure| order(visit, "reject", fields, sure) };
/// Ends one.
pub(in crate::admin::console) const REVOKE: Act =
    Act { fields: reason, run: |visit, fields, sure| order(visit, "revoke", fields, sure) };
/// Says that one is right still.
pub(in crate::admin::console) const KEEP: Act =
    Act { fields: |_| Vec::new(), run: |visit, fields, sure| order(visit, "recertify", fields, sure) };

fn reason(visit: &Visit) -> Vec<Field> {
    vec![Field::line("reason", visit.say("Why", "사유"), REASON)]
}

fn order<'v>(visit: &'v Visit, command: &'static str, fields: &'v [Field], sure: bool) -> Doing<'v> {
    Box::pin(async move {
        let id: u64 = visit.rest.parse().unwrap_or_default();
        let registry = visit.ask("/v1/registry").await?;
        let grant = find(&registry, id).ok_or_else(|| {
            Absent::new(StatusCode::NOT_FOUND, visit.say("There is no such grant.", "해당 권한이 없습니다."))
        })?;
        let reason = value(fields, "reason");
        let body = match command {
            "confirm" => json!({ "command": command, "grant": id }),
            "reject" => json!({ "command": command, "grant": id, "reason": reason }),
            "recertify" => json!({ "command": command, "person": grant["person"], "role": grant["role"] }),
            _ => json!({
                "command": command, "person": grant["person"], "role": grant["role"], "duty": grant["duty"], "reason": reason,
            }),
        };
        let path = if sure { "/v1/registry/orders" } else { "/v1/registry/rehearsals" };
        visit.order(path, &json!({ "command": body })).await?;
        Ok(Outcome::new("/people/grants?done=1", says(visit, command, grant)))
    })
}

/// The grant of a number, or the proposal.
pub(super) fn find(registry: &Value, id: u64) -> Option<&Value> {
    let of_people = registry["people"].as_array().into_iter().flatten().filter_map(|one| one["grants"].as_array());
    let all = of_people.flatten().chain(registry["proposals"].as_array().into_iter().flatten());
    all.into_iter().find(|grant| grant["id"] == id)
}

fn says(visit: &Visit, command: &str, grant: &Value) -> Vec<String> {
    let text = |key: &str| grant[key].as_str().unwrap_or_default().to_owned();
    let who = grant["person"]["subject"].as_str().unwrap_or_default();
    let duty = grant["duty"].as_str().map_or_else(String::new, |duty| format!(" ({duty})"));
    let about = format!("{who}: {}{duty}", text("role"));
    let what = match command {
        "confirm" => visit.say(
            "They have the role from now on, or from when it was to begin. You confirm what another officer has proposed.",
            "지금부터(또는 지정된 시작일부터) 이 역할을 갖습니다. 다른 책임자의 제안을 승인하는 것입니다.",
        ),
        "reject" => visit.say("The proposal is off. Nobody gets anything by it.", "제안이 거부되며 권한이 부여되지 않습니다."),
        "recertify" => visit.say(
            "You have looked at it, and say that they need the role still.",
            "검토 결과 이 역할이 계속 필요함을 확인합니다.",
        ),
        _ => visit.say(
            "They lose the role with their next request, wherever they are signed in. What they have begun ends.",
            "다음 요청부터 이 역할을 잃습니다. 진행 중인 작업도 종료됩니다.",
        ),
    };
    vec![about, format!("{}: {}", visit.say("Given because", "부여 사유"), text("reason")), what.to_owned()]
}
