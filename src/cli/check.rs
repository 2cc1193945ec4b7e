//! `privet check`: everything that is wrong with a configuration, at once; its certificates included.

use std::{process::ExitCode, time::SystemTime};

use serde_json::json;

use super::{CheckArgs, safe::scrubbed};
use crate::{
    common::memory,
    config::{Config, Diagnostic, Flags, Report},
    tls,
};

/// Checks; exit 0 when valid, 2 when not.
#[must_use]
pub fn run(args: &CheckArgs) -> ExitCode {
    let outcome = Config::load(&args.config, &Flags::default()).and_then(|config| {
        let name = args.config.display().to_string();
        certificates(&config, &name).map(|()| config)
    });
    match (&outcome, args.json) {
        (Ok(config), false) => {
            println!(
                "{}\n{}: the configuration is valid",
                scrubbed(&config.summary().into_iter().chain(exposed()).collect::<Vec<_>>().join("\n")),
                args.config.display()
            );
        }
        (Err(report), false) => eprintln!("{}", scrubbed(&report.to_string())),
        (Ok(_), true) => println!("{}", json!({ "valid": true, "diagnostics": [], "memory": memory::exposed() })),
        (Err(report), true) => println!("{}", json!({ "valid": false, "diagnostics": listed(report) })),
    }
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

/// What of memory the system does not protect, as far as this command can tell for another process.
fn exposed() -> impl Iterator<Item = String> {
    memory::exposed().into_iter().map(|exposed| format!("system {exposed}"))
}

/// Files that the configuration names must be usable too; development certificates are not made here.
pub(super) fn certificates(config: &Config, name: &str) -> Result<(), Report> {
    if config.tls.is_development() {
        return Ok(());
    }
    tls::Store::open(&config.tls, SystemTime::now()).map(|_| ()).map_err(|error| {
        let file = name.to_owned();
        Report(vec![Diagnostic { file, line: 1, column: 1, message: error.to_string(), hint: None }])
    })
}

fn listed(report: &Report) -> Vec<serde_json::Value> {
    let one = |d: &Diagnostic| json!({ "file": d.file, "line": d.line, "column": d.column, "message": scrubbed(&d.message), "hint": d.hint.as_deref().map(scrubbed) });
    report.0.iter().map(one).collect()
}
