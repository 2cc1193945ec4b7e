//! Whether something may happen to a notice. Pure: what comes back has not happened before it is written down.
//!
//! Officers in force write, approve and order; whoever is suspected in the case does none of that. Two officers approve a text, and whoever has
//! written it may be one of them: so nothing goes out that one person alone has seen. A change takes all approvals away.

use std::collections::BTreeMap;

use super::{
    command::Command,
    delivery::{self, AHEAD, Addressed, BOUNCES, Bounce, Outcome, WINDOW, Way},
    denied::Denied,
    draft::{self, Ground, LONGEST, Texts, fingerprint},
    event::Event,
    settings::{POSTED, Settings},
    state::{Notice, Papers, State},
};
use crate::{
    incident::{
        self,
        case::{Case, Status},
        command::Actor,
        compensation::Claim,
        law::{Duty, Law, To},
    },
    registry::{self, Moment, PersonId},
};

/// What is known when something is decided.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// All cases.
    pub cases: &'a incident::State,
    /// Who is an officer.
    pub registry: &'a registry::State,
    /// Templates, and who tells.
    pub settings: &'a Settings,
    /// When.
    pub now: Moment,
}

/// What happens when `actor` asks for `command`.
///
/// # Errors
/// When it may not.
pub fn decide(state: &State, around: &Around<'_>, command: Command, actor: &Actor) -> Result<Vec<Event>, Denied> {
    let case = around.cases.case(command.case()).ok_or(Denied::NoCase)?;
    let none = Papers::default();
    let papers = state.of(case.number).unwrap_or(&none);
    let deciding = Deciding { papers, case, around };
    let by = match (actor, &command) {
        (
            Actor::Gateway,
            Command::Window { .. } | Command::Settle { .. } | Command::Seen { .. } | Command::Expire { .. },
        ) => {
            return deciding.step(command).map(|event| vec![event]);
        }
        (Actor::Person(person), command) if !command.is_step() => person,
        _ => return Err(Denied::Own),
    };
    deciding.officer(by)?;
    deciding.order(command, by).map(|event| vec![event])
}

struct Deciding<'a> {
    papers: &'a Papers,
    case: &'a Case,
    around: &'a Around<'a>,
}

impl Deciding<'_> {
    fn officer(&self, person: &PersonId) -> Result<(), Denied> {
        let registry = self.around.registry;
        if !registry.is_founded() {
            return Err(Denied::NotFounded);
        }
        if !registry.officers(self.around.now).any(|grant| grant.person == *person) {
            return Err(Denied::NotAnOfficer);
        }
        if self.case.suspects(person) { Err(Denied::Suspect) } else { Ok(()) }
    }

    fn order(&self, command: Command, by: &PersonId) -> Result<Event, Denied> {
        match command {
            Command::Draft { law, duty, texts, .. } => self.draft(&law, &duty, texts, by),
            Command::Approve { notice, sha256, .. } => self.approve(notice, &sha256, by),
            Command::Send { notice, way, recipients, again, .. } => self.send(notice, way, recipients, again, by),
            Command::Bounced { notice, bounces, .. } => self.bounced(notice, bounces, by),
            Command::Post { notice, until, .. } => self.post(notice, until, by),
            Command::TakeDown { reason, .. } => {
                let (posting, _) = self.papers.posted().ok_or(Denied::NotPosted)?;
                text("reason", &reason)?;
                if reason.trim().is_empty() {
                    return Err(Denied::Text("reason".to_owned()));
                }
                let by = Some(by.clone());
                Ok(Event::TakenDown { case: self.case.number, notice: posting.notice, reason, by })
            }
            Command::Compensate { claim, .. } => self.compensate(claim, by),
            Command::Window { .. } | Command::Settle { .. } | Command::Seen { .. } | Command::Expire { .. } => {
                Err(Denied::Own)
            }
        }
    }

    fn step(&self, command: Command) -> Result<Event, Denied> {
        match command {
            Command::Window { notice, window, people, .. } => self.window(notice, window, people),
            Command::Settle { notice, window, outcomes, .. } => self.settle(notice, window, outcomes),
            Command::Seen { notice, seen, matches, trouble, .. } => {
                self.papers.posted().filter(|(posting, _)| posting.notice == notice).ok_or(Denied::NotPosted)?;
                Ok(Event::Posted { case: self.case.number, notice, seen, matches, trouble })
            }
            Command::Expire { .. } => {
                let over = |posting: &super::state::Posting| posting.until <= self.around.now;
                let (posting, _) =
                    self.papers.posted().filter(|(posting, _)| over(posting)).ok_or(Denied::NotPosted)?;
                let (notice, reason) = (posting.notice, "its time is over".to_owned());
                Ok(Event::TakenDown { case: self.case.number, notice, reason, by: None })
            }
            _ => Err(Denied::Own),
        }
    }

    fn notice(&self, number: u64) -> Result<&Notice, Denied> {
        self.papers.notice(number).ok_or(Denied::NoNotice)
    }

    fn draft(&self, law: &str, duty: &str, more: Texts, by: &PersonId) -> Result<Event, Denied> {
        if self.case.status == Status::Cleared {
            return Err(Denied::Cleared);
        }
        for (key, said) in more.values().flatten() {
            text(key, said)?;
        }
        let ground = ground(self.case, law, duty, self.around.settings, self.around.now)
            .filter(|ground| ground.duty.to == To::People)
            .ok_or_else(|| Denied::NoDuty(law.to_owned(), duty.to_owned()))?;
        let open = self.papers.notices.last().filter(|last| last.law == law && last.duty == duty && !self.is_out(last));
        let mut texts = open.map(|notice| notice.texts.clone()).unwrap_or_default();
        for (language, said) in more {
            let own: &mut BTreeMap<String, String> = texts.entry(language).or_default();
            own.extend(said);
            own.retain(|_, text| !text.trim().is_empty());
        }
        texts.retain(|_, said| !said.is_empty());
        if texts.is_empty() {
            return Err(Denied::Empty);
        }
        let documents = ground.notice(&texts)?;
        Ok(Event::Drafted {
            case: self.case.number,
            notice: open.map_or(self.papers.notices.len() as u64 + 1, |open| open.number),
            law: law.to_owned(),
            duty: duty.to_owned(),
            texts,
            sha256: fingerprint(&documents),
            documents,
            by: by.clone(),
        })
    }

    fn is_out(&self, notice: &Notice) -> bool {
        notice.sending.is_some() || self.papers.postings.iter().any(|posting| posting.notice == notice.number)
    }

    fn approve(&self, number: u64, sha256: &str, by: &PersonId) -> Result<Event, Denied> {
        let notice = self.notice(number)?;
        if sha256.len() < 8 || !notice.sha256.starts_with(sha256) {
            return Err(Denied::Another);
        }
        if notice.approvals.iter().any(|approval| approval.by == *by) {
            return Err(Denied::Twice);
        }
        if self.is_out(notice) {
            return Err(Denied::Out);
        }
        let sha256 = notice.sha256.clone();
        Ok(Event::Approved { case: self.case.number, notice: number, sha256, by: by.clone() })
    }

    /// One that two have approved, neither of whom is suspected by now.
    fn approved(&self, number: u64) -> Result<&Notice, Denied> {
        let notice = self.notice(number)?;
        let valid = notice.approvals.iter().filter(|approval| !self.case.suspects(&approval.by)).count();
        if valid < super::state::APPROVALS { Err(Denied::Unapproved(valid)) } else { Ok(notice) }
    }

    fn send(
        &self,
        number: u64,
        way: Way,
        recipients: u64,
        again: Vec<delivery::State>,
        by: &PersonId,
    ) -> Result<Event, Denied> {
        if self.case.status == Status::Cleared {
            return Err(Denied::Cleared);
        }
        let notice = self.approved(number)?;
        if notice.sending.as_ref().is_some_and(|sending| sending.way != way) {
            return Err(Denied::Way);
        }
        Ok(Event::Sending { case: self.case.number, notice: number, way, recipients, again, by: by.clone() })
    }

    fn window(&self, number: u64, window: u64, people: Vec<Addressed>) -> Result<Event, Denied> {
        let notice = self.approved(number)?;
        if notice.sending.is_none() || people.is_empty() || people.len() > WINDOW {
            return Err(Denied::Window);
        }
        if window != notice.deliveries.next() {
            return Err(Denied::TakenOver);
        }
        Ok(Event::Sent { case: self.case.number, notice: number, window, ahead: AHEAD as u64, people })
    }

    fn settle(&self, number: u64, window: u64, outcomes: Vec<Outcome>) -> Result<Event, Denied> {
        if outcomes.is_empty() || !self.notice(number)?.deliveries.expects(window, &outcomes) {
            return Err(Denied::TakenOver);
        }
        Ok(Event::Delivery { case: self.case.number, notice: number, window, outcomes })
    }

    fn bounced(&self, number: u64, mut bounces: Vec<Bounce>, by: &PersonId) -> Result<Event, Denied> {
        let known = self.notice(number)?.deliveries.all();
        let may = |one: &Bounce| known.get(&one.subject).is_some_and(delivery::Delivery::may_bounce);
        bounces.retain(may);
        if bounces.is_empty() || bounces.len() > BOUNCES {
            return Err(Denied::Bounces);
        }
        Ok(Event::Bounced { case: self.case.number, notice: number, bounces, by: by.clone() })
    }

    fn post(&self, number: u64, until: Moment, by: &PersonId) -> Result<Event, Denied> {
        if self.case.status == Status::Cleared {
            return Err(Denied::Cleared);
        }
        let notice = self.approved(number)?;
        if self.around.settings.page.is_none() {
            return Err(Denied::NoPage);
        }
        let time = until.since(self.around.now);
        if time < POSTED || time > POSTED * 122 {
            return Err(Denied::Posted);
        }
        let sha256 = notice.sha256.clone();
        Ok(Event::Posting { case: self.case.number, notice: number, sha256, until, by: by.clone() })
    }

    fn compensate(&self, claim: Claim, by: &PersonId) -> Result<Event, Denied> {
        let entry = self.papers.compensation.next(claim, by)?;
        Ok(Event::Compensated { case: self.case.number, entry })
    }
}

/// What documents of a case are made from: the law in the version that was in force when the case became known.
#[must_use]
pub fn ground<'a>(case: &'a Case, law: &str, duty: &str, settings: &'a Settings, now: Moment) -> Option<Ground<'a>> {
    let law: &'static Law = Law::at(law, case.known_at)?;
    let duty: &'static Duty = law.duty(duty)?;
    Some(draft::Ground { case, law, duty, settings, now })
}

fn text(name: &str, text: &str) -> Result<(), Denied> {
    let legal = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let fits = text.len() <= LONGEST && text.chars().all(legal) && name.len() <= 64;
    if fits { Ok(()) } else { Err(Denied::Text(name.chars().take(64).collect())) }
}
