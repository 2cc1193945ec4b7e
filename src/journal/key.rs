//! Data keys: one a day and class, random, each in a file of its own, sealed by the ring. Destroying the file is deleting the records: what
//! stays on disk of them opens with nothing, and still proves that nothing else was changed.

use std::{
    collections::HashMap,
    io,
    time::{Duration, SystemTime},
};

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, LessSafeKey, UnboundKey},
    digest, rand,
};
use time::{OffsetDateTime, macros::format_description};
use zeroize::Zeroizing;

use super::{
    disk::{Disk, Files, KEYS},
    entry::KeyId,
    kind::Class,
    open::SIGNER,
    settings::Retention,
};
use crate::seal::{Opener, Purpose, Ring, Sealer, stream};

const SECRET: usize = 32;
/// Milliseconds of a day.
const DAY: u64 = 86_400_000;

/// Why a data key is not to be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("its file can't be used")]
    Io(#[from] io::Error),
    #[error("its file does not open")]
    Sealed(#[from] stream::Error),
    #[error("its file holds something else")]
    Shape,
    #[error("the cryptographic library failed")]
    Cipher,
}

/// What is known of a data key by the name of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Label {
    class: Class,
    /// Days since 1970.
    day: u64,
    id: KeyId,
}

impl Label {
    fn file(&self) -> String {
        format!("{KEYS}/{}-{}-{:016x}.key", self.class.name(), date(self.day), u64::from_be_bytes(self.id))
    }

    fn parse(name: &str) -> Option<Self> {
        let (class, rest) = name.strip_suffix(".key")?.split_once('-')?;
        let (day, id) = rest.rsplit_once('-')?;
        let day = time::Date::parse(day, format_description!("[year]-[month]-[day]")).ok()?;
        let day = u64::try_from(day.midnight().assume_utc().unix_timestamp()).ok()? / (DAY / 1000);
        let id = u64::from_str_radix(id, 16).ok()?.to_be_bytes();
        Some(Self { class: Class::named(class)?, day, id }).filter(|label| label.file() == format!("{KEYS}/{name}"))
    }

    /// Whether its day has been over for as long as its class is kept.
    fn has_run_out(&self, retention: &Retention, now: SystemTime) -> bool {
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let kept = match self.class {
            Class::Access => retention.access,
            Class::Grants => retention.grants,
            Class::Operations => retention.operations,
        };
        Duration::from_millis((self.day + 1) * DAY).saturating_add(kept) <= since
    }
}

/// A day in UTC.
fn date(day: u64) -> String {
    let seconds = i64::try_from(day * (DAY / 1000)).unwrap_or(i64::MAX);
    let day = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    day.date().to_string()
}

fn labels(disk: &impl Files) -> io::Result<Vec<Label>> {
    Ok(disk.list(KEYS)?.iter().filter_map(|name| Label::parse(name)).collect())
}

/// Class and day of a data key that is to be destroyed by now, by the name of its file in the journal's folder.
#[must_use]
pub fn run_out(file: &str, retention: &Retention, now: SystemTime) -> Option<(Class, String)> {
    let label = Label::parse(file.strip_prefix(KEYS)?.strip_prefix('/')?)?;
    label.has_run_out(retention, now).then(|| (label.class, date(label.day)))
}

/// The files of all data keys.
pub(super) fn files(disk: &impl Files) -> io::Result<Vec<String>> {
    Ok(labels(disk)?.iter().map(Label::file).collect())
}

/// How many data keys open with no key of `ring`.
pub(super) fn locked(files: &impl Files, ring: Ring) -> Result<usize, Error> {
    let mut keys = Keys::new(ring);
    let mut locked = 0;
    for label in labels(files)? {
        locked += usize::from(!matches!(keys.find(files, label.id)?, Found::Key(_)));
    }
    Ok(locked)
}

/// A key that opens records, or why none does.
pub(super) enum Found<'a> {
    Key(&'a LessSafeKey),
    /// There is no file of it any more.
    Destroyed,
    /// There is, and no key of the ring opens it.
    Locked,
}

/// The data keys at hand.
pub(super) struct Keys {
    ring: Ring,
    known: HashMap<KeyId, LessSafeKey>,
    today: HashMap<Class, (u64, KeyId)>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({} known)", self.known.len())
    }
}

impl Keys {
    pub(super) fn new(ring: Ring) -> Self {
        Self { ring, known: HashMap::new(), today: HashMap::new() }
    }

    /// The key of a class for records of this time; made where there is none that opens.
    pub(super) fn at(&mut self, disk: &mut impl Disk, class: Class, time: u64) -> Result<(KeyId, &LessSafeKey), Error> {
        let day = time / DAY;
        let known = self.today.get(&class).filter(|(of, _)| *of == day).map(|(_, id)| *id);
        let id = match known {
            Some(id) => id,
            None => self.begin(disk, class, day)?,
        };
        self.today.insert(class, (day, id));
        self.known.get(&id).map(|key| (id, key)).ok_or(Error::Cipher)
    }

    fn begin(&mut self, disk: &mut impl Disk, class: Class, day: u64) -> Result<KeyId, Error> {
        for label in labels(disk)?.into_iter().filter(|label| label.class == class && label.day == day) {
            if matches!(self.find(disk, label.id)?, Found::Key(_)) {
                return Ok(label.id);
            }
        }
        let mut secret = Zeroizing::new([0; SECRET]);
        rand::fill(&mut *secret).map_err(|_| Error::Cipher)?;
        let mut id = KeyId::default();
        let named = digest::digest(&digest::SHA256, &[b"privet journal key id", &secret[..]].concat());
        id.copy_from_slice(&named.as_ref()[..8]);
        disk.replace(&Label { class, day, id }.file(), &wrap(&secret[..], &self.ring)?)?;
        self.known.insert(id, unwrapped(&secret[..])?);
        Ok(id)
    }

    /// The key of this id.
    pub(super) fn find(&mut self, disk: &impl Files, id: KeyId) -> Result<Found<'_>, Error> {
        if !self.known.contains_key(&id) {
            let Some(label) = labels(disk)?.into_iter().find(|label| label.id == id) else {
                return Ok(Found::Destroyed);
            };
            let Ok(secret) = unwrap(&disk.read(&label.file())?, &self.ring) else { return Ok(Found::Locked) };
            self.known.insert(id, unwrapped(&secret)?);
        }
        Ok(self.known.get(&id).map_or(Found::Locked, Found::Key))
    }

    /// Takes another ring, which seals every key from now on.
    pub(super) fn renew(&mut self, disk: &mut impl Disk, ring: Ring) -> Result<usize, Error> {
        let former = std::mem::replace(&mut self.ring, ring);
        self.rewrap(disk, Some(&former))
    }

    /// Seals every key by the newest of the ring, so that the older ones can be taken out of it, and what signs where that is sealed. Those
    /// that don't open stay as they are; how many.
    pub(super) fn rewrap(&mut self, disk: &mut impl Disk, former: Option<&Ring>) -> Result<usize, Error> {
        let mut locked = 0;
        let mut names = files(disk)?;
        if !disk.is_private() {
            names.push(SIGNER.to_owned());
        }
        for name in names {
            let sealed = disk.read(&name)?;
            if stream::is_by_newest(&sealed, &self.ring) {
                continue;
            }
            let by_former = |error| former.map_or(Err(error), |former| unwrap(&sealed, former));
            match unwrap(&sealed, &self.ring).or_else(by_former) {
                Ok(secret) => disk.replace(&name, &wrap(&secret, &self.ring)?)?,
                Err(_) => locked += 1,
            }
        }
        Ok(locked)
    }

    /// Seals something else by the newest key.
    pub(super) fn seal(&self, secret: &[u8]) -> Result<Vec<u8>, Error> {
        wrap(secret, &self.ring)
    }

    /// Opens what was sealed so.
    pub(super) fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        unwrap(sealed, &self.ring)
    }

    /// Another journal is written from now on, or what was made did not come to be.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.today.clear();
    }

    /// Destroys the keys of days that have been over for as long as their class is kept; which.
    pub(super) fn expire(
        &mut self,
        disk: &mut impl Disk,
        retention: &Retention,
        now: SystemTime,
    ) -> Result<Vec<(Class, String)>, Error> {
        let mut destroyed = Vec::new();
        for label in labels(disk)?.into_iter().filter(|label| label.has_run_out(retention, now)) {
            self.known.remove(&label.id);
            self.today.retain(|_, (_, id)| *id != label.id);
            disk.destroy(&label.file())?;
            destroyed.push((label.class, date(label.day)));
        }
        Ok(destroyed)
    }
}

fn unwrapped(secret: &[u8]) -> Result<LessSafeKey, Error> {
    // One of another length is none.
    UnboundKey::new(&AES_256_GCM_SIV, secret).map(LessSafeKey::new).map_err(|_| Error::Shape)
}

fn wrap(secret: &[u8], ring: &Ring) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let mut sealer = Sealer::new(ring, Purpose::Journal)?;
    sealer.seal(secret, &mut out)?;
    sealer.finish(&mut out)?;
    Ok(out)
}

fn unwrap(sealed: &[u8], ring: &Ring) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut opener = Opener::new(sealed, ring, Purpose::Journal)?;
    let (mut secret, mut buffer) = (Zeroizing::new(Vec::new()), Zeroizing::new(Vec::new()));
    while let Some(part) = opener.next(&mut buffer)? {
        secret.extend_from_slice(part);
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::Memory;

    const NOON: u64 = 20_000 * DAY + DAY / 2;

    fn id(keys: &mut Keys, disk: &mut Memory, class: Class, time: u64) -> KeyId {
        keys.at(disk, class, time).expect("a key").0
    }

    fn ring(lines: &str) -> (tempfile::TempDir, Ring) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("seal.key");
        std::fs::write(&path, lines).expect("written");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("private");
        let ring = Ring::load(&path).expect("a ring");
        (dir, ring)
    }

    const OLD: &str = "one AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n";
    const NEW: &str = "two AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n";

    #[test]
    fn a_key_a_day_and_class_that_is_found_again() {
        let mut disk = Memory::default();
        let mut keys = Keys::new(ring(OLD).1);
        let first = id(&mut keys, &mut disk, Class::Access, NOON);
        assert_eq!(id(&mut keys, &mut disk, Class::Access, NOON + DAY / 3), first);
        assert_ne!(id(&mut keys, &mut disk, Class::Access, NOON + DAY), first);
        assert_ne!(id(&mut keys, &mut disk, Class::Grants, NOON), first);
        let mut again = Keys::new(ring(OLD).1);
        assert_eq!(id(&mut again, &mut disk, Class::Access, NOON), first);
        let names = disk.list(KEYS).expect("names");
        assert!(names[0].starts_with("access-2024-10-04-") && names.len() == 3, "{names:?}");
    }

    #[test]
    fn keys_go_when_their_class_has_run_out() {
        let mut disk = Memory::default();
        let mut keys = Keys::new(ring(OLD).1);
        let retention = Retention { access: Duration::from_millis(DAY), ..Retention::default() };
        let access = id(&mut keys, &mut disk, Class::Access, NOON);
        let grants = id(&mut keys, &mut disk, Class::Grants, NOON);
        let at = |day: u64| SystemTime::UNIX_EPOCH + Duration::from_millis(day * DAY);
        let early = at(20_002) - Duration::from_secs(1);
        assert!(keys.expire(&mut disk, &retention, early).expect("looked").is_empty());
        let gone = keys.expire(&mut disk, &retention, at(20_002)).expect("looked");
        assert_eq!(gone, [(Class::Access, "2024-10-04".to_owned())]);
        assert!(matches!(keys.find(&disk, access), Ok(Found::Destroyed)));
        assert!(matches!(keys.find(&disk, grants), Ok(Found::Key(_))));
    }

    #[test]
    fn a_new_ring_takes_the_keys_over() {
        let mut disk = Memory::default();
        let mut keys = Keys::new(ring(OLD).1);
        let first = id(&mut keys, &mut disk, Class::Access, NOON);
        assert!(matches!(Keys::new(ring(NEW).1).find(&disk, first), Ok(Found::Locked)));
        assert_eq!(keys.renew(&mut disk, ring(&[OLD, NEW].concat()).1).expect("sealed anew"), 0);
        assert!(matches!(Keys::new(ring(NEW).1).find(&disk, first), Ok(Found::Key(_))), "the old one is not needed");
        assert!(matches!(Keys::new(ring(OLD).1).find(&disk, first), Ok(Found::Locked)), "nor of use");
        let other = id(&mut Keys::new(ring(OLD).1), &mut disk, Class::Access, NOON);
        assert_ne!(other, first, "a day goes on with another key where its own does not open");
    }
}
