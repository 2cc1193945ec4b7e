//! `privet ban`: who is banned at a running gateway, and an operator's word on it.

use std::{process::ExitCode, time::Duration};

use http::Method;
use serde_json::{Value, json};

use super::control::Gateway;
use crate::common::unit;

/// What `ban` takes.
#[derive(Debug, clap::Subcommand)]
pub enum BanCommand {
    /// Who is banned, why and until when; and the lists that are in force.
    List(ListArgs),
    /// Ban an address or a network, on all replicas.
    Add(AddArgs),
    /// Lift the bans of an address, a network or a session.
    Lift(LiftArgs),
}

/// What `ban list` takes.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// What `ban add` takes.
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// An address, or a network such as 192.0.2.0/24. It holds for everybody there, and before the handshake.
    address: String,
    /// How long, such as 1h or 30d [default: until it is lifted].
    #[arg(long = "for", value_name = "DURATION", value_parser = unit::parse_duration)]
    life: Option<Duration>,
    /// Why, for other operators.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// What `ban lift` takes.
#[derive(Debug, clap::Args)]
pub struct LiftArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// As `ban list` shows it.
    address: String,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs; exit 1 when the gateway refuses, 3 when none answers.
#[must_use]
pub fn run(command: &BanCommand) -> ExitCode {
    let (answer, json, print): (_, _, fn(&Value)) = match command {
        BanCommand::List(args) => (args.gateway.ask(Method::GET, "/v1/bans", &Value::Null), args.json, listed),
        BanCommand::Add(args) => {
            let life = args.life.map(|life| u64::try_from(life.as_millis()).unwrap_or(u64::MAX));
            let said = json!({ "address": args.address, "for_ms": life, "reason": args.reason });
            (args.gateway.ask(Method::POST, "/v1/bans/add", &said), args.json, added)
        }
        BanCommand::Lift(args) => {
            let said = json!({ "address": args.address });
            (args.gateway.ask(Method::POST, "/v1/bans/lift", &said), args.json, lifted)
        }
    };
    match answer {
        Ok(answer) if json => println!("{answer}"),
        Ok(answer) => print(&answer),
        Err(code) => return code,
    }
    ExitCode::SUCCESS
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn listed(answer: &Value) {
    let rows = |name: &str| answer[name].as_array().cloned().unwrap_or_default();
    let bans = rows("bans");
    if bans.is_empty() {
        println!("nobody is banned but by lists");
    }
    for row in bans {
        let until = row["until"].as_str().unwrap_or("for good");
        let why = match (row["reason"].as_str(), row["step"].as_u64(), row["induced"].as_bool()) {
            (Some(reason), ..) => reason.to_owned(),
            (None, Some(step), Some(true)) => format!("step {step}, what other sites cause"),
            (None, Some(step), _) => format!("step {step}"),
            (None, None, _) => String::new(),
        };
        println!("{}\t{}\t{until}\t{why}", text(&row["address"]), text(&row["source"]));
    }
    if let Some(more @ 1..) = answer["unlisted"].as_u64() {
        println!("and {more} more");
    }
    for list in rows("lists") {
        let state = if list["up"] == true { "" } else { ", not up to date" };
        println!("list {}\t{} entries{state}", text(&list["name"]), list["entries"]);
    }
}

fn added(answer: &Value) {
    println!(
        "{} is banned {}",
        text(&answer["address"]),
        answer["until"].as_str().map_or("until that is lifted".to_owned(), |until| format!("until {until}"))
    );
}

fn lifted(answer: &Value) {
    println!("lifted");
    if let Some(list) = answer["list"].as_str() {
        println!("    it is still on the list `{list}`: add it to `allow` in [shield.ban]");
    }
}
