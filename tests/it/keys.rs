//! Keys that are in no file.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use crate::{
    gate::{Browser, PASSWORD, application},
    support::{Privet, binary},
};

#[test]
fn keys_may_come_from_the_environment_and_are_on_no_disk() {
    let application = application();
    let (name, keys) = ("PRIVET_TEST_KEYS", "2026 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n");
    let text = format!("[seal]\nkey_file = \"env:{name}\"\n{}", application.route("gate = \"staff\""));
    let privet = Privet::with_environment(&[(name, keys)], "", &text);
    let dir = privet.dir.path();
    let run = |args: &str, keys: Option<&str>| {
        let mut command = Command::new(binary());
        command.args(args.split(' ')).args(["--config", "privet.toml"]).current_dir(dir).stdin(Stdio::piped());
        command.envs(keys.map(|keys| (name, keys))).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("runs");
        let said = format!("{PASSWORD}\n");
        // It may have ended by now.
        let _ = child.stdin.take().expect("piped").write_all(said.as_bytes());
        let out = child.wait_with_output().expect("ended");
        (out.status.code(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
    };
    assert_eq!(run("staff add alice --password-stdin", Some(keys)).0, Some(0));
    let browser = Browser(&privet, "jar");
    privet.until("known", || browser.sign_in("alice", PASSWORD).starts_with("HTTP/2 303"));
    privet.until("written", || run("audit search --kind sign_in.success", Some(keys)).1.contains("realm staff"));
    let (code, said) = run("audit search", None);
    assert!(code == Some(3) && said.contains("the variable is not set"), "{said}");
    let (code, said) = run("audit search", Some("2026 hunter2"));
    assert!(code == Some(3) && said.contains("no key in line 1") && !said.contains("hunter2"), "{said}");
    assert_eq!(run("audit verify", None).0, Some(0), "which needs no keys");
    let kept = dir.join("kept.key");
    fs::write(&kept, keys.replace("2026", "other")).expect("written");
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).expect("private");
    let (code, said) = run("backup create -o one.backup --key-file kept.key", Some(keys));
    assert_eq!(code, Some(0), "{said}");
    // It brings the keys back as a file, and says where they were.
    let restore = ["backup", "restore", "one.backup", "--data", "new", "--key-file", "kept.key"];
    let out = Command::new(binary()).args(restore).current_dir(dir).output().expect("runs");
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success() && said.contains(&format!("seal.key was env:{name}")), "{said}");
    assert_eq!(fs::read_to_string(dir.join("new/seal.key")).expect("a file"), keys);
    let mut found = Vec::new();
    let mut folders = vec![dir.join("data")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if fs::read(entry.path()).is_ok_and(|bytes| memchr::memmem::find(&bytes, b"AQEBAQEB").is_some()) {
                found.push(entry.path());
            }
        }
    }
    assert!(found.is_empty() && !dir.join("data/seal.key").exists(), "{found:?}");
}
