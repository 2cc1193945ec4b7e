//! `privet backup`: makes, proves and brings back back-ups.

mod create;
mod restore;
mod verify;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use zeroize::Zeroizing;

use super::{
    audit::{
        chain,
        verify::{OutsideArgs, OutsideRead},
    },
    noted::Place,
    prompt,
    safe::scrubbed,
};
use crate::{
    access::consent,
    backup::{
        Error,
        archive::Vouched,
        create::{Source, Sources},
        sealed::Key,
    },
    config::{Config, Flags},
    journal::{self, settings::Retention},
    seal::Ring,
};

/// What `backup` takes.
#[derive(Debug, clap::Subcommand)]
pub enum BackupCommand {
    /// Seal journals, keys, accounts and consent into one file, beside running gateways as well.
    Create(create::CreateArgs),
    /// Prove a back-up, without a byte of it on disk.
    Verify(verify::VerifyArgs),
    /// Bring a back-up back, into an empty folder, and an empty database where the journal was in one.
    Restore(restore::RestoreArgs),
}

/// What seals.
#[derive(Debug, clap::Args)]
struct KeyArgs {
    /// Keys that are kept elsewhere, in the form of seal.key.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The passphrase, a line in a file; without either it is asked for at the terminal.
    #[arg(long, value_name = "FILE", conflicts_with = "key_file")]
    passphrase_file: Option<PathBuf>,
}

impl KeyArgs {
    /// The key; a `new` passphrase is asked for twice.
    fn key(&self, new: bool) -> Result<Key, ExitCode> {
        if let Some(path) = &self.key_file {
            return Ring::load(path).map(Key::File).map_err(|error| {
                tell(&error);
                if !path.exists() {
                    eprintln!(
                        "    hint: `umask 077; (printf '2026 '; openssl rand -base64 32) > FILE` makes one; keep it elsewhere"
                    );
                }
                ExitCode::from(3)
            });
        }
        let typed = match &self.passphrase_file {
            None => prompt::secret("Passphrase of the back-up: ", new).map_err(|error| {
                eprintln!("privet backup: {error}\n    hint: name a key file (--key-file) or a passphrase's (--passphrase-file)");
                ExitCode::from(2)
            })?,
            Some(path) => {
                let text = fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
                    eprintln!("privet backup: {} can't be read: {error}", path.display());
                    ExitCode::from(3)
                })?;
                Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())
            }
        };
        Ok(Key::Passphrase(typed))
    }
}

/// What vouches from outside, and for which journal.
#[derive(Debug, clap::Args)]
struct VouchedArgs {
    #[command(flatten)]
    outside: OutsideArgs,
    /// The journal that it is of, where there are several: a number, or `shared`.
    #[arg(long, value_name = "NUMBER", value_parser = chain)]
    chain: Option<u16>,
}

impl VouchedArgs {
    /// With the files that were named.
    fn with<'a>(&self, outside: &'a OutsideRead) -> Vouched<'a> {
        Vouched { outside: outside.outside(), chain: self.chain }
    }
}

/// Whose data.
#[derive(Debug, clap::Args)]
struct DataArgs {
    /// The configuration that names everything.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of Privet's own state, where there is no configuration.
    #[arg(long, value_name = "DIR", default_value = "data", conflicts_with = "config")]
    data: PathBuf,
}

/// What there is to back up, and the journal that is told of it.
struct Data {
    sources: Sources,
    place: Option<Place>,
}

impl DataArgs {
    fn data(&self) -> Result<Data, ExitCode> {
        match &self.config {
            Some(path) => Ok(of_config(loaded(path)?)),
            None => of_folder(&self.data),
        }
    }
}

/// A configuration, or the exit code after telling what is wrong with it.
fn loaded(path: &Path) -> Result<Config, ExitCode> {
    Config::load(path, &Flags::default()).map_err(|report| {
        eprintln!("{}", scrubbed(&report.to_string()));
        ExitCode::from(2)
    })
}

fn source(folder: &Path, name: &str, path: PathBuf, keys: Option<&str>) -> Source {
    Source { elsewhere: path != folder.join(name), name: name.to_owned(), path, keys: keys.map(str::to_owned) }
}

const SEAL: &str = "seal.key";
const TOKENS: &str = "pseudonym.key";

/// Everything where it is by default.
fn of_folder(folder: &Path) -> Result<Data, ExitCode> {
    let entries = fs::read_dir(folder).map_err(|error| {
        eprintln!("privet backup: {} can't be read: {error}", folder.display());
        eprintln!("    hint: name the data folder (--data) or the configuration (--config)");
        ExitCode::from(3)
    })?;
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    let keys = [SEAL, TOKENS].map(|name| source(folder, name, folder.join(name), None));
    let accounts = names.iter().filter(|name| name.ends_with(".sealed"));
    let accounts = accounts.map(|name| source(folder, name, folder.join(name), Some(SEAL)));
    let journal = journal::Settings::new(folder.join("journal"));
    let sources = Sources {
        journal: Some(journal.place.clone()),
        retention: journal.retention,
        files: keys.into_iter().chain(accounts).collect(),
    };
    let place = Place { data_dir: folder.to_owned(), journal, keys: folder.join(SEAL) };
    Ok(Data { sources, place: Some(place) })
}

/// Everything where a configuration has it.
fn of_config(config: Config) -> Data {
    let folder = &config.data_dir;
    let seal = config.seal.key_file.clone().unwrap_or_else(|| folder.join(SEAL));
    let mut files =
        vec![source(folder, SEAL, seal.clone(), None), source(folder, TOKENS, crate::app::keys::place(&config), None)];
    files.push(source(folder, consent::NAME, folder.join(consent::NAME), Some(SEAL)));
    for realm in &config.identity.realms {
        let known = files.iter().find(|file| file.path == realm.key_file).map(|file| file.name.clone());
        let keys = known.unwrap_or_else(|| {
            let name = format!("{}.key", realm.name);
            files.push(source(folder, &name, realm.key_file.clone(), None));
            name
        });
        let name = format!("{}.sealed", realm.name);
        files.push(source(folder, &name, realm.staff_file.clone(), Some(&keys)));
    }
    let journal = config.journal;
    let sources = Sources {
        journal: journal.as_ref().map(|journal| journal.place.clone()),
        retention: journal.as_ref().map_or_else(Retention::default, |journal| journal.retention),
        files,
    };
    let place = journal.map(|journal| Place { data_dir: config.data_dir, journal, keys: seal });
    Data { sources, place }
}

fn tell(error: &dyn std::error::Error) {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    eprintln!("privet backup: {text}");
}

/// Tells; 1 where the answer is no, 2 for bad usage, 3 where something is not to be had.
fn failed(error: &Error) -> ExitCode {
    use crate::seal::stream;
    tell(error);
    match error {
        Error::Short(_) | Error::OtherKey(_) | Error::Which(_) | Error::NoDatabase | Error::NoFolder => {
            ExitCode::from(2)
        }
        Error::File(..)
        | Error::Io(_)
        | Error::Version(_)
        | Error::Keys(_)
        | Error::Changing
        | Error::Database(..)
        | Error::Held(_)
        | Error::Cipher
        | Error::Passphrase
        | Error::Sealed(stream::Error::UnknownKey(_)) => ExitCode::from(3),
        _ => ExitCode::FAILURE,
    }
}

/// Runs; exit 0 when done, 1 when a back-up is not whole or the answer is no, 2 for bad usage or configuration, 3 when a file or key is not to
/// be had.
#[must_use]
pub fn run(command: &BackupCommand) -> ExitCode {
    match command {
        BackupCommand::Create(args) => create::run(args),
        BackupCommand::Verify(args) => verify::run(args),
        BackupCommand::Restore(args) => restore::run(args),
    }
}
