//! A year at an office in one walk, through the gateway and its command line: a joiner, the pledge, access, a new pledge, a mover, a handover, a
//! leaver, the review, the export, and proof of all of it.

use std::fs;

use serde_json::Value;

use crate::{
    disclosure::{ALL, HERE, agreed, application, ask, mail, office, records},
    gate::{Browser, PASSWORD, staff},
    registry::{does, json, run},
    support::Privet,
};

/// What somebody sees who works for marketing.
fn newsletter(privet: &Privet, jar: &str) -> String {
    ask(privet, jar, "/list.json", &["X-Privet-Purpose: marketing"])
}

/// What somebody sees who works on a complaint.
fn complaint(privet: &Privet, jar: &str) -> String {
    ask(privet, jar, "/people/7", &["X-Privet-Purpose: complaint", "X-Privet-Ticket: CASE-17"])
}

#[track_caller]
fn refused(answer: &str, status: &str, why: &str) {
    assert!(answer.starts_with(&format!("HTTP/2 {status}")) && answer.contains(why), "{status} {why}: {answer}");
}

#[test]
fn a_year_from_joining_to_proof() {
    let application = application();
    let privet = office(&application, "");
    let dir = privet.dir.path();
    let order = |line: &str| does(dir, &format!("{line}{HERE}"));

    // Winter: somebody joins by an officer's word, signs the pledge, and sees whose data their duty needs.
    staff(&privet, &["add", "dora", "--password-stdin", "--as", "one"], &format!("{PASSWORD}\n{PASSWORD}\n"));
    order("staff grant dora marketing --reason newsletter --as one");
    Browser(&privet, "dora").sign_in("dora", PASSWORD);
    refused(&newsletter(&privet, "dora"), "403", "\"pledge\"");
    assert_eq!(application.seen(), "", "nobody's data before the promise");
    order("pledge sign --agree 1 --language ko --as dora");
    let seen = newsletter(&privet, "dora");
    let shown = (1..=ALL).filter(|id| seen.contains(&format!("\"{}\"", mail(*id)))).collect::<Vec<_>>();
    assert!(shown.len() == 37 && shown.iter().all(|id| agreed(*id)), "{shown:?}");

    // Spring: the pledge has other words, and holds nobody who has not signed them.
    fs::write(dir.join("pledge.txt"), "We keep what people have told us.\n").expect("written");
    privet.rewrite(|text| format!("{text}\n[registry]\npledge = \"pledge.txt\"\n"));
    privet.until("published", || run(dir, &format!("pledge status dora{HERE}")).1.contains("outdated"));
    refused(&newsletter(&privet, "dora"), "403", "\"pledge\"");
    order("pledge sign --agree 2 --as dora");
    assert!(newsletter(&privet, "dora").starts_with("HTTP/2 200"));

    // Summer: a mover has the new duty and not the old one, from the same moment.
    refused(&complaint(&privet, "dora"), "403", "\"status\":403");
    order("staff move dora complaints --reason reorganised --as two");
    refused(&newsletter(&privet, "dora"), "403", "\"status\":403");
    assert!(complaint(&privet, "dora").starts_with("HTTP/2 200"));

    // Autumn: what ann did is dora's, with two signatures.
    order("handover start --from ann --to dora --duty newsletter --matter the_list_of_november --as one");
    let list = json(dir, &format!("handover list --json{HERE}"));
    let number = list["handovers"][0]["id"].as_u64().expect("a number");
    order(&format!("handover sign {number} --as ann"));
    refused(&newsletter(&privet, "dora"), "403", "\"status\":403");
    order(&format!("handover sign {number} --as dora"));
    assert!(newsletter(&privet, "dora").starts_with("HTTP/2 200"), "it begins with the second signature");
    Browser(&privet, "ann").sign_in("ann", PASSWORD);
    order("pledge sign --agree 2 --as ann");
    refused(&newsletter(&privet, "ann"), "403", "\"status\":403");

    // A leaver is out with the next request, and the certificate says what they have seen.
    privet.until("written", || records(&privet, "disclosure.done").len() == 4);
    order("staff leave dora --reason retired --certificate dora.json --as two");
    refused(&newsletter(&privet, "dora"), "401", "");
    let certificate: Value = serde_json::from_slice(&fs::read(dir.join("dora.json")).expect("a file")).expect("JSON");
    let seen = &certificate["seen"];
    assert_eq!((&seen["records"], &certificate["pledge"]["state"]), (&4.into(), &"current".into()), "{certificate}");
    assert!((37..=38).contains(&seen["people"].as_u64().expect("a count")), "{seen}");
    assert!(certificate["not_taken_over"].as_array().is_some_and(|all| !all.is_empty()), "{certificate}");
    let (code, said) = run(dir, &format!("handover list{HERE}"));
    assert!(code == 1 && said.contains("GAP"), "what nobody does any more is a finding: {said}");

    // The year's end: a review of what was seen. A period ends with a whole second, and that of the last record has to be over.
    let last = std::time::Instant::now();
    privet.until("over", || last.elapsed().as_millis() > 1100);
    assert!(order("audit review open --as one").contains("of 4 access records 4 are drawn"));
    let review = json(dir, &format!("audit review show --json{HERE}"));
    let drawn: Vec<String> =
        review["looked_at"].as_array().expect("records").iter().map(|row| row["record"].to_string()).collect();
    order(&format!("audit review finding {} --verdict ok --result as_usual --as two", drawn.join(" ")));
    order("audit review sign --as one");
    written_down(&privet);
}

/// All of it is in one export, and can be proved without the gateway and without its keys.
fn written_down(privet: &Privet) {
    let dir = privet.dir.path();
    for (format, name) in [("jsonl", "year.jsonl"), ("csv", "year.csv"), ("ocsf", "year.ocsf"), ("syslog", "year.log")]
    {
        does(dir, &format!("audit export --format {format} -o {name}{HERE}"));
        let text = fs::read_to_string(dir.join(name)).expect("exported");
        assert!(text.contains("staff.left") && !text.contains("person1@"), "{name}");
    }
    let year = fs::read_to_string(dir.join("year.jsonl")).expect("exported");
    let mut at = 0;
    for kind in [
        "registry.founded",
        "staff.joined",
        "grant.given",
        "pledge.signed",
        "disclosure.intent",
        "disclosure.done",
        "pledge.published",
        "pledge.signed",
        "staff.moved",
        "handover.started",
        "handover.done",
        "staff.left",
        "review.opened",
        "review.signed",
    ] {
        let found = year[at..].find(&format!("\"kind\":\"{kind}\""));
        at += found.unwrap_or_else(|| panic!("no {kind} behind byte {at}: {year}"));
    }
    privet.signal("-TERM");
    let socket = || std::os::unix::net::UnixStream::connect(dir.join("data/control.sock")).is_ok();
    privet.until("ended", || !socket());
    fs::rename(dir.join("data/seal.key"), dir.join("away")).expect("moved");
    privet.until("whole without any secret", || run(dir, &format!("audit verify{HERE}")).0 == 0);
    let log = privet.log() + &privet.out();
    assert!(!log.contains("dora\"") && !log.contains("person1"), "nobody's name in a log: {log}");
}
