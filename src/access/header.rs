//! How machines say what they work for: `X-Privet-Purpose` and `X-Privet-Ticket`. These never reach the application.

use http::{HeaderMap, HeaderName};

use super::purpose::is_key;

/// The key of the purpose.
pub const PURPOSE: HeaderName = HeaderName::from_static("x-privet-purpose");
/// The ticket.
pub const TICKET: HeaderName = HeaderName::from_static("x-privet-ticket");
/// Most characters of a ticket.
pub const LONGEST_TICKET: usize = 64;

/// What a request says of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Stated {
    /// The purpose's key; whether there is such a purpose is seen later.
    pub purpose: String,
    /// The ticket.
    pub ticket: Option<String>,
}

impl std::fmt::Debug for Stated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stated").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

/// What a request says can't be understood; what it was is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// A header stands twice.
    #[error("X-Privet-Purpose and X-Privet-Ticket stand once in a request")]
    Twice,
    /// The purpose is none.
    #[error("X-Privet-Purpose is the key of a purpose: up to 32 small letters, digits and `-`")]
    Purpose,
    /// The ticket is none.
    #[error("X-Privet-Ticket is up to 64 letters, digits and `-_.#/:`")]
    Ticket,
    /// A ticket for nothing.
    #[error("X-Privet-Ticket stands without X-Privet-Purpose")]
    Alone,
}

impl Stated {
    /// What `headers` say; `None` where they say nothing.
    ///
    /// # Errors
    /// When they can't be understood.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Unclear> {
        let one = |name: HeaderName, unclear: Unclear| {
            let mut values = headers.get_all(name).iter();
            match (values.next(), values.next()) {
                (None, _) => Ok(None),
                (Some(_), Some(_)) => Err(Unclear::Twice),
                (Some(value), None) => value.to_str().map(Some).map_err(|_| unclear),
            }
        };
        let (purpose, ticket) = (one(PURPOSE, Unclear::Purpose)?, one(TICKET, Unclear::Ticket)?);
        if ticket.is_some_and(|ticket| !is_ticket(ticket)) {
            return Err(Unclear::Ticket);
        }
        match (purpose, ticket) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Unclear::Alone),
            (Some(purpose), _) if !is_key(purpose) => Err(Unclear::Purpose),
            (Some(purpose), ticket) => {
                Ok(Some(Self { purpose: purpose.to_owned(), ticket: ticket.map(str::to_owned) }))
            }
        }
    }
}

/// Whether this may be a ticket: what trackers call their cases, and nothing that could be a sentence about somebody.
#[must_use]
pub fn is_ticket(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-_.#/:".contains(&b);
    (1..=LONGEST_TICKET).contains(&text.len()) && text.bytes().all(legal) && text.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn stated(pairs: &[(HeaderName, &str)]) -> Result<Option<Stated>, Unclear> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.clone(), HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        }
        Stated::of(&headers)
    }

    #[test]
    fn what_a_machine_says_is_said_once_and_in_few_signs() {
        let full = Stated { purpose: "complaint".to_owned(), ticket: Some("CS-42".to_owned()) };
        assert_eq!(stated(&[(PURPOSE, "complaint"), (TICKET, "CS-42")]), Ok(Some(full)));
        assert_eq!(stated(&[]), Ok(None));
        assert_eq!(stated(&[(TICKET, "CS-42")]), Err(Unclear::Alone));
        assert_eq!(stated(&[(PURPOSE, "a"), (PURPOSE, "a")]), Err(Unclear::Twice));
        for purpose in ["", "Complaint", "a b", "none", "é"] {
            assert_eq!(stated(&[(PURPOSE, purpose)]), Err(Unclear::Purpose), "{purpose}");
        }
        for ticket in ["", "no digits", "urgent", "kim@example.com", "김1", &"1".repeat(65)] {
            assert_eq!(stated(&[(PURPOSE, "duty"), (TICKET, ticket)]), Err(Unclear::Ticket), "{ticket}");
        }
        assert!(!format!("{:?}", stated(&[(PURPOSE, "duty"), (TICKET, "CS-42")])).contains("CS-42"));
    }
}
