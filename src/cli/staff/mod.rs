//! `privet staff`: who may sign in, and who may what. Accounts are written to the sealed staff file, which a running gateway notices by itself;
//! grants are ordered from the registry.

pub(super) mod certificate;
mod change;
mod duty;
mod list;
mod passkeys;

use std::{path::PathBuf, process::ExitCode};

use super::{office::Office, prompt, safe::scrubbed};
use crate::{
    config::{Config, Flags},
    gateway::settings::HostPattern,
    identity::{
        account::Invalid,
        order::Refused,
        policy::Weak,
        realm,
        settings::{DEFAULT_REALM, Realm},
        staff::{self, Place},
    },
    incident, journal, login, registry, seal,
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
    Disable(change::DisableArgs),
    /// Found the registry: name the first two privacy officers. From then on roles are what officers grant.
    Init(duty::InitArgs),
    /// Give somebody a role. A sensitive one is proposed, and another officer confirms it.
    Grant(duty::GrantArgs),
    /// Confirm or reject what another officer has proposed.
    Confirm(duty::ConfirmArgs),
    /// End a role of somebody; without a role, all their sessions.
    Revoke(duty::RevokeArgs),
    /// Give somebody another duty: all former roles end at the same moment.
    Move(duty::GrantArgs),
    /// Let somebody go: all roles end, they can't sign in any more, their sessions end.
    Leave(duty::LeaveArgs),
    /// Write the leaver certificate of somebody whom a provider, or an officer, has let go.
    Certificate(duty::CertificateArgs),
    /// Say that a role of somebody is right still.
    Recertify(duty::RecertifyArgs),
    /// Show somebody's passkeys, or remove lost ones.
    #[command(subcommand)]
    Passkeys(passkeys::PasskeysCommand),
    /// Show who may sign in, what they are, and what waits for officers.
    List(list::ListArgs),
}

/// Where the staff file is.
#[derive(Debug, clap::Args)]
pub struct PlaceArgs {
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

/// Why a command did nothing. A name or password that was typed is in none of the texts.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("there is such an account already")]
    Exists,
    #[error("there is no such account")]
    Unknown,
    #[error("nobody of this name has left")]
    NotLeft,
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
    #[error("{error}")]
    Refused { error: String, hint: Option<String>, exit: u8 },
    #[error("who orders this is not said")]
    Nobody,
    #[error("the registry is founded: roles are given by officers")]
    ByOfficers,
    #[error("the pledge was not shown")]
    NotRead(u32),
    #[error("the registry is kept in one journal, and the configuration has none or one for each gateway")]
    NoJournal,
    #[error("no running gateway answers as it should")]
    Gateway(#[source] std::io::Error),
    #[error("the password file can't be read")]
    PasswordFile(#[source] std::io::Error),
    #[error("the certificate can't be written")]
    Certificate(#[source] std::io::Error),
    #[error("what was found can't be written")]
    Output(#[source] std::io::Error),
    #[error("the keys can't be used")]
    Keys(#[source] seal::keys::Error),
    #[error("the realm can't be opened")]
    Open(#[source] realm::Error),
    #[error("the journal can't be written")]
    Journal(#[source] journal::open::Error),
    #[error("the registry can't be read")]
    Search(#[source] journal::search::Error),
}

impl Failure {
    /// Why there is no registry.
    pub(super) fn registry(error: registry::Error) -> Self {
        match error {
            registry::Error::Keys(error) => Self::Keys(error),
            registry::Error::Journal(error) => Self::Search(error),
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Exists | Self::Unknown | Self::NotLeft | Self::NoPasskey | Self::Weak(_) | Self::Typed(_) => 1,
            Self::Invalid(_) | Self::Realm | Self::NoTerminal | Self::Config(_) => 2,
            Self::Nobody | Self::ByOfficers | Self::NotRead(_) => 2,
            Self::Refused { exit, .. } => *exit,
            Self::Staff(_) | Self::Blocklist(_) | Self::Folder(_) | Self::Input(_) | Self::Random => 3,
            Self::NoJournal | Self::Gateway(_) | Self::PasswordFile(_) | Self::Certificate(_) => 3,
            Self::Output(_) | Self::Keys(_) | Self::Open(_) | Self::Journal(_) | Self::Search(_) => 3,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { hint, .. } => hint.clone(),
            Self::Nobody => Some("name yourself: --as NAME".to_owned()),
            Self::ByOfficers => Some(
                "add the account without --role, in your own name (--as NAME), then `privet staff grant`".to_owned(),
            ),
            Self::NotRead(version) => Some(format!("read it (`privet pledge show`), then say so: --agree {version}")),
            Self::NoJournal => {
                Some("remove `path = \"off\"` of [journal], or let it name one folder, without `*`".to_owned())
            }
            _ => None,
        }
    }

    /// What the registry has refused here, as a running gateway tells it.
    #[allow(clippy::needless_pass_by_value)] // for `map_err`
    pub(super) fn refused(refused: Refused) -> Self {
        let hint = refused.hint().map(str::to_owned);
        Self::Refused { error: refused.to_string(), hint, exit: refused.exit() }
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
        StaffCommand::Init(args) => duty::init(args),
        StaffCommand::Grant(args) => duty::grant(args, false),
        StaffCommand::Confirm(args) => duty::confirm(args),
        StaffCommand::Revoke(args) => duty::revoke(args),
        StaffCommand::Move(args) => duty::grant(args, true),
        StaffCommand::Leave(args) => duty::leave(args),
        StaffCommand::Certificate(args) => duty::certificate(args),
        StaffCommand::Recertify(args) => duty::recertify(args),
        StaffCommand::Passkeys(command) => passkeys::run(command),
        StaffCommand::List(args) => list::run(args),
    };
    ended("staff", outcome)
}

/// The exit code of a command, after telling why it did nothing.
pub(super) fn ended(command: &str, outcome: Result<(), Failure>) -> ExitCode {
    let Err(failure) = outcome else { return ExitCode::SUCCESS };
    let mut text = failure.to_string();
    let mut cause = std::error::Error::source(&failure);
    while let Some(source) = cause {
        text.extend([": ", &source.to_string()]);
        cause = source.source();
    }
    eprintln!("privet {command}: {}", scrubbed(&text));
    if let Some(hint) = failure.hint() {
        eprintln!("    hint: {hint}");
    }
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
        let named = config.identity.realms.iter().find(|realm| realm.name == self.realm);
        let realm = named.cloned().ok_or(Failure::Realm)?;
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

impl PlaceArgs {
    /// The registry of the realm.
    pub(super) fn office(&self) -> Result<Office, Failure> {
        let Some(path) = &self.config else {
            return Ok(Office {
                data_dir: self.data.clone(),
                journal: Some(journal::Settings::new(self.data.join("journal"))),
                keys: self.data.join("seal.key"),
                realm: self.door()?.realm,
                rules: registry::Settings::default(),
                incidents: incident::Settings::default(),
                roles: Vec::new(),
                login: login::Settings::default(),
                configured: false,
            });
        };
        let config = Config::load(path, &Flags::default()).map_err(|report| Failure::Config(report.to_string()))?;
        let named = config.identity.realms.iter().find(|realm| realm.name == self.realm);
        let realm = named.cloned().ok_or(Failure::Realm)?;
        Ok(Office::of(config, realm))
    }
}

impl Door {
    fn place(&self) -> Place {
        Place { file: self.realm.staff_file.clone(), keys: self.realm.key_file.clone() }
    }
}
