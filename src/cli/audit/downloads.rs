//! `privet audit downloads`: files that people have taken along, and in whose hands they still are. `privet audit returned`: that one is not any more.

use std::{path::PathBuf, process::ExitCode};

use serde_json::Value;

use super::{FilterArgs, PlaceArgs};
use crate::{
    cli::{
        downloads::{Downloads, KINDS},
        office::{AsArgs, Office},
        safe::printable,
        staff::{Failure, ended},
    },
    common::clock,
    journal::search::{Error, Filter, search},
    registry::{Command, Denied, Moment, PersonId, command::Returned},
    seal::Ring,
};

/// Fewest digits that an id may be shortened to.
const SHORTEST: usize = 8;

/// What `audit downloads` takes.
#[derive(Debug, clap::Args)]
pub struct DownloadsArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// The keys [default: seal.key in the data folder, or what the configuration names].
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Only what nobody has said to be deleted or returned; exit 1 where some of it is overdue.
    #[arg(long)]
    outstanding: bool,
    /// JSON instead of text: one object a download.
    #[arg(long)]
    json: bool,
}

/// What `audit returned` takes.
#[derive(Debug, clap::Args)]
pub struct ReturnedArgs {
    /// Its id as `audit downloads` shows it, or the first digits of it.
    #[arg(value_name = "ID")]
    id: String,
    /// What has become of it.
    #[arg(long, value_enum, default_value = "deleted")]
    how: How,
    #[command(flatten)]
    order: AsArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum How {
    /// It is deleted, wherever it was.
    Deleted,
    /// It was given back, with every copy.
    Returned,
}

/// Lists; exit 0 when done, 1 where something outstanding is overdue, 2 for bad usage, 3 when the journal or a key is not to be had.
pub(super) fn list(args: &DownloadsArgs) -> ExitCode {
    let filter = FilterArgs {
        place: args.place.clone(),
        key_file: args.key_file.clone(),
        kind: Some(KINDS.to_owned()),
        since: None,
        until: None,
        text: None,
    };
    let mut downloads = Downloads::default();
    let code = filter.each(|journal, line| {
        downloads.take(journal, &line);
        true
    });
    let rows = downloads.rows(clock::now().into());
    let shown: Vec<&Value> = rows.iter().filter(|row| !args.outstanding || row["outstanding"] == true).collect();
    for row in &shown {
        if args.json {
            println!("{row}");
        } else {
            tell(row);
        }
    }
    let overdue = args.outstanding && shown.iter().any(|row| row["overdue"] == true);
    if code == ExitCode::SUCCESS && overdue { ExitCode::FAILURE } else { code }
}

fn tell(row: &Value) {
    let text = |name: &str| match &row[name] {
        Value::Null => "-".to_owned(),
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    };
    let state = match (&row["returned"]["how"], row["overdue"] == true) {
        (Value::String(how), _) => how.clone(),
        (_, true) => "OVERDUE".to_owned(),
        _ if row["outstanding"] == false => "nothing left".to_owned(),
        _ => "held".to_owned(),
    };
    println!(
        "{}  {}  {}  {}  {state}, until {}",
        text("id"),
        text("time"),
        text("person"),
        text("route"),
        text("expires")
    );
    println!("\t{}, {} people, purpose {}: {}", text("state"), text("people"), text("purpose"), text("reason"));
    if row["archive_sha256"].is_string() {
        println!("\tsha256 of the archive {}, of the file {}", text("archive_sha256"), text("file_sha256"));
    }
}

/// Writes down that a file is not in anybody's hands any more; exit 0 when done, 1 when refused.
pub(super) fn returned(args: &ReturnedArgs) -> ExitCode {
    ended("audit returned", order(args))
}

fn order(args: &ReturnedArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let (download, person) = find(&office, &args.id)?;
    let how = match args.how {
        How::Deleted => Returned::Deleted,
        How::Returned => Returned::Returned,
    };
    args.order.order(&office, Command::Return { download, person, how }).map(drop)
}

/// The one download whose id begins so, and who has taken it.
fn find(office: &Office, id: &str) -> Result<(String, PersonId), Failure> {
    let rows = rows(office)?;
    let id = id.to_ascii_lowercase();
    let mut fitting = rows.iter().filter_map(|row| {
        let found = row["id"].as_str().filter(|found| id.len() >= SHORTEST && found.starts_with(&id))?;
        Some((found.to_owned(), PersonId::new(row["issuer"].as_str()?, row["person"].as_str()?)))
    });
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(Failure::refused(Denied::NoDownload.into())),
    }
}

/// All downloads that an office's journal tells of.
pub(in crate::cli) fn rows(office: &Office) -> Result<Vec<Value>, Failure> {
    let filter = Filter { kind: Some(KINDS.to_owned()), ..Filter::default() };
    let mut downloads = Downloads::default();
    for journal in office.journal()?.place.all().map_err(Error::from).map_err(Failure::Search)? {
        let ring = Ring::load(&office.keys).map_err(Failure::Keys)?;
        let read = search(&journal, ring, &filter, |line| {
            downloads.take(&journal.name(), &line);
            true
        });
        read.map_err(Failure::Search)?;
    }
    Ok(downloads.rows(Moment::from(clock::now())))
}
