//! Whether whoever reads an answer has the surname of somebody in it. At this moment both are in hand, and at no other: records have pseudonyms, and
//! Privet keeps no names. What is written down is whether it is so, and how often chance has it.

use std::{
    collections::{HashMap, hash_map::RandomState},
    fmt,
    hash::BuildHasher as _,
    sync::{Arc, Mutex, PoisonError},
};

use zeroize::Zeroizing;

use crate::privacy::surname::{FullName, Surname};

/// Most people of an answer that somebody has opened because of them.
const FEW: usize = 3;
/// Most names of an answer that are compared.
const NAMES: usize = 16;
/// Most surnames that are counted.
const MOST: usize = 4096;
/// What is known of a country's surnames counts as if so many names had been seen.
const BEFOREHAND: f64 = 500.0;

/// How common surnames are among those whom this gateway has shown: counts of keyed hashes, in the memory of this process alone.
#[derive(Default)]
pub struct Surnames(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    key: RandomState,
    of: HashMap<u64, u32>,
    all: u64,
}

impl fmt::Debug for Surnames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Surnames")
    }
}

impl Surnames {
    /// The share of a surname, of 1.
    #[allow(clippy::cast_precision_loss, reason = "names that were shown")]
    fn share(&self, surname: &Surname) -> f64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = counts.of.get(&counts.key.hash_one(surname)).copied().unwrap_or_default();
        (f64::from(seen) + BEFOREHAND * surname.share() / 100.0) / (counts.all as f64 + BEFOREHAND)
    }

    fn count<'s>(&self, surnames: impl Iterator<Item = &'s Surname>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for surname in surnames {
            counts.all += 1;
            let hash = counts.key.hash_one(surname);
            if counts.of.len() < MOST || counts.of.contains_key(&hash) {
                let count = counts.of.entry(hash).or_default();
                *count = count.saturating_add(1);
            }
        }
    }
}

/// Names that go by in an answer, besides that of whoever reads it.
pub struct Kin {
    surnames: Arc<Surnames>,
    own: Option<(Zeroizing<String>, Surname)>,
    /// Different ones.
    names: Vec<(Zeroizing<String>, Surname)>,
}

impl fmt::Debug for Kin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kin")
    }
}

impl Kin {
    /// Of whoever is called so.
    #[must_use]
    pub fn new(own: Option<&FullName>, surnames: &Arc<Surnames>) -> Self {
        let own = own.and_then(|own| Some((Zeroizing::new(own.folded()), own.surname()?)));
        Self { surnames: Arc::clone(surnames), own, names: Vec::new() }
    }

    /// A name goes by in a field that is called so.
    pub fn hear(&mut self, field: &[u8], name: &[u8]) {
        let Ok(name) = std::str::from_utf8(name) else { return };
        let part = Part::of(field);
        if self.names.len() >= NAMES || part == Part::Given {
            return;
        }
        let name = if part == Part::Family { FullName::of_parts(name, "") } else { FullName::new(name) };
        let Some((name, surname)) = name.and_then(|name| Some((Zeroizing::new(name.folded()), name.surname()?))) else {
            return;
        };
        // Applications greet whoever has signed in on every page.
        let is_own = self.own.as_ref().is_some_and(|(own, _)| *own == name);
        if !is_own && !self.names.iter().any(|(known, _)| *known == name) {
            self.names.push((name, surname));
        }
    }

    /// Whether an answer about so many people has somebody of one's own surname, and in how many of a hundred such answers chance has it; nothing where
    /// it is of more, or nothing can be compared. What it has shown counts from now on.
    #[must_use]
    pub fn told(&self, people: usize) -> Option<(bool, f64)> {
        let compared = || {
            let (_, own) = self.own.as_ref().filter(|_| (1..=FEW).contains(&people) && !self.names.is_empty())?;
            let others = 1.0 - self.surnames.share(own);
            let by_chance = 1.0 - self.names.iter().fold(1.0, |none, _| none * others);
            let is_kin = self.names.iter().any(|(_, surname)| surname == own);
            Some((is_kin, (by_chance * 1000.0).round().max(1.0) / 10.0))
        };
        let told = compared();
        self.surnames.count(self.names.iter().map(|(_, surname)| surname));
        told
    }
}

/// What of a name a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Family,
    Given,
}

impl Part {
    fn of(field: &[u8]) -> Self {
        let letters: String = String::from_utf8_lossy(field)
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect();
        let has = |words: &[&str]| words.iter().any(|word| letters.contains(word));
        if has(&["firstname", "givenname", "forename", "middlename", "nickname", "vorname", "prenom", "prénom"]) {
            Self::Given
        } else if has(&["lastname", "familyname", "surname", "apellido", "cognome", "nachname"]) {
            Self::Family
        } else {
            Self::Whole
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(own: &str, people: usize, names: &[(&str, &str)]) -> Option<(bool, f64)> {
        let mut kin = Kin::new(FullName::new(own).as_ref(), &Arc::default());
        for (field, name) in names {
            kin.hear(field.as_bytes(), name.as_bytes());
        }
        kin.told(people)
    }

    #[test]
    fn one_of_few_with_the_same_surname() {
        assert_eq!(told("김민수", 1, &[("name", "Kim Younghee")]), Some((true, 21.5)));
        assert_eq!(told("제갈공명", 1, &[("name", "이영희")]), Some((false, 1.0)));
        assert_eq!(told("김민수", 3, &[("name", "이영희"), ("name", "박영희")]), Some((false, 38.4)), "of two");
        // One's own name greets on every page, and a given name is no surname.
        assert_eq!(told("김민수", 1, &[("", "김 민수")]), None);
        assert_eq!(told("민지영", 1, &[("first_name", "민수"), ("lastName", "김")]), Some((false, 1.0)));
        assert_eq!(told("김민수", 1, &[("first_name", "민수"), ("lastName", "김")]), Some((true, 21.5)));
        assert_eq!(told("김민수", 4, &[("name", "김영희")]), None, "a list");
        assert_eq!(told("김민수", 0, &[("name", "김영희")]), None);
        assert_eq!(told("김민수", 1, &[]), None);
        assert_eq!(told("", 1, &[("name", "김영희")]), None, "whose name nobody knows");
        assert!(!format!("{:?}", Kin::new(FullName::new("김민수").as_ref(), &Arc::default())).contains('김'));
    }

    #[test]
    fn what_is_shown_tells_how_common_a_surname_is() {
        let surnames = Arc::new(Surnames::default());
        for n in 0..5000 {
            let mut kin = Kin::new(None, &surnames);
            kin.hear(b"name", format!("{n} {}", if n % 2 == 0 { "Smith" } else { "Jones" }).as_bytes());
            assert_eq!(kin.told(100), None);
        }
        let share = |name: &str| surnames.share(&Surname::of(name).expect("one"));
        assert!((share("Ann Smith") - 0.4555).abs() < 0.01, "{}", share("Ann Smith"));
        assert!((share("김민수") - 0.0195).abs() < 0.001 && share("Eve Miller") < 0.001);
        let many = Surnames::default();
        for n in 0..MOST * 2 {
            many.count([Surname::of(&format!("Ann a{n}x")).expect("one")].iter());
        }
        assert_eq!(many.0.lock().expect("counts").of.len(), MOST);
    }
}
