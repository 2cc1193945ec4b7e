//! What people are told: written, read, approved, posted and taken down.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};

use super::papers::{no, of, order, said};
use crate::{
    cli::{
        office::{AsArgs, Office},
        safe::printable,
        staff::Failure,
    },
    common::clock,
    incident::{
        Case,
        law::{Law, To},
        notice::{
            Command,
            decide::ground,
            draft::Texts,
            state::{Notice, Papers},
            view,
            wording::{Audience, Language},
        },
    },
    registry::Moment,
};

/// What `incident notice` takes.
#[derive(Debug, clap::Args)]
pub struct NoticeArgs {
    /// The case.
    number: u64,
    /// The law that asks for it, such as `kr-pipa`.
    #[arg(long, value_name = "LAW")]
    law: Option<String>,
    /// Its duty: `notice` or `possible_notice`.
    #[arg(long, value_name = "DUTY", default_value = "notice")]
    duty: String,
    /// In which language: `ko` or `en` [default: ko for laws of Korea, else en].
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    language: Option<Language>,
    /// Write something: an item's key, or `title`, and its text; an empty text takes it away. Once for each.
    #[arg(long = "set", value_name = "KEY=TEXT", requires = "law", value_parser = pair)]
    set: Vec<(String, String)>,
    /// The same, out of a file in UTF-8.
    #[arg(long = "set-file", value_name = "KEY=FILE", requires = "law", value_parser = pair)]
    files: Vec<(String, String)>,
    /// Write the documents into this new folder, to be read, in place of telling how it is with them.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["set", "files"])]
    preview: Option<PathBuf>,
    #[command(flatten)]
    order: AsArgs,
}

/// What `incident approve` takes.
#[derive(Debug, clap::Args)]
pub struct ApproveArgs {
    /// The case.
    number: u64,
    /// Which notice of it [default: the newest].
    #[arg(long, value_name = "N")]
    notice: Option<u64>,
    /// The SHA-256 of what you have read, or its first eight digits.
    #[arg(long, value_name = "SHA256")]
    agree: String,
    #[command(flatten)]
    order: AsArgs,
}

/// What `incident post` takes.
#[derive(Debug, clap::Args)]
pub struct PostArgs {
    /// The case.
    number: u64,
    /// Which notice of it [default: the newest].
    #[arg(long, value_name = "N")]
    notice: Option<u64>,
    /// For how many days, at least 30.
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    days: u64,
    /// Say what would be seen, and post nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    order: AsArgs,
}

/// What `incident take-down` takes.
#[derive(Debug, clap::Args)]
pub struct TakeDownArgs {
    /// The case.
    number: u64,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    order: AsArgs,
}

pub(super) fn language(text: &str) -> Result<Language, String> {
    Language::of(text).ok_or_else(|| "`ko` or `en` is expected".to_owned())
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (key, rest) = text.split_once('=').ok_or_else(|| "KEY=.. is expected".to_owned())?;
    Ok((key.trim().to_owned(), rest.to_owned()))
}

/// The language of a law, where nobody says another.
pub(super) fn language_of(law: &str) -> Language {
    if law.starts_with("kr-") { Language::Korean } else { Language::English }
}

/// What was written at the command line, and in files.
pub(super) fn written(
    set: &[(String, String)],
    files: &[(String, String)],
) -> Result<BTreeMap<String, String>, Failure> {
    let mut said: BTreeMap<String, String> = set.iter().cloned().collect();
    for (key, path) in files {
        let text = fs::read_to_string(path)
            .map_err(|error| no(format!("the file of `{key}` can't be read: {error}"), None, 3))?;
        said.insert(key.clone(), text.replace("\r\n", "\n").trim_end().to_owned());
    }
    Ok(said)
}

/// The notice that is meant: that of the number, or the newest.
pub(super) fn chosen(papers: &Papers, number: Option<u64>) -> Result<&Notice, Failure> {
    let found = match number {
        Some(number) => papers.notice(number),
        None => papers.notices.last(),
    };
    let hint = "`privet incident notice N --law LAW --set KEY=TEXT` writes one";
    found.ok_or_else(|| no("the case has no such notice", Some(hint), 1))
}

pub(super) fn notice(args: &NoticeArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let said = written(&args.set, &args.files)?;
    if let (Some(law), false) = (&args.law, said.is_empty()) {
        let language = args.language.unwrap_or_else(|| language_of(law));
        let texts = Texts::from([(language, said)]);
        let command = Command::Draft { case: args.number, law: law.clone(), duty: args.duty.clone(), texts };
        let events = order(&args.order, &office, command)?;
        let drafted = super::papers::said(&events, "notice.drafted").unwrap_or_default();
        if args.order.json {
            println!("{}", json!({ "events": events }));
        } else {
            let (number, sha256) = (&drafted["notice"], drafted["sha256"].as_str().unwrap_or_default());
            println!("written as notice {number} of case {}, SHA-256 {sha256}", args.number);
            println!("read it (`privet incident notice {} --preview DIR`); two officers approve it", args.number);
        }
        return Ok(());
    }
    let (case, papers) = of(&office, args.number)?;
    if let Some(folder) = &args.preview {
        return preview(chosen(&papers, None)?, folder);
    }
    let page = office.incidents.notices.page.as_ref();
    let mut object = view::papers(&papers, page, clock::now().into());
    object["due"] = due(&office, &case, &papers, args.language);
    if args.order.json {
        println!("{object}");
    } else {
        show(&object);
    }
    Ok(())
}

/// Of each duty towards people, what is still to be written.
fn due(office: &Office, case: &Case, papers: &Papers, language: Option<Language>) -> Value {
    let mut rows = Vec::new();
    for law in office.incidents.laws.iter().filter_map(|law| Law::at(law, case.known_at)) {
        for duty in law.duties.iter().filter(|duty| duty.to == To::People) {
            let settings = &office.incidents.notices;
            let Some(ground) = ground(case, &law.id, &duty.id, settings, clock::now().into()) else { continue };
            let own = papers.notices.iter().rev().find(|notice| notice.law == law.id && notice.duty == duty.id);
            let texts = own.map(|notice| notice.texts.clone()).unwrap_or_default();
            let language = language.unwrap_or_else(|| language_of(&law.id));
            let items = ground.items(&texts, language);
            let items: Vec<Value> = items
                .iter()
                .map(|filled| json!({ "key": filled.item.key, "name": filled.item.name, "text": filled.item.text, "missing": filled.missing }))
                .collect();
            rows.push(json!({ "law": law.id, "duty": duty.id, "language": language, "items": items }));
        }
    }
    Value::Array(rows)
}

fn text(value: &Value) -> String {
    printable(value.as_str().unwrap_or_default())
}

/// The notices of a case, as an object.
pub(super) fn look(office: &Office, number: u64) -> Result<Value, Failure> {
    let (_, papers) = of(office, number)?;
    Ok(view::papers(&papers, office.incidents.notices.page.as_ref(), clock::now().into()))
}

/// Says how it is with them.
pub(super) fn show(object: &Value) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for notice in list(&object["notices"]) {
        let by: Vec<String> = list(&notice["approvals"]).iter().map(|one| text(&one["by"]["subject"])).collect();
        let approved =
            if by.is_empty() { "approved by nobody yet".to_owned() } else { format!("approved by {}", by.join(", ")) };
        println!(
            "notice {}\t{} {}\t{approved}\t{}",
            notice["notice"],
            text(&notice["law"]),
            text(&notice["duty"]),
            text(&notice["sha256"])
        );
        if let Some(states) = notice["sending"]["states"].as_object() {
            let states = states.iter().filter(|(_, n)| **n != json!(0)).map(|(state, n)| format!("{n} {state}"));
            println!("\tsent to {} people: {}", notice["sending"]["recipients"], states.collect::<Vec<_>>().join(", "));
        }
    }
    for posting in list(&object["postings"]) {
        let end = posting["ended"]
            .as_str()
            .map_or_else(|| format!("until {}", text(&posting["until"])), |end| format!("taken down {end}"));
        println!(
            "posted\tnotice {}\t{}\t{end}\t{} looks have found it, {} have not",
            posting["notice"],
            text(&posting["since"]),
            posting["proofs"],
            posting["failed"]
        );
        for gap in list(&posting["gaps"]) {
            println!(
                "\tGAP      nobody can prove that it was there from {} to {}",
                text(&gap["from"]),
                text(&gap["to"])
            );
        }
    }
    for duty in list(&object["due"]) {
        println!("{} {} ({}):", text(&duty["law"]), text(&duty["duty"]), text(&duty["language"]));
        for item in list(&duty["items"]) {
            let state = if item["missing"] == true { "MISSING" } else { "filled" };
            println!("\t{state}\t{}\t{}", text(&item["key"]), text(&item["name"]));
        }
    }
}

/// Writes documents where officers can read them.
fn preview(notice: &Notice, folder: &Path) -> Result<(), Failure> {
    let unwritten = |error: std::io::Error| no(format!("the folder can't be written: {error}"), None, 3);
    fs::create_dir(folder).map_err(unwritten)?;
    for document in &notice.documents {
        let audience = match document.audience {
            Audience::Confirmed => "confirmed",
            Audience::Possible => "possible",
            Audience::Public => "public",
        };
        let path = |form: &str| folder.join(format!("{audience}.{}.{form}", document.language.tag()));
        let page = format!("<!doctype html>\n<meta charset=\"utf-8\">\n{}", document.html);
        fs::write(path("html"), page).map_err(unwritten)?;
        fs::write(path("txt"), &document.text).map_err(unwritten)?;
    }
    println!("notice {}, SHA-256 {}", notice.number, notice.sha256);
    Ok(())
}

pub(super) fn approve(args: &ApproveArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let (_, papers) = of(&office, args.number)?;
    let notice = chosen(&papers, args.notice)?.number;
    let sha256 = args.agree.trim().to_ascii_lowercase();
    let events = order(&args.order, &office, Command::Approve { case: args.number, notice, sha256 })?;
    if args.order.json {
        println!("{}", json!({ "events": events }));
        return Ok(());
    }
    let (_, papers) = of(&office, args.number)?;
    let approved = papers.notice(notice).is_some_and(Notice::is_approved);
    let next = if approved { "it may go out" } else { "another officer has to approve it as well" };
    println!("approved: {next}");
    Ok(())
}

pub(super) fn post(args: &PostArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let (_, papers) = of(&office, args.number)?;
    let notice = chosen(&papers, args.notice)?;
    let until =
        Moment::from(clock::now()).after(Duration::from_secs(args.days.saturating_mul(86_400).saturating_add(60)));
    if args.dry_run {
        let public = notice.documents.iter().filter(|document| document.audience == Audience::Public);
        public.for_each(|document| println!("{}\n", document.text));
        println!("would be posted until {until}, and is not: this is a dry run");
        return Ok(());
    }
    let command = Command::Post { case: args.number, notice: notice.number, until };
    let events = order(&args.order, &office, command)?;
    if args.order.json {
        println!("{}", json!({ "events": events }));
    } else {
        let link = office.incidents.notices.page.as_ref().map(|page| page.link(args.number)).unwrap_or_default();
        println!("posted until {until}: {link}");
    }
    Ok(())
}

pub(super) fn take_down(args: &TakeDownArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let command = Command::TakeDown { case: args.number, reason: args.reason.clone() };
    let events = order(&args.order, &office, command)?;
    if args.order.json {
        println!("{}", json!({ "events": events }));
    } else if said(&events, "notice.taken_down").is_some() {
        println!("taken down");
    }
    Ok(())
}
