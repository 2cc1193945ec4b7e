//! `privet quarantine`: infected files that a running gateway keeps.

use std::{fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::PathBuf, process::ExitCode};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::Method;
use serde_json::{Value, json};

use super::{control::Gateway, safe::printable};

/// What `quarantine` takes.
#[derive(Debug, clap::Subcommand)]
pub enum QuarantineCommand {
    /// What is kept, the latest first.
    List(ListArgs),
    /// Take a copy of a file out. It is malware.
    Export(ExportArgs),
    /// Let this very file pass from now on, in spite of the signature, and keep it no longer.
    Release(OneArgs),
    /// Delete a file.
    Purge(OneArgs),
}

/// What `quarantine list` takes.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// What `quarantine release` and `purge` take.
#[derive(Debug, clap::Args)]
pub struct OneArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// As `quarantine list` shows it.
    id: String,
    /// Why; it is written down.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// What `quarantine export` takes.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    #[command(flatten)]
    one: OneArgs,
    /// A file that does not exist yet.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// Runs; exit 1 when the gateway refuses, 2 when a file can't be written, 3 when no gateway answers.
#[must_use]
pub fn run(command: &QuarantineCommand) -> ExitCode {
    let done = match command {
        QuarantineCommand::List(args) => list(args),
        QuarantineCommand::Export(args) => export(args),
        QuarantineCommand::Release(args) => remove(args, "release", "it passes from now on"),
        QuarantineCommand::Purge(args) => remove(args, "purge", "deleted"),
    };
    done.map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(args: &ListArgs) -> Result<(), ExitCode> {
    let answer = args.gateway.ask(Method::GET, "/v1/quarantine", &Value::Null)?;
    if args.json {
        println!("{answer}");
        return Ok(());
    }
    let files = answer["files"].as_array().cloned().unwrap_or_default();
    if files.is_empty() {
        println!("nothing is kept");
    }
    for file in files {
        let columns =
            ["id", "at", "signature", "direction", "route", "request_id"].map(|name| text(&file[name]).to_owned());
        let name = printable(text(&file["name"]));
        println!("{}\t{} bytes\t{name}", columns.join("\t"), file["size"]);
    }
    Ok(())
}

fn remove(args: &OneArgs, verb: &str, done: &str) -> Result<(), ExitCode> {
    let said = json!({ "id": args.id, "reason": args.reason });
    let answer = args.gateway.ask(Method::POST, &format!("/v1/quarantine/{verb}"), &said)?;
    if args.json {
        println!("{answer}");
    } else {
        println!("{}: {done}", args.id);
    }
    Ok(())
}

fn export(args: &ExportArgs) -> Result<(), ExitCode> {
    let ExportArgs { one, to } = args;
    let failed = |error: std::io::Error| {
        eprintln!("privet: {} can't be written: {error}", to.display());
        ExitCode::from(2)
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(failed)?;
    let mut offset = 0;
    loop {
        let said = json!({ "id": one.id, "reason": one.reason, "offset": offset });
        let answer = one.gateway.ask(Method::POST, "/v1/quarantine/export", &said).inspect_err(|_| {
            // Nothing, or not all of it.
            let _ = std::fs::remove_file(to);
        })?;
        let bytes = BASE64_STANDARD.decode(text(&answer["bytes"])).map_err(|_| {
            eprintln!("privet: the gateway's answer can't be read");
            ExitCode::FAILURE
        })?;
        if bytes.is_empty() {
            break;
        }
        file.write_all(&bytes).map_err(failed)?;
        offset += bytes.len() as u64;
    }
    if one.json {
        println!("{}", json!({ "id": one.id, "bytes": offset }));
    } else {
        println!("{offset} bytes of malware in {}", to.display());
    }
    Ok(())
}
