//! The purpose that somebody has chosen, as their browser keeps it: sealed, and of use with their own session and roles alone. So every
//! replica knows it, and there is no table to fill.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::kept::{CookieKey, Holder, cookie, seconds};

/// The cookie that keeps it.
pub const COOKIE: &str = "__Host-privet-purpose";
/// How long a choice holds at most: a day's work.
pub const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// What was chosen.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// The purpose's key.
    pub purpose: String,
    /// The ticket that was named.
    pub ticket: Option<String>,
    /// Whether the glass was broken.
    pub glass: bool,
    /// Until when it holds, in seconds since 1970.
    pub until: u64,
}

impl std::fmt::Debug for Chosen {
    /// Without the ticket, which may name somebody.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chosen").field("purpose", &self.purpose).field("glass", &self.glass).finish_non_exhaustive()
    }
}

impl Chosen {
    /// A choice that holds from `now` on.
    #[must_use]
    pub fn new(purpose: &str, ticket: Option<&str>, glass: bool, now: SystemTime) -> Self {
        Self { purpose: purpose.to_owned(), ticket: ticket.map(str::to_owned), glass, until: seconds(now + LONGEST) }
    }

    /// The cookie's value. `None` where the cipher refuses, which it has no reason to.
    #[must_use]
    pub fn seal(&self, key: &CookieKey, holder: Holder<'_>) -> Option<String> {
        key.seal(COOKIE, self, holder)
    }

    /// What a cookie's value says, where it is this holder's and still holds.
    #[must_use]
    pub fn open(text: &str, key: &CookieKey, holder: Holder<'_>, now: SystemTime) -> Option<Self> {
        key.open(COOKIE, text, holder).filter(|chosen: &Self| seconds(now) < chosen.until)
    }
}

/// The value of `Set-Cookie` for a sealed choice; an empty one takes it away.
#[must_use]
pub fn set_cookie(sealed: &str) -> String {
    cookie(COOKIE, sealed, LONGEST)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::seal::Ring;

    #[test]
    fn a_choice_ends_and_stays_unsaid() {
        let key = CookieKey::of(&Ring::ephemeral().expect("random bytes")).expect("a key");
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let holder = Holder { session: &[7; 32], issuer: "staff", subject: "kim", roles: &["complaints", "duty"] };
        let chosen = Chosen::new("complaint", Some("CS-42"), false, now);
        let text = chosen.seal(&key, holder).expect("sealed");
        let open = |now: SystemTime| Chosen::open(&text, &key, holder, now);
        assert_eq!(open(now), Some(chosen.clone()));
        assert!(open(now + LONGEST - Duration::from_secs(1)).is_some());
        assert_eq!(open(now + LONGEST), None);
        assert!(!format!("{chosen:?}").contains("CS-42"));
        assert!(set_cookie(&text).len() < 400 && set_cookie("").contains("Max-Age=0"));
    }
}
