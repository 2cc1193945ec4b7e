//! Who may see whose data, for what, and the record of it: by real requests at a gate, before an application that knows nothing of it.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

use crate::{
    gate::{Browser, PASSWORD, add},
    registry::{does, password},
    support::{Origin, Privet},
};

pub const HERE: &str = " --config privet.toml";
pub const ALL: usize = 100;

/// Of a hundred people 37 have agreed.
pub fn agreed(id: usize) -> bool {
    id * 37 % ALL < 37
}

pub fn mail(id: usize) -> String {
    format!("person{id}@example.com")
}

fn rrn(id: usize) -> String {
    // A check digit that fits, so that it is one.
    let digits = format!("8{:01}0101{}{:05}", id % 10, 1 + id % 2, id);
    let weights = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];
    let sum: u32 = digits.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{}-{}{}", &digits[..6], &digits[6..], (11 - sum % 11) % 10)
}

fn body(path: &str) -> (&'static str, String) {
    let people = || 1..=ALL;
    let object =
        |id| format!("{{\"id\":{id},\"email\":\"{}\",\"rrn\":\"{}\",\"agreed\":{}}}", mail(id), rrn(id), agreed(id));
    match path {
        "/list.json" => {
            ("application/json", format!("{{\"people\":[{}]}}", people().map(object).collect::<Vec<_>>().join(",")))
        }
        "/list.ndjson" => ("application/x-ndjson", people().map(|id| object(id) + "\n").collect()),
        "/list.csv" => {
            let row = |id| format!("{id},{},{},{}\r\n", mail(id), rrn(id), if agreed(id) { "Y" } else { "N" });
            ("text/csv", format!("id,email,rrn,agreed\r\n{}", people().map(row).collect::<String>()))
        }
        "/list.html" => {
            let row = |id| {
                format!("<tr><td>{id}<td>{}<td>{}<td>{}</tr>", mail(id), rrn(id), if agreed(id) { "Y" } else { "N" })
            };
            let rows: String = people().map(row).collect();
            ("text/html", format!("<table><tr><th>ID<th>Email<th>RRN<th>Agreed</tr>{rows}</table>"))
        }
        path => match path.strip_prefix("/people/").and_then(|id| id.parse().ok()) {
            Some(id) => ("application/json", object(id)),
            None => ("text/plain", "nothing".to_owned()),
        },
    }
}

/// An application with a hundred people, which also tells what it was sent.
pub fn application() -> Origin {
    Origin::start_with(|request, _| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let (kind, body) = body(path);
        let more =
            if path == "/people/7" && request.starts_with("GET") { "Content-Disposition: inline\r\n" } else { "" };
        Some(format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{more}Content-Length: {}\r\n\r\n{body}", body.len()))
    })
}

pub fn office(application: &Origin, more: &str) -> Privet {
    let list = "path = \"/\"\ngate = \"staff\"\nmask = \"policy\"\n\
         subject = [\"json:/people/*/id\", \"json:/id\", \"csv:id\", \"html:column:ID\"]\n\
         consent = [\"json:/people/*/agreed\", \"json:/agreed\", \"csv:agreed\", \"html:column:Agreed\"]\n";
    let one = "path = \"/people\"\ngate = \"staff\"\nmask = \"policy\"\nsubject = [\"path:2\"]\nconsent = [\"json:/agreed\"]\n";
    let privet = Privet::with(&format!("{}{}[access]\n{more}", application.route(list), application.route(one)));
    let dir = privet.dir.path();
    password(dir);
    for name in ["one", "two", "ann", "carl"] {
        add(&privet, name, &[]);
    }
    for line in [
        "staff init one two",
        "staff grant ann marketing --reason newsletter --as one",
        "staff grant carl complaints --reason desk --as one",
    ] {
        does(dir, &format!("{line}{HERE}"));
    }
    privet
}

pub fn pledge(dir: &Path, name: &str) {
    does(dir, &format!("pledge sign --agree 1 --as {name}{HERE}"));
}

pub fn records(privet: &Privet, kind: &str) -> Vec<Value> {
    let said = does(privet.dir.path(), &format!("audit search --kind {kind} --json{HERE}"));
    said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A program that says what it works for.
pub fn ask(privet: &Privet, jar: &str, path: &str, more: &[&str]) -> String {
    let headers: Vec<&str> = more.iter().flat_map(|line| ["-H", line]).collect();
    let url = privet.url(path);
    privet.curl(&[&["-i", "-b", jar, "-H", "Accept: application/json"], &headers[..], &[&url]].concat())
}

#[test]
fn marketing_sees_those_who_agreed_in_every_format_and_it_is_written_down() {
    let application = application();
    let privet = office(&application, "");
    let dir = privet.dir.path();
    Browser(&privet, "ann").sign_in("ann", PASSWORD);
    let program = |more: &[&str]| ask(&privet, "ann", "/list.json", more);
    assert!(program(&["X-Privet-Purpose: marketing"]).contains("\"pledge\""), "not before the pledge");
    pledge(dir, "ann");
    assert!(program(&[]).contains("\"purpose\""), "nor without a purpose");
    assert!(
        program(&["X-Privet-Purpose: complaint", "X-Privet-Ticket: A-1"]).starts_with("HTTP/2 403"),
        "nor for another's"
    );
    assert_eq!(application.seen(), "", "the application has seen nothing");
    for path in ["/list.json", "/list.ndjson", "/list.csv", "/list.html"] {
        let answer = ask(&privet, "ann", path, &["X-Privet-Purpose: marketing"]);
        assert!(answer.starts_with("HTTP/2 200") && answer.contains("no-store"), "{answer}");
        for id in 1..=ALL {
            let shown = answer.contains(&format!("{}\"", mail(id)))
                || answer.contains(&format!("{},", mail(id)))
                || answer.contains(&format!("{}<", mail(id)));
            assert_eq!(shown, agreed(id), "{path}: {id}");
            assert!(!answer.contains(&rrn(id)), "{path}: what marketing does not need is masked: {id}");
        }
    }
    privet.until("written", || records(&privet, "disclosure.done").len() == 4);
    for (intent, done) in records(&privet, "disclosure.intent").iter().zip(records(&privet, "disclosure.done")) {
        let (intent, body) = (intent, &done["body"]);
        assert_eq!((&intent["body"]["person"], &body["person"]), (&"ann".into(), &"ann".into()));
        assert_eq!(
            (&body["purpose"], &body["action"], &body["address"]),
            (&"marketing".into(), &"view".into(), &"127.0.0.1".into())
        );
        assert_eq!(
            (&body["people"], &body["records_dropped"], &body["unattributed"]),
            (&37.into(), &63.into(), &0.into()),
            "{body}"
        );
        assert_eq!(body["subjects"].as_array().map(Vec::len), Some(37));
        assert_eq!(
            (&body["shown"]["EMAIL_ADDRESS"], &body["complete"], &body["intent"]),
            (&37.into(), &true.into(), &intent["index"])
        );
        assert!(!done.to_string().contains("person1@"), "nobody's address is in it: {done}");
    }
    // The same 37 four times are 37 people.
    let people = |more: &str| -> Vec<Value> {
        let said = does(dir, &format!("audit people --json{more}{HERE}"));
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let total = &people(" --by period")[0];
    assert_eq!(
        (&total["person"], &total["records"], &total["people"], &total["unattributed"], &total["unfinished"]),
        (&"ann".into(), &4.into(), &37.into(), &0.into(), &0.into())
    );
    assert!(people("").iter().all(|row| row["people"] == 37 && row["day"].is_string()));
    assert!(people(" --person carl").is_empty() && people(" --until 2000-01-01").is_empty());
    assert!(does(dir, &format!("audit people --by period{HERE}")).contains("ann  37 people in 4 records"));
    // One person's own right of access.
    let somebody = (1..=ALL).find(|id| agreed(*id)).expect("somebody");
    let told = |id: usize| {
        does(dir, &format!("audit subject {id} --json{HERE}")).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(told(somebody).len(), 4);
    let first: Value = serde_json::from_str(&told(somebody)[0]).expect("JSON");
    assert_eq!(
        (&first["person"], &first["purpose"], &first["shown"]["EMAIL_ADDRESS"]),
        (&"ann".into(), &"marketing".into(), &37.into())
    );
    assert!(first.get("subjects").is_none(), "nobody else's pseudonym");
    assert_eq!(told((1..=ALL).find(|id| !agreed(*id)).expect("somebody")).len(), 0, "who has not agreed was not seen");
    // Whoever withdraws is gone with the next request.
    let first = (1..=ALL).find(|id| agreed(*id)).expect("somebody");
    fs::write(dir.join("people.csv"), format!("id,agreed\n{first},1\n")).expect("written");
    does(dir, &format!("consent import people.csv --id id --agreed agreed{HERE}"));
    assert!(program(&["X-Privet-Purpose: marketing"]).contains(&format!("\"{}\"", mail(first))));
    fs::write(dir.join("people.csv"), format!("id,agreed\n{first},0\n")).expect("written");
    does(dir, &format!("consent import people.csv --id id --agreed agreed{HERE}"));
    assert!(!program(&["X-Privet-Purpose: marketing"]).contains(&format!("\"{}\"", mail(first))));
    does(dir, &format!("audit verify{HERE}"));
    let log = privet.log() + &privet.out();
    assert!(!log.contains("person1") && !log.contains("\"ann\""), "{log}");
}

#[test]
fn people_say_what_they_work_for_on_a_page_and_a_glass_is_noted() {
    let application = application();
    let privet = office(&application, "");
    let dir = privet.dir.path();
    let browser = Browser(&privet, "carl");
    browser.sign_in("carl", PASSWORD);
    let location = |answer: &str| {
        answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or_default().trim().to_owned()
    };
    assert!(location(&browser.get("/people/7")).starts_with("/.privet/pledge?return="));
    pledge(dir, "carl");
    let page = location(&browser.get("/people/7"));
    assert!(page.starts_with("/.privet/purpose?return="), "{page}");
    let token = browser.token(&page);
    let shown = browser.get(&page);
    assert!(
        shown.contains("value=\"complaint\"") && !shown.contains("value=\"marketing\"") && !shown.contains("<script"),
        "{shown}"
    );
    assert!(
        browser.post(&page, &[&token, "purpose=complaint", "ticket="]).starts_with("HTTP/2 422"),
        "it needs a ticket"
    );
    assert!(
        browser.post(&page, &["form=x", "purpose=complaint", "ticket=C-7"]).starts_with("HTTP/2 400"),
        "and its own form"
    );
    assert_eq!(location(&browser.post(&page, &[&token, "purpose=complaint", "ticket=C-7"])), "/people/7");
    let answer = browser.get("/people/7");
    assert!(answer.contains(&mail(7)) && !answer.contains(&rrn(7)), "{answer}");
    // Nobody else has use for the choice.
    let jar = fs::read_to_string(dir.join("carl")).expect("a jar");
    let line = jar.lines().find(|line| line.contains("__Host-privet-purpose")).expect("kept");
    Browser(&privet, "ann").sign_in("ann", PASSWORD);
    pledge(dir, "ann");
    let stolen = format!("{}\n{line}\n", fs::read_to_string(dir.join("ann")).expect("a jar"));
    fs::write(dir.join("ann"), stolen).expect("written");
    assert!(location(&Browser(&privet, "ann").get("/people/7")).starts_with("/.privet/purpose"));
    // Without a ticket, where it can't wait.
    assert!(browser.post(&page, &[&token, "purpose=complaint", "ticket=", "glass=1"]).starts_with("HTTP/2 303"));
    assert!(browser.get("/people/7").contains(&mail(7)));
    privet.until("written", || records(&privet, "disclosure.done").len() == 2);
    let done = records(&privet, "disclosure.done");
    assert_eq!((&done[0]["body"]["ticket"], &done[0]["body"]["review"]), (&"C-7".into(), &Value::Null));
    assert_eq!((&done[1]["body"]["ticket"], &done[1]["body"]["review"]), (&Value::Null, &true.into()));
    let of_seven = &done[0]["body"]["subjects"];
    assert_eq!(
        (of_seven.as_array().map(Vec::len), &done[0]["body"]["people"]),
        (Some(1), &1.into()),
        "whose it is stands in the path"
    );
    assert_eq!(of_seven, &done[1]["body"]["subjects"]);
}

#[test]
fn a_masked_value_does_not_come_back_as_one() {
    let application = application();
    let privet = office(&application, "");
    let dir = privet.dir.path();
    Browser(&privet, "carl").sign_in("carl", PASSWORD);
    pledge(dir, "carl");
    let headers = ["X-Privet-Purpose: complaint", "X-Privet-Ticket: C-7"];
    let shown = ask(&privet, "carl", "/people/7", &headers);
    let masked = shown.split("\"rrn\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a field").to_owned();
    assert!(masked.contains("*****"), "{shown}");
    let send = |body: &str| {
        let url = privet.url("/people/7");
        let kind = [
            "-H",
            headers[0],
            "-H",
            headers[1],
            "-H",
            "Content-Type: application/json",
            "-X",
            "PUT",
            "--data-binary",
            body,
        ];
        privet.curl(&[&["-i", "-b", "carl"], &kind[..], &[&url]].concat())
    };
    assert!(send(&format!("{{\"rrn\":\"{masked}\",\"note\":\"x\"}}")).starts_with("HTTP/2 200"));
    assert!(
        application.seen().contains(&format!("{{\"rrn\":\"{}\",\"note\":\"x\"}}", rrn(7))),
        "{}",
        application.seen()
    );
    let before = application.connections();
    let refused = send("{\"rrn\":\"990101-*******\"}");
    assert!(refused.starts_with("HTTP/2 409") && refused.contains("\"masked\""), "{refused}");
    assert_eq!(application.connections(), before);
    // What was changed is written down before the application hears of it.
    let intents = records(&privet, "disclosure.intent");
    assert!(intents.iter().any(|intent| intent["body"]["action"] == "change"), "{intents:?}");
}

/// An application that shows one person, and takes forms of any length: all that it was sent.
fn takes_forms() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&seen);
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let all = Arc::clone(&all);
            thread::spawn(move || {
                let (mut read, mut piece) = (Vec::new(), vec![0; 1 << 16]);
                while !read.ends_with(b"\r\n\r\n") || !read.starts_with(b"GET") && !read.ends_with(b"\r\n0\r\n\r\n") {
                    let Ok(n @ 1..) = socket.read(&mut piece) else { break };
                    read.extend_from_slice(&piece[..n]);
                }
                let (kind, body) = body("/people/7");
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                all.lock().expect("seen").extend(read);
                let _ = socket.write_all(answer.as_bytes());
            });
        }
    });
    (format!("http://{address}"), seen)
}

#[test]
fn a_masked_value_in_a_form_with_files_does_not_come_back_either() {
    let application = application();
    let (large, seen) = takes_forms();
    let route = format!(
        "[[route]]\nupstream = \"{large}\"\npath = \"/large\"\ngate = \"staff\"\nmask = \"policy\"\nsubject = [\"json:/id\"]\n"
    );
    let privet = office(&application, &format!("utc_offset = \"+09:00\"\n{route}"));
    let dir = privet.dir.path();
    Browser(&privet, "carl").sign_in("carl", PASSWORD);
    pledge(dir, "carl");
    let headers = ["X-Privet-Purpose: complaint", "X-Privet-Ticket: C-7"];
    let shown = ask(&privet, "carl", "/people/7", &headers);
    let masked = shown.split("\"rrn\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a field").to_owned();
    assert!(masked.contains("*****"), "{shown}");
    fs::write(dir.join("small"), format!("a file may say {masked} and *\r\n--x")).expect("written");
    let mut content = vec![b'*'; 6 << 20];
    content.extend_from_slice(b"the end");
    fs::write(dir.join("large"), content).expect("written");
    let send = |path: &str, file: &str, rrn: &str| {
        let url = privet.url(path);
        let (file, rrn) = (format!("file=@{file}"), format!("rrn={rrn}"));
        let args = [
            "-i",
            "-b",
            "carl",
            "-H",
            headers[0],
            "-H",
            headers[1],
            "-X",
            "PUT",
            "-F",
            "note=* * *",
            "-F",
            &file,
            "-F",
            &rrn,
        ];
        privet.curl(&[&args[..], &[&url]].concat())
    };
    let answer = send("/people/7", "small", &masked);
    assert!(answer.starts_with("HTTP/2 200"), "{answer}");
    let got = application.seen();
    assert!(got.contains(&format!("name=\"rrn\"\r\n\r\n{}\r\n--", rrn(7))), "{got}");
    assert!(
        got.contains("\r\n\r\n* * *\r\n") && got.contains(&format!("a file may say {masked} and *\r\n--x\r\n")),
        "{got}"
    );
    let before = application.connections();
    let refused = send("/people/7", "small", "990101-*******");
    assert!(refused.starts_with("HTTP/2 409") && refused.contains("\"masked\""), "{refused}");
    assert_eq!(application.connections(), before, "it has heard of nothing");
    // One that is too long to be held is read as it goes by.
    let before = privet.peak();
    let answer = send("/large/7", "large", &masked);
    assert!(answer.starts_with("HTTP/2 200"), "{answer}");
    assert!(privet.peak() - before < 24 << 10, "held");
    let got = std::mem::take(&mut *seen.lock().expect("seen"));
    let text = |end: &[u8]| String::from_utf8_lossy(end).into_owned();
    assert!(got.len() > 6 << 20 && memchr::memmem::find(&got, b"the end\r\n--").is_some(), "{}", text(&got[..400]));
    assert!(text(&got[got.len() - 400..]).contains(&rrn(7)), "{}", text(&got[got.len() - 400..]));
    let refused = send("/large/7", "large", "990101-*******");
    assert!(refused.starts_with("HTTP/2 409") && refused.contains("\"masked\""), "{refused}");
    privet.until("given up", || !seen.lock().expect("seen").is_empty());
    let got = seen.lock().expect("seen");
    assert!(!got.ends_with(b"0\r\n\r\n") && memchr::memmem::find(&got, b"990101").is_none(), "it is cut");
}

/// A small disk, gone with the test.
struct Disk<'d>(&'d Path);

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn where_it_can_not_be_written_down_nobody_sees_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"]).arg(folder.path()).output();
    if !mount.is_ok_and(|out| out.status.success()) {
        return eprintln!("skipped: a small disk can't be mounted here");
    }
    let disk = Disk(folder.path());
    let application = application();
    let record = "path = \"/people\"\nrecord = true\n";
    let journal = format!("[journal]\npath = \"{}/journal\"\n", folder.path().display());
    let privet = Privet::with(&format!("{journal}{}{}", application.route(record), application.route("")));
    assert!(privet.get("/people/7", "").contains(&mail(7)), "as it is: it is recorded only");
    let filler = folder.path().join("filler");
    fs::write(&filler, vec![0; 1 << 20]).expect_err("full");
    let mut refused = String::new();
    // What is left of a block may take some records.
    privet.until("refused", || {
        refused = privet.get("/people/7", "");
        refused.starts_with("HTTP/1.1 503")
    });
    assert!(
        refused.contains("unrecorded") && refused.contains("retry-after") && !refused.contains("person7"),
        "{refused}"
    );
    assert!(privet.get("/list.json", "").starts_with("HTTP/1.1 200"), "other routes never wait");
    fs::remove_file(&filler).expect("removed");
    privet.until("again", || privet.get("/people/7", "").contains(&mail(7)));
    drop(disk);
}

#[test]
fn an_answer_waits_for_the_disk_and_a_change_for_its_record() {
    let application = application();
    let privet = Privet::with(&format!("{}{}", application.route("record = true\nsubject = \"path:2\"\n"), ""));
    privet.get("/people/7", "");
    privet.until("written", || records(&privet, "disclosure").len() == 2);
    let both = records(&privet, "disclosure");
    let kinds: Vec<_> = both.iter().map(|record| record["kind"].as_str().expect("text").to_owned()).collect();
    assert_eq!(kinds, ["disclosure.intent", "disclosure.done"]);
    assert_eq!(both[0]["body"]["subjects"], both[1]["body"]["subjects"]);
    assert_eq!((&both[1]["body"]["shown"]["EMAIL_ADDRESS"], &both[1]["body"]["person"]), (&1.into(), &Value::Null));
}

#[test]
fn what_is_under_way_for_somebody_who_leaves_ends() {
    // It begins, and says nothing more.
    let drip = Origin::start_with(|_, _| {
        Some("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nbegun".to_owned())
    });
    let privet = Privet::with(&drip.route("gate = \"staff\"\n"));
    let dir = privet.dir.path();
    password(dir);
    for name in ["one", "two", "ann"] {
        add(&privet, name, &[]);
    }
    does(dir, &format!("staff init one two{HERE}"));
    Browser(&privet, "ann").sign_in("ann", PASSWORD);
    let jar = fs::read_to_string(dir.join("ann")).expect("a jar");
    let session =
        jar.lines().find(|line| line.contains("__Host-privet-session")).and_then(|line| line.split('\t').next_back());
    let mut tls = privet.tls();
    let cookie = session.expect("a session");
    let request = format!("GET / HTTP/1.1\r\nHost: shop.example\r\nCookie: __Host-privet-session={cookie}\r\n\r\n");
    tls.write_all(request.as_bytes()).expect("sent");
    let mut seen = Vec::new();
    let mut piece = [0; 4096];
    while !seen.ends_with(b"begun") {
        let n = tls.read(&mut piece).expect("the beginning");
        assert!(n > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..n]);
    }
    does(dir, &format!("staff leave ann --as one{HERE}"));
    // The application says nothing more: only Privet can end it.
    assert!(!matches!(tls.read(&mut piece), Ok(n) if n > 0), "it ends at once");
    privet.until("noted", || privet.out().contains("aborted"));
}

#[test]
fn the_pledge_stands_before_every_route_with_personal_data() {
    let application = application();
    let route = |path: &str, more: &str| application.route(&format!("path = \"{path}\"\ngate = \"staff\"\n{more}\n"));
    let privet = Privet::with(&format!(
        "{}{}{}",
        route("/people", "record = true"),
        route("/list.json", "mask = \"all\""),
        route("/", "")
    ));
    let dir = privet.dir.path();
    password(dir);
    for name in ["one", "two", "ann"] {
        add(&privet, name, &[]);
    }
    Browser(&privet, "ann").sign_in("ann", PASSWORD);
    assert!(ask(&privet, "ann", "/people/7", &[]).contains(&mail(7)), "nobody has to where there is no registry");
    does(dir, &format!("staff init one two{HERE}"));
    for path in ["/people/7", "/list.json"] {
        let refused = ask(&privet, "ann", path, &[]);
        assert!(refused.starts_with("HTTP/2 403") && refused.contains("\"pledge\""), "{path}: {refused}");
    }
    assert!(ask(&privet, "ann", "/help", &[]).starts_with("HTTP/2 200"), "where there is none nobody has to");
    pledge(dir, "ann");
    assert!(ask(&privet, "ann", "/people/7", &[]).contains(&mail(7)));
}
