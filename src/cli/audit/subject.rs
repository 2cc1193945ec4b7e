//! `privet audit subject`: who has seen, changed or taken along one person's data.

use std::{
    collections::BTreeSet,
    io::{self, BufWriter, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use serde_json::{Map, Value, json};

use super::{FilterArgs, PlaceArgs, time_text, unavailable};
use crate::{
    access::subject::{Subject, Subjects},
    journal::{Kind, search::Line},
    seal::Ring,
};

/// What `audit subject` takes.
#[derive(Debug, clap::Args)]
pub struct SubjectArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// What the application or its records call them: an id, an address of mail, a telephone or registration number.
    #[arg(value_name = "ID")]
    id: String,
    /// The keys [default: seal.key in the data folder, or what the configuration names].
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// From this time on, such as 2026-11-01 (UTC) or 2026-11-01T09:00:00+09:00.
    #[arg(long, value_name = "TIME", value_parser = super::moment)]
    since: Option<u64>,
    /// Up to this time, exclusive.
    #[arg(long, value_name = "TIME", value_parser = super::moment)]
    until: Option<u64>,
    /// JSON instead of text: one object a disclosure.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &SubjectArgs) -> ExitCode {
    let keys = match (&args.key_file, args.place.place()) {
        (Some(keys), Ok(_)) => Some(keys.clone()),
        (None, Ok(place)) => place.keys,
        (_, Err(code)) => return code,
    };
    let Some(keys) = keys else {
        eprintln!("privet audit: no key\n    hint: name the key file (--key-file)");
        return ExitCode::from(2);
    };
    let subjects = match Ring::load(&keys) {
        Ok(ring) => Subjects::of(&ring),
        Err(error) => return unavailable(&error),
    };
    let wanted: BTreeSet<String> = subjects.all_of(args.id.as_bytes()).iter().map(Subject::text).collect();
    let filter = FilterArgs {
        place: args.place.clone(),
        key_file: Some(keys),
        kind: Some(Kind::DisclosureDone.name().to_owned()),
        since: args.since,
        until: args.until,
        text: None,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let mut written = Ok(());
    let code = filter.each(|journal, line| {
        if names_one(&line, &wanted) {
            let shown = disclosure(journal, &line);
            written =
                if args.json { writeln!(out, "{}", Value::Object(shown)) } else { writeln!(out, "{}", text(&shown)) };
        }
        written.is_ok()
    });
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => unavailable(&error),
        _ => code,
    }
}

fn names_one(line: &Line, wanted: &BTreeSet<String>) -> bool {
    let subjects = line.body.get("subjects").and_then(Value::as_array);
    subjects.is_some_and(|all| all.iter().filter_map(Value::as_str).any(|subject| wanted.contains(subject)))
}

/// What the person may know of it: nobody else's pseudonym is in it.
fn disclosure(journal: &str, line: &Line) -> Map<String, Value> {
    const TOLD: [&str; 12] = [
        "request_id",
        "person",
        "issuer",
        "roles",
        "address",
        "route",
        "action",
        "purpose",
        "ticket",
        "review",
        "shown",
        "complete",
    ];
    let mut told = Map::new();
    told.insert("journal".to_owned(), json!(journal));
    told.insert("index".to_owned(), json!(line.index));
    told.insert("time".to_owned(), json!(time_text(line.time)));
    for name in TOLD {
        if let Some(value) = line.body.get(name) {
            told.insert(name.to_owned(), value.clone());
        }
    }
    told
}

fn text(told: &Map<String, Value>) -> String {
    let word = |name: &str| match told.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => "-".to_owned(),
    };
    let types = told
        .get("shown")
        .and_then(Value::as_object)
        .map_or_else(String::new, |shown| shown.keys().map(String::as_str).collect::<Vec<_>>().join(","));
    let line = [word("time"), word("person"), word("address"), word("action"), word("purpose"), word("route"), types]
        .join("  ");
    line.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}
