//! Who sees what of the demo application, for what: every role, route, purpose and type, of people who have agreed and who have not, by real requests.
//! `tests/golden/access/demo.txt` is what they saw. `PRIVET_BLESS=1` writes it.

use std::{fmt::Write as _, fs, net::SocketAddr, path::Path, time::SystemTime};

use privet::{demo::Application, identity::totp};
use serde_json::Value;

use crate::{
    gate::{Browser, PASSWORD, add},
    registry::{does, password},
    support::{Privet, ask_plain},
};

const HERE: &str = " --config privet.toml";
const TYPES: [&str; 6] = ["name", "email", "phone", "rrn", "address", "card"];
/// What is said of the purpose, and the ticket that goes with it.
const PURPOSES: [(&str, &[&str]); 6] = [
    ("(none)", &[]),
    ("marketing", &["X-Privet-Purpose: marketing"]),
    ("complaint", &["X-Privet-Purpose: complaint"]),
    ("complaint with a ticket", &["X-Privet-Purpose: complaint", "X-Privet-Ticket: C-7"]),
    ("duty", &["X-Privet-Purpose: duty"]),
    ("breach with a ticket", &["X-Privet-Purpose: breach", "X-Privet-Ticket: B-1"]),
];

fn secret(shown: &str) -> Vec<u8> {
    let text = shown.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).expect("a secret");
    let mut bits = text.bytes().flat_map(|byte| {
        let value = if byte.is_ascii_digit() { byte - b'2' + 26 } else { byte - b'A' };
        (0..5).rev().map(move |bit| value >> bit & 1)
    });
    let mut out = Vec::new();
    while let Some(byte) = (0..8).try_fold(0, |byte, _| Some(byte << 1 | bits.next()?)) {
        out.push(byte);
    }
    out
}

fn configuration(demo: SocketAddr) -> String {
    let table = |path: &str, more: &str| {
        format!(
            "[[route]]\nupstream = \"http://{demo}\"\npath = \"{path}\"\ngate = \"staff\"\nmask = \"policy\"\n{more}\n"
        )
    };
    [
        table(
            "/api/customers",
            "subject = [\"json:/customers/*/id\", \"json:/id\"]\nconsent = [\"json:/customers/*/marketing_consent\", \"json:/marketing_consent\"]",
        ),
        table("/customers", "subject = \"html:column:id\"\nconsent = \"html:column:marketing\""),
        // What is seen of it, not how it leaves.
        table("/export.csv", "download = \"plain\"\nsubject = \"csv:id\"\nconsent = \"csv:marketing_consent\""),
        table("/search", "subject = \"html:column:id\""),
    ]
    .concat()
}

/// Somebody's own part of an answer.
fn own(answer: &str, id: u64) -> Option<&str> {
    let (start, end) = if answer.contains("{\"id\":") {
        (format!("{{\"id\":{id},"), '}')
    } else if answer.contains("<table") {
        (format!(">{id}</a>"), '\n')
    } else {
        (format!("\n{id},"), '\n')
    };
    let rest = &answer[answer.find(&start)? + start.len()..];
    Some(&rest[..rest.find(end)?])
}

/// What is seen of somebody in an answer.
fn seen(answer: &str, customer: &Value) -> String {
    let Some(own) = own(answer, customer["id"].as_u64().expect("a number")) else { return "left out".to_owned() };
    let seen: Vec<&str> =
        TYPES.into_iter().filter(|kind| own.contains(customer[kind].as_str().expect("text"))).collect();
    if seen.is_empty() { "all masked".to_owned() } else { seen.join(" ") }
}

#[test]
fn everybody_sees_what_their_duty_needs() {
    let demo = Application::start(SocketAddr::from(([127, 0, 0, 1], 0))).expect("started");
    let all = ask_plain(demo.address(), "GET /api/customers?size=40 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let all: Value = serde_json::from_str(&all[all.find("\r\n\r\n").expect("a body")..]).expect("JSON");
    let customers = all["customers"].as_array().expect("customers");
    let [yes, no] =
        [true, false].map(|agreed| customers.iter().find(|one| one["marketing_consent"] == agreed).expect("somebody"));

    let privet = Privet::with(&configuration(demo.address()));
    let dir = privet.dir.path();
    password(dir);
    for name in ["one", "two", "mary", "carl", "dora", "gus"] {
        add(&privet, name, &[]);
    }
    let olga = secret(&add(&privet, "olga", &["--totp"]));
    for line in [
        "staff init one two",
        "staff grant mary marketing --reason newsletter --as one",
        "staff grant carl complaints --reason desk --as one",
        "staff grant dora duty --duty claims --reason desk --as one",
        "staff grant olga privacy-officer --reason office --as one",
        "staff confirm 6 --as two",
    ] {
        does(dir, &format!("{line}{HERE}"));
    }
    for name in ["mary", "carl", "dora", "gus", "olga"] {
        let browser = Browser(&privet, name);
        browser.sign_in(name, PASSWORD);
        if name == "olga" {
            let code = format!("code={:06}", totp::code(&olga, totp::step(SystemTime::now())));
            let page = "/.privet/sign-in/otp";
            assert!(browser.post(page, &[&browser.token(page), &code]).starts_with("HTTP/2 303"));
            // Their pledge is signed on its page: an order from the command line asks for a code of its own.
            let page = "/.privet/pledge";
            let shown = browser.get(page);
            let fields = ["form", "act", "version", "sha256"].map(|name| {
                let start = shown.split(&format!("name=\"{name}\" value=\"")).nth(1).expect("a field");
                format!("{name}={}", start.split('"').next().expect("a value"))
            });
            assert!(browser.post(page, &fields.each_ref().map(String::as_str)).starts_with("HTTP/2 303"));
        } else {
            does(dir, &format!("pledge sign --agree 1 --as {name}{HERE}"));
        }
    }

    let mut out =
        "# What is seen of a customer of the demo application who has agreed to marketing, and of one who has not.\n"
            .to_owned();
    for (role, name) in [
        ("marketing", "mary"),
        ("complaints", "carl"),
        ("duty", "dora"),
        ("privacy-officer", "olga"),
        ("(no role)", "gus"),
    ] {
        let _ = writeln!(out, "\n## {role}");
        for target in ["/api/customers", "/api/customers?format=ndjson", "/customers", "/search?q=%40", "/export.csv"] {
            for (purpose, headers) in PURPOSES {
                let headers: Vec<&str> = headers.iter().flat_map(|line| ["-H", line]).collect();
                let url = privet.url(target);
                let answer = privet
                    .curl(&[&["-i", "-b", name, "-H", "Accept: application/json"], &headers[..], &[&url]].concat());
                let what = match answer.get(7..10) {
                    Some("200") => format!("agreed: {}; not: {}", seen(&answer, yes), seen(&answer, no)),
                    Some(status) => {
                        let error = answer.split("\"error\":\"").nth(1).and_then(|rest| rest.split('"').next());
                        format!("{status} {}", error.unwrap_or_default())
                    }
                    None => "nothing".to_owned(),
                };
                let _ = writeln!(out, "{target:29} {purpose:24} {what}");
            }
        }
    }
    golden(&out);
}

fn golden(actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/access/demo.txt");
    if std::env::var_os("PRIVET_BLESS").is_some() {
        fs::write(&path, actual).expect("written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let differs = actual.lines().zip(expected.lines()).find(|(a, b)| a != b);
    assert!(actual == expected, "differs at {differs:?}; look, then run with PRIVET_BLESS=1:\n{actual}");
}
