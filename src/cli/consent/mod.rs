//! `privet consent`: who has agreed to be worked with for a purpose. Speaks to a running gateway, and writes the journal itself where there is none.

mod import;
mod office;

use std::{io::Read as _, process::ExitCode};

use serde_json::json;

use self::office::Office;
use super::control::Gateway;
use crate::access::{
    consent::Source,
    subject::{Name, Subject},
};

/// What `consent` takes.
#[derive(Debug, clap::Subcommand)]
pub enum ConsentCommand {
    /// Take over from a CSV file who has agreed and who has not.
    Import(import::ImportArgs),
    /// Say whether somebody has agreed.
    Show(PersonArgs),
    /// Write down that somebody has withdrawn; it holds for the next request on.
    Withdraw(PersonArgs),
}

/// Who, and for what.
#[derive(Debug, clap::Args)]
pub struct PersonArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// Who: a mail address, a telephone number, the application's own id; "-" reads it from standard input, where no list of processes shows it.
    #[arg(value_name = "ID")]
    id: String,
    /// What the id is: `email`, `phone`, `id`, or a type such as `EMAIL_ADDRESS` [default: `email` of a mail address, else `id`].
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// The purpose.
    #[arg(long, value_name = "KEY", default_value = "marketing")]
    purpose: String,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs; exit 0 when done or agreed, 1 when not agreed or a line could not be read, 2 for bad usage or configuration, 3 when something is not to be had.
#[must_use]
pub fn run(command: &ConsentCommand) -> ExitCode {
    let outcome = match command {
        ConsentCommand::Import(args) => import::run(args),
        ConsentCommand::Show(args) => show(args),
        ConsentCommand::Withdraw(args) => withdraw(args),
    };
    outcome.unwrap_or_else(|(code, why)| {
        eprintln!("privet consent: {why}");
        ExitCode::from(code)
    })
}

/// An exit code and what to say; nobody's id is in it.
type Failed = (u8, String);

fn person(args: &PersonArgs, office: &Office) -> Result<Subject, Failed> {
    let mut id = args.id.clone();
    if id == "-" {
        id.clear();
        std::io::stdin()
            .read_to_string(&mut id)
            .map_err(|error| (3, format!("standard input can't be read: {error}")))?;
    }
    let usual = if id.contains('@') { "email" } else { "id" };
    let name = Name::of(args.name.as_deref().unwrap_or(usual));
    let nobody = || (2, "this id names nobody\n    hint: say what it is (--as email, phone or id)".to_owned());
    office.subjects().name(&name, id.trim().as_bytes()).ok_or_else(nobody)
}

fn show(args: &PersonArgs) -> Result<ExitCode, Failed> {
    let office = Office::open(&args.gateway, false)?;
    let subject = person(args, &office)?;
    let standing = office.standing(&args.purpose, &subject)?;
    let agreed = standing.is_some_and(|standing| standing.agreed);
    let since = standing.map(|standing| super::audit::time_text(standing.since));
    if args.json {
        let record = standing.map(|standing| standing.index);
        println!(
            "{}",
            json!({ "subject": subject.text(), "purpose": args.purpose, "known": standing.is_some(), "agreed": agreed, "since": since, "record": record })
        );
    } else {
        let what = match standing {
            None => "nothing is known".to_owned(),
            Some(standing) => {
                let what = if agreed { "has agreed" } else { "has withdrawn, or never agreed" };
                format!("{what}, as of {} (record {})", since.unwrap_or_default(), standing.index)
            }
        };
        println!("{}  {}: {what}", subject.text(), args.purpose);
    }
    Ok(if agreed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn withdraw(args: &PersonArgs) -> Result<ExitCode, Failed> {
    let mut office = Office::open(&args.gateway, true)?;
    let subject = person(args, &office)?;
    office.change(&args.purpose, &[], &[subject], Source::Command)?;
    office.close()?;
    if args.json {
        println!("{}", json!({ "subject": subject.text(), "purpose": args.purpose, "agreed": false }));
    } else {
        println!("{}  {}: withdrawn", subject.text(), args.purpose);
    }
    Ok(ExitCode::SUCCESS)
}
