//! Files that are taken along: why, sealed, and in whose hands. Opened by 7-Zip, libarchive and Python, as people would.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
};

use serde_json::Value;

use crate::{
    gate::{Browser, PASSWORD, add},
    registry::{does, password, refuses, run},
    support::{Origin, Privet, python},
};

const HERE: &str = " --config privet.toml";
const ROWS: &str = "id,email\r\n1,kim@example.com\r\n2,lee@example.com\r\n";

/// What a tool says of an archive, and how it ended.
fn open(dir: &Path, program: &str, args: &[&str]) -> (bool, Vec<u8>) {
    let out =
        Command::new(program).args(args).current_dir(dir).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    (out.status.success(), [out.stdout, out.stderr].concat())
}

fn application() -> Origin {
    Origin::start_with(|request, _| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let (kind, name, body) = match path.split('?').next().unwrap_or_default() {
            "/export.csv" => ("text/csv", Some("customers.csv"), ROWS),
            "/named.csv" => ("text/csv", Some("kim@example.com.csv"), ROWS),
            "/empty.csv" => ("text/csv", Some("customers.csv"), ""),
            "/file.bin" => ("application/octet-stream", Some("a.bin"), "\u{1}\u{2}binary"),
            _ => ("text/csv", None, ROWS),
        };
        let name =
            name.map_or_else(String::new, |name| format!("Content-Disposition: attachment; filename=\"{name}\"\r\n"));
        Some(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nETag: \"one\"\r\n{name}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    })
}

/// An office with two officers and Ann, who has signed.
fn office(routes: &str) -> Privet {
    let privet = Privet::with(routes);
    let dir = privet.dir.path();
    password(dir);
    for name in ["one", "two", "ann"] {
        add(&privet, name, &[]);
    }
    does(dir, &format!("staff init one two{HERE}"));
    Browser(&privet, "ann").sign_in("ann", PASSWORD);
    does(dir, &format!("pledge sign --agree 1 --as ann{HERE}"));
    privet
}

fn recorded(application: &Origin) -> String {
    application.route("gate = \"staff\"\nrecord = true\nsubject = \"csv:id\"\n")
}

/// A program asks; the head of the answer, its body in a file.
fn fetch(privet: &Privet, path: &str, file: &str, more: &[&str]) -> String {
    let headers: Vec<&str> = more.iter().flat_map(|line| ["-H", line]).collect();
    let url = privet.url(path);
    privet.curl(
        &[&["-D", "-", "-o", file, "-b", "ann", "-H", "Accept: application/json"], &headers[..], &[&url]].concat(),
    )
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn records(privet: &Privet, kind: &str) -> Vec<Value> {
    let said = does(privet.dir.path(), &format!("audit search --kind {kind} --json{HERE}"));
    said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn downloads(dir: &Path, more: &str) -> Vec<Value> {
    let (_, said) = run(dir, &format!("audit downloads --json{more}{HERE}"));
    said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{said}"))).collect()
}

fn sha256(dir: &Path, file: &str) -> String {
    let (_, said) = open(dir, "sha256sum", &[file]);
    String::from_utf8_lossy(&said[..64]).into_owned()
}

#[test]
fn a_program_says_why_and_gets_a_sealed_archive() {
    let application = application();
    let privet = office(&recorded(&application));
    let dir = privet.dir.path();
    let refused = fetch(&privet, "/export.csv", "refused", &[]);
    let body = fs::read_to_string(dir.join("refused")).expect("a body");
    assert!(
        refused.starts_with("HTTP/2 403") && body.contains("\"reason\"") && !body.contains("kim"),
        "{refused}{body}"
    );
    for bad in ["X-Privet-Reason;", &format!("X-Privet-Reason: {}", "x".repeat(301))] {
        assert!(fetch(&privet, "/export.csv", "refused", &[bad]).starts_with("HTTP/2 403"), "{bad}");
    }
    let head = fetch(&privet, "/export.csv", "got.zip", &["X-Privet-Reason: 5월 감사 대응"]);
    assert!(head.starts_with("HTTP/2 200"), "{head}");
    assert_eq!(header(&head, "content-type"), Some("application/zip"));
    assert_eq!(header(&head, "content-disposition"), Some("attachment; filename=\"customers.csv.zip\""));
    assert_eq!(header(&head, "cache-control"), Some("private, no-store"));
    assert!(header(&head, "etag").is_none() && header(&head, "content-length").is_none(), "{head}");
    let passphrase = header(&head, "x-privet-passphrase").expect("told").to_owned();
    let archive = fs::read(dir.join("got.zip")).expect("an archive");
    assert!(memchr::memmem::find(&archive, b"kim@").is_none() && archive.starts_with(b"PK\x03\x04"));
    // 7-Zip: tested, refused with another passphrase, read.
    let key = format!("-p{passphrase}");
    let (fine, said) = open(dir, "7zz", &["t", "-y", &key, "got.zip"]);
    let said = String::from_utf8_lossy(&said);
    assert!(fine && !said.to_lowercase().contains("warning"), "{said}");
    let (_, said) = open(dir, "7zz", &["l", "-slt", "got.zip"]);
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("AES-256 Deflate") && said.contains("Path = customers.csv"), "{said}");
    assert!(!open(dir, "7zz", &["t", "-y", "-pABCD-ABCD", "got.zip"]).0, "another passphrase");
    assert_eq!(open(dir, "7zz", &["x", "-so", &key, "got.zip"]).1.windows(3).filter(|w| w == b"kim").count(), 1);
    // libarchive.
    let (fine, said) = open(dir, "bsdtar", &["-xOf", "got.zip", "--passphrase", &passphrase]);
    assert!(fine && said == ROWS.as_bytes(), "{}", String::from_utf8_lossy(&said));
    // Python.
    let script = "import pyzipper, sys\nz = pyzipper.AESZipFile('got.zip')\nz.setpassword(sys.argv[1].encode())\n\
                  assert z.testzip() is None\ni = z.infolist()[0]\nassert i.wz_aes_version == 2 and i.wz_aes_strength == 3, i\n\
                  sys.stdout.buffer.write(z.read('customers.csv'))";
    let python = python();
    let (fine, said) = open(dir, &python.to_string_lossy(), &["-c", script, &passphrase]);
    assert!(fine && said == ROWS.as_bytes(), "{}", String::from_utf8_lossy(&said));
    // One flipped byte is found.
    let mut broken = archive.clone();
    let at = broken.windows(2).position(|w| w == b"PK").map_or(0, |at| at + 110);
    broken[at] ^= 1;
    fs::write(dir.join("broken.zip"), broken).expect("written");
    assert!(!open(dir, "7zz", &["t", "-y", &key, "broken.zip"]).0);
    // In whose hands it is.
    privet.until("written", || !records(&privet, "download.done").is_empty());
    let (started, done) = (records(&privet, "download.started"), records(&privet, "download.done"));
    assert_eq!((started.len(), done.len()), (1, 1));
    let (started, done) = (&started[0], &done[0]["body"]);
    assert_eq!((&started["body"]["reason"], &started["body"]["person"]), (&"5월 감사 대응".into(), &"ann".into()));
    assert_eq!(
        (&done["started"], &done["complete"], &done["people"], &done["shown"]["EMAIL_ADDRESS"]),
        (&started["index"], &true.into(), &2.into(), &2.into()),
        "{done}"
    );
    assert_eq!(done["archive_sha256"], sha256(dir, "got.zip").as_str());
    fs::write(dir.join("plain"), ROWS).expect("written");
    assert_eq!((&done["file_sha256"], &done["file_bytes"]), (&sha256(dir, "plain").into(), &ROWS.len().into()));
    assert_eq!(done["archive_bytes"], archive.len());
    assert!(started["body"]["expires"].as_str().is_some_and(|time| time.ends_with('Z')));
    let all = privet.log() + &privet.out() + &done.to_string() + &started.to_string();
    assert!(!all.contains(&passphrase) && !all.contains("kim@") && !all.contains("customers.csv"));
    assert!(!(privet.log() + &privet.out()).contains("감사"), "the reason is in the journal alone");
    assert!(!application.seen().to_lowercase().contains("x-privet-reason"), "the application has heard of none of it");
}

#[test]
fn a_person_says_why_on_a_page_and_sees_the_passphrase_once() {
    let application = application();
    let privet = office(&recorded(&application));
    let dir = privet.dir.path();
    let browser = Browser(&privet, "ann");
    let location = |answer: &str| header(answer, "location").unwrap_or_default().to_owned();
    let page = location(&browser.get("/export.csv?year=2026"));
    assert!(page.starts_with("/.privet/download?return=") && !page.contains("sent"), "{page}");
    let shown = browser.get(&page);
    assert!(
        shown.contains("name=\"reason\"") && !shown.contains("<script") && shown.contains("default-src 'none'"),
        "{shown}"
    );
    let token = browser.token(&page);
    assert!(browser.post(&page, &[&token, "reason= "]).starts_with("HTTP/2 422"));
    assert!(browser.post(&page, &["form=x", "reason=audit"]).starts_with("HTTP/2 400"));
    let shown = browser.post(&page, &[&token, "reason=audit of May"]);
    assert!(shown.starts_with("HTTP/2 200") && shown.contains("no-store"), "{shown}");
    let between = |text: &str, start: &str, end: &str| {
        let rest = text.split(start).nth(1).unwrap_or_else(|| panic!("no {start}: {text}"));
        rest.split(end).next().unwrap_or_default().to_owned()
    };
    let passphrase = between(&shown, "<code id=\"passphrase\">", "<");
    assert_eq!(between(&shown, "id=\"download\" href=\"", "\""), "/export.csv?year=2026");
    // Another file is another reason, and nobody else has use for it.
    assert!(location(&browser.get("/export.csv?year=2025")).starts_with("/.privet/download"));
    let jar = fs::read_to_string(dir.join("ann")).expect("a jar");
    let line = jar.lines().find(|line| line.contains("__Host-privet-download")).expect("kept").to_owned();
    assert!(!jar.contains(&passphrase), "sealed");
    Browser(&privet, "one").sign_in("one", PASSWORD);
    does(dir, &format!("pledge sign --agree 1 --as one{HERE}"));
    fs::write(dir.join("one"), format!("{}\n{line}\n", fs::read_to_string(dir.join("one")).expect("a jar")))
        .expect("written");
    assert!(location(&Browser(&privet, "one").get("/export.csv?year=2026")).starts_with("/.privet/download"));
    let url = privet.url("/export.csv?year=2026");
    let take = || privet.curl(&["-D", "-", "-o", "got.zip", "-b", "ann", "-H", "Accept: text/html", &url]);
    let head = take();
    assert!(head.starts_with("HTTP/2 200") && header(&head, "x-privet-passphrase").is_none(), "{head}");
    assert!(head.contains("__Host-privet-download=; Path=/; Max-Age=0"), "{head}");
    let (fine, said) = open(dir, "7zz", &["x", "-so", &format!("-p{passphrase}"), "got.zip"]);
    assert!(fine && memchr::memmem::find(&said, ROWS.as_bytes()).is_some());
    assert!(location(&take()).starts_with("/.privet/download"), "once");
    // What a form brings: the page says to send it again, and the leave is good for that.
    let page = location(&browser.post("/export.csv", &["all=1"]));
    assert!(page.ends_with("&sent=1"), "{page}");
    let shown = browser.post(&page, &[&browser.token(&page), "reason=audit"]);
    assert!(shown.contains("id=\"again\"") && !shown.contains("href"), "{shown}");
    let passphrase = between(&shown, "<code id=\"passphrase\">", "<");
    let url = privet.url("/export.csv");
    let head =
        privet.curl(&["-D", "-", "-o", "form.zip", "-b", "ann", "-H", "Accept: text/html", "--data", "all=1", &url]);
    assert!(head.starts_with("HTTP/2 200"), "{head}");
    assert!(open(dir, "7zz", &["t", "-y", &format!("-p{passphrase}"), "form.zip"]).0);
    privet.until("written", || records(&privet, "download.done").len() == 2);
    let reasons: Vec<Value> =
        records(&privet, "download.done").iter().map(|done| done["body"]["reason"].clone()).collect();
    assert_eq!(reasons, ["audit of May", "audit"]);
    // In Korean, and where nobody says which file.
    let korean =
        privet.curl(&["-b", "ann", "-H", "Accept-Language: ko", &privet.url("/.privet/download?return=/export.csv")]);
    assert!(korean.contains("다운로드 사유"), "{korean}");
    assert!(!browser.get("/.privet/download").contains("<form"));
}

#[test]
fn what_is_no_file_with_data_is_left_as_it_was() {
    let application = application();
    let plain = application
        .route("path = \"/plain\"\nstrip_prefix = true\ngate = \"staff\"\nrecord = true\ndownload = \"plain\"\n");
    let privet = office(&format!("{plain}{}", recorded(&application)));
    let dir = privet.dir.path();
    let body = |file: &str| fs::read_to_string(dir.join(file)).expect("a body");
    assert!(fetch(&privet, "/list", "list", &[]).starts_with("HTTP/2 200") && body("list") == ROWS, "a page");
    assert!(fetch(&privet, "/plain/export.csv", "plain", &[]).starts_with("HTTP/2 200") && body("plain") == ROWS);
    assert!(fetch(&privet, "/empty.csv", "empty", &[]).starts_with("HTTP/2 200"), "nothing leaves");
    let head = privet.curl(&["-I", "-b", "ann", &privet.url("/export.csv")]);
    assert!(
        head.starts_with("HTTP/2 200") && head.contains("customers.csv.zip") && !head.contains("passphrase"),
        "{head}"
    );
    // A part of a file is asked for: all of it comes, sealed.
    let head = fetch(
        &privet,
        "/export.csv",
        "part.zip",
        &["X-Privet-Reason: a", "Range: bytes=0-3", "If-None-Match: \"one\""],
    );
    assert!(head.starts_with("HTTP/2 200") && !application.seen().to_lowercase().contains("range:"), "{head}");
    // What can't be read is sealed as well, and counts as what nobody can be named for.
    let head = fetch(&privet, "/file.bin", "bin.zip", &["X-Privet-Reason: a"]);
    let key = format!("-p{}", header(&head, "x-privet-passphrase").expect("told"));
    assert!(memchr::memmem::find(&open(dir, "7zz", &["x", "-so", &key, "bin.zip"]).1, b"\x01\x02binary").is_some());
    // A name that names somebody is none.
    let head = fetch(&privet, "/named.csv", "named.zip", &["X-Privet-Reason: a"]);
    assert_eq!(header(&head, "content-disposition"), Some("attachment; filename=\"download.csv.zip\""));
    privet.until("written", || records(&privet, "download.done").len() == 3);
    assert_eq!(records(&privet, "download.done")[1]["body"]["unattributed"], 1);
}

#[test]
fn files_are_outstanding_until_somebody_says_what_became_of_them() {
    let application = application();
    let privet = office(&recorded(&application));
    let dir = privet.dir.path();
    for number in 1..=3 {
        let reason = format!("X-Privet-Reason: report {number}");
        assert!(fetch(&privet, "/export.csv", "got.zip", &[&reason]).starts_with("HTTP/2 200"));
    }
    privet.until("written", || records(&privet, "download.done").len() == 3);
    let held = downloads(dir, " --outstanding");
    assert_eq!(held.len(), 3);
    let id = |row: &Value| row["id"].as_str().expect("an id").to_owned();
    assert_eq!(
        (&held[0]["reason"], &held[0]["state"], &held[0]["overdue"]),
        (&"report 1".into(), &"complete".into(), &false.into())
    );
    refuses(dir, &format!("audit returned 0123456789abcdef --as ann{HERE}"), 1, "no such download");
    refuses(dir, &format!("audit returned {} --as carl{HERE}", id(&held[0])), 1, "not right");
    does(dir, &format!("audit returned {} --as ann{HERE}", &id(&held[0])[..12]));
    does(dir, &format!("audit returned {} --how returned --as two{HERE}", id(&held[1])));
    let text = does(dir, &format!("audit downloads --outstanding{HERE}"));
    assert!(text.contains("report 3") && !text.contains("report 1"), "{text}");
    let all = downloads(dir, "");
    let how: Vec<Value> = all.iter().map(|row| row["returned"]["how"].clone()).collect();
    assert_eq!(how, [Value::from("deleted"), "returned".into(), Value::Null]);
    assert_eq!(all[1]["returned"]["by"]["subject"], "two");
    // Whoever leaves with a file leaves it on paper.
    does(dir, &format!("staff leave ann --certificate ann.json --as one{HERE}"));
    let certificate: Value =
        serde_json::from_str(&fs::read_to_string(dir.join("ann.json")).expect("written")).expect("JSON");
    let held = certificate["downloads_not_returned"].as_array().expect("a list");
    assert_eq!((held.len(), &held[0]["reason"]), (1, &"report 3".into()), "{certificate}");
    does(dir, &format!("audit returned {} --as one{HERE}", id(&held[0])));
    assert!(downloads(dir, " --outstanding").is_empty());
    does(dir, &format!("audit verify{HERE}"));
}

#[test]
fn whoever_has_a_key_gets_files_for_it() {
    let keys = tempfile::tempdir().expect("a folder");
    let (_, said) = open(keys.path(), "age-keygen", &["-o", "key"]);
    let said = String::from_utf8_lossy(&said).into_owned();
    let key = said.split_whitespace().last().expect("a public key");
    let application = application();
    let recipient = format!("[[access.recipient]]\nperson = \"ann\"\nkey = \"{key}\"\n");
    let privet = office(&format!("{}{recipient}", recorded(&application)));
    let dir = privet.dir.path();
    let identity = keys.path().join("key");
    let identity = identity.to_str().expect("a path");
    let head = fetch(&privet, "/export.csv", "got.age", &["X-Privet-Reason: audit"]);
    assert!(head.starts_with("HTTP/2 200") && header(&head, "x-privet-passphrase").is_none(), "{head}");
    assert_eq!(header(&head, "content-disposition"), Some("attachment; filename=\"customers.csv.age\""));
    let (fine, said) = open(dir, "age", &["-d", "-i", identity, "got.age"]);
    assert!(fine && said == ROWS.as_bytes(), "{}", String::from_utf8_lossy(&said));
    open(dir, "age-keygen", &["-o", "other"]);
    assert!(!open(dir, "age", &["-d", "-i", "other", "got.age"]).0, "another key");
    // On the page there is no passphrase.
    let browser = Browser(&privet, "ann");
    let page = header(&browser.get("/export.csv"), "location").expect("led there").to_owned();
    let shown = browser.post(&page, &[&browser.token(&page), "reason=audit"]);
    assert!(shown.contains("id=\"download\"") && !shown.contains("passphrase"), "{shown}");
    let url = privet.url("/export.csv");
    privet.curl(&["-o", "page.age", "-b", "ann", "-H", "Accept: text/html", &url]);
    assert!(open(dir, "age", &["-d", "-i", identity, "page.age"]).0);
    privet.until("written", || records(&privet, "download.done").len() == 2);
    let done = records(&privet, "download.done")[0]["body"].clone();
    assert_eq!((&done["opened_by"], &done["archive_sha256"]), (&"key".into(), &sha256(dir, "got.age").into()));
}

/// An application that sends so many megabytes of rows as a file, as fast as they are taken.
fn large(megabytes: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut head = [0; 4096];
                let _ = socket.read(&mut head);
                let piece = piece();
                let start = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"large.bin\"\r\n\
                     Content-Length: {}\r\n\r\n",
                    piece.len() * megabytes
                );
                let sent = socket.write_all(start.as_bytes());
                let _ = sent.and_then(|()| (0..megabytes).try_for_each(|_| socket.write_all(&piece)));
            });
        }
    });
    format!("[[route]]\nupstream = \"http://{address}\"\ngate = \"staff\"\nrecord = true\n")
}

/// A megabyte that can't be made much smaller.
fn piece() -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..(1 << 20) / 8).flat_map(next).collect()
}

#[test]
fn a_large_file_takes_little_memory_and_one_that_breaks_off_has_no_sum() {
    const MEGABYTES: usize = 200;
    let privet = office(&large(MEGABYTES));
    let dir = privet.dir.path();
    // Somebody takes a part, and goes.
    let url = privet.url("/large.bin");
    let cookies = fs::read_to_string(dir.join("ann")).expect("a jar");
    assert!(cookies.contains("__Host-privet-session"));
    let script =
        format!("curl -sS --cacert certs/ca.pem -b ann -H 'X-Privet-Reason: half' '{url}' | head -c 3000000 | wc -c");
    let (_, said) = open(dir, "sh", &["-c", &script]);
    assert!(String::from_utf8_lossy(&said).contains("3000000"), "{}", String::from_utf8_lossy(&said));
    privet.until("noted", || !records(&privet, "download.done").is_empty());
    let done = records(&privet, "download.done")[0]["body"].clone();
    assert_eq!(done["complete"], false);
    assert!(done["archive_sha256"].is_null() && done["file_sha256"].is_null(), "{done}");
    assert!(done["delivered_bytes"].as_u64().is_some_and(|bytes| bytes >= 3_000_000));
    assert_eq!(downloads(dir, " --outstanding")[0]["state"], "broken_off");
    // Somebody else takes all of it.
    let before = privet.peak();
    let head = privet.curl(&[
        "--max-time",
        "1800",
        "-D",
        "-",
        "-o",
        "large.zip",
        "-b",
        "ann",
        "-H",
        "X-Privet-Reason: all",
        &url,
    ]);
    let passphrase = header(&head, "x-privet-passphrase").unwrap_or_else(|| panic!("{head}")).to_owned();
    let more = privet.peak() - before;
    assert!(more < 40 << 10, "{more} KB more for {MEGABYTES} MB");
    let (fine, said) = open(dir, "7zz", &["t", "-y", &format!("-p{passphrase}"), "large.zip"]);
    assert!(fine, "{}", String::from_utf8_lossy(&said));
    privet.until("noted", || records(&privet, "download.done").len() == 2);
    let done = records(&privet, "download.done")[1]["body"].clone();
    assert_eq!((&done["file_bytes"], &done["complete"]), (&(MEGABYTES << 20).into(), &true.into()));
    assert_eq!(done["archive_sha256"], sha256(dir, "large.zip").as_str());
}
