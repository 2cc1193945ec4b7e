//! Records of the journal, by what an auditor asks for.

use std::time::{Duration, SystemTime};

use serde_json::json;

use super::super::looking::stamp;
use crate::{
    journal::{
        Place,
        search::{Error, Filter, Line, search},
        tree::hex,
    },
    seal::Ring,
};

/// Each file, and what kinds its records begin with.
const GROUPS: [(&str, &[&str]); 9] = [
    ("access", &["disclosure.", "download."]),
    ("grants", &["registry.", "staff.", "grant.", "recertification.", "account."]),
    ("pledges", &["pledge."]),
    ("reviews", &["review."]),
    ("handovers", &["handover."]),
    ("backups", &["backup."]),
    ("malware", &["malware.", "antivirus.", "quarantine."]),
    ("incidents", &["incident.", "case.", "notice.", "compensation.", "signal."]),
    ("operations", &["process.", "config.", "certificate.", "journal.", "attest.", "ban."]),
];

/// What was read so far.
pub(super) struct Groups {
    since: u64,
    texts: Vec<Vec<u8>>,
}

impl Groups {
    /// Nothing yet; access records from this time on.
    pub(super) fn new(since: u64) -> Self {
        Self { since, texts: vec![Vec::new(); GROUPS.len()] }
    }

    /// Reads a journal.
    pub(super) fn read(&mut self, place: &Place, ring: Ring) -> Result<(), Error> {
        let name = place.name();
        search(place, ring, &Filter::default(), |line| {
            self.take(&name, &line);
            true
        })
        .map(drop)
    }

    fn take(&mut self, journal: &str, line: &Line) {
        let of = |(_, kinds): &(&str, &[&str])| kinds.iter().any(|kind| line.kind.starts_with(kind));
        let Some(group) = GROUPS.iter().position(of) else { return };
        if GROUPS[group].0 == "access" && line.time < self.since {
            return;
        }
        let time = stamp(SystemTime::UNIX_EPOCH + Duration::from_millis(line.time));
        let object = json!({
            "journal": journal, "index": line.index, "time": time, "kind": line.kind, "hash": hex(&line.hash),
            "clock_was_set": line.clock_was_set, "body": line.body,
        });
        self.texts[group].extend_from_slice(object.to_string().as_bytes());
        self.texts[group].push(b'\n');
    }

    /// A file for each, though nothing be in it: that there is nothing is said as well.
    pub(super) fn files(self) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
        GROUPS.iter().map(|(name, _)| *name).zip(self.texts)
    }
}
