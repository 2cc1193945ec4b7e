//! Handovers: an officer starts one, and it is signed by the two whose it is, or by an officer for one who has left.

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    act::{Act, Doing, Outcome, person, value},
    grant,
};
use crate::{
    admin::console::{
        form::Field,
        visit::{Absent, Visit},
    },
    registry::Role,
};

const NAME: usize = 300;
const TEXT: usize = 4000;

/// Says who takes over from whom, and what.
pub(in crate::admin::console) const START: Act = Act { fields, run: |visit, fields, sure| start(visit, fields, sure) };
/// Signs for one's own side, or for one who has left.
pub(in crate::admin::console) const SIGN: Act = Act { fields: |_| Vec::new(), run: |visit, _, sure| sign(visit, sure) };

fn fields(visit: &Visit) -> Vec<Field> {
    let yes_or_no = [("no", visit.say("no", "아니요")), ("yes", visit.say("yes", "예"))];
    let yes_or_no = yes_or_no.map(|(name, called)| (name.to_owned(), called.to_owned())).to_vec();
    let line = |english, korean| visit.say(english, korean);
    vec![
        Field::line("from", line("Who hands over, by the name of their account", "인계자 계정"), NAME),
        Field::line("to", line("Who takes over", "인수자 계정"), NAME),
        Field::line("roles", line("Roles that go over (empty: all that they have)", "넘길 역할(비우면 전부)"), NAME)
            .optional(),
        Field::lines("duties", line("What there is to do, a line each", "업무(한 줄에 하나씩)"), TEXT),
        Field::lines("matters", line("Open matters, a line each", "미결 사항(한 줄에 하나씩)"), TEXT).optional(),
        Field::choice("keep", line("Whoever hands over keeps theirs", "인계자의 역할 유지"), yes_or_no),
    ]
}

fn start<'v>(visit: &'v Visit, fields: &'v [Field], sure: bool) -> Doing<'v> {
    Box::pin(async move {
        let lines = |name: &str| -> Vec<String> {
            value(fields, name).lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
        };
        let (from, to) = (value(fields, "from"), value(fields, "to"));
        let roles: Vec<&str> = value(fields, "roles").split([',', ' ']).filter(|role| !role.is_empty()).collect();
        if let Some(none) = roles.iter().find(|role| Role::new(role).is_none()) {
            let why = visit.say("This is no role: {r}", "역할 이름이 아닙니다: {r}").replace("{r}", none);
            return Err(Absent::new(StatusCode::BAD_REQUEST, why));
        }
        let keeps = value(fields, "keep") == "yes";
        let order = json!({
            "command": "start_handover", "from": person(visit, from), "to": person(visit, to), "roles": roles,
            "duties": lines("duties"), "matters": lines("matters"), "keep": keeps,
        });
        let path = if sure { "/v1/registry/orders" } else { "/v1/registry/rehearsals" };
        let said = visit.order(path, &json!({ "command": order })).await?;
        let registry = visit.ask("/v1/registry").await?;
        let goes = named(&registry, &said["events"][0]["handover"]["grants"]);
        let about = visit.say("From {f} to {t}: {r}", "{f} → {t}: {r}");
        let follows = if keeps {
            visit.say(
                "Nothing goes over before both have signed. Whoever hands over keeps what they have.",
                "양쪽이 서명해야 효력이 생깁니다. 인계자의 역할은 유지됩니다.",
            )
        } else {
            visit.say(
                "Nothing goes over before both have signed. What whoever hands over has of it ends then.",
                "양쪽이 서명해야 효력이 생기며, 그때 인계자의 해당 역할은 종료됩니다.",
            )
        };
        let about = about.replace("{f}", from).replace("{t}", to).replace("{r}", &goes);
        Ok(Outcome::new("/people/handovers?done=1", [about, follows.to_owned()]))
    })
}

fn sign(visit: &Visit, sure: bool) -> Doing<'_> {
    Box::pin(async move {
        let id: u64 = visit.rest.parse().unwrap_or_default();
        let registry = visit.ask("/v1/registry").await?;
        let handovers = registry["handovers"].as_array();
        let own = handovers.and_then(|all| all.iter().find(|own| own["id"] == id)).ok_or_else(|| {
            let why = visit.say("There is no such handover.", "해당 인수인계가 없습니다.");
            Absent::new(StatusCode::NOT_FOUND, why)
        })?;
        let path = if sure { "/v1/registry/orders" } else { "/v1/registry/rehearsals" };
        let order = json!({ "command": { "command": "sign_handover", "handover": id } });
        let said = visit.order(path, &order).await?;
        Ok(Outcome::new("/people/handovers?done=1", says(visit, own, &said["events"][0], &registry)))
    })
}

/// What a signature means, by the event that it would be.
fn says(visit: &Visit, own: &Value, event: &Value, registry: &Value) -> Vec<String> {
    let name = |key: &str| own[key]["subject"].as_str().unwrap_or_default();
    let (from, to) = (name("from"), name("to"));
    let tell = |english: &str, korean: &str, what: &str| {
        visit.say(english, korean).replace("{f}", from).replace("{t}", to).replace("{w}", what)
    };
    let joined = |value: &Value, by: &str| {
        let all: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        all.join(by)
    };
    let mut says = vec![tell("From {f} to {t}: {w}", "{f} → {t}: {w}", &joined(&own["duties"], "; "))];
    let matters = joined(&own["matters"], "; ");
    if !matters.is_empty() {
        says.push(tell("Open matters: {w}", "미결 사항: {w}", &matters));
    }
    let is_theirs = visit.is_of(&own["from"]) || visit.is_of(&own["to"]);
    says.push(match (is_theirs, event["side"] == "to") {
        (false, _) => tell("You sign for {f}, who has left.", "퇴사한 {f}를 대신하여 서명합니다.", ""),
        (true, true) => tell("You sign that you take it over.", "인수하였음을 서명합니다.", ""),
        (true, false) => tell("You sign that you hand it over.", "인계하였음을 서명합니다.", ""),
    });
    if event["kind"] != "handover.done" {
        says.push(tell("It waits for the other signature then.", "이후 상대방의 서명을 기다립니다.", ""));
        return says;
    }
    let roles = |grants: &Value| -> String {
        let all: Vec<&str> = grants.as_array().into_iter().flatten().filter_map(|own| own["role"].as_str()).collect();
        all.join(", ")
    };
    for (what, english, korean) in [
        (roles(&event["given"]), "{t} has from now on: {w}.", "지금부터 {t}의 역할: {w}."),
        (
            roles(&event["proposed"]),
            "A second officer must confirm for {t}: {w}.",
            "다른 책임자의 승인이 필요한 {t}의 역할: {w}.",
        ),
        (named(registry, &event["ended"]), "{f} has no more: {w}.", "종료되는 {f}의 역할: {w}."),
    ] {
        if !what.is_empty() {
            says.push(tell(english, korean, &what));
        }
    }
    says
}

/// The roles of grants, by their numbers.
fn named(registry: &Value, ids: &Value) -> String {
    let ids = ids.as_array().into_iter().flatten().filter_map(Value::as_u64);
    let roles: Vec<&str> = ids.filter_map(|id| grant::find(registry, id)?["role"].as_str()).collect();
    roles.join(", ")
}
