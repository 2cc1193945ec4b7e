//! `privet audit people`: how many different people's data each member of staff has seen, day by day. Exact: the union of all that their access
//! records name, and what no record can name anybody for is told beside it.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    io::{self, BufWriter, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use roaring::RoaringBitmap;
use serde_json::{Map, Value, json};

use super::{FilterArgs, PlaceArgs, unavailable};
use crate::{
    access::subject::Subject,
    cli::safe::printable,
    common::clock,
    journal::{Kind, search::Line},
};

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum By {
    /// A day of the office, by `[access] utc_offset`.
    Day,
    /// All of the time that is asked about.
    Period,
}

/// What `audit people` takes.
#[derive(Debug, clap::Args)]
pub struct PeopleArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// The keys [default: seal.key in the data folder, or what the configuration names].
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// What is counted together.
    #[arg(long, value_enum, default_value_t = By::Day)]
    by: By,
    /// Only what this person has seen.
    #[arg(long, value_name = "NAME")]
    person: Option<String>,
    /// From this time on, such as 2026-11-01 (UTC) or 2026-11-01T09:00:00+09:00.
    #[arg(long, value_name = "TIME", value_parser = super::moment)]
    since: Option<u64>,
    /// Up to this time, exclusive.
    #[arg(long, value_name = "TIME", value_parser = super::moment)]
    until: Option<u64>,
    /// JSON instead of text: one object for each person and day.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &PeopleArgs) -> ExitCode {
    let utc_offset = match args.place.place() {
        Ok(place) => place.utc_offset,
        Err(code) => return code,
    };
    let filter = FilterArgs {
        place: args.place.clone(),
        key_file: args.key_file.clone(),
        kind: Some("disclosure".to_owned()),
        since: args.since,
        // What was begun before may have ended after.
        until: None,
        text: None,
    };
    let mut seen = Seen { utc_offset, ..Seen::default() };
    let until = args.until.unwrap_or(u64::MAX);
    let code = filter.each(|journal, line| {
        let who = args.person.as_ref().is_none_or(|name| text(&line.body, "person") == Some(name.as_str()));
        if who {
            seen.take(journal, &line, until, args.by);
        }
        true
    });
    let mut out = BufWriter::new(io::stdout().lock());
    let mut written = seen.rows().into_iter().try_for_each(|row| {
        if args.json { writeln!(out, "{}", row.object(args.by)) } else { writeln!(out, "{}", row.text(args.by)) }
    });
    written = written.and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => unavailable(&error),
        _ => code,
    }
}

/// The day since 1970, and who: issuer and name; nobody where a route has no gate.
type Of = (i64, Option<(String, String)>);

/// Counts of somebody and a day.
#[derive(Default)]
struct Count {
    records: u64,
    people: RoaringBitmap,
    unattributed: u64,
    unfinished: u64,
}

/// All that was read so far.
#[derive(Default)]
struct Seen {
    utc_offset: i16,
    /// Each person's pseudonym once: sets are of their numbers.
    numbers: HashMap<Subject, u32>,
    counts: BTreeMap<Of, Count>,
    /// Intents whose end is not known yet, by journal and index; where an end does not name its intent their requests do.
    begun: HashMap<(String, u64), Of>,
    requests: HashMap<String, u64>,
}

impl Seen {
    fn take(&mut self, journal: &str, line: &Line, until: u64, by: By) {
        // What Privet has asked itself was about people who are made up.
        if line.body.contains_key("probe") {
            return;
        }
        let (_, _, day) = clock::office(line.time / 1000, self.utc_offset);
        let who = text(&line.body, "person")
            .map(|person| (text(&line.body, "issuer").unwrap_or_default().to_owned(), person.to_owned()));
        let of = (if by == By::Day { day } else { 0 }, who);
        let request = text(&line.body, "request_id").unwrap_or_default();
        if line.kind == Kind::DisclosureIntent.name() {
            if line.time < until {
                self.requests.insert(request.to_owned(), line.index);
                self.begun.insert((journal.to_owned(), line.index), of);
            }
            return;
        }
        if line.kind != Kind::DisclosureDone.name() {
            return;
        }
        let by_request = self.requests.remove(request);
        let intent = line.body.get("intent").and_then(Value::as_u64).or(by_request);
        intent.and_then(|intent| self.begun.remove(&(journal.to_owned(), intent)));
        if line.time < until {
            self.count(of, &line.body);
        }
    }

    fn count(&mut self, of: Of, body: &Map<String, Value>) {
        let count = self.counts.entry(of).or_default();
        let number = |name: &str| body.get(name).and_then(Value::as_u64).unwrap_or_default();
        // Who has seen very many at once has several records of one disclosure.
        let first = body.get("part").is_none_or(|part| part[0] == 1);
        let mut unattributed = number("unattributed");
        for subject in body.get("subjects").and_then(Value::as_array).into_iter().flatten() {
            let Some(subject) = subject.as_str().and_then(Subject::parse) else {
                unattributed += 1;
                continue;
            };
            let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
            count.people.insert(*self.numbers.entry(subject).or_insert(next));
        }
        let shown = body.get("shown").and_then(Value::as_object).is_some_and(|shown| !shown.is_empty());
        // Values that went out and were nobody's: somebody's they are.
        if first && shown && unattributed == 0 && number("people") == 0 {
            unattributed = 1;
        }
        count.records += u64::from(first);
        count.unattributed += unattributed;
    }

    /// By day, then by name. What nobody knows the end of may have been anybody's.
    fn rows(mut self) -> Vec<Row> {
        for of in std::mem::take(&mut self.begun).into_values() {
            self.counts.entry(of).or_default().unfinished += 1;
        }
        self.counts.into_iter().map(|((day, who), count)| Row { day, who, count }).collect()
    }
}

/// What is shown of somebody and a day.
struct Row {
    day: i64,
    who: Option<(String, String)>,
    count: Count,
}

impl Row {
    fn object(&self, by: By) -> Value {
        let (issuer, person) = self.who.clone().unzip();
        let mut object = json!({
            "person": person, "issuer": issuer, "records": self.count.records, "people": self.count.people.len(),
            "unattributed": self.count.unattributed, "unfinished": self.count.unfinished,
        });
        if by == By::Day {
            object["day"] = date(self.day).into();
        }
        object
    }

    fn text(&self, by: By) -> String {
        let day = if by == By::Day { date(self.day) + "  " } else { String::new() };
        let who = self.who.as_ref().map_or("nobody signed in", |(_, person)| person.as_str());
        let Count { records, people, unattributed, unfinished } = &self.count;
        let mut text = format!("{day}{who}  {} people in {records} records", people.len());
        if *unattributed > 0 {
            let _ = write!(text, ", and {unattributed} records or values that cannot be attributed");
        }
        if *unfinished > 0 {
            let _ = write!(text, ", and {unfinished} answers whose end is not known");
        }
        printable(&text)
    }
}

fn text<'b>(body: &'b Map<String, Value>, name: &str) -> Option<&'b str> {
    body.get(name).and_then(Value::as_str)
}

/// A day since 1970, as a date.
fn date(day: i64) -> String {
    let date = time::Date::from_julian_day(i32::try_from(day + 2_440_588).unwrap_or_default());
    date.map_or_else(|_| day.to_string(), |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Class;

    const DAY: u64 = 86_400_000;

    fn line(kind: Kind, index: u64, time: u64, body: Value) -> Line {
        let Value::Object(body) = body else { panic!("no object") };
        let kind = kind.name().to_owned();
        Line { index, time, class: Class::Access, hash: [0; 32], kind, clock_was_set: false, body }
    }

    fn subjects(range: std::ops::Range<u8>) -> Vec<String> {
        range.map(|n| Subject([n; 16]).text()).collect()
    }

    fn done(time: u64, person: &str, more: &Value) -> Line {
        let mut body = json!({ "person": person, "issuer": "staff", "unattributed": 0, "shown": {} });
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        line(Kind::DisclosureDone, 0, time, body)
    }

    fn shown(seen: Seen, by: By) -> Vec<(String, String, u64, u64, u64, u64)> {
        let rows = seen.rows();
        let number = |row: &Value, name: &str| row[name].as_u64().expect("a number");
        let row = |row: &Row| {
            let object = row.object(by);
            let text = |name: &str| object[name].as_str().unwrap_or("-").to_owned();
            let [records, people, unattributed, unfinished] =
                ["records", "people", "unattributed", "unfinished"].map(|name| number(&object, name));
            (text("day"), text("person"), records, people, unattributed, unfinished)
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn people_are_counted_once_a_day_and_nothing_counts_as_nobody() {
        let lines = || {
            [
                done(0, "ann", &json!({ "people": 10, "subjects": subjects(0..10) })),
                done(1, "ann", &json!({ "people": 10, "subjects": subjects(5..15), "unattributed": 2 })),
                // A disclosure in two records.
                done(2, "ann", &json!({ "people": 10, "subjects": subjects(15..20), "part": [1, 2] })),
                done(
                    2,
                    "ann",
                    &json!({ "people": 10, "subjects": subjects(20..25), "part": [2, 2], "unattributed": null }),
                ),
                // Values went out, and nobody was named for them.
                done(3, "ann", &json!({ "people": 0, "subjects": [], "shown": { "EMAIL_ADDRESS": 3 } })),
                done(4, "bob", &json!({ "people": 1, "subjects": ["no pseudonym"] })),
                done(DAY + 1, "ann", &json!({ "people": 3, "subjects": subjects(0..3), "intent": 7 })),
                done(9 * DAY, "ann", &json!({ "people": 99, "subjects": subjects(30..129) })),
            ]
        };
        let intent = |index, request: &str| {
            let body = json!({ "person": "ann", "issuer": "staff", "request_id": request });
            line(Kind::DisclosureIntent, index, DAY, body)
        };
        let read = |by, utc_offset| {
            let mut seen = Seen { utc_offset, ..Seen::default() };
            let all = [intent(7, "a"), intent(8, "b")].into_iter().chain(lines());
            all.for_each(|line| seen.take("journal", &line, 9 * DAY, by));
            shown(seen, by)
        };
        let row = |day: &str, who: &str, [records, people, unattributed, unfinished]: [u64; 4]| {
            (day.to_owned(), who.to_owned(), records, people, unattributed, unfinished)
        };
        assert_eq!(
            read(By::Day, 0),
            [
                row("1970-01-01", "ann", [4, 25, 3, 0]),
                row("1970-01-01", "bob", [1, 0, 1, 0]),
                row("1970-01-02", "ann", [1, 3, 0, 1]),
            ]
        );
        assert_eq!(read(By::Period, 0), [row("-", "ann", [5, 25, 3, 1]), row("-", "bob", [1, 0, 1, 0])]);
        assert_eq!(read(By::Day, -60)[0].0, "1969-12-31", "by the office's clock");
    }
}
