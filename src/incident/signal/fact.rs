//! What of a record counts for signals.

use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::{
    access::subject::Subject,
    common::clock,
    journal::{Kind, search::Line},
    registry::PersonId,
};

/// When, by the office's clock.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// Seconds since 1970.
    pub seconds: u64,
    /// The office's day since 1970.
    pub day: i64,
    /// Its hour.
    pub hour: u8,
    /// Whether it is Saturday or Sunday.
    pub weekend: bool,
}

impl At {
    /// These seconds since 1970 in an office that is so many minutes ahead of UTC.
    #[must_use]
    pub fn new(seconds: u64, utc_offset: i16) -> Self {
        let (hour, weekday, day) = clock::office(seconds, utc_offset);
        Self { seconds, day, hour, weekend: weekday >= 6 }
    }
}

/// A record that some rule looks at.
#[derive(Debug)]
pub struct Fact {
    /// Its number among those of all gateways.
    pub index: u64,
    /// When.
    pub at: At,
    /// What it says.
    pub what: What,
}

/// What such a record says.
#[derive(Debug)]
pub enum What {
    /// People's data has gone out, or was changed.
    Seen(Seen),
    /// Somebody has tried to sign in, and whether they have.
    SignIn {
        /// Pseudonym of the account with the login's name before it.
        account: String,
        /// Pseudonym of the address.
        address: String,
        /// Whether the password was right.
        success: bool,
    },
    /// Somebody has signed in at an application after so many failures.
    Stuffed {
        /// Pseudonym of the address.
        address: String,
        /// Failures of the account from elsewhere, or failing accounts of the address.
        failures: u64,
    },
    /// Malware was found.
    Malware {
        /// Where.
        route: String,
        /// Whether it was kept out.
        refused: bool,
    },
    /// The journal is not what it was.
    Journal,
    /// The key of a class and day was destroyed.
    KeyDestroyed {
        /// Number of the class.
        class: u8,
        /// The day since 1970 whose records can't be read any more.
        day: i64,
    },
    /// A configuration was refused.
    Configuration,
    /// A URL held personal data; so many times since the last such record.
    Url(String, u64),
    /// Credentials or personal data came over cleartext.
    Cleartext(String, u64),
}

/// What has gone out to somebody.
#[derive(Debug)]
pub struct Seen {
    /// To whom; nobody where nobody had to sign in.
    pub person: Option<PersonId>,
    /// Their roles.
    pub roles: String,
    /// From where.
    pub address: Option<IpAddr>,
    /// Where.
    pub route: String,
    /// What was done: `view`, `change`...
    pub action: Action,
    /// How many people in all of the answer.
    pub people: u64,
    /// Whose data.
    pub subjects: Vec<Subject>,
    /// Whom the request has named in the form of a canary.
    pub asked: Vec<Subject>,
    /// How many neighbouring numbers were opened in a row, this one included.
    pub sequence: u64,
    /// Whether somebody in it has the reader's surname, and in how many of a hundred such answers chance has it; nothing where they were not compared.
    pub surname: Option<(bool, f64)>,
    /// Whether it is the first record of an answer.
    pub first: bool,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Looked at or taken along.
    Look,
    /// Added or changed.
    Change,
    /// Deleted.
    Delete,
}

impl Fact {
    /// What of a record counts; nothing for most kinds. `base` is what its number is beyond its index.
    #[must_use]
    pub fn of(line: &Line, base: u64, utc_offset: i16) -> Option<Self> {
        let body = &line.body;
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |name: &str| body.get(name).and_then(Value::as_u64);
        let what = match Kind::named(&line.kind)? {
            Kind::DisclosureDone => What::Seen(Seen::of(body)),
            kind @ (Kind::SignInSuccess | Kind::SignInFailure) if body.contains_key("account") => What::SignIn {
                account: format!("{} {}", text("login"), text("account")),
                address: text("address"),
                success: kind == Kind::SignInSuccess,
            },
            Kind::LoginStuffed => {
                What::Stuffed { address: text("address"), failures: number("failures").unwrap_or_default() }
            }
            Kind::MalwareFound => {
                What::Malware { route: text("route"), refused: body.get("refused") == Some(&Value::Bool(true)) }
            }
            Kind::JournalRecovered => What::Journal,
            Kind::WitnessFailed if body.get("alarm") == Some(&Value::Bool(true)) => What::Journal,
            Kind::JournalResumed if number("records_lost").unwrap_or_default() > 0 => What::Journal,
            Kind::KeyDestroyed => What::KeyDestroyed { class: class(&text("class"))?, day: day(&text("day"))? },
            Kind::ConfigRefused => What::Configuration,
            Kind::ExposureUrl => What::Url(text("route"), number("requests").unwrap_or(1)),
            Kind::ExposureCleartext => What::Cleartext(text("route"), number("requests").unwrap_or(1)),
            _ => return None,
        };
        Some(Self { index: base + line.index, at: At::new(line.time / 1000, utc_offset), what })
    }
}

impl Seen {
    fn of(body: &Map<String, Value>) -> Self {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let subjects = |name: &str| {
            let all = body.get(name).and_then(Value::as_array).into_iter().flatten();
            all.filter_map(|subject| Subject::parse(subject.as_str()?)).collect()
        };
        let failed = body.get("status").and_then(Value::as_u64).is_some_and(|status| status >= 400);
        Self {
            person: text("issuer").zip(text("person")).map(|(issuer, subject)| PersonId::new(issuer, subject)),
            roles: body.get("roles").map_or_else(String::new, Value::to_string),
            address: text("address").and_then(|address| address.parse().ok()),
            route: text("route").unwrap_or_default().to_owned(),
            action: match text("action") {
                Some("create" | "change") if !failed => Action::Change,
                Some("delete") if !failed => Action::Delete,
                _ => Action::Look,
            },
            people: body.get("people").and_then(Value::as_u64).unwrap_or_default(),
            subjects: subjects("subjects"),
            asked: subjects("asked"),
            sequence: body.get("sequence").and_then(Value::as_u64).unwrap_or_default(),
            surname: body
                .get("surname")
                .and_then(Value::as_bool)
                .zip(body.get("surname_share").and_then(Value::as_f64)),
            first: body.get("part").is_none_or(|part| part[0] == 1),
        }
    }

    /// Whether it is of few enough people that somebody meant them.
    #[must_use]
    pub fn is_opened(&self) -> bool {
        (1..=3).contains(&self.people)
    }
}

fn class(name: &str) -> Option<u8> {
    crate::journal::Class::named(name).map(|class| class as u8)
}

/// The day since 1970 of a date such as 2026-11-28.
fn day(text: &str) -> Option<i64> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let date = time::Date::parse(text, &format).ok()?;
    Some(i64::from(date.to_julian_day()) - 2_440_588)
}
