//! Names, by honorifics and by where they stand. There is no model: a name that nothing points at is not seen.

use super::Out;
use crate::privacy::finding::{Finding, Kind};

const SURNAMES: &str = "김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구민류나진지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용";
/// What stands before 님 or 씨 without being a name.
const TITLES: &str = "|고객|선생|회원|사장|부장|과장|차장|대리|팀장|교수|원장|기사|부모|어머|아버|이용자|신청인|신청자|고객분|임차인|임대인|조합원|지원자|연구원|공무원|상담원|변호사|간호사|\
주임|사원|담당자|보호자|배우자|방문자|구매자|의뢰인|고소인|민원인|수급자|피해자|환자|가입자|실장|국장|소장|이사|대표|상무|전무|회장|의원|위원|위원장|주무관|사무관|조교|강사|전문의|\
당사자|본인|신고인|주민|유저|하느|스승|형|누|도련|서방|손|임직원|원고|피고|명의자|계약자|";

/// What offices and things end with, where people do not.
const THINGS: &[&str] = &[
    "센터",
    "카드",
    "팀",
    "구청",
    "시청",
    "군청",
    "은행",
    "회사",
    "번호",
    "처리",
    "연락처",
    "주소",
    "도로과",
    "민원실",
    "보험",
    "병원",
    "약국",
    "학교",
];

/// Honorifics that follow a name, or the titles of an office.
const AFTER: &[&str] = &[
    "님",
    "씨",
    "과장",
    "대리",
    "팀장",
    "부장",
    "차장",
    "사원",
    "주임",
    "사무관",
    "주무관",
    "교수",
    "박사",
    "변호사",
    "책임",
    "선임",
    "수석",
    "실장",
    "대표",
    "이사",
    "원장",
    "선생",
    "의사",
    "간호사",
    "귀하",
];

/// [`char::is_alphabetic`]; Hangul is not looked up.
fn is_letter(char: char) -> bool {
    is_hangul(char) || char.is_alphabetic()
}

fn is_hangul(char: char) -> bool {
    ('가'..='힣').contains(&char)
}

fn is_name(name: &str) -> bool {
    let count = name.chars().count();
    (2..=4).contains(&count)
        && name.chars().all(is_hangul)
        && name.chars().next().is_some_and(|first| SURNAMES.contains(first))
        && !TITLES.contains(&format!("|{name}|"))
        && !THINGS.iter().any(|end| name.ends_with(end))
}

/// The Hangul that ends at `end`, of at most `most` syllables.
fn hangul_before(text: &[u8], end: usize, most: usize) -> Option<&str> {
    let mut start = end;
    while end - start < 3 * most && start >= 3 {
        match std::str::from_utf8(&text[start - 3..start]) {
            Ok(syllable) if syllable.chars().all(is_hangul) => start -= 3,
            _ => break,
        }
    }
    std::str::from_utf8(&text[start..end]).ok().filter(|s| !s.is_empty())
}

/// Reads before 님 or 씨, whose second byte stands at `at`; where reading goes on.
pub(super) fn honorific(text: &[u8], at: usize, out: &mut Out<'_>) -> usize {
    let known = at > 0 && matches!(text.get(at - 1..at + 2), Some([0xEB, 0x8B, 0x98] | [0xEC, 0x94, 0xA8]));
    if known && out.wants(&Kind::Person) {
        name_before(text, at - 1, 3, out);
    }
    at + 1
}

/// A name of at least `least` syllables that ends at `end` or a space before it.
fn name_before(text: &[u8], end: usize, least: usize, out: &mut Out<'_>) {
    let end = end - usize::from(end > 0 && text[end - 1] == b' ');
    let Some(name) = hangul_before(text, end, 5) else { return };
    if name.chars().count() >= least && is_name(name) {
        out.push(Finding::new(Kind::Person, end - name.len()..end, 75));
    }
}

/// A name before a value in brackets: `김서윤(920415-…`, `이지혜 대리(010-…`.
pub(super) fn before_bracket(text: &[u8], value: usize, out: &mut Out<'_>) {
    if !out.wants(&Kind::Person) || value == 0 || text[value - 1] != b'(' {
        return;
    }
    let mut end = value - 1;
    end -= usize::from(end > 0 && text[end - 1] == b' ');
    for title in AFTER {
        if text[..end].ends_with(title.as_bytes()) {
            end -= title.len();
            end -= usize::from(end > 0 && text[end - 1] == b' ');
            break;
        }
    }
    name_before(text, end, 3, out);
}

/// The name that a labelled value begins with; its length.
pub(super) fn leading(value: &[u8]) -> Option<usize> {
    let text = match std::str::from_utf8(value) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&value[..error.valid_up_to()]).ok()?,
    };
    let hangul: String = text.chars().take(6).take_while(|c| is_hangul(*c)).collect();
    if !hangul.is_empty() {
        let count = hangul.chars().count();
        let rest: &str = &text[hangul.len()..];
        let taken = match count {
            2..=4 => hangul.clone(),
            // A particle or an honorific is written on.
            5 | 6 => hangul.chars().take(3).collect(),
            _ => return None,
        };
        let trimmed = AFTER
            .iter()
            .find_map(|title| taken.strip_suffix(title))
            .filter(|t| t.chars().count() > 1)
            .unwrap_or(&taken);
        return (is_name(trimmed) || count <= 4 && rest.is_empty()).then_some(trimmed.len());
    }
    han(text).or_else(|| latin(text))
}

/// Two to eight signs of Chinese or Japanese names, in up to two words.
fn han(text: &str) -> Option<usize> {
    let of_name = |c: &char| matches!(c, '\u{3041}'..='\u{30FF}' | '\u{4E00}'..='\u{9FFF}' | '々');
    let first: usize = text.chars().take(9).take_while(of_name).map(char::len_utf8).sum();
    if !(6..=24).contains(&first) {
        return None;
    }
    let rest = text[first..].strip_prefix(' ').unwrap_or_default();
    let second: usize = rest.chars().take(5).take_while(of_name).map(char::len_utf8).sum();
    Some(if (3..=12).contains(&second) && first <= 12 { first + 1 + second } else { first })
}

/// One to five words that begin with capitals.
fn latin(text: &str) -> Option<usize> {
    let mut end = 0;
    let mut words = 0;
    for word in text.split_inclusive([' ', '+']).take(5) {
        let bare = word.trim_end_matches([' ', '+', ',', '.']);
        let particle =
            words > 0 && matches!(bare, "van" | "der" | "de" | "la" | "von" | "da" | "di" | "del" | "bin" | "al");
        let name = bare.chars().next().is_some_and(char::is_uppercase)
            && bare.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '.' | '’'));
        if !(name || particle) {
            break;
        }
        words += 1;
        end = word.as_ptr() as usize - text.as_ptr() as usize + bare.len();
        if word.len() > bare.len() + 1 || word.contains(',') {
            break;
        }
    }
    (words > 0 && end > 1).then_some(end)
}

/// Whether a value in quotes is a name as a whole; its length.
pub(super) fn whole(value: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(value).ok()?;
    let (mut letters, mut words, mut named) = (0, 1, false);
    for char in text.chars() {
        let letter = is_letter(char);
        if !letter && !matches!(char, ' ' | '-' | '\'' | '.' | ',' | '’' | '·' | '+') {
            return None;
        }
        letters += usize::from(letter);
        words += usize::from(matches!(char, ' ' | '+'));
        // One word in small letters is an identifier sooner than a name.
        named |= char > '\u{2FF}' || char.is_uppercase();
    }
    (letters > 1 && words < 7 && named && text.len() <= 80).then_some(text.len())
}

/// Reads a name behind `Mr`, `Mrs`, `Ms` or `Dr`, whose first letter stands at `at`; where reading goes on.
pub(super) fn titled(text: &[u8], at: usize, out: &mut Out<'_>) -> usize {
    let title = &text[at..text.len().min(at + 5)];
    let width = match title {
        [b'M', b'r', b's', b'.', b' '] => 5,
        [b'M', b'r' | b's', b'.', b' ', ..] | [b'D', b'r', b'.', b' ', ..] => 4,
        [b'M', b'r', b's', b' ', ..] => 4,
        [b'M', b'r' | b's', b' ', ..] | [b'D', b'r', b' ', ..] => 3,
        _ => return at + 1,
    };
    let joined = at > 0 && (text[at - 1].is_ascii_alphanumeric() || text[at - 1] >= 0x80);
    let start = at + width;
    let rest = &text[start..text.len().min(start + 60)];
    let line = rest.iter().position(|b| *b == b'\n').map_or(rest, |n| &rest[..n]);
    let valid = match std::str::from_utf8(line) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&line[..error.valid_up_to()]).unwrap_or_default(),
    };
    match latin(valid) {
        Some(length) if !joined && out.wants(&Kind::Person) => {
            out.push(Finding::new(Kind::Person, start..start + length, 80));
            start + length
        }
        _ => at + 1,
    }
}
