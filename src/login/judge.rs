//! What an answer says of an attempt's outcome, where the configuration or a preset tells the signs.
//!
//! Any sign of failure is a failure. A success has to show all its signs: were one enough, an answer that merely resembles it (the
//! redirect after a lost-password form) would make a stranger familiar. Without any sign a server error says nothing, and every other
//! answer of 400 and above is a failure: attempts that end in 403 or 429 must not be free.

use http::{HeaderMap, StatusCode, header};

use super::{
    answer::{from_path, leads_back, location, sets},
    settings::{Criteria, Redirect},
};

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// The password was right.
    Success,
    /// It was not.
    Failure,
    /// Neither: the application broke, and nothing is charged.
    Unclear,
    /// Let in where nobody was ever refused: it says nothing of the credentials elsewhere.
    Unproven,
    /// The head is not enough: ask again with the beginning of the body.
    NeedsBody,
}

/// Judges an answer to an attempt at `login`, a path.
pub(super) fn told(
    login: &str,
    (failure, success): (&Criteria, &Criteria),
    status: StatusCode,
    headers: &HeaderMap,
    body: Option<&[u8]>,
) -> Judged {
    let signs = |criteria| Signs::of(login, criteria, status, headers, body);
    let bad = signs(failure);
    if bad.shown > 0 {
        return Judged::Failure;
    }
    if bad.later {
        return Judged::NeedsBody;
    }
    let broken = status.is_server_error() || status.is_informational();
    if success.is_empty() {
        return match status {
            _ if broken => Judged::Unclear,
            status if status.is_client_error() => Judged::Failure,
            _ => Judged::Success,
        };
    }
    let good = signs(success);
    match good {
        Signs { missing: true, .. } if broken => Judged::Unclear,
        Signs { missing: true, .. } => Judged::Failure,
        Signs { later: true, .. } => Judged::NeedsBody,
        _ => Judged::Success,
    }
}

/// How criteria fare.
#[derive(Debug, Clone, Copy, Default)]
struct Signs {
    shown: u32,
    missing: bool,
    /// The body would tell more.
    later: bool,
}

impl Signs {
    fn of(login: &str, criteria: &Criteria, status: StatusCode, headers: &HeaderMap, body: Option<&[u8]>) -> Self {
        let mut signs = Self::default();
        let location = location(status, headers);
        if !criteria.status.is_empty() {
            signs.note(criteria.status.contains(&status.as_u16()));
        }
        if let Some(pattern) = &criteria.location {
            let mut all = headers.get_all(header::LOCATION).iter();
            let is_in = |location: &[u8]| pattern.is_in(location) || pattern.is_in(from_path(location));
            signs.note(all.any(|location| is_in(location.as_bytes())));
        }
        if let Some(redirect) = criteria.redirect {
            let back = location.map(|location| leads_back(location, login));
            signs.note(back == Some(redirect == Redirect::Back));
        }
        if let Some(name) = &criteria.cookie {
            signs.note(sets(headers, name));
        }
        if let Some(name) = &criteria.cookie_absent {
            signs.note(!sets(headers, name));
        }
        match (&criteria.body, body) {
            (None, _) => {}
            (Some(pattern), Some(body)) => signs.note(pattern.is_in(body)),
            (Some(_), None) => signs.later = true,
        }
        signs
    }

    fn note(&mut self, shown: bool) {
        self.shown += u32::from(shown);
        self.missing |= !shown;
    }
}
