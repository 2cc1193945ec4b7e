//! Records as events of the Open Cybersecurity Schema Framework, version 1.8.0. What has no place there is in `unmapped`, as it is.

use serde_json::{Map, Value, json};

use super::Weight;
use crate::journal::{Kind, search::Line, tree::hex};

/// The version of the schema that events follow.
pub(super) const VERSION: &str = "1.8.0";

/// Classes that are used, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Class {
    AccountChange = 3001,
    Authentication = 3002,
    EntityManagement = 3004,
    UserAccess = 3005,
    ApplicationLifecycle = 6002,
}

/// An activity of a class: its number there, and what it is called where the schema has no word (99).
type Activity = (Class, u32, Option<&'static str>);

const OTHER: u32 = 99;
const SUCCESS: u32 = 1;
const FAILURE: u32 = 2;

fn activity(line: &Line) -> Activity {
    use Class::{AccountChange, ApplicationLifecycle, Authentication, EntityManagement, UserAccess};
    let Some(kind) = Kind::named(&line.kind) else {
        return if line.kind == "export" { (EntityManagement, 2, None) } else { (EntityManagement, OTHER, None) };
    };
    match kind {
        Kind::SignInSuccess | Kind::SignInFailure | Kind::SignInRefused | Kind::SignInMissed => {
            (Authentication, 1, None)
        }
        Kind::AccountAdded | Kind::StaffJoined => (AccountChange, 1, None),
        Kind::AccountRemoved => (AccountChange, 6, None),
        Kind::StaffLeft => (AccountChange, 5, None),
        Kind::StaffListed => (AccountChange, OTHER, Some("List")),
        Kind::AccountChanged => (AccountChange, OTHER, Some("Change")),
        Kind::StaffMoved => (AccountChange, OTHER, Some("Move")),
        Kind::PledgeSigned => (AccountChange, OTHER, Some("Sign Pledge")),
        Kind::PledgeWithdrawn => (AccountChange, OTHER, Some("Withdraw Pledge")),
        Kind::GrantGiven => (UserAccess, 1, None),
        Kind::GrantEnded => (UserAccess, 2, None),
        Kind::GrantProposed => (UserAccess, OTHER, Some("Propose")),
        Kind::RecertificationDone => (UserAccess, OTHER, Some("Recertify")),
        Kind::ProcessStarted => (ApplicationLifecycle, 3, None),
        Kind::ProcessStopped => (ApplicationLifecycle, 4, None),
        Kind::JournalRecovered | Kind::JournalResumed | Kind::WitnessFailed => {
            (ApplicationLifecycle, OTHER, Some("Trouble"))
        }
        Kind::ConfigReloaded | Kind::ConfigRefused | Kind::CertificateLoaded | Kind::CertificateRefused => {
            (EntityManagement, 3, None)
        }
        Kind::CertificateExpired => (EntityManagement, OTHER, Some("Expire")),
        Kind::KeyDestroyed => (EntityManagement, 4, None),
        Kind::BackupCreated => (EntityManagement, 1, None),
        Kind::BackupRestored => (EntityManagement, OTHER, Some("Restore")),
        Kind::JournalWitnessed => (EntityManagement, OTHER, Some("Witness")),
        // Kinds of rooms that come are events before they have a class of their own.
        _ => (EntityManagement, OTHER, None),
    }
}

fn status(line: &Line) -> u32 {
    match Kind::named(&line.kind) {
        Some(
            Kind::SignInFailure
            | Kind::SignInRefused
            | Kind::SignInMissed
            | Kind::ConfigRefused
            | Kind::CertificateRefused
            | Kind::WitnessFailed,
        ) => FAILURE,
        _ => SUCCESS,
    }
}

/// The event of a record.
pub(super) fn event(line: &Line) -> Value {
    let (class, number, word) = activity(line);
    let mut body = line.body.clone();
    let mut event = Map::new();
    match class {
        Class::Authentication => authentication(&mut body, &mut event),
        Class::AccountChange => {
            let user = person(&body).unwrap_or_else(|| user(body.remove("account"), body.remove("realm")));
            event.insert("user".to_owned(), user);
        }
        Class::UserAccess => {
            let role = [&line.body, &of_grant(&line.body)].into_iter().find_map(|of| of.get("role").cloned());
            event.insert("user".to_owned(), person(&body).unwrap_or_else(|| user(None, None)));
            event.insert("privileges".to_owned(), json!([role.unwrap_or_else(|| "unknown".into())]));
        }
        Class::EntityManagement => {
            event.insert("entity".to_owned(), entity(line, &mut body));
        }
        Class::ApplicationLifecycle => {
            event.insert("app".to_owned(), product());
        }
    }
    let uid = class as u32;
    let severity = match Weight::of(line) {
        Weight::Plain => 1,
        Weight::Notable => 2,
        Weight::Warning => 3,
        Weight::Grave => 4,
        Weight::Alarm => 5,
    };
    let mut metadata = json!({
        "version": VERSION, "product": product(), "log_name": "journal", "event_code": line.kind,
        "sequence": line.index, "uid": hex(&line.hash), "labels": [format!("class:{}", line.class.name())],
    });
    if line.clock_was_set {
        metadata["labels"] = json!([format!("class:{}", line.class.name()), "clock:set"]);
    }
    let common = json!({
        "category_uid": uid / 1000, "class_uid": uid, "activity_id": number, "type_uid": uid * 100 + number,
        "time": line.time, "severity_id": severity, "status_id": status(line), "metadata": metadata,
    });
    if let Value::Object(common) = common {
        event.extend(common);
    }
    if number == OTHER {
        event.insert("activity_name".to_owned(), word.unwrap_or(&line.kind).into());
    }
    if let Some(Value::String(why)) = body.remove("why").or_else(|| body.remove("limit")) {
        event.insert("status_detail".to_owned(), why.into());
    }
    if !body.is_empty() {
        event.insert("unmapped".to_owned(), body.into());
    }
    Value::Object(event)
}

fn product() -> Value {
    json!({ "name": "Privet", "vendor_name": "Privet", "version": env!("CARGO_PKG_VERSION") })
}

/// Who, as the record has them: a name or a pseudonym.
fn user(account: Option<Value>, realm: Option<Value>) -> Value {
    let name = account.unwrap_or_else(|| "unknown".into());
    match realm {
        Some(realm) => json!({ "name": name, "domain": realm }),
        None => json!({ "uid": name }),
    }
}

/// What a record says of a grant.
fn of_grant(body: &Map<String, Value>) -> Map<String, Value> {
    body.get("grant").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Whose rights a record is about, as the registry has them.
fn person(body: &Map<String, Value>) -> Option<Value> {
    let grant = of_grant(body);
    let person = body.get("person").or_else(|| grant.get("person"))?;
    let (subject, issuer) = (person["subject"].as_str()?, person["issuer"].as_str()?);
    Some(json!({ "name": subject, "domain": issuer }))
}

fn authentication(body: &mut Map<String, Value>, event: &mut Map<String, Value>) {
    event.insert("user".to_owned(), user(body.remove("account"), None));
    let login = body.remove("login").unwrap_or_else(|| "privet".into());
    event.insert("service".to_owned(), json!({ "name": login }));
    // A pseudonym, which is no address.
    if let Some(address) = body.remove("address") {
        event.insert("src_endpoint".to_owned(), json!({ "uid": address }));
    }
    if let Some(attempts) = body.remove("attempts") {
        event.insert("count".to_owned(), attempts);
    }
}

/// What something was done with: what the record names, by the first word of its kind.
fn entity(line: &Line, body: &mut Map<String, Value>) -> Value {
    let kind =
        if line.kind == "journal.key_destroyed" { "data key" } else { line.kind.split('.').next().unwrap_or("") };
    let mut take = |name: &str| body.remove(name).and_then(|value| value.as_str().map(str::to_owned));
    let name = match kind {
        "data key" => Some([take("class"), take("day")].map(Option::unwrap_or_default).join(" ")),
        "config" => take("config_sha256"),
        "certificate" => take("name"),
        "backup" => take("sha256"),
        "journal" => take("witness"),
        _ => None,
    };
    json!({ "name": name.unwrap_or_else(|| kind.to_owned()), "type": kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_an_event_of_a_class() {
        for kind in Kind::ALL {
            let line = Line {
                index: 7,
                time: 1_700_000_000_123,
                class: kind.class(),
                hash: [9; 32],
                kind: kind.name().to_owned(),
                clock_was_set: true,
                body: [("account".to_owned(), "kim".into()), ("odd".to_owned(), json!([1, 2]))].into_iter().collect(),
            };
            let event = event(&line);
            let number = |name: &str| event[name].as_u64().expect(name);
            assert_eq!(number("category_uid"), number("class_uid") / 1000, "{event}");
            assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"), "{event}");
            assert_eq!((number("time"), event["metadata"]["version"].as_str()), (1_700_000_000_123, Some(VERSION)));
            assert!((1..=5).contains(&number("severity_id")) && event["metadata"]["product"]["name"] == "Privet");
            assert_eq!(event["unmapped"]["odd"], json!([1, 2]), "what has no place is not lost: {event}");
            assert_eq!(number("activity_id") == 99, event.get("activity_name").is_some(), "{event}");
        }
    }

    #[test]
    fn a_grant_names_whose_it_is() {
        let grant = json!({ "id": 7, "person": { "issuer": "staff", "subject": "kim" }, "role": "marketing" });
        let line = Line {
            index: 7,
            time: 1,
            class: Kind::GrantGiven.class(),
            hash: [9; 32],
            kind: "grant.given".to_owned(),
            clock_was_set: false,
            body: [("grant".to_owned(), grant)].into_iter().collect(),
        };
        let event = event(&line);
        assert_eq!((&event["type_uid"], &event["privileges"]), (&json!(300_501), &json!(["marketing"])));
        assert_eq!(event["user"], json!({ "name": "kim", "domain": "staff" }));
        assert_eq!(event["unmapped"]["grant"]["id"], 7);
    }
}
