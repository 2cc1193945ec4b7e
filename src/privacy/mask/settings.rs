//! What a route asks for.

pub use crate::format::{
    path::Pattern,
    records::{At, Records},
};

/// The mask of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Places whose values are masked whatever they are.
    pub paths: Vec<Pattern>,
    /// Whether policies say for each request what may be seen; otherwise nothing may.
    pub by_policy: bool,
    /// What becomes of a body that can't be read.
    pub uninspectable: Uninspectable,
}

/// What becomes of what can't be inspected: an unknown coding, a binary format, broken JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uninspectable {
    /// It passes as it is.
    Pass,
    /// It is refused, or cut where its beginning is out already.
    Refuse,
}

impl Uninspectable {
    /// What happens to it, in a sentence of which it is the subject.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Pass => "passes",
            Self::Refuse => "is refused",
        }
    }
}

/// Canaries of a route: invented people who are planted into its lists, for everybody who signs in one of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canaries {
    /// The domain of their addresses of mail.
    pub mail: String,
    /// Their ids, where ids of the application's are numbers.
    pub ids: Option<Ids>,
    /// Their telephone numbers: `#` is any digit.
    pub phone: String,
    /// Lists of fewer records have none.
    pub least: usize,
}

impl Canaries {
    /// Where nobody names another: numbers that the North American plan keeps for fiction (555-0100 to 555-0199).
    pub const PHONE: &str = "202-555-01##";
    /// Who asks for fewer has asked for somebody.
    pub const LEAST: usize = 4;

    /// Whether `value` has the form of what names a canary of these. Somebody else's may have it, too.
    #[must_use]
    pub fn may_name(&self, value: &str) -> bool {
        let at_home = value.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(&self.mail));
        at_home || self.ids.as_ref().map_or_else(|| is_uuid(value.as_bytes()), |ids| ids.hold(value))
    }
}

/// Numbers that the application never gives out, with what stands before each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    prefix: String,
    width: usize,
    first: u64,
    last: u64,
}

/// Fewest ids that tell people apart.
const FEWEST: u64 = 10_000;

impl Ids {
    /// Reads `9000000-9999999` or `C-900000-C-999999`.
    ///
    /// # Errors
    /// When it is no range, or one that is too small.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const NONE: &str = "a range such as \"9000000-9999999\" or \"C-900000-C-999999\" is expected";
        let mut halves = text.match_indices('-').map(|(at, _)| (&text[..at], &text[at + 1..]));
        let read = |(low, high): (&str, &str)| {
            let (prefix, digits) = low.split_at(low.trim_end_matches(|c: char| c.is_ascii_digit()).len());
            let high = high.strip_prefix(prefix).filter(|high| high.bytes().all(|b| b.is_ascii_digit()))?;
            let [first, last] = [digits, high].map(|digits| digits.parse::<u64>().ok());
            // A number of JSON can't say more without loss.
            Some(Self { prefix: prefix.to_owned(), width: digits.len(), first: first?, last: last? })
                .filter(|ids| ids.first < ids.last && ids.last <= 1 << 53)
        };
        let ids = halves.find_map(read).ok_or(NONE)?;
        if ids.last - ids.first < FEWEST - 1 {
            Err("it holds less than 10,000 ids: people's would be the same")
        } else {
            Ok(ids)
        }
    }

    /// One of them, by a number.
    #[must_use]
    pub fn of(&self, number: u64) -> String {
        let number = self.first + number % (self.last - self.first + 1);
        format!("{}{number:0width$}", self.prefix, width = self.width)
    }

    /// Whether an id of the application's is made as these are.
    #[must_use]
    pub fn are_like(&self, id: &str) -> bool {
        id.strip_prefix(&self.prefix).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    }

    fn hold(&self, id: &str) -> bool {
        self.are_like(id)
            && id[self.prefix.len()..].parse().is_ok_and(|number| (self.first..=self.last).contains(&number))
    }
}

/// Whether `text` is a UUID in its usual form (RFC 9562, section 4).
#[must_use]
pub fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text
            .iter()
            .enumerate()
            .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_ids() {
        let ids = Ids::parse("9000000-9999999").expect("a range");
        assert_eq!((ids.of(0), ids.of(1_000_001)), ("9000000".to_owned(), "9000001".to_owned()));
        assert!(
            ids.are_like("17")
                && ids.hold("9000000")
                && !ids.hold("8999999")
                && !ids.are_like("x17")
                && !ids.are_like("")
        );
        let ids = Ids::parse("C-0900000-C-0999999").expect("a range");
        assert_eq!(ids.of(7), "C-0900007");
        assert!(ids.are_like("C-17") && !ids.are_like("17") && ids.hold("C-0900007"));
        for bad in ["", "9", "9-", "99999-10000", "1-100", "A1-B99999", "0-99999999999999999999"] {
            assert!(Ids::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn forms_that_may_name_one() {
        let ids = Some(Ids::parse("9000000-9999999").expect("a range"));
        let rule = Canaries { mail: "shop.example".into(), ids, phone: Canaries::PHONE.into(), least: 4 };
        for (value, may) in [("9000001", true), ("17", false), ("a@Shop.example", true), ("a@b.example", false)] {
            assert_eq!(rule.may_name(value), may, "{value}");
        }
        let rule = Canaries { ids: None, ..rule };
        assert!(rule.may_name("5d0a2f0e-0000-4000-8000-00000000000a") && !rule.may_name("9000001"));
    }
}
