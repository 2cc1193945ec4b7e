//! The journal for other programs: OCSF by its own schema, syslog by its own framing.

use std::{
    fs,
    io::Read as _,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
};

use privet::{
    journal::{Class, Journal, Kind, Record, Settings},
    seal::Ring,
};
use serde_json::{Value, json};

use crate::support::{binary, python};

fn export(dir: &Path, args: &[&str]) -> Output {
    Command::new(binary()).args(["audit", "export"]).args(args).current_dir(dir).output().expect("runs")
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&[&out.stdout[..], &out.stderr[..]].concat()).into_owned()
}

/// A journal with a record of every kind, some of them hard to write down; how many.
fn journal(dir: &Path) -> usize {
    let data = dir.join("data");
    fs::create_dir(&data).expect("made");
    let ring = Ring::load_or_make(&data.join("seal.key")).expect("keys");
    let journal = Journal::open(&Settings::new(data.join("journal")), ring).expect("opened");
    let mut records = vec![
        Record::process_started("ab12"),
        Record::sign_in(Kind::SignInSuccess, "realm staff", Some("acc".into()), "adr".into(), None),
        Record::sign_in(Kind::SignInRefused, "/login", None, "adr".into(), Some("account_address")),
        Record::sign_ins(Kind::SignInMissed, 12),
        Record::account(Kind::AccountAdded, "staff", "kim\"]\n<1>1 chulsoo", &["roles"]),
        Record::certificate_loaded(vec!["shop.example".into()]),
        Record::certificate_expired("shop.example".into(), 7),
        Record::key_destroyed(Class::Access, "2024-10-04"),
        Record::witness_failed("1 file", "it was rolled back", true),
    ];
    records.extend(Kind::ALL.iter().map(|kind| Record::new(*kind, [("odd", json!([1, {"a": "b"}]))])));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for record in &records {
        runtime.block_on(journal.append(record)).expect("written");
    }
    records.len()
}

#[test]
fn events_are_what_ocsf_asks_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let records = journal(dir);
    let out = export(dir, &["--format", "ocsf", "-o", "events.jsonl"]);
    assert!(out.status.success(), "{}", text(&out));
    let file = dir.join("events.jsonl");
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    let child = Command::new(python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/ocsf.py"))
        .stdin(fs::File::open(&file).expect("a file"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let out = child.wait_with_output().expect("ended");
    assert!(out.status.success(), "{}", text(&out));
    let counts: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let all: u64 = counts.as_object().expect("counts").values().filter_map(Value::as_u64).sum();
    // And the one that says what is in the file.
    assert_eq!(all, records as u64 + 1, "{counts}");
    for class in ["3001", "3002", "3004", "3005", "6002"] {
        assert!(counts[class].as_u64() > Some(1), "{counts}");
    }
    let lines = fs::read_to_string(&file).expect("a file");
    let first: Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    assert!(first["unmapped"]["holds"].as_str().is_some_and(|text| text.contains("names of staff")), "{first}");
}

/// Cuts messages by their lengths.
fn messages(mut bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let blank = bytes.iter().position(|byte| *byte == b' ').expect("a length");
        let length: usize = std::str::from_utf8(&bytes[..blank]).expect("digits").parse().expect("a number");
        found.push(String::from_utf8(bytes[blank + 1..blank + 1 + length].to_vec()).expect("text"));
        bytes = &bytes[blank + 1 + length..];
    }
    found
}

#[test]
fn syslog_is_framed_in_files_and_on_the_way_to_a_collector() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let records = journal(dir);
    let out = export(dir, &["--format", "syslog", "-o", "out.syslog", "--since", "2020-01-01"]);
    assert!(out.status.success(), "{}", text(&out));
    let written = messages(&fs::read(dir.join("out.syslog")).expect("a file"));
    assert_eq!(written.len(), records + 1);
    assert!(written[0].contains(" privet - export [privet@32473 ") && written[0].contains("asked_since=\"2020-01-01T"));
    for message in &written {
        assert!(message.starts_with("<10") || message.starts_with("<11"), "{message}");
        assert!(message.ends_with("\"]") && !message.contains('\n'), "{message}");
    }
    assert!(written.iter().any(|message| message.starts_with("<105>1 ") && message.contains("rolled back")));
    assert!(
        written.iter().any(|message| message.contains("account=\"kim\\\"\\]\\\\u{a}<1>1 chulsoo\"")),
        "{written:#?}"
    );

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let to = format!("tcp://{}", listener.local_addr().expect("bound"));
    let collector = thread::spawn(move || {
        let mut bytes = Vec::new();
        listener.accept().expect("a client").0.read_to_end(&mut bytes).expect("read");
        bytes
    });
    let out = export(dir, &["--format", "syslog", "--to", &to]);
    assert!(out.status.success(), "{}", text(&out));
    assert_eq!(messages(&collector.join().expect("ended"))[..], written[1..]);
    let refused = export(dir, &["--format", "syslog", "--to", "tcp://192.0.2.1:601"]);
    assert!(refused.status.code() == Some(2) && text(&refused).contains("cleartext"), "{}", text(&refused));
    assert_eq!(export(dir, &["--format", "csv", "--to", &to]).status.code(), Some(2));
    let nobody = export(dir, &["--format", "syslog", "--to", "tcp://127.0.0.1:9"]);
    assert_eq!(nobody.status.code(), Some(3), "{}", text(&nobody));
}

#[test]
fn files_of_lines_begin_with_what_they_hold() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let records = journal(dir);
    let out = export(dir, &["-o", "out.jsonl", "--kind", "sign_in"]);
    assert!(out.status.success(), "{}", text(&out));
    let lines = fs::read_to_string(dir.join("out.jsonl")).expect("a file");
    let first: Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&first["kind"], &first["body"]["asked_kind"]), (&"export".into(), &"sign_in".into()));
    let piped = String::from_utf8(export(dir, &[]).stdout).expect("text");
    assert_eq!(piped.lines().count(), records, "a pipe gets records alone");
}
