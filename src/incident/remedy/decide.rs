//! Whether a measure may be taken or lifted. Pure.

use serde::{Deserialize, Serialize};

use super::{
    event::Event,
    measure::Measure,
    state::{State, Taken},
};
use crate::{
    incident, journal,
    registry::{self, Moment, PersonId},
};

/// Most characters of a reason.
const REASON: usize = 500;
/// Most of what is named.
const NAME: usize = 300;
/// Limits are divided by no more.
const DIVISOR: std::ops::RangeInclusive<u32> = 2..=1000;

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
#[allow(missing_docs)] // the fields are what their types say
pub enum Command {
    /// Take a measure for a case.
    Take { case: u64, what: Measure, reason: String },
    /// Lift one.
    Lift { id: u64, reason: String },
}

impl std::fmt::Debug for Command {
    /// The name alone: all else may be about people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Take { .. } => "Take",
            Self::Lift { .. } => "Lift",
        })
    }
}

/// Why nothing is done. Nobody's name is in the texts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There are no officers yet.
    #[error("the registry is not founded: nobody may take measures; `privet staff init FIRST SECOND` founds it")]
    NotFounded,
    /// Who asks is no officer at this time.
    #[error("only a privacy officer in force may do this")]
    NotAnOfficer,
    /// Who asks is suspected.
    #[error("whoever is suspected in a case takes and lifts nothing in it: another officer does")]
    Suspect,
    /// There is none.
    #[error("there is no such case: `privet incident list` shows the numbers")]
    NoCase,
    /// It is over.
    #[error("the case is closed: open another, or confirm it again")]
    Over,
    /// The same holds already.
    #[error("the same holds already, as {0}; lift that first where it is to be another")]
    Holds(u64),
    /// There is none of this number.
    #[error("there is no such measure: `privet incident remedies` shows the numbers")]
    NoMeasure,
    /// It holds no more, or has only happened once.
    #[error("it does not hold: it was lifted, or has happened once and can't be taken back")]
    Gone,
    /// A text is missing, too long, or has control characters.
    #[error("`{0}` is a text of 1 to {1} characters without control characters")]
    Text(&'static str, usize),
    /// Limits can't be divided by this.
    #[error("limits are divided by 2 to 1000")]
    Divisor,
    /// The journal does not take it.
    #[error("it could not be written down, so it has not happened: {0}")]
    Journal(#[from] journal::Error),
}

impl Refused {
    /// Whether it is no answer but a trouble of ours.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        matches!(self, Self::Journal(_))
    }
}

/// What happens when `by` asks for `command`.
///
/// # Errors
/// When it may not happen.
pub fn decide(
    state: &State,
    cases: &incident::State,
    officers: &registry::State,
    command: Command,
    by: &PersonId,
    now: Moment,
) -> Result<Event, Refused> {
    if !officers.is_founded() {
        return Err(Refused::NotFounded);
    }
    if !officers.officers(now).any(|grant| grant.person == *by) {
        return Err(Refused::NotAnOfficer);
    }
    let suspended = |taken: &Taken| matches!(&taken.what, Measure::Suspend { person } if person == by);
    if state.in_force().any(suspended) {
        return Err(Refused::Suspect);
    }
    let case = |number| {
        let case = cases.case(number).ok_or(Refused::NoCase)?;
        if case.suspects(by) { Err(Refused::Suspect) } else { Ok(case) }
    };
    match command {
        Command::Take { case: number, what, reason } => {
            if case(number)?.status == incident::Status::Closed {
                return Err(Refused::Over);
            }
            text("reason", &reason, REASON)?;
            check(&what)?;
            if let Some(same) = state.in_force().find(|taken| taken.what.is_about_the_same(&what)) {
                return Err(Refused::Holds(same.id));
            }
            Ok(Event::Taken { id: state.last() + 1, case: number, what, reason, by: by.clone() })
        }
        Command::Lift { id, reason } => {
            let taken = state.taken(id).ok_or(Refused::NoMeasure)?;
            // A case that is no more to be read was closed long ago.
            match case(taken.case) {
                Ok(_) | Err(Refused::NoCase) => {}
                Err(refused) => return Err(refused),
            }
            text("reason", &reason, REASON)?;
            if !taken.holds() {
                return Err(Refused::Gone);
            }
            Ok(Event::Lifted { id, case: taken.case, reason, by: by.clone() })
        }
    }
}

fn check(what: &Measure) -> Result<(), Refused> {
    match what {
        Measure::Suspend { person } => {
            text("person", &person.subject, NAME)?;
            text("issuer", &person.issuer, NAME)
        }
        Measure::Close { route } | Measure::Quarantine { route } => text("route", route, NAME),
        Measure::Mask { role } => text("role", role, NAME),
        Measure::Limit { login, divisor } => {
            text("login", login, NAME)?;
            if DIVISOR.contains(divisor) { Ok(()) } else { Err(Refused::Divisor) }
        }
        Measure::Ban { .. } | Measure::SignInAgain | Measure::RotateKey => Ok(()),
    }
}

fn text(name: &'static str, text: &str, most: usize) -> Result<(), Refused> {
    let plain = !text.chars().any(char::is_control);
    let fits = plain && !text.trim().is_empty() && text.chars().count() <= most;
    if fits { Ok(()) } else { Err(Refused::Text(name, most)) }
}
