//! What Privet itself says in a notice: in Korean and English, and only what it knows.

use serde::{Deserialize, Serialize};

use crate::{
    incident::case::{Case, Status},
    registry::Moment,
};

/// The language of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Language {
    /// Korean.
    #[serde(rename = "ko")]
    Korean,
    /// English.
    #[serde(rename = "en")]
    English,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Korean, Self::English];

    /// As it is written.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        self.of_two("ko", "en")
    }

    /// The language of a tag such as `ko` or `ko-KR`.
    #[must_use]
    pub fn of(tag: &str) -> Option<Self> {
        let main = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(main))
    }

    /// One of two texts.
    #[must_use]
    pub const fn of_two<'t>(self, korean: &'t str, english: &'t str) -> &'t str {
        match self {
            Self::Korean => korean,
            Self::English => english,
        }
    }
}

/// Whom a document speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// People whose data has left.
    Confirmed,
    /// People whose data may have.
    Possible,
    /// Everybody, on the public page.
    Public,
}

impl Audience {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Confirmed, Self::Possible, Self::Public];

    /// How it is with the data of whom it speaks to.
    #[must_use]
    pub const fn status(self, language: Language) -> &'static str {
        match self {
            Self::Confirmed => language.of_two(
                "귀하의 개인정보가 유출된 사실을 확인하여 아래와 같이 알려 드립니다.",
                "Your personal data was disclosed to somebody who should not have it. This is what we know.",
            ),
            Self::Possible => language.of_two(
                "귀하의 개인정보가 유출되었을 가능성이 있어 아래와 같이 알려 드립니다.",
                "Your personal data may have been disclosed to somebody who should not have it. This is what we know.",
            ),
            Self::Public => language.of_two(
                "개인정보가 유출되었거나 유출되었을 가능성이 있어 아래와 같이 알려 드립니다.",
                "Personal data was, or may have been, disclosed to somebody who should not have it. This is what we know.",
            ),
        }
    }
}

/// What a notice is called where no officer says otherwise.
#[must_use]
pub fn title(duty: &str, language: Language) -> &'static str {
    if duty.starts_with("possible") {
        language.of_two("개인정보 유출 가능성에 대한 통지", "Notice: your personal data may be affected")
    } else {
        language.of_two("개인정보 유출등 통지", "Notice of a personal data breach")
    }
}

/// What Privet knows of an item by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// All that it asks for; an officer may say it otherwise.
    Whole(String),
    /// Some of it, which goes before what an officer says.
    Part(String),
    /// Nothing.
    Nothing,
}

/// Who tells, as the configuration says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sender<'a> {
    /// The organisation.
    pub organisation: Option<&'a str>,
    /// Its contact.
    pub contact: Option<&'a str>,
}

/// What is known of the item `key` in a case.
#[must_use]
pub fn known(key: &str, case: &Case, sender: Sender<'_>, language: Language) -> Known {
    let whole = |text: Option<String>| text.filter(|text| !text.is_empty()).map_or(Known::Nothing, Known::Whole);
    match key {
        "types" => whole(Some(types(case, language))),
        "contact" => whole(sender.contact.map(str::to_owned)),
        "sender" => {
            let both: Vec<&str> = [sender.organisation, sender.contact].into_iter().flatten().collect();
            whole(Some(both.join(", ")).filter(|_| both.len() == 2))
        }
        "people" => whole(people(case, language)),
        "when_how" | "nature" | "what_happened" => Known::Part(when(case, language)),
        _ => Known::Nothing,
    }
}

/// Types of personal data, by names that people know.
#[must_use]
pub fn types(case: &Case, language: Language) -> String {
    case.facts.types.iter().map(|name| named(name, language)).collect::<Vec<_>>().join(", ")
}

fn named(name: &str, language: Language) -> &str {
    let (korean, english) = match name {
        "EMAIL_ADDRESS" => ("전자우편 주소", "e-mail address"),
        "PHONE_NUMBER" => ("전화번호", "telephone number"),
        "PERSON" => ("성명", "name"),
        "KR_RRN" => ("주민등록번호", "resident registration number"),
        "KR_FRN" => ("외국인등록번호", "foreigner registration number"),
        "KR_PASSPORT" => ("여권번호", "passport number"),
        "KR_DRIVER_LICENSE" => ("운전면허번호", "driver's licence number"),
        "CREDIT_CARD" => ("신용카드번호", "payment card number"),
        "IBAN_CODE" | "KR_BANK_ACCOUNT" => ("계좌번호", "bank account number"),
        "IP_ADDRESS" => ("IP 주소", "IP address"),
        "DATE_OF_BIRTH" => ("생년월일", "date of birth"),
        "LOCATION" => ("주소", "postal address"),
        "US_SSN" => ("미국 사회보장번호", "social security number"),
        "PASSWORD" => ("비밀번호", "password"),
        name => return name,
    };
    language.of_two(korean, english)
}

/// How many people's data it was.
#[must_use]
pub fn people(case: &Case, language: Language) -> Option<String> {
    let count = case.count?;
    Some(match language {
        Language::Korean => format!("확인 {}명, 가능성 있음 {}명", count.confirmed, count.possible),
        Language::English => format!("{} confirmed, {} possible", count.confirmed, count.possible),
    })
}

/// When it was, as far as it is known.
#[must_use]
pub fn when(case: &Case, language: Language) -> String {
    let scope = &case.scope;
    let time = |moment: Option<Moment>| moment.map_or_else(|| "?".to_owned(), |moment| moment.to_string());
    let sure = case.status == Status::Confirmed;
    match language {
        Language::Korean => {
            let period = match (scope.since, scope.until) {
                (None, None) => String::new(),
                (since, until) => format!("{}부터 {}까지의 기간에 발생. ", time(since), time(until)),
            };
            format!("{period}{} {}", case.known_at, if sure { "인지." } else { "유출 가능성을 인지." })
        }
        Language::English => {
            let period = match (scope.since, scope.until) {
                (None, None) => String::new(),
                (since, until) => format!("Between {} and {}. ", time(since), time(until)),
            };
            format!("{period}{} since {}.", if sure { "Known" } else { "Suspected" }, case.known_at)
        }
    }
}
