use super::*;
use crate::access::subject::Name;

struct Office {
    dir: tempfile::TempDir,
    place: Place,
}

impl Office {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        let (journal, snapshot) = (at("journal").into(), Snapshot::File(at(NAME)));
        let place = Place { journal, snapshot, key_file: at("seal.key") };
        Ring::load_or_make(&place.key_file).expect("keys");
        Self { dir, place }
    }

    fn journal(&self) -> PathBuf {
        self.dir.path().join("journal")
    }

    fn snapshot(&self) -> PathBuf {
        self.dir.path().join(NAME)
    }

    fn open(&self) -> (Stream, Consents) {
        let settings = journal::Settings::new(self.place.journal.clone());
        let journal = Stream::open(&settings, Ring::load(&self.place.key_file).expect("keys")).expect("opened");
        (journal, Consents::load(&self.place).expect("read"))
    }

    fn people(&self, count: usize) -> Vec<Subject> {
        let subjects = Subjects::of(&Ring::load(&self.place.key_file).expect("keys"));
        (0..count).filter_map(|n| subjects.name(&Name::Id, n.to_string().as_bytes())).collect()
    }
}

fn change(consents: &Consents, journal: &Stream, people: &[Subject], agreed: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(consents.change(journal, "marketing", people, agreed, Source::Import)).expect("written");
}

#[test]
fn consent_is_what_the_journal_says_with_a_snapshot_or_without() {
    let office = Office::new();
    let people = office.people(10_000);
    let (journal, consents) = office.open();
    assert_eq!((consents.count("marketing"), consents.has("marketing", &people[0])), ((0, 0), false));
    change(&consents, &journal, &people, true);
    change(&consents, &journal, &people[..3], false);
    assert_eq!(consents.count("marketing"), (9997, 3));
    assert!(!consents.has("marketing", &people[0]) && consents.has("marketing", &people[3]));
    assert!(!consents.has("research", &people[3]) && consents.foreign() == 0);
    consents.save(&office.place, &journal).expect("saved");
    // After the snapshot.
    change(&consents, &journal, &people[..1], true);
    let table = consents.table.read().expect("whole").clone();
    drop((journal, consents));
    let sealed = fs::read(office.snapshot()).expect("a file");
    assert!(!sealed.windows(8).any(|w| w == &people[5].0[..8]) && !sealed.windows(9).any(|w| w == b"marketing"));
    for snapshot in [true, false] {
        let (journal, consents) = office.open();
        assert_eq!(*consents.table.read().expect("whole"), table, "snapshot {snapshot}");
        drop((journal, consents));
        let _ = fs::remove_file(office.snapshot());
    }
}

#[test]
fn what_does_not_fit_together_is_told() {
    let office = Office::new();
    let (journal, consents) = office.open();
    change(&consents, &journal, &office.people(10), true);
    consents.save(&office.place, &journal).expect("saved");
    drop((journal, consents));
    // Another journal of the same keys, such as a back-up that was restored alone.
    fs::rename(office.journal(), office.dir.path().join("former")).expect("moved");
    assert!(matches!(Consents::load(&office.place), Err(Error::Foreign(_))));
    let aside = office.dir.path().join("aside");
    fs::rename(office.snapshot(), &aside).expect("moved");
    let (journal, consents) = office.open();
    change(&consents, &journal, &office.people(5), true);
    drop((journal, consents));
    fs::rename(&aside, office.snapshot()).expect("moved back");
    assert!(matches!(Consents::load(&office.place), Err(Error::Foreign(_))));
    let mut sealed = fs::read(office.snapshot()).expect("a file");
    let middle = sealed.len() / 2;
    sealed[middle] ^= 1;
    fs::write(office.snapshot(), sealed).expect("written");
    assert!(matches!(Consents::load(&office.place), Err(Error::Damaged(_))));
    fs::remove_file(office.snapshot()).expect("removed");
    assert_eq!(Consents::load(&office.place).expect("read").count("marketing"), (5, 0));
    // A ring without its oldest epoch.
    let text = fs::read_to_string(&office.place.key_file).expect("a ring");
    fs::write(&office.place.key_file, format!("new {}=\n{text}", "A".repeat(43))).expect("written");
    let consents = Consents::load(&office.place).expect("read");
    assert_eq!((consents.count("marketing"), consents.foreign()), ((0, 0), 1));
}
