//! Clocks: what each law asks for in a case, whether it is a duty in this one and why, and how long there is. They run from when somebody knew,
//! whatever is decided meanwhile. Pure.

use std::time::Duration;

use super::{
    case::{Case, Level, Risk, Settled, Status, Warning},
    event::Event,
    law::{Duty, Law, Starts, Threshold, When},
    state::State,
};
use crate::registry::Moment;

const HOUR: Duration = Duration::from_secs(3600);

/// Types that are numbers which the state has given to one person alone (PIPA art. 24, Decree art. 19).
const UNIQUE: [&str; 4] = ["KR_RRN", "KR_FRN", "KR_PASSPORT", "KR_DRIVER_LICENSE"];

/// Whether a duty is one in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Applies {
    /// It is none.
    No,
    /// Nobody knows yet; the clock runs.
    Open,
    /// It is.
    Yes,
}

impl Applies {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Open => "open",
            Self::Yes => "yes",
        }
    }
}

/// One clock of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock<'c> {
    /// Of which law.
    pub law: &'static Law,
    /// Of which duty.
    pub duty: &'static Duty,
    /// Whether it is one.
    pub applies: Applies,
    /// Why, or why not.
    pub why: String,
    /// When it started; not yet without.
    pub start: Option<Moment>,
    /// When it runs out; never where the law says no hours.
    pub due: Option<Moment>,
    /// What has become of it.
    pub settled: Option<&'c Settled>,
}

impl Clock<'_> {
    /// Whether something is still to be done, or may be.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.applies != Applies::No && self.settled.is_none()
    }

    /// Seconds that are left; negative where it has run out. Nothing where nothing runs.
    #[must_use]
    pub fn left(&self, now: Moment) -> Option<i64> {
        let due = self.due.filter(|_| self.is_due())?;
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Some(if now <= due { seconds(due.since(now)) } else { -seconds(now.since(due)) })
    }

    /// How far it has run, where that is to be told.
    fn level(&self, now: Moment) -> Option<Level> {
        let (start, due) = self.start.zip(self.due).filter(|_| self.is_due())?;
        let (all, left) = (due.since(start), due.since(now));
        Some(match left {
            left if left.is_zero() => Level::Out,
            left if left <= HOUR => Level::Hour,
            left if left <= 6 * HOUR => Level::SixHours,
            left if left <= 24 * HOUR => Level::Day,
            left if left * 2 <= all => Level::Half,
            _ => return None,
        })
    }
}

/// All clocks of a case, by the laws of these names as they were when it was known.
#[must_use]
pub fn clocks<'c>(case: &'c Case, laws: &[String]) -> Vec<Clock<'c>> {
    let known = laws.iter().filter_map(|id| Law::at(id, case.known_at));
    known.flat_map(|law| law.duties.iter().map(move |duty| clock(case, law, duty))).collect()
}

fn clock<'c>(case: &'c Case, law: &'static Law, duty: &'static Duty) -> Clock<'c> {
    let (applies, why) = applies(case, law, duty);
    let start = match duty.starts {
        Starts::Knowledge => Some(case.known_at),
        Starts::Notice => case.settled(&law.id, "notice").map(|settled| settled.at),
    };
    let due = start.zip(duty.hours).map(|(start, hours)| start.after(Duration::from_secs(hours.saturating_mul(3600))));
    Clock { law, duty, applies, why, start, due, settled: case.settled(&law.id, &duty.id) }
}

fn applies(case: &Case, law: &Law, duty: &Duty) -> (Applies, String) {
    let (met, why) = duty.threshold.as_ref().map_or_else(
        || (Applies::Yes, "whatever the number of people".to_owned()),
        |threshold| reached(case, &law.id, threshold),
    );
    let sure = case.confirmed.is_some();
    match (case.status, duty.when) {
        (Status::Cleared, _) => (Applies::No, "the case is cleared".to_owned()),
        (Status::Closed, _) if !sure => (Applies::No, "the case was cleared".to_owned()),
        (Status::Possible, When::Possible) => (met, format!("it may have happened; {why}")),
        (_, When::Possible) => (Applies::No, "it is confirmed: the notice itself is due".to_owned()),
        (Status::Possible, When::Confirmed) if met != Applies::No => {
            (Applies::Open, format!("where it is confirmed; {why}"))
        }
        (_, When::Confirmed) => (met, why),
    }
}

/// Whether any of it is reached.
fn reached(case: &Case, law: &str, threshold: &Threshold) -> (Applies, String) {
    let facts = &case.facts;
    let said = |wanted: bool, said: Option<bool>, what: &str| {
        wanted.then(|| match said {
            Some(true) => (Applies::Yes, what.to_owned()),
            Some(false) => (Applies::No, format!("no {what}")),
            None => (Applies::Open, format!("nobody has said whether there is {what}")),
        })
    };
    let unique = facts.types.iter().any(|kind| UNIQUE.contains(&kind.as_str()));
    let all = [
        threshold.people.map(|least| people(case, law, least)),
        said(threshold.sensitive, facts.sensitive, "sensitive data"),
        said(threshold.unique_identifiers, facts.unique_identifiers.or(unique.then_some(true)), "a unique identifier"),
        said(threshold.external_intrusion, facts.external_intrusion, "illegal access from outside"),
        threshold.risk.map(|least| risk(facts.risk, least)),
    ];
    let found: Vec<(Applies, String)> = all.into_iter().flatten().collect();
    let applies = found.iter().map(|(applies, _)| *applies).max().unwrap_or(Applies::Yes);
    let why: Vec<String> = found.into_iter().filter(|(one, _)| *one == applies).map(|(_, why)| why).collect();
    (applies, why.join("; "))
}

fn people(case: &Case, law: &str, least: u64) -> (Applies, String) {
    if let Some(said) = case.facts.people.get(law) {
        let applies = if *said >= least { Applies::Yes } else { Applies::No };
        return (applies, format!("{said} people of whom this law speaks, from {least} on"));
    }
    let Some(count) = case.count else {
        return (Applies::Open, format!("people are not counted yet, from {least} on"));
    };
    let most = count.confirmed.saturating_add(count.possible);
    let applies = match (count.confirmed >= least, most >= least || count.unattributed > 0) {
        (true, _) => Applies::Yes,
        (false, true) => Applies::Open,
        (false, false) => Applies::No,
    };
    let unknown = match count.unattributed {
        0 => String::new(),
        more => format!(", {more} records that are nobody's known"),
    };
    (applies, format!("{} people, {} more possible{unknown}, from {least} on", count.confirmed, count.possible))
}

fn risk(said: Option<Risk>, least: Risk) -> (Applies, String) {
    let words = if least == Risk::High { "a high risk to people" } else { "a risk to people" };
    match said {
        Some(risk) if risk >= least => (Applies::Yes, words.to_owned()),
        Some(_) => (Applies::No, format!("{words} is unlikely, as assessed")),
        None => (Applies::Open, format!("nobody has assessed whether there is {words}")),
    }
}

/// What has to be told of clocks now: of each that runs how far it has, once.
#[must_use]
pub fn warnings(state: &State, laws: &[String], now: Moment) -> Vec<Event> {
    let of_case = |case: &Case| -> Vec<Event> {
        let told = |law: &str, duty: &str, due: Moment, level: Level| {
            case.warnings.iter().any(|w| w.law == law && w.duty == duty && w.due == due && w.level >= level)
        };
        let clocks = clocks(case, laws);
        let due = clocks.iter().filter_map(|clock| {
            let (level, due) = clock.level(now).zip(clock.due)?;
            let (law, duty) = (clock.law.id.clone(), clock.duty.id.clone());
            let warning = Warning { law, duty, level, due };
            (!told(&warning.law, &warning.duty, due, level)).then_some(Event::Warned { case: case.number, warning })
        });
        due.collect()
    };
    state.cases().filter(|case| case.status.is_open()).flat_map(of_case).collect()
}

/// Of each duty of all open cases the least time that is left, in seconds.
#[must_use]
pub fn nearest(state: &State, laws: &[String], now: Moment) -> Vec<(String, String, i64)> {
    let mut all = std::collections::BTreeMap::new();
    for case in state.cases().filter(|case| case.status.is_open()) {
        for clock in clocks(case, laws) {
            if let Some(left) = clock.left(now) {
                let least = all.entry((clock.law.id.clone(), clock.duty.id.clone())).or_insert(left);
                *least = left.min(*least);
            }
        }
    }
    all.into_iter().map(|((law, duty), left)| (law, duty, left)).collect()
}
