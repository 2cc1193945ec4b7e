//! Why not, and what would help. It asks the policies again with one circumstance after the other as it should be; nobody who may pass
//! waits for that.

use std::sync::Arc;

use super::{
    ask::Ask,
    decision::{Decision, Why},
    purpose::Purpose,
    settings::Settings,
    slice::Slice,
};

/// One thing that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Pledge,
    SecondFactor,
    Ticket,
    Consent,
}

impl Missing {
    /// In the order in which people are told.
    const ALL: [Self; 4] = [Self::Pledge, Self::SecondFactor, Self::Ticket, Self::Consent];

    /// `ask` with this as `given` says.
    fn set<'a>(self, ask: &Ask<'a>, given: bool) -> Ask<'a> {
        match self {
            Self::Pledge => Ask { pledged: given, ..*ask },
            Self::SecondFactor => Ask { second_factor: given, ..*ask },
            Self::Ticket => Ask { ticket: given, ..*ask },
            Self::Consent => Ask { consent: given, ..*ask },
        }
    }

    fn is_given(self, ask: &Ask<'_>) -> bool {
        match self {
            Self::Pledge => ask.pledged,
            Self::SecondFactor => ask.second_factor,
            Self::Ticket => ask.ticket,
            Self::Consent => ask.consent,
        }
    }

    fn decision(self) -> Decision {
        match self {
            Self::Pledge => Decision::Pledge,
            Self::SecondFactor => Decision::Deny(Why::SecondFactor),
            Self::Ticket => Decision::Ticket,
            Self::Consent => Decision::Deny(Why::Consent),
        }
    }
}

/// The answer to a question that was not permitted, `why` it was not.
pub(super) fn decision(
    settings: &Settings,
    slice: &Slice,
    ask: &Ask<'_>,
    purpose: Option<&Purpose>,
    why: Why,
) -> Decision {
    if matches!(why, Why::Broken(_)) {
        return Decision::Deny(why);
    }
    if !slice.permits {
        return Decision::Deny(Why::Role);
    }
    // Everything as it should be.
    let best = Missing::ALL.into_iter().fold(*ask, |ask, missing| missing.set(&ask, true));
    let whole = Ask { glass: false, ..best };
    let broken = Ask { glass: true, ..best };
    let Some(purpose) = purpose else {
        let choice = other(settings, slice, &whole).or_else(|| other(settings, slice, &broken));
        return choice.unwrap_or(Decision::Deny(Why::Nothing));
    };
    if let Err(why) = slice.lets(&whole) {
        return match other(settings, slice, &whole) {
            Some(choice) => choice,
            None if !ask.glass && slice.lets(&broken).is_ok() => Decision::Glass,
            None => Decision::Deny(why),
        };
    }
    for missing in Missing::ALL.into_iter().filter(|missing| !missing.is_given(ask)) {
        // What the purpose asks for, no policy has to.
        let by_purpose = missing == Missing::Ticket && purpose.ticket;
        if by_purpose || slice.lets(&missing.set(&whole, false)).is_err() {
            return missing.decision();
        }
    }
    // One of several would do.
    let alone = |missing: &Missing| !missing.is_given(ask) && slice.lets(&missing.set(ask, true)).is_ok();
    Missing::ALL.into_iter().find(alone).map_or(Decision::Deny(why), Missing::decision)
}

/// Other purposes with which it would be permitted.
fn other(settings: &Settings, slice: &Slice, best: &Ask<'_>) -> Option<Decision> {
    let lets = |one: &&Purpose| {
        Some(&*one.key) != best.purpose && slice.lets(&Ask { purpose: Some(&one.key), ..*best }).is_ok()
    };
    let keys: Vec<Arc<str>> = settings.purposes.of(best.roles).filter(lets).map(|one| Arc::clone(&one.key)).collect();
    (!keys.is_empty()).then_some(Decision::Purpose(keys))
}
