//! `privet backup create`: a back-up, in a new file or on standard output.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, IsTerminal as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::json;

use super::{Data, DataArgs, KeyArgs, failed, tell};
use crate::{
    backup::{
        self,
        create::{Created, create},
        sealed::Key,
    },
    cli::noted::note,
    common::clock,
    journal::{Kind, Record, tree::hex},
};

/// What `backup create` takes.
#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// A folder for a new file, named for the time.
    #[arg(long, value_name = "DIR", required_unless_present = "output")]
    to: Option<PathBuf>,
    /// A new file, or `-` for standard output.
    #[arg(short, long, value_name = "FILE", conflicts_with = "to")]
    output: Option<PathBuf>,
    /// JSON instead of text; on standard error where the back-up is on standard output.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &CreateArgs) -> ExitCode {
    let data = match args.data.data() {
        Ok(data) => data,
        Err(code) => return code,
    };
    if let Some(inside) = lost_with(&args.key, &data) {
        eprintln!(
            "privet backup: the key in {} would be lost together with the data\n    hint: keep it elsewhere",
            inside.display()
        );
        return ExitCode::from(2);
    }
    let key = match args.key.key(true) {
        Ok(key) => key,
        Err(code) => return code,
    };
    let (created, file) = match made(args, &data, &key) {
        Ok(made) => made,
        Err(error) => return failed(&error),
    };
    print(args, &created, file.as_deref());
    let Some(place) = &data.place else { return ExitCode::SUCCESS };
    let record = Record::new(
        Kind::BackupCreated,
        [
            ("sha256", hex(&created.sum.sha256).into()),
            ("bytes", created.sum.bytes.into()),
            ("records", created.journals.records().into()),
            ("sealed_by", key.name().into()),
            ("to", if file.is_some() { "file" } else { "standard output" }.into()),
        ],
    );
    if let Err(error) = note(place, &[record]) {
        tell(&error);
        eprintln!("    the back-up is made, and the journal does not tell of it");
        return ExitCode::from(3);
    }
    ExitCode::SUCCESS
}

/// The key file, where it is among the data.
fn lost_with(key: &KeyArgs, data: &Data) -> Option<PathBuf> {
    let key = key.key_file.as_ref()?.canonicalize().ok()?;
    let same = |path: &Path| path.canonicalize().is_ok_and(|path| path == key);
    let folder = data.place.as_ref().and_then(|place| place.data_dir.canonicalize().ok());
    let inside = folder.is_some_and(|folder| key.starts_with(folder));
    (inside || data.sources.files.iter().any(|file| same(&file.path))).then_some(key)
}

/// Makes it; where, unless on standard output.
fn made(args: &CreateArgs, data: &Data, key: &Key) -> Result<(Created, Option<PathBuf>), backup::Error> {
    let now = clock::now();
    let path = match (&args.output, &args.to) {
        (Some(path), _) if path.as_os_str() == "-" => {
            let out = io::stdout();
            if out.is_terminal() {
                let error = io::Error::other("it is a terminal");
                return Err(backup::Error::File("standard output".to_owned(), error));
            }
            return create(&data.sources, key, BufWriter::new(out.lock()), now).map(|created| (created, None));
        }
        (Some(path), _) => path.clone(),
        (None, folder) => folder.clone().unwrap_or_default().join(name(now)),
    };
    let unusable = |error| backup::Error::File(path.display().to_string(), error);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.new-{:08x}", fastrand::u32(..)));
    let written = whole(&beside, &path, |out| create(&data.sources, key, out, now));
    // It has its name by now, or is not to have one.
    let _ = fs::remove_file(&beside);
    match written {
        Ok(created) => created.map(|created| (created, Some(path.clone()))),
        Err(error) => Err(unusable(error)),
    }
}

/// Whole or not at all, and never over another file.
fn whole(
    beside: &Path,
    path: &Path,
    make: impl FnOnce(&mut BufWriter<&File>) -> Result<Created, backup::Error>,
) -> io::Result<Result<Created, backup::Error>> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    let mut out = BufWriter::new(&file);
    let created = match make(&mut out) {
        Ok(created) => created,
        Err(error) => return Ok(Err(error)),
    };
    out.flush()?;
    drop(out);
    file.sync_all()?;
    fs::hard_link(beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(Ok(created))
}

fn name(now: std::time::SystemTime) -> String {
    let format = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
    let text = time::OffsetDateTime::from(now).format(format).unwrap_or_default();
    format!("privet-{text}.backup")
}

fn print(args: &CreateArgs, created: &Created, file: Option<&Path>) {
    let (sum, records) = (&created.sum, created.journals.records());
    let text = if args.json {
        json!({
            "file": file.map(|file| file.display().to_string()), "sha256": hex(&sum.sha256), "bytes": sum.bytes,
            "files": created.list.files.len(), "records": records,
        })
        .to_string()
    } else {
        let place = file.map_or_else(|| "standard output".to_owned(), |file| file.display().to_string());
        let records = records.map_or_else(|| "no journal".to_owned(), |records| format!("{records} records"));
        format!(
            "{place}: {} bytes, {} files, {records}\nsha256     {}",
            sum.bytes,
            created.list.files.len(),
            hex(&sum.sha256)
        )
    };
    if file.is_some() { println!("{text}") } else { eprintln!("{text}") }
}
