use std::{
    io::ErrorKind,
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

use super::{
    checkpoint::Verifier,
    disk::KEYS,
    open::{CHECKPOINT, CUT, FRONTIER, SIGNER, VERIFIER},
    search::{Filter, Line, Unread, read},
    segment::Why,
    testing::Memory,
    verify::{Outside, Problem, Report, check},
    *,
};

/// The keys of all these tests, in a file, since a ring can't be copied.
static KEY_FILE: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fn ring() -> Ring {
    Ring::load_or_make(&KEY_FILE.path().join("seal.key")).expect("keys")
}

/// Nothing is signed for before the end.
fn settings() -> Settings {
    Settings { checkpoint: Duration::from_secs(3600), ..Settings::new(std::path::PathBuf::new()) }
}

fn open(disk: &Memory) -> Result<Journal, open::Error> {
    Journal::start(disk.clone(), &settings(), ring(), None)
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn record(number: u64) -> Record {
    Record::account(Kind::AccountAdded, "staff", &format!("person{number}"), &[])
}

fn append(journal: &Journal, number: u64) -> Result<Receipt, Error> {
    block(journal.append(&record(number)))
}

/// A journal of so many records, each waited for, whose process has not ended in order.
fn killed(records: u64) -> Memory {
    let disk = Memory::default();
    let journal = open(&disk).expect("opened");
    for number in 0..records {
        append(&journal, number).expect("written");
    }
    disk.copy()
}

/// The same, and it has.
fn ended(records: u64) -> Memory {
    let disk = killed(records);
    assert!(open(&disk).expect("opened").end(Duration::from_secs(60)));
    disk
}

fn lines(disk: &Memory) -> (Vec<Line>, Unread) {
    let mut lines = Vec::new();
    let unread = read(disk, ring(), &Filter::default(), |line| {
        lines.push(line);
        true
    });
    (lines, unread.expect("read"))
}

/// The numbers of [`record`]s in a journal, and how many other records there are.
fn numbers(disk: &Memory) -> (Vec<u64>, usize) {
    let (lines, _) = lines(disk);
    let number = |line: &Line| line.body.get("account")?.as_str()?.strip_prefix("person")?.parse().ok();
    let numbers: Vec<u64> = lines.iter().filter_map(number).collect();
    let others = lines.len() - numbers.len();
    (numbers, others)
}

fn verify(disk: &Memory) -> Report {
    check(disk, Outside::default(), false).expect("read")
}

const FIRST: &str = "00000000000000000000.journal";

#[test]
fn what_is_written_is_read_again_and_goes_on() {
    let disk = ended(3);
    let journal = open(&disk).expect("opened");
    assert_eq!(append(&journal, 3).expect("written").index, 3);
    assert_eq!((journal.state(), journal.counts().records(Class::Grants).value()), (State::Ready, 1));
    let verifier = journal.verifier();
    drop(journal);
    assert_eq!(numbers(&disk), (vec![0, 1, 2, 3], 0));
    let report = verify(&disk);
    assert_eq!((report.records, report.signed, report.classes), (4, Some(4), [0, 4, 0]));
    assert_eq!((report.problems, report.verifier), (Vec::new(), Some(verifier)));
    assert_eq!(report.unwitnessed.map(|(index, _)| index), Some(0), "nothing outside vouches for it");
    let bytes = disk.read(FIRST).expect("a file");
    assert!(memchr::memmem::find(&bytes, b"person").is_none(), "it is sealed");
}

#[test]
fn every_flipped_byte_is_found_and_named() {
    let disk = ended(4);
    let bytes = disk.read(FIRST).expect("a file");
    let length = bytes.len() / 4;
    for at in 0..bytes.len() {
        disk.tamper(FIRST, |bytes| bytes[at] ^= 1 << (at % 8));
        let problems = verify(&disk).problems;
        let first = problems.first();
        let index = (at / length) as u64;
        assert!(
            matches!(first, Some(Problem::Damaged { index: i, segment, .. }) if *i == index && segment == FIRST),
            "byte {at}: {problems:?}"
        );
        assert!(matches!(open(&disk), Err(open::Error::Damaged { index: i, .. }) if i == index), "byte {at}");
        disk.tamper(FIRST, |bytes| bytes[at] ^= 1 << (at % 8));
    }
    for name in [CHECKPOINT, VERIFIER] {
        for at in 0..disk.read(name).expect("a file").len() {
            disk.tamper(name, |bytes| bytes[at] ^= 1);
            assert!(!verify(&disk).problems.is_empty(), "{name}, byte {at}");
            disk.tamper(name, |bytes| bytes[at] ^= 1);
        }
    }
    // What only saves time is not believed.
    disk.tamper(FRONTIER, |bytes| bytes[3] ^= 1);
    assert_eq!(append(&open(&disk).expect("opened"), 4).map(|receipt| receipt.index), Ok(4));
    assert_eq!(verify(&disk).problems, []);
}

#[test]
fn records_that_are_left_out_moved_or_doubled_are_found() {
    let disk = ended(4);
    let bytes = disk.read(FIRST).expect("a file");
    let length = bytes.len() / 4;
    let record = |n: usize| bytes[n * length..(n + 1) * length].to_vec();
    for (order, bad, why) in [
        (vec![0, 2, 3], 1, Why::Index),
        (vec![0, 2, 1, 3], 1, Why::Index),
        (vec![0, 0, 1, 2, 3], 1, Why::Index),
        (vec![1, 2, 3], 0, Why::Index),
    ] {
        disk.tamper(FIRST, |now| *now = order.iter().flat_map(|n| record(*n)).collect());
        let problems = verify(&disk).problems;
        assert!(
            matches!(&problems[0], Problem::Damaged { index, why: known, .. } if *index == bad && *known == why),
            "{order:?}: {problems:?}"
        );
    }
    // The end left out is known by what was signed for, and so is all of it.
    for kept in [3, 0] {
        disk.tamper(FIRST, |now| *now = bytes[..kept * length].to_vec());
        assert_eq!(verify(&disk).problems, [Problem::Behind { outside: false, size: 4 }]);
        assert!(matches!(open(&disk), Err(open::Error::Behind { signed: 4, .. })));
    }
    disk.lose(FIRST);
    assert_eq!(verify(&disk).problems, [Problem::Behind { outside: false, size: 4 }]);
    // A record of another journal.
    disk.tamper(FIRST, |now| *now = killed(4).read(FIRST).expect("a file"));
    let problems = verify(&disk).problems;
    assert!(matches!(problems[0], Problem::Damaged { index: 0, why: Why::Previous, .. }), "{problems:?}");
}

#[test]
fn a_torn_end_of_any_length_is_cut_off_and_told() {
    let disk = killed(3);
    let bytes = disk.read(FIRST).expect("a file");
    let length = bytes.len() / 3;
    for kept in 0..=bytes.len() {
        let torn = disk.copy();
        torn.tamper(FIRST, |now| now.truncate(kept));
        let (whole, rest) = (kept / length, kept % length);
        let before = verify(&torn).problems;
        assert_eq!(before.iter().any(|p| matches!(p, Problem::Torn { .. })), rest > 0, "{kept}: {before:?}");
        append(&open(&torn).expect("opened"), 7).expect("written");
        let expected: Vec<u64> = (0..whole as u64).chain([7]).collect();
        assert_eq!(numbers(&torn), (expected, usize::from(rest > 0)), "{kept}");
        let told = verify(&torn).problems;
        let cut = matches!(told[..], [Problem::Cut { index, .. }] if index == whole as u64);
        assert_eq!((cut, told.is_empty()), (rest > 0, rest == 0), "{kept}: {told:?}");
        if rest > 0 {
            let (lines, _) = lines(&torn);
            let body = &lines[whole].body;
            assert_eq!((lines[whole].kind.as_str(), &body["bytes"]), ("journal.recovered", &rest.into()));
            assert_eq!(body["sha256"].as_str().map(str::len), Some(64));
            // Whoever has taken a checkpoint since knows of it.
            let note = torn.read(CHECKPOINT).expect("signed");
            let outside = Outside { checkpoint: Some(&note), verifier: None };
            let report = check(&torn, outside, false).expect("read");
            assert_eq!((report.problems, report.known_cuts), (Vec::new(), vec![whole as u64]));
        }
    }
}

#[test]
fn a_process_that_is_killed_while_it_cuts_still_tells() {
    let disk = killed(2);
    disk.tamper(FIRST, |bytes| bytes.truncate(bytes.len() - 5));
    for stop in 1..=4 {
        let torn = disk.copy();
        torn.fail_from(torn.calls() + stop, ErrorKind::Other, 0);
        drop(open(&torn));
        torn.mend();
        drop(open(&torn).expect("opened"));
        let (lines, _) = lines(&torn);
        assert!(lines.iter().any(|line| line.kind == "journal.recovered"), "stopped at change {stop}");
        assert!(torn.read(CUT).is_err(), "told");
    }
}

#[test]
fn damage_is_not_taken_for_a_torn_end() {
    let disk = killed(4);
    let length = disk.read(FIRST).expect("a file").len() / 4;
    // What a later record knows to be on disk was not lost in writing.
    for record in 0..3 {
        let hurt = disk.copy();
        hurt.tamper(FIRST, |bytes| bytes[record * length + 100] ^= 1);
        assert!(matches!(open(&hurt), Err(open::Error::Damaged { index, .. }) if index == record as u64));
        assert_eq!(hurt.read(FIRST).expect("a file").len(), 4 * length, "nothing was touched");
    }
    // Of several records that were under way together any may be whole.
    let torn = Memory::default();
    let journal = open(&torn).expect("opened");
    append(&journal, 0).expect("written");
    let answers: Vec<_> = {
        let _held = torn.hold();
        (1..9).map(|number| journal.append(&record(number))).collect()
    };
    for answer in answers {
        assert!(block(answer).is_ok());
    }
    let torn = torn.copy();
    let at = torn.read(FIRST).expect("a file").len() - length * 3 / 2;
    torn.tamper(FIRST, |bytes| bytes[at] ^= 1);
    drop(open(&torn).expect("the last group is torn"));
    assert_eq!(numbers(&torn), ((0..7).collect(), 1));
}

#[test]
fn only_what_is_on_disk_is_answered_for() {
    let disk = Memory::default();
    let journal = open(&disk).expect("opened");
    for number in 0..20 {
        append(&journal, number).expect("written");
        // Whatever of the rest has reached the disk.
        for kept in [0, 1, 100, 10_000] {
            let left = disk.after_power_loss(kept);
            let found = numbers(&left).0;
            assert_eq!(found, (0..=number).collect::<Vec<_>>(), "{kept}");
        }
    }
    let log = disk.log();
    let writes = log.iter().enumerate().filter(|(_, what)| what.starts_with("write"));
    writes.for_each(|(at, _)| assert_eq!(log[at + 1], format!("sync {FIRST}")));
}

#[test]
fn one_wait_for_the_disk_serves_many() {
    let disk = Memory::default();
    let journal = open(&disk).expect("opened");
    append(&journal, 0).expect("written");
    let before = journal.counts().groups.value();
    let answers: Vec<_> = {
        let _held = disk.hold();
        (1..=500).map(|number| journal.append(&record(number))).collect()
    };
    for (number, answer) in (1..).zip(answers) {
        assert_eq!(block(answer).map(|receipt| receipt.index), Ok(number));
    }
    let groups = journal.counts().groups.value() - before;
    assert!(groups <= 2, "{groups} groups");
}

#[test]
fn whoever_does_not_wait_loses_the_answer_alone() {
    let disk = Memory::default();
    let journal = open(&disk).expect("opened");
    drop(journal.append(&record(1)));
    journal.note(&record(2));
    drop(journal);
    assert_eq!(numbers(&disk), (vec![1, 2], 0));
}

#[test]
fn no_room_is_told_and_overcome() {
    let disk = Memory::default();
    let journal = open(&disk).expect("opened");
    append(&journal, 0).expect("written");
    disk.limit(0);
    for number in 1..4 {
        assert_eq!(append(&journal, number), Err(Error::Full));
    }
    assert_eq!(journal.state(), State::Full);
    journal.note(&record(4));
    disk.mend();
    assert!(append(&journal, 5).is_ok());
    assert_eq!((journal.state(), journal.counts().dropped.value()), (State::Ready, 3));
    drop(journal);
    assert_eq!(numbers(&disk), (vec![0, 4, 5], 1), "what nobody waited for was kept");
    let (lines, _) = lines(&disk);
    assert_eq!((lines[1].kind.as_str(), &lines[1].body["records_lost"]), ("journal.resumed", &3.into()));
    assert_eq!(verify(&disk).problems, []);
}

#[test]
fn any_change_may_fail_at_any_point_and_leave_anything() {
    for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
        for call in 1..=12 {
            for torn in [0, 1, 90, 250, 100_000] {
                let disk = killed(2);
                let Ok(journal) = open(&disk) else { panic!("nothing is written yet") };
                disk.fail_from(disk.calls() + call, kind, torn);
                let outcomes: Vec<_> = (2..6).map(|number| (number, append(&journal, number))).collect();
                // Now the machine may end, and all that was answered for is there.
                let expected: Vec<u64> = (0..2).chain(outcomes.iter().filter(|o| o.1.is_ok()).map(|o| o.0)).collect();
                let left = disk.after_power_loss(torn);
                drop(open(&left).expect("opened"));
                assert!(numbers(&left).0.starts_with(&expected), "{call} {torn}");
                // Or it goes on.
                disk.mend();
                let last = append(&journal, 9).expect("written");
                drop(journal);
                let found = numbers(&disk).0;
                assert_eq!(found, expected.iter().copied().chain([9]).collect::<Vec<_>>(), "{call} {torn}");
                let report = verify(&disk);
                assert_eq!((report.problems, report.signed), (Vec::new(), Some(last.index + 1)));
            }
        }
    }
}

#[test]
fn a_destroyed_key_is_a_deletion_that_changes_nothing_else() {
    let disk = ended(3);
    let journal = open(&disk).expect("opened");
    let signed_in = Record::sign_in(Kind::SignInSuccess, "realm staff", Some("a1".into()), "b2".into(), None);
    block(journal.append(&signed_in)).expect("written");
    journal.expire(SystemTime::now());
    let late = SystemTime::now() + Duration::from_secs(800 * 86_400);
    journal.expire(late);
    drop(journal);
    let (lines, unread) = lines(&disk);
    let kinds: Vec<_> = lines.iter().map(|line| line.kind.as_str()).collect();
    assert_eq!(kinds, ["account.added", "account.added", "account.added", "journal.key_destroyed"]);
    assert_eq!((unread.destroyed, &lines[3].body["class"]), (1, &"access".into()));
    let report = verify(&disk);
    assert_eq!((report.problems, report.records), (Vec::new(), 5));
    assert!(disk.list(KEYS).expect("names").iter().all(|name| !name.starts_with("access")));
}

#[test]
fn a_log_that_was_rolled_back_or_forged_does_not_pass_an_outside_checkpoint() {
    let disk = ended(3);
    let note = disk.read(CHECKPOINT).expect("signed");
    let outside = Outside { checkpoint: Some(&note), verifier: None };
    let problems = |disk: &Memory| check(disk, outside, false).expect("read").problems;
    assert_eq!(problems(&disk), []);
    // It goes on: what has come since is not vouched for, and that is said.
    append(&open(&disk).expect("opened"), 3).expect("written");
    let report = check(&disk, outside, false).expect("read");
    assert_eq!((report.witnessed, report.unwitnessed.map(|u| u.0), report.problems), (Some(3), Some(3), Vec::new()));

    // Whoever has every key of the machine writes another history, and signs it: it looks well by itself.
    let forge = |records: u64| {
        let forged = Memory::default();
        for name in [SIGNER, VERIFIER] {
            forged.tamper(name, |bytes| *bytes = disk.read(name).expect("a file"));
        }
        let journal = open(&forged).expect("opened");
        (0..records).for_each(|number| assert!(append(&journal, number).is_ok()));
        drop(journal);
        assert_eq!(verify(&forged).problems, []);
        forged
    };
    assert_eq!(problems(&forge(5)), [Problem::Rewritten { outside: true, size: 3 }]);
    assert_eq!(problems(&forge(2)), [Problem::Behind { outside: true, size: 3 }]);
    // A journal that was begun anew has another key.
    assert!(matches!(problems(&ended(5))[..], [Problem::File { name: None, .. }]));
    let key = Verifier::parse(&String::from_utf8(disk.read(VERIFIER).expect("a file")).expect("text")).expect("a key");
    let outside = Outside { checkpoint: None, verifier: Some(&key) };
    assert_eq!(check(&disk, outside, false).expect("read").problems, []);
    assert_eq!(check(&ended(1), outside, false).expect("read").problems, [Problem::OtherKey]);
    // Nor does a history pass that is not the one that was signed for here.
    let forged = forge(4);
    disk.tamper(FIRST, |bytes| *bytes = forged.read(FIRST).expect("a file"));
    assert_eq!(verify(&disk).problems, [Problem::Rewritten { outside: false, size: 4 }]);
    disk.lose(FRONTIER);
    assert!(matches!(open(&disk), Err(open::Error::Rewritten(4))));
}

#[test]
fn a_missing_key_or_file_is_told() {
    let disk = ended(2);
    disk.lose(SIGNER);
    assert!(matches!(open(&disk), Err(open::Error::NoSigner)));
    assert_eq!(verify(&disk).problems, [], "integrity needs no secret");
    disk.lose(VERIFIER);
    assert_eq!(verify(&disk).problems, [Problem::Gone(VERIFIER)]);
    assert_eq!(verify(&Memory::default()).problems, [], "nothing is wrong with nothing");
}

#[test]
fn searches_look_at_kind_time_and_text() {
    let disk = ended(3);
    let found = |filter: Filter| {
        let mut found = Vec::new();
        read(&disk, ring(), &filter, |line| {
            found.push(line.index);
            true
        })
        .expect("read");
        found
    };
    let times: Vec<u64> = lines(&disk).0.iter().map(|line| line.time).collect();
    assert_eq!(found(Filter { text: Some("PERSON1".into()), ..Filter::default() }), [1]);
    assert_eq!(found(Filter { kind: Some("account".into()), ..Filter::default() }), [0, 1, 2]);
    assert_eq!(found(Filter { kind: Some("account.add".into()), ..Filter::default() }), Vec::<u64>::new());
    assert_eq!(found(Filter { until: Some(times[0]), ..Filter::default() }), Vec::<u64>::new());
    assert_eq!(found(Filter { since: Some(times[2] + 1), ..Filter::default() }), Vec::<u64>::new());
    assert_eq!(found(Filter { since: Some(times[0]), ..Filter::default() }), [0, 1, 2]);
}

#[test]
fn one_process_writes_and_files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("journal");
    let settings = Settings { place: path.clone().into(), ..settings() };
    let journal = Journal::open(&settings, ring()).expect("opened");
    append(&journal, 0).expect("written");
    assert!(matches!(Journal::open(&settings, ring()), Err(open::Error::Locked(_))));
    assert!(verify::verify(&settings.place, Outside::default()).expect("read").running);
    for name in [FIRST, SIGNER] {
        let mode = std::fs::metadata(path.join(name)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(std::fs::metadata(&path).expect("a folder").permissions().mode() & 0o777, 0o700);
    drop(journal);
    let journal = Journal::open(&settings, ring()).expect("free again");
    assert_eq!(append(&journal, 1).map(|receipt| receipt.index), Ok(1));
    assert!(!format!("{journal:?}").contains("person"));
    drop(journal);
    let report = verify::verify(&settings.place, Outside::default()).expect("read");
    assert_eq!((report.running, report.records, report.problems), (false, 2, Vec::new()));
    assert!(verify::verify(&dir.path().join("other").into(), Outside::default()).is_err());
}
