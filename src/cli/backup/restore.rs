//! `privet backup restore`: brings a back-up back, and has it written down.

use std::{path::PathBuf, process::ExitCode};

use serde_json::json;

use super::{DataArgs, KeyArgs, SEAL, failed, tell};
use crate::{
    backup::restore::{Restored, restore},
    cli::{
        audit::{time_text, verify::OutsideArgs},
        noted::{self, Place},
    },
    common::clock,
    journal::{Kind, Record, Settings, tree::hex},
};

/// What `backup restore` takes.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The back-up.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
    /// The data folder, which must be empty or missing.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    outside: OutsideArgs,
    /// It is a drill: the journal of this data folder is told that it has worked.
    #[arg(long, value_name = "DIR")]
    drill_of: Option<PathBuf>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &RestoreArgs) -> ExitCode {
    let outside = match args.outside.read() {
        Ok(outside) => outside,
        Err(code) => return code,
    };
    let drill = match args.drill_of.clone().map(|data| DataArgs { config: None, data }.data()).transpose() {
        Ok(drill) => drill.and_then(|data| data.place),
        Err(code) => return code,
    };
    let key = match args.key.key(false) {
        Ok(key) => key,
        Err(code) => return code,
    };
    let restored = match restore(&args.file, &key, outside.outside(), &args.data, clock::now()) {
        Ok(restored) => restored,
        Err(error) => return failed(&error),
    };
    let told = written_down(args, &restored, drill.as_ref());
    print(args, &restored);
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            eprintln!("    everything is brought back, and no journal tells of it");
            ExitCode::from(3)
        }
    }
}

/// In the journal that was brought back, and in the one that goes on where it was a drill.
fn written_down(args: &RestoreArgs, restored: &Restored, drill: Option<&Place>) -> Result<(), noted::Error> {
    let checked = &restored.checked;
    let record = |drill: bool| {
        Record::new(
            Kind::BackupRestored,
            [
                ("sha256", hex(&checked.sum.sha256).into()),
                ("created", time_text(checked.list.created).into()),
                ("records", checked.journal.as_ref().map(|report| report.records).into()),
                ("keys_not_restored", restored.destroyed.len().into()),
                ("drill", drill.into()),
            ],
        )
    };
    if checked.journal.is_some() {
        let gone = restored.destroyed.iter().map(|(class, day)| Record::key_destroyed(*class, day));
        let records: Vec<Record> = gone.chain([record(drill.is_some())]).collect();
        let retention = checked.list.retention();
        let journal = Settings { retention, ..Settings::new(args.data.join("journal")) };
        noted::alone(&Place { data_dir: args.data.clone(), journal, keys: args.data.join(SEAL) }, &records)?;
    }
    drill.map_or(Ok(()), |place| noted::note(place, &[record(true)]))
}

fn print(args: &RestoreArgs, restored: &Restored) {
    let checked = &restored.checked;
    let records = checked.journal.as_ref().map(|report| report.records);
    if args.json {
        let elsewhere = checked.list.files.iter().filter(|file| file.was.is_some());
        println!(
            "{}",
            json!({
                "data": args.data.display().to_string(), "sha256": hex(&checked.sum.sha256),
                "created": time_text(checked.list.created), "files": checked.list.files.len() - restored.destroyed.len(),
                "records": records, "keys_not_restored": restored.destroyed.len(),
                "elsewhere": elsewhere.collect::<Vec<_>>(),
            })
        );
        return;
    }
    println!("{}: as of {}", args.data.display(), time_text(checked.list.created));
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
