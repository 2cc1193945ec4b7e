use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use super::{
    settings::Postgres,
    table::{Claim, Table},
    testing::Database,
};
use crate::{
    journal::{
        Journal, Kind, Place, Record, Settings, State,
        disk::{Disk as _, Files as _},
        open,
        queue::{Error, Receipt},
        search::{Filter, Line, search},
        settings::Retention,
        shared::Shared,
        stream::Follow,
        verify::{Outside, Problem, Report, verify},
    },
    seal::Ring,
};

const PATIENCE: Duration = Duration::from_secs(60);
const FIRST: &str = "00000000000000000000.journal";

/// A server, and keys.
struct Office {
    database: Database,
    dir: tempfile::TempDir,
}

impl Office {
    fn open() -> Option<Self> {
        Some(Self { database: Database::start()?, dir: tempfile::tempdir().expect("a folder") })
    }

    fn postgres(&self) -> Arc<Postgres> {
        Arc::new(Postgres::parse(&self.database.url()).expect("valid"))
    }

    fn place(&self, chain: Option<u16>) -> Place {
        Place::Database { postgres: self.postgres(), chain }
    }

    fn ring(&self) -> Ring {
        Ring::load_or_make(&self.dir.path().join("seal.key")).expect("keys")
    }

    /// Nothing is signed for before the end.
    fn settings(&self, chain: Option<u16>) -> Settings {
        Settings { checkpoint: Duration::from_secs(3600), ..Settings::new(self.place(chain)) }
    }

    fn journal(&self) -> Journal {
        Journal::open(&self.settings(None), self.ring()).expect("opened")
    }

    fn shared(&self) -> Shared {
        Shared::open(&self.postgres(), Retention::default(), self.ring()).expect("opened")
    }

    fn verify(&self, chain: u16) -> Report {
        verify(&self.place(Some(chain)), Outside::default()).expect("read")
    }

    fn lines(&self, chain: u16) -> Vec<Line> {
        let mut lines = Vec::new();
        let read = search(&self.place(Some(chain)), self.ring(), &Filter::default(), |line| {
            lines.push(line);
            true
        });
        read.expect("read");
        lines
    }

    /// The numbers of [`record`]s in a chain.
    fn numbers(&self, chain: u16) -> Vec<u64> {
        let number = |line: &Line| line.body.get("account")?.as_str()?.strip_prefix("person")?.parse().ok();
        self.lines(chain).iter().filter_map(number).collect()
    }
}

fn record(number: u64) -> Record {
    Record::account(Kind::AccountAdded, "staff", &format!("person{number}"), &[])
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn append(journal: &Journal, number: u64) -> Result<Receipt, Error> {
    block(journal.append(&record(number)))
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_chain_is_a_journal_and_each_gateway_has_its_own() {
    let Some(office) = Office::open() else { return };
    assert_eq!(office.place(None).all().expect("looked"), Vec::new(), "no tables yet");
    let [one, two] = [office.journal(), office.journal()];
    assert_eq!([one.place(), two.place()], [office.place(Some(1)), office.place(Some(2))]);
    for number in 0..3 {
        assert_eq!(append(&one, number).expect("written").index, number);
    }
    append(&two, 7).expect("written");
    assert!(office.verify(1).running && office.place(Some(1)).is_held().expect("seen"));
    let held = Journal::open(&office.settings(Some(1)), office.ring());
    assert!(held.is_err_and(|error| error.is_held()));
    drop(one);
    until("free", || !office.place(Some(1)).is_held().expect("seen"));
    let one = office.journal();
    assert_eq!(append(&one, 3).expect("written").index, 3, "whoever comes goes on where another was");
    drop((one, two));
    for (chain, numbers) in [(1, vec![0, 1, 2, 3]), (2, vec![7])] {
        let report = office.verify(chain);
        let size = numbers.len() as u64;
        assert_eq!((report.records, report.signed, &report.problems), (size, Some(size), &Vec::new()));
        assert_eq!(office.numbers(chain), numbers);
    }
    let all = office.place(None).all().expect("looked");
    assert_eq!(all, [office.place(Some(1)), office.place(Some(2))]);
    assert_eq!(
        office.database.sql("SELECT count(*) FROM privet.part WHERE position('person'::bytea IN bytes) > 0"),
        "0"
    );
    let signer =
        "SELECT count(*) FROM privet.file WHERE name = 'checkpoint.key' AND position('PRIVATE'::bytea IN bytes) > 0";
    assert_eq!(office.database.sql(signer), "0", "what signs is sealed");
    // Keys that are not those of the first gateway.
    let other = tempfile::tempdir().expect("a folder");
    let ring = Ring::load_or_make(&other.path().join("seal.key")).expect("keys");
    assert!(matches!(Journal::open(&office.settings(None), ring), Err(open::Error::OtherKeys)));
}

#[test]
fn every_change_behind_its_back_is_found() {
    let Some(office) = Office::open() else { return };
    let journal = office.journal();
    for number in 0..4 {
        append(&journal, number).expect("written");
    }
    drop(journal);
    let length: usize = office.database.sql("SELECT sum(length(bytes)) FROM privet.part").parse().expect("a number");
    for at in (0..length).step_by(length / 12) {
        let (part, byte) = (at / (length / 4), at % (length / 4));
        let flip = format!(
            "UPDATE privet.part SET bytes = set_byte(bytes, {byte}, get_byte(bytes, {byte}) # 16) WHERE place = {}",
            part * (length / 4)
        );
        office.database.sql(&flip);
        let problems = office.verify(1).problems;
        assert!(
            matches!(problems.first(), Some(Problem::Damaged { index, .. }) if *index == part as u64),
            "byte {at}: {problems:?}"
        );
        let opened = Journal::open(&office.settings(None), office.ring());
        assert!(matches!(opened, Err(open::Error::Damaged { index, .. }) if index == part as u64), "byte {at}");
        office.database.sql(&flip);
    }
    assert_eq!(office.verify(1).problems, []);
    office.database.sql(&format!("DELETE FROM privet.part WHERE place = {}", length / 4 * 3));
    assert!(matches!(office.verify(1).problems[..], [Problem::Behind { outside: false, size: 4 }]));
    assert!(matches!(Journal::open(&office.settings(None), office.ring()), Err(open::Error::Behind { .. })));
}

#[test]
fn nothing_is_lost_or_doubled_when_the_database_goes_and_comes() {
    let Some(mut office) = Office::open() else { return };
    let journal = office.journal();
    let mut written = Vec::new();
    for number in 0..3 {
        append(&journal, number).expect("written");
        written.push(number);
        // Whoever waits does not hear of a connection that is made again.
        office.database.cut();
    }
    append(&journal, 3).expect("written");
    written.push(3);
    office.database.kill();
    assert!(matches!(append(&journal, 4), Err(Error::Failed(_))));
    assert_eq!(journal.state(), State::Failed);
    // What nobody waits for comes when the database does.
    journal.note(&record(5));
    office.database.launch();
    until("there again", || journal.state() == State::Ready);
    append(&journal, 6).expect("written");
    written.extend([5, 6]);
    // Stopped in its tracks: it may be written, and nobody is told that it is.
    office.database.freeze(true);
    assert!(append(&journal, 7).is_err());
    office.database.freeze(false);
    until("there again", || append(&journal, 8).is_ok());
    written.push(8);
    drop(journal);
    let mut numbers = office.numbers(1);
    numbers.retain(|number| *number != 4 && *number != 7);
    assert_eq!(numbers, written, "in order, and once");
    assert!(office.numbers(1).iter().filter(|number| [4, 7].contains(number)).count() <= 2);
    let report = office.verify(1);
    assert_eq!(report.problems, []);
    assert!(office.lines(1).iter().any(|line| line.kind == "journal.resumed"));
}

#[test]
fn a_gateway_whose_chain_was_taken_over_goes_on_in_another() {
    let Some(office) = Office::open() else { return };
    let away = office.journal();
    append(&away, 0).expect("written");
    let former = away.verifier();
    office.database.cut();
    until("free", || !office.place(Some(1)).is_held().expect("seen"));
    let next = office.journal();
    assert_eq!(next.place(), office.place(Some(1)));
    append(&next, 1).expect("written");
    until("another chain", || append(&away, 2).is_ok());
    assert_eq!(away.place(), office.place(Some(2)));
    assert_ne!(away.verifier(), former);
    drop((away, next));
    assert_eq!((office.numbers(1), office.numbers(2)), (vec![0, 1], vec![2]));
    assert_eq!((office.verify(1).problems, office.verify(2).problems), (Vec::new(), Vec::new()));
}

#[test]
fn files_are_as_on_a_disk() {
    let Some(office) = Office::open() else { return };
    let mut table = Table::claim(&office.postgres(), Claim::Any).expect("claimed");
    table.create(FIRST).expect("made");
    table.write(FIRST, 0, b"first").expect("written");
    table.write(FIRST, 5, b"second").expect("written");
    table.write(FIRST, 5, b"second").expect("the same once more is the same");
    assert!(table.write(FIRST, 5, b"other!").is_err(), "another is not");
    assert_eq!(table.read(FIRST).expect("read"), b"firstsecond");
    assert_eq!(table.rest_of(FIRST, 5).expect("read"), Some(b"second".to_vec()));
    table.truncate(FIRST, 8).expect("cut");
    assert_eq!(table.read(FIRST).expect("read"), b"firstsec");
    table.write(FIRST, 8, b"!").expect("written");
    table.replace("keys/one.key", b"k").expect("written");
    table.replace("keys/one.key", b"key").expect("written");
    assert_eq!(table.list("").expect("names"), [FIRST]);
    assert_eq!(table.list("keys").expect("names"), ["one.key"]);
    assert_eq!(table.read("keys/one.key").expect("read"), b"key");
    table.destroy("keys/one.key").expect("gone");
    table.destroy("keys/one.key").expect("no wrong");
    assert!(table.read("keys/one.key").is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound));
    // Whole or not at all.
    table.begin().expect("begun");
    table.write(FIRST, 9, b"gone").expect("written");
    table.roll_back();
    assert_eq!(table.read(FIRST).expect("read"), b"firstsec!");
    table.begin().expect("begun");
    office.database.cut();
    assert!(table.write(FIRST, 9, b"gone").is_err(), "not by another connection");
    assert!(table.commit().is_err());
    assert_eq!(table.read(FIRST).expect("read"), b"firstsec!");
    // Tables of a later version are left alone.
    office.database.sql("UPDATE privet.version SET version = 2");
    assert!(
        Table::claim(&office.postgres(), Claim::Any).is_err_and(|error| error.to_string().contains("later Privet"))
    );
}

#[derive(Default)]
struct Seen {
    numbers: Mutex<Vec<String>>,
    next: std::sync::atomic::AtomicU64,
}

impl Follow for Seen {
    fn take(&self, line: &Line) {
        let account = line.body.get("account").and_then(|value| value.as_str()).unwrap_or(&line.kind).to_owned();
        self.numbers.lock().expect("whole").push(account);
    }

    fn reached(&self, next: u64) {
        self.next.store(next, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn all_gateways_decide_one_after_the_other_and_see_the_same() {
    let Some(mut office) = Office::open() else { return };
    let (here, there) = (office.shared(), office.shared());
    assert_eq!(here.verifier(), there.verifier());
    let seen = Arc::new(Seen::default());
    let follower: std::sync::Weak<dyn Follow> = Arc::downgrade(&seen) as _;
    let known = |count: usize| seen.numbers.lock().expect("whole").len() == count;
    let write = |shared: &Shared, number, after| block(shared.append(&[record(number)], after));
    assert_eq!(write(&here, 0, Some(0)).expect("written")[0].index, 0);
    here.follow(follower, 0);
    until("what was there", || known(1));
    assert_eq!(write(&there, 1, Some(1)).expect("written")[0].index, 1);
    until("what another has written", || known(2));
    assert_eq!(write(&there, 2, Some(1)), Err(Error::Conflict));
    let both = block(there.append(&[record(2), record(3)], Some(2))).expect("written");
    assert_eq!(both.iter().map(|receipt| receipt.index).collect::<Vec<_>>(), [2, 3]);
    write(&here, 4, None).expect("written");
    assert!(known(5), "shown before it is answered");
    // A crowd: everything gets in, once.
    let pushed = std::thread::scope(|scope| {
        let push = |shared, from: u64| {
            scope.spawn(move || (from..from + 20).filter(|n| write(shared, *n, None).is_ok()).count())
        };
        let all = [push(&here, 100), push(&there, 200)];
        all.map(|thread| thread.join().expect("ended"))
    });
    assert_eq!(pushed, [20, 20]);
    until("all of it", || known(45));
    office.database.cut();
    until("again by another connection", || write(&here, 300, None).is_ok());
    office.database.kill();
    assert!(matches!(write(&here, 301, None), Err(Error::Failed(_))));
    assert!(!here.is_up());
    office.database.launch();
    until("there again", || write(&there, 302, None).is_ok());
    until("seen", || seen.numbers.lock().expect("whole").contains(&"person302".to_owned()) && here.is_up());
    let report = office.verify(0);
    assert_eq!((report.problems, report.signed), (Vec::new(), Some(report.records)));
    let size = |shared: &Shared| shared.signed().borrow().lines().nth(1).map(str::to_owned);
    assert_eq!([size(&here), size(&there)], [Some(report.records.to_string()), Some(report.records.to_string())]);
    let mut numbers: Vec<String> = office.numbers(0).iter().map(|number| format!("person{number}")).collect();
    assert_eq!(*seen.numbers.lock().expect("whole"), numbers, "in the order of the chain");
    numbers.dedup();
    assert_eq!(numbers.len() as u64, report.records);
    // The keys of a day long gone are destroyed once.
    here.expire(SystemTime::now() + Duration::from_secs(5 * 366 * 86_400));
    until("destroyed", || office.lines(0).iter().any(|line| line.kind == "journal.key_destroyed"));
    assert_eq!(office.numbers(0), Vec::<u64>::new());
    assert_eq!(office.verify(0).problems, []);
    let files = Place::files(&office.place(Some(0))).expect("read");
    assert_eq!(files.list("keys").expect("names").len(), 1, "that of the record of it");
}

#[test]
fn a_server_that_is_not_believed_is_not_spoken_to() {
    let Some(mut office) = Office::open() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let (ca, stranger) = (authority(dir.path(), "one"), authority(dir.path(), "two"));
    office.database.encrypt(&dir.path().join("one.pem"), &dir.path().join("one.key"));
    let url = office.database.url();
    let settings = |ca: &Path| {
        let mut postgres = Postgres::parse(&format!("{url}?sslmode=verify-full")).expect("valid");
        postgres.ca = Some(ca.to_owned());
        Settings::new(Place::Database { postgres: Arc::new(postgres), chain: None })
    };
    let journal = Journal::open(&settings(&ca), office.ring()).expect("by its authority");
    append(&journal, 0).expect("written");
    drop(journal);
    assert!(Journal::open(&settings(&stranger), office.ring()).is_err());
    assert!(Journal::open(&office.settings(None), office.ring()).is_err(), "in clear");
}

/// An authority, and a leaf for 127.0.0.1 by it.
fn authority(dir: &Path, name: &str) -> std::path::PathBuf {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("valid");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("valid").signed_by(&key, &issuer);
    for (file, text) in [
        (format!("{name}-ca.pem"), issuer.pem()),
        (format!("{name}.pem"), leaf.expect("signed").pem()),
        (format!("{name}.key"), key.serialize_pem()),
    ] {
        std::fs::write(dir.join(file), text).expect("written");
    }
    dir.join(format!("{name}-ca.pem"))
}
