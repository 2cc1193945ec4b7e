//! `privet staff`: who may sign in. It writes the sealed staff file; a running gateway notices by itself.

mod change;
mod passkeys;

use std::{path::PathBuf, process::ExitCode};

use serde_json::json;

use super::{prompt, safe::scrubbed};
use crate::{
    config::{Config, Flags},
    gateway::settings::HostPattern,
    identity::{
        account::Invalid,
        policy::Weak,
        settings::{DEFAULT_REALM, Realm},
        staff::{self, Place},
    },
};

/// What `staff` takes.
#[derive(Debug, clap::Subcommand)]
pub enum StaffCommand {
    /// Make an account.
    Add(change::AddArgs),
    /// Set another password; their sessions end.
    Passwd(change::PasswordArgs),
    /// Give them a new secret for one-time codes, and new recovery codes; their sessions end.
    Totp(change::OneArgs),
    /// Let somebody sign in no more; their sessions end. The name stays taken.
    #[command(visible_alias = "leave")]
    Disable(change::DisableArgs),
    /// End all sessions of somebody.
    Revoke(change::OneArgs),
    /// Show somebody's passkeys, or remove lost ones.
    #[command(subcommand)]
    Passkeys(passkeys::PasskeysCommand),
    /// Show who may sign in.
    List(ListArgs),
}

/// Where the staff file is.
#[derive(Debug, clap::Args)]
struct PlaceArgs {
    /// The configuration that names it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of Privet's own state, where there is no configuration.
    #[arg(long, value_name = "DIR", default_value = "data", conflicts_with = "config")]
    data: PathBuf,
    /// The realm.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_REALM)]
    realm: String,
}

/// What `staff list` takes.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Why a command did nothing. A name or password that was typed is in none of the texts.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("there is such an account already")]
    Exists,
    #[error("there is no such account")]
    Unknown,
    #[error("there is no such passkey")]
    NoPasskey,
    #[error(transparent)]
    Weak(#[from] Weak),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("no realm is called so")]
    Realm,
    #[error("there is no terminal to ask for the password: use --password-stdin")]
    NoTerminal,
    #[error("{0}")]
    Typed(prompt::Error),
    #[error("{0}")]
    Config(String),
    #[error(transparent)]
    Staff(#[from] staff::Error),
    #[error("the blocklist can't be read")]
    Blocklist(#[source] std::io::Error),
    #[error("the data folder can't be made")]
    Folder(#[source] std::io::Error),
    #[error("the password can't be read")]
    Input(#[from] std::io::Error),
    #[error("there are no random bytes, or no memory")]
    Random,
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Exists | Self::Unknown | Self::NoPasskey | Self::Weak(_) | Self::Typed(_) => 1,
            Self::Invalid(_) | Self::Realm | Self::NoTerminal | Self::Config(_) => 2,
            Self::Staff(_) | Self::Blocklist(_) | Self::Folder(_) | Self::Input(_) | Self::Random => 3,
        }
    }
}

impl From<prompt::Error> for Failure {
    fn from(error: prompt::Error) -> Self {
        match error {
            prompt::Error::NoTerminal => Self::NoTerminal,
            prompt::Error::Input(error) => Self::Input(error),
            error => Self::Typed(error),
        }
    }
}

/// Runs; exit 0 when done, 1 when the answer is no, 2 for bad usage or configuration, 3 when the file or its keys are not to be had.
#[must_use]
pub fn run(command: &StaffCommand) -> ExitCode {
    let outcome = match command {
        StaffCommand::Add(args) => change::add(args),
        StaffCommand::Passwd(args) => change::password(args),
        StaffCommand::Totp(args) => change::totp(args),
        StaffCommand::Disable(args) => change::disable(args),
        StaffCommand::Revoke(args) => change::revoke(args),
        StaffCommand::Passkeys(command) => passkeys::run(command),
        StaffCommand::List(args) => list(args),
    };
    let Err(failure) = outcome else { return ExitCode::SUCCESS };
    let cause = std::error::Error::source(&failure).map_or_else(String::new, |source| format!(": {source}"));
    eprintln!("privet staff: {}", scrubbed(&format!("{failure}{cause}")));
    ExitCode::from(failure.code())
}

/// A realm, and words that others would try as passwords there.
struct Door {
    realm: Realm,
    words: Vec<String>,
}

impl PlaceArgs {
    fn door(&self) -> Result<Door, Failure> {
        let Some(path) = &self.config else {
            if self.realm != DEFAULT_REALM {
                return Err(Failure::Realm);
            }
            let file = self.data.join(format!("{DEFAULT_REALM}.sealed"));
            let realm = Realm::new(DEFAULT_REALM, file, self.data.join("seal.key"));
            return Ok(Door { realm, words: vec![DEFAULT_REALM.to_owned()] });
        };
        let config = Config::load(path, &Flags::default()).map_err(|report| Failure::Config(report.to_string()))?;
        let realm = config.identity.realms.into_iter().find(|realm| realm.name == self.realm).ok_or(Failure::Realm)?;
        let hosts = config.gateway.routes.iter().filter_map(|route| match &route.host {
            HostPattern::Any => None,
            HostPattern::Exact(host) | HostPattern::Wildcard(host) => Some(host.clone()),
        });
        let mut words: Vec<String> = hosts.chain([realm.name.clone()]).collect();
        if let Some(path) = &realm.blocklist {
            let list = std::fs::read_to_string(path).map_err(Failure::Blocklist)?;
            words.extend(list.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
        }
        Ok(Door { realm, words })
    }
}

impl Door {
    fn place(&self) -> Place {
        Place { file: self.realm.staff_file.clone(), keys: self.realm.key_file.clone() }
    }
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let mut accounts = args.place.door()?.place().read()?;
    accounts.sort_by(|a, b| a.id.cmp(&b.id));
    if args.json {
        let shown: Vec<_> = accounts
            .iter()
            .map(|account| {
                json!({ "id": account.id, "name": account.name, "roles": account.roles, "totp": account.totp.is_some(),
                    "recovery_codes": account.recovery.len(), "passkeys": account.passkeys.len(), "disabled": account.disabled, "created": account.created })
            })
            .collect();
        println!("{}", json!({ "realm": args.place.realm, "accounts": shown }));
        return Ok(());
    }
    for account in &accounts {
        let state = if account.disabled { "disabled" } else { "active" };
        let passkeys = match account.passkeys.len() {
            0 => String::new(),
            1 => ", 1 passkey".to_owned(),
            many => format!(", {many} passkeys"),
        };
        let factor = match &account.totp {
            Some(_) => format!("totp, {} recovery codes{passkeys}", account.recovery.len()),
            None if account.passkeys.is_empty() => "password only".to_owned(),
            None => format!("password{passkeys}"),
        };
        println!("{}\t{state}\t{factor}\t{}", account.id, account.roles.join(","));
    }
    Ok(())
}
