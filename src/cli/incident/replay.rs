//! `privet incident replay`: how often each rule would have fired, by the thresholds of a configuration.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{canary::people, mute::rule};
use crate::{
    cli::{
        office::moment,
        safe::printable,
        staff::{Failure, PlaceArgs},
    },
    common::clock,
    incident::signal::{Detector, Lists, Rule, Signal, Who, past::WINDOW, reading::Reading},
    registry::Moment,
    seal::Ring,
};

const DAY: u64 = 86_400_000;

/// What `incident replay` takes.
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// Signals from this time on, such as 2026-11-01 (UTC); records of the 30 days before say what was usual.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Moment,
    /// Up to this time, exclusive [default: now].
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// Only this rule, and each of its signals by itself.
    #[arg(long, value_name = "NAME", value_parser = rule)]
    rule: Option<Rule>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Reads the records again, and says what came of that. Nothing is written down.
pub(super) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let office = args.place.office()?;
    let place = office.journal()?.place.clone();
    let until = args.until.unwrap_or_else(|| clock::now().into());
    let settings = office.incidents.signals.clone();
    let people = people(&office)?;
    let lists = Lists::of(&settings, &Ring::load(&office.keys).map_err(Failure::Keys)?, &people);
    let mut detector = Detector::new(settings, lists);
    let before = args.since.millis().saturating_sub((WINDOW as u64 + 1) * DAY);
    // A database is read chain by chain, a folder is one.
    let place = match place {
        crate::journal::Place::Database { postgres, .. } => crate::journal::Place::Database { postgres, chain: None },
        place @ crate::journal::Place::Folder(_) => place,
    };
    let mut reading = Reading::new(place, office.keys.clone(), before);
    let (mut signals, mut records) = (Vec::new(), 0_u64);
    let outcome = reading.read(until.millis(), |line, base| {
        records += u64::from(line.time >= args.since.millis());
        signals.extend(detector.take(line, base));
    });
    outcome.map_err(Failure::Search)?;
    signals.retain(|signal: &Signal| signal.at >= args.since && args.rule.is_none_or(|rule| rule == signal.rule));
    let unread = reading.unread();
    if unread.destroyed + unread.locked > 0 {
        eprintln!(
            "privet: {} records can't be read: their time is over, or their key is not there",
            unread.destroyed + unread.locked
        );
    }
    let object = object(args, until, &detector, &signals, records);
    if args.json {
        println!("{object}");
    } else {
        tell(args, &object);
    }
    Ok(())
}

fn object(args: &ReplayArgs, until: Moment, detector: &Detector, signals: &[Signal], records: u64) -> Value {
    let asked = Rule::ALL.iter().filter(|rule| args.rule.is_none_or(|asked| asked == **rule));
    let rows: Vec<Value> = asked
        .map(|rule| {
            let of: Vec<&Signal> = signals.iter().filter(|signal| signal.rule == *rule).collect();
            let about: BTreeSet<&Who> = of.iter().map(|signal| &signal.who).collect();
            let setting = detector.settings().of(*rule);
            json!({
                "rule": rule.name(), "on": setting.on, "threshold": setting.threshold, "severity": setting.severity,
                "counts": rule.doc().trim(), "signals": of.len(), "about": about.len(),
                "last": of.last().map(|signal| signal.at),
            })
        })
        .collect();
    let mut object =
        json!({ "since": args.since, "until": until, "records": records, "signals": signals.len(), "rules": rows });
    if args.rule.is_some() {
        object["each"] = json!(signals);
    }
    object
}

fn tell(args: &ReplayArgs, object: &Value) {
    let days = object["until"].as_str().zip(object["since"].as_str());
    let weeks =
        days.and_then(|(until, since)| Some(Moment::parse(until)?.since(Moment::parse(since)?).as_secs() / 604_800));
    println!(
        "{} records, {} signals, in {} whole weeks",
        object["records"],
        object["signals"],
        weeks.unwrap_or_default()
    );
    for row in object["rules"].as_array().into_iter().flatten() {
        let state = if row["on"] == true { row["signals"].to_string() } else { "off".to_owned() };
        let last = row["last"].as_str().map_or_else(String::new, |at| format!("\tlast {at}"));
        let (rule, counts) = (row["rule"].as_str().unwrap_or("?"), row["counts"].as_str().unwrap_or_default());
        println!("{state:>6}\t{rule:<16}\tfrom {}\t{counts}{last}", row["threshold"]);
    }
    for signal in object["each"].as_array().into_iter().flatten() {
        let who = &signal["who"];
        let about = who["person"]["subject"].as_str().or(who["address"].as_str()).or(who["route"].as_str());
        let about = about.map_or_else(|| "the gateway".to_owned(), printable);
        let at = signal["at"].as_str().unwrap_or("?");
        let records = signal["evidence"].as_array().map_or(0, Vec::len);
        println!("{at}\t{about}\t{} where {} is told of\t{records} records", signal["measure"], signal["threshold"]);
    }
    if args.rule.is_none() {
        println!("(`--rule NAME` shows each signal of a rule)");
    }
}
