//! `privet incident affected`: whose data it was, and which rows of the controller's own list are theirs.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, BufReader, BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{order, show};
use crate::{
    access::{
        consent_list::Error,
        subject::{Name, Subjects},
    },
    cli::{
        office::{AsArgs, Office},
        safe::scrubbed,
        staff::Failure,
    },
    incident::{
        Case, Command,
        affected::{Affected, Certainty, Found},
        roll::{Columns, Tally, roll},
    },
    journal::{
        Class,
        search::{Filter, Unread, search},
    },
    seal::Ring,
};

/// What `incident affected` takes.
#[derive(Debug, clap::Args)]
pub struct AffectedArgs {
    /// Its number.
    number: u64,
    /// A CSV file of people, as your own application exports it: its rows of people of the case are written.
    #[arg(long = "match", value_name = "FILE", requires = "columns")]
    list: Option<PathBuf>,
    /// A column of it that says who, and what it holds where its name does not tell: `id`, `email`, `phone` or a type; once for each.
    #[arg(long = "column", value_name = "NAME[:TYPE]", requires = "list")]
    columns: Vec<String>,
    /// The column of it by which they are reached; whole rows are written without.
    #[arg(long = "address", value_name = "COLUMN", requires = "list")]
    address: Option<String>,
    /// The column of it that says in which language.
    #[arg(long, value_name = "COLUMN", requires = "address")]
    language: Option<String>,
    /// Write the rows to this new file, made with mode 0600 [default: standard output].
    #[arg(short, long, value_name = "FILE", requires = "list")]
    output: Option<PathBuf>,
    /// Show pseudonyms as well, a line each; with --json they always are.
    #[arg(long, conflicts_with = "list")]
    people: bool,
    #[command(flatten)]
    order: AsArgs,
}

/// Shows it; in somebody's name the numbers are written down, for thresholds of laws rest on them.
pub(super) fn run(args: &AffectedArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let case = serde_json::from_value::<Case>(show(&office, args.number)?).map_err(io::Error::from);
    let case = case.map_err(Failure::Gateway)?;
    let (found, unread) = find(&office, &case)?;
    let mut object = object(&case, &found, unread);
    let mut to_stdout = false;
    if let Some(list) = &args.list {
        to_stdout = args.output.is_none();
        object["list"] = matched(args, &office, list, &found)?;
    }
    if args.order.name.is_some() {
        let (confirmed, possible) = (found.count(Certainty::Confirmed), found.count(Certainty::Possible));
        let unattributed = found.nobodys() + unread.destroyed + unread.locked;
        order(&args.order, &office, Command::Count { case: case.number, confirmed, possible, unattributed })?;
    }
    tell(args, object, &found, to_stdout).map_err(Failure::Gateway)
}

/// Reads the records of all journals that a case is about.
fn find(office: &Office, case: &Case) -> Result<(Found, Unread), Failure> {
    let mut affected = Affected::new(&case.scope);
    let mut all = Unread::default();
    for journal in office.journal()?.place.own().map_err(Into::into).map_err(Failure::Search)? {
        let ring = Ring::load(&office.keys).map_err(Failure::Keys)?;
        let filter = Filter { class: Some(Class::Access), since: affected.since(), ..Filter::default() };
        let unread = search(&journal, ring, &filter, |line| {
            affected.take(journal.chain(), &line);
            true
        });
        let unread = unread.map_err(Failure::Search)?;
        all.destroyed += unread.destroyed;
        all.locked += unread.locked;
    }
    Ok((affected.found(), all))
}

fn object(case: &Case, found: &Found, unread: Unread) -> Value {
    json!({
        "case": case.number, "confirmed": found.count(Certainty::Confirmed), "possible": found.count(Certainty::Possible),
        "coverage": {
            "records": found.records, "whole": found.whole, "empty": found.empty, "unattributed": found.unattributed,
            "unfinished": found.unfinished, "destroyed": unread.destroyed, "locked": unread.locked,
        },
        "types": found.types, "named_by": found.named_by,
    })
}

/// A column, and what it holds.
fn column(text: &str) -> (String, Name) {
    let (head, name) = text.split_once(':').unwrap_or((text, text));
    (head.to_owned(), Name::of(name))
}

fn matched(args: &AffectedArgs, office: &Office, list: &Path, found: &Found) -> Result<Value, Failure> {
    let failed = |exit, error: &dyn std::fmt::Display, hint: Option<String>| Failure::Refused {
        error: format!("{error}"),
        hint,
        exit,
    };
    let unreadable = |error: &dyn std::fmt::Display| {
        failed(3, &format!("{} can't be read or its rows not be written: {error}", list.display()), None)
    };
    let subjects = Subjects::of(&Ring::load(&office.keys).map_err(Failure::Keys)?);
    let columns = Columns {
        names: args.columns.iter().map(|text| column(text)).collect(),
        address: args.address.clone(),
        language: args.language.clone(),
    };
    let source = File::open(list).map_err(|error| unreadable(&error))?;
    let source = BufReader::with_capacity(64 << 10, source);
    let rolled = match &args.output {
        None => roll(source, &columns, &subjects, &found.people, BufWriter::new(io::stdout().lock())),
        Some(path) => {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            let file = file.map_err(|error| failed(3, &format!("{} can't be made: {error}", path.display()), None))?;
            roll(source, &columns, &subjects, &found.people, BufWriter::new(file))
        }
    };
    let tally = rolled.map_err(|error| match &error {
        Error::Column { known, .. } => {
            let known = known.iter().map(String::as_str).take(50).collect::<Vec<_>>().join(", ");
            failed(2, &error, Some(format!("the first line has: {}", scrubbed(&known))))
        }
        error => unreadable(error),
    })?;
    let Tally { rows, broken, written, unreachable, missing } = tally;
    Ok(json!({
        "rows": rows, "broken": broken, "written": { "confirmed": written[0], "possible": written[1] },
        "unreachable": unreachable, "not_in_list": { "confirmed": missing[0], "possible": missing[1] },
    }))
}

/// Says what was found; beside the rows where those are on standard output.
fn tell(args: &AffectedArgs, mut object: Value, found: &Found, to_stdout: bool) -> io::Result<()> {
    let mut out: Box<dyn io::Write> =
        if to_stdout { Box::new(io::stderr()) } else { Box::new(BufWriter::new(io::stdout().lock())) };
    // In one order, whatever the order of the records was.
    let people: BTreeMap<String, Certainty> =
        found.people.iter().map(|(subject, certainty)| (subject.text(), *certainty)).collect();
    if args.order.json {
        let of = |wanted| people.iter().filter(|(_, one)| **one == wanted).map(|(text, _)| text).collect::<Vec<_>>();
        object["people"] = json!({ "confirmed": of(Certainty::Confirmed), "possible": of(Certainty::Possible) });
        writeln!(out, "{object}")?;
        return out.flush();
    }
    let cover = &object["coverage"];
    writeln!(
        out,
        "case {}: {} people confirmed, {} more possible",
        object["case"], object["confirmed"], object["possible"]
    )?;
    writeln!(
        out,
        "\tof {} disclosures {} have reached the client whole, {} have brought nothing",
        cover["records"], cover["whole"], cover["empty"]
    )?;
    for (name, what) in [
        ("unattributed", "records or values can't be said to be anybody's"),
        ("unfinished", "disclosures have no end that is known"),
        ("destroyed", "records of this time can't be read any more: their keys were destroyed"),
        ("locked", "records of this time are sealed by a key that is not in the key file"),
    ] {
        if cover[name] != 0 {
            writeln!(out, "\tNOT COVERED: {} {what}", cover[name])?;
        }
    }
    if !found.named_by.is_empty() {
        let names: Vec<&str> = found.named_by.iter().map(String::as_str).collect();
        writeln!(out, "\tsome are told apart by {} alone: whoever has two counts twice", names.join(", "))?;
    }
    let list = &object["list"];
    if list.is_object() {
        let (written, missing) = (&list["written"], &list["not_in_list"]);
        writeln!(
            out,
            "\tof {} rows {} are of people who are confirmed and {} of people who are possible; {} have no address, {} can't be read",
            list["rows"], written["confirmed"], written["possible"], list["unreachable"], list["broken"]
        )?;
        writeln!(out, "\tin no row: {} confirmed, {} possible", missing["confirmed"], missing["possible"])?;
    }
    if args.people {
        for (text, certainty) in &people {
            writeln!(out, "{text}\t{}", certainty.name())?;
        }
    }
    out.flush()
}
