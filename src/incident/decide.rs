//! Whether what is asked for may happen, and what happens then. Pure: the same state, command, actor and time give the same answer.

use super::{
    case::{Case, Count, Opener, Outcome, Scope, Settled, Sign, Status},
    clock::clocks,
    command::{Actor, Change, Command},
    denied::Denied,
    event::Event,
    settings::Settings,
    state::State,
};
use crate::{
    access::canary::Holder,
    privacy::Kind,
    registry::{self, Moment, PersonId},
};

/// Most characters of a reason or note. A case must fit into one record when it is carried on.
const TEXT: usize = 500;
/// Most characters of a title, or of a reference.
const LINE: usize = 200;
/// Most notes of a case; ends of it are notes too.
const NOTES: usize = 80;
/// Most reasons for delays, and most that is settled.
const SAYINGS: usize = 20;
/// Most of each of what a scope names.
const NAMED: usize = 50;

/// What happens when `actor` asks for `command`; `officers` is the registry that says who is one.
///
/// # Errors
/// When it may not happen.
pub fn decide(
    state: &State,
    officers: &registry::State,
    rules: &Settings,
    command: Command,
    actor: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Denied> {
    let deciding = Deciding { state, rules, now };
    let by = match (&command, actor) {
        (Command::Signal { .. } | Command::Settle { .. }, Actor::Gateway) => None,
        (_, Actor::Gateway) | (Command::Signal { .. }, Actor::Person(_)) => return Err(Denied::Own),
        (_, Actor::Person(person)) => {
            if !officers.is_founded() {
                return Err(Denied::NotFounded);
            }
            if !officers.officers(now).any(|grant| grant.person == *person) {
                return Err(Denied::NotAnOfficer);
            }
            Some(person)
        }
    };
    match (command, by) {
        (Command::Signal { sign, title }, _) => Ok(deciding.signal(sign, &title)),
        (Command::Settle { case, law, duty, outcome, at, reference }, by) => {
            let at = at.unwrap_or(now);
            let settled = Settled { law, duty, outcome, at, reference, by: by.cloned() };
            deciding.settle(case, settled).map(|event| vec![event])
        }
        (command, Some(by)) => deciding.of_officer(command, by).map(|event| vec![event]),
        (_, None) => Err(Denied::Own),
    }
}

struct Deciding<'a> {
    state: &'a State,
    rules: &'a Settings,
    now: Moment,
}

impl Deciding<'_> {
    fn of_officer(&self, command: Command, by: &PersonId) -> Result<Event, Denied> {
        let by = by.clone();
        match command {
            Command::Open { title, known_at, change } => self.open(title, known_at, change, by),
            Command::Confirm { case, reason } => {
                self.with_note(case, &by, "reason", &reason, &[Status::Possible, Status::Cleared])?;
                Ok(Event::Confirmed { case, reason, by })
            }
            Command::Clear { case, reason } => {
                self.with_note(case, &by, "reason", &reason, &[Status::Possible, Status::Confirmed])?;
                Ok(Event::Cleared { case, reason, by })
            }
            Command::Close { case, reason } => {
                let known = self.with_note(case, &by, "reason", &reason, &[Status::Confirmed, Status::Cleared])?;
                let due = clocks(known, &self.rules.laws).iter().filter(|clock| clock.is_due()).count();
                if due > 0 {
                    return Err(Denied::Due(due));
                }
                Ok(Event::Closed { case, reason, by })
            }
            Command::Note { case, text, change } => {
                let known = self.with_note(case, &by, "note", &text, &Status::ALL)?;
                changes(known, &change)?;
                Ok(Event::Noted { case, text, change, by })
            }
            Command::Delay { case, law, duty, reason } => {
                let known = self.decided(case, Some(&by), &[Status::Possible, Status::Confirmed])?;
                text("reason", &reason, TEXT)?;
                few("reasons for delays", known.delays.len() + 1, SAYINGS)?;
                self.is_duty(known, law.as_deref(), duty.as_deref())?;
                Ok(Event::Delayed { case, law, duty, reason, by })
            }
            Command::Count { case, confirmed, possible, unattributed, types } => {
                self.decided(case, Some(&by), &Status::ALL)?;
                // What is no type of ours was not counted by us.
                let is_known = |kind: &&String| Kind::ALL.iter().any(|known| known.name() == kind.as_str());
                let types = types.iter().filter(is_known).cloned().collect();
                let count = Count { confirmed, possible, unattributed, at: self.now };
                Ok(Event::Counted { case, count, types, by })
            }
            Command::Trace { values, holders } => {
                few("people", holders.len(), NAMED)?;
                for Holder { person, route } in &holders {
                    text("person", &person.subject, LINE)?;
                    text("issuer", &person.issuer, TEXT)?;
                    text("route", route, LINE)?;
                }
                Ok(Event::Traced { values, holders, by })
            }
            Command::Signal { .. } | Command::Settle { .. } => Err(Denied::Own),
        }
    }

    /// A case in which `by` decides something, where it has one of these statuses.
    fn decided(&self, case: u64, by: Option<&PersonId>, statuses: &[Status]) -> Result<&Case, Denied> {
        let case = self.state.case(case).ok_or(Denied::NoCase)?;
        if by.is_some_and(|by| case.suspects(by)) {
            return Err(Denied::Suspect);
        }
        if statuses.contains(&case.status) { Ok(case) } else { Err(Denied::Status(case.status.name())) }
    }

    fn with_note(
        &self,
        case: u64,
        by: &PersonId,
        name: &'static str,
        said: &str,
        statuses: &[Status],
    ) -> Result<&Case, Denied> {
        let case = self.decided(case, Some(by), statuses)?;
        text(name, said, TEXT)?;
        few("notes", case.notes.len() + 1, NOTES)?;
        Ok(case)
    }

    fn open(&self, title: String, known_at: Option<Moment>, change: Change, by: PersonId) -> Result<Event, Denied> {
        text("title", &title, LINE)?;
        let known_at = known_at.unwrap_or(self.now);
        if known_at > self.now {
            return Err(Denied::Time);
        }
        check(&change)?;
        period(change.scope.since, change.scope.until)?;
        // Whoever is suspected opens no case in which others would be looked at first.
        if change.scope.persons.contains(&by) {
            return Err(Denied::Suspect);
        }
        Ok(Event::Opened { case: self.state.next(), title, by: Opener::Person(by), known_at, change })
    }

    /// A sign goes to the open case about the same person, or of the same rule and address where nobody had signed in. The same rule says so
    /// once a day.
    fn signal(&self, sign: Sign, title: &str) -> Vec<Event> {
        let about = |case: &&Case| match (&sign.person, &sign.address) {
            (Some(person), _) => case.suspects(person),
            (None, _) if !sign.planted.is_empty() => sign.planted.iter().any(|holder| case.suspects(&holder.person)),
            (None, address) => {
                case.scope.persons.is_empty()
                    && case.signs.iter().any(|known| known.rule == sign.rule && known.address == *address)
            }
        };
        let mut open = self.state.cases().filter(|case| case.status.is_open());
        if let Some(case) = open.find(about) {
            let said = |known: &Sign| {
                let same = (&known.rule, &known.person, &known.address) == (&sign.rule, &sign.person, &sign.address);
                same && known.at.day() == sign.at.day()
            };
            let said = case.signs.iter().any(said);
            return if said { Vec::new() } else { vec![Event::Signalled { case: case.number, sign }] };
        }
        let case = self.state.next();
        let persons: Vec<PersonId> = sign.suspects().cloned().collect();
        let scope = Scope {
            addresses: sign.address.iter().filter(|_| persons.is_empty()).cloned().collect(),
            // Whoever is suspected is so on all routes.
            routes: sign.routes.iter().filter(|_| persons.is_empty()).take(NAMED).cloned().collect(),
            persons,
            requests: Vec::new(),
            since: Some(sign.since),
            until: None,
        };
        let change = Change { scope, ..Change::default() };
        let title: String = title.chars().filter(|c| !c.is_control()).take(LINE).collect();
        let opened = Event::Opened { case, title, by: Opener::Rule(sign.rule.clone()), known_at: sign.at, change };
        vec![opened, Event::Signalled { case, sign }]
    }

    fn settle(&self, case: u64, settled: Settled) -> Result<Event, Denied> {
        let known = self.decided(case, settled.by.as_ref(), &[Status::Possible, Status::Confirmed])?;
        self.is_duty(known, Some(&settled.law), Some(&settled.duty))?;
        few("settled duties", known.settled.len() + 1, SAYINGS)?;
        match (&settled.reference, settled.outcome) {
            (Some(reference), _) => text("reference", reference, LINE)?,
            (None, Outcome::NotDue) => return Err(Denied::Text("reason", LINE)),
            (None, Outcome::Done) => {}
        }
        if settled.at > self.now || settled.at < known.known_at {
            return Err(Denied::Time);
        }
        Ok(Event::Settled { case, settled })
    }

    fn is_duty(&self, case: &Case, law: Option<&str>, duty: Option<&str>) -> Result<(), Denied> {
        let named = |clock: &super::clock::Clock<'_>| {
            law.is_none_or(|law| law == clock.law.id) && duty.is_none_or(|duty| duty == clock.duty.id)
        };
        clocks(case, &self.rules.laws).iter().any(named).then_some(()).ok_or(Denied::NoDuty)
    }
}

/// Whether a case still fits into a record, and its times make sense, once it was changed.
fn changes(case: &Case, change: &Change) -> Result<(), Denied> {
    check(change)?;
    let (known, more) = (&case.scope, &change.scope);
    few("persons", known.persons.len() + more.persons.len(), NAMED)?;
    few("addresses", known.addresses.len() + more.addresses.len(), NAMED)?;
    few("routes", known.routes.len() + more.routes.len(), NAMED)?;
    few("requests", known.requests.len() + more.requests.len(), NAMED)?;
    few("types", case.facts.types.len() + change.types.len(), NAMED)?;
    period(more.since.or(known.since), more.until.or(known.until))
}

fn check(change: &Change) -> Result<(), Denied> {
    let Change { scope, .. } = change;
    few("persons", scope.persons.len(), NAMED)?;
    few("addresses", scope.addresses.len(), NAMED)?;
    few("routes", scope.routes.len(), NAMED)?;
    few("requests", scope.requests.len(), NAMED)?;
    few("types", change.types.len(), NAMED)?;
    few("laws", change.people.len(), SAYINGS)?;
    for person in scope.persons.iter().chain(&change.responsible) {
        text("person", &person.subject, LINE)?;
        text("issuer", &person.issuer, TEXT)?;
    }
    let lines = [("address", &scope.addresses), ("route", &scope.routes), ("request", &scope.requests)];
    for (name, list) in lines.into_iter().chain([("type", &change.types)]) {
        list.iter().try_for_each(|line| text(name, line, LINE))?;
    }
    change.people.keys().try_for_each(|law| text("law", law, LINE))
}

fn period(since: Option<Moment>, until: Option<Moment>) -> Result<(), Denied> {
    if since.zip(until).is_some_and(|(since, until)| since >= until) { Err(Denied::Period) } else { Ok(()) }
}

fn few(name: &'static str, count: usize, most: usize) -> Result<(), Denied> {
    if count <= most { Ok(()) } else { Err(Denied::Many(name, most)) }
}

fn text(name: &'static str, text: &str, most: usize) -> Result<(), Denied> {
    let plain = !text.chars().any(char::is_control);
    let fits = plain && !text.trim().is_empty() && text.chars().count() <= most;
    if fits { Ok(()) } else { Err(Denied::Text(name, most)) }
}
