//! What people are offered, claim and are paid: a ledger by pseudonym.

use std::{
    io::{self, BufRead as _, Write as _},
    path::PathBuf,
};

use serde_json::{Value, json};

use super::{
    form::create,
    papers::{no, of, order},
};
use crate::{
    access::subject::{Name, Subject, Subjects},
    cli::{
        office::{AsArgs, Office},
        staff::{Failure, PlaceArgs},
    },
    incident::{
        compensation::{Amount, Book, Claim, Currency, Line, Stage},
        notice::{Command, delivery::Pseudonym},
    },
    seal::Ring,
};

/// What `incident compensation N` takes.
#[derive(Debug, clap::Args)]
pub struct CompensationArgs {
    /// The case.
    number: u64,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Say that somebody was offered something, has claimed it, or was paid.
    Add(AddArgs),
    /// Show all lines and totals.
    List(ListArgs),
    /// Write all lines as CSV or JSON.
    Export(ExportArgs),
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// Whose: their pseudonym, as `incident affected --people` shows it.
    #[arg(required_unless_present = "id_stdin", conflicts_with = "id_stdin", allow_hyphen_values = true)]
    subject: Option<String>,
    /// Read what the application calls them from standard input, a line, so that it stands in no list of processes.
    #[arg(long)]
    id_stdin: bool,
    /// What that is: `email`, `phone`, `id`, or a type such as `EMAIL_ADDRESS`.
    #[arg(long, value_name = "NAME", default_value = "id")]
    id_as: String,
    /// How far it is.
    #[arg(long, value_name = "STAGE", value_parser = stage)]
    stage: Stage,
    /// How much, such as `100000` or `12.50`.
    #[arg(long, value_name = "AMOUNT")]
    amount: String,
    /// In which currency (ISO 4217).
    #[arg(long, value_name = "CODE", default_value = "KRW", value_parser = currency)]
    currency: Currency,
    /// What it rests on, such as an article or a decision. No name, no account.
    #[arg(long, value_name = "TEXT")]
    basis: String,
    /// Look whether it may be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    order: AsArgs,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, clap::Args)]
struct ExportArgs {
    /// In which format.
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Into this new file, made with mode 0600 [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table with a first line of names.
    Csv,
    /// An object with lines and totals.
    Json,
}

fn stage(text: &str) -> Result<Stage, String> {
    let found = Stage::ALL.into_iter().find(|stage| stage.name() == text);
    found.ok_or_else(|| "offered, claimed, mediated or paid is expected".to_owned())
}

fn currency(text: &str) -> Result<Currency, String> {
    Currency::parse(text).ok_or_else(|| "three capital letters such as KRW are expected".to_owned())
}

pub(super) fn run(args: &CompensationArgs) -> Result<(), Failure> {
    match &args.what {
        What::Add(add) => enter(args.number, add),
        What::List(list) => show(args.number, list),
        What::Export(export) => write(args.number, export),
    }
}

fn enter(case: u64, args: &AddArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let subject = Pseudonym(whose(args, &office)?);
    let amount = Amount::parse(&args.amount, args.currency).ok_or_else(|| {
        let digits = args.currency.digits();
        no(
            format!(
                "an amount in {} has at most {digits} digits behind the point, and is more than nothing",
                args.currency
            ),
            None,
            2,
        )
    })?;
    let claim = Claim { subject, basis: args.basis.clone(), stage: args.stage, amount };
    if args.dry_run {
        let (_, papers) = of(&office, case)?;
        let nobody = crate::registry::PersonId::new("", "");
        let entry = papers.compensation.next(claim, &nobody).map_err(|wrong| no(wrong.to_string(), None, 1))?;
        println!("would be line {}, and is not written: this is a dry run", entry.entry);
        return Ok(());
    }
    let events = order(&args.order, &office, Command::Compensate { case, claim })?;
    if args.order.json {
        println!("{}", json!({ "events": events }));
    } else {
        println!(
            "written as line {} of case {case}: {} {amount}",
            events.first().map_or(&Value::Null, |event| &event["entry"]["entry"]),
            args.stage.name()
        );
    }
    Ok(())
}

fn whose(args: &AddArgs, office: &Office) -> Result<Subject, Failure> {
    if let Some(text) = &args.subject {
        return Subject::parse(text).ok_or_else(|| no("that is no pseudonym: 22 signs are expected", None, 2));
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let subjects = Subjects::of(&Ring::load(&office.keys).map_err(Failure::Keys)?);
    let found = subjects.name(&Name::of(&args.id_as), line.trim().as_bytes());
    found.ok_or_else(|| no("standard input names nobody", None, 2))
}

fn object(case: u64, book: &Book) -> Value {
    let lines: Vec<Value> = book
        .lines()
        .iter()
        .map(|Line { entry, at }| {
            let mut line = json!(entry);
            line["at"] = json!(at);
            line
        })
        .collect();
    let totals: Vec<Value> = book
        .totals()
        .into_iter()
        .map(|((currency, stage), (people, minor))| {
            let amount = Amount { minor, currency }.to_string();
            json!({ "currency": currency, "stage": stage, "people": people, "minor": minor, "amount": amount })
        })
        .collect();
    json!({ "case": case, "lines": lines, "totals": totals })
}

fn show(case: u64, args: &ListArgs) -> Result<(), Failure> {
    let (_, papers) = of(&args.place.office()?, case)?;
    if args.json {
        println!("{}", object(case, &papers.compensation));
        return Ok(());
    }
    let mut out = io::stdout().lock();
    for Line { entry, at } in papers.compensation.lines() {
        let Claim { subject, basis, stage, amount } = &entry.claim;
        writeln!(out, "{}\t{at}\t{}\t{}\t{amount}\t{basis}", entry.entry, subject.0.text(), stage.name())?;
    }
    for ((currency, stage), (people, minor)) in papers.compensation.totals() {
        writeln!(out, "total\t{}\t{people} people\t{}", stage.name(), Amount { minor, currency })?;
    }
    Ok(())
}

fn write(case: u64, args: &ExportArgs) -> Result<(), Failure> {
    let (_, papers) = of(&args.place.office()?, case)?;
    let bytes = match args.format {
        Format::Csv => {
            papers.compensation.csv().map_err(|error| no(format!("it can't be written: {error}"), None, 3))?
        }
        Format::Json => format!("{}\n", object(case, &papers.compensation)).into_bytes(),
    };
    match &args.output {
        Some(path) => create(path, &bytes),
        None => Ok(io::stdout().lock().write_all(&bytes)?),
    }
}
