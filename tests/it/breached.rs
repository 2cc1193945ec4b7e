//! Breached passwords: what the application is told, from range files and from a filter that the command line has made.

use std::{fs, path::Path, process::Command};

use crate::{
    login::{LIMITS, application, attempt, walk},
    support::{Origin, Privet, binary},
};

fn guarded(application: &Origin, list: &Path) -> Privet {
    Privet::with(&format!(
        "{}[[login]]\npath = \"/login\"\npreset = \"form-redirect\"\nusername = \"form:user\"\npassword = \"form:password\"\nbreached = \"{}\"\n{LIMITS}\n",
        application.route(""),
        list.display()
    ))
}

/// Whether the application was told, of an attempt with each password.
fn told(privet: &Privet, application: &Origin, passwords: &[&str]) -> Vec<bool> {
    let tell = |(n, password): (usize, &&str)| {
        let before = application.seen().len();
        // A client's own word is none.
        let more = "X-Privet-Password: breached\r\n";
        assert_eq!(walk(privet, [attempt(&format!("user{n}"), password, "203.0.113.1", more)]), [200]);
        application.seen()[before..].to_lowercase().contains("x-privet-password: breached\r\n")
    };
    passwords.iter().enumerate().map(tell).collect()
}

fn nothing_is_shown(privet: &Privet) {
    let shown = format!("{}{}{}", privet.log(), privet.out(), privet.metrics());
    for secret in ["password123", "correct-horse", "CBFDAC", "cbfdac"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

/// SHA-1 of `password123`.
const KNOWN: (&str, &str) = ("CBFDA", "C6008F9CAB4083784CBD1874F76618D2A97");

#[test]
fn range_files_are_looked_up_as_they_are() {
    let (application, folder) = (application(), tempfile::tempdir().expect("a folder"));
    let text = format!("0018A45C4D1DEF81644B54AB7F969B88D65:10\r\n{}:251682\r\n", KNOWN.1);
    fs::write(folder.path().join(KNOWN.0).with_extension("txt"), text).expect("written");
    let privet = guarded(&application, folder.path());
    assert_eq!(told(&privet, &application, &["password123", "correct-horse"]), [true, false]);
    assert_eq!(privet.metric("privet_login_breached_total"), 1);
    assert_eq!(privet.metric("privet_login_breached_unavailable_total"), 1, "there is no file for the other");
    privet.until("logged", || privet.out().contains("breached"));
    nothing_is_shown(&privet);
    // Gone: attempts go on, and one line says so.
    fs::remove_dir_all(folder.path()).expect("removed");
    assert_eq!(told(&privet, &application, &["password123"; 4]), [false; 4]);
    assert_eq!(privet.metric("privet_login_breached_unavailable_total"), 5);
    assert_eq!(privet.log().matches("no hint about a breached password").count(), 1);
}

#[test]
fn a_filter_is_made_by_the_command_line() {
    let (application, folder) = (application(), tempfile::tempdir().expect("a folder"));
    let list = folder.path().join("list");
    fs::write(&list, format!("hunter2\r\n{}{}:251682\n\n", KNOWN.0, KNOWN.1)).expect("written");
    let build = |list: &str| {
        let mut command = Command::new(binary());
        command.args(["breached", "build", list, "-o", "filter", "--one-in", "1000000"]);
        command.current_dir(folder.path()).output().expect("privet runs")
    };
    let out = build("list");
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success() && said.starts_with("2 passwords in "), "{said}");
    assert_eq!(build("nowhere").status.code(), Some(3));
    let privet = guarded(&application, &folder.path().join("filter"));
    assert_eq!(told(&privet, &application, &["password123", "hunter2", "correct-horse"]), [true, true, false]);
    assert_eq!(privet.metric("privet_login_breached_total"), 2);
    assert_eq!(privet.metric("privet_login_breached_unavailable_total"), 0);
    nothing_is_shown(&privet);
}
