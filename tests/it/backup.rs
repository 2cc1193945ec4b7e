//! Back-ups of a running gateway, and what comes out of them.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime},
};

use privet::{
    backup::{
        Error,
        archive::Vouched,
        create::{Source, Sources, create},
        restore::{Target, restore},
        sealed::Key,
    },
    journal::{
        Class, Journal, Kind, Place, Record, Settings,
        search::{Filter, search},
        settings::Retention,
        verify::{Outside, verify},
    },
    seal::Ring,
};
use serde_json::Value;

use crate::{
    gate::{Browser, PASSWORD, add, application},
    support::{Privet, binary},
};

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(binary()).args(args).current_dir(dir).stdin(Stdio::null()).output().expect("runs")
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&[&out.stdout[..], &out.stderr[..]].concat()).into_owned()
}

fn done(dir: &Path, args: &[&str]) -> String {
    let out = run(dir, args);
    assert!(out.status.success(), "{args:?}: {}", text(&out));
    text(&out)
}

fn said_no(dir: &Path, args: &[&str], code: i32, why: &str) {
    let out = run(dir, args);
    assert!(out.status.code() == Some(code) && text(&out).contains(why), "{args:?}: {:?} {}", out.status, text(&out));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// A key that is kept elsewhere.
pub fn key_file(path: &Path) {
    fs::write(path, "2026 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n").expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("set");
}

#[test]
fn a_running_gateway_is_backed_up_killed_and_brought_back_elsewhere() {
    let application = application();
    let mut privet = Privet::with(&application.route("gate = \"staff\""));
    let dir = privet.dir.path().to_owned();
    add(&privet, "alice", &["--role", "clerk"]);
    privet.until("known", || Browser(&privet, "jar").sign_in("alice", PASSWORD).starts_with("HTTP/2 303"));
    // A sign-in does not wait for its record.
    privet.until("written", || done(&dir, &["audit", "search", "--kind", "sign_in.success"]).contains("realm staff"));
    key_file(&dir.join("kept.key"));
    fs::create_dir(dir.join("backups")).expect("made");

    let create = ["backup", "create", "--config", "privet.toml", "--to", "backups", "--key-file", "kept.key", "--json"];
    let made: Value = serde_json::from_str(&done(&dir, &create)).expect("JSON");
    let file = made["file"].as_str().expect("a file");
    assert!(mode(&dir.join(file)) == 0o600 && made["records"].as_u64() > Some(2), "{made}");
    assert_eq!(fs::read_dir(dir.join("backups")).expect("a folder").count(), 1, "nothing stays beside it");
    let told = done(&dir, &["audit", "search", "--kind", "backup.created", "--json"]);
    assert!(told.contains(made["sha256"].as_str().expect("a hash")), "{told}");
    let bytes = fs::read(dir.join(file)).expect("a file");
    for plain in [&b"alice"[..], b"PJE1", b"PRIVATE+KEY", b"seal.key"] {
        assert!(memchr::memmem::find(&bytes, plain).is_none(), "{}", String::from_utf8_lossy(plain));
    }

    // A drill, beside the running gateway, which is told.
    let key = ["--key-file", "kept.key"];
    done(&dir, &[&["backup", "verify", file][..], &key].concat());
    let drill = [&["backup", "restore", file, "--data", "drill", "--drill-of", "data"][..], &key].concat();
    done(&dir, &drill);
    assert!(done(&dir, &["audit", "search", "--kind", "backup.restored", "--json"]).contains("\"drill\":true"));
    said_no(&dir, &drill, 1, "drill is not empty");

    privet.child.kill().expect("killed");
    privet.child.wait().expect("ended");
    fs::rename(dir.join("data"), dir.join("burnt")).expect("moved");
    done(&dir, &[&["backup", "restore", file, "--data", "data"][..], &key].concat());
    assert_eq!((mode(&dir.join("data")), mode(&dir.join("data/seal.key"))), (0o700, 0o600));
    assert!(!dir.join("data/.restoring").exists());
    assert!(done(&dir, &["audit", "verify"]).contains("whole and unchanged"));
    assert!(done(&dir, &["audit", "search", "--kind", "backup.restored", "--json"]).contains("\"drill\":false"));
    assert!(done(&dir, &["audit", "search", "--kind", "sign_in.success"]).contains("realm staff"));
    let privet = privet.restarted();
    privet.until("at home", || Browser(&privet, "other").sign_in("alice", PASSWORD).starts_with("HTTP/2 303"));
    privet.until("written", || {
        done(privet.dir.path(), &["audit", "search", "--kind", "process.started"]).lines().count() == 2
    });
}

#[test]
fn what_is_changed_cut_or_of_another_key_is_not_brought_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    staffed(dir);
    fs::write(dir.join("words"), "mellow harbour of the ninth\n").expect("written");
    let words = ["--passphrase-file", "words"];
    done(dir, &[&["backup", "create", "-o", "one.backup"][..], &words].concat());
    said_no(dir, &[&["backup", "create", "-o", "one.backup"][..], &words].concat(), 3, "exists");
    let piped = run(dir, &[&["backup", "create", "-o", "-"][..], &words].concat());
    assert!(piped.status.success(), "{}", text(&piped));
    fs::write(dir.join("two.backup"), &piped.stdout).expect("written");
    done(dir, &[&["backup", "verify", "two.backup"][..], &words].concat());
    assert!(done(dir, &["audit", "search", "--kind", "backup.created"]).lines().count() == 2, "by the command itself");

    let bytes = fs::read(dir.join("one.backup")).expect("a file");
    for _ in 0..3 {
        let at = fastrand::usize(60..bytes.len());
        let mut changed = bytes.clone();
        changed[at] ^= 1 << fastrand::u8(..8);
        fs::write(dir.join("bad.backup"), changed).expect("written");
        said_no(dir, &[&["backup", "restore", "bad.backup", "--data", "new"][..], &words].concat(), 1, "damaged");
        assert!(!dir.join("new").exists(), "byte {at}");
    }
    fs::write(dir.join("bad.backup"), &bytes[..bytes.len() - 20]).expect("written");
    said_no(dir, &[&["backup", "verify", "bad.backup"][..], &words].concat(), 1, "the end is missing");
    fs::write(dir.join("other"), "mellow harbour of the tenth\n").expect("written");
    said_no(dir, &["backup", "verify", "one.backup", "--passphrase-file", "other"], 3, "the passphrase is not the one");
    key_file(&dir.join("kept.key"));
    said_no(dir, &["backup", "verify", "one.backup", "--key-file", "kept.key"], 2, "sealed by a passphrase");
    said_no(dir, &["backup", "create", "-o", "x", "--key-file", "data/seal.key"], 2, "lost together with the data");
    fs::write(dir.join("short"), "too short\n").expect("written");
    said_no(dir, &["backup", "create", "-o", "x", "--passphrase-file", "short"], 2, "at least 15");
    assert!(!dir.join("x").exists());

    // A damaged journal is nothing to keep a copy of and think oneself safe.
    let first = dir.join("data/journal/00000000000000000000.journal");
    let mut journal = fs::read(&first).expect("a file");
    journal[100] ^= 1;
    fs::write(&first, journal).expect("written");
    said_no(dir, &[&["backup", "create", "-o", "x"][..], &words].concat(), 1, "record 0 is the first bad one");
    assert!(!dir.join("x").exists());
}

/// A data folder with an account and a journal.
fn staffed(dir: &Path) {
    let mut child = Command::new(binary())
        .args(["staff", "add", "bob", "--password-stdin"])
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("runs");
    child.stdin.take().expect("piped").write_all(format!("{PASSWORD}\n").as_bytes()).expect("written");
    assert!(child.wait().expect("ended").success());
    written(&dir.join("data"));
}

/// A record of each class.
fn written(data: &Path) {
    let ring = Ring::load_or_make(&data.join("seal.key")).expect("keys");
    let journal = Journal::open(&Settings::new(data.join("journal")), ring).expect("opened");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for record in [
        Record::account(Kind::AccountAdded, "staff", "bob", &[]),
        Record::sign_ins(Kind::SignInMissed, 7),
        Record::process_stopped(),
    ] {
        runtime.block_on(journal.append(&record)).expect("written");
    }
}

#[test]
fn a_back_up_brings_no_destroyed_day_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    fs::create_dir(&data).expect("made");
    written(&data);
    let key = || Key::File(Ring::derived("kept", Box::new([1; 32].into())));
    let named = |name: &str| Source { name: name.into(), path: data.join(name), elsewhere: false, keys: None };
    let sources = Sources {
        journal: Some(data.join("journal").into()),
        retention: Retention::default(),
        files: vec![named("seal.key"), named("pseudonym.key")],
    };
    let file = dir.path().join("old.backup");
    let out = fs::File::create(&file).expect("a file");
    let now = SystemTime::now();
    create(&sources, &key(), out, now).expect("made");
    // Two and a half years later: only who was given rights is still to be read.
    let later = now + Duration::from_secs(900 * 86_400);
    let to = dir.path().join("new");
    let target = |folder| Target { folder, journal: None };
    let restored = restore(&file, &key(), Vouched::default(), &target(&to), later).expect("brought back");
    let classes: Vec<Class> = restored.destroyed.iter().map(|(_, class, _)| *class).collect();
    assert_eq!(classes, [Class::Access, Class::Operations]);
    let names: Vec<PathBuf> =
        fs::read_dir(to.join("journal/keys")).expect("keys").map(|entry| entry.expect("one").path()).collect();
    assert!(names.len() == 1 && names[0].display().to_string().contains("/grants-"), "{names:?}");
    assert!(verify(&to.join("journal").into(), Outside::default()).expect("read").problems.is_empty());
    let ring = Ring::load(&to.join("seal.key")).expect("keys");
    let mut kinds = Vec::new();
    let unread = search(&to.join("journal").into(), ring, &Filter::default(), |line| {
        kinds.push(line.kind);
        true
    });
    assert_eq!((unread.expect("read").destroyed, kinds), (2, vec!["account.added".to_owned()]));
    // Nor is one made of them any more.
    let mut out = Vec::new();
    let made = create(&sources, &key(), &mut out, later).expect("made");
    assert_eq!(made.list.files.iter().filter(|file| file.name.starts_with("journal/keys/")).count(), 1);
    assert!(matches!(restore(&file, &key(), Vouched::default(), &target(&data), now), Err(Error::NotEmpty(_))));
}

#[test]
fn a_torn_end_that_was_told_is_no_reason_to_lose_a_back_up() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    staffed(dir);
    let first = dir.join("data/journal/00000000000000000000.journal");
    fs::File::options().append(true).open(&first).and_then(|mut file| file.write_all(b"PJE1 half")).expect("written");
    key_file(&dir.join("kept.key"));
    // What is not whole is not in it; whoever goes on here cuts it off.
    done(dir, &["backup", "create", "-o", "torn.backup", "--key-file", "kept.key"]);
    let found = done(dir, &["backup", "verify", "torn.backup", "--key-file", "kept.key", "--json"]);
    let found: Value = serde_json::from_str(&found).expect("JSON");
    assert_eq!((&found["whole"], &found["journals"][0]["records"]), (&true.into(), &3.into()), "{found}");
    done(dir, &["backup", "create", "-o", "cut.backup", "--key-file", "kept.key"]);
    let found = done(dir, &["backup", "verify", "cut.backup", "--key-file", "kept.key"]);
    assert!(found.contains("tells of a torn end"), "{found}");
    done(dir, &["backup", "restore", "cut.backup", "--data", "new", "--key-file", "kept.key"]);
}

#[test]
fn who_has_agreed_outlives_the_disk_as_well() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    staffed(dir);
    fs::write(dir.join("people.csv"), "email,agreed\nlee@example.com,yes\n").expect("written");
    done(dir, &["consent", "import", "people.csv", "--id", "email", "--agreed", "agreed"]);
    assert!(dir.join("data/consent.sealed").exists(), "what outlives the records of it");
    let known = done(dir, &["consent", "show", "lee@example.com"]);
    key_file(&dir.join("kept.key"));
    done(dir, &["backup", "create", "-o", "one.backup", "--key-file", "kept.key"]);
    done(dir, &["backup", "restore", "one.backup", "--data", "new", "--key-file", "kept.key"]);
    assert_eq!(fs::read(dir.join("new/consent.sealed")).ok(), fs::read(dir.join("data/consent.sealed")).ok());
    assert_eq!(done(dir, &["consent", "show", "lee@example.com", "--data", "new"]), known);
    assert!(known.contains("agreed"), "{known}");
}

#[test]
fn journals_of_gateways_with_a_folder_each_are_all_in_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let (data, to, file) = (dir.path().join("data"), dir.path().join("new"), dir.path().join("one.backup"));
    fs::create_dir(&data).expect("made");
    let place = Place::Folder(data.join("journal-*"));
    let ring = || Ring::load_or_make(&data.join("seal.key")).expect("keys");
    let gateways = [0, 1].map(|_| Journal::open(&Settings::new(place.clone()), ring()).expect("opened"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for journal in gateways.iter().chain([&gateways[1]]) {
        runtime.block_on(journal.append(&Record::process_stopped())).expect("written");
    }
    let keys = Source { name: "seal.key".into(), path: data.join("seal.key"), elsewhere: false, keys: None };
    let sources = Sources { journal: Some(place), retention: Retention::default(), files: vec![keys] };
    let key = || Key::File(Ring::derived("kept", Box::new([1; 32].into())));
    let now = SystemTime::now();
    let made = create(&sources, &key(), fs::File::create(&file).expect("a file"), now).expect("made");
    let found: Vec<_> = made.journals.0.iter().map(|(which, report)| (which.to_string(), report.records)).collect();
    assert_eq!(found, [("journal-1".to_owned(), 1), ("journal-2".to_owned(), 2)]);
    let target = Target { folder: &to, journal: None };
    restore(&file, &key(), Vouched::default(), &target, now).expect("brought back");
    for (name, records) in [("journal-1", 1), ("journal-2", 2)] {
        let report = verify(&to.join(name).into(), Outside::default()).expect("read");
        assert_eq!((report.problems, report.records), (Vec::new(), records), "{name}");
    }
    let nothing = Sources { journal: Some(Place::Folder(dir.path().join("other-*"))), ..sources };
    assert!(matches!(create(&nothing, &key(), Vec::new(), now), Err(Error::File(..))), "no journal is no empty one");
}
