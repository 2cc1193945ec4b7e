//! A review: a random sample of a period's access records and the unusual ones among them, a result for each, and a signature below. Pure.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    command::Opinion,
    decide::{Deciding, REASON, text},
    denied::Denied,
    event::Event,
    moment::Moment,
    person::PersonId,
    settings::Settings,
    state::State,
    unusual::Rule,
};

/// How many records are drawn where nobody says.
pub const SAMPLE: u32 = 25;
/// Most records that are drawn.
pub const MOST: u32 = 200;
/// How long after a period has become due its review may be unsigned.
pub const GRACE: Duration = Duration::from_secs(7 * 86_400);
/// What parts the numbers of one chain's records from those of the next.
pub const CHAIN: u64 = 1_000_000_000_000;
/// Most bytes of the record of a review: the journal takes little more.
const LONGEST: usize = 200 << 10;

/// One review.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Its number, from the same row as those of grants.
    pub id: u64,
    /// From when on.
    pub since: Moment,
    /// Up to when, exclusive.
    pub until: Moment,
    /// Records behind these are looked at though their time is before `since`: they came too late for the review before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Ends>,
    /// How many were to be drawn.
    pub sample: u32,
    /// Which officer has opened it.
    pub by: PersonId,
    /// When.
    pub opened: Moment,
    /// What was found in the journal.
    pub drawn: Drawn,
    /// Who has signed it, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
    /// Time of the record that this is from.
    pub carried: Moment,
}

/// What a look at the journal has brought.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// What the draw follows from: see [`rank`](super::population::rank).
    pub seed: String,
    /// Up to where the journals had been written then.
    pub read: Ends,
    /// How many access records the period has.
    pub total: u64,
    /// How many records of its time can't be read any more, or not with these keys.
    pub unread: u64,
    /// How many are unusual, by rule; of most rules not all are listed.
    pub unusual: BTreeMap<Rule, u64>,
    /// What there is to look at, in the order of the journal.
    pub records: Vec<Chosen>,
}

/// An access record that somebody has to look at.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Its number: its index in the journal, and beyond that [`CHAIN`] times the chain's number in a database. All else of it stays there, and goes when its time is over.
    pub record: u64,
    /// Who has seen something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// Whether it was drawn at random.
    pub drawn: bool,
    /// Why it is unusual.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// What came of looking at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Judged>,
}

/// Whether all is well with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is.
    Ok,
    /// It is not: something has to be done.
    Finding,
}

/// What came of looking at a record.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// What was found, and what is done about it.
    #[serde(flatten)]
    pub opinion: Opinion,
    /// Who says so.
    pub by: PersonId,
    /// When.
    pub at: Moment,
}

/// A signature below a review.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// Whose.
    pub by: PersonId,
    /// When.
    pub at: Moment,
}

/// Up to where everything was reviewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewed {
    /// The end of the last period.
    pub until: Moment,
    /// Up to where the journals had been written when it was looked at.
    pub read: Ends,
}

/// Ends of journals: the number that the next record of each would have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ends(pub Vec<u64>);

impl Ends {
    /// Whether the record of this number was there.
    #[must_use]
    pub fn has(&self, number: u64) -> bool {
        self.0.iter().any(|end| end / CHAIN == number / CHAIN && number < *end)
    }
}

macro_rules! without_names {
    ($($name:ident)*) => {
        $(impl std::fmt::Debug for $name {
            /// Without names and words: they are about people.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        })*
    };
}

without_names!(Review Drawn Chosen Judged Signed);

impl Review {
    /// Records that have no result yet.
    #[must_use]
    pub fn unjudged(&self) -> usize {
        self.drawn.records.iter().filter(|chosen| chosen.result.is_none()).count()
    }

    /// Records with this verdict.
    #[must_use]
    pub fn judged(&self, verdict: Verdict) -> usize {
        let is = |chosen: &&Chosen| chosen.result.as_ref().is_some_and(|judged| judged.opinion.verdict == verdict);
        self.drawn.records.iter().filter(is).count()
    }

    fn has(&self, record: u64) -> Option<&Chosen> {
        self.drawn.records.iter().find(|chosen| chosen.record == record)
    }

    fn is_open(&self) -> bool {
        self.signed.is_none()
    }
}

/// When the review of the present period is due; never before the founding.
#[must_use]
pub fn due(state: &State, rules: &Settings) -> Option<Moment> {
    state.reviewed().map(|reviewed| reviewed.until.after(rules.review))
}

/// Since when a review is due, once it should have been signed.
#[must_use]
pub fn overdue(state: &State, rules: &Settings, now: Moment) -> Option<Moment> {
    due(state, rules).filter(|due| now.since(*due) > GRACE)
}

/// A review without its records.
#[must_use]
pub fn summary(review: &Review) -> Value {
    json!({
        "review": review.id, "since": review.since, "until": review.until, "by": review.by, "opened": review.opened,
        "signed": review.signed, "total": review.drawn.total, "unreadable": review.drawn.unread,
        "drawn": review.drawn.records.iter().filter(|chosen| chosen.drawn).count(),
        "unusual": review.drawn.records.iter().filter(|chosen| !chosen.rules.is_empty()).count(),
        "records": review.drawn.records.len(), "unjudged": review.unjudged(),
        "ok": review.judged(Verdict::Ok), "findings": review.judged(Verdict::Finding),
    })
}

impl State {
    /// Up to where everything was reviewed and signed for since the founding, without a hole: one that is left out shows for ever.
    #[must_use]
    pub fn reviewed(&self) -> Option<Reviewed> {
        let from = Reviewed { until: self.founded()?, read: Ends::default() };
        let mut done = self.reviewed_before().filter(|before| before.until > from.until).unwrap_or(from);
        let mut signed: Vec<&Review> = self.reviews().filter(|review| !review.is_open()).collect();
        signed.sort_by_key(|review| review.since);
        for review in signed {
            if review.since <= done.until && review.until > done.until {
                done = Reviewed { until: review.until, read: review.drawn.read.clone() };
            }
        }
        Some(done)
    }
}

impl Deciding<'_> {
    /// Opens the review of a period that is over.
    pub(super) fn open_review(
        &self,
        since: Option<Moment>,
        until: Option<Moment>,
        sample: Option<u32>,
        drawn: Drawn,
        by: &PersonId,
    ) -> Result<Event, Denied> {
        self.officer(by)?;
        let reviewed = self.state.reviewed().ok_or(Denied::NotFounded)?;
        let (since, until) = (since.unwrap_or(reviewed.until), until.unwrap_or(self.now));
        if since >= until || until > self.now {
            return Err(Denied::NotOver);
        }
        let sample = sample.unwrap_or(SAMPLE);
        if !(1..=MOST).contains(&sample) {
            return Err(Denied::Sample(MOST));
        }
        // Whoever does not like what was drawn can't draw again.
        if self.state.reviews().any(|other| other.is_open() && other.since < until && since < other.until) {
            return Err(Denied::Open);
        }
        let late = (since == reviewed.until && !reviewed.read.0.is_empty()).then_some(reviewed.read);
        let (id, by, now) = (self.state.next(), by.clone(), self.now);
        let review = Review { id, since, until, late, sample, by, opened: now, drawn, signed: None, carried: now };
        let event = Event::ReviewOpened { review };
        let length = serde_json::to_vec(&event).map_or(usize::MAX, |text| text.len());
        if length > LONGEST { Err(Denied::LongReview) } else { Ok(event) }
    }

    /// Says what came of looking at records of a review that is open; a later result takes the place of an earlier one.
    pub(super) fn judge(&self, records: Vec<u64>, opinion: Opinion, by: &PersonId) -> Result<Event, Denied> {
        let of_one = |review: &&Review| review.is_open() && records.iter().all(|record| review.has(*record).is_some());
        let review = self.state.reviews().find(of_one).filter(|_| !records.is_empty());
        let chosen = |record: &u64| review.and_then(|review| review.has(*record));
        let whose: Vec<Option<&PersonId>> = records.iter().map(|record| chosen(record)?.person.as_ref()).collect();
        self.officer(by).or_else(|denied| if self.stands_in(by, &whose) { Ok(()) } else { Err(denied) })?;
        let review = review.ok_or(Denied::NotReviewed)?;
        if whose.contains(&Some(by)) {
            return Err(Denied::Oneself);
        }
        text("result", &opinion.result, REASON)?;
        match &opinion.action {
            Some(action) => text("action", action, REASON)?,
            None if opinion.verdict == Verdict::Finding => return Err(Denied::NoAction),
            None => {}
        }
        Ok(Event::ReviewResult { review: review.id, records, opinion, by: by.clone() })
    }

    /// Where there is one officer alone, somebody else who may anything at all looks at that officer's records, and at no others.
    fn stands_in(&self, by: &PersonId, whose: &[Option<&PersonId>]) -> bool {
        let Some(officer) = self.state.officers(self.now).next().map(|grant| &grant.person) else { return false };
        let alone = self.state.officers(self.now).all(|grant| grant.person == *officer);
        let theirs = !whose.is_empty() && whose.iter().all(|person| *person == Some(officer));
        alone && theirs && self.state.lasting(by, self.now).any(|grant| grant.holds(self.now))
    }

    /// Signs a review in which everything has a result; the one that is open where none is named.
    pub(super) fn sign_review(&self, id: Option<u64>, by: &PersonId) -> Result<Event, Denied> {
        self.officer(by)?;
        let mut open = self.state.reviews().filter(|review| id.map_or(review.is_open(), |id| id == review.id));
        let review = open.next().ok_or(Denied::NoReview)?;
        if open.next().is_some() {
            return Err(Denied::Several);
        }
        if !review.is_open() {
            return Err(Denied::Signed);
        }
        match review.unjudged() {
            0 => Ok(Event::ReviewSigned {
                review: review.id,
                ok: review.judged(Verdict::Ok) as u64,
                findings: review.judged(Verdict::Finding) as u64,
                by: by.clone(),
            }),
            missing => Err(Denied::Unjudged(missing)),
        }
    }
}
