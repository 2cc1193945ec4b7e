//! `privet audit witness`: brings checkpoints to witnesses, by hand or beside a gateway.

use std::{
    io,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{Place, PlaceArgs, unavailable};
use crate::{
    cli::noted::{self, note},
    dial::address::Address,
    journal::{
        Files as _, Record,
        checkpoint::{self, Verifier},
        open::{CHECKPOINT, VERIFIER},
        settings::{To, Witness as Settings},
        witness::{Error, Sent, Witness},
    },
};

/// How long to wait after a witness could not be reached.
const AGAIN: Duration = Duration::from_secs(60);

/// What `audit witness` takes.
#[derive(Debug, clap::Args)]
pub struct WitnessArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// A file that checkpoints are appended to, besides the configuration's witnesses.
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// A URL that they are posted to.
    #[arg(long, value_name = "URL", value_parser = address)]
    url: Vec<Address>,
    /// How often, to `--file` and `--url`.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = every)]
    every: Duration,
    /// Once to each, and then end.
    #[arg(long)]
    once: bool,
    /// JSON instead of text: an object for each visit, a line each.
    #[arg(long)]
    json: bool,
}

fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| error.to_string())
}

fn every(text: &str) -> Result<Duration, String> {
    let every = crate::common::unit::parse_duration(text).map_err(|error| error.to_string())?;
    if every < Duration::from_secs(1) { Err("it must be at least 1s".to_owned()) } else { Ok(every) }
}

/// A witness, and when it is due.
struct Due {
    witness: Witness,
    settings: Settings,
    name: String,
    at: Instant,
}

pub(super) fn run(args: &WitnessArgs) -> ExitCode {
    let place = match args.place.place() {
        Ok(place) => place,
        Err(code) => return code,
    };
    let files = args.file.iter().cloned().map(To::File);
    let urls = args.url.iter().cloned().map(|address| To::Url { address, ca: None, authorization: None });
    let more = files.chain(urls).map(|to| Settings { to, every: args.every });
    let all = place.settings.witnesses.clone().into_iter().chain(more);
    let mut all: Vec<Due> = all
        .enumerate()
        .map(|(number, settings)| Due {
            witness: Witness::new(&settings),
            name: settings.name(number + 1),
            settings,
            at: Instant::now(),
        })
        .collect();
    if all.is_empty() {
        eprintln!(
            "privet audit: no witness\n    hint: name one (--file, --url), or [[journal.witness]] in the configuration"
        );
        return ExitCode::from(2);
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return unavailable(&error),
    };
    loop {
        let mut worst = 0;
        for due in all.iter_mut().filter(|due| due.at <= Instant::now()) {
            let outcome = runtime.block_on(visit(&place, due));
            let wait = if outcome.is_ok() { due.settings.every } else { due.settings.every.min(AGAIN) };
            due.at = Instant::now() + wait;
            say(due, &outcome, args.json);
            worst = worst.max(told(&place, due, &outcome));
        }
        if args.once {
            return ExitCode::from(worst);
        }
        let next = all.iter().map(|due| due.at).min().unwrap_or_else(Instant::now);
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

async fn visit(place: &Place, due: &mut Due) -> Result<Sent, Error> {
    let [journal] = place.journals.as_slice() else {
        return Err(io::Error::other("there are several journals: name one (--folder, --chain)").into());
    };
    let files = journal.files()?;
    let text = |name| String::from_utf8(files.read(name)?).map_err(io::Error::other);
    let absent =
        |error: io::Error| if error.kind() == io::ErrorKind::NotFound { Error::Unsigned } else { error.into() };
    let (key, checkpoint) = (text(VERIFIER).map_err(absent)?, text(CHECKPOINT).map_err(absent)?);
    drop(files);
    let key = Verifier::parse(&key).map_err(|error: checkpoint::Error| Error::from(error))?;
    due.witness.send(&checkpoint, &key, journal).await
}

/// Says what has become of it.
fn say(due: &Due, outcome: &Result<Sent, Error>, json: bool) {
    let to = &due.settings.to;
    if json {
        let (records, error) = match outcome {
            Ok(Sent::Known(size) | Sent::Taken(size)) => (Some(size), None),
            Err(error) => (None, Some(error)),
        };
        let object = json!({
            "witness": due.name, "to": to.to_string(), "records": records, "taken": matches!(outcome, Ok(Sent::Taken(_))),
            "error": error.map(ToString::to_string), "alarm": error.is_some_and(Error::is_alarm),
        });
        println!("{object}");
        return;
    }
    match outcome {
        Ok(Sent::Known(size)) => println!("{to}: holds the checkpoint over {size} records already"),
        Ok(Sent::Taken(size)) => println!("{to}: has taken the checkpoint over {size} records"),
        Err(error) => {
            let loud = if error.is_alarm() { "ROLLBACK OR FORGERY: " } else { "" };
            eprintln!("privet audit: {loud}{to}: {error}");
        }
    }
}

/// Writes down what has become of it; the exit code.
fn told(place: &Place, due: &Due, outcome: &Result<Sent, Error>) -> u8 {
    let name = &due.name;
    let (record, code) = match outcome {
        Ok(Sent::Known(_)) => return 0,
        Ok(Sent::Taken(size)) => (Record::witnessed(name, *size), 0),
        Err(error) => {
            (Record::witness_failed(name, &error.to_string(), error.is_alarm()), if error.is_alarm() { 1 } else { 3 })
        }
    };
    let Some(keys) = place.keys.clone() else { return code };
    let journal = noted::Place { data_dir: place.data_dir.clone(), journal: place.settings.clone(), keys };
    if let Err(error) = note(&journal, &[record]) {
        eprintln!("privet audit: the journal does not tell of it: {error}");
        return code.max(3);
    }
    code
}
