//! Who notes whose data an answer has, record by record as it goes by, and decides on records by consent.

use std::{cell::RefCell, fmt, rc::Rc, sync::Arc};

use crate::{
    access::{
        Permit, Rule,
        subject::{Name, Subject, Subjects},
    },
    gateway::{
        access::Authority,
        canary::Planting,
        custody::Custody,
        disclosure::{Seen, Taken},
        naming::{name_of, named},
        plan::Line,
        returned::{Memory, Reader},
    },
    identity::Principal,
    privacy::{
        self,
        mask::{Facts, Judge, Verdict, settings::Records},
    },
};

/// Decides on records by consent, and notes whose they are.
#[derive(Clone)]
pub struct Witness {
    authority: Arc<Authority>,
    rule: Rule,
    /// What people must have agreed to.
    purpose: Option<Arc<str>>,
    records: Arc<Records>,
    /// What a record names its subject by.
    name: Name,
    /// Whose everything is, where the request's path has said so.
    owner: Option<Subject>,
    in_record: bool,
    planting: Option<Planting>,
    /// Whether the record at hand is a canary's.
    in_canary: bool,
    /// Whether nothing of whom it speaks is shown, for want of consent.
    hides: bool,
    seen: Rc<RefCell<Seen>>,
    /// Who is shown masks, and what is remembered of them.
    reader: Option<Reader>,
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Witness({})", self.rule.name())
    }
}

impl Witness {
    /// Of an answer on `line` under a permit, whose people are noted in `seen`.
    #[must_use]
    pub fn new(authority: &Arc<Authority>, line: &Line, permit: Option<&Permit>, seen: Rc<RefCell<Seen>>) -> Self {
        let owner = seen.borrow().people.first().copied();
        Self {
            authority: Arc::clone(authority),
            rule: permit.map_or(Rule::Any, |permit| permit.consent),
            purpose: permit.map(|permit| Arc::clone(&permit.purpose)),
            name: line.route.records.as_deref().map_or(Name::Id, name_of),
            records: line.route.records.clone().unwrap_or_default(),
            owner,
            in_record: false,
            planting: None,
            in_canary: false,
            hides: false,
            seen,
            reader: None,
        }
    }

    /// Remembers for `principal` what is shown in the place of values.
    pub(super) fn remembering(mut self, memory: &Arc<Memory>, principal: Option<&Arc<Principal>>) -> Self {
        self.reader = principal.map(|principal| Reader::new(memory, principal));
        self
    }

    /// Lets a canary be planted into what is read.
    pub(super) fn planting(self, planting: Option<Planting>) -> Self {
        Self { planting, ..self }
    }

    /// The canary of whoever reads, and whether it is planted.
    #[must_use]
    pub fn canary(&self) -> Option<&Planting> {
        self.planting.as_ref()
    }

    /// Who is asked about records, and where they are.
    #[must_use]
    pub fn judge(&self) -> (Arc<Records>, Box<dyn Judge>) {
        (Arc::clone(&self.records), Box::new(self.clone()))
    }

    /// An answer went out that nobody could read: somebody's data may have been in it.
    pub fn unreadable(&self) {
        self.seen.borrow_mut().unattributed += 1;
    }

    /// The answer is taken along, under this permit.
    pub fn take_along(&mut self, permit: Option<&Permit>) {
        self.seen.borrow_mut().taken = Some(Taken {
            policies: permit.map(|permit| permit.policies.clone()).unwrap_or_default(),
            review: permit.is_some_and(|permit| permit.review),
        });
        if let Some(permit) = permit {
            self.rule = permit.consent;
        }
    }

    /// It leaves as a file in somebody's hands.
    pub fn hand_over(&self, custody: Custody) {
        self.seen.borrow_mut().custody = Some(custody);
    }

    /// Whether a person has agreed. What was recorded of them, a withdrawal above all, is newer than what the application still says.
    fn agreed(&self, subject: Option<&Subject>, facts: &Facts<'_>) -> bool {
        let known = self.authority.consents.as_ref().zip(self.purpose.as_deref()).zip(subject);
        let standing = known.and_then(|((desk, purpose), subject)| desk.consents.standing(purpose, subject));
        match standing {
            Some(standing) if facts.consent.is_none() || !standing.agreed => standing.agreed,
            _ => facts.agreed(),
        }
    }
}

impl Judge for Witness {
    fn record(&mut self, facts: &Facts<'_>) -> Verdict {
        let subjects: &Subjects = &self.authority.subjects;
        let subject = facts.subject.and_then(|value| subjects.name(&self.name, value)).or(self.owner);
        let verdict = match self.rule {
            Rule::Any => Verdict::Show,
            _ if self.agreed(subject.as_ref(), facts) => Verdict::Show,
            Rule::Mask => Verdict::Mask,
            Rule::Drop => Verdict::Drop,
        };
        let mut seen = self.seen.borrow_mut();
        self.in_record = true;
        self.hides = verdict != Verdict::Show;
        match (verdict, subject) {
            (Verdict::Show, Some(subject)) => {
                seen.people.insert(subject);
            }
            (Verdict::Show, None) => seen.unattributed += 1,
            (Verdict::Mask, _) => seen.masked += 1,
            (Verdict::Drop, _) => seen.dropped += 1,
        }
        verdict
    }

    fn outside(&mut self) -> Verdict {
        (self.in_record, self.in_canary) = (false, false);
        // Nobody can say of whom it speaks, so nobody can have agreed.
        self.hides = self.rule != Rule::Any;
        if self.hides { Verdict::Mask } else { Verdict::Show }
    }

    fn canary(&mut self) {
        self.in_canary = true;
        self.seen.borrow_mut().canaries += 1;
    }

    fn covered(&mut self, field: &[u8], masked: &[u8], value: &[u8]) {
        // A canary's comes back as a mask that nobody remembers, and is refused.
        if let Some(reader) = self.reader.as_mut().filter(|_| !self.in_canary) {
            reader.cover(field, masked, value);
        }
    }

    fn name(&mut self, field: &[u8], name: &[u8]) {
        // What stands around records is the application's: who has signed in, who is in charge.
        let is_around = self.owner.is_none() && !self.in_record && !self.records.subject.is_empty();
        if !self.hides
            && !self.in_canary
            && !is_around
            && let Some(kin) = &mut self.seen.borrow_mut().kin
        {
            kin.hear(field, name);
        }
    }

    fn seen(&mut self, kind: &privacy::Kind, value: &[u8]) {
        if self.in_canary {
            return;
        }
        let mut seen = self.seen.borrow_mut();
        seen.shown.add(kind);
        if self.owner.is_some() || self.in_record && !self.records.subject.is_empty() {
            return;
        }
        match named(kind) {
            None => {}
            Some(word) => match self.authority.subjects.name(&Name::Kind(kind.clone()), value) {
                Some(subject) if !value.is_empty() => {
                    if seen.people.insert(subject) {
                        *seen.named.entry(word).or_default() += 1;
                    }
                }
                _ => seen.unattributed += 1,
            },
        }
    }
}
