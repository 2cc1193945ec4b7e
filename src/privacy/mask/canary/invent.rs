//! Values of somebody who does not exist, in the form of those of people who do.

use std::fmt::Write as _;

const FAMILIES: [&str; 16] =
    ["김", "이", "박", "최", "정", "강", "조", "윤", "장", "임", "한", "오", "서", "신", "권", "황"];
const GIVEN: [&str; 16] = [
    "서준", "하은", "지호", "수아", "도윤", "지우", "예준", "민서", "현우", "유진", "준서", "다은", "건우", "채원",
    "우진", "소율",
];
const FAMILIES_LATIN: [&str; 16] = [
    "Miller", "Carter", "Bennett", "Foster", "Hughes", "Palmer", "Russell", "Spencer", "Turner", "Walsh", "Barker",
    "Dawson", "Ellis", "Graham", "Holmes", "Porter",
];
const GIVEN_LATIN: [&str; 16] = [
    "Emma", "Liam", "Nora", "Owen", "Clara", "Felix", "Hanna", "Jonas", "Laura", "Martin", "Nina", "Oscar", "Paula",
    "Simon", "Tessa", "Victor",
];
const PLACES: [&str; 8] = [
    "서울특별시 중구",
    "부산광역시 해운대구",
    "대구광역시 수성구",
    "인천광역시 남동구",
    "광주광역시 서구",
    "대전광역시 유성구",
    "경기도 수원시",
    "강원특별자치도 춘천시",
];
const PLACES_LATIN: [&str; 8] =
    ["Springfield", "Riverside", "Greenville", "Fairview", "Madison", "Georgetown", "Salem", "Clinton"];
const SYLLABLES: [char; 16] =
    ['가', '나', '다', '라', '마', '바', '사', '아', '자', '차', '하', '고', '도', '리', '미', '수'];
/// Longest text that is a word, and not prose, in bytes.
const WORD: usize = 64;

/// Numbers in a row (splitmix64): whoever knows one does not get beyond it, for each begins at the end of a hash.
#[derive(Debug)]
pub(super) struct Draw(pub(super) u64);

impl Draw {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    pub(super) fn digit(&mut self) -> char {
        char::from(b'0' + u8::try_from(self.below(10)).unwrap_or_default())
    }

    fn one_of<T: Copy>(&mut self, list: &[T; 16]) -> T {
        list[usize::try_from(self.below(16)).unwrap_or_default()]
    }

    fn letter(&mut self, first: u8) -> char {
        char::from(first + u8::try_from(self.below(26)).unwrap_or_default())
    }
}

/// A random UUID (RFC 9562, version 4).
pub(super) fn uuid(draw: &mut Draw) -> String {
    let all = (u128::from(draw.next()) << 64 | u128::from(draw.next())) & !(0xF << 76) & !(0x3 << 62);
    let hex = format!("{:032x}", all | 0x4 << 76 | 0x2 << 62);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// An address of mail that looks as if somebody had it.
pub(super) fn mail(draw: &mut Draw, domain: &str) -> String {
    let mut local: String = (0..3).map(|_| draw.letter(b'a')).collect();
    let _ = write!(local, "{:05}", draw.below(100_000));
    format!("{local}@{domain}")
}

/// A name in the script of `like`, and with as many parts.
pub(super) fn name(draw: &mut Draw, like: &str, is_of_family: bool) -> String {
    let (family, given) = (draw.below(16), draw.below(16));
    let [family, given] = [family, given].map(|n| usize::try_from(n).unwrap_or_default());
    if like.chars().any(is_hangul) {
        return match like.chars().count() {
            // A family's alone, or one's own.
            1 => FAMILIES[family].to_owned(),
            2 => GIVEN[given].to_owned(),
            _ => format!("{}{}", FAMILIES[family], GIVEN[given]),
        };
    }
    let (family, given) = (FAMILIES_LATIN[family], GIVEN_LATIN[given]);
    match like.trim() {
        like if like.contains(',') => format!("{family}, {given}"),
        like if like.contains(' ') => format!("{given} {family}"),
        like if like.chars().all(|c| c.is_ascii_lowercase()) => given.to_ascii_lowercase(),
        _ if is_of_family => family.to_owned(),
        _ => given.to_owned(),
    }
}

/// Where somebody could live: no house has this address.
pub(super) fn place(draw: &mut Draw, like: &str) -> String {
    let at = usize::try_from(draw.below(8)).unwrap_or_default();
    if like.chars().any(is_hangul) { PLACES[at] } else { PLACES_LATIN[at] }.to_owned()
}

/// `digits` with the signs between them that `like` has, where it has as many digits.
pub(super) fn with_signs(digits: &str, like: &str) -> String {
    let is_digit = |c: &char| c.is_ascii_digit();
    let mut own = digits.chars().filter(is_digit);
    if own.clone().count() != like.chars().filter(is_digit).count() || !like.is_ascii() {
        return digits.to_owned();
    }
    like.chars().map(|c| if c.is_ascii_digit() { own.next().unwrap_or(c) } else { c }).collect()
}

/// A text of the form of `like`, of which no digit and no letter is left; nothing where that is prose, or can't be known to be none.
pub(super) fn word(draw: &mut Draw, like: &str) -> String {
    if let Some(date) = date(draw, like, None) {
        return date;
    }
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '@' | '<' | '>' | '{' | '}' | '"') || is_hangul(c);
    if like.len() > WORD || !like.chars().all(plain) {
        return String::new();
    }
    if super::super::settings::is_uuid(like.as_bytes()) {
        return uuid(draw);
    }
    let sign = |c: char| match c {
        '0'..='9' => draw.digit(),
        'a'..='z' => draw.letter(b'a'),
        'A'..='Z' => draw.letter(b'A'),
        c if is_hangul(c) => draw.one_of(&SYLLABLES),
        c => c,
    };
    like.chars().map(sign).collect()
}

/// A number of the form of `like`; the first digit of several is no zero.
pub(super) fn number(draw: &mut Draw, like: &str) -> String {
    let (mantissa, exponent) = like.split_at(like.find(['e', 'E']).unwrap_or(like.len()));
    let integer = mantissa.trim_start_matches('-').find('.').unwrap_or(mantissa.trim_start_matches('-').len());
    let mut first = true;
    let mut digit = |c: char| {
        if !c.is_ascii_digit() {
            return c;
        }
        let leads = std::mem::replace(&mut first, false) && integer > 1;
        if leads { char::from(b'1' + u8::try_from(draw.below(9)).unwrap_or_default()) } else { draw.digit() }
    };
    let mantissa: String = mantissa.chars().map(&mut digit).collect();
    mantissa + exponent
}

/// A date of the form of `like` (2026-05-01, 2026.5.1, 2026-05-01T10:00:00Z), in `year` or the one before its own; nothing where it is none.
pub(super) fn date(draw: &mut Draw, like: &str, year: Option<u64>) -> Option<String> {
    let known = |b: u8| b.is_ascii_digit() || matches!(b, b'-' | b'/' | b'.' | b':' | b'T' | b'Z' | b'+' | b' ');
    let starts = like
        .as_bytes()
        .first_chunk::<5>()
        .is_some_and(|[year @ .., sign]| year.iter().all(u8::is_ascii_digit) && matches!(sign, b'-' | b'/' | b'.'));
    if !starts || like.len() > 35 || !like.bytes().all(known) {
        return None;
    }
    let mut out = String::new();
    let mut rest = like;
    for part in 0.. {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let width = end;
        let number = match part {
            0 => year.or_else(|| rest[..end].parse::<u64>().ok()?.checked_sub(1))?,
            1 => 1 + draw.below(12),
            2 => 1 + draw.below(28),
            3 => draw.below(24),
            4 | 5 => draw.below(60),
            _ => draw.next() % 10_u64.checked_pow(u32::try_from(width.min(9)).ok()?)?,
        };
        if width == 0 || part > 0 && part < 6 && width > 2 {
            return None;
        }
        let _ = write!(out, "{number:0width$}");
        rest = &rest[end..];
        let Some(sign) = rest.chars().next() else { break };
        // What says where clocks stand so is nobody's.
        if matches!(sign, 'Z' | '+') {
            out.push_str(rest);
            break;
        }
        out.push(sign);
        rest = &rest[1..];
    }
    Some(out)
}

fn is_hangul(c: char) -> bool {
    ('가'..='힣').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_stay_and_values_do_not() {
        let mut draw = Draw(7);
        for like in ["2026-05-01", "2026.5.11", "2026-05-01T10:00:00Z", "2026-05-01 10:00:00.123+09:00"] {
            let made = date(&mut draw, like, None).expect("a date");
            assert!(made.starts_with("2025") && made.contains(&like[4..5]), "{like}: {made}");
            assert_eq!(made.contains('Z'), like.contains('Z'), "{made}");
        }
        assert_eq!(date(&mut draw, "2026-05", Some(1980)).map(|made| made[..5].to_owned()), Some("1980-".to_owned()));
        for none in ["2026", "20260501", "2026-", "2026-05-01T10h", "12-05-2026", "2026--1", "2026-123"] {
            assert_eq!(date(&mut draw, none, None), None, "{none}");
        }
        for like in ["AB-1234", "x", "민수", "a.b_c"] {
            let made = word(&mut draw, like);
            assert_eq!(made.chars().count(), like.chars().count(), "{like}: {made}");
        }
        for prose in ["called twice", "a\nb", "<b>", "/customers/17", "張三", &"x".repeat(65)] {
            assert_eq!(word(&mut draw, prose), "", "{prose}");
        }
        for (like, length) in [("37", 2), ("-1.25e3", 7), ("0.5", 3), ("7", 1), ("1200", 4)] {
            let made = number(&mut draw, like);
            assert!(made.len() == length && serde_json::from_str::<f64>(&made).is_ok(), "{like}: {made}");
        }
        assert_eq!(with_signs("202-555-0142", "(650) 123-4567"), "(202) 555-0142");
        assert_eq!(with_signs("202-555-0142", "010-1234-5678"), "202-555-0142");
        assert_eq!(uuid(&mut draw).len(), 36);
        assert_eq!(uuid(&mut draw).as_bytes()[14], b'4');
        for (like, parts) in [("Kim, Minsu", ", "), ("Min Kim", " "), ("김민수", ""), ("김", ""), ("minsu", "")] {
            assert!(name(&mut draw, like, false).contains(parts), "{like}");
        }
        assert!(mail(&mut draw, "shop.example").ends_with("@shop.example"));
    }
}
