//! `privet access` and `privet consent` as people run them: beside a gateway and without one.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use crate::support::{OK, Origin, Privet, binary};

const ROUTE: &str = "[[route]]\nhost = \"shop.example\"\nupstream = \"http://127.0.0.1:1\"\n";

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(binary()).args(args).current_dir(dir).output().expect("runs")
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&[&out.stdout[..], &out.stderr[..]].concat()).into_owned()
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{}", text(out)))
}

/// A folder with this configuration.
fn folder(config: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("privet.toml"), format!("{config}{ROUTE}")).expect("written");
    dir
}

fn explain(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let all = ["access", "explain", "--config", "privet.toml", "--route", "shop.example/"];
    let out = run(dir, &[&all, args].concat());
    (out.status.code(), text(&out))
}

#[test]
fn explain_says_yes_or_no_and_why() {
    let dir = folder("");
    let marketing = ["--role", "marketing", "--purpose", "marketing"];
    let explained = |more: &[&str]| explain(dir.path(), &[&marketing[..], more].concat());
    let (code, shown) = explained(&[]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.starts_with("yes, for marketing\n") && shown.contains("marketing-contact"), "{shown}");
    assert!(shown.contains("seen     EMAIL_ADDRESS, PHONE_NUMBER") && shown.contains("are left out"), "{shown}");
    for (more, expected) in [
        (&["--type", "KR_RRN"][..], "no: KR_RRN is masked"),
        (&["--no-consent"], "no: the route does not know who has agreed"),
        (&["--no-pledge"], "no: the current pledge has to be signed"),
        (&["--action", "delete"], "no: no policy permits it"),
    ] {
        let (code, shown) = explained(more);
        assert!(code == Some(1) && shown.starts_with(expected), "{more:?}: {shown}");
    }
    assert_eq!(explained(&["--type", "PHONE_NUMBER"]).0, Some(0));
    let (code, shown) = explain(dir.path(), &["--role", "complaints", "--purpose", "complaint"]);
    assert!(code == Some(1) && shown.contains("a ticket has to be named") && shown.contains("glass "), "{shown}");
    let (code, shown) = explain(dir.path(), &["--role", "complaints", "--purpose", "complaint", "--glass", "--json"]);
    let answer: Value = serde_json::from_str(&shown).expect("JSON");
    assert!(code == Some(0) && answer["review"] == true && answer["yes"] == true, "{shown}");
    for (args, expected) in [
        (&["--role", "marketing", "--purpose", "fun"][..], "no purpose is called \"fun\""),
        (&["--role", "marketing", "--type", "EMAIL"], "no type is called \"EMAIL\""),
        (&["--role", "marketing", "--action", "look"], "view, create, change, delete or download"),
        (&["--role", "marketing", "--route", "till.example/"], "cannot be used multiple times"),
    ] {
        let (code, shown) = explain(dir.path(), args);
        assert!(code == Some(2) && shown.contains(expected), "{args:?}: {shown}");
    }
}

#[test]
fn check_tells_what_is_wrong_with_policies() {
    let dir = folder("[access]\npolicies = \"policies\"\n");
    let check = || run(dir.path(), &["check", "--config", "privet.toml"]);
    assert!(check().status.code() == Some(2) && text(&check()).contains("privet.toml:2:12: `policies` can't be read"));
    fs::create_dir(dir.path().join("policies")).expect("made");
    assert!(text(&check()).contains("holds none"), "{}", text(&check()));
    let file = dir.path().join("policies/own.cedar");
    fs::write(
        &file,
        "@id(\"own\")\npermit (principal in Role::\"guest\", action, resource)\nwhen { context.ticket == 1 };\n",
    )
    .expect("written");
    let out = check();
    assert!(out.status.code() == Some(2) && text(&out).contains("policies/own.cedar:3:"), "{}", text(&out));
    fs::write(
        &file,
        "@id(\"own\")\npermit (principal in Role::\"guest\", action, resource)\nwhen { context.ticket };\n",
    )
    .expect("written");
    let out = check();
    assert!(out.status.success() && text(&out).contains("policies of 6 files, 8 purposes"), "{}", text(&out));
}

const PEOPLE: &str = "email,name,marketing\n\
    kim@example.com,김민수,Y\n\
    lee@example.com,\"이,\n영희\",N\n\
    ,nobody,Y\n\
    park@example.com,박,perhaps\n\
    choi@example.com\n\
    han@example.com,한,동의\n";

fn import(dir: &Path, more: &[&str]) -> Output {
    let all = ["consent", "import", "people.csv", "--id", "email", "--agreed", "marketing", "--json"];
    run(dir, &[&all, more].concat())
}

fn agreed(dir: &Path, who: &str) -> (Option<i32>, Value) {
    let out = run(dir, &["consent", "show", who, "--json"]);
    (out.status.code(), json(&out))
}

/// What a file and a withdrawal come to, whoever writes it.
fn takes_over(dir: &Path) {
    fs::write(dir.join("people.csv"), PEOPLE).expect("written");
    let out = import(dir, &[]);
    let told = json(&out);
    assert_eq!((out.status.code(), &told["agreed"], &told["not_agreed"]), (Some(1), &2.into(), &1.into()), "{told}");
    let lines: Vec<u64> = told["lines"].as_array().expect("lines").iter().filter_map(|l| l["line"].as_u64()).collect();
    assert_eq!(lines, [5, 6, 7], "{told}");
    assert!(!text(&out).contains("example.com"));
    assert_eq!(agreed(dir, "Kim@Example.com").0, Some(0));
    assert_eq!(agreed(dir, "lee@example.com").0, Some(1));
    assert_eq!(agreed(dir, "nobody@example.com").1["known"], false);
    let out = run(dir, &["consent", "withdraw", "kim@example.com"]);
    assert!(out.status.success() && !text(&out).contains("kim@"), "{}", text(&out));
    let (code, shown) = agreed(dir, "kim@example.com");
    assert!(code == Some(1) && shown["known"] == true && shown["agreed"] == false, "{shown}");
    assert_eq!(agreed(dir, "han@example.com").0, Some(0));
    // The journal names nobody, and says what was done.
    let found = run(dir, &["audit", "search", "--kind", "consent", "--json"]);
    let found = text(&found);
    assert_eq!(found.lines().count(), 3, "{found}");
    assert!(!found.contains("example.com") && found.contains("\"source\":\"command\""), "{found}");
    assert!(found.contains(shown["subject"].as_str().expect("a subject")), "{found}");
}

#[test]
fn consent_is_taken_over_without_a_gateway() {
    let dir = folder("");
    fs::create_dir(dir.path().join("data")).expect("made");
    let key = "a AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    let file = dir.path().join("data/seal.key");
    fs::write(&file, key).expect("written");
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("set");
    takes_over(dir.path());
    let verified = run(dir.path(), &["audit", "verify"]);
    assert!(verified.status.success(), "{}", text(&verified));
    let out = run(dir.path(), &["consent", "import", "people.csv", "--id", "mail", "--agreed", "marketing"]);
    assert!(
        out.status.code() == Some(2) && text(&out).contains("the first line has: email, name, marketing"),
        "{}",
        text(&out)
    );
    let out = run(dir.path(), &["consent", "import", "none.csv", "--id", "mail", "--agreed", "marketing"]);
    assert!(out.status.code() == Some(3) && text(&out).contains("none.csv can't be read"), "{}", text(&out));
}

#[test]
fn consent_is_taken_over_by_a_running_gateway_and_outlives_it() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&format!("[access]\nutc_offset = \"+09:00\"\n{}", origin.route("")));
    takes_over(privet.dir.path());
    let log = privet.log();
    assert!(!log.contains("example.com"), "{log}");
    // Killed: the journal alone has it.
    let privet = privet.restarted();
    let out = run(privet.dir.path(), &["consent", "withdraw", "lee@example.com"]);
    assert!(out.status.success(), "{}", text(&out));
    assert_eq!(agreed(privet.dir.path(), "han@example.com").0, Some(0));
    assert_eq!(agreed(privet.dir.path(), "kim@example.com").0, Some(1));
    // What the journal said is saved at an end in order, and read again.
    privet.signal("TERM");
    privet.until("saved", || privet.dir.path().join("data/consent.sealed").exists());
}

#[test]
fn a_gateway_without_access_keeps_no_consent() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    let out = run(privet.dir.path(), &["consent", "withdraw", "kim@example.com"]);
    assert!(out.status.code() == Some(3) && text(&out).contains("keeps no consent"), "{}", text(&out));
}
