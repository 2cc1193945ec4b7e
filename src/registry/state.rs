//! Who is there, who may what, and who has promised: a fold over events, and nothing else.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::{
    event::Event,
    grant::{Ended, Grant},
    handover::{Handover, Side},
    moment::Moment,
    person::{OFFICER, PersonId, Role},
    pledge::{Pledge, Pledged, Signature},
    provider::Entry,
    review::{Judged, Review, Reviewed, Signed},
};

/// How long a proposal waits for the second officer.
pub const PROPOSED: Duration = Duration::from_secs(14 * 86_400);

/// What is known of somebody.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dossier {
    /// What people call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When they have joined, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Moment>,
    /// When they have left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Moment>,
    /// Who has let them go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_by: Option<PersonId>,
    /// What their provider's directory calls them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
    /// What they were given, in the order of the numbers; what has ended is in it as long as its record can be read.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// The pledge that they have signed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// Time of the oldest record that this is from.
    pub since: Moment,
}

impl std::fmt::Debug for Dossier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dossier({} grants)", self.grants.len())
    }
}

/// The state of the registry.
#[derive(Clone, Default, PartialEq)]
pub struct State {
    founded: Option<Moment>,
    /// The highest number that was given.
    last: u64,
    people: BTreeMap<PersonId, Dossier>,
    proposals: BTreeMap<u64, Grant>,
    pledge: Option<Pledge>,
    /// Time of the record that the pledge is from.
    pledge_since: Option<Moment>,
    handovers: BTreeMap<u64, Handover>,
    reviews: BTreeMap<u64, Review>,
    /// Up to where everything was reviewed, where the records of that are not to be read for ever.
    reviewed: Option<Reviewed>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({} people)", self.people.len())
    }
}

/// What somebody may at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether the registry knows them.
    pub known: bool,
    /// Whether they have left.
    pub left: bool,
    /// What they are.
    pub roles: Vec<Held>,
    /// Whether they have promised.
    pub pledge: Pledged,
}

/// A role that somebody has at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub role: Role,
    /// The job description that asks for it.
    pub duty: Option<String>,
    /// By which grant.
    pub grant: u64,
    /// When it holds no more.
    pub until: Option<Moment>,
}

impl State {
    /// Whether there are officers, so that roles are what the registry says.
    #[must_use]
    pub fn is_founded(&self) -> bool {
        self.founded.is_some()
    }

    /// When it was founded.
    #[must_use]
    pub fn founded(&self) -> Option<Moment> {
        self.founded
    }

    /// What somebody may at this time.
    #[must_use]
    pub fn standing(&self, person: &PersonId, now: SystemTime) -> Standing {
        let now = Moment::from(now);
        let Some(dossier) = self.people.get(person) else {
            return Standing { known: false, left: false, roles: Vec::new(), pledge: Pledged::Missing };
        };
        let held = |grant: &Grant| Held {
            role: grant.role.clone(),
            duty: grant.duty.clone(),
            grant: grant.id,
            until: grant.until,
        };
        let left = dossier.left.is_some();
        let roles = if left { Vec::new() } else { dossier.grants.iter().filter(|g| g.holds(now)).map(held).collect() };
        let pledge = Pledged::of(dossier.signature.as_ref(), self.pledge.as_ref(), now);
        Standing { known: true, left, roles, pledge }
    }

    /// Everybody.
    pub fn people(&self) -> impl Iterator<Item = (&PersonId, &Dossier)> {
        self.people.iter()
    }

    /// What is known of somebody.
    #[must_use]
    pub fn person(&self, person: &PersonId) -> Option<&Dossier> {
        self.people.get(person)
    }

    /// Whether somebody has left.
    #[must_use]
    pub fn has_left(&self, person: &PersonId) -> bool {
        self.people.get(person).is_some_and(|dossier| dossier.left.is_some())
    }

    /// What was proposed and waits for a second officer at this time.
    pub fn proposals(&self, now: Moment) -> impl Iterator<Item = &Grant> {
        self.proposals.values().filter(move |grant| now.since(grant.certified) < PROPOSED)
    }

    /// The pledge that people sign.
    #[must_use]
    pub fn pledge(&self) -> Option<&Pledge> {
        self.pledge.as_ref()
    }

    /// All handovers.
    pub fn handovers(&self) -> impl Iterator<Item = &Handover> {
        self.handovers.values()
    }

    /// The handover of this number.
    #[must_use]
    pub fn handover(&self, id: u64) -> Option<&Handover> {
        self.handovers.get(&id)
    }

    /// All reviews.
    pub fn reviews(&self) -> impl Iterator<Item = &Review> {
        self.reviews.values()
    }

    /// Up to where everything was reviewed, as it was carried on.
    pub(super) fn reviewed_before(&self) -> Option<Reviewed> {
        self.reviewed.clone()
    }

    /// All grants of people who are here.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.people.values().filter(|dossier| dossier.left.is_none()).flat_map(|dossier| &dossier.grants)
    }

    /// Grants of somebody that hold at this time, or will.
    pub fn lasting(&self, person: &PersonId, now: Moment) -> impl Iterator<Item = &Grant> {
        let dossier = self.people.get(person).filter(|dossier| dossier.left.is_none());
        dossier.into_iter().flat_map(|dossier| &dossier.grants).filter(move |grant| grant.lasts(now))
    }

    /// Officers in force at this time, by the grants that make them so.
    pub fn officers(&self, now: Moment) -> impl Iterator<Item = &Grant> {
        self.grants().filter(move |grant| grant.role.as_str() == OFFICER && grant.holds(now))
    }

    /// The number of the next grant or handover.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.last + 1
    }

    /// Whether a grant or a signature of somebody runs out after `from` and not after `to`.
    #[must_use]
    pub fn lapses(&self, from: Moment, to: Moment) -> bool {
        let between = |moment: Moment| from < moment && moment <= to;
        self.grants().any(|grant| grant.ended.is_none() && grant.until.is_some_and(between))
            || self.people.values().any(|dossier| dossier.signature.as_ref().is_some_and(|s| between(s.until)))
    }

    /// Takes what has happened at a time into account.
    pub fn apply(&mut self, event: &Event, at: Moment) {
        match event {
            Event::Founded { grants } => {
                self.founded = Some(at);
                for grant in grants {
                    self.give(grant, at);
                }
            }
            Event::Standing { .. } => self.carry_on(event, at),
            Event::Joined { person, name, .. } => {
                let dossier = self.dossier(person, at);
                (dossier.name, dossier.joined, dossier.left) = (name.clone(), Some(at), None);
                dossier.left_by = None;
            }
            Event::Moved { person, ended, given, proposed, reason, by } => {
                let how = Ended { at, by: Some(by.clone()), how: "moved".to_owned(), reason: Some(reason.clone()) };
                self.end(ended, &how);
                self.dossier(person, at);
                self.proposals.retain(|_, grant| grant.person != *person);
                if let Some(grant) = given {
                    self.give(grant, at);
                }
                if let Some(grant) = proposed {
                    self.propose(grant);
                }
            }
            Event::Left { person, ended, reason, by } => {
                let how = Ended { at, by: Some(by.clone()), how: "left".to_owned(), reason: reason.clone() };
                self.end(ended, &how);
                let dossier = self.dossier(person, at);
                (dossier.left, dossier.left_by) = (Some(at), Some(by.clone()));
                self.proposals.retain(|_, grant| grant.person != *person);
            }
            Event::Listed { person, entry, .. } => self.dossier(person, at).entry.clone_from(entry),
            Event::Proposed { grant } => self.propose(grant),
            Event::Given { grant } => self.give(grant, at),
            Event::Ended { grants, reason, by, .. } => {
                let how = Ended { at, by: Some(by.clone()), how: "revoked".to_owned(), reason: Some(reason.clone()) };
                self.end(grants, &how);
                self.proposals.retain(|id, _| !grants.contains(id));
            }
            Event::Published { version, texts, .. } => {
                self.pledge = Some(Pledge { version: *version, published: at, texts: texts.clone() });
                self.pledge_since = Some(at);
            }
            Event::Signed { person, signature } => self.dossier(person, at).signature = Some(signature.clone()),
            Event::Withdrawn { person, .. } => {
                if let Some(signature) = &mut self.dossier(person, at).signature {
                    signature.withdrawn = Some(at);
                }
            }
            Event::HandoverStarted { handover } => {
                self.last = self.last.max(handover.id);
                self.handovers.insert(handover.id, handover.clone());
            }
            Event::HandoverSigned { handover, side, by } => self.sign(*handover, *side, by, at),
            Event::HandoverDone { handover, side, by, given, proposed, ended } => {
                self.sign(*handover, *side, by, at);
                if let Some(handover) = self.handovers.get_mut(handover) {
                    handover.done = Some(at);
                }
                self.end(ended, &Ended { at, by: Some(by.clone()), how: "handed over".to_owned(), reason: None });
                for grant in given {
                    self.give(grant, at);
                }
                for grant in proposed {
                    self.propose(grant);
                }
            }
            Event::Recertified { grant, .. } => {
                self.each_grant(&[*grant], |grant| grant.certified = at);
            }
            // Whether a file is still in somebody's hands gives and takes no right.
            Event::DownloadReturned { .. } => {}
            Event::ReviewOpened { .. } | Event::ReviewResult { .. } | Event::ReviewSigned { .. } => {
                self.review(event, at);
            }
        }
    }

    fn review(&mut self, event: &Event, at: Moment) {
        match event {
            Event::ReviewOpened { review } => {
                self.last = self.last.max(review.id);
                self.reviews.insert(review.id, review.clone());
            }
            Event::ReviewResult { review, records, opinion, by } => {
                let known = self.reviews.get_mut(review).into_iter().flat_map(|review| &mut review.drawn.records);
                for chosen in known.filter(|chosen| records.contains(&chosen.record)) {
                    chosen.result = Some(Judged { opinion: opinion.clone(), by: by.clone(), at });
                }
            }
            Event::ReviewSigned { review, by, .. } => {
                if let Some(review) = self.reviews.get_mut(review) {
                    review.signed = Some(Signed { by: by.clone(), at });
                }
            }
            _ => {}
        }
    }

    fn carry_on(&mut self, event: &Event, at: Moment) {
        let Event::Standing { founded, next, person, dossier, pledge, handover, reviewed, review } = event else {
            return;
        };
        self.founded = Some(self.founded.map_or(*founded, |known| known.min(*founded)));
        self.last = self.last.max(next.saturating_sub(1));
        if let (Some(person), Some(dossier)) = (person, dossier) {
            self.people.insert(person.clone(), Dossier { since: at, ..dossier.clone() });
        }
        if let Some(pledge) = pledge {
            self.pledge = Some(pledge.clone());
            self.pledge_since = Some(at);
        }
        if let Some(handover) = handover {
            self.handovers.insert(handover.id, Handover { since: at, ..handover.clone() });
        }
        if let Some(review) = review {
            self.reviews.insert(review.id, Review { carried: at, ..review.clone() });
        }
        if reviewed.is_some() {
            self.reviewed.clone_from(reviewed);
        }
    }

    /// What has to be written again at `now`, so that no record which something still rests on is older than `most`.
    #[must_use]
    pub fn to_carry(&self, now: Moment, most: Duration) -> Vec<Event> {
        let Some(founded) = self.founded else { return Vec::new() };
        let next = self.next();
        let reviewed = self.reviewed();
        let blank = || Event::Standing {
            founded,
            next,
            person: None,
            dossier: None,
            pledge: None,
            handover: None,
            reviewed: reviewed.clone(),
            review: None,
        };
        let old = |since: Moment| now.since(since) >= most;
        let mut events = Vec::new();
        let mut carry = |fill: &dyn Fn(&mut Event)| {
            let mut event = blank();
            fill(&mut event);
            events.push(event);
        };
        for (who, known) in self.people.iter().filter(|(_, known)| known.left.is_none() && old(known.since)) {
            // What has ended has had its time: its record goes with its key.
            let grants = known.grants.iter().filter(|grant| grant.lasts(now)).cloned().collect();
            let kept = Dossier { grants, ..known.clone() };
            carry(&|event| {
                if let Event::Standing { person, dossier, .. } = event {
                    (*person, *dossier) = (Some(who.clone()), Some(kept.clone()));
                }
            });
        }
        if self.pledge_since.is_some_and(old) {
            carry(&|event| {
                if let Event::Standing { pledge, .. } = event {
                    pledge.clone_from(&self.pledge);
                }
            });
        }
        // Proposals are over long before.
        for open in self.handovers.values().filter(|handover| handover.done.is_none() && old(handover.since)) {
            carry(&|event| {
                if let Event::Standing { handover, .. } = event {
                    *handover = Some(open.clone());
                }
            });
        }
        for open in self.reviews.values().filter(|review| review.signed.is_none() && old(review.carried)) {
            carry(&|event| {
                if let Event::Standing { review, .. } = event {
                    *review = Some(open.clone());
                }
            });
        }
        events
    }

    fn dossier(&mut self, person: &PersonId, at: Moment) -> &mut Dossier {
        self.people.entry(person.clone()).or_insert_with(|| Dossier {
            name: None,
            joined: None,
            left: None,
            left_by: None,
            entry: None,
            grants: Vec::new(),
            signature: None,
            since: at,
        })
    }

    fn give(&mut self, grant: &Grant, at: Moment) {
        self.last = self.last.max(grant.id);
        self.proposals.remove(&grant.id);
        self.dossier(&grant.person, at).grants.push(grant.clone());
    }

    fn propose(&mut self, grant: &Grant) {
        self.last = self.last.max(grant.id);
        self.proposals.insert(grant.id, grant.clone());
    }

    fn end(&mut self, ids: &[u64], how: &Ended) {
        self.each_grant(ids, |grant| {
            grant.ended.get_or_insert_with(|| how.clone());
        });
    }

    fn each_grant(&mut self, ids: &[u64], change: impl Fn(&mut Grant)) {
        let grants = self.people.values_mut().flat_map(|dossier| &mut dossier.grants);
        grants.filter(|grant| ids.contains(&grant.id)).for_each(change);
    }

    fn sign(&mut self, id: u64, side: Side, by: &PersonId, at: Moment) {
        let Some(handover) = self.handovers.get_mut(&id) else { return };
        match side {
            Side::From => {
                handover.from_signed = Some(at);
                handover.for_leaver = Some(by.clone()).filter(|by| *by != handover.from);
            }
            Side::To => handover.to_signed = Some(at),
        }
    }
}
