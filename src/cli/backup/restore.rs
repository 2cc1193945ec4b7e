//! `privet backup restore`: brings a back-up back, and has it written down.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use serde_json::json;

use super::{DataArgs, KeyArgs, SEAL, VouchedArgs, failed, loaded, tell};
use crate::{
    backup::{
        Which,
        restore::{Restored, Target, restore},
    },
    cli::{
        audit::time_text,
        noted::{self, Place},
    },
    common::clock,
    journal::{self, Kind, Record, Settings, tree::hex},
};

/// What `backup restore` takes.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The back-up.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
    /// The data folder, which must be empty or missing [default: that of the configuration].
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    data: Option<PathBuf>,
    /// The configuration of the gateway that is to go on; it names the empty database where the journal was in one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    vouched: VouchedArgs,
    /// It is a drill: the journal of this data folder, or configuration, is told that it has worked.
    #[arg(long, value_name = "DIR|FILE")]
    drill_of: Option<PathBuf>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &RestoreArgs) -> ExitCode {
    let outside = match args.vouched.outside.read() {
        Ok(outside) => outside,
        Err(code) => return code,
    };
    let places = args.target().and_then(|target| Ok((target, args.drill()?)));
    let ((folder, journal), drill) = match places {
        Ok(places) => places,
        Err(code) => return code,
    };
    let key = match args.key.key(false) {
        Ok(key) => key,
        Err(code) => return code,
    };
    let target = Target { folder: &folder, journal: journal.as_ref() };
    let restored = match restore(&args.file, &key, args.vouched.with(&outside), &target, clock::now()) {
        Ok(restored) => restored,
        Err(error) => return failed(&error),
    };
    let told = written_down(&target, &restored, drill.as_ref());
    print(args, &target, &restored);
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            eprintln!("    everything is brought back, and no journal tells of it");
            ExitCode::from(3)
        }
    }
}

impl RestoreArgs {
    /// The folder to fill, and where whoever goes on keeps the journal.
    fn target(&self) -> Result<(PathBuf, Option<journal::Place>), ExitCode> {
        let Some(config) = &self.config else { return Ok((self.data.clone().unwrap_or_default(), None)) };
        let config = loaded(config)?;
        let folder = self.data.clone().unwrap_or(config.data_dir);
        Ok((folder, config.journal.map(|journal| journal.place)))
    }

    /// The journal that is told of a drill.
    fn drill(&self) -> Result<Option<Place>, ExitCode> {
        let Some(path) = self.drill_of.clone() else { return Ok(None) };
        let config = path.is_file().then(|| path.clone());
        Ok(DataArgs { config, data: path }.data()?.place)
    }
}

/// Where a journal lies that was brought back.
fn place(target: &Target<'_>, which: Which) -> journal::Place {
    match target.journal.and_then(journal::Place::postgres).zip(which.chain()) {
        Some((postgres, chain)) => journal::Place::Database { postgres: Arc::clone(postgres), chain: Some(chain) },
        None => target.folder.join(which.to_string()).into(),
    }
}

/// In the journals that were brought back, and in the one that goes on where it was a drill.
fn written_down(target: &Target<'_>, restored: &Restored, drill: Option<&Place>) -> Result<(), noted::Error> {
    let checked = &restored.checked;
    let record = |drill: bool| {
        Record::new(
            Kind::BackupRestored,
            [
                ("sha256", hex(&checked.sum.sha256).into()),
                ("created", time_text(checked.list.created).into()),
                ("records", checked.journals.records().into()),
                ("keys_not_restored", restored.destroyed.len().into()),
                ("drill", drill.into()),
            ],
        )
    };
    // Of several the first is that of all, where there is one.
    for (number, (which, _)) in checked.journals.0.iter().enumerate() {
        let gone = restored.destroyed.iter().filter(|(of, ..)| of == which);
        let gone = gone.map(|(_, class, day)| Record::key_destroyed(*class, day));
        let records: Vec<Record> = gone.chain((number == 0).then(|| record(drill.is_some()))).collect();
        let retention = checked.list.retention();
        let journal = Settings { retention, ..Settings::new(place(target, *which)) };
        if !records.is_empty() {
            noted::alone(
                &Place { data_dir: target.folder.to_owned(), journal, keys: target.folder.join(SEAL) },
                &records,
            )?;
        }
    }
    drill.map_or(Ok(()), |place| noted::note(place, &[record(true)]))
}

fn print(args: &RestoreArgs, target: &Target<'_>, restored: &Restored) {
    let checked = &restored.checked;
    let records = checked.journals.records();
    let database = checked.list.journals().iter().any(|which| which.chain().is_some());
    let database = target.journal.filter(|_| database).map(ToString::to_string);
    if args.json {
        let elsewhere = checked.list.files.iter().filter(|file| file.was.is_some());
        println!(
            "{}",
            json!({
                "data": target.folder.display().to_string(), "database": database, "sha256": hex(&checked.sum.sha256),
                "created": time_text(checked.list.created), "files": checked.list.files.len() - restored.destroyed.len(),
                "records": records, "keys_not_restored": restored.destroyed.len(),
                "elsewhere": elsewhere.collect::<Vec<_>>(),
            })
        );
        return;
    }
    println!("{}: as of {}", target.folder.display(), time_text(checked.list.created));
    if let Some(database) = database {
        println!("           {} journals in {database}", checked.journals.0.len());
    }
    if let Some(records) = records {
        println!("           {records} records, and those that tell of this");
    }
    if !restored.destroyed.is_empty() {
        println!(
            "           keys of {} days have run out meanwhile and were not brought back",
            restored.destroyed.len()
        );
    }
    for file in &checked.list.files {
        if let Some(was) = &file.was {
            println!("           {} was {was}: put it where the configuration names it", file.name);
        }
    }
}
