//! Who is asked about records, and what somebody's consent looks like.

use std::fmt;

use crate::privacy::Kind;

/// Asked about each record of a body, and told of what leaves unmasked.
///
/// The order is that of the body: [`Judge::record`], what is seen within that record, [`Judge::outside`], what is seen behind it.
pub trait Judge: fmt::Debug {
    /// What becomes of a record. Asked once for each, when its facts are known and nothing of it is out.
    fn record(&mut self, facts: &Facts<'_>) -> Verdict;

    /// What becomes of what is of no record: asked when a body begins and behind each record. Such data can't be attributed to
    /// anybody, nor can it be left out ([`Verdict::Drop`] masks it).
    fn outside(&mut self) -> Verdict;

    /// A record begins that is nobody's: a canary's. What is seen in it is no person's, up to [`Judge::outside`].
    fn canary(&mut self) {}

    /// A value that leaves unmasked, neither escaped nor encoded. It is empty where it was too long to be kept: somebody's data
    /// has left then, and it can't be told whose.
    fn seen(&mut self, kind: &Kind, value: &[u8]);

    /// A person's name that goes by in a field that is called so, masked or not.
    fn name(&mut self, _field: &[u8], _name: &[u8]) {}

    /// A value that leaves masked, by the name of its field: `masked` stands in its place.
    fn covered(&mut self, _field: &[u8], _masked: &[u8], _value: &[u8]) {}
}

/// What a record says of itself. Both are `None` where it says so twice, in two ways, or is too long to be held back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Whose it is.
    pub subject: Option<&'a [u8]>,
    /// What stands where consent is noted.
    pub consent: Option<&'a [u8]>,
}

impl Facts<'_> {
    /// Whether it says that consent was given.
    #[must_use]
    pub fn agreed(&self) -> bool {
        self.consent.is_some_and(agreed)
    }
}

impl fmt::Debug for Facts<'_> {
    /// Shows whether they are known, and nothing of anybody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts")
            .field("subject", &self.subject.is_some())
            .field("agreed", &self.agreed())
            .finish_non_exhaustive()
    }
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The mask holds as it is.
    Show,
    /// Everything personal in it is masked, revealed or not.
    Mask,
    /// It is left out.
    Drop,
}

/// All that is taken for consent, in small letters; anything else is none.
const AGREED: [&str; 18] = [
    "true",
    "1",
    "y",
    "yes",
    "t",
    "on",
    "o",
    "ok",
    "agree",
    "agreed",
    "accepted",
    "granted",
    "consented",
    "opt-in",
    "예",
    "동의",
    "동의함",
    "수신동의",
];

/// Whether `value` says that consent was given: a closed list, without regard to ASCII case and space around it.
#[must_use]
pub fn agreed(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    AGREED.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        for yes in ["true", " TRUE\n", "1", "Y", "예", "동의", "O", "Opt-In"] {
            assert!(agreed(yes.as_bytes()), "{yes}");
        }
        for no in ["", "false", "0", "n", "미동의", "동의 안함", "not agreed", "2", "1.0", "null", "X", "{", "동의거부"]
        {
            assert!(!agreed(no.as_bytes()), "{no}");
        }
        let facts = Facts { subject: Some(b"kim@example.com"), consent: Some(b"yes") };
        assert!(facts.agreed() && !format!("{facts:?}").contains("kim"));
    }
}
