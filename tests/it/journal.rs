//! The journal over real files: processes that are killed, disks that are full, two that want to write; and what a gateway writes.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use privet::{
    journal::{
        Error, Journal, Kind, Record, Settings, State,
        search::{Filter, search},
        verify::{Outside, Problem, verify},
    },
    seal::Ring,
};
use serde_json::Value;

use crate::support::{Origin, Privet, ask_plain, binary, free_port};

const FIRST: &str = "data/journal/00000000000000000000.journal";

fn open(dir: &Path) -> Journal {
    let ring = Ring::load_or_make(&dir.join("seal.key")).expect("keys");
    let settings = Settings { checkpoint: Duration::from_millis(200), ..Settings::new(dir.join("journal")) };
    Journal::open(&settings, ring).expect("opened")
}

fn append(journal: &Journal, name: &str) -> Result<u64, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let record = Record::account(Kind::AccountAdded, "staff", name, &[]);
    runtime.block_on(journal.append(&record)).map(|receipt| receipt.index)
}

/// What other tests run as a process of its own: it says `ack NAME` for what it was answered for.
#[test]
#[ignore = "run by the other tests of this file"]
fn child() {
    let dir = PathBuf::from(env::var_os("PRIVET_JOURNAL_DIR").expect("a folder"));
    match env::var("PRIVET_JOURNAL_CHILD").expect("what to do").as_str() {
        "ten" => {
            let journal = open(&dir);
            (0..10).for_each(|n| append(&journal, &format!("n{n}")).map(|_| println!("ack n{n}")).expect("written"));
        }
        "full" => fill(&dir),
        _ => {
            let (journal, life) = (open(&dir), fastrand::u64(..));
            thread::scope(|scope| {
                for writer in 0..4 {
                    let journal = &journal;
                    scope.spawn(move || {
                        for n in 0.. {
                            let name = format!("{life:x}-{writer}-{n}");
                            append(journal, &name).expect("written");
                            println!("ack {name}");
                        }
                    });
                }
            });
        }
    }
}

fn fill(dir: &Path) {
    let disk = dir.join("disk");
    fs::write(disk.join("ballast"), vec![1; 200 << 10]).expect("written");
    let journal = open(&disk);
    let (mut written, long) = (0, "x".repeat(2000));
    while append(&journal, &long).is_ok() {
        written += 1;
    }
    assert_eq!((append(&journal, &long), journal.state()), (Err(Error::Full), State::Full));
    fs::remove_file(disk.join("ballast")).expect("removed");
    append(&journal, "again").expect("there is room again");
    drop(journal);
    let report = verify(&disk.join("journal"), Outside::default()).expect("read");
    // What was written before, that it could not be for a while, and what came then.
    println!("ack {written} {} {:?}", report.records - written, report.problems);
}

fn child_command(dir: &Path, what: &str) -> Vec<(&'static str, String)> {
    vec![("PRIVET_JOURNAL_DIR", dir.display().to_string()), ("PRIVET_JOURNAL_CHILD", what.to_owned())]
}

fn run(program: &str, args: &[&str], dir: &Path, what: &str) -> Command {
    let own = env::current_exe().expect("a program");
    let mut command = if program.is_empty() { Command::new(&own) } else { Command::new(program) };
    command.args(args);
    if !program.is_empty() {
        command.arg(own);
    }
    command.args(["journal::child", "--exact", "--ignored", "--nocapture"]).envs(child_command(dir, what));
    command
}

/// Ends the process however the test does.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn acks(text: &str) -> impl Iterator<Item = &str> {
    // The test harness writes its own words before the first.
    text.lines().filter_map(|line| line.split_once("ack ").map(|(_, name)| name))
}

fn names(dir: &Path) -> BTreeSet<String> {
    let ring = Ring::load(&dir.join("seal.key")).expect("keys");
    let mut names = BTreeSet::new();
    let unread = search(&dir.join("journal"), ring, &Filter::default(), |line| {
        names.extend(line.body.get("account").and_then(Value::as_str).map(str::to_owned));
        true
    });
    assert_eq!(unread.expect("read").destroyed, 0);
    names
}

#[test]
fn whatever_was_answered_for_outlives_a_kill() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut acknowledged = BTreeSet::new();
    for round in 1..=200 {
        let mut command = run("", &[], dir.path(), "forever");
        let mut child = Killed(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("runs"));
        let mut reader = BufReader::new(child.0.stdout.take().expect("piped"));
        let mut text = String::new();
        while !text.contains("ack ") {
            assert_ne!(reader.read_line(&mut text).expect("a line"), 0, "round {round}: {text}");
        }
        let rest = thread::spawn(move || {
            let mut rest = String::new();
            while reader.read_line(&mut rest).is_ok_and(|n| n > 0) {}
            rest
        });
        thread::sleep(Duration::from_micros(fastrand::u64(..60_000)));
        drop(child);
        text.push_str(&rest.join().expect("read"));
        // The last line may be cut.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        acknowledged.extend(acks(whole).map(str::to_owned));
        if round % 20 == 0 {
            let found = names(dir.path());
            let lost: Vec<_> = acknowledged.difference(&found).collect();
            assert!(lost.is_empty(), "by round {round} lost {lost:?}");
        }
    }
    assert!(acknowledged.len() >= 200);
    // The last process is not recovered yet.
    drop(open(dir.path()));
    let report = verify(&dir.path().join("journal"), Outside::default()).expect("read");
    let told = report.problems.iter().all(|problem| matches!(problem, Problem::Cut { .. }));
    assert!(told && report.records >= acknowledged.len() as u64, "{:?}", report.problems);
}

#[test]
fn no_answer_comes_before_the_disk_has_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let trace = dir.path().join("trace");
    let args = ["-f", "-qq", "-e", "trace=pwrite64,fdatasync,write", "-o", trace.to_str().expect("a name")];
    let out = run("strace", &args, dir.path(), "ten").output();
    let Some(out) = out.ok().filter(|out| out.status.success()) else {
        println!("skipped: strace can't run here");
        return;
    };
    assert_eq!(acks(&String::from_utf8_lossy(&out.stdout)).count(), 10);
    let (mut unsynced, mut answers) = (false, 0);
    let trace = fs::read_to_string(&trace).expect("a trace");
    for line in trace.lines() {
        if line.contains("pwrite64(") {
            unsynced = true;
        } else if line.contains("fdatasync") && line.ends_with("= 0") {
            unsynced = false;
        } else if line.contains("write(1, \"ack ") {
            answers += 1;
            assert!(!unsynced, "{line}\n{trace}");
        }
    }
    let syncs = trace.lines().filter(|line| line.contains("fdatasync") && line.ends_with("= 0")).count();
    assert!(answers == 10 && syncs >= 10, "{answers} answers, {syncs} waits for the disk\n{trace}");
}

#[test]
fn a_full_disk_is_told_and_overcome() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("disk")).expect("made");
    let script = "mount -t tmpfs -o size=500k none \"$PRIVET_JOURNAL_DIR/disk\" && exec \"$@\"";
    let args = ["-rm", "sh", "-c", script, "sh"];
    let possible = Command::new("unshare").args(["-rm", "sh", "-c", "mount -t tmpfs none /mnt"]).output();
    if !possible.is_ok_and(|out| out.status.success()) {
        println!("skipped: no file system can be mounted here");
        return;
    }
    let out = run("unshare", &args, dir.path(), "full").output().expect("runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    let told: Vec<&str> = acks(&text).collect();
    assert!(out.status.success() && told.len() == 1 && told[0].ends_with(" 2 []"), "{text}");
}

fn audit(dir: &Path, args: &[&str]) -> Output {
    Command::new(binary()).arg("audit").args(args).current_dir(dir).output().expect("runs")
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&[&out.stdout[..], &out.stderr[..]].concat()).into_owned()
}

fn kinds(dir: &Path) -> Vec<String> {
    let out = audit(dir, &["search", "--json"]);
    assert!(out.status.success(), "{}", text(&out));
    let lines = String::from_utf8(out.stdout).expect("text");
    lines
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).expect("JSON")["kind"].as_str().expect("a kind").to_owned())
        .collect()
}

/// Starts the gateway of a folder again.
fn restart(privet: &mut Privet) {
    let log = fs::File::options().append(true).open(privet.dir.path().join("log")).expect("a log");
    privet.child = Command::new(binary())
        .args(["serve", "--config", "privet.toml"])
        .current_dir(privet.dir.path())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("starts");
    let ready = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    privet.until("ready again", || {
        std::net::TcpStream::connect(privet.admin).is_ok() && ask_plain(privet.admin, ready).contains("ready")
    });
}

fn kill(privet: &mut Privet) {
    privet.child.kill().expect("killed");
    privet.child.wait().expect("ended");
}

const UP: &str = "privet_journal_up";
const OPERATIONS: &str = "privet_journal_records_total{class=\"operations\"}";

#[test]
fn a_gateway_writes_what_happens_and_commands_read_it() {
    let origin = Origin::start("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    let login = "[[login]]\npath = \"/login\"\nusername = \"form:user\"\nfailure = { status = [401] }\n\
                 limits = { account_address = \"1/1h\" }\n";
    let gate = "[[route]]\npath = \"/inner\"\nupstream = \"http://127.0.0.1:9\"\ngate = \"staff\"\n";
    let mut privet = Privet::with(&format!("{login}{}{gate}", origin.route("")));
    let dir = privet.dir.path().to_owned();
    assert_eq!(privet.metric(UP), 1);
    // Somebody is locked out.
    for _ in 0..3 {
        privet.raw(
            b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 23\r\n\
              Connection: close\r\n\r\nuser=kim@example.com&p=",
        );
    }
    let added = Command::new("sh")
        .args(["-c", "echo 'a whole other phrase' | \"$0\" staff add bob --password-stdin"])
        .arg(binary())
        .current_dir(&dir)
        .output()
        .expect("runs");
    assert!(added.status.success(), "{}", text(&added));
    privet.rewrite(|text| text + "[[rout]]\n");
    privet.until("refused", || privet.metric("privet_config_reloads_total{result=\"refused\"}") == 1);
    privet.rewrite(|text| text.replace("[[rout]]\n", "# as before\n"));
    let wanted = ["account.added", "config.refused", "config.reloaded", "sign_in.refused"];
    privet.until("written", || {
        let kinds = kinds(&dir);
        wanted.iter().all(|kind| kinds.iter().any(|known| known == kind))
    });
    // Beside the running gateway.
    let verified = audit(&dir, &["verify", "--json"]);
    let report: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    assert_eq!((verified.status.code(), &report["running"]), (Some(0), &true.into()), "{report}");
    privet.signal("-TERM");
    assert!(privet.child.wait().expect("ended").success());

    let kinds = kinds(&dir);
    assert_eq!((kinds[0].as_str(), kinds.last().map(String::as_str)), ("process.started", Some("process.stopped")));
    assert!(kinds.contains(&"certificate.loaded".to_owned()), "{kinds:?}");
    let refused = text(&audit(&dir, &["search", "--kind", "sign_in"]));
    assert!(refused.contains("limit=account_address") && !refused.contains("kim"), "{refused}");
    assert!(text(&audit(&dir, &["search", "--kind", "account"])).contains("account=bob"));
    let bytes = fs::read(dir.join(FIRST)).expect("a file");
    assert!(memchr::memmem::find(&bytes, b"bob").is_none());
    export(&dir, kinds.len());
    tampered(&dir);
}

fn export(dir: &Path, records: usize) {
    use std::os::unix::fs::PermissionsExt as _;
    let out = audit(dir, &["export", "--format", "csv", "-o", "out.csv"]);
    assert!(out.status.success(), "{}", text(&out));
    let csv = fs::read_to_string(dir.join("out.csv")).expect("a file");
    assert_eq!(csv.lines().count(), records + 1, "{csv}");
    assert!(csv.starts_with("index,time,class,kind,clock,hash,body,journal\r\n0,"), "{csv}");
    assert_eq!(fs::metadata(dir.join("out.csv")).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(audit(dir, &["export", "-o", "out.csv"]).status.code(), Some(3), "nothing is written over");
    let lines = audit(dir, &["export"]).stdout;
    assert_eq!(String::from_utf8(lines).expect("text").lines().count(), records);
    fs::copy(dir.join("data/seal.key"), dir.join("other.key")).expect("copied");
    fs::write(dir.join("other.key"), "two AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n").expect("written");
    assert_eq!(audit(dir, &["search", "--key-file", "other.key"]).status.code(), Some(3), "another key");
    assert_eq!(audit(dir, &["search", "--data", "nowhere"]).status.code(), Some(3));
    assert_eq!(audit(dir, &["search", "--since", "yesterday"]).status.code(), Some(2));
}

/// Damage is named, by the commands and by a gateway, which does not go on.
fn tampered(dir: &Path) {
    fs::copy(dir.join("data/journal/checkpoint"), dir.join("kept")).expect("copied");
    let verified = audit(dir, &["verify", "--checkpoint", "kept"]);
    assert!(verified.status.success() && text(&verified).contains("nothing has come since"), "{}", text(&verified));
    let mut bytes = fs::read(dir.join(FIRST)).expect("a file");
    bytes[100] ^= 1;
    fs::write(dir.join(FIRST), &bytes).expect("written");
    let verified = audit(dir, &["verify"]);
    assert_eq!(verified.status.code(), Some(1));
    assert!(text(&verified).contains("record 0 is the first bad one"), "{}", text(&verified));
    let out =
        Command::new(binary()).args(["serve", "--config", "privet.toml"]).current_dir(dir).output().expect("runs");
    assert!(
        out.status.code() == Some(3) && text(&out).contains("record 0 of the journal is damaged"),
        "{}",
        text(&out)
    );
    // Rolled back to nothing, it is well by itself.
    fs::remove_dir_all(dir.join("data/journal")).expect("removed");
    drop(open(&dir.join("data")));
    assert_eq!(audit(dir, &["verify"]).status.code(), Some(0));
    assert_eq!(audit(dir, &["verify", "--checkpoint", "kept"]).status.code(), Some(1));
}

#[test]
fn a_gateway_that_is_killed_goes_on_where_it_was() {
    let origin = Origin::start(crate::support::OK);
    let mut privet = Privet::with(&origin.route(""));
    for round in 1..=5 {
        privet.until("written", || privet.metric(OPERATIONS) >= 2);
        thread::sleep(Duration::from_millis(fastrand::u64(..200)));
        kill(&mut privet);
        let started = kinds(privet.dir.path()).iter().filter(|kind| *kind == "process.started").count();
        assert_eq!(started, round);
        restart(&mut privet);
    }
    let verified = audit(privet.dir.path(), &["verify"]);
    assert!(verified.status.success(), "{}", text(&verified));
}

#[test]
fn a_torn_end_is_told_once_and_verify_says_no() {
    let origin = Origin::start(crate::support::OK);
    let mut privet = Privet::with(&origin.route(""));
    privet.until("written", || privet.metric(OPERATIONS) >= 2);
    kill(&mut privet);
    let file = privet.dir.path().join(FIRST);
    let mut bytes = fs::read(&file).expect("a file");
    bytes.extend_from_slice(b"PJE1 half a record");
    fs::write(&file, bytes).expect("written");
    let verified = audit(privet.dir.path(), &["verify"]);
    assert!(
        verified.status.code() == Some(1) && text(&verified).contains("the end is torn: 18 bytes"),
        "{}",
        text(&verified)
    );
    restart(&mut privet);
    privet.until("written", || privet.metric(OPERATIONS) >= 3);
    let told = audit(privet.dir.path(), &["search", "--kind", "journal.recovered", "--json"]);
    assert!(text(&told).contains("\"bytes\":18"), "{}", text(&told));
    let verified = audit(privet.dir.path(), &["verify"]);
    assert!(
        verified.status.code() == Some(1) && text(&verified).contains("tells of a torn end"),
        "{}",
        text(&verified)
    );
}

#[test]
fn two_gateways_do_not_write_one_journal() {
    let origin = Origin::start(crate::support::OK);
    let privet = Privet::with(&origin.route(""));
    privet.until("written", || privet.metric(OPERATIONS) >= 2);
    let start = |text: &str| {
        let ports = [free_port(), free_port(), free_port()];
        let config = crate::support::config(ports, "", &format!("{text}{}", origin.route("")));
        fs::write(privet.dir.path().join("second.toml"), config).expect("written");
        let mut command = Command::new(binary());
        command.args(["serve", "--config", "second.toml"]).current_dir(privet.dir.path());
        (command, std::net::SocketAddr::from(([127, 0, 0, 1], ports[2])))
    };
    // One that needs it does not start.
    let out = start("[journal]\n").0.output().expect("runs");
    assert!(out.status.code() == Some(3) && text(&out).contains("not held"), "{}", text(&out));
    // One that was not told to keep one goes on without.
    let (mut command, admin) = start("");
    let _second = Killed(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts"));
    let ask = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    privet.until("up without a journal", || {
        std::net::TcpStream::connect(admin).is_ok() && ask_plain(admin, ask).contains("\nprivet_journal_up 0\n")
    });
    assert_eq!(privet.metric(UP), 1);
}

/// As replicas on one volume: each has its data folder, and none of those outlives it.
#[test]
fn gateways_that_share_a_disk_have_a_folder_each_and_the_next_goes_on() {
    let disk = tempfile::tempdir().expect("a folder");
    let at = |name: &str| disk.path().join(name).display().to_string();
    let origin = Origin::start(crate::support::OK);
    let config = format!(
        "[seal]\nkey_file = \"{}\"\n[journal]\npath = \"{}\"\n{}",
        at("seal.key"),
        at("journal-*"),
        origin.route("")
    );
    let start = || {
        let privet = Privet::with(&config);
        privet.until("written", || privet.metric(OPERATIONS) >= 2);
        privet
    };
    let first = start();
    let mut second = start();
    let kinds = |folder: &str, keys: &str| -> Option<Vec<String>> {
        let (folder, keys) = (at(folder), at(keys));
        let out = audit(disk.path(), &["search", "--json", "--folder", &folder, "--key-file", &keys]);
        let lines = String::from_utf8(out.stdout).expect("text");
        let records = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let kinds = records.map(|record| record["kind"].as_str().expect("a kind").to_owned()).collect();
        out.status.success().then_some(kinds)
    };
    kill(&mut second);
    drop(second);
    let mut third = start();
    third.signal("-TERM");
    assert!(third.child.wait().expect("ended").success());
    drop(third);
    let names = fs::read_dir(disk.path()).expect("a folder").flatten().map(|entry| entry.file_name());
    assert_eq!(names.filter(|name| name.to_string_lossy().starts_with("journal")).count(), 2);
    let starts = |kinds: &[String]| kinds.iter().filter(|kind| *kind == "process.started").count();
    let of_second = kinds("journal-2", "seal.key").expect("read");
    assert_eq!((starts(&of_second), of_second.last().map(String::as_str)), (2, Some("process.stopped")));
    assert_eq!(starts(&kinds("journal-1", "seal.key").expect("read")), 1);
    // Each is looked at, and what vouches for one is of one.
    let file = first.dir.path().join("privet.toml").display().to_string();
    let out = audit(first.dir.path(), &["verify", "--config", &file, "--json"]);
    assert_eq!((out.status.code(), text(&out).matches("\"whole\":true").count()), (Some(0), 2), "{}", text(&out));
    fs::copy(disk.path().join("journal-2/checkpoint"), disk.path().join("kept")).expect("copied");
    let kept = ["verify", "--config", &file, "--checkpoint", &at("kept")];
    let out = audit(first.dir.path(), &kept);
    assert!(out.status.code() == Some(2) && text(&out).contains("--folder"), "{}", text(&out));
    let out = audit(first.dir.path(), &[&kept[..], &["--folder", &at("journal-2")]].concat());
    assert!(out.status.success() && text(&out).contains("witnessed"), "{}", text(&out));
    // The folder that nobody writes takes part in the rotation of keys: what was sealed by the old one opens by the new one alone.
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let new = format!("new {}\n", BASE64_STANDARD.encode([9_u8; 32]));
    // The mode of the old, which only its owner may read.
    fs::copy(disk.path().join("seal.key"), disk.path().join("new.key")).expect("copied");
    fs::write(disk.path().join("new.key"), &new).expect("written");
    let old = fs::read_to_string(disk.path().join("seal.key")).expect("keys");
    fs::write(disk.path().join("seal.key"), old + &new).expect("written");
    assert_eq!(kinds("journal-2", "new.key"), None, "it can fail");
    first.rewrite(|text| text + "# another\n");
    first.until("sealed by the new key", || kinds("journal-2", "new.key").is_some_and(|kinds| kinds == of_second));
    first.until("the written one as well", || kinds("journal-1", "new.key").is_some());
}
