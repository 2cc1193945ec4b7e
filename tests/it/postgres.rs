//! Three gateways on one database: a chain of records each, and one of what all decide by. A real `PostgreSQL`, killed and stopped under load.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    database::Database,
    gate::{Browser, PASSWORD, add, application},
    registry::{does, json, password, refuses, run},
    support::{Origin, Privet, free_port},
};

pub const HERE: &str = " --config privet.toml";

/// What all gateways have: keys, accounts, a database.
pub struct Office {
    pub database: Database,
    pub shared: TempDir,
    application: Origin,
}

impl Office {
    pub fn open() -> Option<Self> {
        let (database, shared) = (Database::start()?, tempfile::tempdir().expect("a folder"));
        fs::write(shared.path().join("postgres"), database.url()).expect("written");
        Some(Self { database, shared, application: application() })
    }

    /// Another gateway.
    pub fn gateway(&self, more: &str) -> Privet {
        let shared = self.shared.path().display();
        let route = |path: &str, more: &str| self.application.route(&format!("path = \"{path}\"\n{more}"));
        let gated = |path: &str, role: &str| route(path, &format!("gate = \"staff\"\nroles = [\"{role}\"]"));
        let text = format!(
            "[seal]\nkey_file = \"{shared}/seal.key\"\n[store]\npostgres_file = \"{shared}/postgres\"\n\
             [[realm]]\nname = \"staff\"\nstaff_file = \"{shared}/staff.sealed\"\n{more}{}{}{}{}",
            gated("/marketing", "marketing"),
            gated("/complaints", "complaints"),
            route("/people", "record = true\nsubject = \"path:2\""),
            route("/", ""),
        );
        let privet = Privet::with(&text);
        password(privet.dir.path());
        privet
    }
}

pub fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

/// Everything that `audit search` finds.
pub fn records(privet: &Privet, kind: &str) -> Vec<Value> {
    let said = does(privet.dir.path(), &format!("audit search --kind {kind} --json{HERE}"));
    said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[track_caller]
pub fn verified(privet: &Privet) -> Vec<Value> {
    let said = does(privet.dir.path(), &format!("audit verify --json{HERE}"));
    said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

pub fn patiently(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(240), "never: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_one_gateway_decides_holds_on_all() {
    let Some(office) = Office::open() else { return };
    let witness = "[[journal.witness]]\nfile = \"kept\"\n";
    let gateways = [office.gateway(witness), office.gateway(""), office.gateway("")];
    let [first, second, third] = &gateways;
    for name in ["one", "two", "ann", "bob"] {
        add(first, name, &[]);
    }
    let order = |privet: &Privet, line: &str| does(privet.dir.path(), &format!("{line}{HERE}"));
    order(first, "staff init one two");
    refuses(second.dir.path(), &format!("staff init ann bob{HERE}"), 1, "founded already");
    let browsers = [Browser(first, "jar"), Browser(second, "jar"), Browser(third, "jar")];
    for browser in &browsers {
        patiently("known there", || browser.sign_in("ann", PASSWORD).starts_with("HTTP/2 303"));
    }
    let everywhere = |path: &str, expected: &str| {
        for browser in &browsers {
            patiently(&format!("{path}: {expected}"), || status(&browser.get(path)) == expected);
        }
    };
    everywhere("/marketing", "403");
    order(second, "staff grant ann marketing --reason newsletter --as one");
    everywhere("/marketing", "200");
    // What it answers for holds at once where it was asked, and everywhere soon.
    order(third, "staff move ann complaints --reason reorganised --as two");
    assert_eq!(status(&browsers[2].get("/marketing")), "403");
    everywhere("/marketing", "403");
    everywhere("/complaints", "200");
    // The same at two gateways at once: one comes after the other, and is told.
    let both = |lines: [String; 2]| {
        thread::scope(|scope| {
            let [one, two] = [(first, &lines[0]), (second, &lines[1])]
                .map(|(privet, line)| scope.spawn(move || run(privet.dir.path(), &format!("{line}{HERE}"))));
            [one.join().expect("ended"), two.join().expect("ended")]
        })
    };
    for round in 0..3 {
        let same = "staff grant bob marketing --reason newsletter --as one".to_owned();
        let outcomes = both([same.clone(), same.replace("one", "two")]);
        assert_eq!(outcomes.iter().filter(|(code, _)| *code == 0).count(), 1, "{round}: {outcomes:?}");
        let outcomes = both([
            "staff revoke bob marketing --reason over --as one".to_owned(),
            format!("staff grant ann role-{round} --reason more --as two"),
        ]);
        assert!(outcomes.iter().all(|(code, _)| *code == 0), "nobody is lost: {outcomes:?}");
    }
    let given: Vec<u64> =
        records(first, "grant.given").iter().filter_map(|r| r["body"]["grant"]["id"].as_u64()).collect();
    assert_eq!(given.len(), given.iter().collect::<BTreeSet<_>>().len(), "each number once: {given:?}");
    reviewed(&gateways);
    // A pledge that is signed here is signed there, and a leaver is out everywhere.
    order(second, "pledge sign --agree 1 --as ann");
    patiently("signed", || run(third.dir.path(), &format!("pledge status ann{HERE}")).0 == 0);
    order(first, "staff leave ann --as one");
    for browser in &browsers {
        patiently("out", || {
            browser.get("/").to_lowercase().starts_with("http/2 200")
                && browser.get("/complaints").to_lowercase().starts_with("http/2 303")
        });
    }
    // Whoever has the first chain brings the checkpoints of both to its witnesses.
    for chain in ["1", "shared"] {
        let line = format!("audit verify --chain {chain} --checkpoint kept{HERE}");
        patiently("witnessed", || {
            let (code, said) = run(first.dir.path(), &line);
            code == 0 && said.contains("by the newest outside checkpoint")
        });
    }
    // Without a gateway the command line has the same.
    let list =
        |privet: &Privet| json(privet.dir.path(), &format!("staff list --json{HERE}"))["registry"]["people"].clone();
    let known = list(third);
    let dir = first.dir.path();
    first.signal("-TERM");
    patiently("ended", || !dir.join("data/control.sock").exists() || run(dir, &format!("sessions list{HERE}")).0 != 0);
    assert_eq!(list(first), known);
    does(dir, &format!("staff grant bob complaints --reason desk --as one{HERE}"));
    let bob = Browser(second, "bob");
    bob.sign_in("bob", PASSWORD);
    patiently("in force", || status(&bob.get("/complaints")) == "200");
    let whole = verified(second);
    assert_eq!(whole.len(), 4, "{whole:?}");
    assert!(whole.iter().all(|report| report["whole"] == true && report["records"].as_u64() > Some(0)), "{whole:?}");
    let started: BTreeSet<String> = records(second, "process.started")
        .iter()
        .map(|record| record["journal"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(started, ["1", "2", "3"].map(str::to_owned).into());
    assert!(does(dir, &format!("audit verify --chain shared{HERE}")).contains("the chain of all gateways"));
    for privet in &gateways {
        let log = privet.log() + &privet.out();
        assert!(!log.contains("correct%20horse") && !log.contains("correct horse"), "no password in a log");
        assert!(!log.contains("reorganised"), "nor what was said of people");
    }
}

/// What was seen at any of them is reviewed at one, and looked at by another officer at another.
fn reviewed(gateways: &[Privet; 3]) {
    let [first, second, third] = gateways;
    for privet in gateways {
        assert_eq!(status(&privet.get("/people/1", "")), "200");
    }
    patiently("written", || records(first, "disclosure.done").len() == 3);
    // A review ends with a whole second; what was in the one that goes on is the next one's.
    thread::sleep(Duration::from_secs(1));
    let order = |privet: &Privet, line: &str| does(privet.dir.path(), &format!("{line}{HERE}"));
    assert!(order(second, "audit review open --as one").contains("of 3 access records 3 are drawn"));
    let shown = || json(first.dir.path(), &format!("audit review show --json{HERE}"));
    patiently("opened there", || shown()["looked_at"].as_array().is_some_and(|all| all.len() == 3));
    let shown = shown();
    let chains = shown["looked_at"].as_array().expect("records").iter().map(|row| {
        assert_eq!(row["access"]["route"], "*/people", "{row}");
        row["record"].as_u64().expect("a number")
    });
    let numbers: Vec<u64> = chains.collect();
    assert_eq!(numbers.iter().map(|number| number / 1_000_000_000_000).collect::<Vec<_>>(), [1, 2, 3]);
    let all: Vec<String> = numbers.iter().map(u64::to_string).collect();
    order(third, &format!("audit review finding {} --verdict ok --result fine --as two", all.join(" ")));
    patiently("seen", || run(first.dir.path(), &format!("audit review sign --as one{HERE}")).0 == 0);
}

/// One request on a recorded route by a connection of its own: its status, and its id.
pub fn ask(privet: &Privet, number: usize) -> Option<(String, String)> {
    // A gateway that was just killed answers nothing.
    let answer = std::panic::catch_unwind(|| privet.get(&format!("/people/{number}"), "")).ok()?;
    let id = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("x-request-id").then(|| value.trim().to_owned())
    })?;
    Some((status(&answer).to_owned(), id))
}

#[test]
fn nothing_that_was_answered_for_is_lost_when_gateways_and_the_database_are_killed() {
    let Some(mut office) = Office::open() else { return };
    let (here, there, killed) = (office.gateway(""), office.gateway(""), office.gateway(""));
    let stop = AtomicBool::new(false);
    let mut answered: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut after = BTreeMap::new();
    let killed = thread::scope(|scope| {
        let work = |privet| {
            let stop = &stop;
            scope.spawn(move || {
                let mut all = Vec::new();
                for number in 0.. {
                    if stop.load(Relaxed) {
                        break;
                    }
                    all.extend(ask(privet, number));
                    thread::sleep(Duration::from_millis(5));
                }
                all
            })
        };
        let workers = [work(&here), work(&here), work(&there), work(&there)];
        for number in 0..40 {
            let (status, id) = ask(&killed, number).expect("an answer");
            answered.entry(status).or_default().push(id);
        }
        // In the middle of its work, and again in a chain that nobody writes.
        let killed = killed.restarted();
        let (status, id) = ask(&killed, 41).expect("an answer");
        after.insert(status, id);
        office.database.kill();
        thread::sleep(Duration::from_millis(500));
        let away = ask(&here, 42).expect("an answer");
        assert_eq!(away.0, "503", "nothing goes out that can't be written down");
        assert!(here.get("/other", "").starts_with("HTTP/1.1 200"), "other routes go on");
        office.database.launch();
        for privet in [&here, &there, &killed] {
            patiently("recovers without a restart", || ask(privet, 43).is_some_and(|(status, _)| status == "200"));
        }
        stop.store(true, Relaxed);
        for worker in workers {
            for (status, id) in worker.join().expect("ended") {
                answered.entry(status).or_default().push(id);
            }
        }
        killed
    });
    assert_eq!(after.keys().collect::<Vec<_>>(), ["200"]);
    let done = &answered["200"];
    assert!(done.len() > 50, "{} were answered", done.len());
    let mut written: BTreeMap<String, usize> = BTreeMap::new();
    for record in records(&here, "disclosure.intent") {
        *written.entry(record["body"]["request_id"].as_str().expect("an id").to_owned()).or_default() += 1;
    }
    for id in done.iter().chain(after.values()) {
        assert_eq!(written.get(id), Some(&1), "once, and not lost");
    }
    assert!(written.values().all(|count| *count == 1), "nothing is there twice");
    drop(killed);
    patiently("whole", || verified(&here).iter().all(|report| report["whole"] == true));
    assert_eq!(verified(&here).len(), 4, "three chains and the one of all: who comes again goes on in its own");
}

#[test]
fn while_the_database_is_away_what_was_decided_holds_and_nothing_new_is() {
    let Some(mut office) = Office::open() else { return };
    let (closed, open) = (office.gateway(""), office.gateway("[access]\non_unavailable = \"open\"\n"));
    for name in ["one", "two", "ann"] {
        add(&closed, name, &[]);
    }
    let dir = closed.dir.path();
    does(dir, &format!("staff init one two{HERE}"));
    does(dir, &format!("staff grant ann marketing --reason newsletter --as one{HERE}"));
    let browser = Browser(&closed, "jar");
    browser.sign_in("ann", PASSWORD);
    assert_eq!(status(&browser.get("/marketing")), "200");
    office.database.kill();
    assert_eq!(status(&browser.get("/marketing")), "200", "what was decided last");
    refuses(dir, &format!("staff revoke ann marketing --reason over --as one{HERE}"), 3, "can't be written");
    assert_eq!(status(&browser.get("/marketing")), "200");
    assert_eq!(status(&closed.get("/people/1", "")), "503");
    assert_eq!(status(&open.get("/people/1", "")), "200", "by its own word");
    let line = format!("audit verify{HERE}");
    assert_eq!(run(dir, &line).0, 3);
    closed.until("told", || closed.metric("privet_journal_up") == 0);
    // One that is asked to start without says why it does not.
    let text = fs::read_to_string(dir.join("privet.toml")).expect("a file");
    let ports = [closed.https, closed.http, closed.admin].map(|address| address.port().to_string());
    let other = ports.iter().fold(text, |text, port| text.replace(port, &free_port().to_string()));
    fs::write(dir.join("other.toml"), other.replace("[listen]", "data_dir = \"elsewhere\"\n[listen]"))
        .expect("written");
    refuses(dir, "serve --config other.toml", 3, "the journal in postgres://127.0.0.1");
    office.database.launch();
    patiently("recovers", || status(&closed.get("/people/1", "")) == "200");
    closed.until("there again", || closed.metric("privet_journal_up") == 1);
    does(dir, &format!("staff revoke ann marketing --reason over --as one{HERE}"));
    assert_eq!(status(&browser.get("/marketing")), "403");
    assert!(closed.log().contains("the shared chain can't be read or written"));
    patiently("told", || records(&closed, "journal.resumed").len() >= 2);
    assert!(verified(&closed).iter().all(|report| report["whole"] == true));
}

#[test]
fn consent_is_one_for_all_gateways() {
    let Some(office) = Office::open() else { return };
    let (here, there) = (office.gateway("[access]\n"), office.gateway("[access]\n"));
    let consents = |dir: &Path| run(dir, &format!("consent show lee@example.com{HERE}")).1;
    fs::write(here.dir.path().join("people.csv"), "email,agreed\nlee@example.com,yes\n").expect("written");
    does(here.dir.path(), &format!("consent import people.csv --id email --agreed agreed{HERE}"));
    let known = consents(here.dir.path());
    assert!(!known.is_empty());
    patiently("the same there", || consents(there.dir.path()) == known);
    does(there.dir.path(), &format!("consent withdraw lee@example.com{HERE}"));
    patiently("withdrawn", || {
        consents(here.dir.path()) == consents(there.dir.path()) && consents(here.dir.path()) != known
    });
    let withdrawn = consents(here.dir.path());
    // From the snapshot in the database, and from the chain.
    let (here, there) = (here.restarted(), there.restarted());
    assert_eq!([consents(here.dir.path()), consents(there.dir.path())], [withdrawn.clone(), withdrawn]);
}
