//! Countermeasures at the command line: only a running gateway has anything that they could bite on.

use http::Method;
use ipnet::IpNet;
use serde_json::{Value, json};

use crate::{
    admin::remedy::PREFIX,
    cli::{
        office::{AsArgs, Office},
        safe::printable,
        staff::{Failure, PlaceArgs},
    },
    incident::ledger,
    incident::remedy::{Command, Measure, State, state::Taken},
};

/// What `incident remedy` takes.
#[derive(Debug, clap::Args)]
pub struct RemedyArgs {
    /// The case that it is for.
    number: u64,
    #[command(subcommand)]
    what: What,
}

/// How a measure is taken.
#[derive(Debug, clap::Args)]
struct How {
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Say what it would do, and do nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    order: AsArgs,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Somebody gets no further: sessions and what is under way end, and signing in again does not help.
    Suspend {
        /// Who.
        person: String,
        /// Who vouches for them [default: the realm of the staff].
        #[arg(long, value_name = "NAME")]
        issuer: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// All sessions end: everybody has to sign in again.
    SignInAgain {
        #[command(flatten)]
        how: How,
    },
    /// A route answers nobody.
    Close {
        /// Its name, such as `shop.example/customers`.
        route: String,
        #[command(flatten)]
        how: How,
    },
    /// A route answers privacy officers alone.
    Quarantine {
        /// Its name.
        route: String,
        #[command(flatten)]
        how: How,
    },
    /// Limits on attempts at an application's login are divided.
    Limit {
        /// The login's name.
        login: String,
        /// By how much.
        #[arg(long, value_name = "N", default_value_t = 10)]
        divisor: u32,
        #[command(flatten)]
        how: How,
    },
    /// An address or network is banned.
    Ban {
        /// Which.
        network: String,
        #[command(flatten)]
        how: How,
    },
    /// People of a role see personal data masked, whatever policies say.
    Mask {
        /// Which role.
        role: String,
        #[command(flatten)]
        how: How,
    },
    /// What is written from now on is sealed by a new key.
    RotateKey {
        #[command(flatten)]
        how: How,
    },
}

/// What `incident lift` takes.
#[derive(Debug, clap::Args)]
pub struct LiftArgs {
    /// The measure's number.
    id: u64,
    #[command(flatten)]
    how: How,
}

/// What `incident remedies` takes.
#[derive(Debug, clap::Args)]
pub struct RemediesArgs {
    /// Only those that hold.
    #[arg(long)]
    in_force: bool,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn take(args: &RemedyArgs) -> Result<(), Failure> {
    let (how, measure) = match &args.what {
        What::Suspend { person, issuer, how } => {
            let office = how.order.place.office()?;
            (how, Measure::Suspend { person: office.person(person, issuer.as_deref())? })
        }
        What::SignInAgain { how } => (how, Measure::SignInAgain),
        What::Close { route, how } => (how, Measure::Close { route: route.clone() }),
        What::Quarantine { route, how } => (how, Measure::Quarantine { route: route.clone() }),
        What::Limit { login, divisor, how } => (how, Measure::Limit { login: login.clone(), divisor: *divisor }),
        What::Ban { network, how } => (how, Measure::Ban { network: parse(network)? }),
        What::Mask { role, how } => (how, Measure::Mask { role: role.clone() }),
        What::RotateKey { how } => (how, Measure::RotateKey),
    };
    order(how, Command::Take { case: args.number, what: measure, reason: how.reason.clone() })
}

pub(super) fn lift(args: &LiftArgs) -> Result<(), Failure> {
    order(&args.how, Command::Lift { id: args.id, reason: args.how.reason.clone() })
}

fn parse(network: &str) -> Result<IpNet, Failure> {
    let parsed = network.parse().or_else(|_| network.parse::<std::net::IpAddr>().map(IpNet::from));
    parsed.map(|net: IpNet| net.trunc()).map_err(|_| Failure::Refused {
        error: "no address or network".to_owned(),
        hint: Some("such as 198.51.100.7 or 198.51.100.0/24".to_owned()),
        exit: 2,
    })
}

fn order(how: &How, command: Command) -> Result<(), Failure> {
    let office = how.order.place.office()?;
    let order = how.order.sign(command)?;
    let body = serde_json::to_string(&order).map_err(std::io::Error::from).map_err(Failure::Gateway)?;
    let path = if how.dry_run { "rehearsals" } else { "orders" };
    let Some(answer) = office.ask(Method::POST, &format!("{PREFIX}/{path}"), body)? else {
        return Err(Failure::Refused {
            error: "no gateway runs here, so there is nothing that it could be done to".to_owned(),
            hint: Some("start it, or name its configuration (--config FILE)".to_owned()),
            exit: 3,
        });
    };
    if how.order.json {
        println!("{answer}");
        return Ok(());
    }
    if how.dry_run {
        println!("nothing was done; it would: {}", told(&answer));
    } else if answer["event"]["kind"] == "remedy.lifted" {
        println!("lifted");
    } else {
        println!("done, as {}: {}", answer["event"]["id"], told(&answer));
    }
    Ok(())
}

/// What a measure does, for people.
fn told(answer: &Value) -> String {
    let (what, effect) = (&answer["event"]["what"], &answer["effect"]);
    let list = |value: &Value| {
        let names: Vec<_> = value.as_array().into_iter().flatten().filter_map(Value::as_str).map(printable).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let text = |value: &Value| printable(value.as_str().unwrap_or_default());
    match what["measure"].as_str().unwrap_or_default() {
        "suspend" => format!("end {} sessions, and let that person sign in no more", effect["sessions"]),
        "sign-in-again" => format!("end {} sessions", effect["sessions"]),
        "close" => format!("close {} to everybody", text(&what["route"])),
        "quarantine" if effect["gate"] == true => format!("keep {} for privacy officers", text(&what["route"])),
        "quarantine" => {
            format!("close {} to everybody, for it has no gate that would know officers", text(&what["route"]))
        }
        "limit" => format!("divide the limits of {} by {}", text(&what["login"]), what["divisor"]),
        "ban" => format!("ban {}", text(&what["network"])),
        "mask" => format!(
            "mask everything on {} for {} ({} signed in); not on {}, which have no mask",
            list(&effect["routes"]),
            text(&what["role"]),
            effect["people_signed_in"],
            list(&effect["unmasked_routes"])
        ),
        "rotate-key" => format!("add a key to the {} that there are", effect["keys"]),
        _ => "lift it".to_owned(),
    }
}

pub(super) fn list(args: &RemediesArgs) -> Result<(), Failure> {
    let office: Office = args.place.office()?;
    let shown = |taken: &Taken| {
        let mut object = serde_json::to_value(taken).unwrap_or_default();
        object["holds"] = taken.holds().into();
        object
    };
    let view = |state: &State| json!({ "remedies": state.all().map(shown).collect::<Vec<_>>() });
    let mut list = office.view(PREFIX, ledger::read::<State>, view)?;
    if let Some(all) = list["remedies"].as_array_mut().filter(|_| args.in_force) {
        all.retain(|taken| taken["holds"] == true);
    }
    if args.json {
        println!("{list}");
        return Ok(());
    }
    for taken in list["remedies"].as_array().into_iter().flatten() {
        let text = |value: &Value| printable(value.as_str().unwrap_or_default());
        let state = match (&taken["holds"], &taken["lifted"]) {
            (Value::Bool(true), _) => "holds",
            (_, Value::Null) => "once",
            _ => "lifted",
        };
        let about = ["route", "login", "role", "network"].iter().find_map(|name| taken["what"][name].as_str());
        let about = about.or(taken["what"]["person"]["subject"].as_str()).map(printable).unwrap_or_default();
        println!(
            "{}\tcase {}\t{state}\t{} {about}\t{}\t{}",
            taken["id"],
            taken["case"],
            text(&taken["what"]["measure"]),
            text(&taken["at"]),
            text(&taken["reason"])
        );
    }
    Ok(())
}
