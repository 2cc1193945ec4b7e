//! Who has seen, changed or taken along people's data: pages over the journal from its end, with a bounded look for each.
//!
//! Whoever looks is written down before anything is shown: who, and what they asked for. The person whose data it is stands there as a pseudonym.

use std::{collections::BTreeSet, fmt::Write as _};

use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::reading::{deeds, joined, text};
use crate::{
    access::page::escaped,
    admin::{
        by::By,
        console::{
            layout::Shown,
            list::{Cell, Column, List, Sign, csv_field},
            visit::{Absent, Visit},
        },
        control::time,
    },
    identity::order::SignedIn,
    journal::{
        Kind, Record,
        back::{self, Bounds, Page},
        kind::Class,
        search::{Filter, Line},
    },
    registry::Moment,
    seal::Ring,
};

/// What a page of it may cost.
const PAGE: Bounds = Bounds { lines: 50, opened: 50_000, bytes: 256 << 20 };
/// What an export may: whoever wants more goes on from where it ends.
const EXPORT: Bounds = Bounds { lines: 10_000, opened: 500_000, bytes: 512 << 20 };
/// Who looks at the same time: a look holds a file of the journal in memory.
static LOOKS: Semaphore = Semaphore::const_new(1);

/// What can be asked for: name in the URL, English, Korean.
const FIELDS: [(&str, &str, &str); 4] = [
    ("person", "Who has looked", "열람한 담당자"),
    ("route", "Route", "경로"),
    ("action", "Action", "행위"),
    ("purpose", "Purpose", "목적"),
];

/// What of a record is shown and exported.
const TOLD: [&str; 12] = [
    "request_id",
    "person",
    "issuer",
    "roles",
    "address",
    "route",
    "action",
    "purpose",
    "ticket",
    "people",
    "shown",
    "complete",
];

/// What of a record is not: it may be long, too.
const HIDDEN: [&str; 3] = ["subjects", "found", "named_by"];

pub(in crate::admin::console) async fn show(visit: &Visit) -> Result<Shown, Absent> {
    let asked = Asked::of(visit);
    let format = visit.query.one("format").filter(|format| ["csv", "jsonl"].contains(format));
    let bounds = if format.is_some() { EXPORT } else { PAGE };
    written(visit, &asked, format).await?;
    let page = look(visit, asked, bounds).await?;
    Ok(match format {
        Some("csv") => Shown::file("text/csv; charset=utf-8; header=present", "privet-disclosures.csv", csv(&page)),
        Some(_) => Shown::file("application/x-ndjson", "privet-disclosures.jsonl", lines(&page)),
        None => Shown::html(html(visit, &page)),
    })
}

/// What is looked for.
#[derive(Debug, Clone)]
struct Asked {
    fields: Vec<(&'static str, String)>,
    subjects: BTreeSet<String>,
    filter: Filter,
    before: Option<u64>,
}

impl Asked {
    fn of(visit: &Visit) -> Self {
        let query = &visit.query;
        let fields = FIELDS.iter().filter_map(|(name, ..)| Some((*name, query.one(name)?.to_lowercase()))).collect();
        let subjects = query.one("subject").map(|all| all.split(',').map(str::to_owned).collect());
        let day = |name: &str, end: &str| {
            let text = query.one(name)?;
            Moment::parse(&format!("{text}{end}")).map(Moment::millis)
        };
        // One record alone, where its number is named.
        let record = query.number("record");
        let filter = Filter {
            class: Some(Class::Access),
            kind: Some(Kind::DisclosureDone.name().to_owned()),
            from: record.unwrap_or_default(),
            since: day("since", "T00:00:00Z"),
            until: day("until", "T23:59:59Z").map(|end| end + 1000),
            ..Filter::default()
        };
        let before = record.map(|record| record.saturating_add(1)).or(query.number("before"));
        Self { fields, subjects: subjects.unwrap_or_default(), filter, before }
    }

    /// Whether a record is one of those.
    fn wants(&self, line: &Line) -> bool {
        let says = |(name, wanted): &(&str, String)| {
            line.body.get(*name).and_then(Value::as_str).is_some_and(|value| value.to_lowercase() == *wanted)
        };
        let of_subject = || {
            let subjects = line.body.get("subjects").and_then(Value::as_array);
            subjects.into_iter().flatten().filter_map(Value::as_str).any(|subject| self.subjects.contains(subject))
        };
        self.fields.iter().all(says) && (self.subjects.is_empty() || of_subject())
    }
}

/// That somebody looks, on disk before they see anything.
async fn written(visit: &Visit, asked: &Asked, format: Option<&str>) -> Result<(), Absent> {
    let journal = visit.reach.journal.get().ok_or_else(|| no_journal(visit))?;
    let mut body: Map<String, Value> =
        asked.fields.iter().map(|(name, value)| (format!("asked_{name}"), value.as_str().into())).collect();
    body.insert("subjects".to_owned(), json!(asked.subjects).as_array().filter(|all| !all.is_empty()).cloned().into());
    body.insert("since".to_owned(), asked.filter.since.into());
    body.insert("until".to_owned(), asked.filter.until.into());
    body.insert("from".to_owned(), Some(asked.filter.from).filter(|from| *from > 0).into());
    body.insert("before".to_owned(), asked.before.into());
    body.insert("export".to_owned(), format.into());
    let record = By::Person(&SignedIn::of(&visit.who)).sign(Record::of(Kind::AccessLooked, body));
    let outcome = journal.append(&record).await;
    outcome.map(|_| ()).map_err(|error| {
        Absent::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("that you look can't be written down, so nothing is shown: {error}"),
        )
    })
}

async fn look(visit: &Visit, asked: Asked, bounds: Bounds) -> Result<Page, Absent> {
    let (Some(journal), Some(keys)) = (visit.reach.journal.get(), visit.reach.keys.clone()) else {
        return Err(no_journal(visit));
    };
    let place = journal.place();
    // Never closed.
    let _turn = LOOKS.acquire().await;
    let reading = tokio::task::spawn_blocking(move || {
        let ring = Ring::load(&keys).map_err(|error| error.to_string())?;
        let page = back::page(&place, ring, &asked.filter, asked.before, bounds, |line| {
            let wants = asked.wants(line);
            // Whose data it was is looked for, and shown to nobody.
            line.body.retain(|name, _| !HIDDEN.contains(&name.as_str()));
            wants
        });
        page.map_err(|error| error.to_string())
    });
    let page = reading.await.unwrap_or_else(|_| Err("the journal can't be read".to_owned()));
    page.map_err(|why| Absent::new(StatusCode::SERVICE_UNAVAILABLE, why))
}

fn no_journal(visit: &Visit) -> Absent {
    let why = visit.say("This gateway keeps no journal.", "이 게이트웨이는 기록을 남기지 않습니다.");
    Absent::new(StatusCode::SERVICE_UNAVAILABLE, why)
}

fn html(visit: &Visit, page: &Page) -> String {
    let mut out = deeds(&[("/disclosures/person".to_owned(), visit.say("Look up one person", "한 사람의 열람 기록"))]);
    let only = match (visit.query.one("record"), visit.query.one("subject")) {
        (Some(_), _) => Some(visit.say("Only one record is shown.", "기록 한 건만 표시합니다.")),
        (None, Some(_)) => Some(visit.say("Only records of one person are shown.", "한 사람의 기록만 표시합니다.")),
        (None, None) => None,
    };
    if let Some(note) = only {
        let all = visit.say("Show all", "전체 보기");
        let _ = write!(out, "<p class=\"note\">{note} <a href=\"/disclosures\">{all}</a></p>");
    }
    out.push_str(&tools(visit));
    let (next, reached, unread) = (page.before, page.reached, page.unread);
    let rows: Vec<Vec<Cell>> = page.lines.iter().map(|line| row(visit, line)).collect();
    let columns = vec![
        Column::new("time", visit.say("Time", "시각")),
        Column::new("person", visit.say("Who", "담당자")),
        Column::new("address", visit.say("From", "접속지")),
        Column::new("action", visit.say("Action", "행위")),
        Column::new("route", visit.say("Route", "경로")),
        Column::new("purpose", visit.say("Purpose", "목적")),
        Column::number("people", visit.say("People", "정보주체 수")),
        Column::new("shown", visit.say("Types shown", "표시된 유형")),
        Column::new("complete", visit.say("Delivered", "전달")),
        Column::number("record", visit.say("Record", "기록 번호")),
    ];
    let caption = visit.say("Disclosures, the newest first", "열람 기록(최신순)").to_owned();
    out.push_str(&List { caption, columns, rows }.table(None));
    out.push_str(&turn(visit, next, reached));
    if unread.destroyed + unread.locked > 0 {
        let note = visit.say("{n} records can't be read any more.", "더 이상 읽을 수 없는 기록: {n}건.");
        let _ = write!(out, "<p>{}</p>", note.replace("{n}", &(unread.destroyed + unread.locked).to_string()));
    }
    out
}

fn row(visit: &Visit, line: &Line) -> Vec<Cell> {
    let body = Value::Object(line.body.clone());
    let shown = body["shown"].as_object();
    let types: Vec<String> = shown.into_iter().flatten().map(|(kind, count)| format!("{kind} {count}")).collect();
    let complete = body["complete"] == true;
    let word = if complete { visit.say("whole", "전부") } else { visit.say("not whole", "일부") };
    let is_own = body["probe"] == true;
    let who = if is_own { visit.say("Privet itself", "Privet 자체 점검") } else { text(&body, "person") };
    let ticket = text(&body, "ticket");
    vec![
        Cell::time(moment(line).as_deref()),
        Cell::text(if who.is_empty() { visit.say("nobody known", "미확인") } else { who }),
        Cell::text(text(&body, "address")),
        Cell::text(visit.term(text(&body, "action"))),
        Cell::text(text(&body, "route")),
        Cell::text([text(&body, "purpose"), ticket].join(" ").trim()),
        Cell::number(body["people"].as_u64().unwrap_or_default()),
        Cell::text(types.join(", ")),
        Cell::sign(if complete { Sign::Green } else { Sign::Amber }, word),
        Cell::number(line.index),
    ]
}

fn tools(visit: &Visit) -> String {
    let mut out = format!("<form class=\"tools\" role=\"search\" method=\"get\" action=\"{}\">", escaped(&visit.path));
    for (name, english, korean) in FIELDS {
        let value = escaped(visit.query.one(name).unwrap_or_default());
        let label = visit.say(english, korean);
        let _ = write!(
            out,
            "<p><label for=\"{name}\">{label}</label> <input id=\"{name}\" name=\"{name}\" value=\"{value}\" maxlength=\"200\" size=\"14\"></p>"
        );
    }
    for (name, label) in [("since", visit.say("From day", "시작일")), ("until", visit.say("To day", "종료일"))] {
        let value = escaped(visit.query.one(name).unwrap_or_default());
        let _ = write!(
            out,
            "<p><label for=\"{name}\">{label}</label> <input id=\"{name}\" name=\"{name}\" type=\"date\" value=\"{value}\"></p>"
        );
    }
    if let Some(subject) = visit.query.one("subject") {
        let _ = write!(out, "<input type=\"hidden\" name=\"subject\" value=\"{}\">", escaped(subject));
    }
    let _ = write!(out, "<button>{}</button></form>", visit.say("Search", "검색"));
    let export = |format: &str| visit.query.with(&[("format", Some(format)), ("lang", None)]);
    let (csv, jsonl) =
        (visit.say("Take along as CSV", "CSV로 내보내기"), visit.say("as JSON lines", "JSON Lines로 내보내기"));
    let note = visit.say("(up to 10,000 records from here)", "(여기서부터 최대 10,000건)");
    let _ = write!(
        out,
        "<p><a href=\"{}\">{csv}</a> · <a href=\"{}\">{jsonl}</a> {note}</p>",
        export("csv"),
        export("jsonl")
    );
    out
}

fn turn(visit: &Visit, next: Option<u64>, reached: Option<u64>) -> String {
    let mut out = format!("<nav class=\"turn\" aria-label=\"{}\">", visit.say("Pages", "쪽"));
    if visit.query.one("before").is_some() {
        let query = visit.query.with(&[("before", None), ("lang", None)]);
        let _ = write!(out, "<a href=\"{}{query}\">{}</a> ", escaped(&visit.path), visit.say("Newest", "최신"));
    }
    match next {
        Some(next) => {
            let reached = reached.and_then(|at| time(i64::try_from(at / 1000).ok()?)).unwrap_or_default();
            let said = visit.say("Looked back to {t}.", "{t}까지 조회했습니다.").replace("{t}", &reached);
            let query = visit.query.with(&[("before", Some(&next.to_string())), ("lang", None)]);
            let _ = write!(out, "<span>{said}</span> <a href=\"{query}\">{}</a>", visit.say("Older", "이전 기록"));
        }
        None => {
            let _ = write!(out, "<span>{}</span>", visit.say("That is all.", "마지막 기록입니다."));
        }
    }
    out + "</nav>"
}

fn moment(line: &Line) -> Option<String> {
    time(i64::try_from(line.time / 1000).ok()?)
}

/// One disclosure without anybody's pseudonym.
fn told(line: &Line) -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("record".to_owned(), line.index.into());
    told.insert("time".to_owned(), moment(line).into());
    let all = TOLD.iter().filter_map(|name| Some(((*name).to_owned(), line.body.get(*name)?.clone())));
    told.extend(all);
    told
}

fn lines(page: &Page) -> Vec<u8> {
    page.lines.iter().map(|line| Value::Object(told(line)).to_string() + "\n").collect::<String>().into_bytes()
}

fn csv(page: &Page) -> Vec<u8> {
    let mut out = format!("\u{feff}record,time,{}\r\n", TOLD.join(","));
    for line in &page.lines {
        let told = told(line);
        let field = |name: &str| match told.get(name) {
            Some(Value::String(text)) => csv_field(text),
            Some(Value::Object(shown)) => csv_field(&shown.keys().map(String::as_str).collect::<Vec<_>>().join(" ")),
            Some(all @ Value::Array(_)) => csv_field(&joined(all)),
            Some(other) => csv_field(&other.to_string()),
            None => String::new(),
        };
        let fields: Vec<String> = ["record", "time"].iter().chain(&TOLD).map(|name| field(name)).collect();
        out += &(fields.join(",") + "\r\n");
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(body: Value) -> Line {
        let Value::Object(body) = body else { panic!("an object") };
        let kind = Kind::DisclosureDone.name().to_owned();
        Line {
            index: 7,
            time: 1_700_000_000_000,
            class: Class::Access,
            hash: [0; 32],
            kind,
            clock_was_set: false,
            body,
        }
    }

    #[test]
    fn what_is_taken_along_names_no_subject() {
        let page = Page {
            lines: vec![line(json!({
                "person": "=ann", "route": "shop", "subjects": ["AAAA"], "shown": { "EMAIL_ADDRESS": 2 }, "people": 1,
            }))],
            ..Page::default()
        };
        let csv = String::from_utf8(csv(&page)).expect("text");
        assert!(
            csv.contains("7,2023-11-14T22:13:20Z,,'=ann,") && csv.contains(",EMAIL_ADDRESS,") && !csv.contains("AAAA"),
            "{csv}"
        );
        let lines = String::from_utf8(lines(&page)).expect("text");
        assert!(lines.contains("\"person\":\"=ann\"") && !lines.contains("AAAA"), "{lines}");
    }

    #[test]
    fn all_that_is_asked_for_must_fit() {
        let filter = Filter::default();
        let asked = |fields: &[(&'static str, &str)], subjects: &[&str]| Asked {
            fields: fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            subjects: subjects.iter().map(|own| (*own).to_owned()).collect(),
            filter: filter.clone(),
            before: None,
        };
        let line = line(json!({ "person": "Ann", "route": "shop", "subjects": ["AAAA"] }));
        assert!(
            asked(&[], &[]).wants(&line) && asked(&[("person", "ann"), ("route", "shop")], &["AAAA", "B"]).wants(&line)
        );
        assert!(!asked(&[("person", "an")], &[]).wants(&line) && !asked(&[], &["B"]).wants(&line));
    }
}
