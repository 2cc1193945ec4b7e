//! Words of letters and digits: passports, account numbers, national codes, keys and tokens.

use super::{Out, cluster::is_date, network};
use crate::privacy::{
    checksum,
    context::{Context, Topic},
    finding::{Finding, Kind},
};

/// Longest word that is looked at; a longer one is data of machines, unless its beginning says otherwise.
const LONGEST: usize = 128;

fn is_wide(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Reads the word around the digit at `at`; where reading goes on.
pub(super) fn read(text: &[u8], at: usize, out: &mut Out<'_>) -> usize {
    let back = text[..at].iter().rev().take(LONGEST).take_while(|b| b.is_ascii_alphanumeric()).count();
    let start = at - back;
    let end = at + text[at..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    if back == LONGEST {
        return end;
    }
    if let Some(end) = uuid(text, start) {
        return end;
    }
    if let Some(end) = secret(text, start, out) {
        return end;
    }
    let clean = |byte: Option<&u8>| byte.is_none_or(|b| *b != b'_');
    if !clean(start.checked_sub(1).map(|i| &text[i])) || !clean(text.get(end)) {
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
    let word = text.get(start..start + 36)?;
    let dashes = [8, 13, 18, 23];
    (dashes.iter().all(|&i| word[i] == b'-')
        && word.iter().enumerate().all(|(i, b)| b.is_ascii_hexdigit() || dashes.contains(&i)))
    .then_some(start + 36)
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

/// What each prefix of a well-known key is followed by at least, in characters.
const PREFIXES: &[(&[u8], usize)] = &[
    (b"AKIA", 12),
    (b"ASIA", 12),
    (b"ghp_", 20),
    (b"gho_", 20),
    (b"ghu_", 20),
    (b"ghs_", 20),
    (b"ghr_", 20),
    (b"github_pat_", 20),
    (b"glpat-", 16),
    (b"gldt-", 16),
    (b"xoxb-", 10),
    (b"xoxa-", 10),
    (b"xoxp-", 10),
    (b"xoxr-", 10),
    (b"xoxs-", 10),
    (b"xapp-", 10),
    (b"sk_live_", 10),
    (b"sk_test_", 10),
    (b"rk_live_", 10),
    (b"rk_test_", 10),
    (b"pk_live_", 10),
    (b"whsec_", 16),
    (b"sk-ant-", 16),
    (b"sk-proj-", 16),
    (b"sk-", 20),
    (b"AIza", 30),
    (b"ya29.", 20),
    (b"npm_", 30),
    (b"pypi-", 30),
    (b"SG.", 30),
    (b"hf_", 20),
    (b"dop_v1_", 40),
    (b"shpat_", 20),
    (b"shpss_", 20),
    (b"EAACEdEose0cBA", 4),
    (b"sq0atp-", 16),
    (b"sq0csp-", 16),
    (b"AGE-SECRET-KEY-", 20),
    (b"dckr_pat_", 16),
    (b"hvs.", 20),
    (b"lin_api_", 20),
    (b"rubygems_", 20),
    (b"PMAK-", 20),
    (b"figd_", 20),
];

/// A key or token around the word that begins at `start`: where it ends.
fn secret(text: &[u8], start: usize, out: &mut Out<'_>) -> Option<usize> {
    let back = text[..start].iter().rev().take(LONGEST).take_while(|b| is_wide(**b)).count();
    let begin = start - back;
    let wide = &text[begin..];
    if let Some((kind, width)) = credentials(text, begin) {
        return take(text, begin, width, kind, out);
    }
    // Only letters that begin a prefix are worth a comparison with all of them.
    if !matches!(
        wide[0],
        b'A' | b'E'
            | b'P'
            | b'S'
            | b'd'
            | b'e'
            | b'f'
            | b'g'
            | b'h'
            | b'l'
            | b'n'
            | b'p'
            | b'r'
            | b's'
            | b'w'
            | b'x'
            | b'y'
    ) {
        return None;
    }
    let length = wide.iter().take_while(|b| is_wide(**b)).count();
    if wide.starts_with(b"eyJ") && length > 20 && wide[..length].contains(&b'.') {
        return take(text, begin, length, Kind::Jwt, out);
    }
    let known = |(prefix, least): &(&[u8], usize)| wide.starts_with(prefix) && length >= prefix.len() + least;
    PREFIXES.iter().any(known).then_some(())?;
    take(text, begin, length, Kind::ApiKey, out)
}

fn take(text: &[u8], start: usize, length: usize, kind: Kind, out: &mut Out<'_>) -> Option<usize> {
    let mut length = length;
    while length > 1 && text[start + length - 1] == b'.' {
        length -= 1;
    }
    let end = start + length;
    if !out.wants(&kind) {
        return None;
    }
    out.push(Finding { open: end == text.len(), ..Finding::new(kind, start..end, 95) });
    Some(end)
}

/// Credentials behind the name of their scheme, in a header or anywhere: kind and width.
pub(super) fn credentials(text: &[u8], start: usize) -> Option<(Kind, usize)> {
    let scheme = |name: &[u8]| {
        let before = &text[..start];
        let at = before.len().checked_sub(name.len() + 1)?;
        (before.last() == Some(&b' ') && before[at..start - 1].eq_ignore_ascii_case(name)).then_some(())
    };
    // RFC 9110, section 11.2: token68.
    let token = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
    let width = || text[start..].iter().take_while(|b| token(b)).count();
    if scheme(b"bearer").is_some() {
        let width = width();
        let kind = if text[start..].starts_with(b"eyJ") { Kind::Jwt } else { Kind::BearerToken };
        return (width >= 8).then_some((kind, width));
    }
    if scheme(b"basic").is_some() {
        let width = width();
        return (width >= 8 && is_basic(&text[start..start + width])).then_some((Kind::BasicCredentials, width));
    }
    None
}

/// Base64 of something with a colon in it (RFC 7617, section 2).
fn is_basic(token: &[u8]) -> bool {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    let bare = token.len() - token.iter().rev().take_while(|b| **b == b'=').count();
    // The end may be cut where a value is very long: whole groups of four suffice.
    let whole = if token.len() > 400 { bare & !3 } else { bare };
    STANDARD_NO_PAD.decode(&token[..whole]).is_ok_and(|plain| plain.contains(&b':'))
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
            Some(b' ' | b'-') if number.len().is_multiple_of(4) && number.len() >= 4 => {}
            _ => return None,
        }
        pos += 1;
    }
    if text.get(pos).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let sure = if checksum::iban(&number) {
        95
    } else if Context::around(text, start..pos).has(Topic::Iban) {
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
    let hetu = finnish(text, start, end);
    let candidates: Vec<(Kind, u8)> = match word.len() {
        _ if part && hetu.is_none() => Vec::new(),
        _ if hetu.is_some() => vec![(Kind::FiHetu, 95)],
        _ if more => Vec::new(),
        8 => passports(word).into_iter().collect(),
        9 => nine(word),
        10 if has_shape(word, "UUUUU9999U") && b"ABCFGHLJPTK".contains(&word[3]) => vec![(Kind::InPan, 80)],
        15 | 16 => (has_shape(word, "LLLLLL**L**L***L") && checksum::it_fiscal(word))
            .then_some((Kind::ItFiscalCode, 95))
            .into_iter()
            .collect(),
        18 => chinese(word).into_iter().collect(),
        26..=62 => crypto(word).map(|sure| (Kind::Crypto, sure)).into_iter().collect(),
        _ => Vec::new(),
    };
    let span = hetu.unwrap_or(start..end);
    if candidates.is_empty() {
        return;
    }
    let context = Context::around(text, span.clone());
    for (kind, base) in candidates {
        let beside = kind.topic().is_some_and(|topic| context.has(topic));
        let sure = if beside { (base + 70).min(98) } else { base };
        if sure >= out.threshold && out.wants(&kind) {
            out.push(Finding::new(kind, span, sure));
            return;
        }
    }
}

fn passports(word: &[u8]) -> Option<(Kind, u8)> {
    (has_shape(word, "UU999999") || has_shape(word, "U9999999")).then_some((Kind::KrPassport, 20))
}

fn nine(word: &[u8]) -> Vec<(Kind, u8)> {
    let mut found = Vec::new();
    let number = digits(word);
    if has_shape(word, "U9999999U") {
        if checksum::sg_letter(word[0], &number) == Some(word[8]) {
            found.push((Kind::SgNric, 85));
        }
        if let Some(series) = b"XYZ".iter().position(|b| *b == word[0]) {
            let value = checksum::value(&number) + series as u64 * 10_000_000;
            found.push((Kind::EsNie, if checksum::es_letter(value) == word[8] { 85 } else { 15 }));
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
    if word.iter().all(|b| b.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(b)) {
        found.push((Kind::DeIdCard, 15));
    }
    found
}

/// Prefixes that are given out, and a suffix of A to D (HMRC's National Insurance Manual, NIM39110).
fn is_nino(word: &[u8]) -> bool {
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
pub(super) fn finnish(text: &[u8], start: usize, end: usize) -> Option<std::ops::Range<usize>> {
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
    (is_date(2000, month, day) && checksum::fi_letter(checksum::value(&number)) == word[10].to_ascii_uppercase())
        .then_some(from..from + 11)
}

/// How sure a word is an address of Bitcoin (`Base58Check`, or BIP 173) or Ethereum.
fn crypto(word: &[u8]) -> Option<u8> {
    match word {
        [b'0', b'x', rest @ ..] if rest.len() == 40 && rest.iter().all(u8::is_ascii_hexdigit) => Some(85),
        [b'b', b'c', b'1', rest @ ..] if bech32(word, rest) => Some(95),
        [b'1' | b'3', ..] if word.len() <= 35 && base58check(word) => Some(95),
        _ => None,
    }
}

fn bech32(word: &[u8], rest: &[u8]) -> bool {
    const CHARSET: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let step = |check: u32, value: u8| {
        let top = check >> 25;
        let next = (check & 0x01FF_FFFF) << 5 ^ u32::from(value);
        [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3]
            .iter()
            .enumerate()
            .fold(next, |c, (i, g)| if top >> i & 1 == 1 { c ^ g } else { c })
    };
    let Some(values) = rest.iter().map(|b| CHARSET.iter().position(|c| c == b)).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let human = [b'b' >> 5, b'c' >> 5, 0, b'b' & 31, b'c' & 31];
    let data = values.into_iter().map(|v| u8::try_from(v).unwrap_or(0));
    let check = human.into_iter().chain(data).fold(1, step);
    word.len() >= 14 && matches!(check, 1 | 0x2BC8_30A3)
}

fn base58check(word: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0_u8; 25];
    for b in word {
        let Some(mut carry) = ALPHABET.iter().position(|a| a == b) else { return false };
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry & 0xFF).unwrap_or(0);
            carry >>= 8;
        }
        if carry > 0 {
            return false;
        }
    }
    let digest = |data: &[u8]| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data);
    digest(digest(&bytes[..21]).as_ref()).as_ref()[..4] == bytes[21..]
}
