//! `privet incident mute`: rules whose signals open no case for a while, and why.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use crate::{
    admin::incident::MUTES,
    cli::{
        office::{AsArgs, Office, moment, warn},
        safe::printable,
        staff::{Failure, PlaceArgs},
    },
    common::clock,
    incident::{
        Denied, ledger,
        signal::{
            Rule,
            feed::{self, carry_out},
            mutes::{About, Mutes, Order},
        },
    },
    registry::Moment,
};

/// What is muted.
#[derive(Debug, clap::Args)]
struct AboutArgs {
    /// The rule, such as `people_day`; docs/SIGNALS.md lists them.
    #[arg(value_parser = rule)]
    rule: Rule,
    /// Signals about this person alone.
    #[arg(long, value_name = "NAME")]
    person: Option<String>,
    /// The provider that vouches for them, where they have no account here.
    #[arg(long, value_name = "URL", requires = "person")]
    issuer: Option<String>,
    /// Signals on this route alone, by its name.
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,
}

/// What `incident mute` takes.
#[derive(Debug, clap::Args)]
pub struct MuteArgs {
    #[command(flatten)]
    about: AboutArgs,
    /// Until when, such as 2026-12-31 or 14d; a year at most.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Moment,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    order: AsArgs,
}

/// What `incident unmute` takes.
#[derive(Debug, clap::Args)]
pub struct UnmuteArgs {
    #[command(flatten)]
    about: AboutArgs,
    #[command(flatten)]
    order: AsArgs,
}

/// What `incident mutes` takes.
#[derive(Debug, clap::Args)]
pub struct MutesArgs {
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn rule(text: &str) -> Result<Rule, String> {
    let known = || Rule::ALL.iter().map(|rule| rule.name()).collect::<Vec<_>>().join(", ");
    Rule::named(text).ok_or_else(|| format!("one of these is expected: {}", known()))
}

impl AboutArgs {
    fn about(&self, office: &Office) -> Result<About, Failure> {
        let person = self.person.as_deref().map(|name| office.person(name, self.issuer.as_deref())).transpose()?;
        Ok(About { rule: self.rule, person, route: self.route.clone() })
    }
}

pub(super) fn mute(args: &MuteArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let (about, until, reason) = (args.about.about(&office)?, args.until, args.reason.clone());
    order(&args.order, &office, Order::Mute { about, until, reason }, "muted: it is counted still, and opens no case")
}

pub(super) fn unmute(args: &UnmuteArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let about = args.about.about(&office)?;
    order(&args.order, &office, Order::Unmute { about }, "it opens cases again")
}

fn order(args: &AsArgs, office: &Office, order: Order, said: &str) -> Result<(), Failure> {
    let order = args.sign(order)?;
    let place = office.journal()?;
    let body = serde_json::to_string(&order).map_err(std::io::Error::from).map_err(Failure::Gateway)?;
    let events = match office.ask(Method::POST, MUTES, body)? {
        Some(answer) => answer["events"].clone(),
        None if place.place.folder().is_some_and(|folder| !folder.exists()) => {
            return Err(super::refused(&Denied::NotFounded.into()));
        }
        None => office.by_itself(async |realm, registry, stream| {
            let mutes = ledger::Ledger::<Mutes>::open(stream.clone(), &office.keys).map_err(Failure::registry)?;
            let events = carry_out(&mutes, registry, &Arc::clone(realm), order, clock::now()).await;
            Ok(json!(events.map_err(|denied| refused(&denied))?))
        })?,
    };
    if args.json {
        println!("{}", json!({ "events": events }));
    } else {
        println!("{said}");
    }
    Ok(())
}

fn refused(denied: &feed::Denied) -> Failure {
    Failure::Refused { error: denied.to_string(), hint: denied.hint().map(str::to_owned), exit: denied.exit() }
}

pub(super) fn list(args: &MutesArgs) -> Result<(), Failure> {
    let office = args.place.office()?;
    let object = office.view(MUTES, ledger::read::<Mutes>, |mutes: &Mutes| mutes.object(clock::now().into()))?;
    warn(&object);
    if args.json {
        println!("{object}");
        return Ok(());
    }
    let text = |value: &Value| printable(value.as_str().unwrap_or("?"));
    for mute in object["mutes"].as_array().into_iter().flatten() {
        let person =
            mute["person"]["subject"].as_str().map_or_else(String::new, |name| format!(" of {}", printable(name)));
        let route = mute["route"].as_str().map_or_else(String::new, |route| format!(" on {}", printable(route)));
        let (rule, until, by) = (text(&mute["rule"]), text(&mute["until"]), text(&mute["by"]["subject"]));
        println!("{rule}{person}{route}\tuntil {until}\t{by}: {}", text(&mute["reason"]));
    }
    Ok(())
}
