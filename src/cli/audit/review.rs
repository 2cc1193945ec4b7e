//! `privet audit review`: access records that were drawn or are unusual are looked at, and an officer signs for that.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use serde_json::{Map, Value, json};

use super::time_text;
use crate::{
    cli::{
        office::{self, AsArgs, Office, moment},
        safe::printable,
        staff::{self, Failure, ended},
    },
    journal::{
        Class,
        search::{Error, Filter, search},
    },
    registry::{
        Command, Denied, Moment,
        command::Opinion,
        population::number,
        review::{CHAIN, Drawn, Verdict},
    },
    seal::Ring,
};

/// What `audit review` takes.
#[derive(Debug, clap::Subcommand)]
pub enum ReviewCommand {
    /// Draw access records of a period at random, and list the unusual ones.
    Open(OpenArgs),
    /// Show what a review asks to be looked at, and what came of it.
    Show(ShowArgs),
    /// Write down what came of looking at records.
    Finding(FindingArgs),
    /// Sign a review in which every record has a result.
    Sign(SignArgs),
    /// Show all reviews, and whether one is overdue.
    List(ListArgs),
}

/// What `review open` takes.
#[derive(Debug, clap::Args)]
pub struct OpenArgs {
    /// From this time on, such as 2026-11-01 (UTC) [default: what was not reviewed yet].
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Up to this time, exclusive [default: now].
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// How many records are drawn, at most 200 [default: 25].
    #[arg(long, value_name = "N")]
    sample: Option<u32>,
    #[command(flatten)]
    order: AsArgs,
}

/// What `review show` takes.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Its number [default: the latest].
    number: Option<u64>,
    /// Only what has no result yet.
    #[arg(long)]
    open: bool,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: staff::PlaceArgs,
}

/// What `review finding` takes.
#[derive(Debug, clap::Args)]
pub struct FindingArgs {
    /// The records, as `review show` numbers them.
    #[arg(value_name = "ID", required = true)]
    records: Vec<u64>,
    /// Whether all is well.
    #[arg(long, value_enum)]
    verdict: Answer,
    /// What was found.
    #[arg(long, value_name = "TEXT")]
    result: String,
    /// What is done about it; a finding needs one.
    #[arg(long, value_name = "TEXT")]
    action: Option<String>,
    #[command(flatten)]
    order: AsArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Answer {
    /// All is well.
    Ok,
    /// It is not.
    Finding,
}

/// What `review sign` takes.
#[derive(Debug, clap::Args)]
pub struct SignArgs {
    /// Its number [default: the one that is open].
    number: Option<u64>,
    #[command(flatten)]
    order: AsArgs,
}

/// What `review list` takes.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: staff::PlaceArgs,
}

/// Runs; exit 0 when done, 1 when refused, or when `list` finds a review overdue; 2 for bad usage, 3 when the registry is not to be had.
pub(super) fn run(command: &ReviewCommand) -> ExitCode {
    let outcome = match command {
        ReviewCommand::Open(args) => open(args).map(|()| ExitCode::SUCCESS),
        ReviewCommand::Show(args) => show(args).map(|()| ExitCode::SUCCESS),
        ReviewCommand::Finding(args) => finding(args).map(|()| ExitCode::SUCCESS),
        ReviewCommand::Sign(args) => sign(args).map(|()| ExitCode::SUCCESS),
        ReviewCommand::List(args) => list(args),
    };
    outcome.unwrap_or_else(|failure| ended("audit review", Err(failure)))
}

fn open(args: &OpenArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let OpenArgs { since, until, sample, .. } = *args;
    args.order.order(&office, Command::OpenReview { since, until, sample, drawn: Drawn::default() }).map(drop)
}

fn finding(args: &FindingArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let verdict = match args.verdict {
        Answer::Ok => Verdict::Ok,
        Answer::Finding => Verdict::Finding,
    };
    let opinion = Opinion { verdict, result: args.result.clone(), action: args.action.clone() };
    args.order.order(&office, Command::Judge { records: args.records.clone(), opinion }).map(drop)
}

fn sign(args: &SignArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    args.order.order(&office, Command::SignReview { review: args.number }).map(drop)
}

fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let look = args.place.office()?.look()?;
    office::warn(&look);
    let overdue = look["findings"].as_array().into_iter().flatten().any(|row| row["finding"] == "unreviewed");
    if args.json {
        let (reviewed, due) = (&look["reviewed"], &look["review_due"]);
        println!("{}", json!({ "reviews": look["reviews"], "reviewed": reviewed, "due": due, "overdue": overdue }));
        return Ok(ExitCode::from(u8::from(overdue)));
    }
    for row in look["reviews"].as_array().into_iter().flatten() {
        let state = match (row["signed"].is_object(), &row["unjudged"]) {
            (true, _) => format!("signed by {}", text(&row["signed"]["by"]["subject"])),
            (false, missing) => format!("open, {missing} without a result"),
        };
        println!(
            "{}\t{} to {}\t{state}\t{} records, {} findings",
            row["review"],
            text(&row["since"]),
            text(&row["until"]),
            row["records"],
            row["findings"]
        );
    }
    if look["founded"].is_string() {
        let mark = if overdue { "OVERDUE  " } else { "" };
        println!("{mark}reviewed up to {}, due by {}", text(&look["reviewed"]), text(&look["review_due"]));
    }
    Ok(ExitCode::from(u8::from(overdue)))
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let office = args.place.office()?;
    let number = match args.number {
        Some(number) => number,
        None => latest(&office.look()?).ok_or_else(|| Failure::refused(Denied::NoReview.into()))?,
    };
    let mut review = office.review(number)?;
    if !review["review"].is_u64() {
        return Err(Failure::refused(Denied::NoReview.into()));
    }
    office::warn(&review);
    let rows = review["looked_at"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let mut rows: Vec<Value> = rows.into_iter().filter(|row| !args.open || row["result"].is_null()).collect();
    let wanted: BTreeSet<u64> = rows.iter().filter_map(|row| row["record"].as_u64()).collect();
    let mut found = accesses(&office, &wanted)?;
    for row in &mut rows {
        row["access"] = row["record"].as_u64().and_then(|record| found.remove(&record)).into();
    }
    if args.json {
        review["looked_at"] = rows.into();
        println!("{review}");
        return Ok(());
    }
    println!(
        "review {number}, {} to {}: of {} access records {} were drawn (seed {}), {} are unusual",
        text(&review["since"]),
        text(&review["until"]),
        review["total"],
        review["drawn"],
        text(&review["seed"]),
        review["unusual"]
    );
    for (rule, n) in review["by_rule"].as_object().into_iter().flatten() {
        let listed = rows_of(&rows, rule);
        let more = if args.open || n.as_u64() == Some(listed) { String::new() } else { format!(", {listed} listed") };
        println!("\t{n} by {rule}{more}");
    }
    if review["unreadable"] != 0 {
        println!("\t{} records of this time and the 30 days before can't be read", review["unreadable"]);
    }
    rows.iter().for_each(tell);
    Ok(())
}

fn latest(look: &Value) -> Option<u64> {
    look["reviews"].as_array()?.iter().filter_map(|row| row["review"].as_u64()).max()
}

fn rows_of(rows: &[Value], rule: &str) -> u64 {
    let is = |row: &&Value| row["rules"].as_array().is_some_and(|rules| rules.iter().any(|one| one == rule));
    rows.iter().filter(is).count() as u64
}

/// What the journal says of these records, without the people whose data it was.
fn accesses(office: &Office, wanted: &BTreeSet<u64>) -> Result<BTreeMap<u64, Value>, Failure> {
    let mut found = BTreeMap::new();
    for journal in office.journal()?.place.own().map_err(Error::from).map_err(Failure::Search)? {
        let base = number(&journal, 0);
        let mut here = wanted.range(base..base + CHAIN);
        let Some(first) = here.next() else { continue };
        let last = here.next_back().unwrap_or(first);
        let ring = Ring::load(&office.keys).map_err(Failure::Keys)?;
        let filter = Filter { class: Some(Class::Access), from: first - base, ..Filter::default() };
        let read = search(&journal, ring, &filter, |line| {
            let record = base + line.index;
            if wanted.contains(&record) {
                let mut body: Map<String, Value> = line.body;
                body.remove("subjects");
                body.insert("time".to_owned(), time_text(line.time).into());
                found.insert(record, body.into());
            }
            record < *last
        });
        read.map_err(Failure::Search)?;
    }
    Ok(found)
}

/// A record, and what came of looking at it.
fn tell(row: &Value) {
    let access = &row["access"];
    let rules = row["rules"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let why: Vec<&str> = Some("drawn").filter(|_| row["drawn"] == true).into_iter().chain(rules).collect();
    println!("{}\t{}\t{}\t{}", row["record"], text(&access["time"]), text(&row["person"]["subject"]), why.join(", "));
    if access.is_null() {
        println!("\tits record can't be read any more");
    } else {
        let fields = ["route", "action", "purpose", "ticket", "address", "people", "unattributed", "shown", "status"];
        let said = fields.iter().filter(|name| !access[**name].is_null());
        let said: Vec<String> = said.map(|name| format!("{name}={}", text(&access[*name]))).collect();
        println!("\t{}", said.join("  "));
    }
    let result = &row["result"];
    if result.is_null() {
        println!("\tno result yet");
    } else {
        let action = result["action"].as_str().map_or_else(String::new, |action| format!("; {}", printable(action)));
        let (verdict, said) = (text(&result["verdict"]), text(&result["result"]));
        println!("\t{verdict}, by {}: {said}{action}", text(&result["by"]["subject"]));
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    }
}
