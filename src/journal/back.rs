//! A journal read from its end: the newest records first, and no more of it than a page of them needs.
//!
//! A page opens files from the last one backwards until it is full, or has looked at as much as it may. So what it costs does not grow with the
//! journal, and whoever turns pages says where to go on.

use super::{
    disk::Files,
    entry::Entry,
    key::Keys,
    place::Place,
    search::{Error, Filter, Line, Reader, Unread, matches},
    segment::{self, Bad, Chain, Segment, is_torn},
};
use crate::seal::Ring;

/// How much of a journal one page may look at.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Most records of the page.
    pub lines: usize,
    /// Most records that are opened for it.
    pub opened: usize,
    /// Bytes of files after which no other one is read.
    pub bytes: u64,
}

/// Some records, the newest first.
#[derive(Debug, Default)]
pub struct Page {
    /// They themselves.
    pub lines: Vec<Line>,
    /// Records before this index were not looked at; none where all were.
    pub before: Option<u64>,
    /// When the oldest record was made that was looked at, in milliseconds since 1970.
    pub reached: Option<u64>,
    /// What could not be read.
    pub unread: Unread,
}

/// The newest records before the one of an index, or of all, that `filter` and `wanted` let through. What is of no use beyond that, `wanted` may
/// take out of a record: all of a page are held at once.
///
/// # Errors
/// When a file can't be read, or a record is damaged.
pub fn page(
    place: &Place,
    ring: Ring,
    filter: &Filter,
    before: Option<u64>,
    bounds: Bounds,
    wanted: impl FnMut(&mut Line) -> bool,
) -> Result<Page, Error> {
    read(&place.files()?, ring, filter, before, bounds, wanted)
}

fn read(
    disk: &impl Files,
    ring: Ring,
    filter: &Filter,
    before: Option<u64>,
    bounds: Bounds,
    mut wanted: impl FnMut(&mut Line) -> bool,
) -> Result<Page, Error> {
    let (mut keys, mut reader) = (Keys::new(ring), Reader::default());
    let text = filter.text.as_ref().map(|text| text.to_lowercase());
    let mut page = Page::default();
    let (mut bytes_read, mut opened) = (0, 0);
    let segments = segment::list(disk)?;
    let last = segments.last().map(|segment| segment.first);
    'files: for segment in segments.iter().rev().filter(|own| before.is_none_or(|before| own.first < before)) {
        if bytes_read >= bounds.bytes {
            break;
        }
        let bytes = disk.read(&segment.name)?;
        bytes_read += bytes.len() as u64;
        let (places, oldest) = places(&bytes, segment, last == Some(segment.first), filter, before)?;
        for at in places.into_iter().rev() {
            let Ok(entry) = Entry::read(&bytes[at..]) else { continue };
            page.before = Some(entry.place.index);
            page.reached = Some(entry.place.time);
            opened += 1;
            let line = reader.open(disk, &mut keys, &entry)?.filter(|line| matches(line, filter, text.as_deref()));
            if let Some(mut line) = line
                && wanted(&mut line)
            {
                page.lines.push(line);
            }
            if page.lines.len() >= bounds.lines || opened >= bounds.opened {
                break 'files;
            }
        }
        page.before = Some(segment.first);
        page.reached = oldest.or(page.reached);
        // What is before this file is not asked for.
        if segment.first <= filter.from || filter.since.is_some_and(|since| oldest.is_some_and(|oldest| oldest < since))
        {
            page.before = None;
            break;
        }
    }
    let first = segments.first().map_or(0, |segment| segment.first.max(filter.from));
    page.before = page.before.filter(|before| *before > first);
    page.unread = reader.unread;
    Ok(page)
}

/// Where in a file entries are that are asked for, and when its first one was made.
fn places(
    bytes: &[u8],
    segment: &Segment,
    is_last: bool,
    filter: &Filter,
    before: Option<u64>,
) -> Result<(Vec<usize>, Option<u64>), Error> {
    let (mut places, mut oldest) = (Vec::new(), None);
    let mut chain = Chain { next: segment.first, previous: None };
    let bad = chain.follow(bytes, |at, entry| {
        oldest = oldest.or(Some(entry.place.time));
        if filter.asks(entry) && before.is_none_or(|before| entry.place.index < before) {
            places.push(at);
        }
    });
    match bad {
        // A torn end, or what a gateway is just writing, is not there.
        Some(bad) if !(is_last && is_torn(bytes, &bad)) => {
            let Bad { index, at, why } = bad;
            Err(Error::Damaged { index, segment: segment.name.clone(), at: at as u64, why })
        }
        _ => Ok((places, oldest)),
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, io, path::Path, time::Duration};

    use super::*;
    use crate::journal::{Journal, Kind, Record, Settings};

    /// Files of a folder, and which of them were read.
    struct Counted(Box<dyn Files>, RefCell<Vec<String>>);

    impl Files for Counted {
        fn list(&self, folder: &str) -> io::Result<Vec<String>> {
            self.0.list(folder)
        }

        fn read(&self, name: &str) -> io::Result<Vec<u8>> {
            self.1.borrow_mut().push(name.to_owned());
            self.0.read(name)
        }
    }

    const BOUNDS: Bounds = Bounds { lines: 10, opened: 1000, bytes: 1 << 20 };

    /// A hundred records of two kinds.
    fn written(dir: &Path) -> (Place, impl Fn() -> Ring + use<>) {
        let file = dir.join("seal.key");
        let ring = move || Ring::load_or_make(&file).expect("keys");
        let settings = Settings::new(dir.join("journal"));
        let journal = Journal::open(&settings, ring()).expect("opened");
        for number in 0..100_u64 {
            let kind = if number % 2 == 0 { Kind::DisclosureDone } else { Kind::SignInSuccess };
            journal.note(&Record::new(kind, [("number", number.into())]));
        }
        assert!(journal.end(Duration::from_secs(60)));
        (settings.place, ring)
    }

    fn numbers(page: &Page) -> Vec<u64> {
        page.lines.iter().map(|line| line.body["number"].as_u64().expect("a number")).collect()
    }

    #[test]
    fn pages_go_from_the_newest_to_the_first() {
        let dir = tempfile::tempdir().expect("a folder");
        let (place, ring) = written(dir.path());
        let filter = Filter { kind: Some("disclosure".to_owned()), ..Filter::default() };
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = page(&place, ring(), &filter, before, BOUNDS, |_| true).expect("read");
            seen.extend(numbers(&page));
            before = page.before;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..100).rev().filter(|n| n % 2 == 0).collect::<Vec<u64>>());
    }

    #[test]
    fn a_rare_record_is_looked_for_in_steps() {
        let dir = tempfile::tempdir().expect("a folder");
        let (place, ring) = written(dir.path());
        let rare = |line: &mut Line| line.body["number"] == 4;
        let bounds = Bounds { opened: 30, ..BOUNDS };
        let first = page(&place, ring(), &Filter::default(), None, bounds, rare).expect("read");
        assert_eq!((first.lines.len(), first.before), (0, Some(70)));
        let last = page(&place, ring(), &Filter::default(), Some(20), bounds, rare).expect("read");
        assert_eq!((numbers(&last), last.before), (vec![4], None));
    }

    #[test]
    fn a_page_reads_no_more_files_than_it_needs() {
        let dir = tempfile::tempdir().expect("a folder");
        let (place, ring) = written(dir.path());
        // The same journal goes on in another file with each start.
        let settings = Settings::new(dir.path().join("journal"));
        let journal = Journal::open(&settings, ring()).expect("opened");
        journal.note(&Record::new(Kind::DisclosureDone, [("number", 100_u64.into())]));
        assert!(journal.end(Duration::from_secs(60)));
        let files = Counted(place.files().expect("files"), RefCell::default());
        let bounds = Bounds { lines: 1, ..BOUNDS };
        let newest = read(&files, ring(), &Filter::default(), None, bounds, |_| true).expect("read");
        assert_eq!((numbers(&newest), newest.before), (vec![100], Some(100)));
        let read = files.1.into_inner().into_iter().filter(|name| segment::is_name(name)).count();
        assert_eq!(read, 1);
    }

    #[test]
    fn one_record_costs_its_own_file_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let (place, ring) = written(dir.path());
        let journal = Journal::open(&Settings::new(dir.path().join("journal")), ring()).expect("opened");
        journal.note(&Record::new(Kind::DisclosureDone, [("number", 100_u64.into())]));
        assert!(journal.end(Duration::from_secs(60)));
        let files = Counted(place.files().expect("files"), RefCell::default());
        let filter = Filter { from: 100, ..Filter::default() };
        let one = read(&files, ring(), &filter, Some(101), BOUNDS, |_| true).expect("read");
        assert_eq!((numbers(&one), one.before), (vec![100], None));
        assert_eq!(files.1.into_inner().into_iter().filter(|name| segment::is_name(name)).count(), 1);
    }

    #[test]
    #[ignore = "writes a million records, and prints what pages of them cost; run it by name when reading changes"]
    fn a_page_of_a_million_records_costs_what_one_of_a_hundred_does() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("seal.key");
        let ring = || Ring::load_or_make(&file).expect("keys");
        let settings = Settings::new(dir.path().join("journal"));
        let journal = Journal::open(&settings, ring()).expect("opened");
        for number in 0..1_000_000_u64 {
            let person = if number % 100_000 == 7 { "rare" } else { "ann" };
            let fields = [
                ("number", number.into()),
                ("person", person.into()),
                ("subjects", vec!["AAAAAAAAAAAAAAAAAAAAAA"; 10].into()),
            ];
            journal.note(&Record::new(Kind::DisclosureDone, fields));
            while number % 4096 == 0 && journal.waiting() > 4096 {
                std::thread::yield_now();
            }
        }
        assert!(journal.end(Duration::from_secs(600)));
        let bounds = Bounds { lines: 50, opened: 50_000, bytes: 256 << 20 };
        for (what, before, person) in
            [("newest", None, "ann"), ("middle", Some(500_000), "ann"), ("rare", None, "rare")]
        {
            let files = Counted(settings.place.files().expect("files"), RefCell::default());
            let begun = std::time::Instant::now();
            let page = read(&files, ring(), &Filter::default(), before, bounds, |line| line.body["person"] == person);
            let (page, took) = (page.expect("read"), begun.elapsed());
            let read = files.1.into_inner().into_iter().filter(|name| segment::is_name(name)).count();
            println!("{what}: {} records of {read} files in {took:?}, on from {:?}", page.lines.len(), page.before);
            assert!(read <= 4, "{read}");
        }
    }
}
