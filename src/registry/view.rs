//! The state as people and programs look at it, and what is amiss in it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    grant::Grant,
    handover::Handover,
    moment::Moment,
    person::PersonId,
    pledge::{Pledged, sha256},
    review,
    settings::Settings,
    state::{Dossier, State},
};

/// How long a handover may wait for its signatures.
const PATIENCE: Duration = Duration::from_secs(7 * 86_400);

/// What is amiss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amiss {
    /// Somebody has left or moved, and nobody has taken over what they did.
    Gap,
    /// Two do what one has handed over to the other.
    Overlap,
    /// A handover waits for signatures for too long.
    Unsigned,
    /// Nobody has said for too long that a grant is still right.
    Uncertified,
    /// There is one officer alone.
    OneOfficer,
    /// Access records have waited for their review for too long.
    Unreviewed,
}

impl Amiss {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Overlap => "overlap",
            Self::Unsigned => "unsigned",
            Self::Uncertified => "uncertified",
            Self::OneOfficer => "one_officer",
            Self::Unreviewed => "unreviewed",
        }
    }
}

/// A finding: what is amiss, about whom, and since when.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What.
    pub amiss: Amiss,
    /// About whom; nobody where it is about the whole.
    pub person: Option<PersonId>,
    /// The grant or handover that it is about.
    pub number: Option<u64>,
    /// What they were or are.
    pub role: Option<String>,
    /// The job description.
    pub duty: Option<String>,
    /// Since when.
    pub since: Moment,
}

/// Everything that is amiss at a time.
#[must_use]
pub fn findings(state: &State, rules: &Settings, now: Moment) -> Vec<Finding> {
    let about = |amiss, grant: &Grant, since| Finding {
        amiss,
        person: Some(grant.person.clone()),
        number: Some(grant.id),
        role: Some(grant.role.as_str().to_owned()),
        duty: grant.duty.clone(),
        since,
    };
    let mut found = Vec::new();
    let all = state.people().flat_map(|(_, dossier)| &dossier.grants);
    for grant in all {
        let handed = state.handovers().any(|handover| handover.done.is_some() && handover.grants.contains(&grant.id));
        let held = state.grants().any(|other| other.holds(now) && other.is_of(&grant.role, grant.duty.as_deref()));
        match &grant.ended {
            Some(ended) if matches!(ended.how.as_str(), "left" | "moved") && !handed && !held => {
                found.push(about(Amiss::Gap, grant, ended.at));
            }
            _ => {}
        }
    }
    for handover in state.handovers() {
        let Some(done) = handover.done else {
            if now.since(handover.started) > PATIENCE {
                found.push(Finding {
                    amiss: Amiss::Unsigned,
                    person: Some(handover.from.clone()),
                    number: Some(handover.id),
                    role: None,
                    duty: None,
                    since: handover.started,
                });
            }
            continue;
        };
        let of_successor = |grant: &Grant| {
            state.lasting(&handover.to, now).any(|own| own.holds(now) && own.is_of(&grant.role, grant.duty.as_deref()))
        };
        let both = state.lasting(&handover.from, now).filter(|grant| grant.holds(now) && of_successor(grant));
        found.extend(both.map(|grant| about(Amiss::Overlap, grant, done)));
    }
    found.extend(
        due(state, rules, now).map(|grant| about(Amiss::Uncertified, grant, grant.certified.after(rules.recertify))),
    );
    let mut officers: Vec<&PersonId> = state.officers(now).map(|grant| &grant.person).collect();
    officers.dedup();
    if let ([one], Some(founded)) = (officers.as_slice(), state.founded()) {
        let person = Some((*one).clone());
        found.push(Finding { amiss: Amiss::OneOfficer, person, number: None, role: None, duty: None, since: founded });
    }
    if let Some(since) = review::overdue(state, rules, now) {
        let amiss = Amiss::Unreviewed;
        found.push(Finding { amiss, person: None, number: None, role: None, duty: None, since });
    }
    found
}

/// Grants that somebody has to look at again.
pub fn due<'s>(state: &'s State, rules: &Settings, now: Moment) -> impl Iterator<Item = &'s Grant> {
    let every = rules.recertify;
    state.grants().filter(move |grant| grant.holds(now) && now.since(grant.certified) >= every)
}

/// Everything, as one object.
#[must_use]
pub fn object(state: &State, rules: &Settings, now: Moment) -> Value {
    let people: Vec<Value> =
        state.people().map(|(person, known)| self::person(state, person, known, rules, now)).collect();
    let pledge = state.pledge().map(|pledge| {
        let texts: Vec<Value> = pledge
            .texts
            .iter()
            .map(|(language, text)| json!({ "language": language, "sha256": sha256(text), "text": text }))
            .collect();
        json!({ "version": pledge.version, "published": pledge.published, "texts": texts })
    });
    json!({
        "founded": state.founded(), "people": people,
        "proposals": state.proposals(now).collect::<Vec<_>>(),
        "pledge": pledge,
        "handovers": state.handovers().map(handover).collect::<Vec<_>>(),
        "reviews": state.reviews().map(review::summary).collect::<Vec<_>>(),
        "reviewed": state.reviewed().map(|reviewed| reviewed.until),
        "review_due": review::due(state, rules),
        "findings": findings(state, rules, now).iter().map(finding).collect::<Vec<_>>(),
    })
}

fn person(state: &State, person: &PersonId, known: &Dossier, rules: &Settings, now: Moment) -> Value {
    let signature = known.signature.as_ref();
    let grant = |grant: &Grant| {
        let mut object = json!(grant);
        object["in_force"] = grant.holds(now).into();
        object["due"] = (grant.holds(now) && now.since(grant.certified) >= rules.recertify).into();
        object
    };
    json!({
        "person": person, "name": known.name, "joined": known.joined, "left": known.left,
        "directory": known.entry, "grants": known.grants.iter().map(grant).collect::<Vec<_>>(),
        "pledge": { "state": Pledged::of(signature, state.pledge(), now).name(), "signature": signature },
    })
}

/// A whole review: its summary, and each record with its result; nothing where there is none of this number.
#[must_use]
pub fn review(state: &State, id: u64) -> Value {
    let Some(review) = state.reviews().find(|review| review.id == id) else { return json!({}) };
    let mut object = review::summary(review);
    let drawn = &review.drawn;
    (object["seed"], object["sample"]) = (drawn.seed.as_str().into(), review.sample.into());
    (object["by_rule"], object["looked_at"]) = (json!(drawn.unusual), json!(drawn.records));
    object
}

fn handover(handover: &Handover) -> Value {
    let mut object = json!(handover);
    object["state"] = if handover.done.is_some() { "done" } else { "waiting" }.into();
    object
}

fn finding(finding: &Finding) -> Value {
    json!({
        "finding": finding.amiss.name(), "person": finding.person, "number": finding.number, "role": finding.role,
        "duty": finding.duty, "since": finding.since,
    })
}
