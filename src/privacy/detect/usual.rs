//! Fields that are told in one look: what their name says is remembered, and a value that has just the usual form of it is that as a whole.
//!
//! This decides nothing by itself: what it answers is what the families answer ([`Detector::detect_field`]), and a test holds both to the
//! same. Whatever is not of a usual form is left to them.

use super::{
    Detector,
    label::{self, Label},
    person, skip,
};
use crate::privacy::{
    context::{Context, Topic},
    finding::Kind,
};

/// What the name of a field says of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::privacy) enum Expected {
    /// Nothing at all.
    Nothing,
    /// That its numbers are a thing's: of an order, of a version.
    Thing,
    /// A name.
    Name,
    /// A postal address.
    Address,
    /// An address of mail.
    Mail,
    /// A number of this kind.
    Phone,
    Rrn,
    Card,
    /// Something else, or the settings ask for more than a look.
    Other,
}

/// What one look tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::privacy) enum Told {
    /// There is nothing in the value.
    Nothing,
    /// All of it is one of these.
    Whole(&'static Kind),
    /// One has to look closer.
    Unsure,
}

impl Detector {
    /// What the values of fields called `name` are to be.
    pub(in crate::privacy) fn expect(&self, name: &[u8]) -> Expected {
        // The forms below are all surer than this.
        const SURE: u8 = 75;
        if !self.own.is_empty() || !self.allowed.is_empty() || self.threshold > SURE || name.len() > 40 {
            return Expected::Other;
        }
        let text = [name, b": "].concat();
        let context = Context::around(&text, text.len()..text.len());
        match label::label(name) {
            Some(Label::Name) if context.is_empty() => return Expected::Name,
            Some(Label::Address) if context.is_empty() => return Expected::Address,
            Some(_) => return Expected::Other,
            None => {}
        }
        let only = |topic| context.speaks_of(topic) && context.is_only(topic);
        if context.is_empty() {
            Expected::Nothing
        } else if only(Topic::Other) {
            Expected::Thing
        } else if only(Topic::Email) {
            Expected::Mail
        } else if only(Topic::Phone) {
            Expected::Phone
        } else if only(Topic::Rrn) {
            Expected::Rrn
        } else if only(Topic::Card) {
            Expected::Card
        } else {
            Expected::Other
        }
    }

    /// Looks at a value once.
    pub(in crate::privacy) fn look(&self, expected: Expected, value: &[u8]) -> Told {
        let kind = match expected {
            Expected::Other => return Told::Unsure,
            Expected::Nothing | Expected::Thing if is_plain_number(value) || is_time(value) => return Told::Nothing,
            Expected::Address if is_korean_address(value) => &Kind::Location,
            Expected::Name if skip::next(value, 0, value.len()).is_none() => match person::whole(value) {
                Some(_) => &Kind::Person,
                None => return Told::Nothing,
            },
            Expected::Phone if has_form(value, b"010-dddd-dddd") => &Kind::Phone,
            Expected::Rrn if has_form(value, b"dddddd-ddddddd") && is_born(value) => &Kind::KrRrn,
            Expected::Card if has_form(value, b"4ddd dddd dddd dddd") => &Kind::CreditCard,
            Expected::Name | Expected::Address => return Told::Unsure,
            _ if skip::next(value, 0, value.len()).is_none() => return Told::Nothing,
            _ if is_mail(value) => &Kind::Email,
            _ => return Told::Unsure,
        };
        if kind.index().is_some_and(|i| self.on[i]) { Told::Whole(kind) } else { Told::Unsure }
    }
}

/// Whether `value` is `form` with any digit for each `d`.
#[inline]
fn has_form<const N: usize>(value: &[u8], form: &[u8; N]) -> bool {
    // All of it, without a branch a byte.
    let fits = |(&b, &f): (&u8, &u8)| if f == b'd' { b.is_ascii_digit() } else { b == f };
    <&[u8; N]>::try_from(value).is_ok_and(|value| value.iter().zip(form).fold(true, |all, pair| all & fits(pair)))
}

/// Whether a resident number begins with a day of the twentieth century that every month has.
fn is_born(value: &[u8]) -> bool {
    let two = |i: usize| (value[i] - b'0') * 10 + (value[i + 1] - b'0');
    matches!(two(2), 1..=12) && matches!(two(4), 1..=28) && matches!(value[7], b'1' | b'2')
}

/// Whether it is a number of which no type is without a keyword: at most eight digits, with or without a fraction.
fn is_plain_number(value: &[u8]) -> bool {
    let whole = value.iter().take_while(|b| b.is_ascii_digit()).count();
    match value.get(whole) {
        None => (1..9).contains(&whole),
        Some(b'.') => {
            let fraction = &value[whole + 1..];
            (1..9).contains(&whole) && (1..3).contains(&fraction.len()) && fraction.iter().all(u8::is_ascii_digit)
        }
        Some(_) => false,
    }
}

/// Whether it is a time as RFC 3339 has it, in UTC.
fn is_time(value: &[u8]) -> bool {
    has_form(value, b"20dd-dd-ddTdd:dd:ddZ") || has_form(value, b"20dd-dd-ddTdd:dd:dd.dddZ")
}

/// Whether it is Korean words with short numbers between: province, district, road, house, floor.
fn is_korean_address(value: &[u8]) -> bool {
    let mut rest = value;
    let (mut run, mut letters) = (0, 0);
    while let [first, behind @ ..] = rest {
        if *first < 0x80 {
            run = if first.is_ascii_digit() { run + 1 } else { 0 };
            if run > 3 || run == 0 && !matches!(first, b' ' | b',') {
                return false;
            }
            rest = behind;
        } else {
            let Some((syllable, behind)) = rest.split_first_chunk::<3>() else { return false };
            if !is_syllable(*syllable) {
                return false;
            }
            (rest, run, letters) = (behind, 0, letters + 1);
        }
    }
    letters > 6 && value.len() <= 120 && value[0] >= 0x80
}

/// Whether it is a syllable of Hangul in UTF-8, and no honorific.
fn is_syllable(bytes: [u8; 3]) -> bool {
    const fn word(bytes: &[u8]) -> u32 {
        u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]])
    }
    const FIRST: u32 = word("가".as_bytes());
    const LAST: u32 = word("힣".as_bytes());
    let own = word(&bytes);
    (FIRST..=LAST).contains(&own)
        && own & 0xC0C0 == 0x8080
        && own != const { word("님".as_bytes()) }
        && own != const { word("씨".as_bytes()) }
}

/// Whether `value` is an address of the plainest kind.
fn is_mail(value: &[u8]) -> bool {
    let (mut at, mut is_parted) = (None, true);
    for (i, &byte) in value.iter().enumerate() {
        // Words of letters and digits, parted by one sign each.
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => is_parted = false,
            b'.' | b'@' if is_parted => return false,
            b'@' if at.replace(i).is_some() => return false,
            b'.' | b'@' => is_parted = true,
            _ => return false,
        }
    }
    let Some(at) = at else { return false };
    let starts = |i: usize| value.get(i).is_some_and(u8::is_ascii_lowercase);
    let top = [&b".com"[..], b".net", b".org", b".kr"];
    value.len() <= 60 && starts(0) && starts(at + 1) && top.iter().any(|top| value[at + 1..].ends_with(top))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::settings::Settings;

    /// What the families say.
    fn told(detector: &Detector, name: &[u8], value: &[u8]) -> Told {
        match detector.detect_field(name, value).as_slice() {
            [] => Told::Nothing,
            [only] if only.start == 0 && only.end == value.len() => {
                let kind = only.kind.index().expect("built in");
                Told::Whole(&Kind::ALL[kind])
            }
            _ => Told::Unsure,
        }
    }

    const NAMES: &str = "id|name|email|phone|mobile|rrn|card|cardNumber|title|order_id|성명|전화|전화번호|주민등록번호|주소|address|order|version|customerName|\
        price|x||ts|level|count|user|tel|ssn|account|카드번호|mail";
    const FORMS: &str = "dddddddd|ddddddddd|0ddddddd|dddddd.d|20dd-dd-ddTdd:dd:ddZ|20dd-dd-ddTdd:dd:dd.dddZ|서울특별시 강남구 테헤란로 dd, d층|\
        부산광역시 해운대구 센텀중앙로 ddd|대전광역시 유성구 대학로 d, dd층|경기도 성남시 분당구 판교역로 ddd번길 dd|010-dddd-dddd|dddddd-ddddddd|4ddd dddd dddd dddd|d|\
        dd|ddd|dddd|ddddd|dddddd|ddddddd|word|Word Word|김민수|김 민수|kim.dd@example.com|kimddd@mail.example.org|k@example.co.kr|\
        kim@localhost.kr|010dddddddd@naver.com|word word|Mr. Word|a b@c.com|word's|true|***|김**|010-****-dddd|N/A|010-dddd-ddd|\
        noreply@example.com|dddd.dd|2026-11-dd|admin@example.net|x@1.com|Word, W.|ALL CAPS|김서윤님|word님";

    #[test]
    fn one_look_tells_what_a_closer_one_does() {
        let detector = Detector::new(&Settings::default());
        let mut random = fastrand::Rng::with_seed(3);
        let mut quick = 0;
        for name in NAMES.split('|') {
            let expected = detector.expect(name.as_bytes());
            for form in FORMS.split('|') {
                for _ in 0..40 {
                    let value: String = form
                        .chars()
                        .map(|c| match c {
                            'd' if form != "word" && !form.contains("wo") && !form.contains("ad") => random.digit(10),
                            other => other,
                        })
                        .collect();
                    let look = detector.look(expected, value.as_bytes());
                    if look != Told::Unsure {
                        quick += 1;
                        assert_eq!(look, told(&detector, name.as_bytes(), value.as_bytes()), "{name}: {value}");
                    }
                }
            }
        }
        assert!(quick > 10_000, "{quick}");
    }
}
