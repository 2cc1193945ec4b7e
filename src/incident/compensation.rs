//! What people are offered, claim, and are paid for what has happened to them: a ledger by pseudonym. Nobody's name and no account is in it.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::notice::delivery::Pseudonym;
use crate::registry::{Moment, PersonId};

/// Most bytes of a basis.
const LONGEST: usize = 300;
/// Most of an amount, in its smallest unit: what every reader of JSON holds exactly.
const MOST: u64 = 1 << 53;

/// How far a compensation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The operator has offered it.
    Offered,
    /// The person has claimed it.
    Claimed,
    /// A mediator or court has settled it.
    Mediated,
    /// It is paid.
    Paid,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Offered, Self::Claimed, Self::Mediated, Self::Paid];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Claimed => "claimed",
            Self::Mediated => "mediated",
            Self::Paid => "paid",
        }
    }

    /// Whether this may come after `before`, or first. A claim may be answered by an offer and an offer by a claim, as often as they like; what is
    /// mediated is only paid; nothing comes after that, and nothing is paid that nobody has offered or settled.
    #[must_use]
    pub const fn follows(self, before: Option<Self>) -> bool {
        match before {
            None => matches!(self, Self::Offered | Self::Claimed),
            Some(Self::Offered) => true,
            Some(Self::Claimed) => matches!(self, Self::Offered | Self::Claimed | Self::Mediated),
            Some(Self::Mediated) => matches!(self, Self::Paid),
            Some(Self::Paid) => false,
        }
    }
}

/// A currency of ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// That of three capital letters.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// As it is written.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Digits behind the point (ISO 4217, list one).
    #[must_use]
    pub fn digits(self) -> u32 {
        match self.code() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
            | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("no currency"))
    }
}

/// So much money, in the smallest unit of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// How many of the smallest unit.
    pub minor: u64,
    /// Of which currency.
    pub currency: Currency,
}

impl Amount {
    /// Reads `100000` or `12.50`, with no more digits behind the point than the currency has.
    #[must_use]
    pub fn parse(text: &str, currency: Currency) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = usize::try_from(currency.digits()).ok()?;
        let legal = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !legal(whole) || !legal(part) || part.len() > digits || text.ends_with('.') {
            return None;
        }
        let minor: u64 = format!("{whole}{part:0<digits$}").parse().ok()?;
        (1..=MOST).contains(&minor).then_some(Self { minor, currency })
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", decimal(self.minor, self.currency), self.currency.code())
    }
}

fn decimal(minor: u64, currency: Currency) -> String {
    let unit = 10_u64.pow(currency.digits());
    match usize::try_from(currency.digits()) {
        Ok(digits @ 1..) => format!("{}.{:0digits$}", minor / unit, minor % unit),
        _ => minor.to_string(),
    }
}

/// What is said of somebody's compensation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Whose.
    pub subject: Pseudonym,
    /// What it rests on, such as an article or a decision.
    pub basis: String,
    /// How far it is.
    pub stage: Stage,
    /// How much.
    pub amount: Amount,
}

/// A line of the ledger.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number in the case, from 1.
    pub entry: u64,
    /// What is said.
    #[serde(flatten)]
    pub claim: Claim,
    /// Who says so.
    pub by: PersonId,
}

/// A line, and when it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// The line.
    pub entry: Entry,
    /// When.
    pub at: Moment,
}

/// Why a line is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It does not come next.
    #[error("{next} does not come after {before}")]
    Order {
        /// What is said.
        next: &'static str,
        /// What it was.
        before: &'static str,
    },
    /// It is another currency.
    #[error("it was in {0} before: one person's compensation in one case has one currency")]
    Currency(Currency),
    /// Something else is paid than was agreed.
    #[error("what is paid is what was offered or mediated last")]
    Amount,
    /// Why is not said.
    #[error("`basis` is a text of 1 to {LONGEST} bytes without control characters")]
    Basis,
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The ledger of a case: a fold.
#[derive(Clone, Default, PartialEq)]
pub struct Book(Vec<Line>);

impl Book {
    /// All lines, in order.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.0
    }

    /// The line that would be next.
    ///
    /// # Errors
    /// When it may not be.
    pub fn next(&self, claim: Claim, by: &PersonId) -> Result<Entry, Wrong> {
        let before = self.0.iter().rev().map(|line| &line.entry.claim).find(|before| before.subject == claim.subject);
        if !claim.stage.follows(before.map(|before| before.stage)) {
            let before = before.map_or("nothing", |before| before.stage.name());
            return Err(Wrong::Order { next: claim.stage.name(), before });
        }
        if let Some(before) = before {
            if before.amount.currency != claim.amount.currency {
                return Err(Wrong::Currency(before.amount.currency));
            }
            if claim.stage == Stage::Paid && before.amount != claim.amount {
                return Err(Wrong::Amount);
            }
        }
        let basis = claim.basis.trim();
        if basis.is_empty() || basis.len() > LONGEST || basis.chars().any(char::is_control) {
            return Err(Wrong::Basis);
        }
        Ok(Entry { entry: self.0.len() as u64 + 1, claim, by: by.clone() })
    }

    /// A line was written.
    pub fn enter(&mut self, entry: &Entry, at: Moment) {
        self.0.push(Line { entry: entry.clone(), at });
    }

    /// How many people's compensation is how far, and how much that is: by currency, and by how far it is now.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<(Currency, Stage), (u64, u64)> {
        let last: BTreeMap<Pseudonym, &Claim> =
            self.0.iter().map(|line| (line.entry.claim.subject, &line.entry.claim)).collect();
        let mut totals: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        for claim in last.values() {
            let (people, minor) = totals.entry((claim.amount.currency, claim.stage)).or_default();
            *people += 1;
            *minor = minor.saturating_add(claim.amount.minor);
        }
        totals
    }

    /// As CSV, with a first line of names.
    ///
    /// # Errors
    /// Never, but for want of memory.
    pub fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(["entry", "time", "subject", "basis", "stage", "amount", "currency", "by"])?;
        for Line { entry, at } in &self.0 {
            let Claim { subject, basis, stage, amount } = &entry.claim;
            // What begins like a formula would be one in a spreadsheet.
            let basis = if basis.starts_with(['=', '+', '-', '@', '\t']) { format!("'{basis}") } else { basis.clone() };
            let amount = [decimal(amount.minor, amount.currency), amount.currency.to_string()];
            let [number, time, subject] = [entry.entry.to_string(), at.to_string(), subject.0.text()];
            let [amount, currency] = amount;
            out.write_record([
                number,
                time,
                subject,
                basis,
                stage.name().to_owned(),
                amount,
                currency,
                entry.by.subject.clone(),
            ])?;
        }
        out.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::subject::Subject;

    fn claim(person: u8, stage: Stage, amount: &str, currency: &str) -> Claim {
        let currency = Currency::parse(currency).expect("a currency");
        let amount = Amount::parse(amount, currency).expect("an amount");
        Claim { subject: Pseudonym(Subject([person; 16])), basis: "PIPA art. 39-2".to_owned(), stage, amount }
    }

    #[test]
    fn amounts_are_whole_numbers_of_the_smallest_unit() {
        let read =
            |text: &str, code: &str| Amount::parse(text, Currency::parse(code)?).map(|a| (a.minor, a.to_string()));
        assert_eq!(read("100000", "KRW"), Some((100_000, "100000 KRW".to_owned())));
        assert_eq!(read("12.5", "EUR"), Some((1250, "12.50 EUR".to_owned())));
        assert_eq!(read("0.001", "KWD"), Some((1, "0.001 KWD".to_owned())));
        for (text, code) in [
            ("1.5", "KRW"),
            ("1.234", "USD"),
            ("-1", "USD"),
            ("0", "USD"),
            ("1.", "USD"),
            (".5", "USD"),
            ("1e3", "USD"),
            ("", "USD"),
            ("9007199254740993", "KRW"),
            ("1", "usd"),
        ] {
            assert_eq!(read(text, code), None, "{text} {code}");
        }
    }

    #[test]
    fn nothing_is_paid_that_nobody_has_offered_or_settled() {
        use Stage::{Claimed, Mediated, Offered, Paid};
        let by = PersonId::new("staff", "one");
        let mut book = Book::default();
        let mut try_one = |person, stage, amount: &str, currency: &str| {
            let entry = book.next(claim(person, stage, amount, currency), &by)?;
            book.enter(&entry, Moment::at(entry.entry));
            Ok::<_, Wrong>(entry.entry)
        };
        assert_eq!(try_one(1, Paid, "5", "KRW"), Err(Wrong::Order { next: "paid", before: "nothing" }));
        assert_eq!(try_one(1, Offered, "50000", "KRW"), Ok(1));
        assert!(matches!(try_one(1, Paid, "40000", "KRW"), Err(Wrong::Amount)));
        assert!(matches!(try_one(1, Claimed, "1", "USD"), Err(Wrong::Currency(_))));
        assert_eq!(try_one(1, Claimed, "90000", "KRW"), Ok(2));
        assert_eq!(try_one(1, Paid, "90000", "KRW"), Err(Wrong::Order { next: "paid", before: "claimed" }));
        assert_eq!(try_one(1, Mediated, "70000", "KRW"), Ok(3));
        assert_eq!(try_one(1, Offered, "60000", "KRW"), Err(Wrong::Order { next: "offered", before: "mediated" }));
        assert_eq!(try_one(1, Paid, "70000", "KRW"), Ok(4));
        assert_eq!(try_one(1, Paid, "70000", "KRW"), Err(Wrong::Order { next: "paid", before: "paid" }));
        assert_eq!(try_one(2, Offered, "50000", "KRW"), Ok(5));
        assert_eq!(try_one(3, Claimed, "12.50", "EUR"), Ok(6));
        let totals: Vec<String> = book
            .totals()
            .into_iter()
            .map(|((currency, stage), (people, minor))| format!("{currency} {} {people} {minor}", stage.name()))
            .collect();
        assert_eq!(totals, ["EUR claimed 1 1250", "KRW offered 1 50000", "KRW paid 1 70000"]);
        let csv = String::from_utf8(book.csv().expect("written")).expect("text");
        assert!(csv.lines().count() == 7 && csv.contains(",12.50,EUR,one"), "{csv}");
        let bad = Claim { basis: " ".to_owned(), ..claim(4, Offered, "1", "KRW") };
        assert_eq!(book.next(bad, &by).err(), Some(Wrong::Basis));
    }
}
