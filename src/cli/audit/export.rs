//! `privet audit export`: records for other programs.

mod ocsf;
mod remote;
mod syslog;

use std::{
    fs::OpenOptions,
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    process::ExitCode,
};

use serde_json::{Map, Value, json};

use self::remote::{Remote, ToArgs};
use super::{FilterArgs, object, time_text};
use crate::{
    common::clock,
    journal::{Class, Kind, search::Line, tree::hex},
};

/// What `audit export` takes.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// How records are written.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// A new file, made with mode 0600; it begins with what it holds, where the format allows it [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    to: ToArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// An object a line.
    Jsonl,
    /// RFC 4180, with a line of names; the body is JSON.
    Csv,
    /// Events of OCSF 1.8, an object a line.
    Ocsf,
    /// RFC 5424, each message behind its length (RFC 6587).
    Syslog,
}

impl Format {
    /// What stands before all records, in files and elsewhere.
    fn begin(self) -> &'static str {
        if self == Self::Csv { "index,time,class,kind,clock,hash,body,journal\r\n" } else { "" }
    }

    /// What a file begins with: what it holds, in the form of its records.
    fn head(self, filter: &FilterArgs) -> String {
        let line = Line {
            index: 0,
            time: clock::millis(),
            class: Class::Operations,
            hash: [0; 32],
            kind: "export".to_owned(),
            clock_was_set: clock::is_set(),
            body: said(filter),
        };
        match self {
            // It knows no comments.
            Self::Csv => String::new(),
            Self::Jsonl => {
                json!({ "time": time_text(line.time), "kind": line.kind, "body": line.body }).to_string() + "\n"
            }
            Self::Ocsf | Self::Syslog => self.text("", &line),
        }
    }

    fn text(self, journal: &str, line: &Line) -> String {
        match self {
            Self::Jsonl => object(journal, line).to_string() + "\n",
            Self::Csv => row(journal, line),
            Self::Ocsf => ocsf::event(line).to_string() + "\n",
            Self::Syslog => syslog::framed(line),
        }
    }
}

/// What was asked for.
fn said(filter: &FilterArgs) -> Map<String, Value> {
    let mut said = Map::new();
    let holds = "records of a journal of Privet, opened: names of staff, and what they did. Keep it as long as it is needed, and no longer";
    let fields = [
        ("holds", Some(holds.to_owned())),
        ("asked_kind", filter.kind.clone()),
        ("asked_since", filter.since.map(time_text)),
        ("asked_until", filter.until.map(time_text)),
        ("asked_text", filter.text.clone()),
    ];
    said.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    said
}

pub(super) fn run(args: &ExportArgs) -> ExitCode {
    let out: Box<dyn Write> = match (&args.output, &args.to.to) {
        (Some(_), Some(_)) => {
            eprintln!("privet audit: either -o or --to");
            return ExitCode::from(2);
        }
        (None, Some(_)) if args.format != Format::Syslog => {
            eprintln!("privet audit: --to is for --format syslog");
            return ExitCode::from(2);
        }
        (None, Some(to)) => match Remote::connect(to, &args.to) {
            Ok(remote) => Box::new(remote),
            Err(error) => return error.told(),
        },
        (None, None) => Box::new(io::stdout().lock()),
        (Some(path), None) => match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(file) => Box::new(file),
            Err(error) => {
                eprintln!("privet audit: {} can't be made: {error}", path.display());
                return ExitCode::from(3);
            }
        },
    };
    let mut out = BufWriter::new(out);
    let head = if args.output.is_some() { args.format.head(&args.filter) } else { String::new() };
    let mut written = out.write_all((args.format.begin().to_owned() + &head).as_bytes());
    let code = args.filter.each(|journal, line| {
        if written.is_ok() {
            written = out.write_all(args.format.text(journal, &line).as_bytes());
        }
        written.is_ok()
    });
    match written.and_then(|()| out.flush()) {
        Err(error) => super::unavailable(&error),
        Ok(()) => code,
    }
}

/// No cell begins with what a spreadsheet takes for a formula: the body begins with a brace.
fn row(journal: &str, line: &Line) -> String {
    let body = Value::Object(line.body.clone()).to_string().replace('"', "\"\"");
    let clock = if line.clock_was_set { "set" } else { "" };
    let (index, time, class, kind) = (line.index, time_text(line.time), line.class.name(), &line.kind);
    format!(
        "{index},{time},{class},{kind},{clock},{},\"{body}\",\"{}\"\r\n",
        hex(&line.hash),
        journal.replace('"', "\"\"")
    )
}

/// How grave a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Plain,
    Notable,
    Warning,
    Grave,
    Alarm,
}

impl Weight {
    fn of(line: &Line) -> Self {
        match Kind::named(&line.kind) {
            Some(Kind::WitnessFailed) if line.body.get("alarm") == Some(&Value::Bool(true)) => Self::Alarm,
            Some(Kind::JournalRecovered | Kind::JournalResumed) => Self::Grave,
            Some(
                Kind::SignInRefused
                | Kind::SignInMissed
                | Kind::ConfigRefused
                | Kind::CertificateRefused
                | Kind::CertificateExpired
                | Kind::WitnessFailed,
            ) => Self::Warning,
            Some(Kind::SignInFailure | Kind::KeyDestroyed | Kind::BackupRestored | Kind::PledgeWithdrawn) => {
                Self::Notable
            }
            _ => Self::Plain,
        }
    }
}
