//! What people are told: written, approved by two, sent once each however often the sender is killed, posted with proof; forms, compensation, and
//! the report when it is over.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use privet::access::subject::Subject;
use serde_json::Value;

use crate::{
    gate::{PASSWORD, add, application},
    registry::password,
    support::{Beside, Origin, Privet, binary, free_port, python},
};

const SERVER: &str = include_str!("mail_server.py");
const FONT: &str = "/usr/share/fonts/truetype/nanum/NanumGothic.ttf";

/// A command with the configuration of a folder.
fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command
        .args(args)
        .args(["--config", "privet.toml"])
        .current_dir(dir)
        .env("PRIVET_PASSWORD_FILE", "password")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(dir: &Path, args: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = command(dir, args).output().expect("runs");
    (status.code().expect("a code"), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[track_caller]
fn does(dir: &Path, args: &[&str]) -> String {
    let (code, said) = run(dir, args);
    assert_eq!(code, 0, "{args:?}: {said}");
    said
}

#[track_caller]
fn refuses(dir: &Path, args: &[&str], code: i32, why: &str) {
    let (found, said) = run(dir, args);
    assert!(found == code && said.contains(why), "{args:?}: {found}: {said}");
}

fn json(dir: &Path, args: &[&str]) -> Value {
    let out = command(dir, args).output().expect("runs");
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    serde_json::from_str(&said).unwrap_or_else(|_| panic!("{args:?}: {said} {}", String::from_utf8_lossy(&out.stderr)))
}

/// The mail server, where its package is installed.
fn mail_server(said: &Path, options: &str) -> Option<(Beside, u16)> {
    let has = Command::new(python()).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
    if !has.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no aiosmtpd (tests/run installs it)");
        return None;
    }
    let (server, port) = Beside::python_with(SERVER, &[said, Path::new(options)]);
    Some((server, port.parse().expect("a port")))
}

/// What the server has, line by line.
fn taken(said: &Path) -> Vec<Value> {
    let text = fs::read_to_string(said).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn by_address(said: &Path) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for mail in taken(said) {
        *all.entry(mail["to"].as_str().expect("an address").to_owned()).or_default() += 1;
    }
    all
}

fn subject(number: usize) -> String {
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&(number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    Subject(bytes).text()
}

/// A list of these addresses, every third of them only possible.
fn list(path: &Path, addresses: &[(usize, String)]) {
    let mut text = "address,subject,certainty,language\n".to_owned();
    for (number, address) in addresses {
        let certainty = if number % 3 == 0 { "possible" } else { "confirmed" };
        let language = ["ko", "en-US", ""][number % 3];
        text.push_str(&format!("{address},{},{certainty},{language}\n", subject(*number)));
    }
    fs::write(path, text).expect("written");
}

/// Officers, and a case that is confirmed.
fn case(dir: &Path) {
    does(dir, &["staff", "init", "one", "two"]);
    does(
        dir,
        &[
            "incident",
            "open",
            "export at night",
            "--type",
            "EMAIL_ADDRESS",
            "--type",
            "KR_RRN",
            "--person",
            "eve",
            "--as",
            "one",
        ],
    );
    does(dir, &["incident", "confirm", "1", "--reason", "seen in the records", "--as", "one"]);
}

/// A folder with accounts, and a configuration of more lines.
fn folder(more: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let route = "[[route]]\nupstream = \"http://127.0.0.1:1\"\ngate = \"staff\"\nroles = [\"complaints\"]\n";
    let text = format!("{more}\n{route}");
    fs::write(dir.path().join("privet.toml"), text).expect("written");
    password(dir.path());
    for name in ["one", "two", "eve"] {
        let mut child = command(dir.path(), &["staff", "add", name, "--password-stdin"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("runs");
        child.stdin.take().expect("piped").write_all(format!("{PASSWORD}\n").as_bytes()).expect("written");
        let out = child.wait_with_output().expect("ended");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    case(dir.path());
    dir
}

const WHO: &str = "organisation = \"Example Shop\"\ncontact = \"privacy@shop.example, 02-000-0000\"\n";
const KOREAN: [&str; 8] = [
    "--set",
    "when_how=직원 한 명이 야간에 목록을 반출하였습니다.",
    "--set",
    "self_help=비밀번호를 <바꾸고> 의심스러운 연락에 주의하세요.",
    "--set",
    "measures=계정을 정지하고 경찰에 신고하였습니다.",
    "--set",
    "redress=개인정보 분쟁조정위원회에 조정을 신청할 수 있습니다.",
];
const ENGLISH: [&str; 8] = [
    "--set",
    "when_how=Somebody took a list along at night.",
    "--set",
    "self_help=Change your password.",
    "--set",
    "measures=The account is closed.",
    "--set",
    "redress=You can ask the mediation committee.",
];

fn draft(dir: &Path, language: &str, texts: &[&str]) -> String {
    let head = ["incident", "notice", "1", "--law", "kr-pipa", "--language", language, "--as", "one", "--json"];
    let said = json(dir, &[&head, texts].concat());
    said["events"][0]["sha256"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned()
}

/// Written in both languages, and approved by both officers.
fn approved(dir: &Path) {
    draft(dir, "ko", &KOREAN);
    let sha256 = draft(dir, "en", &ENGLISH);
    for name in ["one", "two"] {
        does(dir, &["incident", "approve", "1", "--agree", &sha256[..12], "--as", name]);
    }
}

fn notify<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["incident", "notify", "1", "--to", file, "--as", "one", "--json"], more].concat()
}

fn states(dir: &Path) -> BTreeMap<String, Vec<String>> {
    let all = json(dir, &["incident", "deliveries", "1", "--json"]);
    let mut states: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in all["deliveries"].as_array().expect("rows") {
        let of = |name: &str| row[name].as_str().expect("text").to_owned();
        states.entry(of("state")).or_default().push(of("subject"));
    }
    states
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(240), "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nothing_is_said_while_an_item_is_empty_and_nothing_goes_out_without_two() {
    let dir = folder(&format!(
        "[incident]\nretry = \"1s\"\n{WHO}[incident.mail]\nsmtp = \"smtp://127.0.0.1:9\"\nfrom = \"privacy@shop.example\"\n"
    ));
    let dir = dir.path();
    let write =
        |more: &[&'static str]| [&["incident", "notice", "1", "--law", "kr-pipa", "--as", "one"], more].concat();
    refuses(dir, &write(&KOREAN[..4]), 1, "nothing is said of measures (ko)");
    refuses(dir, &write(&["--set", "measure=x"]), 1, "it has types, when_how");
    refuses(
        dir,
        &["incident", "notice", "1", "--law", "kr-pipa", "--duty", "report", "--set", "a=b", "--as", "one"],
        1,
        "no duty",
    );
    let due = json(dir, &["incident", "notice", "1", "--json"]);
    let missing =
        |row: &Value| row["items"].as_array().into_iter().flatten().filter(|item| item["missing"] == true).count();
    assert_eq!(
        due["due"].as_array().map(|rows| rows.iter().map(missing).collect::<Vec<_>>()),
        Some(vec![2, 4]),
        "{due}"
    );
    refuses(dir, &["incident", "approve", "1", "--agree", "00000000", "--as", "one"], 1, "no such notice");
    let sha256 = draft(dir, "ko", &KOREAN);
    list(&dir.join("to.csv"), &[(1, "a@people.example".to_owned())]);
    refuses(dir, &notify("to.csv", &[]), 1, "2 officers approve");
    does(dir, &["incident", "approve", "1", "--agree", &sha256, "--as", "one"]);
    refuses(dir, &["incident", "approve", "1", "--agree", &sha256, "--as", "one"], 1, "another officer has to");
    refuses(dir, &["incident", "approve", "1", "--agree", &sha256, "--as", "eve"], 1, "only a privacy officer");
    refuses(dir, &notify("to.csv", &[]), 1, "and 1 has");
    does(dir, &["incident", "notice", "1", "--preview", "read"]);
    let page = fs::read_to_string(dir.join("read/confirmed.ko.html")).expect("a document");
    assert!(
        page.contains("비밀번호를 &lt;바꾸고&gt;") && page.contains("주민등록번호") && !page.contains("<바꾸고>"),
        "{page}"
    );
    // A change takes approvals away.
    let other = draft(dir, "ko", &["--set", "measures=계정을 정지하였습니다."]);
    assert_ne!(sha256, other);
    refuses(dir, &["incident", "approve", "1", "--agree", &sha256, "--as", "two"], 1, "another SHA-256");
    does(dir, &["incident", "approve", "1", "--agree", &other, "--as", "two"]);
    refuses(dir, &notify("to.csv", &[]), 1, "and 1 has");
    does(dir, &["incident", "approve", "1", "--agree", &other, "--as", "one"]);
    // Nothing is written down of a rehearsal, and an absent server is told.
    refuses(dir, &notify("to.csv", &["--dry-run"]), 3, "can't be used");
    refuses(dir, &notify("to.csv", &[]), 3, "goes on where it has stopped");
    assert_eq!(states(dir).into_keys().collect::<Vec<_>>(), ["deferred"], "it was put off, and nobody has it");
    // A template of one's own that says too little, and one that nobody understands.
    fs::create_dir(dir.join("own")).expect("made");
    fs::write(dir.join("own/notice.ko.txt"), "{{title}}\n{{item.measures}}\n").expect("written");
    let text = fs::read_to_string(dir.join("privet.toml"))
        .expect("read")
        .replace("[incident]\n", "[incident]\ntemplates = \"own\"\n");
    fs::write(dir.join("privet.toml"), &text).expect("written");
    refuses(dir, &write(&KOREAN), 1, "notice.ko.txt says nothing of types, when_how");
    fs::write(dir.join("own/notice.ko.txt"), "{{title}}\n  {{measures}}\n").expect("written");
    refuses(dir, &write(&KOREAN), 2, "notice.ko.txt:2:3: nobody knows `{{measures}}`");
    fs::rename(dir.join("own/notice.ko.txt"), dir.join("own/notice.kr.txt")).expect("moved");
    refuses(dir, &["check"], 2, "stands for nothing");
}

#[test]
fn three_hundred_are_told_once_each_though_the_sender_is_killed_three_times() {
    let dir = tempfile::tempdir().expect("a folder");
    let said = dir.path().join("said");
    let Some((_server, port)) = mail_server(&said, "{\"delay\": 0.004}") else { return };
    let more = format!(
        "[incident]\nrate = 1000\nretry = \"1s\"\n{WHO}[incident.mail]\nsmtp = \"smtp://127.0.0.1:{port}\"\nfrom = \"privacy@shop.example\"\n"
    );
    let dir = folder(&more);
    let dir = dir.path();
    approved(dir);
    let everybody: Vec<(usize, String)> = (0..300).map(|n| (n, format!("p{n}@people.example"))).collect();
    list(&dir.join("to.csv"), &everybody);
    let rehearsal = json(dir, &notify("to.csv", &["--dry-run"]));
    assert!(rehearsal["due"] == 300 && rehearsal["trouble"].is_null() && taken(&said).is_empty(), "{rehearsal}");
    for (kill, after) in [30, 110, 210].into_iter().enumerate() {
        let mut sender = Ended(command(dir, &notify("to.csv", &[])).spawn().expect("runs"));
        until("some are sent", || taken(&said).len() >= after);
        assert!(sender.0.try_wait().expect("a child").is_none(), "it is in the middle");
        let arguments = fs::read(format!("/proc/{}/cmdline", sender.0.id())).expect("a process");
        assert!(!String::from_utf8_lossy(&arguments).contains("people.example"));
        sender.0.kill().expect("killed");
        sender.0.wait().expect("ended");
        let unknown = states(dir).get("unknown").map_or(0, Vec::len);
        assert!(unknown <= 4 * (kill + 1), "after {} kills {unknown} are in doubt", kill + 1);
        assert!(by_address(&said).values().all(|count| *count == 1), "nobody twice");
    }
    let (code, told) = run(dir, &notify("to.csv", &[]));
    let states_now = states(dir);
    let unknown = states_now.get("unknown").cloned().unwrap_or_default();
    assert!(code == 1 && told.contains("nobody knows"), "{code}: {told}");
    assert_eq!(states_now["accepted"].len() + unknown.len(), 300, "{states_now:?}");
    let known = by_address(&said);
    assert!(known.values().all(|count| *count == 1), "nobody twice");
    // Whom the server does not have is among those in doubt, and they are listed.
    let lacking: Vec<(usize, String)> =
        everybody.iter().filter(|(_, address)| !known.contains_key(address)).cloned().collect();
    assert!(lacking.iter().all(|(number, _)| unknown.contains(&subject(*number))), "{lacking:?}");
    assert!(unknown.len() <= 12 && lacking.len() <= unknown.len(), "{} of {}", lacking.len(), unknown.len());
    // Nothing more is done by itself.
    assert_eq!(run(dir, &notify("to.csv", &[])).0, 1);
    assert_eq!(by_address(&said), known);
    // The officer has looked into the server's log by Message-ID.
    if !lacking.is_empty() {
        list(&dir.join("lacking.csv"), &lacking);
        does(dir, &notify("lacking.csv", &["--unknown", "resend"]));
    }
    let all = by_address(&said);
    assert!(all.len() == 300 && all.values().all(|count| *count == 1), "each exactly once");
    let mails = taken(&said);
    let ids: std::collections::BTreeSet<&str> = mails.iter().filter_map(|mail| mail["id"].as_str()).collect();
    assert_eq!(ids.len(), 300);
    let deliveries = json(dir, &["incident", "deliveries", "1", "--json"]);
    let listed = deliveries["deliveries"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| format!("<{}>", row["message_id"].as_str().expect("an id")));
    assert!(listed.into_iter().all(|id| ids.contains(id.as_str())), "a server's log can be searched by what is listed");
    let one = |to: &str| mails.iter().find(|mail| mail["to"] == to).expect("a mail").clone();
    let (korean, english) = (one("p0@people.example"), one("p1@people.example"));
    assert_eq!((korean["subject"].as_str(), korean["language"].as_str()), (Some("개인정보 유출등 통지"), Some("ko")));
    assert!(
        korean["parts"][0].as_str().is_some_and(|text| text.contains("가능성이 있어") && text.contains("<바꾸고>")),
        "{korean}"
    );
    assert!(
        english["parts"][1].as_str().is_some_and(|html| html.contains("Your personal data was disclosed")),
        "{english}"
    );
    // Nobody's address is in the journal.
    let journal = does(dir, &["audit", "search", "--json"]);
    assert!(journal.contains("notice.delivery") && !journal.contains("people.example"));
    // Each step was bound to the text.
    assert!(run(dir, &["audit", "verify"]).1.contains("records"));
}

fn openssl(dir: &Path, script: &str) {
    let made = Command::new("sh").args(["-ec", script]).current_dir(dir).output().expect("a shell");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn a_gateway_writes_the_steps_and_what_a_server_answers_is_kept() {
    let own = tempfile::tempdir().expect("a folder");
    openssl(
        own.path(),
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 2 2>/dev/null
         openssl req -newkey rsa:2048 -nodes -keyout key.pem -out r.csr -subj /CN=localhost 2>/dev/null
         printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > ext
         openssl x509 -req -in r.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out cert.pem 2>/dev/null",
    );
    let path = |name: &str| own.path().join(name).display().to_string();
    let options = format!("{{\"certificate\": \"{}\", \"key\": \"{}\"}}", path("cert.pem"), path("key.pem"));
    let said = own.path().join("said");
    let Some((_server, port)) = mail_server(&said, &options) else { return };
    let application = application();
    let privet = Privet::with(&format!(
        "{}[incident]\nretry = \"1s\"\nrate = 100\n{WHO}[incident.mail]\nsmtp = \"smtp://localhost:{port}\"\nca = \"{}\"\nfrom = \"privacy@shop.example\"\n\
         smtp_user = \"privet\"\nsmtp_password = \"hush hush\"\n",
        application.route("gate = \"staff\""),
        path("ca.pem"),
    ));
    let dir = privet.dir.path();
    password(dir);
    for name in ["one", "two", "eve"] {
        add(&privet, name, &[]);
    }
    case(dir);
    approved(dir);
    let people = ["well", "later-2", "never", "no address", "other"];
    let rows: Vec<(usize, String)> =
        people.iter().enumerate().map(|(n, name)| (n, format!("{name}@people.example"))).collect();
    list(&dir.join("to.csv"), &rows);
    let (code, told) = run(dir, &notify("to.csv", &[]));
    assert!(code == 1 && told.contains("2 people were not told"), "{told}");
    let all = states(dir);
    assert_eq!(
        (all["accepted"].len(), all["bounced"].clone(), all["unaddressed"].clone()),
        (3, vec![subject(2)], vec![subject(3)]),
        "{all:?}"
    );
    let mails = taken(&said);
    assert!(
        mails.len() == 3
            && mails
                .iter()
                .all(|mail| mail["tls"] == true && mail["user"].as_str().is_some_and(|user| user.contains("privet"))),
        "{mails:?}"
    );
    let deliveries = json(dir, &["incident", "deliveries", "1", "--json"]);
    let of = |number: usize| {
        deliveries["deliveries"]
            .as_array()
            .expect("rows")
            .iter()
            .find(|row| row["subject"] == subject(number))
            .expect("a row")
            .clone()
    };
    assert_eq!(
        (of(1)["attempts"].as_u64(), of(2)["code"].as_u64()),
        (Some(3), Some(550)),
        "put off twice, and refused"
    );
    let clock = |privet: &Privet| {
        let shown = json(privet.dir.path(), &["incident", "show", "1", "--json"]);
        let clocks = shown["clocks"].as_array().expect("clocks").clone();
        clocks.into_iter().find(|clock| clock["duty"] == "notice").expect("a clock")["settled"].clone()
    };
    assert!(clock(&privet).is_null(), "two were not told");
    // The list is mended.
    list(&dir.join("to.csv"), &rows.iter().map(|(n, _)| (*n, format!("mended{n}@people.example"))).collect::<Vec<_>>());
    does(dir, &notify("to.csv", &["--bounced", "resend"]));
    assert_eq!(
        states(dir).into_iter().map(|(state, all)| (state, all.len())).collect::<Vec<_>>(),
        [("accepted".to_owned(), 5)]
    );
    assert_eq!(taken(&said).len(), 5, "nobody was told anew");
    assert_eq!(clock(&privet)["outcome"], "done", "the clock has stopped by itself");
    come_back(dir);
    // What has gone out is not changed; more is another notice.
    draft(dir, "en", &ENGLISH);
    refuses(dir, &notify("to.csv", &[]), 1, "and 0 has");
    assert!(!privet.log().contains("people.example") && !privet.out().contains("people.example"));
    // Never in clear to a server that should have TLS.
    let plain = own.path().join("plain");
    let (_clear, port) = mail_server(&plain, "{}").expect("a server");
    let text = fs::read_to_string(dir.join("privet.toml")).expect("read");
    let text: String = text
        .lines()
        .map(|line| {
            if line.starts_with("smtp = ") {
                format!("smtp = \"smtp://localhost:{port}\"\n")
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    fs::write(dir.join("other.toml"), text).expect("written");
    let out = Command::new(binary())
        .args(notify("to.csv", &["--notice", "1", "--bounced", "resend", "--dry-run", "--config", "other.toml"]))
        .current_dir(dir)
        .output()
        .expect("runs");
    assert_eq!(out.status.code(), Some(3), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(taken(&plain).is_empty());
}

/// Mail that is in the sender's mailbox afterwards: two were not reached, whatever the server has said.
fn come_back(dir: &Path) {
    let deliveries = json(dir, &["incident", "deliveries", "1", "--json"]);
    let id = |number: usize| {
        let rows = deliveries["deliveries"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["subject"] == subject(number)).expect("a row");
        row["message_id"].as_str().expect("an id").to_owned()
    };
    let date = |at: time::OffsetDateTime| at.format(&time::format_description::well_known::Rfc2822).expect("a date");
    let (now, before) = (time::OffsetDateTime::now_utc(), time::OffsetDateTime::now_utc() - time::Duration::days(1));
    let report = |date: &str, to: &str, action: &str, quoted: &str| {
        format!(
            "From MAILER-DAEMON Sat Nov 28 10:00:00 2026\nDate: {date}\nTo: privacy@shop.example\nMIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type=delivery-status;\n boundary=\"=_b\"\n\n--=_b\n\nIt did not work.\n\n\
             --=_b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; {to}\n\
             Action: {action}\nStatus: 5.1.1\n\n--=_b\nContent-Type: text/rfc822-headers\n\n{quoted}To: <{to}>\n\n--=_b--\n\n"
        )
    };
    let quoted = |id: &str| format!("Message-ID: <{id}>\n");
    let (now, before) = (date(now), date(before));
    let mbox = [
        report(&now, "mended0@people.example", "failed", &quoted(&id(0))),
        report(&now, "mended0@people.example", "failed", &quoted(&id(0))),
        report(&now, "mended1@people.example", "delayed", &quoted(&id(1))),
        report(&before, "mended2@people.example", "failed", &quoted(&id(2))),
        report(&now, "mended3@people.example", "failed", &quoted("ffffffffffffffffffffffffffffffff@shop.example")),
        report(&now, "Mended4@people.example", "failed", ""),
        "From somebody Sat Nov 28 10:00:00 2026\nSubject: thank you\n\nI have read it.\n".to_owned(),
    ];
    fs::write(dir.join("mbox"), mbox.concat()).expect("written");
    let said = json(dir, &["incident", "bounced", "1", "mbox", "--dry-run", "--json"]);
    let expected = serde_json::json!({
        "case": 1, "notice": 1, "messages": 7, "bounced": 1, "reasons": { "5.1.1": 1 }, "left": 0, "dry_run": true,
        "by_address": 0, "known": 0, "old": 1, "passing": 1, "foreign": 1, "unnamed": 1, "other": 1,
    });
    assert_eq!(said, expected);
    assert_eq!(states(dir)["accepted"].len(), 5, "nothing was noted");
    let mut noted = vec!["incident", "bounced", "1", "mbox", "--to", "to.csv"];
    refuses(dir, &noted, 2, "--as");
    noted.extend(["--as", "eve"]);
    refuses(dir, &noted, 1, "officer");
    noted.pop();
    noted.push("one");
    let told = does(dir, &noted);
    assert!(
        told.contains("2 people were not reached (2 5.1.1), by 7 messages") && told.contains("1 of these by address"),
        "{told}"
    );
    assert!(!told.contains("people.example"), "{told}");
    let all = states(dir);
    assert_eq!((all["accepted"].len(), &all["bounced"]), (3, &vec![subject(0), subject(4)]), "{all:?}");
    let told = does(dir, &["incident", "deliveries", "1"]);
    assert_eq!(told.matches("\tbounced\t").count(), 2, "{told}");
    assert_eq!(told.matches("\t5.1.1\t").count(), 2, "{told}");
    assert!(does(dir, &noted).starts_with("0 people were not reached"), "once each");
    let journal = does(dir, &["audit", "search", "--kind", "notice.bounced", "--json"]);
    assert!(journal.contains("\"status\":\"5.1.1\"") && !journal.contains("people.example"), "{journal}");
}

#[test]
fn a_service_of_ones_own_gets_each_message_under_its_key() {
    let service = Origin::start_with(|request, _| {
        let status = if request.contains("busy@") { "503 Service Unavailable" } else { "204 No Content" };
        Some(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"))
    });
    let dir = folder(&format!(
        "[incident]\nretry = \"1s\"\n{WHO}[incident.webhook]\nurl = \"{}/push\"\nauthorization = \"Bearer hush\"\n",
        service.url()
    ));
    let dir = dir.path();
    approved(dir);
    list(&dir.join("to.csv"), &[(1, "a@people.example".to_owned()), (2, "b@people.example".to_owned())]);
    does(dir, &notify("to.csv", &[]));
    let seen = service.seen();
    assert_eq!(seen.matches("POST /push HTTP/1.1").count(), 2);
    let low = seen.to_lowercase();
    assert!(low.matches("idempotency-key: ").count() == 2 && low.contains("authorization: bearer hush"), "{seen}");
    assert!(seen.contains("\"address\":\"a@people.example\"") && !seen.contains(&subject(1)), "it learns no pseudonym");
    does(dir, &notify("to.csv", &[]));
    assert_eq!(service.seen().matches("POST ").count(), 2, "nobody twice");
}

#[test]
fn everybody_sees_what_is_posted_and_a_time_without_proof_is_a_gap() {
    let application = application();
    let ports = [free_port(), free_port(), free_port()];
    let text = format!(
        "{}[incident]\n{WHO}[incident.page]\nurl = \"https://127.0.0.1:{}\"\nca = \"certs/ca.pem\"\nevery = \"4s\"\n",
        application.route("gate = \"staff\""),
        ports[0]
    );
    let privet = Privet::at(ports, &[], "", &text);
    let dir = privet.dir.path();
    password(dir);
    for name in ["one", "two", "eve"] {
        add(&privet, name, &[]);
    }
    case(dir);
    approved(dir);
    let page = |privet: &Privet, more: &str| privet.get("/.privet/notices/1", more);
    assert!(page(&privet, "").starts_with("HTTP/1.1 404"));
    assert!(privet.get("/.privet/notices", "").contains("Nothing is posted."));
    refuses(dir, &["incident", "post", "1", "--days", "3", "--as", "one"], 1, "30 days at least");
    assert!(does(dir, &["incident", "post", "1", "--dry-run"]).contains("this is a dry run"));
    assert!(does(dir, &["incident", "post", "1", "--as", "two"]).contains("/.privet/notices/1"));
    let (korean, english) = (page(&privet, "Accept-Language: ko\r\n"), page(&privet, "Accept-Language: en\r\n"));
    assert!(
        korean.starts_with("HTTP/1.1 200") && korean.contains("<html lang=\"ko\">") && korean.contains("유출되었거나"),
        "{korean}"
    );
    assert!(korean.contains("비밀번호를 &lt;바꾸고&gt;") && !korean.contains("eve"), "{korean}");
    assert!(
        english.contains("<html lang=\"en\">")
            && english.to_lowercase().contains("content-security-policy: default-src 'none'"),
        "{english}"
    );
    assert!(privet.get("/.privet/notices/1?language=en", "Accept-Language: ko\r\n").contains("<html lang=\"en\">"));
    assert!(
        privet
            .get("/.privet/notices", "Accept-Language: ko\r\n")
            .contains("<a href=\"/.privet/notices/1\">개인정보 유출등 통지</a>")
    );
    assert!(privet.get("/.privet/notices/2", "").starts_with("HTTP/1.1 404"));
    let post = privet.raw(
        b"POST /.privet/notices/1 HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    assert!(post.starts_with("HTTP/1.1 405"), "{post}");
    let shown =
        |privet: &Privet| json(privet.dir.path(), &["incident", "notice", "1", "--json"])["postings"][0].clone();
    privet.until("proved", || shown(&privet)["proofs"].as_u64() >= Some(2));
    let posting = shown(&privet);
    assert!(posting["failed"] == 0 && posting["gaps"].as_array().is_some_and(Vec::is_empty), "{posting}");
    let proofs = does(dir, &["audit", "search", "--kind", "notice.posted", "--json"]);
    assert!(proofs.contains("\"matches\":true") && proofs.contains("\"seen\":[\""), "{proofs}");
    // It is away for a while.
    let before = posting["proofs"].as_u64();
    let mut privet = privet;
    privet.child.kill().expect("killed");
    privet.child.wait().expect("ended");
    thread::sleep(Duration::from_secs(16));
    let privet = privet.restarted();
    privet.until("proved again", || shown(&privet)["proofs"].as_u64() > before.map(|count| count + 1));
    let posting = shown(&privet);
    assert_eq!(posting["gaps"].as_array().map(Vec::len), Some(1), "{posting}");
    let dir = privet.dir.path();
    assert!(does(dir, &["incident", "notice", "1"]).contains("GAP"));
    does(dir, &["incident", "take-down", "1", "--reason", "replaced", "--as", "one"]);
    assert!(page(&privet, "").starts_with("HTTP/1.1 404"));
    refuses(
        dir,
        &["incident", "take-down", "1", "--reason", "again", "--as", "one"],
        1,
        "nothing of this case is posted",
    );
}

#[test]
#[allow(clippy::too_many_lines)] // one walk
fn an_authority_is_told_on_a_form_and_a_case_ends_with_a_report() {
    let has_font = Path::new(FONT).exists();
    let font = if has_font { format!("font = \"{FONT}\"\n") } else { String::new() };
    let dir = folder(&format!("[incident]\nlaws = [\"kr-pipa\", \"gdpr\", \"us-ca\"]\n{font}{WHO}"));
    let dir = dir.path();
    let form = |law: &'static str, more: &[&'static str]| [&["incident", "form", "1", "--law", law], more].concat();
    refuses(dir, &form("kr-pipa", &["-o", "form.html"]), 1, "nothing is said of when_how (ko)");
    refuses(dir, &form("kr-pipa", &["--dry-run"]), 1, "MISSING\tmeasures");
    assert!(!dir.join("form.html").exists());
    // What a notice says counts.
    approved(dir);
    does(dir, &form("kr-pipa", &["-o", "form.html"]));
    let page = fs::read_to_string(dir.join("form.html")).expect("a form");
    let mode = fs::metadata(dir.join("form.html")).expect("a file").permissions().mode() & 0o777;
    assert!(
        mode == 0o600 && page.contains("개인정보 유출등 신고서") && page.contains("아직 통지하지 않음"),
        "{mode:o} {page}"
    );
    assert!(page.contains("비밀번호를 &lt;바꾸고&gt;") && page.contains("02-000-0000"), "{page}");
    refuses(dir, &form("kr-pipa", &["-o", "form.html"]), 3, "can't be written");
    does(
        dir,
        &form(
            "gdpr",
            &[
                "--set",
                "nature=A list was taken along.",
                "--set",
                "consequences=Fraud by mail.",
                "--set",
                "measures=Closed.",
                "-o",
                "gdpr.html",
            ],
        ),
    );
    refuses(dir, &form("us-ca", &["-o", "ca.html"]), 1, "sample");
    if has_font {
        does(dir, &form("kr-pipa", &["--pdf", "form.pdf"]));
        let text = Command::new("pdftotext").args(["form.pdf", "-"]).current_dir(dir).output();
        match text {
            Ok(out) => {
                let text = String::from_utf8_lossy(&out.stdout).into_owned();
                assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
                assert!(text.contains("개인정보 유출등 신고서") && text.contains("계정을 정지하고"), "{text}");
            }
            Err(_) => eprintln!("skipped: no pdftotext (tests/run installs it)"),
        }
    } else {
        eprintln!("skipped: no {FONT} (tests/run installs it)");
    }
    // Compensation.
    let person = subject(1);
    let add = |stage: &'static str, amount: &'static str| -> Vec<String> {
        let line = [
            "incident",
            "compensation",
            "1",
            "add",
            &person,
            "--stage",
            stage,
            "--amount",
            amount,
            "--basis",
            "PIPA art. 39-2",
            "--as",
            "one",
        ];
        line.map(str::to_owned).to_vec()
    };
    let words = |line: &[String]| line.to_vec();
    let call = |line: Vec<String>| run(dir, &words(&line).iter().map(String::as_str).collect::<Vec<_>>());
    let (code, told) = call(add("paid", "100000"));
    assert!(code == 1 && told.contains("paid does not come after nothing"), "{told}");
    assert_eq!(call(add("offered", "100000")).0, 0);
    assert_eq!(call(add("paid", "99999")).0, 1);
    assert_eq!(call(add("paid", "100000.5")).0, 2, "a won has no parts");
    assert_eq!(call(add("paid", "100000")).0, 0);
    let book = json(dir, &["incident", "compensation", "1", "list", "--json"]);
    assert!(book["lines"].as_array().map(Vec::len) == Some(2) && book["totals"][0]["amount"] == "100000 KRW", "{book}");
    does(dir, &["incident", "compensation", "1", "export", "-o", "book.csv"]);
    let csv = fs::read_to_string(dir.join("book.csv")).expect("exported");
    assert!(csv.lines().count() == 3 && csv.contains("paid,100000,KRW,one"), "{csv}");
    // The end.
    does(dir, &["staff", "grant", "eve", "complaints", "--reason", "work", "--as", "one"]);
    does(dir, &["incident", "note", "1", "lesson: look at nights", "--as", "one"]);
    let report = json(dir, &["incident", "report", "1", "--format", "json", "--set", "cause=A password on a note."]);
    let kinds: Vec<&str> =
        report["timeline"].as_array().expect("steps").iter().filter_map(|step| step["kind"].as_str()).collect();
    for kind in ["incident.opened", "incident.confirmed", "notice.drafted", "notice.approved", "compensation.entered"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    assert_eq!(
        (report["cause"][0].as_str(), report["lessons"][0].as_str()),
        (Some("A password on a note."), Some("look at nights"))
    );
    let held: Vec<&str> = report["responsible"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["person"]["subject"].as_str())
        .collect();
    assert_eq!(held, ["one", "two"], "eve was given her role later: {report}");
    does(dir, &["incident", "report", "1", "-o", "report.html"]);
    let page = fs::read_to_string(dir.join("report.html")).expect("a report");
    assert!(page.contains("Who was responsible at that time") && page.contains("look at nights"), "{page}");
}
