//! Card numbers.

use super::{
    cluster::Separator,
    number::{Digits, KEYWORD, SURE, VAGUE},
};
use crate::privacy::{checksum, finding::Kind};

/// Twelve to nineteen digits in the groups that cards are printed in, or in one run beside a keyword.
pub(super) fn card(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    if !cluster.starts(i) {
        return;
    }
    let n = match cluster.lengths::<6>(i) {
        [4, 4, 4, 4, 3, _] if cluster.parted_evenly(i, 5) => 5,
        [4, 4, 4, 4, ..] => 4,
        [4, 4, 4, 1..=3, ..] => 4,
        [4, 6, 5 | 4, ..] => 3,
        [12..=19, ..] => 1,
        _ => return,
    };
    if !cluster.stops(i, n) || n > 1 && !cluster.parted_evenly(i, n) {
        return;
    }
    let number = cluster.digits(i, n);
    let known = is_issued(number);
    // One digit repeated is a placeholder.
    if number.iter().all(|d| *d == number[0]) {
        return;
    }
    let row = cluster.group(i).after == Separator::Space && cluster.is_in_numbers(i, n, 3);
    let base = match (known && checksum::luhn(number), n > 1 && !row) {
        (true, true) => SURE,
        // A check digit alone is passed by one in ten numbers of any kind.
        (true, false) => KEYWORD + 5,
        (false, true) if known => KEYWORD + 5,
        _ => VAGUE,
    };
    digits.claim(Kind::CreditCard, i, n, base);
}

/// Whether a range of issuers in use has this length (ISO/IEC 7812-1 and the schemes' published ranges).
fn is_issued(number: &[u8]) -> bool {
    let prefix = |n: usize| checksum::value(&number[..n]);
    let length = number.len();
    match number[0] {
        // Visa.
        4 => matches!(length, 13 | 16 | 19),
        // UATP.
        1 => length == 15,
        2 => match prefix(4) {
            // Mastercard's second range, MIR, and Troy beside 9792.
            2221..=2720 => length == 16,
            2200..=2205 => (16..=19).contains(&length),
            2014 | 2149 => length == 15,
            _ => false,
        },
        3 => match prefix(2) {
            34 | 37 => length == 15,
            36 | 38 | 39 => (14..=19).contains(&length),
            30 => (14..=19).contains(&length) && (matches!(prefix(3), 300..=305 | 309)),
            35 => (3528..=3589).contains(&prefix(4)) && (16..=19).contains(&length),
            _ => false,
        },
        // Mastercard, Maestro and the others of 5.
        5 => match prefix(2) {
            51..=55 => length == 16,
            50 | 56..=58 => (12..=19).contains(&length),
            _ => false,
        },
        // Maestro, Discover, UnionPay, RuPay, InstaPayment beside them.
        6 => match prefix(2) {
            // Hipercard (606282, 637095) has thirteen, sixteen or nineteen.
            60 | 62 | 64 | 65 => (16..=19).contains(&length) || prefix(4) == 6062 && length == 13,
            61 | 63 | 66..=69 => (12..=19).contains(&length),
            _ => false,
        },
        8 => matches!(prefix(2), 81 | 82) && (16..=19).contains(&length),
        // Domestic cards of Korea and Troy.
        9 => length == 16,
        _ => false,
    }
}
