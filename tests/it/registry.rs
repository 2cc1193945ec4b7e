//! Least access, pledges and handovers, through the command line and at the gate: with a running gateway, and without one.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{
    gate::{Browser, PASSWORD, add, application, staff},
    support::{Origin, Privet, binary},
};

/// A command in a folder that has a password file; its code, and what it said.
pub fn run(dir: &Path, line: &str) -> (i32, String) {
    run_with(dir, &line.split(' ').map(|word| word.replace('_', " ")).collect::<Vec<_>>())
}

fn run_with(dir: &Path, args: &[String]) -> (i32, String) {
    let Output { status, stdout, stderr } = Command::new(binary())
        .args(args)
        .current_dir(dir)
        .env("PRIVET_PASSWORD_FILE", "password")
        .stdin(Stdio::null())
        .output()
        .expect("runs");
    (status.code().expect("a code"), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[track_caller]
pub fn does(dir: &Path, line: &str) -> String {
    let (code, said) = run(dir, line);
    assert_eq!(code, 0, "{line}: {said}");
    said
}

#[track_caller]
pub fn refuses(dir: &Path, line: &str, code: i32, why: &str) {
    let (found, said) = run(dir, line);
    assert!(found == code && said.contains(why), "{line}: {found}: {said}");
}

pub fn json(dir: &Path, line: &str) -> Value {
    let (_, said) = run(dir, line);
    serde_json::from_str(&said).unwrap_or_else(|_| panic!("{line}: {said}"))
}

pub fn password(dir: &Path) {
    fs::write(dir.join("password"), format!("{PASSWORD}\n")).expect("written");
}

/// Makes an office of two officers, one and two, and of people who may do marketing and have signed the pledge.
pub fn founded(privet: &Privet, people: &[&str]) {
    let here = "--config privet.toml";
    let dir = privet.dir.path();
    password(dir);
    for name in ["one", "two"].iter().chain(people) {
        add(privet, name, &[]);
    }
    does(dir, &format!("staff init one two {here}"));
    for name in people {
        does(dir, &format!("staff grant {name} marketing --reason newsletter --as one {here}"));
        does(dir, &format!("pledge sign --agree 1 --as {name} {here}"));
    }
}

/// Somebody's roles as `staff list` shows them.
fn roles(dir: &Path, place: &str, name: &str) -> Vec<String> {
    let list = json(dir, &format!("staff list --json{place}"));
    let accounts = list["accounts"].as_array().expect("accounts").clone();
    let own = accounts.into_iter().find(|account| account["id"] == name).expect("an account");
    own["roles"].as_array().expect("roles").iter().map(|role| role.as_str().expect("text").to_owned()).collect()
}

#[test]
fn a_year_without_a_gateway() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    password(dir);
    let account = |name: &str, more: &str| {
        let line = format!("staff add {name} --password-stdin{more}");
        let args: Vec<&str> = line.split(' ').collect();
        let mut child = Command::new(binary())
            .args(args)
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        use std::io::Write as _;
        let both = format!("{PASSWORD}\n{PASSWORD}\n");
        child.stdin.take().expect("piped").write_all(both.as_bytes()).expect("written");
        let out = child.wait_with_output().expect("ended");
        (out.status.code().expect("a code"), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    for name in ["one", "two", "ann --role clerk", "bob"] {
        assert_eq!(account(name, "").0, 0);
    }
    // Nothing before there are officers.
    refuses(dir, "staff grant ann marketing --reason newsletter --as one", 1, "not founded");
    refuses(dir, "staff init one one", 1, "two people");
    refuses(dir, "staff init one nobody", 1, "no such account");
    assert_eq!(roles(dir, "", "ann"), ["clerk"]);
    assert!(does(dir, "staff init one two").contains("ann\tclerk"), "who had roles is named");
    refuses(dir, "staff init ann bob", 1, "founded already");
    assert!(roles(dir, "", "ann").is_empty(), "an account's own roles do not count any more");
    // Who orders something proves who they are.
    refuses(dir, "staff grant ann marketing --reason newsletter", 2, "--as NAME");
    fs::write(dir.join("password"), "not it at all, sorry\n").expect("written");
    refuses(dir, "staff grant ann marketing --reason newsletter --as one", 1, "is not right");
    password(dir);
    refuses(dir, "staff grant ann marketing --reason newsletter --as bob", 1, "only a privacy officer");
    refuses(dir, "staff grant one marketing --reason newsletter --as one", 1, "for themselves");
    refuses(dir, "staff grant eve marketing --reason newsletter --as one", 1, "no such account");
    refuses(dir, "staff grant ann duty --reason audit --as one", 1, "job description");
    does(dir, "staff grant ann marketing --reason newsletter --until 90d --as one");
    assert_eq!(roles(dir, "", "ann"), ["marketing"]);
    // Two for an officer.
    assert!(does(dir, "staff grant bob privacy-officer --reason holidays --as one").contains("confirm 4"));
    refuses(dir, "staff confirm 4 --as one", 1, "can't confirm");
    refuses(dir, "staff confirm 4 --as bob", 1, "for themselves");
    assert!(roles(dir, "", "bob").is_empty());
    does(dir, "staff confirm 4 --as two");
    assert_eq!(roles(dir, "", "bob"), ["privacy-officer"]);
    // Pledges.
    refuses(dir, "pledge sign --as ann", 2, "--agree 1");
    refuses(dir, "pledge status ann", 1, "missing");
    assert!(does(dir, "pledge show --language ko").contains("제59조"));
    refuses(dir, "pledge sign --agree 2 --as ann", 1, "not the text");
    does(dir, "pledge sign --agree 1 --language ko --as ann");
    does(dir, "pledge status ann");
    does(dir, "pledge withdraw --as ann");
    refuses(dir, "pledge status ann", 1, "withdrawn");
    // Joiners come by an officer's word, and with no role of their account.
    assert_eq!(account("carl", "").0, 2);
    assert_eq!(account("carl", " --role clerk --as one").0, 2);
    assert_eq!(account("carl", " --as ann").0, 1);
    assert!(json(dir, "staff list --json")["accounts"].as_array().expect("accounts").len() == 4);
    assert_eq!(account("carl", " --as one").0, 0);
    // A handover.
    does(dir, "handover start --from ann --to carl --duty newsletter --matter complaint_17 --as one");
    does(dir, "handover sign 5 --as carl");
    assert!(roles(dir, "", "carl").is_empty());
    does(dir, "handover sign 5 --as ann");
    assert_eq!((roles(dir, "", "ann").len(), roles(dir, "", "carl")), (0, vec!["marketing".to_owned()]));
    assert!(does(dir, "handover list").contains("complaint 17"));
    // A mover, and a leaver with a certificate.
    does(dir, "staff move carl complaints --reason reorganised --as two");
    assert_eq!(roles(dir, "", "carl"), ["complaints"]);
    refuses(dir, "staff leave mistyped --as two", 1, "no such account");
    does(dir, "staff leave carl --reason retired --certificate carl.json --as two");
    refuses(dir, "staff leave carl --as two", 1, "has left");
    refuses(dir, "staff leave ann --certificate carl.json --as two", 3, "certificate");
    refuses(dir, "pledge sign --agree 1 --as carl", 1, "is not right");
    let mode = fs::metadata(dir.join("carl.json")).expect("a file").permissions().mode();
    let certificate: Value = serde_json::from_slice(&fs::read(dir.join("carl.json")).expect("a file")).expect("JSON");
    assert_eq!((mode & 0o777, certificate["person"]["subject"].as_str()), (0o600, Some("carl")));
    assert!(certificate["what"].as_str().is_some_and(|what| what.contains("leaver certificate")));
    assert_eq!(certificate["grants"].as_array().map(Vec::len), Some(2), "{certificate}");
    assert_eq!(certificate["pledge"]["state"], "missing");
    assert_eq!(certificate["seen"]["records"], 0);
    assert_eq!(certificate["not_taken_over"].as_array().map(Vec::len), Some(2), "{certificate}");
    let (code, said) = run(dir, "handover list");
    assert!(code == 1 && said.contains("GAP"), "{said}");
    // Back, as somebody new.
    assert_eq!(account("carl", " --as one").0, 0);
    assert!(roles(dir, "", "carl").is_empty());
    // Officers end only as long as one stays.
    does(dir, "staff leave two --as one");
    does(dir, "staff revoke bob privacy-officer --reason back --as bob");
    refuses(dir, "staff leave one --as one", 1, "no privacy officer without an end");
    assert_eq!(does(dir, "staff list --due"), "");
    // The year's end: a review, an export that has all of it, and proof.
    assert!(does(dir, "audit review open --as one").contains("of 0 access records"));
    refuses(dir, "audit review open --as one", 1, "a review of this time is open");
    does(dir, "audit review sign --as one");
    does(dir, "audit export --output year.jsonl");
    let year = fs::read_to_string(dir.join("year.jsonl")).expect("exported");
    for kind in ["registry.founded", "pledge.signed", "handover.signed", "staff.left", "review.signed"] {
        assert!(year.contains(&format!("\"kind\":\"{kind}\"")), "{kind}: {year}");
    }
    does(dir, "audit verify");
    assert!(does(dir, "audit search --kind staff.left --json").contains("carl"));
}

/// A gate, and routes for roles.
fn office(application: &Origin) -> Privet {
    let route = |path: &str, more: &str| application.route(&format!("path = \"{path}\"\ngate = \"staff\"\n{more}"));
    let privet = Privet::with(&format!(
        "{}{}{}",
        route("/", ""),
        route("/marketing", "roles = [\"marketing\"]"),
        route("/complaints", "roles = [\"complaints\"]"),
    ));
    password(privet.dir.path());
    for name in ["one", "two", "ann"] {
        add(&privet, name, &["--role", "marketing"]);
    }
    privet
}

#[test]
fn the_gate_follows_the_registry_at_every_request() {
    let application = application();
    let privet = office(&application);
    let dir = privet.dir.path();
    let here = " --config privet.toml";
    let order = |line: &str| does(dir, &format!("{line}{here}"));
    let browser = Browser(&privet, "jar");
    browser.sign_in("ann", PASSWORD);
    let status = |path: &str| browser.get(path)[7..10].to_owned();
    assert_eq!(status("/marketing"), "200", "as before, where there are no officers");
    assert!(browser.get("/.privet/pledge").starts_with("HTTP/2 404"));
    order("staff init one two");
    assert_eq!(status("/marketing"), "403", "in the middle of a session");
    order("staff grant ann marketing --reason newsletter --as one");
    assert_eq!(status("/marketing"), "200");
    assert!(browser.get("/.privet/session").contains("\"roles\":[\"marketing\"]"));
    order("staff move ann complaints --reason reorganised --as two");
    assert_eq!((status("/marketing"), status("/complaints")), ("403".to_owned(), "200".to_owned()));
    order("staff revoke ann complaints --reason over --as one");
    assert_eq!(status("/complaints"), "403");
    // It ends by itself, and nobody does anything.
    order("staff grant ann complaints --reason holidays --until 3s --as one");
    assert_eq!(status("/complaints"), "200");
    privet.until("run out", || status("/complaints") == "403");
    // Guesses are limited as on the page.
    fs::write(dir.join("password"), "not it at all, sorry\n").expect("written");
    let said: Vec<String> = (0..8).map(|_| run(dir, &format!("pledge withdraw --as ann{here}")).1).collect();
    assert!(said[0].contains("is not right") && said[7].contains("too many attempts"), "{said:?}");
    password(dir);
    // A leaver is out with the next request, and so is whoever signs in by their account.
    order("staff leave ann --as one");
    assert!(browser.get("/").to_lowercase().starts_with("http/2 303"));
    let program = privet.curl(&["-i", "-b", "jar", "-H", "Accept: application/json", &privet.url("/")]);
    assert!(program.starts_with("HTTP/2 401"), "{program}");
    // The same from the journal, after a start.
    let list = json(dir, &format!("staff list --json{here}"));
    assert_eq!(privet.metric("privet_registry_unread_records"), 0);
    let privet = privet.restarted();
    let dir = privet.dir.path();
    assert_eq!(json(dir, &format!("staff list --json{here}"))["registry"]["people"], list["registry"]["people"]);
    does(dir, &format!("audit verify{here}"));
    let log = privet.log() + &privet.out();
    assert!(!log.contains("ann\"") && !log.contains("reorganised"), "nobody's name in a log: {log}");
}

#[test]
fn a_pledge_is_signed_on_its_page() {
    let application = application();
    let privet = office(&application);
    let dir = privet.dir.path();
    let browser = Browser(&privet, "jar");
    staff(&privet, &["init", "one", "two"], "");
    let page = browser.get("/.privet/pledge").to_lowercase();
    assert!(
        page.starts_with("http/2 303") && page.contains("location: /.privet/sign-in?return=/.privet/pledge"),
        "{page}"
    );
    browser.sign_in("ann", PASSWORD);
    let page = browser.get("/.privet/pledge?return=/marketing");
    assert!(
        page.starts_with("HTTP/2 200") && page.contains("Article 59") && page.contains("id=\"pledge-missing\""),
        "{page}"
    );
    assert!(
        page.contains("content-security-policy: default-src 'none'; style-src") && !page.contains("<script"),
        "{page}"
    );
    let value = |name: &str| {
        let start = page.split(&format!("name=\"{name}\" value=\"")).nth(1).expect("a field");
        format!("{name}={}", &start[..start.find('"').expect("an end")])
    };
    let (act, version, sum) = (value("act"), value("version"), value("sha256"));
    assert_eq!((act.as_str(), version.as_str()), ("act=sign", "version=1"));
    let sign = |form: &str, sum: &str| browser.post("/.privet/pledge?return=/marketing", &[form, &act, &version, sum]);
    let status = || json(dir, "pledge status --json --config privet.toml ann")["people"][0]["pledge"]["state"].clone();
    assert!(sign("form=x", &sum).starts_with("HTTP/2 403"), "not without the token of its page");
    let form = value("form");
    assert!(sign(&form, "sha256=00").starts_with("HTTP/2 403"), "nor for another text");
    assert_eq!(status(), "missing");
    let fetched = privet.curl(&["-i", "-b", "jar", "-H", "Sec-Fetch-Dest: empty", &privet.url("/.privet/pledge")]);
    assert!(fetched.starts_with("HTTP/2 403"), "nor for a script of the application: {fetched}");
    let done = sign(&form, &sum).to_lowercase();
    assert!(done.starts_with("http/2 303") && done.contains("location: /marketing\r\n"), "{done}");
    assert_eq!(status(), "current");
    assert!(browser.get("/.privet/pledge").contains("id=\"pledge-current\""));
    // Another text is another pledge.
    fs::write(dir.join("pledge.txt"), "우리는 개인정보를 지킵니다.\n").expect("written");
    privet.rewrite(|text| format!("{text}\n[registry]\npledge = \"pledge.txt\"\n"));
    privet.until("published", || status() == "outdated");
    let page = browser.get("/.privet/pledge");
    assert!(page.contains("우리는 개인정보를 지킵니다.") && page.contains("id=\"pledge-outdated\""), "{page}");
    does(dir, "pledge sign --agree 2 --language ko --as ann --config privet.toml");
    assert_eq!(status(), "current");
    does(dir, "audit verify --config privet.toml");
    let shown = does(dir, "audit search --kind pledge.signed --json --config privet.toml");
    assert!(shown.lines().count() == 2 && shown.contains("\"language\":\"ko\""), "{shown}");
}
