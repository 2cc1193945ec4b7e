//! Telephone numbers: E.164, and the national forms of plans that are in wide use.

use super::{
    cluster::Separator,
    korea,
    number::{Digits, KEYWORD, LIKELY, SURE, VAGUE},
};
use crate::privacy::{checksum, finding::Kind};

/// Asks every form at the `i`-th group.
pub(super) fn numbers(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    if i == 0 && cluster.plus {
        return international(digits);
    }
    // `Chrome/119.0.6045.163`, beside `Mobile`.
    let product = i == 0
        && cluster.group(0).after == Separator::Dot
        && matches!(digits.text[..cluster.group(0).start], [.., b, b'/'] if b.is_ascii_alphanumeric());
    if product {
        return;
    }
    if !(cluster.starts(i) || i > 0 && cluster.group(i - 1).after == Separator::Bracket) {
        return;
    }
    if !korean(digits, i) {
        north_american(digits, i);
        national(digits, i);
    }
    if !digits.is_without_words() {
        beside_a_word(digits, i);
    }
}

/// A plus and up to fifteen digits (E.164), in at most six groups.
fn international(digits: &mut Digits<'_>) {
    let cluster = digits.cluster;
    if matches!(cluster.digits(0, 1), [0, ..]) {
        return;
    }
    for n in (1..=cluster.len().min(6)).rev() {
        let total = cluster.digits(0, n).len();
        let stops = cluster.stops(0, n) || extension(digits, n) > 0;
        if (8..=15).contains(&total) && stops && is_country(cluster.digits(0, n)) {
            let plus = digits.text[..cluster.span(0, n).start].iter().rposition(|&b| b == b'+');
            let span = plus.unwrap_or(cluster.span(0, n).start)..cluster.span(0, n).end + extension(digits, n);
            digits.push(Kind::Phone, span, if total >= 10 || n > 1 { SURE } else { LIKELY });
            return;
        }
    }
}

/// Country codes of one digit, and those of two or three that are assigned (ITU-T E.164, annex).
fn is_country(digits: &[u8]) -> bool {
    match checksum::value(&digits[..2]) {
        10..=19 => digits.len() == 11,
        70..=79 => digits.len() == 11,
        // Unassigned in whole.
        28 | 83 | 89 => false,
        _ => true,
    }
}

/// `x123` or `ext. 123` behind the groups that end at `n`; its length.
fn extension(digits: &Digits<'_>, n: usize) -> usize {
    let end = digits.cluster.span(0, n).end;
    extension_at(digits.text, end)
}

fn extension_at(text: &[u8], end: usize) -> usize {
    let rest = &text[end..];
    let mark = match rest {
        [b'x' | b'X', ..] => 1,
        [b' ', b'x' | b'X', ..] => 2,
        [b' ', b'e', b'x', b't', b'.', b' ', ..] => 6,
        [b' ', b'e', b'x', b't', b'.' | b' ', ..] => 5,
        _ => return 0,
    };
    match rest[mark..].iter().take(7).take_while(|b| b.is_ascii_digit()).count() {
        count @ 1..=6 => mark + count,
        _ => 0,
    }
}

/// Area or service code, exchange of three or four, line of four.
fn korean(digits: &mut Digits<'_>, i: usize) -> bool {
    let cluster = digits.cluster;
    let lengths = cluster.lengths::<3>(i);
    let code = checksum::value(cluster.digits(i, 1));
    let dashed = lengths[2] > 0 && cluster.group(i).after != Separator::Slash && cluster.stops(i, 3);
    let base = match lengths {
        [3, 3 | 4, 4] if dashed && korea::is_mobile(cluster, i) => SURE,
        [2, 3 | 4, 4] if dashed && cluster.digits(i, 1) == [0, 2] => SURE,
        [3, 3 | 4, 4] if dashed && cluster.digits(i, 1)[0] == 0 && is_area(code) => SURE,
        [4, 3 | 4, 4] if dashed && cluster.digits(i, 1)[..3] == [0, 5, 0] => SURE,
        _ => 0,
    };
    if base > 0 {
        let mut span = cluster.span(i, 3);
        span.start -= usize::from(i == 0 && cluster.bracket && cluster.group(0).after == Separator::Bracket);
        digits.push(Kind::Phone, span, base);
        return true;
    }
    match lengths {
        [10 | 11, ..] if korea::is_mobile(cluster, i) && cluster.stops(i, 1) => {
            digits.claim(Kind::Phone, i, 1, LIKELY + 10);
        }
        [3, 7 | 8, _] if korea::is_mobile(cluster, i) && cluster.stops(i, 2) => digits.claim(Kind::Phone, i, 2, SURE),
        // Prefixes of mobile telephones that no other number of this length begins with: Japan, the United Kingdom.
        [11, ..]
            if matches!(cluster.digits(i, 1), [0, 7..=9, 0, 1..=9, ..] | [0, 7, 1..=9, ..]) && cluster.stops(i, 1) =>
        {
            digits.claim(Kind::Phone, i, 1, if cluster.in_row { KEYWORD } else { LIKELY - 10 });
        }
        [7 | 8, 4, _] if korea::is_mobile(cluster, i) && cluster.stops(i, 2) => digits.claim(Kind::Phone, i, 2, LIKELY),
        [4, 4, 0]
            if (1500..1900).contains(&code) && cluster.group(i).after == Separator::Dash && cluster.stops(i, 2) =>
        {
            digits.claim(Kind::Phone, i, 2, KEYWORD + 10);
        }
        _ => return false,
    }
    true
}

/// Area codes of two and three digits, and service codes, without their zero.
fn is_area(code: u64) -> bool {
    matches!(code, 31..=33 | 41..=44 | 51..=55 | 61..=64 | 70 | 80)
}

/// Area code, exchange and line, none beginning with 0 or 1 (North American numbering plan).
fn north_american(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    let (from, n) = match cluster.lengths::<4>(i) {
        [1, 3, 3, 4] if cluster.digits(i, 1) == [1] => (i + 1, 4),
        [3, 3, 4, _] => (i, 3),
        _ => return,
    };
    let number = cluster.digits(from, 3);
    let valid = number[0] > 1 && number[3] > 1;
    let bracket = cluster.group(from).after == Separator::Bracket;
    let even = cluster.group(from).after == cluster.group(from + 1).after;
    let end = cluster.span(i, n).end;
    let more = extension_at(digits.text, end);
    let stops = cluster.stops(i, n) || more > 0;
    let slash = cluster.group(from).after == Separator::Slash;
    let row = cluster.group(from).after == Separator::Space && cluster.is_in_numbers(i, n, 3);
    if stops && (even || bracket) && !slash {
        let mut span = cluster.span(i, n).start..end + more;
        if bracket && i == 0 && cluster.bracket {
            span.start -= 1;
        }
        digits.push(Kind::Phone, span, if valid && !row { LIKELY + 5 } else { KEYWORD + 10 });
    }
}

/// A trunk zero and nine to eleven digits in all, in two to five groups; or an area code in brackets.
fn national(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    let first = cluster.digits(i, 1);
    let bracketed = i == 0 && cluster.bracket && cluster.group(0).after == Separator::Bracket;
    for n in (2..=(cluster.len() - i).min(5)).rev() {
        let total = cluster.digits(i, n).len();
        let rest_even = n == 2 || cluster.parted_evenly(i + 1, n - 1);
        let tight = !cluster.parted_by(i, n, Separator::Dot) || n == 5;
        if !cluster.stops(i, n) || !rest_even || !tight {
            continue;
        }
        // Lines end in three digits or more, or in pairs.
        let lengths: [usize; 2] = [n - 2, n - 1].map(|k| cluster.digits(i + k, 1).len());
        if lengths[1] < 3 && lengths != [2, 2] || n == 3 && first.len() == 3 && lengths[0] == 2 {
            continue;
        }
        // A row of short numbers.
        if cluster.group(i).after == Separator::Space
            && cluster.is_in_numbers(i, n, if lengths == [2, 2] { 1 } else { 3 })
        {
            continue;
        }
        let most = if n == 2 { 12 } else { 11 };
        let abroad = matches!(first, [0, 0, 1..=9, ..]) && (10..=17).contains(&total) && n > 2;
        let trunk =
            first.len() >= 2 && first[0] == 0 && first[1] != 0 && first.len() <= 5 && (9..=most).contains(&total)
                || abroad;
        let area = bracketed && first.len() <= 5 && (8..=11).contains(&total);
        if trunk || area {
            let mut span = cluster.span(i, n);
            span.start -= usize::from(bracketed);
            let base = if n > 2 || area { LIKELY } else { LIKELY - 10 };
            digits.push(Kind::Phone, span, base);
            return;
        }
    }
    // China, India: the mobile forms, grouped as they are there.
    if let ([3, 4, 4], [1, 3..=9, ..], true) =
        (cluster.lengths::<3>(i), first, cluster.len() - i >= 3 && cluster.stops(i, 3))
    {
        let row = cluster.group(i).after == Separator::Space && cluster.is_in_numbers(i, 3, 2);
        digits.claim(Kind::Phone, i, 3, if row { KEYWORD } else { LIKELY });
    }
}

/// Any six to fifteen digits, beside a word for telephones.
fn beside_a_word(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    for n in (1..=(cluster.len() - i).min(6)).rev() {
        let total = cluster.digits(i, n).len();
        let end = cluster.span(i, n).end;
        let more = extension_at(digits.text, end);
        let label =
            digits.text.get(end) == Some(&b'-') && digits.text.get(end + 1).is_some_and(u8::is_ascii_alphabetic);
        if !(6..=15).contains(&total) || !(cluster.stops(i, n) || more > 0 || label) {
            continue;
        }
        let mut span = cluster.span(i, n).start..end + more;
        span.start -= usize::from(i == 0 && cluster.bracket && cluster.group(i).after == Separator::Bracket);
        digits.push(Kind::Phone, span, if n == 1 && total < 7 { VAGUE } else { KEYWORD - 3 });
        return;
    }
}
