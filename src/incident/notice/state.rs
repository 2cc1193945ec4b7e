//! All notices, and what people were paid: a fold over events, and nothing else.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    delivery::{Deliveries, Way},
    draft::{Document, Texts},
    event::Event,
};
use crate::{
    incident::{compensation, ledger::Fold},
    journal::Record,
    registry::{Moment, PersonId},
};

/// How many have to approve a notice.
pub const APPROVALS: usize = 2;

/// Somebody's word that a text may go out.
#[derive(Clone, PartialEq, Eq)]
pub struct Approval {
    /// Whose.
    pub by: PersonId,
    /// When.
    pub at: Moment,
}

/// A notice that goes out, or has.
#[derive(Clone, PartialEq, Eq)]
pub struct Sending {
    /// By what.
    pub way: Way,
    /// How many people stood in the list.
    pub recipients: u64,
    /// Who has said so last.
    pub by: PersonId,
    /// When it was first said.
    pub at: Moment,
}

/// One notice of a case.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its number in the case, from 1.
    pub number: u64,
    /// The law that asks for it.
    pub law: String,
    /// Its duty.
    pub duty: String,
    /// What officers have written.
    pub texts: Texts,
    /// What goes out.
    pub documents: Vec<Document>,
    /// What approvals are bound to.
    pub sha256: String,
    /// Who has written it last.
    pub by: PersonId,
    /// When.
    pub at: Moment,
    /// Who has approved this text.
    pub approvals: Vec<Approval>,
    /// How it goes out; not yet without.
    pub sending: Option<Sending>,
    /// What has become of the messages.
    pub deliveries: Deliveries,
}

impl Notice {
    /// Whether it may go out.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.approvals.len() >= APPROVALS
    }
}

/// A look at the public page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// When.
    pub at: Moment,
    /// Whether it was what it should be.
    pub matches: bool,
}

/// A notice on the public page.
#[derive(Clone, PartialEq, Eq)]
pub struct Posting {
    /// Which.
    pub notice: u64,
    /// Since when.
    pub since: Moment,
    /// Until when.
    pub until: Moment,
    /// Who has said so.
    pub by: PersonId,
    /// Looks at it, in order.
    pub proofs: Vec<Proof>,
    /// When it was taken down.
    pub ended: Option<Moment>,
}

/// The notices of one case.
#[derive(Clone, Default, PartialEq)]
pub struct Papers {
    /// All of them, in order.
    pub notices: Vec<Notice>,
    /// What was posted, in order.
    pub postings: Vec<Posting>,
    /// What people were paid.
    pub compensation: compensation::Book,
}

impl std::fmt::Debug for Papers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Papers({} notices)", self.notices.len())
    }
}

impl Papers {
    /// The notice of this number.
    #[must_use]
    pub fn notice(&self, number: u64) -> Option<&Notice> {
        self.notices.iter().find(|notice| notice.number == number)
    }

    /// What is posted.
    #[must_use]
    pub fn posted(&self) -> Option<(&Posting, &Notice)> {
        let posting = self.postings.last().filter(|posting| posting.ended.is_none())?;
        Some((posting, self.notice(posting.notice)?))
    }
}

/// All of them, by the numbers of cases.
#[derive(Clone, Default, PartialEq)]
pub struct State(BTreeMap<u64, Papers>);

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({} cases)", self.0.len())
    }
}

impl State {
    /// Those of a case.
    #[must_use]
    pub fn of(&self, case: u64) -> Option<&Papers> {
        self.0.get(&case)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (u64, &Papers)> {
        self.0.iter().map(|(case, papers)| (*case, papers))
    }

    fn change(&mut self, case: u64, notice: u64, change: impl FnOnce(&mut Notice)) {
        let notices = self.0.get_mut(&case).map(|papers| &mut papers.notices);
        if let Some(found) = notices.and_then(|all| all.iter_mut().find(|other| other.number == notice)) {
            change(found);
        }
    }
}

impl Fold for State {
    type Event = Event;

    fn read(kind: &str, body: Map<String, Value>) -> Option<Result<Event, serde_json::Error>> {
        Event::read(kind, body)
    }

    fn record(event: &Event) -> Option<Record> {
        event.record()
    }

    fn apply(&mut self, event: &Event, at: Moment) {
        match event {
            Event::Drafted { case, notice: number, law, duty, texts, documents, sha256, by } => {
                let notice = Notice {
                    number: *number,
                    law: law.clone(),
                    duty: duty.clone(),
                    texts: texts.clone(),
                    documents: documents.clone(),
                    sha256: sha256.clone(),
                    by: by.clone(),
                    at,
                    approvals: Vec::new(),
                    sending: None,
                    deliveries: Deliveries::default(),
                };
                let notices = &mut self.0.entry(*case).or_default().notices;
                match notices.iter_mut().find(|other| other.number == *number) {
                    Some(other) => *other = notice,
                    None => notices.push(notice),
                }
            }
            Event::Approved { case, notice, sha256, by } => self.change(*case, *notice, |notice| {
                if notice.sha256 == *sha256 {
                    notice.approvals.push(Approval { by: by.clone(), at });
                }
            }),
            Event::Sending { case, notice, way, recipients, by, .. } => self.change(*case, *notice, |notice| {
                let at = notice.sending.as_ref().map_or(at, |sending| sending.at);
                notice.sending = Some(Sending { way: *way, recipients: *recipients, by: by.clone(), at });
            }),
            Event::Sent { case, notice, window, ahead, people } => {
                self.change(*case, *notice, |notice| notice.deliveries.begin(*window, *ahead, people, at));
            }
            Event::Delivery { case, notice, window, outcomes } => {
                self.change(*case, *notice, |notice| notice.deliveries.settle(*window, outcomes, at));
            }
            Event::Bounced { case, notice, bounces, .. } => {
                self.change(*case, *notice, |notice| notice.deliveries.bounce(bounces, at));
            }
            Event::Posting { case, notice, until, by, .. } => {
                let postings = &mut self.0.entry(*case).or_default().postings;
                if let Some(before) = postings.last_mut().filter(|posting| posting.ended.is_none()) {
                    before.ended = Some(at);
                }
                let (notice, until, by) = (*notice, *until, by.clone());
                postings.push(Posting { notice, since: at, until, by, proofs: Vec::new(), ended: None });
            }
            Event::Posted { case, notice, matches, .. } => {
                if let Some(posting) = self.posting(*case, *notice) {
                    posting.proofs.push(Proof { at, matches: *matches });
                }
            }
            Event::TakenDown { case, notice, .. } => {
                if let Some(posting) = self.posting(*case, *notice) {
                    posting.ended = Some(at);
                }
            }
            Event::Compensated { case, entry } => self.0.entry(*case).or_default().compensation.enter(entry, at),
        }
    }
}

impl State {
    fn posting(&mut self, case: u64, notice: u64) -> Option<&mut Posting> {
        let last = self.0.get_mut(&case)?.postings.last_mut()?;
        Some(last).filter(|posting| posting.notice == notice && posting.ended.is_none())
    }
}
