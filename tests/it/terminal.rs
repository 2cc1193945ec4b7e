//! What a terminal gets: completions, and the manual.

use std::{
    fs,
    process::{Command, Output},
};

use crate::support::binary;

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
    assert!(complete("privet logins --").lines().any(|word| word == "--json"));
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
            .args(["-man", "-K", "utf8", "-Tutf8", "-ww", "-rLL=78n", "-rCHECKSTYLE=2"])
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
