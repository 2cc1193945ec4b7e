//! What the registry says of people: pledges, grants, reviews, handovers. Nobody is named here; the command that is named does.

use super::super::{looking::Looking, report::Finding};
use crate::registry::{
    Moment, State,
    pledge::Pledged,
    settings::Settings,
    view::{self, Amiss},
};

fn registry<'l>(at: &'l Looking<'_>) -> Result<(&'l State, &'l Settings, Moment), Finding> {
    let known = at.grounds.registry.as_ref().filter(|(state, _)| state.is_founded());
    let (state, rules) = known.ok_or_else(|| Finding::off("the registry is not founded").at("privet staff init"))?;
    Ok((state, rules, at.grounds.now.into()))
}

/// So many of a kind of finding.
fn amiss(state: &State, rules: &Settings, now: Moment, what: &[Amiss]) -> usize {
    view::findings(state, rules, now).iter().filter(|finding| what.contains(&finding.amiss)).count()
}

macro_rules! founded {
    ($at:expr) => {
        match registry($at) {
            Ok(known) => known,
            Err(off) => return off,
        }
    };
}

/// Whether everybody with a role has signed.
pub(super) fn pledges(at: &Looking<'_>) -> Finding {
    let (state, _, now) = founded!(at);
    let mut holders: Vec<_> = state.grants().filter(|grant| grant.holds(now)).map(|grant| &grant.person).collect();
    holders.sort_unstable();
    holders.dedup();
    let missing = holders.iter().filter(|person| state.standing(person, at.grounds.now).pledge != Pledged::Current);
    let missing = missing.count();
    let finding = if missing == 0 {
        Finding::green(format!("all {} who have a role have signed the current pledge", holders.len()))
    } else {
        Finding::red(format!("{missing} of {} who have a role have not signed the current pledge", holders.len()))
    };
    finding.at("privet pledge status")
}

/// Whether grants were looked at again.
pub(super) fn grants(at: &Looking<'_>) -> Finding {
    let (state, rules, now) = founded!(at);
    let due = view::due(state, rules, now).count();
    let held = state.grants().filter(|grant| grant.holds(now)).count();
    let days = rules.recertify.as_secs() / 86_400;
    let finding = if due == 0 {
        Finding::green(format!("all {held} grants were looked at within {days} days"))
    } else {
        Finding::red(format!("{due} of {held} grants were not looked at for {days} days"))
    };
    finding.at("privet staff list")
}

/// Whether one officer is alone.
pub(super) fn officers(at: &Looking<'_>) -> Finding {
    let (state, rules, now) = founded!(at);
    let finding = if amiss(state, rules, now, &[Amiss::OneOfficer]) == 0 && state.officers(now).next().is_some() {
        Finding::green("there are two privacy officers, or more")
    } else {
        Finding::red("there are fewer than two privacy officers: nobody can confirm what another proposes")
    };
    finding.at("privet staff list")
}

/// Whether access records were reviewed.
pub(super) fn reviews(at: &Looking<'_>) -> Finding {
    let (state, rules, now) = founded!(at);
    let days = rules.review.as_secs() / 86_400;
    let done = state.reviews().filter(|review| review.signed.is_some()).count();
    let finding = if amiss(state, rules, now, &[Amiss::Unreviewed]) == 0 {
        Finding::green(format!("none is due; {done} are signed, and one is due every {days} days"))
    } else {
        Finding::red(format!("access records have waited for their review for more than {days} days"))
    };
    finding.at("privet audit review list")
}

/// Whether duties have gone over.
pub(super) fn handovers(at: &Looking<'_>) -> Finding {
    let (state, rules, now) = founded!(at);
    let count = |what| amiss(state, rules, now, &[what]);
    let wrong = [
        (count(Amiss::Gap), "duties that nobody has taken over"),
        (count(Amiss::Unsigned), "handovers that wait for a signature for more than a week"),
        (count(Amiss::Overlap), "duties that two have after they were handed over"),
    ];
    let wrong: Vec<String> = wrong.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let done = state.handovers().filter(|handover| handover.done.is_some()).count();
    let gone = state.people().filter(|(_, known)| known.left.is_some()).count();
    let green = format!("{gone} have left, {done} handovers are signed by both, and nothing is without somebody");
    Finding::of(&wrong, &[], green).at("privet handover list")
}
