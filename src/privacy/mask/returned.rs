//! Masked values that come back: what was shown as `010-****-5678` must not be written over the number that it stands for.
//!
//! Of each person's masked answers [`Shown`] remembers what each field has shown and, sealed, what it stands for. A form or JSON that comes
//! back is read by [`Returned`]: a field that says what it has shown gets its value again. What can stand for more than one value, or is
//! a mask that nobody remembers, is refused: nobody can tell what it was.

use std::collections::{HashMap, HashSet, VecDeque, hash_map::RandomState};
use std::hash::BuildHasher as _;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom as _, SystemRandom},
};
use zeroize::Zeroizing;

use crate::{
    format::{Path, Shape, Visitor},
    privacy::detect::label::{self, Label},
};

/// Longest value that is remembered, in bytes.
const LONGEST: usize = 4 << 10;
/// Bytes that are remembered of one person's answers; what was shown first is forgotten first.
const ROOM: usize = 256 << 10;
/// What an entry takes besides its values.
const OVERHEAD: usize = 96;

/// A value with what was shown in its place, on the way from a body to [`Shown`].
#[derive(Clone, PartialEq, Eq)]
pub struct Covered {
    /// The name of its field.
    pub field: Box<[u8]>,
    /// What was shown.
    pub masked: Box<[u8]>,
    /// What it stands for.
    pub value: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Covered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Covered")
    }
}

/// What one person was shown in the place of values. The values are sealed by a key that is in memory alone.
pub struct Shown {
    key: LessSafeKey,
    hasher: RandomState,
    /// By field and text.
    entries: HashMap<u64, Vec<Sealed>>,
    /// In the order in which they came.
    order: VecDeque<(u64, usize)>,
    bytes: usize,
    nonces: u64,
}

struct Sealed {
    /// Of the value, so that one that is shown twice is kept once.
    hash: u64,
    nonce: u64,
    text: Vec<u8>,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shown({} entries)", self.order.len())
    }
}

/// What a masked text stands for.
#[derive(PartialEq, Eq)]
pub enum Meaning {
    /// Nobody knows.
    Unknown,
    /// One value.
    One(Zeroizing<Vec<u8>>),
    /// Several, and nobody knows which.
    Several,
}

impl Shown {
    /// Nothing was shown yet. `None` where there is no randomness for a key.
    #[must_use]
    pub fn new() -> Option<Self> {
        let mut secret = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(&mut *secret).ok()?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*secret).ok()?);
        let (entries, order) = (HashMap::new(), VecDeque::new());
        Some(Self { key, hasher: RandomState::new(), entries, order, bytes: 0, nonces: 0 })
    }

    /// Remembers what a field has shown.
    pub fn remember(&mut self, covered: &Covered) {
        let Covered { field, masked, value } = covered;
        if value.len() > LONGEST {
            return;
        }
        let place = self.hasher.hash_one((field, masked));
        let hash = self.hasher.hash_one(&**value);
        if self.entries.get(&place).is_some_and(|all| all.iter().any(|sealed| sealed.hash == hash)) {
            return;
        }
        let mut text = value.to_vec();
        self.nonces += 1;
        if self.key.seal_in_place_append_tag(nonce(self.nonces), Aad::empty(), &mut text).is_err() {
            return;
        }
        let size = text.len() + OVERHEAD;
        self.bytes += size;
        self.order.push_back((place, size));
        self.entries.entry(place).or_default().push(Sealed { hash, nonce: self.nonces, text });
        while self.bytes > ROOM {
            let Some((oldest, size)) = self.order.pop_front() else { break };
            self.bytes -= size;
            if let Some(all) = self.entries.get_mut(&oldest) {
                all.remove(0);
                if all.is_empty() {
                    self.entries.remove(&oldest);
                }
            }
        }
    }

    /// What the text of a field stands for.
    #[must_use]
    pub fn meaning(&self, field: &[u8], masked: &[u8]) -> Meaning {
        match self.entries.get(&self.hasher.hash_one((field, masked))).map(Vec::as_slice) {
            None | Some([]) => Meaning::Unknown,
            Some([one]) => {
                let mut text = Zeroizing::new(one.text.clone());
                let plain = self.key.open_in_place(nonce(one.nonce), Aad::empty(), &mut text).map(|plain| plain.len());
                plain.map_or(Meaning::Unknown, |length| {
                    text.truncate(length);
                    Meaning::One(text)
                })
            }
            Some(_) => Meaning::Several,
        }
    }
}

/// A counter: the key lives no longer than it.
fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// Asked about each value of what a person sends: it puts the value in the place of what was shown for it.
#[derive(Debug)]
pub struct Returned<'s> {
    shown: Option<&'s Shown>,
    /// Values that were put back.
    pub restored: u64,
    /// Fields of which nobody can tell what was meant.
    pub unclear: HashSet<Box<[u8]>>,
}

impl<'s> Returned<'s> {
    /// For a body that begins, of a person who was `shown` this.
    #[must_use]
    pub fn new(shown: Option<&'s Shown>) -> Self {
        Self { shown, restored: 0, unclear: HashSet::new() }
    }
}

impl Visitor for Returned<'_> {
    fn field(&mut self, at: &Path, value: &[u8], shape: Shape, out: &mut Vec<u8>) -> bool {
        if shape != Shape::Text || !value.contains(&b'*') {
            return false;
        }
        let meaning = self.shown.map_or(Meaning::Unknown, |shown| shown.meaning(at.name(), value));
        match meaning {
            Meaning::One(plain) => {
                out.extend_from_slice(&plain);
                self.restored += 1;
                return true;
            }
            Meaning::Unknown if !is_mask(at.name(), value) => {}
            Meaning::Unknown | Meaning::Several => {
                self.unclear.insert(at.name().into());
            }
        }
        false
    }

    fn name(&mut self, _: &Path, _: &[u8], _: &mut Vec<u8>) -> bool {
        false
    }

    fn part(&mut self, _: &Path, part: &[u8], out: &mut Vec<u8>) {
        // Longer than any mask.
        out.extend_from_slice(part);
    }

    fn end(&mut self, _: &Path, _: &mut Vec<u8>) {}
}

/// Whether a value looks as masks do: as the operator `mask` leaves an address of mail, a number, a credential, or what a field with this name
/// holds.
#[must_use]
pub fn is_mask(field: &[u8], value: &[u8]) -> bool {
    if matches!(value, b"***" | b"********") {
        return true;
    }
    if let Some(at) = memchr::memrchr(b'@', value)
        && value[..at].ends_with(b"***")
    {
        let first = std::str::from_utf8(&value[..at - 3]).is_ok_and(|rest| rest.chars().count() <= 1);
        return first && value[at + 1..].contains(&b'.');
    }
    let stars = memchr::memchr_iter(b'*', value).count();
    let is_number = |b: &u8| b.is_ascii_digit() || b"* -.()+/:".contains(b);
    if stars >= 3 && value.iter().all(is_number) && memchr::memmem::find(value, b"**").is_some() {
        return true;
    }
    let label = label::label(field);
    let Ok(text) = std::str::from_utf8(value) else {
        // In a coding of before UTF-8: what is no star can't be told apart.
        return matches!(label, Some(Label::Name | Label::Address)) && value.ends_with(b"*");
    };
    match label {
        Some(Label::Name) => text.split([' ', '-', '.', '\'']).filter(|word| !word.is_empty()).all(|word| {
            let mut signs = word.chars();
            signs.next().is_some_and(|first| first != '*') && signs.all(|sign| sign == '*')
        }),
        Some(Label::Address) => text.ends_with(" ***"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{form::Form, json::Json};

    fn covered(field: &str, masked: &str, value: &str) -> Covered {
        let value = Zeroizing::new(value.as_bytes().to_vec());
        Covered { field: field.as_bytes().into(), masked: masked.as_bytes().into(), value }
    }

    fn shown() -> Shown {
        let mut shown = Shown::new().expect("random");
        shown.remember(&covered("phone", "010-****-5678", "010-1234-5678"));
        shown.remember(&covered("name", "김**", "김민수"));
        shown.remember(&covered("name", "김**", "김철수"));
        shown
    }

    #[test]
    fn a_form_gets_its_values_again() {
        let shown = shown();
        let mut form = Form::new(Returned::new(Some(&shown)));
        let mut out = Vec::new();
        form.push(b"phone=010-****-5678&note=a+**bold**+word&name=%EA%B9%80%EC%98%81%ED%9D%AC", &mut out)
            .expect("read");
        form.finish(&mut out).expect("read");
        assert_eq!(
            String::from_utf8_lossy(&out),
            "phone=010-1234-5678&note=a+**bold**+word&name=%EA%B9%80%EC%98%81%ED%9D%AC"
        );
        assert_eq!((form.visitor().restored, form.visitor().unclear.len()), (1, 0));
    }

    #[test]
    fn json_too_and_what_is_unclear_is_told_by_field() {
        let shown = shown();
        let mut json = Json::new(Returned::new(Some(&shown)));
        let mut out = Vec::new();
        let body = r#"{"phone":"010-****-5678","name":"김**","email":"k***@example.com","other":"010-****-5678"}"#;
        json.push(body.as_bytes(), &mut out).expect("read");
        json.finish(&mut out).expect("read");
        assert!(String::from_utf8_lossy(&out).starts_with(r#"{"phone":"010-1234-5678","name":"김**""#));
        let mut unclear: Vec<_> =
            json.visitor().unclear.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        unclear.sort();
        assert_eq!(unclear, ["email", "name", "other"], "another field's text is not this field's");
    }

    #[test]
    fn masks_are_told_from_other_stars() {
        for (field, mask) in [
            ("x", "010-****-5678"),
            ("x", "900101-*******"),
            ("x", "************4242"),
            ("x", "k***@example.com"),
            ("x", "********"),
            ("name", "김**"),
            ("name", "J*** S****"),
            ("address", "서울특별시 강남구 ***"),
            ("x", "***"),
        ] {
            assert!(is_mask(field.as_bytes(), mask.as_bytes()), "{mask}");
        }
        assert!(is_mask(b"name", b"\xB1\xE8**"));
        for (field, text) in [
            ("x", "**bold**"),
            ("x", "5 * 3"),
            ("x", "a*b*c"),
            ("name", "Kim"),
            ("x", "김**"),
            ("note", "see *** below"),
            ("x", "*@example.com"),
            ("x", "* * *"),
            ("x", ""),
        ] {
            assert!(!is_mask(field.as_bytes(), text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_is_forgotten_first() {
        let mut shown = Shown::new().expect("random");
        for i in 0..20_000 {
            shown.remember(&covered("phone", &format!("m{i}"), &format!("value {i}")));
            shown.remember(&covered("phone", &format!("m{i}"), &format!("value {i}")));
        }
        assert!(shown.bytes <= ROOM && shown.entries.len() == shown.order.len() && shown.order.len() > 1500);
        assert!(matches!(shown.meaning(b"phone", b"m0"), Meaning::Unknown));
        assert!(matches!(shown.meaning(b"phone", b"m19999"), Meaning::One(value) if *value == b"value 19999"));
        shown.remember(&covered("phone", "long", &"x".repeat(LONGEST + 1)));
        assert!(matches!(shown.meaning(b"phone", b"long"), Meaning::Unknown));
        assert!(!format!("{shown:?} {:?}", covered("a", "b", "secret")).contains("value"));
    }
}
