//! Files that people have taken along, as the journal tells of them: what left, and in whose hands it still is.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::audit::time_text;
use crate::{
    journal::{Kind, search::Line},
    registry::{Moment, PersonId},
};

/// What the records of downloads begin with.
pub(super) const KINDS: &str = "download";

/// What is told of each download as its records say it.
const TOLD: [&str; 17] = [
    "person",
    "issuer",
    "route",
    "purpose",
    "ticket",
    "reason",
    "expires",
    "opened_by",
    "people",
    "unattributed",
    "shown",
    "delivered_bytes",
    "file_bytes",
    "file_sha256",
    "archive_bytes",
    "archive_sha256",
    "review",
];

/// Downloads, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Downloads {
    rows: Vec<Map<String, Value>>,
    /// By the id of the request.
    places: HashMap<String, usize>,
    /// By that id: whose file is no more in their hands, and what is said of it.
    returned: BTreeMap<String, Vec<(Value, Value)>>,
}

impl Downloads {
    /// Takes a record of the journal in the folder of this name into account.
    pub(super) fn take(&mut self, journal: &str, line: &Line) {
        match Kind::named(&line.kind) {
            Some(Kind::DownloadStarted) => self.row(journal, line, "unknown"),
            Some(Kind::DownloadDone) => {
                let whole = line.body.get("complete") == Some(&Value::Bool(true));
                self.row(journal, line, if whole { "complete" } else { "broken_off" });
            }
            Some(Kind::DownloadReturned) => {
                let text = |name: &str| line.body.get(name).cloned().unwrap_or_default();
                let said = json!({ "how": text("how"), "by": text("by"), "time": time_text(line.time) });
                let id = text("download").as_str().unwrap_or_default().to_owned();
                self.returned.entry(id).or_default().push((text("person"), said));
            }
            _ => {}
        }
    }

    fn row(&mut self, journal: &str, line: &Line, state: &str) {
        let Some(id) = line.body.get("request_id").and_then(Value::as_str) else { return };
        let place = *self.places.entry(id.to_owned()).or_insert_with(|| {
            let row = json!({ "id": id, "journal": journal, "time": time_text(line.time) });
            self.rows.push(row.as_object().cloned().unwrap_or_default());
            self.rows.len() - 1
        });
        let row = &mut self.rows[place];
        row.insert("state".to_owned(), state.into());
        for name in TOLD {
            if let Some(value) = line.body.get(name) {
                row.insert(name.to_owned(), value.clone());
            }
        }
    }

    /// All of them, with what is the case `now`.
    pub(super) fn rows(self, now: Moment) -> Vec<Value> {
        let Self { rows, returned, .. } = self;
        let finished = |mut row: Map<String, Value>| {
            let whose = owner(&row);
            let said = row["id"].as_str().and_then(|id| returned.get(id)).into_iter().flatten();
            let said = said.filter(|(person, _)| Some(person) == whose.as_ref()).map(|(_, said)| said).next_back();
            // Of what broke off a part may be in somebody's hands, which the passphrase opens as far as it goes.
            let nothing = row["state"] == "broken_off" && row.get("delivered_bytes") == Some(&json!(0));
            let outstanding = said.is_none() && !nothing;
            let expires = row.get("expires").and_then(Value::as_str).and_then(Moment::parse);
            row.insert("returned".to_owned(), said.cloned().unwrap_or_default());
            row.insert("outstanding".to_owned(), outstanding.into());
            row.insert("overdue".to_owned(), (outstanding && expires.is_some_and(|expires| expires < now)).into());
            Value::Object(row)
        };
        rows.into_iter().map(finished).collect()
    }
}

/// Who has taken it, as the registry names people.
fn owner(row: &Map<String, Value>) -> Option<Value> {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    Some(json!(PersonId::new(text("issuer")?, text("person")?)))
}

/// Whether `row` is of this person, and in their hands still.
pub(super) fn is_held_by(row: &Value, person: &PersonId) -> bool {
    row["outstanding"] == true && row["issuer"] == person.issuer.as_str() && row["person"] == person.subject.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::kind::Class;

    fn line(kind: Kind, body: &Value) -> Line {
        let body = body.as_object().cloned().expect("an object");
        let (index, time, class) = (7, 1_795_797_000_000, Class::Access);
        Line { index, time, class, hash: [0; 32], kind: kind.name().to_owned(), clock_was_set: false, body }
    }

    fn started(id: &str, expires: &str) -> Line {
        let body =
            json!({ "request_id": id, "person": "ann", "issuer": "staff", "reason": "audit", "expires": expires });
        line(Kind::DownloadStarted, &body)
    }

    #[test]
    fn a_file_is_outstanding_until_somebody_says_that_it_is_not() {
        let mut downloads = Downloads::default();
        for id in ["a", "b", "c", "d"] {
            downloads
                .take("journal", &started(id, if id == "d" { "2026-11-01T00:00:00Z" } else { "2026-12-28T00:00:00Z" }));
        }
        let done = |id: &str, complete: bool, bytes: u64| {
            let body =
                json!({ "request_id": id, "complete": complete, "delivered_bytes": bytes, "archive_sha256": "00" });
            line(Kind::DownloadDone, &body)
        };
        downloads.take("journal", &done("a", true, 900));
        downloads.take("journal", &done("b", false, 0));
        downloads.take("journal", &done("d", false, 90));
        let returned = |id: &str, name: &str| {
            let body = json!({ "download": id, "person": { "issuer": "staff", "subject": name }, "how": "deleted",
                "by": { "issuer": "staff", "subject": name } });
            line(Kind::DownloadReturned, &body)
        };
        downloads.take("journal", &returned("a", "ann"));
        downloads.take("journal", &returned("c", "eve"));
        let rows = downloads.rows(Moment::parse("2026-11-28T00:00:00Z").expect("a time"));
        let told: Vec<_> =
            rows.iter().map(|row| (row["state"].as_str().unwrap(), &row["outstanding"], &row["overdue"])).collect();
        let (yes, no) = (&json!(true), &json!(false));
        assert_eq!(
            told,
            [("complete", no, no), ("broken_off", no, no), ("unknown", yes, no), ("broken_off", yes, yes)],
            "nobody returns another's file"
        );
        assert_eq!((&rows[0]["returned"]["how"], &rows[0]["reason"]), (&json!("deleted"), &json!("audit")));
        let ann = PersonId::new("staff", "ann");
        assert_eq!(rows.iter().filter(|row| is_held_by(row, &ann)).count(), 2);
    }
}
