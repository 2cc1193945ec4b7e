//! The leaver certificate: what somebody held, promised and saw, and who has taken over.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use super::Failure;
use crate::{
    cli::{audit::downloads, downloads::is_held_by, office::Office},
    common::clock,
    journal::{
        Class, Kind,
        search::{Error, Filter, Line, search},
    },
    registry::{Moment, PersonId},
    seal::Ring,
};

/// Milliseconds of a day.
const DAY: u64 = 86_400_000;

/// The file that it is written to, which was not there before.
pub(super) struct File {
    path: PathBuf,
    file: fs::File,
}

impl File {
    /// Made before anything is done: who wants a certificate wants nothing without.
    pub(super) fn make(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        Ok(Self { path: path.to_owned(), file: file.map_err(Failure::Certificate)? })
    }

    pub(super) fn discard(self) {
        // It is empty.
        let _ = fs::remove_file(self.path);
    }

    pub(super) fn write(mut self, certificate: &Value) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(certificate).unwrap_or_default();
        writeln!(self.file, "{text}").and_then(|()| self.file.sync_all()).map_err(Failure::Certificate)
    }
}

/// Of somebody who has left.
pub(super) fn of(office: &Office, person: &PersonId, days: u32) -> Result<Value, Failure> {
    let all = of_all(office, &office.look()?, std::slice::from_ref(person), days)?;
    Ok(all.into_iter().next().unwrap_or_default())
}

/// Of everybody who has left, in the order of the registry.
pub(in crate::cli) fn of_leavers(office: &Office, days: u32) -> Result<Vec<Value>, Failure> {
    let look = office.look()?;
    let rows = look["people"].as_array().into_iter().flatten().filter(|row| row["left"].is_string());
    let gone: Vec<PersonId> = rows.filter_map(|row| serde_json::from_value(row["person"].clone()).ok()).collect();
    of_all(office, &look, &gone, days)
}

fn of_all(office: &Office, look: &Value, people: &[PersonId], days: u32) -> Result<Vec<Value>, Failure> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let rows = |name: &str, key: &str, who: &Value| -> Vec<Value> {
        look[name].as_array().into_iter().flatten().filter(|row| row[key] == *who).cloned().collect()
    };
    let made = Moment::from(clock::now());
    let taken = downloads::rows(office)?;
    let certificate = |(person, seen): (&PersonId, Value)| {
        let who = json!(person);
        let own = rows("people", "person", &who).into_iter().next().unwrap_or_default();
        let mut gaps = rows("findings", "person", &who);
        gaps.retain(|row| row["finding"] == "gap");
        // Files that they have taken along, ever, of which nobody has said that they are deleted or returned.
        let not_returned: Vec<&Value> = taken.iter().filter(|row| is_held_by(row, person)).collect();
        json!({
            "what": "Privet leaver certificate: what a person held, promised and saw before leaving, from Privet's own records. \
                     It holds personal data of this person and of colleagues; keep it as confidential as a personnel file.",
            "made": made,
            "person": own["person"], "name": own["name"], "joined": own["joined"], "left": own["left"],
            "grants": own["grants"], "pledge": own["pledge"], "handovers": rows("handovers", "from", &who), "not_taken_over": gaps,
            "seen": seen, "downloads_not_returned": not_returned,
        })
    };
    Ok(people.iter().zip(seen(office, people, days)?).map(certificate).collect())
}

/// What somebody has seen: counts over access records of disclosures to them.
#[derive(Debug, Clone, Default)]
struct Sight {
    records: u64,
    people: BTreeSet<String>,
    types: BTreeMap<String, u64>,
}

impl Sight {
    fn take(&mut self, body: &Map<String, Value>) {
        // Who has seen very many at once has several records.
        self.records += u64::from(body.get("part").is_none_or(|part| part[0] == 1));
        let subjects = body.get("subjects").and_then(Value::as_array);
        self.people.extend(subjects.into_iter().flatten().map(Value::to_string));
        for (name, n) in body.get("shown").and_then(Value::as_object).into_iter().flatten() {
            *self.types.entry(name.clone()).or_default() += n.as_u64().unwrap_or_default();
        }
    }
}

/// How many records, of how many people, of which types, for each of these people, in one reading.
fn seen(office: &Office, people: &[PersonId], days: u32) -> Result<Vec<Value>, Failure> {
    let since = clock::millis().saturating_sub(u64::from(days) * DAY);
    let filter = Filter {
        class: Some(Class::Access),
        kind: Some(Kind::DisclosureDone.name().to_owned()),
        since: Some(since),
        ..Filter::default()
    };
    let mut all = vec![Sight::default(); people.len()];
    let mut take = |line: Line| {
        for (person, sight) in people.iter().zip(&mut all) {
            if is_of(&line.body, person) {
                sight.take(&line.body);
            }
        }
        true
    };
    let mut unread = 0;
    // Of each gateway that they were served by.
    for journal in office.journal()?.place.all().map_err(Error::from).map_err(Failure::Search)? {
        let ring = Ring::load(&office.keys).map_err(Failure::Keys)?;
        let not = search(&journal, ring, &filter, &mut take).map_err(Failure::Search)?;
        unread += not.destroyed + not.locked;
    }
    let told = |sight: Sight| {
        json!({
            "days": days, "records": sight.records, "people": sight.people.len(), "types": sight.types,
            "records_that_can_not_be_read": unread,
        })
    };
    Ok(all.into_iter().map(told).collect())
}

/// Whether a record says that this person saw something.
fn is_of(body: &Map<String, Value>, person: &PersonId) -> bool {
    match body.get("person") {
        Some(Value::String(subject)) => {
            let issuer = body.get("issuer").and_then(Value::as_str);
            *subject == person.subject && issuer.is_none_or(|issuer| issuer == person.issuer)
        }
        Some(value) => *value == json!(person),
        None => false,
    }
}
