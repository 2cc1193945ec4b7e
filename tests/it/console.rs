//! The console in a real browser: every page as each role, in both languages and themes, judged by axe; and what is done there is in the journal.

use std::{io::Write as _, path::Path, process::Command};

use privet::demo::Application;
use serde_json::Value;

use crate::{
    gate::{Browser, PASSWORD, add},
    registry::{does, password},
    support::{Privet, connect, free_port, python, read_all},
};

const HERE: &str = " --config privet.toml";

/// A gateway with two officers, an operator, somebody of marketing who has looked at customers, a case, and a grant that one officer has proposed.
pub struct Office {
    pub privet: Privet,
    pub console: u16,
    /// The number of that grant.
    proposed: String,
    _application: Application,
}

impl Office {
    pub fn new() -> Self {
        let application = Application::start("127.0.0.1:0".parse().expect("an address")).expect("started");
        let console = free_port();
        let privet = Privet::with_listen(
            &format!("console = \"127.0.0.1:{console}\""),
            &format!(
                "[shield.ban]\n[[route]]\nupstream = \"http://{}\"\ngate = \"staff\"\nrecord = true\nwatch = true\n\
                 subject = \"json:/customers/*/id\"\n",
                application.address()
            ),
        );
        let dir = privet.dir.path();
        password(dir);
        for name in ["one", "two", "olga", "mark", "ann"] {
            add(&privet, name, &[]);
        }
        let order = |line: &str| does(dir, &format!("{line}{HERE}"));
        order("staff init one two");
        order("staff grant olga operator --reason shifts --as one");
        order("staff grant mark marketing --reason newsletter --as one");
        order("pledge sign --agree 1 --as mark");
        let said = order("staff grant ann privacy-officer --reason holidays --as one");
        let proposed: String =
            said.split("confirm ").nth(1).expect("a number").chars().take_while(char::is_ascii_digit).collect();
        order("incident open <i>pages</i> --as one");
        order("ban add 192.0.2.7 --reason scraping");
        let browser = Browser(&privet, "mark");
        browser.sign_in("mark", PASSWORD);
        assert!(browser.get("/api/customers?page=1&size=5").starts_with("HTTP/2 200"));
        let office = Self { privet, console, proposed, _application: application };
        office.privet.until("written", || !office.records("disclosure.done").is_empty());
        office
    }

    pub fn records(&self, kind: &str) -> Vec<Value> {
        let said = does(self.privet.dir.path(), &format!("audit search --kind {kind} --json{HERE}"));
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Whether there is a record of this kind by this person.
    pub fn has_done(&self, person: &str, kind: &str) -> bool {
        let by = |body: &Value| {
            let named = [&body["person"], &body["by"]["subject"], &body["note"]["by"]["subject"]];
            named.into_iter().any(|value| value == person)
                || body.to_string().contains(&format!("\"subject\":\"{person}\""))
        };
        self.records(kind).iter().any(|record| by(&record["body"]))
    }
}

#[test]
fn who_does_not_send_a_request_to_its_end_keeps_no_place() {
    let console = free_port();
    let privet = Privet::with_listen(
        &format!("console = \"127.0.0.1:{console}\""),
        "[[route]]\nupstream = \"http://127.0.0.1:9\"\n",
    );
    let address = ([127, 0, 0, 1], console).into();
    let mut slow = connect(address, &privet.dir.path().join("certs/ca.pem"), &[b"http/1.1"]);
    slow.write_all(b"POST /policy/look HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\na").expect("sent");
    let answer = read_all(&mut slow);
    assert!(answer.starts_with("HTTP/1.1 408 "), "and the connection ends: {answer}");
}

#[test]
fn every_page_is_whole_for_each_role_and_every_deed_is_written_down() {
    let office = Office::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shots = root.join("docs/console");
    let blessed = std::env::var_os("PRIVET_BLESS").is_some();
    if blessed {
        std::fs::create_dir_all(&shots).expect("made");
    }
    let axe = root.join("target/tools/axe.min.js");
    if !axe.exists() {
        println!("skipped in part: no target/tools/axe.min.js, which tests/run brings");
    }
    // A name: cookies of a `__Host-` are for addresses as well, and people use names.
    let site = format!("https://localhost:{}", office.console);
    let out = Command::new(python())
        .args([
            "-c",
            concat!(include_str!("browser.py"), include_str!("console_pages.py"), include_str!("console.py")),
            &site,
            PASSWORD,
        ])
        .arg(&axe)
        .arg(if blessed { shots.as_os_str() } else { std::ffi::OsStr::new("") })
        .arg(&office.proposed)
        .output()
        .expect("python runs");
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(out.status.success(), "{}\n{said}", office.privet.log());
    for (person, kind) in [
        ("olga", "ban.lifted"),
        ("two", "grant.given"),
        ("two", "remedy.taken"),
        ("two", "remedy.lifted"),
        ("two", "incident.confirmed"),
        ("two", "access.looked"),
        ("two", "session.ended"),
    ] {
        assert!(office.has_done(person, kind), "{person} {kind}: {:?}", office.records(kind));
    }
    let looked = office.records("access.looked");
    assert!(looked.iter().any(|record| record["body"]["subjects"].is_array()), "one person was looked up: {looked:?}");
    assert!(looked.iter().any(|record| record["body"]["export"] == "csv"), "{looked:?}");
    assert!(!office.privet.log().contains("mark") && !office.privet.out().contains("mark"), "nobody's name in a log");
}
