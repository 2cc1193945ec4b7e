//! Forged records beside those of people.

mod pages;

use std::{cell::RefCell, rc::Rc, sync::Arc};

use crate::{
    format::{Media, path::Pattern},
    privacy::{
        Engine, Keys, Kind, Kinds,
        mask::{
            Facts, Found, Judge, Mask, Rewriter, Verdict,
            canary::Canary,
            engine_settings,
            settings::{At, Canaries, Ids, Records, Uninspectable},
        },
        settings::Settings,
    },
};

/// Whom a judge has counted, and how many canaries.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Told {
    subjects: Vec<String>,
    values: Vec<String>,
    canaries: u64,
    in_canary: bool,
}

#[derive(Debug)]
struct Counter(Rc<RefCell<Told>>);

impl Judge for Counter {
    fn record(&mut self, facts: &Facts<'_>) -> Verdict {
        let subject = facts.subject.map_or("?".into(), |id| String::from_utf8_lossy(id).into_owned());
        let dropped = facts.consent.is_some_and(|consent| consent == b"false");
        self.0.borrow_mut().subjects.push(subject);
        if dropped { Verdict::Drop } else { Verdict::Show }
    }

    fn outside(&mut self) -> Verdict {
        self.0.borrow_mut().in_canary = false;
        Verdict::Show
    }

    fn canary(&mut self) {
        let mut told = self.0.borrow_mut();
        told.canaries += 1;
        told.in_canary = true;
    }

    fn seen(&mut self, _: &Kind, value: &[u8]) {
        let mut told = self.0.borrow_mut();
        if !told.in_canary {
            told.values.push(String::from_utf8_lossy(value).into_owned());
        }
    }
}

fn mask(reveal: Kinds, paths: &[&str]) -> Arc<Mask> {
    let engine = Engine::new(&engine_settings(&Settings::default()), Arc::new(Keys::ephemeral().expect("keys")));
    let paths = paths.iter().map(|path| Pattern::parse(path).expect("a pattern")).collect();
    Arc::new(Mask::new(Arc::new(engine), paths, "test".to_owned()).revealing(reveal))
}

/// Where records of a body lie: at its top, or below a name.
fn records(is_list: bool) -> Arc<Records> {
    let read = |all: &[&str]| all.iter().map(|at| At::parse(at).expect("a place")).collect();
    let below = [
        "json:/items/*/id",
        "json:/groups/*/of/*/id",
        "json:/ids/*",
        "json:/id",
        "csv:id",
        "html:data-id",
        "html:column:ID",
        "html:column:번호",
    ];
    let subject: &[&str] = if is_list { &["json:/*/id"] } else { &below };
    Arc::new(Records { subject: read(subject), consent: read(&["json:/items/*/agreed", "html:column:Agreed"]) })
}

fn canary(seed: u8) -> Arc<Canary> {
    let rule = Canaries {
        mail: "shop.example".into(),
        ids: Ids::parse("9000000-9999999").ok(),
        phone: "010-0###-####".into(),
        least: 4,
    };
    Arc::new(Canary::new([seed; 32], &Arc::new(rule)))
}

fn run<'a>(
    canary: &Arc<Canary>,
    mask: &Arc<Mask>,
    media: Media,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (String, Told) {
    let told = Rc::new(RefCell::new(Told::default()));
    let pieces: Vec<&[u8]> = pieces.into_iter().collect();
    let is_list = pieces.first().is_some_and(|piece| piece.starts_with(b"["));
    let judged = Some((records(is_list), Box::new(Counter(Rc::clone(&told))) as Box<dyn Judge>));
    let mut rewriter = Rewriter::new(mask, Some(media), Some(encoding_rs::UTF_8), Uninspectable::Refuse, judged)
        .planting(Some(Arc::clone(canary)));
    let mut out = Vec::new();
    for piece in pieces {
        rewriter.push(piece, &mut out).expect("read");
    }
    rewriter.finish(&mut out).expect("read");
    let found: u64 = rewriter.found(|found| found.shown().iter().map(|(_, n)| n).sum()).unwrap_or(0);
    let told = told.borrow().clone();
    assert_eq!(found, told.values.len() as u64, "a canary's values are not counted");
    (String::from_utf8(out).expect("a text"), told)
}

/// What comes of a body, wherever it is cut.
fn planted(canary: &Arc<Canary>, media: Media, body: &str) -> (String, Told) {
    let open = mask(Kinds::all(), &[]);
    let whole = run(canary, &open, media, [body.as_bytes()]);
    assert_eq!(run(canary, &open, media, body.as_bytes().chunks(1)), whole, "{media:?} a byte at a time: {body}");
    // Each place, but of a long body each so many.
    let step = if body.len() < 600 { 1 } else { body.len() / 12 };
    for cut in (0..=body.len()).step_by(step) {
        let (a, b) = body.as_bytes().split_at(cut);
        let pieces = [a, b].into_iter().filter(|piece| !piece.is_empty());
        assert_eq!(run(canary, &open, media, pieces), whole, "{media:?} cut at {cut}: {body}");
    }
    whole
}

/// What was planted between the beginning and the end of a body, of which not a byte is another.
fn between(body: &str, out: &str) -> String {
    let start = body.bytes().zip(out.bytes()).take_while(|(a, b)| a == b).count();
    let start = (0..=start).rev().find(|start| out.is_char_boundary(*start) && body.is_char_boundary(*start));
    let start = start.expect("a border");
    let added = out.len() - body.len();
    // The same bytes may stand at both ends of what was planted.
    let fits = |at: &usize| {
        out.is_char_boundary(*at)
            && out.is_char_boundary(at + added)
            && format!("{}{}", &out[..*at], &out[at + added..]) == body
    };
    let start = (0..=start).rev().find(fits).unwrap_or_else(|| panic!("another body: {out}"));
    out[start..start + added].to_owned()
}

fn row(id: u32) -> String {
    format!(
        "{{\"id\": {id}, \"name\": \"Kim Minsu{}\", \"email\": \"kim{id}@example.com\", \"phone\": \"010-2345-{:04}\", \
         \"memo\": \"called {id} times\", \"status\": \"active\", \"since\": \"2024-05-{:02}T10:00:00Z\", \"spent\": 12{id}.5, \
         \"vip\": false, \"nick\": \"minsu{id}\", \"rrn\": \"901231-12345{:02}\", \"tags\": [\"a\", \"t{id}\"]}}",
        ["a", "b", "c", "d", "e", "f"][id as usize % 6],
        1000 + id,
        id % 28 + 1,
        id % 90 + 10
    )
}

fn list(n: u32) -> String {
    let rows: Vec<String> = (11..11 + n).map(row).collect();
    format!("{{\"total\": {n}, \"items\": [\n  {}\n]}}\n", rows.join(",\n  "))
}

#[test]
fn a_list_has_one_record_more_and_nothing_of_its_neighbours() {
    let body = list(20);
    let (out, told) = planted(&canary(1), Media::Json, &body);
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let items = value["items"].as_array().expect("a list");
    assert_eq!((items.len(), value["total"].as_u64(), told.canaries), (21, Some(20), 1));
    assert_eq!(told.subjects.len(), 20, "it is nobody's");
    between(&body, &out);
    let at = items.iter().position(|item| item["id"].as_u64().is_some_and(|id| id >= 9_000_000)).expect("planted");
    assert!((4..20).contains(&at), "{at}");
    let own = &items[at];
    let keys = |value: &serde_json::Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(own), keys(&items[0]));
    let canary = canary(1);
    assert_eq!(own["id"].to_string(), canary.id().expect("an id"));
    assert_eq!((own["email"].as_str(), own["phone"].as_str()), (Some(canary.mail()), Some(canary.phone())));
    assert_eq!(
        (&own["status"], &own["vip"], &own["memo"], &own["rrn"]),
        (&"active".into(), &false.into(), &"".into(), &"".into())
    );
    assert_eq!((&own["tags"][0], own["tags"][1].as_str().map(str::len)), (&"a".into(), Some(3)));
    assert!(own["since"].as_str().is_some_and(|since| since.starts_with("2023-") && since.ends_with('Z')), "{own}");
    assert!(own["spent"].is_f64() && own["name"].as_str().is_some_and(|name| name.contains(' ')), "{own}");
    for item in items.iter().filter(|item| *item != own) {
        for field in ["id", "name", "email", "phone", "memo", "nick", "rrn", "spent", "since"] {
            assert_ne!(item[field], own[field], "{field}");
        }
    }
}

#[test]
fn everybody_has_one_of_their_own_and_always_the_same() {
    let body = list(20);
    let [ann, again, bob] = [1, 1, 2].map(|seed| planted(&canary(seed), Media::Json, &body).0);
    assert_eq!(ann, again);
    assert_ne!(ann, bob);
    assert_ne!(canary(1).tag(), canary(2).tag());
    let places: std::collections::HashSet<usize> = (0..40).map(|seed| canary(seed).place()).collect();
    assert!(places.len() > 4 && places.iter().all(|place| (4..16).contains(place)), "{places:?}");
}

#[test]
fn short_lists_and_single_records_stay_as_they_are() {
    let single = row(7);
    for (media, body) in [
        (Media::Json, list(0)),
        (Media::Json, list(3)),
        (Media::Json, "[]".to_owned()),
        (Media::Json, single.clone()),
        (Media::Json, format!("{{\"item\": {single}}}")),
        // Members of an object are no list; ids of a form that canaries can't have.
        (
            Media::Json,
            "{\"items\": {\"a\": {\"id\": 1}, \"b\": {\"id\": 2}, \"c\": {\"id\": 3}, \"d\": {\"id\": 4}}}".to_owned(),
        ),
        (Media::Json, "[{\"id\": \"x1\"}, {\"id\": \"x2\"}, {\"id\": \"x3\"}, {\"id\": \"x4\"}]".to_owned()),
        (Media::JsonLines, format!("{single}\n")),
        (Media::Csv, "id,name\n1,a\n2,b\n".to_owned()),
        (Media::Csv, "name,x\n1,a\n2,b\n3,c\n4,d\n5,e\n".to_owned()),
    ] {
        let (out, told) = planted(&canary(1), media, &body);
        assert_eq!((out, told.canaries), (body, 0));
    }
}

#[test]
fn lists_of_all_forms() {
    for (media, body, id) in [
        (Media::Json, "[{\"id\":1},{\"id\":2},{\"id\":3},{\"id\":4}]".to_owned(), ",{\"id\":"),
        (Media::Json, "{\"ids\":[1,2,3,4,5]}".to_owned(), ",9"),
        (Media::Json, "{\"groups\":[{\"of\":[{\"id\":1},{\"id\":2},{\"id\":3},{\"id\":4}]}]}".to_owned(), ",{\"id\":"),
        (Media::JsonLines, "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n".to_owned(), "{\"id\":"),
        (Media::JsonLines, "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}".to_owned(), "\n{\"id\":"),
        (Media::Csv, "id,a\r\n1,x\r\n2,x\r\n3,x\r\n4,x\r\n".to_owned(), "9"),
        (Media::Csv, "id;a\r\n1;x\r\n2;x\r\n3;x\r\n4;x".to_owned(), "\r\n9"),
        (Media::Tsv, "id\ta\n1\tx\n2\tx\n3\tx\n4\tx\n".to_owned(), "9"),
    ] {
        let (out, told) = planted(&canary(1), media, &body);
        let new = between(&body, &out);
        assert_eq!(told.canaries, 1, "{media:?} {body}");
        assert!(new.contains(canary(1).id().expect("an id")), "{media:?} {out}");
        // What parts records may stand at either end of it.
        assert!(out.contains(id), "{media:?} {out}");
    }
    let seven = (1..8).map(|id| format!("{{\"id\":{id}}}\n")).collect::<Vec<_>>().concat();
    let (out, _) = planted(&canary(1), Media::JsonLines, &seven);
    assert!(
        out.lines().count() == 8 && out.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
    );
}

#[test]
fn tables_with_quotes() {
    let rows = (1..30)
        .map(|n| format!("{n},\"Kim, Minsu\",kim{n}@example.com,\"he said \"\"{n}\"\"\nand left\",gold\r\n"))
        .collect::<Vec<_>>()
        .concat();
    let body = format!("id,name,email,memo,level\r\n{rows}");
    let (out, told) = run(&canary(3), &mask(Kinds::all(), &[]), Media::Csv, [body.as_bytes()]);
    assert_eq!(run(&canary(3), &mask(Kinds::all(), &[]), Media::Csv, body.as_bytes().chunks(1)).0, out);
    between(&body, &out);
    let mut reader = csv::Reader::from_reader(out.as_bytes());
    let all: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("CSV");
    let own: Vec<&csv::StringRecord> = all.iter().filter(|row| row[0].len() == 7).collect();
    assert_eq!((all.len(), own.len(), told.subjects.len()), (30, 1, 29));
    let canary = canary(3);
    assert_eq!(
        (&own[0][0], &own[0][2], &own[0][3], &own[0][4]),
        (canary.id().unwrap_or_default(), canary.mail(), "", "gold")
    );
    assert!(own[0][1].contains(", ") && !own[0][1].contains("Minsu"), "{:?}", own[0]);
}

#[test]
fn masks_hold_for_it_as_for_its_neighbours() {
    let body = list(20);
    let closed = mask(Kinds::default(), &["/items/*/nick"]);
    let (out, told) = run(&canary(1), &closed, Media::Json, [body.as_bytes()]);
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let items = value["items"].as_array().expect("a list");
    let at = items.iter().position(|item| item["id"].as_u64().is_some_and(|id| id >= 9_000_000)).expect("planted");
    let (own, other) = (&items[at], &items[at - 1]);
    let canary = canary(1);
    assert!(!out.contains(canary.mail()) && !out.contains(canary.phone()) && told.canaries == 1);
    for field in ["name", "email", "phone", "nick"] {
        let [own, other] = [own, other].map(|item| item[field].as_str().unwrap_or_default());
        assert!(own.contains('*') && other.contains('*'), "{field}: {own} {other}");
    }
    // Nothing but what is shown is counted, and of people alone.
    let found = |seed: Option<u8>| {
        let judged = Some((records(false), Box::new(Counter(Rc::default())) as Box<dyn Judge>));
        let mut rewriter =
            Rewriter::new(&closed, Some(Media::Json), Some(encoding_rs::UTF_8), Uninspectable::Refuse, judged)
                .planting(seed.map(self::canary));
        rewriter.push(body.as_bytes(), &mut Vec::new()).expect("read");
        rewriter.finish(&mut Vec::new()).expect("read");
        rewriter.found(Found::masked)
    };
    assert_eq!(found(Some(1)), found(None));
}

#[test]
fn it_is_made_of_a_record_that_is_shown() {
    let rows: Vec<String> =
        (1..30).map(|id| format!("{{\"id\":{id},\"agreed\":{},\"x\":\"{id}x\"}}", id % 2 == 0)).collect();
    let body = format!("{{\"items\":[{}]}}", rows.join(","));
    let (out, told) = planted(&canary(5), Media::Json, &body);
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let items = value["items"].as_array().expect("a list");
    assert_eq!((items.len(), told.subjects.len(), told.canaries), (15, 29, 1));
    assert!(items.iter().all(|item| item["agreed"] == true), "with the consent of the one it is made of");
}

#[test]
fn ids_that_are_no_numbers() {
    let rows: Vec<String> = (1..9).map(|n| format!("{{\"id\":\"5d0a2f0e-0000-4000-8000-00000000000{n}\"}}")).collect();
    let (out, _) = planted(&canary(1), Media::Json, &format!("[{}]", rows.join(",")));
    assert!(out.contains(canary(1).uuid()));
    let rows: Vec<String> = (1..9).map(|n| format!("{{\"id\":\"kim{n}@example.com\"}}")).collect();
    let (out, _) = planted(&canary(1), Media::Json, &format!("[{}]", rows.join(",")));
    assert!(out.contains(canary(1).mail()));
}
