//! Reviews of access records, through the command line: beside a gateway that discloses, and without one.

use std::path::Path;

use privet::registry::population::rank;
use serde_json::Value;

use crate::{
    gate::{Browser, PASSWORD, add},
    registry::{does, json, password, refuses, run},
    support::{Origin, Privet},
};

const HERE: &str = " --config privet.toml";

/// An application with people in it, and a file to take along.
fn application() -> Origin {
    Origin::start_with(|request, _| {
        let taken = request.starts_with("GET /file");
        let disposition = if taken { "Content-Disposition: attachment; filename=\"a.json\"\r\n" } else { "" };
        let body = "{\"customers\":[{\"id\":\"kunde-17\",\"email\":\"kim@example.com\"}]}";
        Some(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{disposition}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    })
}

fn indexes(dir: &Path) -> Vec<u64> {
    let said = does(dir, &format!("audit search --kind disclosure.done --json{HERE}"));
    said.lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["index"].as_u64().expect("an index"))
        .collect()
}

fn ids<'r>(rows: impl Iterator<Item = &'r Value>) -> Vec<u64> {
    rows.map(|row| row["record"].as_u64().expect("an index")).collect()
}

/// Somebody's words about records.
fn judge(dir: &Path, ids: &[u64], more: &str) -> (i32, String) {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    run(dir, &format!("audit review finding {} {more}{HERE}", ids.join(" ")))
}

#[test]
fn what_was_seen_is_reviewed_by_somebody_else() {
    let application = application();
    let route = application
        .route("gate = \"staff\"\nrecord = true\ndownload = \"plain\"\nsubject = \"json:/customers/*/id\"\n");
    let privet = Privet::with(&route);
    let dir = privet.dir.path();
    password(dir);
    for name in ["one", "two", "ann"] {
        add(&privet, name, &[]);
    }
    refuses(dir, &format!("audit review open --as one{HERE}"), 1, "not founded");
    refuses(dir, &format!("audit review show{HERE}"), 1, "no such review");
    does(dir, &format!("staff init one two{HERE}"));
    does(dir, &format!("staff grant ann marketing --reason newsletter --as one{HERE}"));
    for (name, jar, targets) in [("ann", "ann-jar", "/a /a /a /a /a /a /a /a /file"), ("one", "one-jar", "/b /b")] {
        let browser = Browser(&privet, jar);
        browser.sign_in(name, PASSWORD);
        does(dir, &format!("pledge sign --agree 1 --as {name}{HERE}"));
        for target in targets.split(' ') {
            let page = browser.get(target);
            assert!(page.starts_with("HTTP/2 200"), "{page}");
        }
    }
    privet.until("recorded", || indexes(dir).len() == 11);
    refuses(dir, &format!("audit review open --sample 500 --as one{HERE}"), 1, "1 to 200 records");
    // A period ends with a whole second: that of the last record has to be over.
    let last = std::time::Instant::now();
    privet.until("over", || last.elapsed().as_millis() > 1100);
    refuses(dir, &format!("audit review open --as ann{HERE}"), 1, "only a privacy officer");
    refuses(dir, &format!("audit review open --until 2999-01-01 --as one{HERE}"), 1, "not in the future");
    let said = does(dir, &format!("audit review open --sample 4 --as one{HERE}"));
    assert!(said.starts_with("opened as 4: of 11 access records 4 are drawn"), "{said}");
    refuses(dir, &format!("audit review open --as two{HERE}"), 1, "a review of this time is open");

    // What was drawn anybody can draw again.
    let review = json(dir, &format!("audit review show --json{HERE}"));
    let rows = review["looked_at"].as_array().expect("records").clone();
    let seed = review["seed"].as_str().expect("a seed");
    let mut expected = indexes(dir);
    expected.sort_by_key(|index| rank(seed, *index));
    expected.truncate(4);
    expected.sort_unstable();
    assert_eq!(ids(rows.iter().filter(|row| row["drawn"] == true)), expected, "{review}");
    let downloads: Vec<&Value> = rows.iter().filter(|row| row["access"]["action"] == "download").collect();
    let [download] = downloads[..] else { panic!("one was taken along: {review}") };
    let rules = download["rules"].as_array().expect("rules");
    assert!(rules.contains(&"download".into()) && download["person"]["subject"] == "ann", "{download}");
    let text = does(dir, &format!("audit review show 4{HERE}"));
    assert!(text.contains(", download") || text.contains("\tdownload"), "{text}");
    for nobodys in ["kunde-17", "kim@", "subjects"] {
        assert!(!review.to_string().contains(nobodys) && !text.contains(nobodys), "{nobodys}: {text}");
    }

    // A result for each, and nobody's own.
    let of = |name: &str| ids(rows.iter().filter(|row| row["person"]["subject"] == name));
    let (anns, ones) = (of("ann"), of("one"));
    assert_eq!(anns.len() + ones.len(), rows.len());
    let file = download["record"].as_u64().expect("an index");
    let (code, said) = judge(dir, &[file], "--verdict finding --result taken_home --as one");
    assert!(code == 1 && said.contains("needs an action"), "{said}");
    let (code, said) = judge(dir, &[999_999], "--verdict ok --result fine --as one");
    assert!(code == 1 && said.contains("no open review asks"), "{said}");
    assert_eq!(judge(dir, &anns, "--verdict ok --result as_usual --as one").0, 0);
    let (code, said) = judge(dir, &[file], "--verdict finding --result taken_home --action asked_back --as two");
    assert_eq!(code, 0, "{said}");
    if !ones.is_empty() {
        refuses(dir, &format!("audit review sign --as one{HERE}"), 1, "have no result yet");
        let (code, said) = judge(dir, &ones, "--verdict ok --result as_usual --as one");
        assert!(code == 1 && said.contains("for themselves"), "{said}");
        assert_eq!(judge(dir, &ones, "--verdict ok --result as_usual --as two").0, 0);
    }
    refuses(dir, &format!("audit review sign --as ann{HERE}"), 1, "only a privacy officer");
    assert!(does(dir, &format!("audit review sign --as one{HERE}")).contains("1 are findings"));
    refuses(dir, &format!("audit review sign 4 --as one{HERE}"), 1, "signed already");
    let (code, said) = judge(dir, &[file], "--verdict ok --result nothing --as two");
    assert!(code == 1 && said.contains("no open review asks"), "{said}");

    // What somebody saw is in the certificate with which they leave.
    does(dir, &format!("staff leave ann --certificate ann.json --as one{HERE}"));
    let text = std::fs::read_to_string(dir.join("ann.json")).expect("a certificate");
    let seen = &serde_json::from_str::<Value>(&text).expect("JSON")["seen"];
    assert_eq!((&seen["records"], &seen["people"]), (&9.into(), &1.into()), "{seen}");
    assert_eq!(seen["types"]["EMAIL_ADDRESS"], 9, "{seen}");

    // The same from the journal, where no gateway runs; and the next review goes on where this one has ended.
    let before = json(dir, &format!("audit review show 4 --json{HERE}"));
    let privet = privet.restarted();
    let dir = privet.dir.path();
    assert_eq!(json(dir, &format!("audit review show 4 --json{HERE}")), before);
    privet.signal("-TERM");
    privet.until("ended", || !socket(dir));
    let listed = json(dir, &format!("audit review list --json{HERE}"));
    assert_eq!((&listed["overdue"], &listed["reviewed"]), (&false.into(), &before["until"]), "{listed}");
    let mut said = String::new();
    privet.until("opened without a gateway", || {
        let (code, text) = run(dir, &format!("audit review open --as two{HERE}"));
        said = text;
        code == 0
    });
    assert!(said.starts_with("opened as 5: of 0 access records"), "{said}");
    assert!(does(dir, &format!("audit review list{HERE}")).contains("open, 0 without a result"));
    does(dir, &format!("audit review sign --as two{HERE}"));
    let next = json(dir, &format!("audit review show 5 --json{HERE}"));
    assert_eq!(next["since"], before["until"]);
    does(dir, &format!("audit verify{HERE}"));
    assert!(does(dir, &format!("audit search --kind review --json{HERE}")).lines().count() >= 6);
    assert!(!privet.log().contains("as usual") && !privet.log().contains("taken home"), "{}", privet.log());
}

fn socket(dir: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(dir.join("data/control.sock")).is_ok()
}
