//! Passkeys in a real browser, whose authenticator is the browser's own virtual one.

use std::process::Command;

use crate::{
    gate::{PASSWORD, add, application, staff},
    support::{Privet, python},
};

#[test]
fn a_browser_adds_a_passkey_and_signs_in_by_it() {
    let application = application();
    let route = |path: &str, more: &str| application.route(&format!("path = \"{path}\"\ngate = \"staff\"\n{more}"));
    let privet = Privet::with(&format!(
        "[[realm]]\nname = \"staff\"\npasskeys = true\n{}{}",
        route("/", ""),
        route("/twice", "step_up = { second_factor = true }"),
    ));
    add(&privet, "alice", &["--role", "clerk", "--name", "Alice & Co"]);
    // A name, for there are no passkeys for addresses.
    let site = format!("https://localhost:{}", privet.https.port());
    let out = Command::new(python())
        .args(["-c", concat!(include_str!("browser.py"), include_str!("passkey.py")), &site, "alice", PASSWORD])
        .output()
        .expect("python runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&[out.stdout, out.stderr].concat()));
    let seen = application.seen();
    assert!(seen.contains("GET /twice") && seen.to_lowercase().contains("x-privet-user: alice\r\n"), "{seen}");
    assert!(!privet.log().contains("alice") && !privet.log().contains("My laptop"), "nobody's name in a log");

    let list = staff(&privet, &["list"], "");
    assert_eq!(list, "alice\tactive\tpassword, 1 passkey\tclerk\n");
    let shown = staff(&privet, &["passkeys", "list", "alice"], "");
    assert!(shown.contains("\tlocalhost\t") && shown.ends_with("\tMy laptop\n"), "{shown}");
    let tag = shown.split('\t').next().expect("a tag").to_owned();
    staff(&privet, &["passkeys", "remove", "alice", "--passkey", &tag], "");
    assert_eq!(staff(&privet, &["list"], ""), "alice\tactive\tpassword only\tclerk\n");
    privet.until("read", || privet.log().matches("staff file was read again").count() > 1);
}
