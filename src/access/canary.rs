//! Whose canary is which: each person has one of their own on each route that plants them. Nothing of it is kept, for it follows from a key.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};

use super::subject::{Name, Subject, Subjects};
use crate::{
    privacy::{
        Kind,
        mask::{canary::Canary, settings::Canaries},
    },
    registry::PersonId,
    seal::Ring,
};

/// Fewest digits of a telephone number that are a person's own, where it is to tell of them.
const TELLING: usize = 6;

/// Who invents canaries.
#[derive(Clone)]
pub struct Seeds(hmac::Key);

impl fmt::Debug for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seeds")
    }
}

impl Seeds {
    /// By the ring's oldest epoch, as names of people are: a new epoch changes nobody's canary.
    #[must_use]
    pub fn of(ring: &Ring) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, ring.oldest().secret());
        Self(hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&secret, b"privet access canary 1").as_ref()))
    }

    /// Somebody's canary on a route.
    #[must_use]
    pub fn canary(&self, person: &PersonId, route: &str, rule: &Arc<Canaries>) -> Canary {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [&person.issuer, &person.subject, route] {
            context.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            context.update(part.as_bytes());
        }
        let tag = context.sign();
        Canary::new(std::array::from_fn(|i| tag.as_ref()[i]), rule)
    }
}

/// Into whose lists a canary is planted, and on which route.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Holder {
    /// Whose.
    pub person: PersonId,
    /// Where.
    pub route: String,
}

impl fmt::Debug for Holder {
    /// Without the name: it is personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holder")
    }
}

/// The canaries of everybody who is known, by what they are called in records.
#[derive(Clone)]
pub struct Planted {
    seeds: Seeds,
    subjects: Arc<Subjects>,
    routes: Vec<(String, Arc<Canaries>)>,
    met: HashSet<PersonId>,
    holders: HashMap<Subject, Vec<Holder>>,
}

impl fmt::Debug for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Planted({} names)", self.holders.len())
    }
}

impl Planted {
    /// Those of nobody yet, on these routes.
    #[must_use]
    pub fn new(ring: &Ring, routes: &[(String, Arc<Canaries>)]) -> Self {
        Self {
            seeds: Seeds::of(ring),
            subjects: Arc::new(Subjects::of(ring)),
            routes: routes.to_vec(),
            met: HashSet::new(),
            holders: HashMap::new(),
        }
    }

    /// Takes in those of somebody.
    pub fn meet(&mut self, person: &PersonId) {
        if self.routes.is_empty() || self.met.contains(person) {
            return;
        }
        self.met.insert(person.clone());
        for (route, rule) in &self.routes {
            let canary = self.seeds.canary(person, route, rule);
            let phone = (rule.phone.matches('#').count() >= TELLING).then(|| canary.phone());
            let names = [
                (Name::Id, canary.id()),
                (Name::Id, Some(canary.uuid())),
                (Name::Kind(Kind::Email), Some(canary.mail())),
                (Name::Kind(Kind::Phone), phone),
            ];
            for (name, value) in names {
                if let Some(subject) = value.and_then(|value| self.subjects.name(&name, value.as_bytes())) {
                    let holder = Holder { person: person.clone(), route: route.clone() };
                    self.holders.entry(subject).or_default().push(holder);
                }
            }
        }
    }

    /// Into whose lists somebody of this name was planted; more than one where they are called the same, nobody's where it is no canary.
    #[must_use]
    pub fn holders(&self, subject: &Subject) -> &[Holder] {
        self.holders.get(subject).map_or(&[], Vec::as_slice)
    }

    /// The same of a value as it was found: an id, an address of mail or a telephone number; and what of these it is.
    #[must_use]
    pub fn find(&self, value: &str) -> (&'static str, &[Holder]) {
        let all = [("id", Name::Id), ("mail", Name::Kind(Kind::Email)), ("phone", Name::Kind(Kind::Phone))];
        for (what, name) in all {
            let holders = self.subjects.name(&name, value.as_bytes()).map(|subject| self.holders(&subject));
            if let Some(holders @ [_, ..]) = holders {
                return (what, holders);
            }
        }
        ("", &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::mask::settings::Ids;

    fn rule() -> Arc<Canaries> {
        let ids = Ids::parse("9000000-9999999").ok();
        let (mail, phone) = ("shop.example".to_owned(), "010-0###-####".to_owned());
        Arc::new(Canaries { mail, ids, phone, least: 4 })
    }

    #[test]
    fn each_has_one_of_their_own_that_leads_back() {
        let ring = Ring::ephemeral().expect("random bytes");
        let [ann, bob] = ["ann", "bob"].map(|name| PersonId::new("staff", name));
        let routes = [("crm/".to_owned(), rule()), ("shop/".to_owned(), rule())];
        let (seeds, mut planted) = (Seeds::of(&ring), Planted::new(&ring, &routes));
        let canary = seeds.canary(&ann, "crm/", &rule());
        assert_eq!(canary, Seeds::of(&ring).canary(&ann, "crm/", &rule()), "the same at each look");
        for other in [seeds.canary(&bob, "crm/", &rule()), seeds.canary(&ann, "shop/", &rule())] {
            assert!(other.uuid() != canary.uuid() && other.mail() != canary.mail() && other.tag() != canary.tag());
        }
        let found = |planted: &Planted, value: &str| {
            let (what, holders) = planted.find(value);
            (what, holders.iter().map(|one| (one.person.subject.clone(), one.route.clone())).collect::<Vec<_>>())
        };
        let id = canary.id().expect("a number").to_owned();
        assert_eq!(found(&planted, &id), ("", vec![]), "nobody is known yet");
        planted.meet(&bob);
        planted.meet(&ann);
        planted.meet(&ann);
        let ours = vec![("ann".to_owned(), "crm/".to_owned())];
        assert_eq!(found(&planted, &format!(" {id}")), ("id", ours.clone()));
        assert_eq!(found(&planted, &canary.mail().to_uppercase()), ("mail", ours.clone()));
        assert_eq!(found(&planted, &canary.phone().replace('-', " ")), ("phone", ours.clone()));
        assert_eq!(found(&planted, canary.uuid()), ("id", ours));
        assert_eq!(found(&planted, "17"), ("", vec![]));
        assert!(!format!("{canary:?}{planted:?}").contains("ann"));
    }
}
