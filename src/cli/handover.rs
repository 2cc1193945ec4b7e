//! `privet handover`: duties of somebody become those of somebody else.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{
    office::{self, AsArgs, role},
    staff::{Failure, PlaceArgs, ended},
};
use crate::registry::{Command, Role};

/// What `handover` takes.
#[derive(Debug, clap::Subcommand)]
pub enum HandoverCommand {
    /// Say who takes over from whom, and what.
    Start(StartArgs),
    /// Sign for it: the one who hands over, and the one who takes over.
    Sign(SignArgs),
    /// Show handovers, and what is amiss: gaps, overlaps, missing signatures.
    List(ListArgs),
}

/// What `handover start` takes.
#[derive(Debug, clap::Args)]
pub struct StartArgs {
    /// Who hands over.
    #[arg(long, value_name = "NAME")]
    from: String,
    /// Who takes over.
    #[arg(long, value_name = "NAME")]
    to: String,
    /// A role that goes over; once for each [default: all that they have].
    #[arg(long = "role", value_name = "ROLE", value_parser = role)]
    roles: Vec<Role>,
    /// Something that there is to do; once for each.
    #[arg(long = "duty", value_name = "TEXT", required = true)]
    duties: Vec<String>,
    /// An open matter; once for each.
    #[arg(long = "matter", value_name = "TEXT")]
    matters: Vec<String>,
    /// Whoever hands over keeps their roles as well.
    #[arg(long)]
    keep: bool,
    /// The provider that vouches for the one who hands over, where they have no account here.
    #[arg(long, value_name = "URL")]
    from_issuer: Option<String>,
    /// The provider that vouches for the one who takes over, where they have no account here.
    #[arg(long, value_name = "URL")]
    to_issuer: Option<String>,
    #[command(flatten)]
    order: AsArgs,
}

/// What `handover sign` takes.
#[derive(Debug, clap::Args)]
pub struct SignArgs {
    /// Its number.
    number: u64,
    #[command(flatten)]
    order: AsArgs,
}

/// What `handover list` takes.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Runs; exit 0 when done, 1 when refused, or when `list` finds something amiss; 2 for bad usage, 3 when the registry is not to be had.
#[must_use]
pub fn run(command: &HandoverCommand) -> ExitCode {
    let outcome = match command {
        HandoverCommand::Start(args) => start(args).map(|()| ExitCode::SUCCESS),
        HandoverCommand::Sign(args) => sign(args).map(|()| ExitCode::SUCCESS),
        HandoverCommand::List(args) => list(args),
    };
    outcome.unwrap_or_else(|failure| ended("handover", Err(failure)))
}

fn start(args: &StartArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let command = Command::StartHandover {
        from: office.person(&args.from, args.from_issuer.as_deref())?,
        to: office.person(&args.to, args.to_issuer.as_deref())?,
        roles: args.roles.clone(),
        duties: args.duties.clone(),
        matters: args.matters.clone(),
        keep: args.keep,
    };
    args.order.order(&office, command).map(drop)
}

fn sign(args: &SignArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    args.order.order(&office, Command::SignHandover { handover: args.number }).map(drop)
}

fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let look = args.place.office()?.look()?;
    office::warn(&look);
    let ours = |row: &&Value| matches!(row["finding"].as_str(), Some("gap" | "overlap" | "unsigned"));
    let findings: Vec<&Value> = look["findings"].as_array().into_iter().flatten().filter(ours).collect();
    let code = ExitCode::from(u8::from(!findings.is_empty()));
    if args.json {
        println!("{}", json!({ "handovers": look["handovers"], "findings": findings }));
        return Ok(code);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = |value: &Value| value.as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join("; ");
    for row in look["handovers"].as_array().into_iter().flatten() {
        let signed = |name: &str| if row[name].is_string() { "signed" } else { "not signed" };
        let (from, to) = (text(&row["from"]["subject"]), text(&row["to"]["subject"]));
        println!(
            "{}\t{}\t{from} ({})\t{to} ({})",
            row["id"],
            text(&row["state"]),
            signed("from_signed"),
            signed("to_signed")
        );
        println!("\tduties: {}", lines(&row["duties"]));
        println!("\topen matters: {}", lines(&row["matters"]));
    }
    for row in findings {
        let what = match row["finding"].as_str() {
            Some("gap") => "GAP      nobody has taken this over",
            Some("overlap") => "OVERLAP  handed over, and still held by both",
            _ => "UNSIGNED a handover waits for signatures",
        };
        let (who, role, since) = (text(&row["person"]["subject"]), text(&row["role"]), text(&row["since"]));
        println!("{what}\t{who}\t{role}\t{}\tsince {since}", text(&row["duty"]));
    }
    Ok(code)
}
