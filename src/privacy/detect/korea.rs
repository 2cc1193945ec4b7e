//! Korean numbers.

use super::{
    cluster::{Cluster, Separator, is_date},
    number::{Digits, KEYWORD, LIKELY, SURE, VAGUE},
};
use crate::privacy::{checksum, context::is_machines, finding::Kind};

/// Asks every scheme at the `i`-th group.
pub(super) fn numbers(digits: &mut Digits<'_>, i: usize) {
    resident(digits, i);
    business(digits, i);
    license(digits, i);
    if !digits.is_without_words() {
        account(digits, i);
        postal(digits, i);
    }
    vehicle(digits, i);
}

/// Six digits of birth, then seven of which the first tells sex and century (Enforcement rules of the resident registration act, article 2).
fn resident(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    let [a, b, c] = cluster.lengths::<3>(i);
    if !cluster.starts(i) {
        return;
    }
    match (a, b) {
        (6, 7) if cluster.stops(i, 2) || c < 3 && cluster.group(i + 1).after == Separator::Dash => {
            let number = cluster.digits(i, 2);
            let row = cluster.group(i).after == Separator::Space && cluster.is_in_numbers(i, 2, 3);
            let tight = cluster.group(i).after != Separator::Slash;
            if checksum::kr_corp(number) || number[..2] == [1, 1] {
                digits.claim(
                    Kind::KrCorpReg,
                    i,
                    2,
                    if checksum::kr_corp(number) && is_court(number) { LIKELY } else { KEYWORD },
                );
            }
            if let Some(kind) = born(number) {
                digits.claim(
                    kind,
                    i,
                    2,
                    if row {
                        KEYWORD
                    } else if tight {
                        SURE
                    } else {
                        LIKELY
                    },
                );
            } else {
                digits.claim(Kind::KrRrn, i, 2, KEYWORD);
                digits.claim(Kind::KrFrn, i, 2, KEYWORD);
                digits.claim(Kind::KrCorpReg, i, 2, KEYWORD);
            }
        }
        // The rest is hidden already, or only the first digit is given.
        (6, 1) if cluster.group(i).after == Separator::Dash => masked(digits, i),
        (13, _) if cluster.stops(i, 1) => {
            let number = cluster.digits(i, 1);
            let place = checksum::value(&number[7..9]) <= 95;
            let checked =
                |kind: &Kind| if *kind == Kind::KrRrn { checksum::kr_rrn(number) } else { checksum::kr_frn(number) };
            let machine =
                || is_epoch_millis(number) || cluster.in_row || is_machines(digits.text, cluster.group(i).start);
            if let Some(kind) = born(number) {
                let sure = checked(&kind) && place && !machine();
                digits.claim(kind, i, 1, if sure { LIKELY } else { KEYWORD });
            } else {
                digits.claim(Kind::KrRrn, i, 1, VAGUE);
                digits.claim(Kind::KrFrn, i, 1, VAGUE);
            }
            digits.claim(Kind::KrCorpReg, i, 1, if checksum::kr_corp(number) { KEYWORD } else { VAGUE });
        }
        (6, 0) => digits.claim(Kind::KrRrn, i, 1, VAGUE),
        _ => {}
    }
}

fn masked(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    let number = cluster.digits(i, 2);
    let full: Vec<u8> = number.iter().copied().chain([0; 6]).collect();
    let end = cluster.span(i, 2).end;
    let hidden = digits.text[end..].iter().take(7).take_while(|b| matches!(b, b'*' | b'x' | b'X')).count();
    let stops = !digits.text.get(end + hidden).is_some_and(u8::is_ascii_alphanumeric);
    if let (Some(kind), true, 1) = (born(&full), stops, cluster.len() - i - 1) {
        let span = cluster.span(i, 2).start..end + hidden;
        // The first digit alone may as well be a number of something else.
        digits.push(kind, span, if hidden > 0 { SURE } else { KEYWORD });
    }
}

/// Whose number begins with a date that can be one's birth.
fn born(number: &[u8]) -> Option<Kind> {
    let [year, month, day] = [&number[..2], &number[2..4], &number[4..6]].map(checksum::value);
    let (century, kind) = match number[6] {
        1 | 2 => (1900, Kind::KrRrn),
        3 | 4 => (2000, Kind::KrRrn),
        5 | 6 => (1900, Kind::KrFrn),
        7 | 8 => (2000, Kind::KrFrn),
        _ => return None,
    };
    // Nobody is born before 1915 or after the year that this table was written for.
    let year = century + year;
    ((1915..=2030).contains(&year) && is_date(year, month, day)).then_some(kind)
}

/// Milliseconds since 1970, of the years 2014 to 2033.
fn is_epoch_millis(number: &[u8]) -> bool {
    (1_400_000_000_000..2_000_000_000_000).contains(&checksum::value(number))
}

/// The register offices whose codes begin corporate numbers.
fn is_court(number: &[u8]) -> bool {
    matches!(checksum::value(&number[..2]), 11 | 12 | 13 | 14 | 15 | 16 | 17 | 18 | 19 | 20 | 21 | 22 | 28)
        && checksum::value(&number[4..6]) <= 80
}

fn business(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    match cluster.lengths::<3>(i) {
        [3, 2, 5] if cluster.starts(i) && cluster.stops(i, 3) && cluster.parted_evenly(i, 3) => {
            let row = cluster.group(i).after == Separator::Space && cluster.is_in_numbers(i, 3, 2);
            let checked = checksum::kr_brn(cluster.digits(i, 3)) && cluster.digits(i, 3)[0] > 0 && !row;
            digits.claim(Kind::KrBrn, i, 3, if checked { LIKELY } else { KEYWORD });
        }
        [10, ..] if cluster.starts(i) && cluster.stops(i, 1) => digits.claim(Kind::KrBrn, i, 1, KEYWORD),
        _ => {}
    }
}

/// Region or year, year, six digits, check digits: 2-2-6-2. Beside its keyword any dashed number will do.
fn license(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    let starts = cluster.starts(i);
    if let [2, 2, 6, 2] = cluster.lengths::<4>(i)
        && starts
        && cluster.stops(i, 4)
        && cluster.parted_by(i, 4, Separator::Dash)
    {
        let region = checksum::value(cluster.digits(i, 1));
        digits.claim(Kind::KrDriverLicense, i, 4, if (11..=28).contains(&region) { LIKELY } else { KEYWORD });
        return;
    }
    // The first two digits are written as the name of the region, too.
    if let [2, 6, 2] = cluster.lengths::<3>(i)
        && cluster.stops(i, 3)
        && cluster.parted_by(i, 3, Separator::Dash)
        && let Some(start) = region_before(digits.text, cluster.group(i).start)
    {
        digits.push(Kind::KrDriverLicense, start..cluster.span(i, 3).end, LIKELY);
        return;
    }
    if digits.is_without_words() {
        return;
    }
    let n = cluster.dashed(i);
    let total = cluster.digits(i, n).len();
    if is_telephone(cluster, i) {
        return;
    }
    if starts && (n >= 3 && (8..=22).contains(&total) || n == 1 && total == 12) {
        digits.claim(Kind::KrDriverLicense, i, n, KEYWORD);
    }
    if starts && (n >= 3 && (9..=16).contains(&total) || n == 1 && (10..=12).contains(&total)) {
        digits.claim(Kind::KrHealthInsurance, i, n, KEYWORD);
    }
}

/// Ten to sixteen digits, dashed or not, beside the name of a bank or a word for an account.
fn account(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    if !cluster.starts(i) {
        return;
    }
    let n = cluster.dashed(i);
    let total = cluster.digits(i, n).len();
    let stops = cluster.stops(i, n);
    if is_telephone(cluster, i) {
        return;
    }
    if stops && (10..=17).contains(&total) && (2..=5).contains(&n) {
        digits.claim(Kind::KrBankAccount, i, n, KEYWORD);
    } else if n == 1 && stops && (10..=16).contains(&total) {
        digits.claim(Kind::KrBankAccount, i, 1, VAGUE);
    }
    // Parted by spaces, as it is read aloud.
    let spaced = (1..=5.min(cluster.len() - i))
        .rev()
        .find(|&k| k > 1 && cluster.parted_by(i, k, Separator::Space) && cluster.stops(i, k));
    if let Some(k) = spaced
        && (10..=16).contains(&cluster.digits(i, k).len())
    {
        digits.claim(Kind::KrBankAccount, i, k, VAGUE);
    }
}

fn postal(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    match cluster.lengths::<2>(i) {
        [5, 4] if cluster.group(i).after == Separator::Dash && cluster.starts(i) => {
            digits.claim(Kind::PostalCode, i, 2, KEYWORD);
        }
        [3, 3 | 4] if cluster.group(i).after == Separator::Dash && cluster.starts(i) && cluster.stops(i, 2) => {
            digits.claim(Kind::PostalCode, i, 2, KEYWORD);
        }
        [4..=6, _] if cluster.starts(i) && cluster.stops(i, 1) => {
            let year = digits.text[cluster.group(i).end..].starts_with("년".as_bytes());
            if !year {
                digits.claim(Kind::PostalCode, i, 1, KEYWORD);
            }
        }
        _ => {}
    }
}

/// Two or three digits, a syllable of use, four digits; a region may stand before (Automobile registration plates, notice of the ministry).
pub(super) fn vehicle(digits: &mut Digits<'_>, i: usize) {
    const USES: &str = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주바사아자배하허호";
    let cluster = digits.cluster;
    let group = cluster.group(i);
    if !matches!(group.end - group.start, 2 | 3) || !cluster.starts(i) {
        return;
    }
    let Some(mut rest) = digits.text.get(group.end..) else { return };
    let spaced = matches!(rest.first(), Some(b' ' | b'+'));
    rest = &rest[usize::from(spaced)..];
    let Some(syllable) = rest.get(..3).and_then(|s| std::str::from_utf8(s).ok()) else { return };
    if !USES.contains(syllable) {
        return;
    }
    let gap = usize::from(matches!(rest.get(3), Some(b' ' | b'+')));
    let tail = &rest[3 + gap..];
    let count = tail.iter().take(5).take_while(|b| b.is_ascii_digit()).count();
    if count != 4 || tail.get(4).is_some_and(u8::is_ascii_alphanumeric) {
        return;
    }
    let end = group.end + usize::from(spaced) + 3 + gap + 4;
    // 12가 3456 is a plate; 15 구 1234 and 20가 1234 read as prose only where a space stands before the syllable.
    let base = if spaced { KEYWORD } else { SURE };
    digits.push(Kind::KrVehicle, region(digits.text, group.start)..end, base);
}

/// Whether groups from the `i`-th on are surely a telephone number's, whatever stands beside them.
fn is_telephone(cluster: &Cluster, i: usize) -> bool {
    let [_, b, c] = cluster.lengths::<3>(i);
    is_mobile(cluster, i)
        && cluster.group(i).end - cluster.group(i).start == 3
        && (b, c) == (4, 4)
        && cluster.parted_by(i, 3, Separator::Dash)
        && cluster.stops(i, 3)
}

/// Where the name of the region before a number begins, parted by a space or dash.
fn region_before(text: &[u8], start: usize) -> Option<usize> {
    let [bare @ .., b' ' | b'-' | b'+'] = &text[..start] else { return None };
    let from = region(bare, bare.len());
    (from < bare.len()).then_some(from)
}

/// Where the region before a plate begins.
fn region(text: &[u8], start: usize) -> usize {
    const REGIONS: &str = "서울부산대구인천광주대전울산세종경기강원충북충남전북전남경북경남제주";
    let before = text[..start].strip_suffix(b" ").unwrap_or(&text[..start]);
    let Some(from) = before.len().checked_sub(6) else { return start };
    match std::str::from_utf8(&before[from..]) {
        Ok(name) if REGIONS.match_indices(name).any(|(at, _)| at % 6 == 0) => from,
        _ => start,
    }
}

/// Whether digits at the `i`-th group could be a Korean mobile number.
pub(super) fn is_mobile(cluster: &Cluster, i: usize) -> bool {
    matches!(cluster.digits(i, 1), [0, 1, 0 | 1 | 6..=9, ..])
}
