//! `privet pledge`: the security pledge where there is no browser.

use std::{
    io::{self, BufRead as _, IsTerminal as _},
    process::ExitCode,
};

use serde_json::{Value, json};

use super::{
    office::{self, AsArgs},
    staff::{Failure, PlaceArgs, ended},
};
use crate::registry::Command;

/// What `pledge` takes.
#[derive(Debug, clap::Subcommand)]
pub enum PledgeCommand {
    /// Show the text that people sign.
    Show(ShowArgs),
    /// Sign it in your own name.
    Sign(SignArgs),
    /// Take your signature back: you see nobody's data any more.
    Withdraw(AsArgs),
    /// Show who has signed what, and until when it holds.
    Status(StatusArgs),
}

/// What `pledge show` takes.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// `ko` or `en`.
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    language: String,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// What `pledge sign` takes.
#[derive(Debug, clap::Args)]
pub struct SignArgs {
    /// `ko` or `en`.
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    language: String,
    /// You have read this version, and sign it; else the text is shown and you are asked.
    #[arg(long, value_name = "VERSION")]
    agree: Option<u32>,
    #[command(flatten)]
    order: AsArgs,
}

/// What `pledge status` takes.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// Only of this person.
    id: Option<String>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Runs; exit 0 when done, 1 when refused, or when `status NAME` finds no pledge in force; 2 for bad usage, 3 when the registry is not to be had.
#[must_use]
pub fn run(command: &PledgeCommand) -> ExitCode {
    let done = |()| ExitCode::SUCCESS;
    let outcome = match command {
        PledgeCommand::Show(args) => show(args).map(done),
        PledgeCommand::Sign(args) => sign(args).map(done),
        PledgeCommand::Withdraw(args) => {
            args.place.office().and_then(|office| args.order(&office, Command::Withdraw)).map(|_| ExitCode::SUCCESS)
        }
        PledgeCommand::Status(args) => status(args),
    };
    outcome.unwrap_or_else(|failure| ended("pledge", Err(failure)))
}

/// The text in a language, or in another where there is none in it.
fn text<'l>(look: &'l Value, language: &str) -> Result<&'l Value, Failure> {
    let texts = look["pledge"]["texts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = texts.iter().find(|text| text["language"] == language).or(texts.first());
    found.ok_or_else(|| Failure::refused(crate::registry::Denied::NotFounded.into()))
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let look = args.place.office()?.look()?;
    let text = text(&look, &args.language)?;
    if args.json {
        let mut object = text.clone();
        object["version"] = look["pledge"]["version"].clone();
        object["published"] = look["pledge"]["published"].clone();
        println!("{object}");
        return Ok(());
    }
    println!("{}", text["text"].as_str().unwrap_or_default());
    println!("\nversion {}, SHA-256 {}", look["pledge"]["version"], text["sha256"].as_str().unwrap_or_default());
    Ok(())
}

fn sign(args: &SignArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let look = office.look()?;
    let text = text(&look, &args.language)?;
    let current =
        look["pledge"]["version"].as_u64().and_then(|version| u32::try_from(version).ok()).unwrap_or_default();
    let version = args.agree.map_or_else(|| asked(text, current, args.order.password_stdin), Ok)?;
    let sha256 = text["sha256"].as_str().unwrap_or_default().to_owned();
    args.order.order(&office, Command::Sign { version, sha256 }).map(drop)
}

/// Shows the text, and asks whether they agree.
fn asked(text: &Value, version: u32, stdin_is_taken: bool) -> Result<u32, Failure> {
    if !io::stdin().is_terminal() || stdin_is_taken {
        return Err(Failure::NotRead(version));
    }
    eprintln!("{}\n", text["text"].as_str().unwrap_or_default());
    eprint!("Version {version}. Type \"agree\" or \"동의\" to sign it: ");
    let mut line = String::new();
    io::Read::take(io::stdin().lock(), 64).read_line(&mut line)?;
    if matches!(line.trim(), "agree" | "동의") {
        Ok(version)
    } else {
        Err(crate::cli::prompt::Error::BrokenOff.into())
    }
}

fn status(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let office = args.place.office()?;
    let look = office.look()?;
    office::warn(&look);
    let one = args.id.as_deref().map(|id| office.person(id, None)).transpose()?;
    let mut rows: Vec<Value> = look["people"].as_array().cloned().unwrap_or_default();
    rows.retain(|row| row["left"].is_null());
    // Who was given nothing yet may sign, too.
    for account in office.accounts()?.iter().filter(|account| !account.disabled && look["founded"].is_string()) {
        let person = json!(office.person(&account.id, None)?);
        if !rows.iter().any(|row| row["person"] == person) {
            rows.push(json!({ "person": person, "pledge": { "state": "missing", "signature": null } }));
        }
    }
    if let Some(person) = &one {
        rows.retain(|row| row["person"] == json!(person));
        if rows.is_empty() {
            return Err(Failure::Unknown);
        }
    }
    let current = rows.iter().all(|row| row["pledge"]["state"] == "current");
    let code = ExitCode::from(u8::from(one.is_some() && !current));
    if args.json {
        let people: Vec<Value> =
            rows.iter().map(|row| json!({ "person": row["person"], "pledge": row["pledge"] })).collect();
        println!("{}", json!({ "version": look["pledge"]["version"], "people": people }));
        return Ok(code);
    }
    for row in &rows {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let signature = &row["pledge"]["signature"];
        let version = if signature.is_object() { signature["version"].to_string() } else { "-".to_owned() };
        println!(
            "{}\t{}\tversion {version}\tsigned {}\tuntil {}",
            text(&row["person"]["subject"]),
            text(&row["pledge"]["state"]),
            text(&signature["at"]),
            text(&signature["until"])
        );
    }
    Ok(code)
}
