//! What a terminal gets: completions, the manual, and `privet top`.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use crate::support::{OK, Origin, Privet, binary, python};

#[path = "../../examples/man.rs"]
pub mod manual;

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&[&out.stdout[..], &out.stderr[..]].concat()).into_owned()
}

fn completions(shell: &str) -> String {
    let out = Command::new(binary()).args(["completions", shell]).output().expect("runs");
    assert!(out.status.success(), "{}", said(&out));
    String::from_utf8(out.stdout).expect("text")
}

#[test]
fn bash_completes_commands_and_options() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("privet"), completions("bash")).expect("written");
    let complete = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let (last, at) = (words.last().expect("a word"), words.len() - 1);
        // As bash calls it: the command, the word under the cursor, the word before.
        let script = format!(
            "set -e; . ./privet; COMP_WORDS=({line}); COMP_CWORD={at}; _privet privet '{last}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words[at - 1]
        );
        let out =
            Command::new("bash").args(["--norc", "-c", &script]).current_dir(dir.path()).output().expect("bash runs");
        assert!(out.status.success(), "{}", said(&out));
        said(&out)
    };
    assert_eq!(complete("privet att"), "attest\n");
    assert_eq!(complete("privet audit veri"), "verify\n");
    assert!(complete("privet top --").lines().any(|word| word == "--once"));
    for (shell, part) in [("zsh", "#compdef privet"), ("fish", "complete -c privet")] {
        assert!(completions(shell).contains(part), "{shell}");
    }
}

/// All commands, as `--help` calls them.
fn commands(command: &clap::Command, above: &str, found: &mut Vec<String>) {
    let name = if above.is_empty() { command.get_name().to_owned() } else { format!("{above}-{}", command.get_name()) };
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        commands(below, &name, found);
    }
    found.push(name);
}

#[test]
fn every_command_has_a_page_of_the_manual() {
    let dir = tempfile::tempdir().expect("a folder");
    manual::write(dir.path()).expect("written");
    let mut all = Vec::new();
    commands(&privet::cli::command(), "", &mut all);
    assert!(all.len() > 60 && all.contains(&"privet-audit-verify".to_owned()), "{all:?}");
    for name in &all {
        let page = dir.path().join(format!("{name}.8"));
        let out = Command::new("groff")
            .args(["-man", "-K", "utf8", "-Tutf8", "-P-c", "-P-b", "-P-u", "-ww", "-rLL=78n", "-rCHECKSTYLE=2"])
            .arg(&page)
            .output()
            .expect("groff runs; tests/run installs it");
        let (text, faults) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(out.status.success() && faults.is_empty(), "{name}: {faults}");
        assert!(text.contains("SYNOPSIS") && text.contains(name), "{name}: {text}");
    }
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), all.len());
    let first = fs::read_to_string(dir.path().join("privet.8")).expect("a page");
    for part in ["SIGHUP", "NOTIFY_SOCKET", "/etc/privet/privet.toml", "privet\\-attest(8)"] {
        assert!(first.contains(part), "{part}");
    }
}

/// A gateway with somebody who asks, until `done`.
fn busy(done: impl FnOnce(&Privet)) {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    let (tell, stop) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let asked = &privet;
        scope.spawn(move || {
            while stop.try_recv().is_err() {
                asked.get("/a?tel=010-1234-5678", "");
            }
        });
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| done(&privet)));
        let _ = tell.send(());
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

fn top(dir: &Path, args: &[&str]) -> Output {
    Command::new(binary())
        .args(["top", "--data", "data"])
        .args(args)
        .env_remove("NO_COLOR")
        .current_dir(dir)
        .output()
        .expect("runs")
}

#[test]
fn top_says_what_goes_by() {
    busy(|privet| {
        let dir = privet.dir.path();
        let mut frame = Value::Null;
        // A busy machine may not get to a request within an interval.
        privet.until("something goes by", || {
            let out = top(dir, &["--once", "--json", "--interval", "500ms"]);
            assert!(out.status.success(), "{}", said(&out));
            frame = serde_json::from_slice(&out.stdout).expect("one object");
            frame["requests"]["per_second"].as_f64().is_some_and(|rate| rate > 0.0)
        });
        let route = &frame["routes"][0];
        assert!(route["route"] == "*/" && route["status"]["2xx"].as_f64() > Some(0.0), "{frame}");
        assert!(route["p99_ms"].as_f64() >= route["p50_ms"].as_f64() && route["p50_ms"].is_number(), "{frame}");
        assert_eq!((&frame["upstreams"][0]["up"], &frame["journal"]["up"]), (&true.into(), &true.into()), "{frame}");
        assert!(!frame.to_string().contains("1234"), "nobody's data: {frame}");
        let out = top(dir, &["--interval", "200ms"]);
        let table = said(&out);
        assert!(out.status.success() && table.contains("ROUTE") && table.contains("UPSTREAM"), "{table}");
        assert!(!table.contains('\u{1b}'), "colours are for terminals: {table}");
    });
}

#[test]
fn top_gives_the_terminal_back() {
    busy(|privet| {
        let out = Command::new(python())
            .args(["-c", include_str!("top.py")])
            .arg(binary())
            .current_dir(privet.dir.path())
            .output()
            .expect("python runs");
        assert!(out.status.success(), "{}", said(&out));
    });
}

#[test]
fn without_a_gateway_top_says_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = top(dir.path(), &["--once"]);
    assert_eq!(out.status.code(), Some(3));
    assert!(said(&out).contains("--data DIR"), "{}", said(&out));
}
