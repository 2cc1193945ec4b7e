//! National numbers that are digits alone, outside Korea.

use super::{
    cluster::{Separator, is_date},
    number::{Digits, KEYWORD, LIKELY, SURE, VAGUE},
    word,
};
use crate::privacy::{checksum, context::is_machines, finding::Kind};

/// A scheme of digits in one run: its length, its check, its kind.
type Scheme = (usize, fn(&[u8]) -> bool, Kind);

/// Schemes whose check is too weak for a bare run: the base is a keyword's, more where the check holds.
const RUNS: &[Scheme] = &[
    (9, nine_of_ssn, Kind::UsSsn),
    (9, nine_of_itin, Kind::UsItin),
    (9, checksum::nl_bsn, Kind::NlBsn),
    (9, checksum::au_tfn, Kind::AuTfn),
    (9, checksum::luhn, Kind::CaSin),
    (9, any, Kind::UsPassport),
    (10, checksum::uk_nhs, Kind::UkNhs),
    (10, checksum::luhn, Kind::SePersonnummer),
    (11, checksum::br_cpf, Kind::BrCpf),
    (11, checksum::de_tax, Kind::DeTaxId),
    (11, checksum::pl_pesel, Kind::PlPesel),
    (11, checksum::be_nrn, Kind::BeNrn),
    (12, checksum::verhoeff, Kind::InAadhaar),
    (12, checksum::jp_my_number, Kind::JpMyNumber),
    (12, long_personnummer, Kind::SePersonnummer),
];

/// Asks every scheme at the `i`-th group.
pub(super) fn numbers(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    lettered(digits, i);
    if !cluster.starts(i) {
        return;
    }
    if cluster.stops(i, 1) {
        runs(digits, i);
    }
    if cluster.lengths::<1>(i) == [17] {
        cn_with_x(digits, i);
    }
    match cluster.lengths::<7>(i) {
        [4, 2, 3, ..] if cluster.stops(i, 3) && cluster.parted_by(i, 3, Separator::Dot) => {
            grouped(digits, i, 3, checksum::nl_bsn, Kind::NlBsn, KEYWORD + 5);
        }
        [3, 2, 4, ..] if cluster.stops(i, 3) && cluster.parted_evenly(i, 3) => social_security(digits, i),
        [3, 3, 4, ..] if cluster.stops(i, 3) && cluster.parted_evenly(i, 3) => {
            grouped(digits, i, 3, checksum::uk_nhs, Kind::UkNhs, KEYWORD + 20);
        }
        [6, 3, ..] => {
            let group = cluster.group(i);
            if let Some((span, checked)) = word::finnish(digits.text, group.start, group.end) {
                digits.push(Kind::FiHetu, span, if checked { SURE } else { KEYWORD });
            }
        }
        [3, 3, 3, 2, ..] if cluster.stops(i, 4) => grouped(digits, i, 4, checksum::br_cpf, Kind::BrCpf, LIKELY + 10),
        [3, 3, 3, ..] if cluster.stops(i, 3) && cluster.parted_evenly(i, 3) => {
            // Amounts are written so as well.
            grouped(digits, i, 3, checksum::luhn, Kind::CaSin, KEYWORD + 5);
            grouped(digits, i, 3, checksum::au_tfn, Kind::AuTfn, KEYWORD + 5);
        }
        [4, 4, 4, ..] if cluster.stops(i, 3) && cluster.parted_evenly(i, 3) => {
            let first = cluster.digits(i, 1)[0];
            let row = cluster.group(i).after == Separator::Space && cluster.is_in_numbers(i, 3, 3);
            if row {
                digits.claim(Kind::InAadhaar, i, 3, KEYWORD);
            } else if first > 1 {
                grouped(digits, i, 3, checksum::verhoeff, Kind::InAadhaar, LIKELY);
            }
            grouped(digits, i, 3, checksum::jp_my_number, Kind::JpMyNumber, KEYWORD + 5);
        }
        [1, 2, 2, 2 | 3, 3, 3, 2] if cluster.stops(i, 7) => grouped(digits, i, 7, checksum::fr_nir, Kind::FrNir, SURE),
        [6 | 8, 4, ..] if cluster.group(i).after == Separator::Dash && cluster.stops(i, 2) => personnummer(digits, i),
        [2, 2, 2, 3, 2, ..] if cluster.stops(i, 5) => grouped(digits, i, 5, checksum::be_nrn, Kind::BeNrn, SURE),
        [2, 3, 3, 3, ..] if cluster.stops(i, 4) => grouped(digits, i, 4, checksum::de_tax, Kind::DeTaxId, KEYWORD + 20),
        _ => {}
    }
}

fn runs(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    let number = cluster.digits(i, 1);
    let text = digits.text;
    let machine = || cluster.in_row || is_machines(text, cluster.group(i).start);
    match number.len() {
        // Without its check digits.
        13 if matches!(number[0], 1 | 2) => digits.claim(Kind::FrNir, i, 1, VAGUE),
        15 => {
            let shaped = matches!(number[0], 1 | 2) && (1..=12).contains(&checksum::value(&number[3..5]));
            if shaped {
                let sure = checksum::fr_nir(number) && !machine();
                digits.claim(Kind::FrNir, i, 1, if sure { LIKELY } else { KEYWORD });
            }
            return;
        }
        18 => {
            let [year, month, day] = [&number[6..10], &number[10..12], &number[12..14]].map(checksum::value);
            let dated = (1900..=2030).contains(&year) && is_date(year, month, day);
            // Provinces (GB/T 2260).
            let province = matches!(checksum::value(&number[..2]), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83);
            if dated && province {
                let sure = checksum::cn_ric(number) && !machine();
                digits.claim(Kind::CnRic, i, 1, if sure { SURE } else { KEYWORD });
            }
            return;
        }
        17 => return,
        _ => {}
    }
    if digits.is_without_words() {
        return;
    }
    for (length, check, kind) in RUNS {
        if number.len() == *length {
            digits.claim(kind.clone(), i, 1, if check(number) { KEYWORD + 2 } else { VAGUE });
        }
    }
}

/// Seventeen digits and an X.
fn cn_with_x(digits: &mut Digits<'_>, i: usize) {
    let number = digits.cluster.digits(i, 1);
    let end = digits.cluster.group(i).end;
    let full: Vec<u8> = number.iter().copied().chain([10]).collect();
    if matches!(digits.text.get(end), Some(b'X' | b'x')) && checksum::cn_ric(&full) {
        let span = digits.cluster.group(i).start..end + 1;
        digits.push(Kind::CnRic, span, SURE);
    }
}

fn grouped(digits: &mut Digits<'_>, i: usize, n: usize, check: fn(&[u8]) -> bool, kind: Kind, base: u8) {
    let holds = check(digits.cluster.digits(i, n));
    digits.claim(kind, i, n, if holds { base } else { KEYWORD });
}

/// Area, group and serial that are issued (20 CFR 422; IRS publication 1915 for 9xx).
fn social_security(digits: &mut Digits<'_>, i: usize) {
    let number = digits.cluster.digits(i, 3);
    let [area, group, serial] = [&number[..3], &number[3..5], &number[5..]].map(checksum::value);
    if digits.cluster.group(i).after == Separator::Space && digits.cluster.is_in_numbers(i, 3, 2) {
        digits.claim(Kind::UsSsn, i, 3, KEYWORD);
    } else if area >= 900 && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99) {
        digits.claim(Kind::UsItin, i, 3, LIKELY);
    } else {
        let issued = area > 0 && area != 666 && area < 900 && group > 0 && serial > 0;
        digits.claim(Kind::UsSsn, i, 3, if issued { LIKELY } else { KEYWORD });
    }
}

fn personnummer(digits: &mut Digits<'_>, i: usize) {
    let number = digits.cluster.digits(i, 2);
    let short = &number[number.len() - 10..];
    let [month, day] = [&short[2..4], &short[4..6]].map(checksum::value);
    // Coordination numbers add sixty to the day.
    let dated = is_date(2000, month, day) || is_date(2000, month, day.saturating_sub(60));
    // Dates of our days begin the numbers of orders; a birth then is told by its keyword only.
    let year = checksum::value(&number[..number.len() - 8]);
    let grown = if number.len() == 12 { (1900..2016).contains(&year) } else { !(16..=35).contains(&year) };
    let base = if dated && grown && checksum::luhn(short) { LIKELY } else { VAGUE };
    digits.claim(Kind::SePersonnummer, i, 2, base);
}

fn long_personnummer(number: &[u8]) -> bool {
    number.len() == 12 && checksum::luhn(&number[2..])
}

/// Numbers with letters a dash or space away: `12345678-Z`, `X-1234567-L`, `AB 12 34 56 C`.
fn lettered(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    let text = digits.text;
    let group = cluster.group(i);
    let upper = |at: Option<usize>| at.and_then(|at| text.get(at)).copied().filter(u8::is_ascii_uppercase);
    let ends = |at: usize| !text.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'-');
    let begins = |at: Option<usize>| at.is_none_or(|at| !(text[at].is_ascii_alphanumeric() || text[at] == b'-'));
    match cluster.lengths::<3>(i) {
        [7 | 8, 0, 0] if text.get(group.end) == Some(&b'-') && ends(group.end + 2) => {
            let Some(letter) = upper(Some(group.end + 1)) else { return };
            let number = checksum::value(cluster.digits(i, 1));
            let eight = group.end - group.start == 8;
            let before = upper(group.start.checked_sub(2)).filter(|_| text[group.start - 1] == b'-');
            let series = before.and_then(|b| b"XYZ".iter().position(|x| *x == b));
            let (kind, start, number, base) = match (eight, series) {
                (true, None) => (Kind::EsNif, group.start, number, LIKELY),
                (false, Some(k)) if begins(group.start.checked_sub(3)) => {
                    (Kind::EsNie, group.start - 2, number + k as u64 * 10_000_000, SURE)
                }
                _ => return,
            };
            let sure = checksum::es_letter(number) == letter;
            digits.push(kind, start..group.end + 2, if sure { base } else { KEYWORD });
        }
        [2, 2, 2] if i == 0 && cluster.len() == 3 && cluster.parted_evenly(0, 3) && group.start >= 3 => {
            let end = cluster.span(0, 3).end;
            let start = group.start - 3;
            let parted = text[group.start - 1] == text.get(end).copied().unwrap_or(0)
                && matches!(text[group.start - 1], b' ' | b'-' | b'+');
            let (Some(a), Some(b), Some(suffix)) = (upper(Some(start)), upper(Some(start + 1)), upper(Some(end + 1)))
            else {
                return;
            };
            let word = [a, b, 0, 0, 0, 0, 0, 0, suffix];
            if parted && begins(start.checked_sub(1)) && ends(end + 2) && word::is_nino(&word) {
                digits.push(Kind::UkNino, start..end + 2, SURE);
            }
        }
        _ => {}
    }
}

fn nine_of_itin(number: &[u8]) -> bool {
    number[0] == 9
}

fn nine_of_ssn(number: &[u8]) -> bool {
    number[0] < 9
}

fn any(_: &[u8]) -> bool {
    true
}
