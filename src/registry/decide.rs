//! Whether what is asked for may happen, and what happens then. Pure: the same state, command, actor and time give the same answer.

use std::{collections::BTreeMap, time::SystemTime};

use super::{
    command::{Actor, Command, Returned, Terms},
    denied::Denied,
    event::Event,
    grant::Grant,
    handover::{Handover, Side},
    moment::Moment,
    person::{DUTY, OFFICER, PersonId, Role},
    pledge::{Pledged, Signature, sha256},
    settings::Settings,
    state::State,
};

/// Most characters of a reason.
pub(super) const REASON: usize = 500;
/// Most characters of a duty, a matter or a name.
pub(super) const LINE: usize = 200;
/// Most duties, or matters, of a handover.
const LINES: usize = 50;

/// What happens when `actor` asks for `command`.
///
/// # Errors
/// When it may not happen.
pub fn decide(
    state: &State,
    rules: &Settings,
    command: Command,
    actor: &Actor,
    now: SystemTime,
) -> Result<Vec<Event>, Denied> {
    let deciding = Deciding { state, rules, now: now.into() };
    let person = match (command, actor) {
        (Command::Found { officers, texts }, Actor::Gateway) => return deciding.found(&officers, texts),
        (Command::Publish { texts }, Actor::Gateway) => return deciding.publish(texts),
        (Command::Provision { person, entry, active }, Actor::Provider(provider)) => {
            if !state.is_founded() {
                return Err(Denied::NotFounded);
            }
            return deciding.provision(person, entry, active, provider);
        }
        (Command::Found { .. } | Command::Publish { .. } | Command::Provision { .. }, Actor::Person(_))
        | (_, Actor::Gateway | Actor::Provider(_)) => return Err(Denied::Own),
        (command, Actor::Person(person)) => {
            if !state.is_founded() {
                return Err(Denied::NotFounded);
            }
            if state.has_left(person) {
                return Err(Denied::ActorLeft);
            }
            (command, person)
        }
    };
    let (command, by) = person;
    deciding.of_person(command, by).map(|event| vec![event])
}

/// Somebody decides by a state and rules, at a time.
pub(super) struct Deciding<'a> {
    pub(super) state: &'a State,
    pub(super) rules: &'a Settings,
    pub(super) now: Moment,
}

impl Deciding<'_> {
    fn of_person(&self, command: Command, by: &PersonId) -> Result<Event, Denied> {
        match command {
            Command::Join { person, name } => self.join(person, name, by),
            Command::Grant { person, terms } => self.grant(&person, terms, by),
            Command::Confirm { grant } => self.confirm(grant, by),
            Command::Reject { grant, reason } => self.reject(grant, reason, by),
            Command::Revoke { person, role, duty, reason } => self.revoke(person, role, duty.as_deref(), reason, by),
            Command::Move { person, terms } => self.change_duty(person, terms, by),
            Command::Leave { person, reason } => self.leave(person, reason, by),
            Command::Recertify { person, role } => self.recertify(person, role, by),
            Command::Sign { version, sha256 } => self.sign(version, &sha256, by),
            Command::Withdraw => self.withdraw(by),
            Command::StartHandover { from, to, roles, duties, matters, keep } => {
                self.start_handover(from, to, &roles, (duties, matters), keep, by)
            }
            Command::SignHandover { handover } => self.sign_handover(handover, by),
            Command::OpenReview { since, until, sample, drawn } => self.open_review(since, until, sample, drawn, by),
            Command::Judge { records, opinion } => self.judge(records, opinion, by),
            Command::SignReview { review } => self.sign_review(review, by),
            Command::Return { download, person, how } => self.download_returned(download, person, how, by),
            Command::Found { .. } | Command::Publish { .. } | Command::Provision { .. } => Err(Denied::Own),
        }
    }

    fn found(&self, officers: &[PersonId], texts: BTreeMap<String, String>) -> Result<Vec<Event>, Denied> {
        if self.state.is_founded() {
            return Err(Denied::Founded);
        }
        let [first, second] = officers else { return Err(Denied::TwoPeople) };
        if first == second {
            return Err(Denied::TwoPeople);
        }
        let grant = |id, person: &PersonId| Grant {
            id,
            person: person.clone(),
            role: Role::officer(),
            duty: None,
            reason: "first officer".to_owned(),
            by: None,
            confirmed_by: None,
            start: self.now,
            until: None,
            certified: self.now,
            ended: None,
        };
        let next = self.state.next();
        let founded = Event::Founded { grants: vec![grant(next, first), grant(next + 1, second)] };
        let published = self.publish(texts).or_else(|denied| match denied {
            // One that is there from before goes on.
            Denied::SameText => Ok(Vec::new()),
            denied => Err(denied),
        })?;
        // What is signed is there before anybody is asked to sign.
        Ok(published.into_iter().chain([founded]).collect())
    }

    fn publish(&self, texts: BTreeMap<String, String>) -> Result<Vec<Event>, Denied> {
        let known = self.state.pledge();
        if known.is_some_and(|pledge| pledge.texts == texts) {
            return Err(Denied::SameText);
        }
        let version = known.map_or(0, |pledge| pledge.version) + 1;
        let sums = texts.iter().map(|(language, text)| (language.clone(), sha256(text))).collect();
        Ok(vec![Event::Published { version, texts, sha256: sums }])
    }

    pub(super) fn officer(&self, by: &PersonId) -> Result<(), Denied> {
        let is_one = self.state.officers(self.now).any(|grant| grant.person == *by);
        is_one.then_some(()).ok_or(Denied::NotAnOfficer)
    }

    /// For what an officer does about somebody else.
    fn officer_for(&self, by: &PersonId, person: &PersonId) -> Result<(), Denied> {
        self.officer(by)?;
        if by == person { Err(Denied::Oneself) } else { Ok(()) }
    }

    fn present(&self, person: &PersonId) -> Result<(), Denied> {
        text("person", &person.subject, LINE)?;
        text("issuer", &person.issuer, REASON)?;
        if self.state.has_left(person) { Err(Denied::Left) } else { Ok(()) }
    }

    /// Whether there is an officer without an end once these grants have ended; others may come with it.
    fn keeps_officers(&self, ended: &[u64], given: &[Grant]) -> Result<(), Denied> {
        let lasts = |grant: &Grant| grant.role.as_str() == OFFICER && grant.until.is_none() && grant.holds(self.now);
        let loses = self.state.grants().any(|grant| grant.role.as_str() == OFFICER && ended.contains(&grant.id));
        let stays = self.state.officers(self.now).any(|grant| lasts(grant) && !ended.contains(&grant.id));
        if !loses || stays || given.iter().any(lasts) { Ok(()) } else { Err(Denied::LastOfficer) }
    }

    fn join(&self, person: PersonId, name: Option<String>, by: &PersonId) -> Result<Event, Denied> {
        self.officer_for(by, &person)?;
        if let Some(name) = &name {
            text("name", name, LINE)?;
        }
        if self.state.person(&person).is_some_and(|dossier| dossier.joined.is_some() && dossier.left.is_none()) {
            return Err(Denied::Held);
        }
        Ok(Event::Joined { person, name, by: by.clone() })
    }

    /// A grant on these terms, by nobody yet.
    fn draw(&self, person: &PersonId, terms: Terms, by: &PersonId) -> Result<Grant, Denied> {
        self.present(person)?;
        text("reason", &terms.reason, REASON)?;
        match &terms.duty {
            Some(duty) => text("duty", duty, LINE)?,
            None if terms.role.as_str() == DUTY => return Err(Denied::NoDuty),
            None => {}
        }
        let start = terms.start.unwrap_or(self.now).max(self.now);
        if terms.until.is_some_and(|until| until <= start) {
            return Err(Denied::Period);
        }
        Ok(Grant {
            id: self.state.next(),
            person: person.clone(),
            role: terms.role,
            duty: terms.duty,
            reason: terms.reason,
            by: Some(by.clone()),
            confirmed_by: None,
            start,
            until: terms.until,
            certified: self.now,
            ended: None,
        })
    }

    fn grant(&self, person: &PersonId, terms: Terms, by: &PersonId) -> Result<Event, Denied> {
        self.officer_for(by, person)?;
        let grant = self.draw(person, terms, by)?;
        let same = |other: &&Grant| other.person == *person && other.is_of(&grant.role, grant.duty.as_deref());
        if self.state.lasting(person, self.now).any(|other| same(&other))
            || self.state.proposals(self.now).any(|other| same(&other))
        {
            return Err(Denied::Held);
        }
        Ok(if self.rules.is_sensitive(grant.role.as_str()) {
            Event::Proposed { grant }
        } else {
            Event::Given { grant }
        })
    }

    fn proposal(&self, id: u64) -> Result<&Grant, Denied> {
        self.state.proposals(self.now).find(|grant| grant.id == id).ok_or(Denied::Unknown)
    }

    fn confirm(&self, id: u64, by: &PersonId) -> Result<Event, Denied> {
        let proposal = self.proposal(id)?;
        if *by == proposal.person {
            return Err(Denied::Oneself);
        }
        if proposal.by.as_ref() == Some(by) {
            return Err(Denied::SamePerson);
        }
        if let Err(denied) = self.officer(by) {
            // With one officer alone there could never be another: then somebody else who may anything at all is the second person.
            let alone = self.state.officers(self.now).all(|grant| proposal.by.as_ref() == Some(&grant.person));
            let stands = self.state.lasting(by, self.now).any(|grant| grant.holds(self.now));
            if !alone || !stands {
                return Err(denied);
            }
        }
        // Whoever proposed it may have lost the right to meanwhile.
        if proposal.by.as_ref().is_none_or(|proposer| self.officer(proposer).is_err()) {
            return Err(Denied::Unknown);
        }
        self.present(&proposal.person)?;
        if proposal.until.is_some_and(|until| until <= self.now) {
            return Err(Denied::Period);
        }
        let start = proposal.start.max(self.now);
        let grant = Grant { confirmed_by: Some(by.clone()), start, certified: self.now, ..proposal.clone() };
        Ok(Event::Given { grant })
    }

    fn reject(&self, id: u64, reason: String, by: &PersonId) -> Result<Event, Denied> {
        self.officer(by)?;
        text("reason", &reason, REASON)?;
        let proposal = self.proposal(id)?;
        let (person, role) = (proposal.person.clone(), proposal.role.clone());
        Ok(Event::Ended { grants: vec![id], person, role, reason, by: by.clone() })
    }

    fn revoke(
        &self,
        person: PersonId,
        role: Role,
        duty: Option<&str>,
        reason: String,
        by: &PersonId,
    ) -> Result<Event, Denied> {
        // Anybody may give up what is theirs.
        if *by != person {
            self.officer(by)?;
        }
        text("reason", &reason, REASON)?;
        let fits = |grant: &&Grant| grant.role == role && (duty.is_none() || grant.duty.as_deref() == duty);
        let grants: Vec<u64> = self.state.lasting(&person, self.now).filter(fits).map(|grant| grant.id).collect();
        if grants.is_empty() {
            return Err(Denied::NotHeld);
        }
        self.keeps_officers(&grants, &[])?;
        Ok(Event::Ended { grants, person, role, reason, by: by.clone() })
    }

    fn all_of(&self, person: &PersonId) -> Vec<u64> {
        self.state.lasting(person, self.now).map(|grant| grant.id).collect()
    }

    fn change_duty(&self, person: PersonId, terms: Terms, by: &PersonId) -> Result<Event, Denied> {
        self.officer_for(by, &person)?;
        let reason = terms.reason.clone();
        let grant = self.draw(&person, terms, by)?;
        let ended = self.all_of(&person);
        let (given, proposed) =
            if self.rules.is_sensitive(grant.role.as_str()) { (None, Some(grant)) } else { (Some(grant), None) };
        self.keeps_officers(&ended, given.as_slice())?;
        Ok(Event::Moved { person, ended, given, proposed, reason, by: by.clone() })
    }

    fn leave(&self, person: PersonId, reason: Option<String>, by: &PersonId) -> Result<Event, Denied> {
        self.officer(by)?;
        self.present(&person)?;
        if let Some(reason) = &reason {
            text("reason", reason, REASON)?;
        }
        self.departure(person, reason, by.clone())
    }

    /// Somebody leaves, unless nobody could ever give a right again.
    pub(super) fn departure(&self, person: PersonId, reason: Option<String>, by: PersonId) -> Result<Event, Denied> {
        let ended = self.all_of(&person);
        self.keeps_officers(&ended, &[])?;
        Ok(Event::Left { person, ended, reason, by })
    }

    fn recertify(&self, person: PersonId, role: Role, by: &PersonId) -> Result<Event, Denied> {
        self.officer_for(by, &person)?;
        let held = self.state.lasting(&person, self.now).filter(|grant| grant.role == role);
        // The one that has gone longest without.
        let grant = held.min_by_key(|grant| grant.certified).ok_or(Denied::NotHeld)?.id;
        Ok(Event::Recertified { grant, person, role, by: by.clone() })
    }

    /// Whoever has taken it says so, or an officer does. Of whom it says so is in it: for anybody else's file it counts for nothing.
    fn download_returned(
        &self,
        download: String,
        person: PersonId,
        how: Returned,
        by: &PersonId,
    ) -> Result<Event, Denied> {
        if *by != person {
            self.officer(by)?;
        }
        let is_id = download.len() == 32 && download.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_id {
            return Err(Denied::NoDownload);
        }
        Ok(Event::DownloadReturned { download, person, how, by: by.clone() })
    }

    fn sign(&self, version: u32, sum: &str, by: &PersonId) -> Result<Event, Denied> {
        let pledge = self.state.pledge().ok_or(Denied::NoPledge)?;
        let text = pledge.texts.iter().find(|(_, text)| sha256(text) == sum);
        let (language, _) = text.filter(|_| pledge.version == version).ok_or(Denied::OldText)?;
        let signature = Signature {
            version,
            language: language.clone(),
            sha256: sum.to_owned(),
            at: self.now,
            until: self.now.after(self.rules.pledge_valid),
            withdrawn: None,
        };
        Ok(Event::Signed { person: by.clone(), signature })
    }

    fn withdraw(&self, by: &PersonId) -> Result<Event, Denied> {
        let signature = self.state.person(by).and_then(|dossier| dossier.signature.as_ref());
        match (signature, Pledged::of(signature, self.state.pledge(), self.now)) {
            (Some(signature), Pledged::Current | Pledged::Outdated) => {
                Ok(Event::Withdrawn { person: by.clone(), version: signature.version })
            }
            (_, other) => Err(Denied::NotSigned(other)),
        }
    }

    fn start_handover(
        &self,
        from: PersonId,
        to: PersonId,
        roles: &[Role],
        (duties, matters): (Vec<String>, Vec<String>),
        keep: bool,
        by: &PersonId,
    ) -> Result<Event, Denied> {
        self.officer_for(by, &to)?;
        if from == to {
            return Err(Denied::TwoPeople);
        }
        self.present(&to)?;
        if duties.len() > LINES || matters.len() > LINES {
            return Err(Denied::Many(LINES));
        }
        duties.iter().try_for_each(|duty| text("duty", duty, LINE))?;
        matters.iter().try_for_each(|matter| text("matter", matter, REASON))?;
        let dossier = self.state.person(&from).ok_or(Denied::NothingToHandOver)?;
        // What a leaver has lost by leaving can still go over, and what a mover has lost, where it is named.
        let lost = |grant: &Grant| {
            let how = grant.ended.as_ref().map(|ended| ended.how.as_str());
            how == Some("left") && dossier.left.is_some() || how == Some("moved") && roles.contains(&grant.role)
        };
        let held = dossier.grants.iter().filter(|grant| grant.lasts(self.now) || lost(grant));
        let wanted: Vec<&Grant> = held.filter(|grant| roles.is_empty() || roles.contains(&grant.role)).collect();
        if wanted.is_empty() || !roles.iter().all(|role| wanted.iter().any(|grant| grant.role == *role)) {
            return Err(Denied::NothingToHandOver);
        }
        // The second person of a sensitive role is the one who hands it over.
        if *by == from && wanted.iter().any(|grant| self.rules.is_sensitive(grant.role.as_str())) {
            return Err(Denied::Oneself);
        }
        let handover = Handover {
            id: self.state.next(),
            grants: wanted.iter().map(|grant| grant.id).collect(),
            from,
            to,
            duties,
            matters,
            keep,
            by: by.clone(),
            started: self.now,
            from_signed: None,
            to_signed: None,
            for_leaver: None,
            done: None,
            since: self.now,
        };
        Ok(Event::HandoverStarted { handover })
    }

    fn sign_handover(&self, id: u64, by: &PersonId) -> Result<Event, Denied> {
        let handover = self.state.handover(id).ok_or(Denied::Unknown)?;
        let for_leaver = self.state.has_left(&handover.from) && handover.by != *by && self.officer(by).is_ok();
        let side = match by {
            by if *by == handover.to => Side::To,
            by if *by == handover.from || for_leaver => Side::From,
            _ => return Err(Denied::NotTheirs),
        };
        let (own, other) = match side {
            Side::From => (handover.from_signed, handover.to_signed),
            Side::To => (handover.to_signed, handover.from_signed),
        };
        if own.is_some() {
            return Err(Denied::Signed);
        }
        let by = by.clone();
        if other.is_none() {
            return Ok(Event::HandoverSigned { handover: id, side, by });
        }
        self.present(&handover.to)?;
        // Whoever started it may have lost the right to meanwhile.
        self.officer(&handover.by)?;
        // Who has signed for the side that hands over: the second person of what takes two.
        let second = match side {
            Side::From => &by,
            Side::To => handover.for_leaver.as_ref().unwrap_or(&handover.from),
        };
        let by_two = *second != handover.by && self.officer(second).is_ok();
        let (mut given, mut proposed) = (Vec::new(), Vec::new());
        for (number, grant) in (self.state.next()..).zip(self.handed_over(handover)) {
            let confirmed = by_two || !self.rules.is_sensitive(grant.role.as_str());
            let grant = Grant {
                id: number,
                person: handover.to.clone(),
                reason: format!("handover {id}"),
                by: Some(handover.by.clone()),
                confirmed_by: confirmed.then(|| second.clone()),
                start: grant.start.max(self.now),
                certified: self.now,
                ended: None,
                ..grant.clone()
            };
            if confirmed { given.push(grant) } else { proposed.push(grant) }
        }
        let lasting = self.state.lasting(&handover.from, self.now).map(|grant| grant.id);
        let ended: Vec<u64> = lasting.filter(|id| !handover.keep && handover.grants.contains(id)).collect();
        self.keeps_officers(&ended, &given)?;
        Ok(Event::HandoverDone { handover: id, side, by, given, proposed, ended })
    }

    /// Grants that go over: what has not run out or been revoked meanwhile, and what the successor does not have.
    fn handed_over<'s>(&'s self, handover: &'s Handover) -> impl Iterator<Item = &'s Grant> {
        let dossier = self.state.person(&handover.from);
        let all = dossier.into_iter().flat_map(|dossier| &dossier.grants);
        all.filter(move |grant| {
            let gone = grant.ended.as_ref().is_some_and(|ended| !matches!(ended.how.as_str(), "left" | "moved"));
            let over = grant.until.is_some_and(|until| until <= self.now);
            let held = |other: &Grant| other.is_of(&grant.role, grant.duty.as_deref());
            handover.grants.contains(&grant.id)
                && !gone
                && !over
                && !self.state.lasting(&handover.to, self.now).any(held)
        })
    }
}

pub(super) fn text(name: &'static str, text: &str, most: usize) -> Result<(), Denied> {
    let long = text.chars().count();
    let plain = !text.chars().any(char::is_control);
    if plain && !text.trim().is_empty() && long <= most { Ok(()) } else { Err(Denied::Text(name, most)) }
}
