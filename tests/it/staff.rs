//! `privet staff`: accounts from the command line, and what its exit codes say.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::support::binary;

fn staff(dir: &Path, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(binary())
        .arg("staff")
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    // A command that refuses at once reads nothing.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    child.wait_with_output().expect("ended")
}

fn code(dir: &Path, args: &[&str], input: &str) -> Option<i32> {
    staff(dir, args, input).status.code()
}

#[test]
fn accounts_are_made_listed_and_disabled() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    assert_eq!(code(dir, &["revoke", "alice"], ""), Some(1), "nobody is there yet");
    assert!(!dir.join("data").exists());
    let add = ["add", "Alice", "--role", "clerk", "--totp", "--password-stdin"];
    let added = staff(dir, &add, "vq9 kT2z\n");
    let shown = String::from_utf8_lossy(&added.stdout).into_owned();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    assert!(shown.contains("otpauth://totp/Privet%20staff:alice?secret="), "{shown}");
    assert_eq!(shown.lines().filter(|line| line.starts_with("  ")).count(), 8, "{shown}");
    assert_eq!(code(dir, &add, "vq9 kT2z\n"), Some(1), "a second time");

    let list = staff(dir, &["list", "--json"], "");
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).expect("JSON");
    let alice = &list["accounts"][0];
    assert_eq!((&alice["id"], &alice["roles"][0], &alice["totp"]), (&"alice".into(), &"clerk".into(), &true.into()));
    assert!(!list.to_string().contains("argon2"), "{list}");

    assert_eq!(code(dir, &["passwd", "alice", "--password-stdin"], "a whole other phrase\n"), Some(0));
    assert_eq!(code(dir, &["totp", "alice"], ""), Some(0));
    assert_eq!(code(dir, &["revoke", "alice"], ""), Some(0));
    assert_eq!(code(dir, &["leave", "alice"], ""), Some(0));
    let list = staff(dir, &["list"], "");
    assert_eq!(String::from_utf8_lossy(&list.stdout), "alice\tdisabled\ttotp, 8 recovery codes\tclerk\n");
}

#[test]
fn what_is_refused_has_its_code_and_is_not_repeated() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let short = staff(dir, &["add", "bob", "--password-stdin"], "hunter2\n");
    assert_eq!(short.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&short.stderr).contains("hunter2"));
    assert_eq!(code(dir, &["add", "bob", "--password-stdin"], "passwordpassword\n"), Some(1));
    assert_eq!(code(dir, &["add", "b b", "--password-stdin"], "a whole other phrase\n"), Some(2));
    assert_eq!(code(dir, &["add", "bob", "--role", "X", "--password-stdin"], "a whole other phrase\n"), Some(2));
    assert_eq!(code(dir, &["add", "bob"], "a whole other phrase\n"), Some(2), "no terminal");
    assert_eq!(code(dir, &["list", "--realm", "office"], ""), Some(2));
    std::fs::create_dir_all(dir.join("data")).expect("a folder");
    std::fs::write(dir.join("data/staff.sealed"), "no sealed file").expect("written");
    assert_eq!(code(dir, &["list"], ""), Some(3));
}

#[test]
fn a_configuration_names_realm_file_and_words() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let text = "data_dir = \"state\"\n[[realm]]\nname = \"office\"\nstaff_file = \"office.sealed\"\nblocklist = \"words\"\n\
                [[route]]\nhost = \"crm.example\"\nupstream = \"http://127.0.0.1:9\"\ngate = \"office\"\n";
    std::fs::write(dir.join("privet.toml"), text).expect("written");
    std::fs::write(dir.join("words"), "hanbit\n").expect("written");
    std::fs::create_dir(dir.join("state")).expect("a folder");
    let add = ["add", "bob", "--password-stdin", "--config", "privet.toml", "--realm", "office"];
    assert_eq!(code(dir, &add, "hanbithanbit1234\n"), Some(1));
    assert_eq!(code(dir, &add, "a whole other phrase\n"), Some(0));
    assert!(dir.join("office.sealed").exists() && dir.join("state/seal.key").exists());
}
