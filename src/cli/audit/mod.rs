//! `privet audit`: verifies, searches and exports the journal, beside a running gateway as well.

pub(super) mod downloads;
mod export;
mod people;
mod review;
mod search;
mod subject;
pub(super) mod verify;
mod witness;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

use super::safe::scrubbed;
use crate::{
    config::{Config, Flags},
    journal::{
        Place as Journal, Settings,
        place::SHARED,
        search::{Error, Filter, Line, Unread, search},
        tree::hex,
    },
    seal::Ring,
};

/// What `audit` takes.
#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Say whether the journal is what was written. Needs no key.
    Verify(verify::VerifyArgs),
    /// Show records. Needs the keys.
    Search(search::SearchArgs),
    /// Show every disclosure of one person's data, for their own right of access. Needs the keys.
    Subject(subject::SubjectArgs),
    /// Show files with personal data that people have taken along, and in whose hands they still are. Needs the keys.
    Downloads(downloads::DownloadsArgs),
    /// Write down that such a file was deleted or returned.
    Returned(downloads::ReturnedArgs),
    /// Count how many different people's data each member of staff has seen a day. Needs the keys.
    People(people::PeopleArgs),
    /// Write records as JSON lines or CSV. Needs the keys.
    Export(export::ExportArgs),
    /// Review what was done with personal data: draw, look, write down, sign. Needs the keys.
    #[command(subcommand)]
    Review(review::ReviewCommand),
    /// Bring signed checkpoints to where the operator's hands don't reach.
    Witness(witness::WitnessArgs),
}

/// Where the journal is.
#[derive(Debug, Clone, clap::Args)]
struct PlaceArgs {
    /// The configuration that names it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of Privet's own state, where there is no configuration.
    #[arg(long, value_name = "DIR", default_value = "data", conflicts_with = "config")]
    data: PathBuf,
    /// One folder of a journal itself, such as one of several gateways' [default: all that there are].
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// One chain of a journal in a database: a number, or `shared` [default: all that there are].
    #[arg(long, value_name = "NUMBER", requires = "config", conflicts_with = "folder", value_parser = chain)]
    chain: Option<u16>,
}

pub(in crate::cli) fn chain(text: &str) -> Result<u16, String> {
    let number = || text.parse().ok().filter(|number| *number > SHARED);
    if text == "shared" { Some(SHARED) } else { number() }
        .ok_or_else(|| "a number, or `shared`, is expected".to_owned())
}

/// The journal, and the keys that open it.
struct Place {
    /// One, or one for each gateway that shares a disk or a database, and the chain of all.
    journals: Vec<Journal>,
    data_dir: PathBuf,
    settings: Settings,
    keys: Option<PathBuf>,
    /// Minutes that the office is ahead of UTC.
    utc_offset: i16,
}

impl PlaceArgs {
    /// The place, or the exit code after telling why it is not known.
    fn place(&self) -> Result<Place, ExitCode> {
        let Some(config) = &self.config else {
            let settings = Settings::new(self.data.join("journal"));
            return self.folders(self.data.clone(), settings, Some(self.data.join("seal.key")), 0);
        };
        let config = Config::load(config, &Flags::default()).map_err(|report| {
            eprintln!("{}", scrubbed(&report.to_string()));
            ExitCode::from(2)
        })?;
        let Some(settings) = config.journal else {
            eprintln!(
                "privet audit: the configuration has the journal off\n    hint: remove `path = \"off\"` of [journal]"
            );
            return Err(ExitCode::from(2));
        };
        self.folders(config.data_dir, settings, config.seal.key_file, config.registry.utc_offset)
    }

    fn folders(
        &self,
        data_dir: PathBuf,
        settings: Settings,
        keys: Option<PathBuf>,
        utc_offset: i16,
    ) -> Result<Place, ExitCode> {
        let place = &settings.place;
        let journals = match (&self.folder, self.chain, place.postgres()) {
            (Some(folder), ..) => Ok(vec![folder.clone().into()]),
            (None, Some(_), None) => {
                eprintln!("privet audit: the journal is in no database\n    hint: name a folder (--folder)");
                return Err(ExitCode::from(2));
            }
            (None, Some(chain), Some(postgres)) => {
                Ok(vec![Journal::Database { postgres: Arc::clone(postgres), chain: Some(chain) }])
            }
            (None, None, _) => place.all(),
        };
        match journals {
            Ok(journals) if !journals.is_empty() => Ok(Place { journals, data_dir, settings, keys, utc_offset }),
            Ok(_) => {
                eprintln!("privet audit: there is no journal in {place}");
                Err(ExitCode::from(3))
            }
            Err(error) => {
                eprintln!("privet audit: there is no journal in {place}: {error}");
                Err(ExitCode::from(3))
            }
        }
    }
}

/// Which records, and what opens them.
#[derive(Debug, clap::Args)]
struct FilterArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// The keys [default: seal.key in the data folder, or what the configuration names].
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// A kind such as `sign_in.refused`, or the beginning of some, such as `sign_in`.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// From this time on, such as 2026-11-01 (UTC) or 2026-11-01T09:00:00+09:00.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<u64>,
    /// Up to this time, exclusive.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<u64>,
    /// A text that must be in one of its values, whatever its case.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

impl FilterArgs {
    /// Shows the records that are asked for until `visit` has enough, folder by folder; the exit code after telling what could not be read.
    fn each(&self, mut visit: impl FnMut(&str, Line) -> bool) -> ExitCode {
        let place = match self.place.place() {
            Ok(place) => place,
            Err(code) => return code,
        };
        let Some(keys) = self.key_file.clone().or(place.keys) else {
            eprintln!("privet audit: no key\n    hint: name the key file (--key-file)");
            return ExitCode::from(2);
        };
        let (kind, text) = (self.kind.clone(), self.text.clone());
        let filter = Filter { kind, since: self.since, until: self.until, text, ..Filter::default() };
        let (mut all, mut more) = (Unread::default(), true);
        for journal in &place.journals {
            let ring = match Ring::load(&keys) {
                Ok(ring) => ring,
                Err(error) => return unavailable(&error),
            };
            let name = journal.name();
            let found = search(journal, ring, &filter, |line| {
                more = visit(&name, line);
                more
            });
            match found {
                Ok(unread) => {
                    all.destroyed += unread.destroyed;
                    all.locked += unread.locked;
                }
                Err(error) => return stopped(journal, &error),
            }
            if !more {
                break;
            }
        }
        told(all)
    }
}

fn stopped(journal: &Journal, error: &Error) -> ExitCode {
    match error {
        Error::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("privet audit: there is no journal in {journal}");
            ExitCode::from(3)
        }
        Error::Damaged { .. } | Error::Sealed(_) => {
            eprintln!("privet audit: the journal in {journal}: {error}");
            ExitCode::FAILURE
        }
        error => unavailable(error),
    }
}

fn told(unread: Unread) -> ExitCode {
    if unread.destroyed > 0 {
        eprintln!("privet audit: {} records can't be read any more: their keys were destroyed", unread.destroyed);
    }
    if unread.locked > 0 {
        eprintln!(
            "privet audit: {} records are sealed by a key that is not in the key file\n    hint: name the right one (--key-file)",
            unread.locked
        );
        return ExitCode::from(3);
    }
    ExitCode::SUCCESS
}

fn unavailable(error: &dyn std::error::Error) -> ExitCode {
    let cause = error.source().map_or_else(String::new, |source| format!(": {source}"));
    eprintln!("privet audit: {error}{cause}");
    ExitCode::from(3)
}

/// Runs; exit 0 when done, 1 when the journal is not what was written, 2 for bad usage or configuration, 3 when it or a key is not to be had.
#[must_use]
pub fn run(command: &AuditCommand) -> ExitCode {
    match command {
        AuditCommand::Verify(args) => verify::run(args),
        AuditCommand::Search(args) => search::run(args),
        AuditCommand::Subject(args) => subject::run(args),
        AuditCommand::Downloads(args) => downloads::list(args),
        AuditCommand::Returned(args) => downloads::returned(args),
        AuditCommand::People(args) => people::run(args),
        AuditCommand::Export(args) => export::run(args),
        AuditCommand::Review(command) => review::run(command),
        AuditCommand::Witness(args) => witness::run(args),
    }
}

/// Milliseconds since 1970.
pub(in crate::cli) fn moment(text: &str) -> Result<u64, String> {
    let day =
        time::Date::parse(text, format_description!("[year]-[month]-[day]")).map(|day| day.midnight().assume_utc());
    let time = day.or_else(|_| OffsetDateTime::parse(text, &Rfc3339));
    let time = time.map_err(|_| "a time such as 2026-11-01 or 2026-11-01T09:00:00+09:00 is expected".to_owned())?;
    u64::try_from(time.unix_timestamp_nanos() / 1_000_000).map_err(|_| "it is before 1970".to_owned())
}

/// A time in RFC 3339, to the millisecond.
pub(super) fn time_text(millis: u64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    time.ok().and_then(|time| time.format(format).ok()).unwrap_or_else(|| millis.to_string())
}

/// A record of the journal in the folder of this name, as an object.
fn object(journal: &str, line: &Line) -> Value {
    let mut object = json!({
        "journal": journal, "index": line.index, "time": time_text(line.time), "class": line.class.name(), "kind": line.kind,
        "hash": hex(&line.hash), "body": line.body,
    });
    if line.clock_was_set {
        object["clock"] = "set".into();
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_days_or_moments() {
        assert_eq!(moment("1970-01-02"), Ok(86_400_000));
        assert_eq!(moment("1970-01-01T09:00:00.5+09:00"), Ok(500));
        assert!(moment("yesterday").is_err() && moment("1969-01-01").is_err());
        assert_eq!(time_text(86_400_500), "1970-01-02T00:00:00.500Z");
        assert_eq!(time_text(u64::MAX), u64::MAX.to_string());
    }
}
