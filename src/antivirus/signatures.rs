//! Which signatures scanners have, how old they are, and whether they are there.

use std::{
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest;
use time::{PrimitiveDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// As C's `ctime` writes it.
const CTIME: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]");

/// What scanners say of themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Of the program, as `ClamAV 1.4.3`.
    pub engine: String,
    /// Of the daily signatures; none where there are none.
    pub signatures: Option<u32>,
    /// When those were made, in seconds since 1970.
    pub made: Option<u64>,
    /// What an ICAP server's signatures and settings are known by, `ISTag`.
    pub tag: Option<String>,
    /// Whether somebody is asked who tells how old signatures are: clamd. ICAP has no word for it.
    pub dated: bool,
}

impl Version {
    /// Reads an answer to `VERSION`. The time in it has no zone and is taken for UTC.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut parts = text.splitn(3, '/');
        let engine = parts.next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(64).collect();
        let signatures = parts.next().and_then(|number| number.parse().ok());
        let time = parts.next().and_then(|time| PrimitiveDateTime::parse(time.trim(), CTIME).ok());
        let made = time.and_then(|time| u64::try_from(time.assume_utc().unix_timestamp()).ok());
        Self { engine, signatures, made, tag: None, dated: true }
    }

    /// That of an ICAP server.
    #[must_use]
    pub fn of_service(engine: String, tag: String) -> Self {
        Self { engine, signatures: None, made: None, tag: Some(tag), dated: false }
    }

    /// Of both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let engine = format!("{}, {}", self.engine, other.engine);
        Self { engine, tag: other.tag, ..self }
    }
}

/// What is known of signatures.
#[derive(Debug, Default)]
pub struct Signatures(Mutex<State>);

#[derive(Debug, Default, Clone)]
struct State {
    up: Option<bool>,
    nobody: bool,
    version: Option<Version>,
    folder: [u8; 32],
    epoch: u64,
    stale: bool,
}

/// What has changed since scanners were last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools)] // each by itself
pub struct Changes {
    /// It has gone.
    pub away: bool,
    /// It is there again.
    pub back: bool,
    /// It has other signatures.
    pub signatures: bool,
    /// They have become stale.
    pub stale: bool,
    /// They are no longer.
    pub fresh: bool,
}

impl Signatures {
    fn state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes what scanners have said of themselves, which is nothing where one of them does not answer, and what is in clamd's folder.
    pub fn note(&self, said: Option<Version>, folder: [u8; 32], max_age: Duration, now: SystemTime) -> Changes {
        self.state(|state| {
            let up = said.is_some();
            let mut changes = Changes {
                away: !up && state.up != Some(false),
                back: up && state.up == Some(false),
                ..Changes::default()
            };
            if let Some(version) = said {
                changes.signatures = state.version.as_ref().is_some_and(|known| *known != version);
                state.version = Some(version);
            }
            // Whoever was away may have come back with others, whatever it says of them.
            if changes.signatures || changes.back || changes.away || state.folder != folder {
                state.epoch += 1;
            }
            (state.up, state.folder) = (Some(up), folder);
            let stale = is_stale(state.version.as_ref(), max_age, now);
            (changes.stale, changes.fresh) = (stale && !state.stale, !stale && state.stale);
            state.stale = stale;
            changes
        })
    }

    /// Clean verdicts of before hold no more.
    pub fn renew(&self) {
        self.state(|state| state.epoch += 1);
    }

    /// What clean verdicts are bound to.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.state(|state| state.epoch)
    }

    /// Notes whether anybody has answered at all.
    pub fn note_nobody(&self, nobody: bool) {
        self.state(|state| state.nobody = nobody);
    }

    /// Whether nobody has answered who could scan.
    #[must_use]
    pub fn is_nobody_there(&self) -> bool {
        self.state(|state| state.nobody)
    }

    /// Whether all were there when they were last asked; nothing before that.
    #[must_use]
    pub fn is_up(&self) -> Option<bool> {
        self.state(|state| state.up)
    }

    /// What they have said of themselves last.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.state(|state| state.version.clone())
    }

    /// Whether signatures are older than this, or nobody knows how old they are.
    #[must_use]
    pub fn are_stale(&self, max_age: Duration, now: SystemTime) -> bool {
        self.state(|state| is_stale(state.version.as_ref(), max_age, now))
    }
}

/// How old signatures are.
#[must_use]
pub fn age(made: u64, now: SystemTime) -> Duration {
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().saturating_sub(Duration::from_secs(made))
}

fn is_stale(version: Option<&Version>, max_age: Duration, now: SystemTime) -> bool {
    let version = version.filter(|version| version.dated);
    version.is_some_and(|version| version.made.is_none_or(|made| age(made, now) > max_age))
}

/// What tells whether anything in a folder of signatures has changed; zeros where it can't be read.
#[must_use]
pub fn stamp(folder: &Path) -> [u8; 32] {
    let Ok(entries) = fs::read_dir(folder) else { return [0; 32] };
    let one = |entry: fs::DirEntry| {
        let about = entry.metadata().ok()?;
        Some(format!("{} {} {:?}", entry.file_name().display(), about.len(), about.modified().ok()?))
    };
    let mut all: Vec<String> = entries.flatten().filter_map(one).collect();
    all.sort_unstable();
    let mut stamp = [0; 32];
    stamp.copy_from_slice(digest::digest(&digest::SHA256, all.join("\n").as_bytes()).as_ref());
    stamp
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn versions_tell_when_signatures_were_made() {
        let version = Version::read("ClamAV 1.4.3/27000/Sat Nov 28 00:37:51 2026");
        assert_eq!((version.signatures, version.made), (Some(27000), Some(1_795_826_271)));
        assert_eq!(Version::read("ClamAV 1.4.3/27000/Tue Nov  3 00:00:00 2026").made, Some(1_793_664_000));
        let bare = Version::read("ClamAV 1.4.3");
        assert_eq!((&*bare.engine, bare.signatures, bare.made), ("ClamAV 1.4.3", None, None));
    }

    #[test]
    fn signatures_grow_old_and_are_renewed() {
        let day = Duration::from_secs(86_400);
        let signatures = Signatures::default();
        assert!(!signatures.are_stale(day, at(0)), "nobody was asked yet");
        let made = 1_795_826_271;
        let said = "ClamAV 1.4.3/27000/Sat Nov 28 00:37:51 2026";
        assert_eq!(signatures.note(Some(Version::read(said)), [0; 32], day, at(made + 86_400)), Changes::default());
        assert!(signatures.note(Some(Version::read(said)), [0; 32], day, at(made + 86_401)).stale);
        assert!(!signatures.note(Some(Version::read(said)), [0; 32], day, at(made + 90_000)).stale, "told once");
        let epoch = signatures.epoch();
        let newer = "ClamAV 1.4.3/27001/Sun Nov 29 00:00:00 2026";
        let changes = signatures.note(Some(Version::read(newer)), [0; 32], day, at(made + 90_000));
        assert!(changes.fresh && changes.signatures && signatures.epoch() > epoch);
        assert!(
            signatures.note(Some(Version::read("ClamAV 1.4.3")), [0; 32], day, at(made)).stale,
            "nobody knows how old they are"
        );
    }

    #[test]
    fn whoever_was_away_has_to_judge_anew() {
        let signatures = Signatures::default();
        let note =
            |said: Option<&str>, folder| signatures.note(said.map(Version::read), [folder; 32], Duration::MAX, at(0));
        assert!(note(None, 0).away && !note(None, 0).away);
        let first = signatures.epoch();
        assert!(note(Some("ClamAV 1"), 0).back);
        let second = signatures.epoch();
        assert!(second > first);
        assert_eq!(note(Some("ClamAV 1"), 0), Changes::default());
        assert_eq!(signatures.epoch(), second);
        let _ = note(Some("ClamAV 1"), 1);
        assert!(signatures.epoch() > second, "another file in its folder");
    }

    #[test]
    fn a_tag_stands_for_signatures_and_tells_no_age() {
        let signatures = Signatures::default();
        let service = |tag: &str| Version::of_service("C-ICAP".to_owned(), tag.to_owned());
        let note = |said: Version| signatures.note(Some(said), [0; 32], Duration::from_secs(60), at(1_800_000_000));
        assert_eq!(note(service("a")), Changes::default());
        let epoch = signatures.epoch();
        let changes = note(service("b"));
        assert!(changes.signatures && !changes.stale && signatures.epoch() > epoch);
        let both = Version::read("ClamAV 1.4.3/27000/Sat Nov 28 00:37:51 2026").with(service("b"));
        assert!(note(both.clone()).stale, "clamd tells it");
        assert_eq!(
            (&*both.engine, both.tag.as_deref(), both.signatures),
            ("ClamAV 1.4.3, C-ICAP", Some("b"), Some(27000))
        );
    }
}
