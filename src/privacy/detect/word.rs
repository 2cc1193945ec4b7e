//! Words of letters and digits: passports, account numbers, national codes, keys and tokens.

use std::ops::Range;

use super::{Out, cluster::is_date, crypto::crypto, near::Topics, network, secret::secret};
use crate::privacy::{
    checksum,
    context::{Context, Topic},
    finding::{Finding, Kind},
};

/// Longest word that is looked at; a longer one is data of machines, unless its beginning says otherwise.
pub(super) const LONGEST: usize = 128;

/// Letters and digits. A hash has both at random, so that branches between them would go wrong at every other sign.
const SIGN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

/// Reads the word around the digit at `at`; where reading goes on.
pub(super) fn read(text: &[u8], at: usize, out: &mut Out<'_>) -> usize {
    let mut start = at;
    while start > 0 && at - start < LONGEST && SIGN[usize::from(text[start - 1])] {
        start -= 1;
    }
    let mut end = at;
    while end < text.len() && SIGN[usize::from(text[end])] {
        end += 1;
    }
    if at - start == LONGEST {
        return end;
    }
    if let Some(end) = uuid(text, start) {
        return end;
    }
    // Hashes and ids of traces: nothing is written in so many hexadecimal digits alone, but behind the name of a scheme.
    if end - start >= 20
        && end - start != 42
        && (start == 0 || !matches!(text[start - 1], b' ' | b'_' | b'-' | b'.'))
        && !text[start..end].iter().fold(false, |other, b| other | !(b.is_ascii_digit() | matches!(b, b'a'..=b'f')))
    {
        return end;
    }
    if let Some(end) = secret(text, start, out) {
        return end;
    }
    let clean = |byte: Option<&u8>| byte.is_none_or(|b| *b != b'_');
    if !clean(start.checked_sub(1).map(|i| &text[i])) || !clean(text.get(end)) {
        return end;
    }
    if end - start == 4
        && let Some(end) = dotted_mac(text, start, out)
    {
        return end;
    }
    if end - start == 2 {
        return mac(text, start, out).unwrap_or(end);
    }
    if let Some(end) = iban(text, start, end, out) {
        return end;
    }
    identity(text, start, end, out);
    end.max(out.last_end())
}

/// 8-4-4-4-12 (RFC 9562): where it ends.
pub(super) fn uuid(text: &[u8], start: usize) -> Option<usize> {
    let word = text.get(start..)?.first_chunk::<36>()?;
    let dashed = word[8] == b'-' && word[13] == b'-' && word[18] == b'-' && word[23] == b'-';
    // All that is no dash is hexadecimal.
    (dashed && word.iter().map(|b| u8::from(b.is_ascii_hexdigit())).sum::<u8>() == 32).then_some(start + 36)
}

/// EUI-48 in three groups of four with dots, one of which begins at `start`.
fn dotted_mac(text: &[u8], start: usize, out: &mut Out<'_>) -> Option<usize> {
    let begin = (0..3).filter_map(|k| start.checked_sub(5 * k)).find(|&s| {
        let fits = |word: &[u8]| {
            word.iter().enumerate().all(|(i, b)| if i % 5 == 4 { *b == b'.' } else { b.is_ascii_hexdigit() })
        };
        let joins = |b: &u8| b.is_ascii_alphanumeric() || *b == b'.';
        text.get(s..s + 14).is_some_and(fits)
            && !s.checked_sub(1).is_some_and(|i| joins(&text[i]))
            && !text.get(s + 14).is_some_and(u8::is_ascii_alphanumeric)
    })?;
    if out.wants(&Kind::MacAddress) {
        out.push(Finding::new(Kind::MacAddress, begin..begin + 14, 65));
    }
    Some(begin + 14)
}

/// EUI-48 with dashes, one of whose pairs begins at `start`.
fn mac(text: &[u8], start: usize, out: &mut Out<'_>) -> Option<usize> {
    let begin = (0..6).filter_map(|k| start.checked_sub(3 * k)).find(|&s| {
        text.get(s..s + 17).is_some_and(|word| network::is_mac(word, b'-'))
            && (s == 0 || !text[s - 1].is_ascii_alphanumeric())
    })?;
    if out.wants(&Kind::MacAddress) {
        out.push(Finding::new(Kind::MacAddress, begin..begin + 17, 90));
    }
    Some(begin + 17)
}

/// Countries of the IBAN registry and their lengths.
const LENGTHS: &[u8] = b"AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28\
HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18\
SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";

/// Country, check digits, and the rest in one run or in groups of four.
fn iban(text: &[u8], start: usize, end: usize, out: &mut Out<'_>) -> Option<usize> {
    let word = &text[start..end];
    if word.len() < 4 || !word[..2].iter().all(u8::is_ascii_alphabetic) || !word[2..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let country = [word[0].to_ascii_uppercase(), word[1].to_ascii_uppercase()];
    let entry = LENGTHS.chunks(4).find(|e| e[..2] == country)?;
    let length = usize::from(entry[2] - b'0') * 10 + usize::from(entry[3] - b'0');
    let mut number = Vec::with_capacity(34);
    let mut pos = start;
    while number.len() < length {
        match text.get(pos) {
            Some(b) if b.is_ascii_alphanumeric() => number.push(*b),
            Some(b' ' | b'-' | b'+') if number.len().is_multiple_of(4) && number.len() >= 4 => {}
            _ => return None,
        }
        pos += 1;
    }
    if text.get(pos).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let sure = if checksum::iban(&number) {
        95
    } else if is_beside(text, start..pos, Topic::Iban, out) {
        85
    } else {
        return None;
    };
    if !out.wants(&Kind::Iban) {
        return None;
    }
    out.push(Finding::new(Kind::Iban, start..pos, sure));
    Some(pos)
}

/// Whether a word of the topic is near.
fn is_beside(text: &[u8], value: Range<usize>, topic: Topic, out: &mut Out<'_>) -> bool {
    out.topics(&value).has_any(Topics::of(topic)) && Context::around(text, value).has(topic)
}

/// `L` a letter, `9` a digit, `*` either.
fn has_shape(word: &[u8], shape: &str) -> bool {
    word.len() == shape.len()
        && word.iter().zip(shape.bytes()).all(|(b, s)| match s {
            b'L' => b.is_ascii_alphabetic(),
            b'U' => b.is_ascii_uppercase(),
            b'9' => b.is_ascii_digit(),
            _ => b.is_ascii_alphanumeric(),
        })
}

fn digits(word: &[u8]) -> Vec<u8> {
    word.iter().filter(|b| b.is_ascii_digit()).map(|b| b - b'0').collect()
}

fn identity(text: &[u8], start: usize, end: usize, out: &mut Out<'_>) {
    let word = &text[start..end];
    let joined = |b: &u8| matches!(b, b'-' | b'.');
    // A piece of something longer, as of a serial number with dashes.
    let part =
        start.checked_sub(1).is_some_and(|i| joined(&text[i]) && start > 1 && text[start - 2].is_ascii_alphanumeric());
    let more = text.get(end).is_some_and(|b| *b == b'-') && text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
    let hetu = finnish(text, start, end).map(|(span, checked)| (span, if checked { 95 } else { 15 }));
    let candidates: Vec<(Kind, u8)> = match word.len() {
        _ if part && hetu.is_none() => Vec::new(),
        _ if hetu.is_some() => vec![(Kind::FiHetu, hetu.as_ref().map_or(0, |(_, sure)| *sure))],
        _ if more => Vec::new(),
        2..=7 => return postcode(text, start, end, out),
        8 => passports(word).into_iter().collect(),
        9 => nine(word),
        10 => ten(word).into_iter().collect(),
        15 | 16 if has_shape(word, "LLLLLL**L**L***L") => {
            vec![(Kind::ItFiscalCode, if checksum::it_fiscal(word) { 95 } else { 15 })]
        }
        18 => chinese(word).into_iter().collect(),
        26..=62 => crypto(word).map(|sure| (Kind::Crypto, sure)).into_iter().collect(),
        _ => Vec::new(),
    };
    let span = hetu.map_or(start..end, |(span, _)| span);
    if candidates.is_empty() {
        return;
    }
    let alone = out.topics(&span).is_within(Topics::OTHER);
    let context = if alone { Context::EMPTY } else { Context::around(text, span.clone()) };
    for (kind, base) in candidates {
        let beside = kind.topic().is_some_and(|topic| context.has(topic));
        let sure = if beside { (base + 70).min(98) } else { base };
        if sure >= out.threshold && out.wants(&kind) {
            out.push(Finding::new(kind, span, sure));
            return;
        }
    }
}

fn ten(word: &[u8]) -> Option<(Kind, u8)> {
    if has_shape(word, "LLLLL9999L") && b"ABCFGHLJPTK".contains(&word[3].to_ascii_uppercase()) {
        return Some((Kind::InPan, if has_shape(word, "UUUUU9999U") { 80 } else { 15 }));
    }
    // With its check digit.
    (is_de_card(&word[..9]) && word[9].is_ascii_digit()).then_some((Kind::DeIdCard, 15))
}

/// Letters that can't be taken for words (`ICAO` 9303, as the German passport ordinance narrows it).
fn is_de_card(word: &[u8]) -> bool {
    word.iter().all(|b| b.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(b))
}

/// British and Canadian codes, the first half of which is the word at hand where a space parts them; beside a keyword only.
fn postcode(text: &[u8], start: usize, end: usize, out: &mut Out<'_>) {
    let gap = usize::from(text.get(end) == Some(&b' '));
    let second = text.get(end + gap..end + gap + 3).unwrap_or_default();
    let word = &text[start..end];
    let outward = |word: &[u8]| ["L9", "L99", "LL9", "LL99", "L9L", "LL9L"].iter().any(|shape| has_shape(word, shape));
    let split = word.len().saturating_sub(3);
    let close = |at: usize| !text.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let parted = gap == 1
        && close(end + 4)
        && (outward(word) && has_shape(second, "9LL") || has_shape(word, "L9L") && has_shape(second, "9L9"));
    let whole = outward(&word[..split]) && has_shape(&word[split..], "9LL") || has_shape(word, "L9L9L9");
    if !(parted || whole) || !out.wants(&Kind::PostalCode) {
        return;
    }
    let span = start..if parted { end + 4 } else { end };
    if is_beside(text, span.clone(), Topic::Postal, out) {
        out.push(Finding::new(Kind::PostalCode, span, 85));
    }
}

fn passports(word: &[u8]) -> Option<(Kind, u8)> {
    (has_shape(word, "UU999999") || has_shape(word, "U9999999")).then_some((Kind::KrPassport, 20))
}

fn nine(word: &[u8]) -> Vec<(Kind, u8)> {
    let mut found = Vec::new();
    let number = digits(word);
    if has_shape(word, "L9999999L") {
        let upper = word[0].is_ascii_uppercase() && word[8].is_ascii_uppercase();
        let word = word.to_ascii_uppercase();
        if checksum::sg_letter(word[0], &number) == Some(word[8]) {
            found.push((Kind::SgNric, if upper { 85 } else { 15 }));
        }
        if let Some(series) = b"XYZ".iter().position(|b| *b == word[0]) {
            let value = checksum::value(&number) + series as u64 * 10_000_000;
            found.push((Kind::EsNie, if checksum::es_letter(value) == word[8] && upper { 85 } else { 15 }));
        }
        found.push((Kind::SgNric, 10));
    }
    if has_shape(word, "99999999U") {
        found.push((Kind::EsNif, if checksum::es_letter(checksum::value(&number)) == word[8] { 65 } else { 15 }));
    }
    if has_shape(word, "LL999999L") && is_nino(&word.to_ascii_uppercase()) {
        found.push((Kind::UkNino, if word[0].is_ascii_uppercase() { 85 } else { 20 }));
    }
    if has_shape(word, "U99999999") || has_shape(word, "U999U9999") || has_shape(word, "UU9999999") {
        found.push((Kind::KrPassport, 20));
        found.push((Kind::UsPassport, 10));
    }
    if is_de_card(word) {
        found.push((Kind::DeIdCard, 15));
    }
    found
}

/// Prefixes that are given out, and a suffix of A to D (HMRC's National Insurance Manual, NIM39110).
pub(super) fn is_nino(word: &[u8]) -> bool {
    let first = !b"DFIQUV".contains(&word[0]);
    let second = !b"DFIOQUV".contains(&word[1]);
    first
        && second
        && matches!(word[8], b'A'..=b'D')
        && ![b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"].iter().any(|p| word[..2] == **p)
}

fn chinese(word: &[u8]) -> Option<(Kind, u8)> {
    let mut number = digits(&word[..17]);
    number.push(10);
    (has_shape(&word[..17], "99999999999999999") && matches!(word[17], b'X' | b'x') && checksum::cn_ric(&number))
        .then_some((Kind::CnRic, 95))
}

/// `DDMMYY`, a sign of the century, three digits and a check character, where the word at hand is either half.
///
/// With the span whether the check character holds.
pub(super) fn finnish(text: &[u8], start: usize, end: usize) -> Option<(Range<usize>, bool)> {
    let from = if end - start == 4 { start.checked_sub(7)? } else { start };
    let word = text.get(from..from + 11)?;
    let shaped = has_shape(&word[..6], "999999")
        && matches!(word[6], b'-' | b'+' | b'A'..=b'F' | b'U'..=b'Y')
        && has_shape(&word[7..10], "999");
    let clean = !text.get(from + 11).is_some_and(u8::is_ascii_alphanumeric)
        && (from == 0 || !text[from - 1].is_ascii_alphanumeric());
    if !shaped || !clean {
        return None;
    }
    let [day, month] = [&word[..2], &word[2..4]].map(|part| checksum::value(&digits(part)));
    let number: Vec<u8> = digits(&word[..6]).into_iter().chain(digits(&word[7..10])).collect();
    let checked = checksum::fi_letter(checksum::value(&number)) == word[10].to_ascii_uppercase();
    is_date(2000, month, day).then_some((from..from + 11, checked))
}
