//! Back-ups of a journal that is in a database: all chains of one moment, while gateways write, and brought back into another database.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, SystemTime},
};

use privet::{
    backup::{
        Error, Which,
        archive::{Vouched, verify},
        create::{Source, Sources, create},
        restore::{Target, restore},
        sealed::Key,
    },
    journal::{
        Class, Journal, Kind, Place, Record, Settings, postgres::Postgres, settings::Retention, shared::Shared,
        verify::Outside,
    },
    seal::Ring,
};
use serde_json::Value;

use crate::{
    backup::key_file,
    database::Database,
    gate::{Browser, PASSWORD, add},
    postgres::{HERE, Office, ask, patiently, records, status, verified},
    registry::{does, json, password, refuses, run},
    support::Privet,
};

/// Three gateways that work, and what was answered by any of them.
fn working<T>(gateways: &[Privet], meanwhile: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for privet in gateways {
            let stop = &stop;
            scope.spawn(move || {
                for number in 0.. {
                    if stop.load(Relaxed) {
                        break;
                    }
                    ask(privet, number);
                    thread::sleep(Duration::from_millis(5));
                }
            });
        }
        // However it ends, the others do.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(meanwhile));
        stop.store(true, Relaxed);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// How often each id is among the intents of all chains.
fn intents(privet: &Privet) -> BTreeMap<String, usize> {
    let mut all: BTreeMap<String, usize> = BTreeMap::new();
    for record in records(privet, "disclosure.intent") {
        *all.entry(record["body"]["request_id"].as_str().expect("an id").to_owned()).or_default() += 1;
    }
    all
}

/// Everything that lies in a database, of the chains that are compared.
fn contents(database: &Database, name: &str) -> String {
    database.sql_of(
        name,
        "SELECT chain, name, sha256(bytes || coalesce((SELECT string_agg(p.bytes, '' ORDER BY place) FROM privet.part p \
         WHERE p.chain = f.chain AND p.name = f.name), '')) FROM privet.file f ORDER BY 1, 2",
    )
}

/// Three gateways, somebody who was given a role and somebody who has agreed; witnessed.
fn three(office: &Office) -> [Privet; 3] {
    let witness = "[access]\n[[journal.witness]]\nfile = \"kept\"\n";
    let [first, second, third] = [office.gateway(witness), office.gateway("[access]\n"), office.gateway("[access]\n")];
    for name in ["one", "two", "ann"] {
        add(&first, name, &[]);
    }
    let dir = first.dir.path();
    fs::write(dir.join("people.csv"), "email,agreed\nlee@example.com,yes\n").expect("written");
    for line in [
        "staff init one two",
        "staff grant ann marketing --reason newsletter --as one",
        "consent import people.csv --id email --agreed agreed",
    ] {
        does(dir, &format!("{line}{HERE}"));
    }
    // Kept beside the shared chain when a gateway ends.
    first.signal("-TERM");
    patiently("kept", || office.database.sql("SELECT count(*) FROM privet.file WHERE name = 'consent.sealed'") == "1");
    let first = first.restarted();
    for chain in ["1", "shared"] {
        witnessed(first.dir.path(), &format!("audit verify --chain {chain} --checkpoint kept{HERE}"));
    }
    // What is signed from now on is no concern of a back-up that was made before.
    fs::copy(first.dir.path().join("kept"), first.dir.path().join("vouches")).expect("copied");
    [first, second, third]
}

fn witnessed(dir: &Path, line: &str) {
    patiently(line, || {
        let (code, said) = run(dir, line);
        code == 0 && said.contains("by the newest outside checkpoint")
    });
}

fn consents(dir: &Path) -> String {
    let (code, said) = run(dir, &format!("consent show lee@example.com{HERE}"));
    assert_eq!(code, 0, "{said}");
    said
}

/// The file of another database of the same server.
fn other(office: &Office, name: &str) -> String {
    office.database.sql(&format!("CREATE DATABASE {name}"));
    let place = office.shared.path().join(name);
    fs::write(&place, office.database.url_of(name)).expect("written");
    place.display().to_string()
}

#[test]
fn three_gateways_are_backed_up_while_they_write_drilled_and_brought_back_into_another_database() {
    let Some(office) = Office::open() else { return };
    let gateways = three(&office);
    let dir = gateways[0].dir.path();
    let agreed = consents(dir);
    // What was answered before the back-up began has to be in it.
    let before: Vec<String> = gateways
        .iter()
        .flat_map(|privet| (0..5).map(move |number| ask(privet, number).expect("an answer")))
        .map(|(status, id)| {
            assert_eq!(status, "200");
            id
        })
        .collect();
    key_file(&dir.join("kept.key"));
    let key = "--key-file kept.key";
    let made: Value = working(&gateways, || {
        let line = format!("backup create -o one.backup {key} --json{HERE}");
        serde_json::from_str(&does(dir, &line)).expect("JSON")
    });
    assert!(made["records"].as_u64() > Some(20), "{made}");
    assert_eq!(records(&gateways[1], "backup.created").len(), 1, "told to whoever looks, once");
    proved(dir, key);

    // A drill, beside all of them.
    let (drill, postgres) = (other(&office, "drill"), office.shared.path().join("postgres").display().to_string());
    let text = fs::read_to_string(dir.join("privet.toml")).expect("a file");
    let text = format!("data_dir = \"drill\"\n{}", text.replace(&postgres, &drill));
    fs::write(dir.join("drill.toml"), text).expect("written");
    let said = does(dir, &format!("backup restore one.backup {key} --config drill.toml --drill-of privet.toml"));
    assert!(said.contains("4 journals in postgres://127.0.0.1"), "{said}");
    let drills = records(&gateways[2], "backup.restored");
    assert!(drills.len() == 1 && drills[0]["body"]["drill"] == true, "{drills:?}");

    // All of it is lost but the back-up and the key.
    let after = other(&office, "after");
    for privet in &gateways {
        let path = privet.dir.path().join("privet.toml");
        let text = fs::read_to_string(&path).expect("a file");
        fs::write(&path, text.replace(&postgres, &after)).expect("written");
    }
    brought_back(&office, gateways, &before, &agreed, key);
}

/// What is in a back-up, and where it may not go.
fn proved(dir: &Path, key: &str) {
    let bytes = fs::read(dir.join("one.backup")).expect("a file");
    for plain in [&b"PJE1"[..], b"newsletter", b"checkpoint.key", b"privet/journal"] {
        assert!(memchr::memmem::find(&bytes, plain).is_none(), "{}", String::from_utf8_lossy(plain));
    }
    let proof = json(dir, &format!("backup verify one.backup {key} --json"));
    let within: Vec<&str> =
        proof["journals"].as_array().expect("journals").iter().filter_map(|one| one["journal"].as_str()).collect();
    assert_eq!((within, &proof["whole"]), (vec!["chain-shared", "chain-1", "chain-2", "chain-3"], &true.into()));
    let vouched = format!("backup verify one.backup {key} --checkpoint vouches");
    refuses(dir, &vouched, 2, "name one by its number (--chain)");
    for chain in ["1", "shared"] {
        witnessed(dir, &format!("{vouched} --chain {chain}"));
    }
    refuses(dir, &format!("{vouched} --chain 2"), 1, "outside checkpoint");
    let restore = format!("backup restore one.backup {key} --data new");
    refuses(dir, &restore, 2, "with `[store] postgres` of an empty database");
    let (code, said) = run(dir, &format!("{restore}{HERE}"));
    assert!(code == 1 && said.contains("holds a journal already") && said.contains("DELETE FROM"), "{said}");
    assert!(!said.contains("correct"), "no password in it");
    assert!(!dir.join("new").exists());
}

/// On another database, by the first of the three; the others come again as well.
fn brought_back(office: &Office, gateways: [Privet; 3], before: &[String], agreed: &str, key: &str) {
    let [mut first, mut second, mut third] = gateways;
    for privet in [&mut first, &mut second, &mut third] {
        privet.child.kill().expect("killed");
        privet.child.wait().expect("ended");
        fs::rename(privet.dir.path().join("data"), privet.dir.path().join("burnt")).expect("moved");
    }
    let shared = office.shared.path();
    for name in ["seal.key", "staff.sealed"] {
        fs::remove_file(shared.join(name)).expect("gone");
    }
    let dir = first.dir.path();
    let said = does(dir, &format!("backup restore one.backup {key}{HERE}"));
    assert!(said.contains("put it where the configuration names it"), "{said}");
    for name in ["seal.key", "staff.sealed"] {
        fs::rename(dir.join("data").join(name), shared.join(name)).expect("moved");
    }
    refuses(dir, &format!("backup restore one.backup {key} --data again{HERE}"), 1, "holds a journal already");
    assert!(verified(&first).iter().all(|report| report["whole"] == true), "{:?}", verified(&first));
    let restored = records(&first, "backup.restored");
    assert!(restored.len() == 1 && restored[0]["body"]["drill"] == false, "{restored:?}");
    let written = intents(&first);
    for id in before {
        assert_eq!(written.get(id), Some(&1), "what was answered before is there, once");
    }
    assert!(written.values().all(|count| *count == 1));
    // Everything but what tells of the restoring is byte for byte what the drill has got.
    let told =
        |text: String| text.lines().filter(|line| !line.starts_with("0|")).map(str::to_owned).collect::<Vec<_>>();
    let [one, other] = ["drill", "after"].map(|name| told(contents(&office.database, name)));
    assert!(one == other && one.len() > 12, "{one:?}\n{other:?}");

    let gateways = [first.restarted(), second.restarted(), third.restarted()];
    let [first, second, third] = &gateways;
    assert_eq!(consents(second.dir.path()), agreed);
    let browser = Browser(third, "after");
    patiently("at home", || browser.sign_in("ann", PASSWORD).starts_with("HTTP/2 303"));
    assert_eq!(status(&browser.get("/marketing")), "200", "what was granted holds");
    password(first.dir.path());
    does(first.dir.path(), &format!("staff revoke ann marketing --reason over --as one{HERE}"));
    patiently("revoked", || status(&browser.get("/marketing")) == "403");
    let (_, id) = ask(second, 7).expect("an answer");
    patiently("it goes on", || intents(first).get(&id) == Some(&1));
    let whole = verified(first);
    assert!(whole.len() == 4 && whole.iter().all(|report| report["whole"] == true), "{whole:?}");
    // Three, one of them again, and all of them on the other database: each goes on in a chain that was there.
    patiently("started", || records(first, "process.started").len() == 7);
}

/// A journal in a database, of two gateways and what they share, and its keys in a folder.
struct Chains {
    sources: Sources,
}

impl Chains {
    fn write(database: &Database, data: &Path) -> Self {
        let ring = || Ring::load_or_make(&data.join("seal.key")).expect("keys");
        let postgres = Arc::new(Postgres::parse(&database.url()).expect("valid"));
        let place = Place::Database { postgres: Arc::clone(&postgres), chain: None };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let gateways = [0, 1].map(|_| Journal::open(&Settings::new(place.clone()), ring()).expect("opened"));
        for journal in &gateways {
            for record in [Record::sign_ins(Kind::SignInMissed, 7), Record::process_stopped()] {
                runtime.block_on(journal.append(&record)).expect("written");
            }
        }
        let shared = Shared::open(&postgres, Retention::default(), ring()).map(Arc::new).expect("opened");
        let record = Record::account(Kind::AccountAdded, "staff", "bob", &[]);
        let (_, written) = runtime.block_on(privet::journal::Stream::Shared(shared).append(&[record], None));
        written.expect("written");
        let path = data.join("seal.key");
        let keys = Source { name: "seal.key".to_owned(), path, elsewhere: false, keys: None };
        let sources = Sources { journal: Some(place), retention: Retention::default(), files: vec![keys] };
        Self { sources }
    }
}

#[test]
fn what_has_run_out_is_in_no_chain_and_a_database_is_filled_whole_or_not_at_all() {
    let Some(database) = Database::start() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let (data, file) = (dir.path().join("data"), dir.path().join("one.backup"));
    fs::create_dir(&data).expect("made");
    let chains = Chains::write(&database, &data);
    let key = || Key::File(Ring::derived("kept", Box::new([1; 32].into())));
    let now = SystemTime::now();
    create(&chains.sources, &key(), fs::File::create(&file).expect("a file"), now).expect("made");
    let proof = verify(&file, &key(), Vouched::default()).expect("whole");
    let all: Vec<(Which, u64)> = proof.journals.0.iter().map(|(which, report)| (*which, report.records)).collect();
    assert_eq!(all, [(Which::Chain(0), 1), (Which::Chain(1), 2), (Which::Chain(2), 2)]);
    // Two and a half years later: what the gateways have seen is not to be read any more, who was given rights is.
    let later = now + Duration::from_secs(900 * 86_400);
    let mut out = Vec::new();
    let made = create(&chains.sources, &key(), &mut out, later).expect("made");
    let keys = |list: &privet::backup::archive::Checked| {
        list.list.files.iter().filter(|file| file.name.contains("/keys/")).count()
    };
    assert_eq!(made.list.files.iter().filter(|file| file.name.contains("/keys/")).count(), 1);
    assert_eq!(keys(&proof), 5);

    database.sql("CREATE DATABASE other");
    let other = Postgres::parse(&database.url_of("other")).map(Arc::new).expect("valid");
    let place = |chain| Place::Database { postgres: Arc::clone(&other), chain };
    let (place_of_all, to) = (place(None), dir.path().join("new"));
    let target = Target { folder: &to, journal: Some(&place_of_all) };
    // A gateway that has just begun there, and one that has written.
    let begun = Journal::open(&Settings::new(place(None)), Ring::ephemeral().expect("keys")).expect("opened");
    let refused = restore(&file, &key(), Vouched::default(), &target, later);
    assert!(matches!(refused, Err(Error::Occupied(_))), "{refused:?}");
    assert_eq!(database.sql_of("other", "DELETE FROM privet.file; SELECT count(*) FROM privet.file"), "0");
    let refused = restore(&file, &key(), Vouched::default(), &target, later);
    assert!(matches!(refused, Err(Error::Held(_))), "{refused:?}");
    drop(begun);
    database.sql_of("other", "DELETE FROM privet.file");
    // A back-up that is cut in its last segment leaves nothing.
    let bytes = fs::read(&file).expect("a file");
    fs::write(dir.path().join("cut.backup"), &bytes[..bytes.len() - 40]).expect("written");
    assert!(restore(&dir.path().join("cut.backup"), &key(), Vouched::default(), &target, later).is_err());
    assert_eq!(database.sql_of("other", "SELECT count(*) FROM privet.file"), "0");
    assert!(!to.exists());
    // A database that refuses in the middle has nothing of it, nor has the folder.
    database.sql_of("other", "ALTER TABLE privet.part ADD CONSTRAINT no CHECK (chain < 2)");
    let refused = restore(&file, &key(), Vouched::default(), &target, later);
    assert!(matches!(refused, Err(Error::Database(..))), "{refused:?}");
    assert_eq!(database.sql_of("other", "SELECT count(*) FROM privet.file"), "0");
    assert!(!to.join("seal.key").exists() && !to.join(".restoring").exists());
    database.sql_of("other", "ALTER TABLE privet.part DROP CONSTRAINT no");

    let restored = restore(&file, &key(), Vouched::default(), &target, later).expect("brought back");
    let mut gone: Vec<(Which, Class)> = restored.destroyed.iter().map(|(which, class, _)| (*which, *class)).collect();
    gone.sort_unstable_by_key(|(which, class)| (*which, class.name()));
    let of = |chain| [(Which::Chain(chain), Class::Access), (Which::Chain(chain), Class::Operations)];
    assert_eq!(gone, [of(1), of(2)].concat());
    assert_eq!(database.sql_of("other", "SELECT count(*) FROM privet.file WHERE name LIKE 'keys/%'"), "1");
    for chain in 0..3 {
        let report = privet::journal::verify::verify(&place(Some(chain)), Outside::default()).expect("read");
        assert!(report.problems.is_empty() && report.records > 0, "{report:?}");
    }
    no_folder(&database, &data);
}

/// A folder's journal goes into no database.
fn no_folder(database: &Database, data: &Path) {
    let ring = Ring::load(&data.join("seal.key")).expect("keys");
    let (folder, file, to) = (data.join("journal"), data.join("folder.backup"), data.join("elsewhere"));
    drop(Journal::open(&Settings::new(folder.clone()), ring).expect("opened"));
    let keys = Source { name: "seal.key".to_owned(), path: data.join("seal.key"), elsewhere: false, keys: None };
    let sources = Sources { journal: Some(folder.into()), retention: Retention::default(), files: vec![keys] };
    let (key, now) = (|| Key::File(Ring::derived("kept", Box::new([1; 32].into()))), SystemTime::now());
    create(&sources, &key(), fs::File::create(&file).expect("a file"), now).expect("made");
    database.sql("CREATE DATABASE third");
    let third = Postgres::parse(&database.url_of("third")).map(Arc::new).expect("valid");
    let third = Place::Database { postgres: third, chain: None };
    let target = Target { folder: &to, journal: Some(&third) };
    assert!(matches!(restore(&file, &key(), Vouched::default(), &target, now), Err(Error::NoFolder)));
}
