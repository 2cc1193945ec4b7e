//! `privet consent import`: a CSV file of who has agreed, line by line; what can't be read is told by its number.

use std::{collections::HashMap, fs::File, io::BufReader, path::PathBuf, process::ExitCode};

use csv::{ByteRecord, ReaderBuilder};
use serde_json::json;

use super::{Failed, Office};
use crate::{
    access::{
        consent::{MOST, Source},
        consent_form::agrees,
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
    let separator = separator(args).map_err(|error| unreadable(&error))?;
    let file = File::open(&args.file).map_err(|error| unreadable(&error))?;
    let mut reader = ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(BufReader::new(file));
    let head: Vec<String> = match reader.byte_headers() {
        Ok(head) => head.iter().map(text).collect(),
        Err(error) => return Err(unreadable(&kind(&error))),
    };
    let column = |name: &str| {
        let at = head.iter().position(|known| known == name);
        let known = head.iter().map(String::as_str).take(50).collect::<Vec<_>>().join(", ");
        at.ok_or_else(|| {
            (
                2,
                format!(
                    "no column is called \"{name}\"\n    hint: the first line has: {}",
                    super::super::safe::scrubbed(&known)
                ),
            )
        })
    };
    let (id, agreed) = (column(&args.id)?, column(&args.agreed)?);
    let name = Name::of(args.name.as_deref().unwrap_or(&args.id));
    let mut office = Office::open(&args.gateway, true)?;
    let mut tally = Tally::default();
    // Of somebody who stands there twice the later line counts.
    let mut waiting: HashMap<Subject, bool> = HashMap::new();
    let mut record = ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => return Err(unreadable(&kind(&error))),
        }
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != head.len() {
            tally.unread(line, "it has another number of columns than the first");
            continue;
        }
        let subject = record.get(id).and_then(|value| office.subjects().name(&name, value));
        let said = record.get(agreed).filter(|value| !value.trim_ascii().is_empty()).and_then(agrees);
        match (subject, said) {
            (None, _) => tally.unread(line, "it names nobody"),
            (_, None) => tally.unread(line, "it does not say clearly whether they have agreed"),
            (Some(subject), Some(said)) => {
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

/// What parts the columns of the first line.
fn separator(args: &ImportArgs) -> std::io::Result<u8> {
    use std::io::BufRead as _;
    let mut line = Vec::new();
    let mut start = std::io::Read::take(BufReader::new(File::open(&args.file)?), 64 << 10);
    start.read_until(b'\n', &mut line)?;
    let count = |sign: u8| memchr::memchr_iter(sign, &line).count();
    // The first of equals wins.
    Ok(*b",;\t".iter().rev().max_by_key(|sign| count(**sign)).unwrap_or(&b','))
}

/// A column's name: in UTF-8, or as spreadsheets in Korea write it.
fn text(name: &[u8]) -> String {
    let name = name.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(name).trim_ascii();
    match std::str::from_utf8(name) {
        Ok(name) => name.to_owned(),
        Err(_) => encoding_rs::EUC_KR.decode(name).0.into_owned(),
    }
}

/// What is wrong with a file, without what stands in it.
fn kind(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => "it is no CSV".to_owned(),
    }
}
