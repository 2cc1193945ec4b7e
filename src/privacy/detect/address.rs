//! Korean addresses by their grammar: province, city or district, road or quarter, numbers (Road name address act, article 2).

use super::{Out, REACH};
use crate::privacy::finding::{Finding, Kind};

const PROVINCES: &[&str] = &[
    "서울", "부산", "대구", "인천", "광주", "대전", "울산", "세종", "경기", "강원", "충청", "충북", "충남", "전라",
    "전북", "전남", "경상", "경북", "경남", "제주",
];
/// What the word before a building's number ends with.
const ROADS: &[&str] = &["로", "길", "동", "리", "가", "읍", "면"];
const REGIONS: &[&str] = &["시", "도", "군", "구", "읍", "면"];
/// What may follow a number within an address.
const UNITS: &[&str] = &["번길", "번지", "길", "로", "동", "호", "층", "가", "블록", "단지", "차"];

/// Whether a number at `at` may be a building's: the word before it is of an address.
pub(super) fn is_near(text: &[u8], at: usize) -> bool {
    let before = text[..at].strip_suffix(b" ").unwrap_or(&text[..at]);
    before.len() >= 12
        && before.last().is_some_and(|b| *b >= 0x80)
        && ROADS.iter().any(|end| before.ends_with(end.as_bytes()))
}

/// Reads the address around the number at `at`; where it ends.
pub(super) fn read(text: &[u8], at: usize, out: &mut Out<'_>) -> Option<usize> {
    let start = start(text, at)?;
    let end = end(text, at);
    if end == at || !out.wants(&Kind::Location) {
        return None;
    }
    out.push(Finding::new(Kind::Location, start..end, 80));
    Some(end)
}

/// The first word of the region, where one or more regions stand before the road.
fn start(text: &[u8], at: usize) -> Option<usize> {
    let from = at.saturating_sub(REACH);
    let from = (from..at).find(|&i| text[i] & 0xC0 != 0x80)?;
    let before = std::str::from_utf8(&text[from..at]).ok()?;
    let line = before.rsplit('\n').next()?;
    let offset = at - line.len();
    let mut pos = line.len();
    let (mut first, mut regions) = (None, 0);
    for word in line.trim_end().rsplit(' ').take(7) {
        pos = word.as_ptr() as usize - line.as_ptr() as usize;
        // What stands in brackets or behind a colon before the address is not of it.
        let cut = word.char_indices().rfind(|(_, c)| !c.is_alphanumeric()).map_or(0, |(i, c)| i + c.len_utf8());
        let bare = &word[cut..];
        let region = bare.chars().count() > 1 && REGIONS.iter().any(|end| bare.ends_with(end));
        let province = PROVINCES.iter().any(|p| bare.starts_with(p)) && (region || bare.chars().count() == 2);
        if region || province {
            regions += 1;
            first = Some(pos + cut);
        }
        if province || cut > 0 {
            break;
        }
    }
    let _ = pos;
    first.filter(|_| regions > 0).map(|i| offset + i)
}

/// Behind the last number, unit or quarter in brackets.
fn end(text: &[u8], at: usize) -> usize {
    let mut end = at;
    let mut pos = at;
    loop {
        let rest = &text[pos..];
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || digits > 4 || rest[0] == b'0' {
            return end;
        }
        let mut width = digits;
        if rest.get(width) == Some(&b'-') {
            let more = rest[width + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
            width += if (1..=4).contains(&more) { more + 1 } else { 0 };
            // Three groups are a telephone number.
            if rest.get(width) == Some(&b'-') {
                return end;
            }
        }
        let unit = UNITS.iter().find(|unit| rest[width..].starts_with(unit.as_bytes())).map_or(0, |unit| unit.len());
        // A number that another word is written on to counts something else.
        if unit == 0 && rest.get(width).is_some_and(|b| *b == b'%' || b.is_ascii_alphabetic())
            || rest[width + unit..].starts_with("원".as_bytes())
        {
            return end;
        }
        end = pos + width + unit;
        pos = end;
        end = bracket(text, end);
        pos = pos.max(end);
        let rest = &text[pos..];
        let gap = match rest {
            [b',', b' ', ..] => 2,
            [b' ', ..] => 1,
            _ => return end,
        };
        pos += gap + building(&rest[gap..]);
    }
}

/// `(역삼동)` behind an address: where it ends.
fn bracket(text: &[u8], end: usize) -> usize {
    let rest = &text[end..text.len().min(end + 40)];
    let open = match rest {
        [b' ', b'(', ..] => 2,
        [b'(', ..] => 1,
        _ => return end,
    };
    match rest.iter().position(|b| *b == b')') {
        Some(close) if rest[..close].ends_with("동".as_bytes()) && rest[open..close].iter().all(|b| *b >= 0x80) => {
            end + close + 1
        }
        _ => end,
    }
}

/// The name of a building that a number with a unit follows: `롯데캐슬 102동`; its width.
fn building(rest: &[u8]) -> usize {
    let name = rest.iter().take(36).take_while(|b| **b >= 0x80).count();
    if name == 0 || rest.get(name) != Some(&b' ') {
        return 0;
    }
    let number = rest[name + 1..].iter().take(5).take_while(|b| b.is_ascii_digit()).count();
    let unit = &rest[name + 1 + number..];
    if number > 0 && ["동", "호", "층"].iter().any(|u| unit.starts_with(u.as_bytes())) { name + 1 } else { 0 }
}
