//! The Core Rule Set's regression files through the program: raw bytes over TLS, an application that echoes, and what the access log says of rules.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write as _},
};

use serde_json::Value;

use super::{
    SETUP,
    exchange::{Request, data},
    ftw,
};
use crate::support::{Origin, Privet};

/// Whether a decision has what a stage expects.
fn judge(expected: &ftw::Log, decision: &Value) -> bool {
    let found: Vec<u64> = decision["rules"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    let has = |id: &u32| found.contains(&u64::from(*id));
    expected.expect_ids.iter().all(has) && !expected.no_expect_ids.iter().any(has)
}

/// The head of an answer, as far as it comes.
fn answer(from: &mut impl Read) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && from.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).to_lowercase()
}

/// Refusals by the framing guard are failures here, though nothing of such a request reaches an application.
#[test]
fn regression_stages_through_the_program() {
    let Some(data) = data() else { return };
    let origin = Origin::start_with(|request, _| {
        let mut answer = Request::read(request.as_bytes())?.reflected();
        answer.headers.push(("Content-Length".to_owned(), answer.body.len().to_string()));
        Some(String::from_utf8_lossy(&answer.bytes()).into_owned())
    });
    let folder = tempfile::tempdir().expect("a folder");
    let setup = folder.path().join("before.conf");
    let action = format!("SecAction \"id:900005,phase:1,nolog,pass,{SETUP},setvar:tx.blocking_paranoia_level=4\"\n");
    fs::write(&setup, action).expect("written");
    let privet = Privet::with(&format!(
        "{}[shield]\nrules = {:?}\nbefore = [{setup:?}]\nparanoia = 4\n[shield.limits]\ntime = \"10s\"\n",
        origin.route("shield = \"detect\""),
        data.join("rules-v4"),
    ));
    // Without optimisation all of them take minutes; `cargo test --release` asks all.
    let step = if cfg!(debug_assertions) { 9 } else { 1 };
    let files = ftw::files(&data.join("regression-dev"));
    let tests = files.iter().flat_map(|(_, file)| file.tests.iter().map(move |test| (file.rule_id, test)));
    let stages = tests.flat_map(|(rule, test)| test.stages.iter().map(move |stage| (rule, test.test_id, stage)));
    let mut sent = BTreeMap::new();
    let (mut asked, mut failed) = (0, Vec::new());
    for (rule, test, stage) in stages.step_by(step) {
        let Some(expected) = &stage.output.log else { continue };
        asked += 1;
        let mut tls = privet.tls();
        // The guard may have closed the connection before all of it was sent.
        let _ = tls.write_all(&stage.input.bytes());
        let answer = answer(&mut tls);
        let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: "));
        match id {
            Some(id) if !answer.starts_with("http/1.1 400") => {
                sent.insert(id.to_owned(), (rule, test, expected));
            }
            _ => failed.push(format!("{rule}-{test}: {}", answer.lines().next().unwrap_or("no answer"))),
        }
    }
    let decisions = || -> BTreeMap<String, Value> {
        let out = privet.out();
        let lines = out.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines
            .filter_map(|line| Some((line["privet.request_id"].as_str()?.to_owned(), line["privet.shield"].clone())))
            .collect()
    };
    privet.until("all in the log", || {
        let decisions = decisions();
        sent.keys().all(|id| decisions.contains_key(id))
    });
    let decisions = decisions();
    let wrong = sent.iter().filter(|(id, (.., expected))| !judge(expected, &decisions[*id]));
    failed.extend(wrong.map(|(id, (rule, test, _))| format!("{rule}-{test}: {}", decisions[id]["rules"])));
    failed.iter().for_each(|failure| println!("{failure}"));
    println!("{asked} stages, {} failed", failed.len());
    assert!(asked > 300 && failed.len() * 1_000 <= asked * 15, "{} of {asked} stages: more than 1.5 %", failed.len());
}
