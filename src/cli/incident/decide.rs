//! What officers say of cases, in their own name.

use super::{change::ChangeArgs, orders};
use crate::{
    cli::{
        office::{AsArgs, moment},
        safe::scrubbed,
        staff::Failure,
    },
    incident::{Command, case::Outcome},
    registry::Moment,
};

/// What `incident open` takes.
#[derive(Debug, clap::Args)]
pub struct OpenArgs {
    /// What the case is called, without anybody's data: it is shown in lists.
    title: String,
    /// When somebody first knew [default: now]. Clocks run from here.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    known_at: Option<Moment>,
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    order: AsArgs,
}

/// What `incident note` takes.
#[derive(Debug, clap::Args)]
pub struct NoteArgs {
    /// Its number.
    number: u64,
    /// What there is to say, or why something changes.
    text: String,
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    order: AsArgs,
}

/// What `incident delay` takes.
#[derive(Debug, clap::Args)]
pub struct DelayArgs {
    /// Its number.
    number: u64,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Of which law [default: all].
    #[arg(long, value_name = "LAW")]
    law: Option<String>,
    /// Which duty, such as `notice` or `report` [default: all].
    #[arg(long, value_name = "DUTY")]
    duty: Option<String>,
    #[command(flatten)]
    order: AsArgs,
}

/// What `incident confirm` takes.
#[derive(Debug, clap::Args)]
pub struct ConfirmArgs {
    /// Its number.
    number: u64,
    /// How it is known.
    #[arg(long, value_name = "TEXT", default_value = "confirmed")]
    reason: String,
    #[command(flatten)]
    order: AsArgs,
}

/// What `incident clear` takes.
#[derive(Debug, clap::Args)]
pub struct ClearArgs {
    /// Its number.
    number: u64,
    /// How it is known.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    order: AsArgs,
}

/// What `incident close` takes.
#[derive(Debug, clap::Args)]
pub struct CloseArgs {
    /// Its number.
    number: u64,
    /// What came of it.
    #[arg(long, value_name = "TEXT", default_value = "all is done")]
    reason: String,
    #[command(flatten)]
    order: AsArgs,
}

/// What `incident report-done` takes.
#[derive(Debug, clap::Args)]
pub struct DoneArgs {
    /// Its number.
    number: u64,
    /// Of which law, such as `kr-pipa`.
    #[arg(long, value_name = "LAW")]
    law: String,
    /// Which duty, such as `report`, `notice` or `possible_notice`.
    #[arg(long, value_name = "DUTY", default_value = "report")]
    duty: String,
    /// When it was done [default: now].
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Moment>,
    /// The authority's number for it.
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    /// It is not asked for in this case.
    #[arg(long, requires = "reason", conflicts_with_all = ["reference", "at"])]
    not_due: bool,
    /// Why it is not.
    #[arg(long, value_name = "TEXT", requires = "not_due")]
    reason: Option<String>,
    #[command(flatten)]
    order: AsArgs,
}

pub(super) fn open(args: &OpenArgs) -> Result<(), Failure> {
    if scrubbed(&args.title) != args.title {
        let hint = Some("name people by --person, and say what has happened without anybody's data".to_owned());
        return Err(Failure::Refused { error: "personal data is in the title".to_owned(), hint, exit: 2 });
    }
    let change = args.change.change(&args.order.place.office()?)?;
    orders(&args.order, Command::Open { title: args.title.clone(), known_at: args.known_at, change })
}

pub(super) fn note(args: &NoteArgs) -> Result<(), Failure> {
    let change = args.change.change(&args.order.place.office()?)?;
    orders(&args.order, Command::Note { case: args.number, text: args.text.clone(), change })
}

pub(super) fn delay(args: &DelayArgs) -> Result<(), Failure> {
    let (law, duty, reason) = (args.law.clone(), args.duty.clone(), args.reason.clone());
    orders(&args.order, Command::Delay { case: args.number, law, duty, reason })
}

pub(super) fn confirm(args: &ConfirmArgs) -> Result<(), Failure> {
    orders(&args.order, Command::Confirm { case: args.number, reason: args.reason.clone() })
}

pub(super) fn clear(args: &ClearArgs) -> Result<(), Failure> {
    orders(&args.order, Command::Clear { case: args.number, reason: args.reason.clone() })
}

pub(super) fn close(args: &CloseArgs) -> Result<(), Failure> {
    orders(&args.order, Command::Close { case: args.number, reason: args.reason.clone() })
}

pub(super) fn done(args: &DoneArgs) -> Result<(), Failure> {
    let outcome = if args.not_due { Outcome::NotDue } else { Outcome::Done };
    let reference = args.reason.clone().or_else(|| args.reference.clone());
    let (law, duty, at) = (args.law.clone(), args.duty.clone(), args.at);
    orders(&args.order, Command::Settle { case: args.number, law, duty, outcome, at, reference })
}
