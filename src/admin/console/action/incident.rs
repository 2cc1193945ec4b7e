//! What is decided of a case.

use serde_json::{Value, json};

use super::act::{Act, Doing, Outcome, value};
use crate::admin::console::{form::Field, visit::Visit};

const REASON: usize = 500;
const NOTE_LENGTH: usize = 1000;

/// People's data has left.
pub(in crate::admin::console) const CONFIRM: Act =
    Act { fields: reason, run: |visit, fields, sure| decide(visit, "confirm", fields, sure) };
/// It has not.
pub(in crate::admin::console) const CLEAR: Act =
    Act { fields: reason, run: |visit, fields, sure| decide(visit, "clear", fields, sure) };
/// All is done.
pub(in crate::admin::console) const CLOSE: Act =
    Act { fields: reason, run: |visit, fields, sure| decide(visit, "close", fields, sure) };
/// Something is noted.
pub(in crate::admin::console) const NOTE: Act = Act {
    fields: |visit| vec![Field::line("text", visit.say("Note", "메모"), NOTE_LENGTH)],
    run: |visit, fields, sure| decide(visit, "note", fields, sure),
};

fn reason(visit: &Visit) -> Vec<Field> {
    vec![Field::line("reason", visit.say("Why", "사유"), REASON)]
}

fn decide<'v>(visit: &'v Visit, command: &'static str, fields: &'v [Field], sure: bool) -> Doing<'v> {
    Box::pin(async move {
        let case: u64 = visit.rest.parse().unwrap_or_default();
        let name = if command == "note" { "text" } else { "reason" };
        let order = json!({ "command": { "command": command, "case": case, name: value(fields, name) } });
        let path = if sure { "/v1/incidents/orders" } else { "/v1/incidents/rehearsals" };
        visit.order(path, &order).await?;
        let shown = visit.ask(&format!("/v1/incidents/{case}")).await?;
        Ok(Outcome::new(format!("/incidents/{case}?done=1"), says(visit, command, &shown)))
    })
}

fn says(visit: &Visit, command: &str, case: &Value) -> Vec<String> {
    let about =
        format!("{} {}: {}", visit.say("Case", "사고"), case["number"], case["title"].as_str().unwrap_or_default());
    let clocks = case["clocks"].as_array().map_or(0, Vec::len).to_string();
    let what = match command {
        "confirm" => visit.say(
            "It is confirmed that people's data has left. The duties of the laws in force apply ({n} clocks); they count from when it was first known, not from now.",
            "개인정보 유출이 확정됩니다. 적용 법령의 의무가 발생하며(기한 {n}개), 기한은 지금이 아니라 처음 안 때부터 계산됩니다.",
        ),
        "clear" => visit.say(
            "It is decided that no data has left. Its clocks stop. It can be confirmed again later.",
            "유출이 없었던 것으로 판단합니다. 기한 계산이 멈추며, 나중에 다시 확정할 수 있습니다.",
        ),
        "close" => visit.say(
            "All is done that had to be. The case is closed; what was done stays on record.",
            "필요한 조치가 모두 끝났습니다. 사고를 종결하며 기록은 그대로 남습니다.",
        ),
        _ => visit.say("The note becomes part of the case and can't be taken back.", "메모는 사고 기록에 남으며 삭제할 수 없습니다."),
    };
    vec![about, what.replace("{n}", &clocks)]
}
