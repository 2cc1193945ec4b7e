//! `privet access`: says what the policies let somebody do and see, and why.

use std::{net::IpAddr, path::PathBuf, process::ExitCode, sync::Arc, time::SystemTime};

use serde_json::{Value, json};

use super::safe::scrubbed;
use crate::{
    access::{Access, Action, Ask, Decision, Settings},
    config::{Config, Flags},
};

/// What `access` takes.
#[derive(Debug, clap::Subcommand)]
pub enum AccessCommand {
    /// Say whether somebody may do something, which policy decides it, what is missing and what would be seen.
    Explain(ExplainArgs),
}

/// What `access explain` takes. Where nothing is said of it everything is as it should be, but for a ticket.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct ExplainArgs {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The route, by its name: host and path, as `privet check` shows it.
    #[arg(long, value_name = "ROUTE")]
    route: String,
    /// A role that is held; several times for several.
    #[arg(long, value_name = "ROLE", required = true)]
    role: Vec<String>,
    /// The duty for which one is held.
    #[arg(long, value_name = "NAME")]
    duty: Option<String>,
    /// The key of the purpose.
    #[arg(long, value_name = "KEY")]
    purpose: Option<String>,
    /// What is done: view, create, change, delete or download.
    #[arg(long, value_name = "ACTION", default_value = "view", value_parser = action)]
    action: Action,
    /// Ask about this type of personal data alone.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// A ticket is named.
    #[arg(long)]
    ticket: bool,
    /// Many people's data is asked for at once.
    #[arg(long)]
    bulk: bool,
    /// The glass is broken.
    #[arg(long)]
    glass: bool,
    /// The route does not know who has agreed.
    #[arg(long)]
    no_consent: bool,
    /// The current pledge is not signed.
    #[arg(long)]
    no_pledge: bool,
    /// No second factor was given.
    #[arg(long)]
    no_second_factor: bool,
    /// Where the request comes from.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    address: IpAddr,
    /// When, such as 2026-11-28T09:00:00+09:00 [default: now].
    #[arg(long, value_name = "RFC3339", value_parser = super::moment)]
    at: Option<SystemTime>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

fn action(text: &str) -> Result<Action, String> {
    Action::named(text).ok_or_else(|| "view, create, change, delete or download is expected".to_owned())
}

/// Runs; exit 0 for a yes, 1 for a no, 2 for bad usage or configuration.
#[must_use]
pub fn run(command: &AccessCommand) -> ExitCode {
    let AccessCommand::Explain(args) = command;
    match explain(args) {
        Ok(answer) => {
            let yes = answer["yes"] == true;
            if args.json {
                println!("{answer}");
            } else {
                print(&answer);
            }
            if yes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(why) => {
            eprintln!("{}", scrubbed(&why));
            ExitCode::from(2)
        }
    }
}

fn explain(args: &ExplainArgs) -> Result<Value, String> {
    let config = Config::load(&args.config, &Flags::default()).map_err(|report| report.to_string())?;
    let settings = config.access.clone().unwrap_or_else(|| Arc::new(Settings::shipped().clone()));
    let one_of = |what: &str, name: &str, known: Vec<&str>| {
        format!("privet access: no {what} is called \"{name}\"\n    hint: known are: {}", known.join(", "))
    };
    let routes: Vec<&str> = config.gateway.routes.iter().map(|route| &*route.name).collect();
    if !routes.contains(&&*args.route) {
        return Err(one_of("route", &args.route, routes));
    }
    if let Some(purpose) = args.purpose.as_deref().filter(|purpose| settings.purposes.find(purpose).is_none()) {
        return Err(one_of("purpose", purpose, settings.purposes.keys()));
    }
    if let Some(kind) = args.kind.as_deref().filter(|kind| settings.types.named(kind).is_none()) {
        return Err(one_of("type", kind, settings.types.all().iter().map(crate::privacy::Kind::name).collect()));
    }
    let at = args.at.unwrap_or_else(crate::common::clock::now);
    let (hour, weekday) = settings.office(at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()));
    let roles: Vec<&str> = args.role.iter().map(String::as_str).collect();
    let ask = Ask {
        route: &args.route,
        action: args.action,
        roles: &roles,
        duty: args.duty.as_deref(),
        purpose: args.purpose.as_deref(),
        ticket: args.ticket,
        consent: !args.no_consent,
        pledged: !args.no_pledge,
        second_factor: !args.no_second_factor,
        address: args.address,
        hour,
        weekday,
        bulk: args.bulk,
        glass: args.glass,
    };
    let access = Access::new(settings);
    Ok(told(&access, &ask, args.kind.as_deref()))
}

fn told(access: &Access, ask: &Ask<'_>, kind: Option<&str>) -> Value {
    let settings = access.settings();
    let about = |ids: &[Arc<str>]| -> Vec<Value> {
        ids.iter().map(|id| json!({ "id": &**id, "about": settings.policies.about(id) })).collect()
    };
    let no = |missing: Option<&str>, why: String, policies: &[Arc<str>]| {
        let policies = about(policies);
        json!({ "yes": false, "missing": missing, "why": why, "policies": policies, "glass": access.has_glass(ask) })
    };
    match access.authorize(ask) {
        Decision::Permit(permit) => {
            let names = |seen: bool| -> Vec<&str> {
                let all = settings.types.all().iter().filter(|one| permit.reveal.contains(one) == seen);
                all.map(crate::privacy::Kind::name).collect()
            };
            let (seen, masked) = (names(true), names(false));
            json!({
                "yes": kind.is_none_or(|kind| seen.contains(&kind)), "purpose": &*permit.purpose,
                "policies": about(&permit.policies), "seen": seen, "masked": masked, "type": kind,
                "without_consent": permit.consent.name(), "review": permit.review,
            })
        }
        Decision::Purpose(keys) => {
            let why = format!("a purpose has to be chosen: {}", keys.join(", "));
            no(Some("purpose"), why, &[])
        }
        Decision::Pledge => no(Some("pledge"), "the current pledge has to be signed".to_owned(), &[]),
        Decision::Ticket => no(Some("ticket"), "a ticket has to be named".to_owned(), &[]),
        Decision::Glass => no(Some("glass"), "the glass has to be broken".to_owned(), &[]),
        Decision::Deny(why) => {
            use crate::access::Why;
            let missing = match &why {
                Why::SecondFactor => Some("second_factor"),
                Why::Consent => Some("consent"),
                _ => None,
            };
            let ids: &[Arc<str>] = if let Why::Forbidden(ids) = &why { ids } else { &[] };
            no(missing, why.to_string(), ids)
        }
    }
}

fn print(answer: &Value) {
    let list = |value: &Value| {
        let names: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match (answer["yes"] == true, answer["type"].as_str(), answer["why"].as_str()) {
        (true, None, _) => println!("yes, for {}", text(&answer["purpose"])),
        (true, Some(kind), _) => println!("yes: {kind} is seen, for {}", text(&answer["purpose"])),
        (false, Some(kind), None) => println!("no: {kind} is masked"),
        (false, _, why) => println!("no: {}", why.unwrap_or_default()),
    }
    for policy in answer["policies"].as_array().into_iter().flatten() {
        println!("policy   {:26}{}", text(&policy["id"]), text(&policy["about"]));
    }
    if answer["seen"].is_array() {
        println!("seen     {}\nmasked   {}", list(&answer["seen"]), list(&answer["masked"]));
        match answer["without_consent"].as_str() {
            Some("drop") => println!("records  of people who have not agreed are left out"),
            Some("mask") => println!("records  of people who have not agreed are masked"),
            _ => println!("records  of everybody"),
        }
    }
    if answer["review"] == true {
        println!("review   somebody has to look at it afterwards");
    }
    if answer["glass"] == true {
        println!("glass    it would be let through if the glass were broken");
    }
}
