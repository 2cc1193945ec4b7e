//! `privet audit verify`: whether the journal is what was written.

use std::{fs, path::PathBuf, process::ExitCode};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;

use super::{PlaceArgs, time_text, unavailable};
use crate::journal::{
    Class, Place,
    checkpoint::Verifier,
    settings::{To, Witness},
    verify::{Outside, Problem, Report, verify},
};

/// What `audit verify` takes.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    outside: OutsideArgs,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// What vouches from outside.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct OutsideArgs {
    /// Checkpoints that were kept elsewhere: what a witness has written, or a copy of the file `checkpoint` in the journal's folder.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// The journal's public key, as it was noted elsewhere.
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Option<Verifier>,
}

/// The same, read.
pub(in crate::cli) struct OutsideRead {
    checkpoint: Option<Vec<u8>>,
    key: Option<Verifier>,
}

impl OutsideArgs {
    /// Reads the file; the exit code after telling why it can't be.
    pub(in crate::cli) fn read(&self) -> Result<OutsideRead, ExitCode> {
        let checkpoint = self.checkpoint.as_ref().map(fs::read).transpose().map_err(|error| {
            eprintln!("privet: the checkpoint can't be read");
            unavailable(&error)
        })?;
        Ok(OutsideRead { checkpoint, key: self.key.clone() })
    }
}

impl OutsideRead {
    /// Takes what the files of witnesses hold as well, where they can be read from here.
    fn add(&mut self, witnesses: &[Witness]) {
        for witness in witnesses {
            let To::File(path) = &witness.to else { continue };
            match fs::read(path) {
                // Nothing was brought to it yet.
                Ok(text) if text.is_empty() => {}
                Ok(text) => {
                    let all = self.checkpoint.get_or_insert_default();
                    // What is not whole at the end of one must not touch the next.
                    all.extend_from_slice(b"\n\n");
                    all.extend_from_slice(&text);
                }
                Err(error) => eprintln!("privet audit: the witness {} can't be read: {error}", path.display()),
            }
        }
    }

    /// Whether anything was named.
    fn is_given(&self) -> bool {
        self.checkpoint.is_some() || self.key.is_some()
    }

    pub(in crate::cli) fn outside(&self) -> Outside<'_> {
        Outside { checkpoint: self.checkpoint.as_deref(), verifier: self.key.as_ref() }
    }
}

fn key(text: &str) -> Result<Verifier, String> {
    Verifier::parse(text).map_err(|error| error.to_string())
}

pub(super) fn run(args: &VerifyArgs) -> ExitCode {
    let place = match args.place.place() {
        Ok(place) => place,
        Err(code) => return code,
    };
    let mut outside = match args.outside.read() {
        Ok(outside) => outside,
        Err(code) => return code,
    };
    // It vouches for one journal, and says nothing of the others.
    if place.journals.len() > 1 && outside.is_given() {
        eprintln!(
            "privet audit: there are {} journals\n    hint: name the one that it is of (--folder, --chain)",
            place.journals.len()
        );
        return ExitCode::from(2);
    }
    if place.journals.len() == 1 {
        outside.add(&place.settings.witnesses);
    }
    let codes = place.journals.iter().map(|journal| one(args, journal, outside.outside()));
    // The worst: what can't be read may be anything.
    ExitCode::from(codes.max().unwrap_or_default())
}

/// Says what is found in a folder; 0, 1 or 3.
fn one(args: &VerifyArgs, journal: &Place, outside: Outside<'_>) -> u8 {
    let report = match verify(journal, outside) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("privet audit: the journal in {journal} can't be read: {error}");
            return 3;
        }
    };
    if args.json {
        println!("{}", object(&journal.to_string(), &report));
    } else {
        println!("journal    {journal}");
        print(&report);
    }
    u8::from(!report.problems.is_empty())
}

pub(in crate::cli) fn object(journal: &str, report: &Report) -> serde_json::Value {
    let problem = |problem: &Problem| {
        let index = match problem {
            Problem::Damaged { index, .. } | Problem::Torn { index, .. } | Problem::Cut { index, .. } => Some(*index),
            _ => None,
        };
        let segment = match problem {
            Problem::Damaged { segment, .. } | Problem::Torn { segment, .. } => Some(segment),
            _ => None,
        };
        json!({ "record": index, "segment": segment, "text": problem.to_string() })
    };
    let classes: serde_json::Map<_, _> =
        Class::ALL.iter().map(|class| (class.name().to_owned(), report.classes[*class as usize].into())).collect();
    json!({
        "journal": journal, "whole": report.problems.is_empty(),
        "records": report.records, "segments": report.segments, "classes": classes,
        "first": report.span.map(|span| time_text(span.0)), "last": report.span.map(|span| time_text(span.1)),
        "root": BASE64_STANDARD.encode(report.root), "key": report.verifier,
        "signed": report.signed, "witnessed": report.witnessed,
        "unwitnessed_since": report.unwitnessed.map(|(_, time)| time_text(time)),
        "unwitnessed_from": report.unwitnessed.map(|(index, _)| index),
        "known_cuts": report.known_cuts, "running": report.running,
        "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

pub(in crate::cli) fn print(report: &Report) {
    let span = report
        .span
        .map_or_else(String::new, |(first, last)| format!(", from {} to {}", time_text(first), time_text(last)));
    println!("records    {} in {} files{span}", report.records, report.segments);
    let classes: Vec<String> =
        Class::ALL.iter().map(|class| format!("{} {}", class.name(), report.classes[*class as usize])).collect();
    println!("classes    {}", classes.join(", "));
    println!("root       {}", BASE64_STANDARD.encode(report.root));
    println!("key        {}", report.verifier.as_deref().unwrap_or("none"));
    match report.signed {
        Some(size) => println!("signed     the first {size}, by the journal's own checkpoint"),
        None => println!("signed     none"),
    }
    if let Some(size) = report.witnessed {
        println!("witnessed  the first {size}, by the newest outside checkpoint");
    }
    match report.unwitnessed {
        Some((index, time)) => println!(
            "           unwitnessed since {} (record {index}): whoever has the machine and its keys could have written another history from there on",
            time_text(time)
        ),
        None if report.witnessed.is_some() => println!("           nothing has come since"),
        None => {}
    }
    if report.running {
        println!("           a gateway is writing: this is what was whole when it was read");
    }
    for index in &report.known_cuts {
        println!("cut        record {index} tells of a torn end; the outside checkpoint covers it");
    }
    for problem in &report.problems {
        let time =
            if let Problem::Cut { time, .. } = problem { format!(" ({})", time_text(*time)) } else { String::new() };
        println!("BAD        {problem}{time}");
    }
    println!("{}", if report.problems.is_empty() { "whole and unchanged" } else { "NOT whole and unchanged" });
}
