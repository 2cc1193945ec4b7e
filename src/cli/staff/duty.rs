//! What officers say of people: the first two of them, grants, moves, leaving, and that grants are right still.

use std::path::PathBuf;

use serde_json::Value;

use super::{Failure, PlaceArgs, certificate, change};
use crate::{
    cli::office::{AsArgs, Office, moment, role},
    identity::{account::Account, order::Order},
    registry::{Command, Moment, Role, command::Terms},
};

/// What `staff init` takes.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// The account of the first privacy officer.
    first: String,
    /// The account of the second.
    second: String,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// What `staff grant` and `staff move` take.
#[derive(Debug, clap::Args)]
pub struct GrantArgs {
    /// The name that signs in.
    id: String,
    /// Such as `marketing`, `complaints`, `privacy-officer`, `duty`, or one of your own.
    #[arg(value_parser = role)]
    role: Role,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The job description that asks for it; needed for `duty`.
    #[arg(long, value_name = "TEXT")]
    duty: Option<String>,
    /// When it begins [default: now].
    #[arg(long, value_name = "TIME", value_parser = moment)]
    start: Option<Moment>,
    /// When it ends by itself, such as 2026-12-31 (the first moment of that day, UTC) or 90d.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// The provider that vouches for them, where they have no account here.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    #[command(flatten)]
    order: AsArgs,
}

/// What `staff confirm` takes.
#[derive(Debug, clap::Args)]
pub struct ConfirmArgs {
    /// The number of the proposal.
    number: u64,
    /// Reject it.
    #[arg(long, requires = "reason")]
    reject: bool,
    /// Why it is rejected.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    order: AsArgs,
}

/// What `staff revoke` takes.
#[derive(Debug, clap::Args)]
pub struct RevokeArgs {
    /// The name that signs in.
    id: String,
    /// The role that ends; without one their sessions end, and nothing else.
    #[arg(value_parser = role, requires = "reason")]
    role: Option<Role>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only the grant for this job description.
    #[arg(long, value_name = "TEXT")]
    duty: Option<String>,
    /// The provider that vouches for them, where they have no account here.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    #[command(flatten)]
    order: AsArgs,
}

/// What `staff leave` takes.
#[derive(Debug, clap::Args)]
pub struct LeaveArgs {
    /// The name that signs in.
    id: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Write a leaver certificate to a new file, made with mode 0600.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// How many days back the certificate counts what they saw.
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3660))]
    days: u32,
    /// The provider that vouches for them, where they have no account here.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    #[command(flatten)]
    order: AsArgs,
}

/// What `staff certificate` takes.
#[derive(Debug, clap::Args)]
pub struct CertificateArgs {
    /// The name that signed in.
    id: String,
    /// The new file, made with mode 0600.
    file: PathBuf,
    /// How many days back it counts what they saw.
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3660))]
    days: u32,
    /// The provider that vouched for them, where they had no account here.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

/// What `staff recertify` takes.
#[derive(Debug, clap::Args)]
pub struct RecertifyArgs {
    /// The name that signs in.
    id: String,
    /// The role that is right still.
    #[arg(value_parser = role)]
    role: Role,
    /// The provider that vouches for them, where they have no account here.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    #[command(flatten)]
    order: AsArgs,
}

pub(super) fn init(args: &InitArgs) -> Result<(), Failure> {
    let office = args.place.office()?;
    let officers = vec![office.person(&args.first, None)?, office.person(&args.second, None)?];
    let had: Vec<Account> = office.accounts()?.into_iter().filter(|account| !account.roles.is_empty()).collect();
    let command = Command::Found { officers, texts: std::collections::BTreeMap::new() };
    let events =
        office.order(Order { name: None, password: String::new().into(), code: None, command, signed_in: None })?;
    if args.json {
        println!("{}", serde_json::json!({ "events": events }));
        return Ok(());
    }
    println!("founded: both are privacy officers, and roles are what they grant from now on");
    if !had.is_empty() {
        println!("these accounts had roles, which do not count any more; `privet staff grant` gives them anew:");
        for account in had {
            println!("  {}\t{}", account.id, account.roles.join(","));
        }
    }
    Ok(())
}

impl GrantArgs {
    fn terms(&self) -> Terms {
        let (role, duty, reason) = (self.role.clone(), self.duty.clone(), self.reason.clone());
        Terms { role, duty, reason, start: self.start, until: self.until }
    }
}

pub(super) fn grant(args: &GrantArgs, moves: bool) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let (person, terms) = (office.person(&args.id, args.issuer.as_deref())?, args.terms());
    let command = if moves { Command::Move { person, terms } } else { Command::Grant { person, terms } };
    args.order.order(&office, command).map(drop)
}

pub(super) fn confirm(args: &ConfirmArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let grant = args.number;
    let command = match &args.reason {
        Some(reason) if args.reject => Command::Reject { grant, reason: reason.clone() },
        _ => Command::Confirm { grant },
    };
    args.order.order(&office, command).map(drop)
}

pub(super) fn revoke(args: &RevokeArgs) -> Result<(), Failure> {
    let Some(role) = &args.role else {
        let door = args.order.place.door()?;
        change::change(&door, &crate::identity::account::id(&args.id)?, Account::end_sessions)?;
        println!("their sessions end");
        return Ok(());
    };
    let office = args.order.place.office()?;
    let person = office.person(&args.id, args.issuer.as_deref())?;
    let reason = args.reason.clone().unwrap_or_default();
    let command = Command::Revoke { person, role: role.clone(), duty: args.duty.clone(), reason };
    args.order.order(&office, command).map(drop)
}

pub(super) fn leave(args: &LeaveArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    if !office.is_founded()? {
        if args.certificate.is_some() {
            return Err(Failure::refused(crate::registry::Denied::NotFounded.into()));
        }
        return change::disable_account(&args.order.place, &args.id, false);
    }
    let person = office.person(&args.id, args.issuer.as_deref())?;
    // Whom nobody knows nobody lets go: it would be a name mistyped.
    let look = office.look()?;
    let known = |row: &Value| row["person"] == serde_json::json!(person);
    let registered = look["people"].as_array().is_some_and(|rows| rows.iter().any(known));
    let account = args.issuer.is_none() && office.accounts()?.iter().any(|account| account.id == person.subject);
    if !registered && !account {
        return Err(Failure::Unknown);
    }
    let file = args.certificate.as_deref().map(certificate::File::make).transpose()?;
    let events =
        match args.order.carry_out(&office, Command::Leave { person: person.clone(), reason: args.reason.clone() }) {
            Ok(events) => events,
            Err(failure) => {
                file.into_iter().for_each(certificate::File::discard);
                return Err(failure);
            }
        };
    if let Some(file) = file {
        file.write(&certificate::of(&office, &person, args.days)?)?;
    }
    args.order.tell(&events);
    Ok(())
}

pub(super) fn certificate(args: &CertificateArgs) -> Result<(), Failure> {
    let office = args.place.office()?;
    let person = office.person(&args.id, args.issuer.as_deref())?;
    if !Office::has_left(&office.look()?, &person) {
        return Err(Failure::NotLeft);
    }
    let file = certificate::File::make(&args.file)?;
    match certificate::of(&office, &person, args.days) {
        Ok(certificate) => file.write(&certificate),
        Err(failure) => {
            file.discard();
            Err(failure)
        }
    }
}

pub(super) fn recertify(args: &RecertifyArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let person = office.person(&args.id, args.issuer.as_deref())?;
    args.order.order(&office, Command::Recertify { person, role: args.role.clone() }).map(drop)
}
