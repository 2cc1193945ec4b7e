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
    let look = office.look()?;
    let rows = |name: &str| look[name].as_array().cloned().unwrap_or_default();
    let who = json!(person);
    let own = rows("people").into_iter().find(|row| row["person"] == who).unwrap_or_default();
    let over: Vec<Value> = rows("handovers").into_iter().filter(|row| row["from"] == who).collect();
    let gaps: Vec<Value> =
        rows("findings").into_iter().filter(|row| row["finding"] == "gap" && row["person"] == who).collect();
    Ok(json!({
        "what": "Privet leaver certificate: what a person held, promised and saw before leaving, from Privet's own records. \
                 It holds personal data of this person and of colleagues; keep it as confidential as a personnel file.",
        "made": Moment::from(clock::now()),
        "person": own["person"], "name": own["name"], "joined": own["joined"], "left": own["left"],
        "grants": own["grants"], "pledge": own["pledge"], "handovers": over, "not_taken_over": gaps,
        "seen": seen(office, person, days)?, "downloads_not_returned": not_returned(office, person)?,
    }))
}

/// Files that they have taken along, ever, of which nobody has said that they are deleted or returned.
fn not_returned(office: &Office, person: &PersonId) -> Result<Vec<Value>, Failure> {
    let rows = downloads::rows(office)?;
    Ok(rows.into_iter().filter(|row| is_held_by(row, person)).collect())
}

/// Counts over access records of disclosures to somebody: how many, of how many people, of which types.
fn seen(office: &Office, person: &PersonId, days: u32) -> Result<Value, Failure> {
    let since = clock::millis().saturating_sub(u64::from(days) * DAY);
    let filter = Filter {
        class: Some(Class::Access),
        kind: Some(Kind::DisclosureDone.name().to_owned()),
        since: Some(since),
        ..Filter::default()
    };
    let (mut records, mut people, mut types) = (0_u64, BTreeSet::new(), BTreeMap::<String, u64>::new());
    let mut take = |line: Line| {
        if is_of(&line.body, person) {
            // Who has seen very many at once has several records.
            records += u64::from(line.body.get("part").is_none_or(|part| part[0] == 1));
            let subjects = line.body.get("subjects").and_then(Value::as_array);
            people.extend(subjects.into_iter().flatten().map(Value::to_string));
            for (name, n) in line.body.get("shown").and_then(Value::as_object).into_iter().flatten() {
                *types.entry(name.clone()).or_default() += n.as_u64().unwrap_or_default();
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
    Ok(json!({
        "days": days, "records": records, "people": people.len(), "types": types,
        "records_that_can_not_be_read": unread,
    }))
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
