//! `privet audit export`: records for other programs.

use std::{
    fs::OpenOptions,
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    process::ExitCode,
};

use super::{FilterArgs, object, time_text};
use crate::journal::{search::Line, tree::hex};

/// What `audit export` takes.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// How records are written.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// A new file, made with mode 0600 [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// An object a line.
    Jsonl,
    /// RFC 4180, with a line of names; the body is JSON.
    Csv,
}

pub(super) fn run(args: &ExportArgs) -> ExitCode {
    let out: Box<dyn Write> = match &args.output {
        None => Box::new(io::stdout().lock()),
        Some(path) => match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(file) => Box::new(file),
            Err(error) => {
                eprintln!("privet audit: {} can't be made: {error}", path.display());
                return ExitCode::from(3);
            }
        },
    };
    let mut out = BufWriter::new(out);
    let mut written = if args.format == Format::Csv {
        out.write_all(b"index,time,class,kind,clock,hash,body,journal\r\n")
    } else {
        Ok(())
    };
    let code = args.filter.each(|journal, line| {
        if written.is_ok() {
            written = match args.format {
                Format::Jsonl => writeln!(out, "{}", object(journal, &line)),
                Format::Csv => out.write_all(row(journal, &line).as_bytes()),
            };
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
    let body = serde_json::Value::Object(line.body.clone()).to_string().replace('"', "\"\"");
    let clock = if line.clock_was_set { "set" } else { "" };
    let (index, time, class, kind) = (line.index, time_text(line.time), line.class.name(), &line.kind);
    format!(
        "{index},{time},{class},{kind},{clock},{},\"{body}\",\"{}\"\r\n",
        hex(&line.hash),
        journal.replace('"', "\"\"")
    )
}
