//! What is signed in a real browser: handovers and reviews, in the console by officers, and by everybody else on the page for it.

use std::{path::Path, process::Command};

use crate::{
    console::Office,
    gate::PASSWORD,
    registry::{does, json},
    support::python,
};

const HERE: &str = " --config privet.toml";

#[test]
fn handovers_and_reviews_are_signed_by_those_whose_they_are() {
    let office = Office::new();
    let dir = office.privet.dir.path();
    let order = |line: &str| does(dir, &format!("{line}{HERE}"));
    order("staff grant two marketing --reason newsletter --as one");
    // One who is here no more has handed over to olga, and has not signed.
    order("handover start --from mark --to olga --role marketing --duty letters --as one");
    order("staff leave mark --as one");
    // A review's period ends with a whole second: that of the last access has to be over.
    let last = std::time::Instant::now();
    office.privet.until("over", || last.elapsed().as_millis() > 1100);
    let handovers = json(dir, &format!("handover list --json{HERE}"));
    let left = handovers["handovers"][0]["id"].to_string();
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/axe.min.js");
    let script =
        concat!(include_str!("browser.py"), include_str!("console_pages.py"), include_str!("console_deeds.py"));
    let site = format!("https://localhost:{}", office.console);
    let out = Command::new(python())
        .args(["-c", script, &site, PASSWORD])
        .arg(&axe)
        .arg(&left)
        .output()
        .expect("python runs");
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(out.status.success(), "{}\n{said}", office.privet.log());

    for (person, kind) in [
        ("one", "handover.started"),
        ("two", "handover.signed"),
        ("olga", "handover.done"),
        ("one", "review.opened"),
        ("one", "review.result"),
        ("two", "review.signed"),
        ("one", "access.looked"),
    ] {
        assert!(office.has_done(person, kind), "{person} {kind}: {:?}", office.records(kind));
    }
    let handovers = json(dir, &format!("handover list --json{HERE}"));
    let handovers = handovers["handovers"].as_array().expect("handovers").clone();
    assert!(handovers.len() == 2 && handovers.iter().all(|own| own["state"] == "done"), "{handovers:?}");
    assert_eq!(handovers[0]["for_leaver"]["subject"], "two");
    assert_eq!(handovers[1]["duties"], serde_json::json!(["newsletter", "list of readers"]), "a line each");
    let reviews = json(dir, &format!("audit review list --json{HERE}"));
    let review = &reviews["reviews"][0];
    assert_eq!((&review["signed"]["by"]["subject"], &review["findings"]), (&"two".into(), &1.into()), "{review}");
    // The first opinion was a draft: the last one counts, and both are on record.
    assert_eq!(office.records("review.result").len(), 2);
    for words in ["mark", "letters", "asked for the reason"] {
        assert!(!office.privet.log().contains(words), "{words}");
    }
}
