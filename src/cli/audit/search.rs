//! `privet audit search`: records for people, or as JSON lines.

use std::{
    io::{self, BufWriter, Write as _},
    process::ExitCode,
};

use serde_json::Value;

use super::{FilterArgs, object, time_text};
use crate::{cli::safe::printable, journal::search::Line};

/// What `audit search` takes.
#[derive(Debug, clap::Args)]
pub struct SearchArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// JSON instead of text: one object a record.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &SearchArgs) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    // Whoever reads may have enough.
    let mut written = Ok(());
    let code = args.filter.each(|journal, line| {
        written = if args.json {
            writeln!(out, "{}", object(journal, &line))
        } else {
            writeln!(out, "{}", text(journal, &line))
        };
        written.is_ok()
    });
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => super::unavailable(&error),
        _ => code,
    }
}

fn text(journal: &str, line: &Line) -> String {
    let set = if line.clock_was_set { " (clock set)" } else { "" };
    let mut text = format!("{journal}  {:>8}  {}{set}  {:22}", line.index, time_text(line.time), line.kind);
    for (name, value) in &line.body {
        let value = if let Value::String(value) = value { value.clone() } else { value.to_string() };
        text.extend(["  ", name, "=", &value]);
    }
    printable(&text)
}
