//! What an authority is told: a form filled with what is known and what officers write, and refused while an item is empty.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{
    notice::{language, language_of, pair, written},
    papers::{no, of},
};
use crate::{
    cli::staff::{Failure, PlaceArgs},
    common::clock,
    format::{font::Font, pdf},
    incident::notice::{
        decide::ground,
        draft::{Error, Filled, Texts},
        view,
        wording::Language,
    },
};

/// What `incident form` takes.
#[derive(Debug, clap::Args)]
pub struct FormArgs {
    /// The case.
    number: u64,
    /// The law whose authority is told, such as `kr-pipa`.
    #[arg(long, value_name = "LAW")]
    law: String,
    /// In which language: `ko` or `en` [default: ko for laws of Korea, else en].
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    language: Option<Language>,
    /// An item's key, and its text; once for each. What a notice under the same law says counts as well.
    #[arg(long = "set", value_name = "KEY=TEXT", value_parser = pair)]
    set: Vec<(String, String)>,
    /// The same, out of a file in UTF-8.
    #[arg(long = "set-file", value_name = "KEY=FILE", value_parser = pair)]
    files: Vec<(String, String)>,
    /// Write it as HTML to this new file, made with mode 0600.
    #[arg(short, long, value_name = "FILE", required_unless_present_any = ["dry_run", "pdf"])]
    output: Option<PathBuf>,
    /// Write it as PDF as well, with the `font` of `[incident]`.
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// Say what is filled in and what is missing, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// That as JSON instead of text.
    #[arg(long, requires = "dry_run")]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn run(args: &FormArgs) -> Result<(), Failure> {
    let office = args.place.office()?;
    let settings = &office.incidents.notices;
    let (case, papers) = of(&office, args.number)?;
    let language = args.language.unwrap_or_else(|| language_of(&args.law));
    let ground = ground(&case, &args.law, "report", settings, clock::now().into());
    let ground = ground.ok_or_else(|| {
        no(format!("the law `{}` was not in force when the case became known, or has no report", args.law), None, 2)
    })?;
    let known = |key: &str| ground.duty.items.iter().any(|item| item.key == key);
    let notice = papers.notices.iter().rev().find(|notice| notice.law == args.law);
    let of_notice = notice.and_then(|notice| notice.texts.get(&language)).cloned().unwrap_or_default();
    let mut said: std::collections::BTreeMap<String, String> =
        of_notice.into_iter().filter(|(key, _)| known(key)).collect();
    if let Some(document) =
        notice.and_then(|notice| notice.documents.iter().find(|document| document.language == language))
        && known("sample")
    {
        said.insert("sample".to_owned(), document.text.clone());
    }
    said.extend(written(&args.set, &args.files)?);
    let texts = Texts::from([(language, said)]);
    let refused = |error: Error| {
        let hint = "write it: --set KEY=TEXT or --set-file KEY=FILE; --dry-run shows all items";
        no(error.to_string(), Some(hint), 1)
    };
    if args.dry_run {
        let items = ground.items(&texts, language);
        if args.json {
            let one = |filled: &Filled| json!({ "key": filled.item.key, "name": filled.item.name, "missing": filled.missing });
            println!("{}", json!({ "items": items.iter().map(one).collect::<Vec<_>>() }));
        } else {
            for filled in &items {
                let state = if filled.missing { "MISSING" } else { "filled" };
                println!("{state}\t{}\t{}", filled.item.key, filled.item.name);
            }
        }
        return ground.check(&texts).map_err(refused);
    }
    let status = view::told(&papers, language);
    let html = ground.report(&texts, language, true, &status).map_err(refused)?;
    if let Some(path) = &args.pdf {
        let Some(font) = &settings.font else {
            let hint = "add `font = \"NanumGothic.ttf\"` to [incident]";
            return Err(no("a PDF needs a font with the signs of the language", Some(hint), 2));
        };
        let font = Font::open(font).map_err(|error| no(format!("the font can't be used: {error}"), None, 2))?;
        let text = ground.report(&texts, language, false, &status).map_err(refused)?;
        let pdf = pdf::write(&text, &font).map_err(|error| no(error.to_string(), Some("take another font"), 2))?;
        create(path, &pdf)?;
    }
    if let Some(path) = &args.output {
        create(path, html.as_bytes())?;
    }
    println!(
        "written; when it is sent, say so: `privet incident report-done {} --law {} --duty report`",
        args.number, args.law
    );
    Ok(())
}

/// A new file that nobody else reads.
pub(super) fn create(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| no(format!("{} can't be written: {error}", path.display()), None, 3))
}
