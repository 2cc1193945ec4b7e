//! `privet consent import`: a CSV file of who has agreed, line by line; what can't be read is told by its number.

use std::{collections::HashMap, fs::File, io::BufReader, path::PathBuf, process::ExitCode};

use serde_json::json;

use super::{Failed, Office};
use crate::{
    access::{
        consent::{MOST, Source},
        consent_list::{Columns, Error, List},
        subject::{Name, Subject},
    },
    cli::control::Gateway,
};

/// Most lines that are named.
const NAMED: usize = 1000;
/// Most lines that people are shown.
const SHOWN: usize = 20;

/// What `consent import` takes.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// The file, whose first line names the columns; "," ";" or a tab parts them.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The column that says who.
    #[arg(long, value_name = "COLUMN")]
    id: String,
    /// What that column holds: `email`, `phone`, `id`, or a type such as `EMAIL_ADDRESS` [default: what its name says].
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// The column that says whether they have agreed: yes, true, 1, Y, 동의, ... or no, false, 0, N, 미동의, ...
    #[arg(long, value_name = "COLUMN")]
    agreed: String,
    /// The purpose.
    #[arg(long, value_name = "KEY", default_value = "marketing")]
    purpose: String,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// What has been read, and of what nothing came.
#[derive(Default)]
struct Tally {
    agreed: u64,
    not: u64,
    unread: u64,
    lines: Vec<(u64, &'static str)>,
}

impl Tally {
    fn unread(&mut self, line: u64, why: &'static str) {
        self.unread += 1;
        if self.lines.len() < NAMED {
            self.lines.push((line, why));
        }
    }
}

pub(super) fn run(args: &ImportArgs) -> Result<ExitCode, Failed> {
    let unreadable = |error: &dyn std::fmt::Display| (3, format!("{} can't be read: {error}", args.file.display()));
    let columns = Columns {
        id: args.id.clone(),
        name: Name::of(args.name.as_deref().unwrap_or(&args.id)),
        agreed: args.agreed.clone(),
    };
    let file = File::open(&args.file).map_err(|error| unreadable(&error))?;
    let mut list = List::open(BufReader::with_capacity(64 << 10, file), &columns).map_err(|error| match &error {
        Error::Column { known, .. } => {
            let known = known.iter().map(String::as_str).take(50).collect::<Vec<_>>().join(", ");
            (2, format!("{error}\n    hint: the first line has: {}", super::super::safe::scrubbed(&known)))
        }
        error => unreadable(error),
    })?;
    let mut office = Office::open(&args.gateway, true)?;
    let mut tally = Tally::default();
    // Of somebody who stands there twice the later line counts.
    let mut waiting: HashMap<Subject, bool> = HashMap::new();
    while let Some((line, said)) = list.next(office.subjects()).map_err(|error| unreadable(&error))? {
        match said {
            Err(why) => tally.unread(line, why),
            Ok((subject, said)) => {
                *if said { &mut tally.agreed } else { &mut tally.not } += 1;
                waiting.insert(subject, said);
            }
        }
        if waiting.len() >= MOST {
            flush(&mut office, &args.purpose, &mut waiting)?;
        }
    }
    flush(&mut office, &args.purpose, &mut waiting)?;
    office.close()?;
    print(args, &tally);
    Ok(if tally.unread == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn flush(office: &mut Office, purpose: &str, waiting: &mut HashMap<Subject, bool>) -> Result<(), Failed> {
    let some = |agreed: bool| -> Vec<Subject> {
        waiting.iter().filter(|(_, said)| **said == agreed).map(|(subject, _)| *subject).collect()
    };
    let (given, withdrawn) = (some(true), some(false));
    waiting.clear();
    if given.is_empty() && withdrawn.is_empty() {
        return Ok(());
    }
    office.change(purpose, &given, &withdrawn, Source::Import)
}

fn print(args: &ImportArgs, tally: &Tally) {
    if args.json {
        let lines: Vec<_> = tally.lines.iter().map(|(line, why)| json!({ "line": line, "why": why })).collect();
        let (agreed, not, unread) = (tally.agreed, tally.not, tally.unread);
        println!(
            "{}",
            json!({ "purpose": args.purpose, "agreed": agreed, "not_agreed": not, "unread": unread, "lines": lines })
        );
        return;
    }
    println!("{}: {} have agreed, {} have not", args.purpose, tally.agreed, tally.not);
    for (line, why) in tally.lines.iter().take(SHOWN) {
        eprintln!("line {line}: {why}");
    }
    if tally.unread > SHOWN as u64 {
        eprintln!("... {} lines could not be read", tally.unread);
    }
}
