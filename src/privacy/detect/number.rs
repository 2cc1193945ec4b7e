//! Numbers: every scheme that a group of digits could belong to is asked; the surest answer is taken.

use std::ops::Range;

use super::{
    Out,
    cluster::{Cluster, LONGEST, Separator, is_date},
    korea, national,
    near::Topics,
    network, payment, phone,
};
use crate::privacy::{
    context::{Context, Topic},
    finding::{Finding, Kind},
};

/// What a scheme says of digits.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
    /// Percent without any keyword.
    pub(super) base: u8,
}

/// By its form alone it is surely such a value.
pub(super) const SURE: u8 = 90;
/// By its form alone it is probably such a value.
pub(super) const LIKELY: u8 = 65;
/// Only a keyword makes it such a value.
pub(super) const KEYWORD: u8 = 20;
/// Only a keyword makes it such a value, and others come first.
pub(super) const VAGUE: u8 = 10;
/// What only a keyword makes such a value is no surer than this without one, whatever its check digit says.
pub(super) const WITHOUT_WORD: u8 = KEYWORD + 20;

/// Everything that schemes need to look at.
pub(super) struct Digits<'a> {
    pub(super) text: &'a [u8],
    pub(super) cluster: &'a Cluster,
    pub(super) claims: Vec<Claim>,
    /// Claims that are less sure come to nothing: no keyword is near.
    least: u8,
}

impl Digits<'_> {
    pub(super) fn claim(&mut self, kind: Kind, i: usize, n: usize, base: u8) {
        self.push(kind, self.cluster.span(i, n), base);
    }

    pub(super) fn push(&mut self, kind: Kind, span: Range<usize>, base: u8) {
        if base >= self.least {
            self.claims.push(Claim { kind, span, base });
        }
    }

    /// Whether no keyword is near, so that what needs one need not be asked.
    pub(super) fn is_without_words(&self) -> bool {
        self.least > WITHOUT_WORD
    }
}

/// How far a value may reach beyond its groups: a region, an extension, digits that are hidden.
const MARGIN: usize = 16;

/// Reads the number that begins with the digit at `at`; where reading goes on.
pub(super) fn read(text: &[u8], at: usize, out: &mut Out<'_>) -> usize {
    let cluster = Cluster::read(text, at);
    if cluster.len() == 0 {
        return cluster.end;
    }
    let topics = out.topics_about(at..cluster.end, MARGIN);
    let least = if topics.is_within(Topics::OTHER) { out.threshold } else { 0 };
    let mut digits = Digits { text, cluster: &cluster, claims: std::mem::take(&mut out.claims), least };
    let mut i = 0;
    let mut end = cluster.group(0).end;
    while i < cluster.len() {
        if cluster.cut && i > 0 && cluster.len() - i < LONGEST {
            // A number may be cut here: what is left is read anew.
            end = cluster.group(i).start;
            break;
        }
        digits.claims.clear();
        let n = take(&mut digits, i, out);
        end = end.max(cluster.group(i + n - 1).end);
        i += n;
    }
    out.claims = digits.claims;
    let reached = out.last_end();
    end.max(reached).max(at + 1)
}

/// Asks at the `i`-th group; how many groups are done with.
fn take(digits: &mut Digits<'_>, i: usize, out: &mut Out<'_>) -> usize {
    let cluster = digits.cluster;
    let [first, second] = cluster.lengths::<2>(i);
    if first <= 2
        && let Some(span) = named_month(digits.text, cluster.group(i).start, cluster.group(i).end)
    {
        birth(digits.text, span, out);
        return 1;
    }
    if second == 0
        && matches!(first, 2 | 4)
        && let Some(end) = written_date(digits.text, cluster.group(i).end, cluster.digits(i, 1))
    {
        birth(digits.text, cluster.group(i).start..end, out);
        return 1;
    }
    // Most digits in logs are these: a short one alone.
    if second == 0 && first < 4 {
        if i == 0 && first >= 2 {
            korea::vehicle(digits, i);
            return settle(digits, i, out).unwrap_or(1);
        }
        return 1;
    }
    if let Some(n) = date(cluster, i) {
        birth(digits.text, cluster.span(i, n), out);
        return n;
    }
    if digits.is_without_words() && !may_be_alone(digits, i) {
        return 1;
    }
    ask(digits, i);
    if digits.claims.is_empty() {
        return 1;
    }
    // How near a word behind the value is depends on the longest claim, be it ever so unsure: now all of them count.
    if digits.least > 0 {
        let least = std::mem::take(&mut digits.least);
        digits.claims.clear();
        ask(digits, i);
        let taken = settle(digits, i, out).unwrap_or(1);
        digits.least = least;
        return taken;
    }
    settle(digits, i, out).unwrap_or(1)
}

/// Asks every scheme at the `i`-th group.
fn ask(digits: &mut Digits<'_>, i: usize) {
    network::ipv4(digits, i);
    korea::numbers(digits, i);
    payment::card(digits, i);
    phone::numbers(digits, i);
    national::numbers(digits, i);
}

/// Whether groups from the `i`-th on have lengths of which a scheme is surer than [`WITHOUT_WORD`].
fn may_be_alone(digits: &Digits<'_>, i: usize) -> bool {
    let cluster = digits.cluster;
    let [a, b, c] = cluster.lengths::<3>(i);
    if i == 0 && (cluster.plus || cluster.bracket) || matches!(a, 10 | 11 | 13 | 15 | 18) {
        return true;
    }
    if b == 0 {
        // `12345678-Z`, and seventeen digits with an X.
        return matches!(cluster.next, b'-' | b'X' | b'x');
    }
    let trunk = cluster.digits(i, 1)[0] == 0;
    trunk || {
        match (a, b, c) {
            (1 | 2, 2, 2)
            | (1 | 3, 3, 3)
            | (2, 2, 6)
            | (2, 6, 2)
            | (2 | 3, 3 | 4, 4)
            | (3, 2, 4 | 5)
            | (3, 7 | 8, _) => true,
            (4, 3 | 4, 4) | (4, 6, 4 | 5) | (6, 1 | 3 | 4 | 7, _) | (7 | 8, 4, _) => true,
            (1..=3, 1..=3, 1..=3) => cluster.group(i).after == Separator::Dot,
            _ => false,
        }
    }
}

/// A date is someone's birth beside a word for that, or before one that is written on to it.
fn birth(text: &[u8], span: Range<usize>, out: &mut Out<'_>) {
    if !out.wants(&Kind::DateOfBirth) {
        return;
    }
    let born = ["생", " 출생", "생년", " 生"].iter().any(|word| text[span.end..].starts_with(word.as_bytes()));
    let beside = out.topics(&span).has_any(Topics::of(Topic::Birth));
    if born || beside && Context::around(text, span.clone()).speaks_of(Topic::Birth) {
        out.push(Finding::new(Kind::DateOfBirth, span, 85));
    }
}

/// Takes the surest claim that reaches the threshold; how many groups it took.
fn settle(digits: &Digits<'_>, i: usize, out: &mut Out<'_>) -> Option<usize> {
    let widest = digits.claims.iter().map(|c| c.span.end).max()?;
    let value = digits.claims[0].span.start..widest;
    let topics = out.topics(&value);
    let helped = |claim: &Claim| claim.kind.topic().is_some_and(|topic| topics.has_any(Topics::of(topic)));
    if !digits.claims.iter().any(|claim| claim.base >= out.threshold || helped(claim)) {
        return None;
    }
    let mut best: Option<(u8, &Claim)> = None;
    let context = if topics.is_empty() { Context::EMPTY } else { Context::around(digits.text, value) };
    for claim in &digits.claims {
        let confidence = weigh(claim, &context);
        let better = |(sure, other): &(u8, &Claim)| {
            (confidence, claim.span.end - claim.span.start) > (*sure, other.span.end - other.span.start)
        };
        if out.wants(&claim.kind) && best.as_ref().is_none_or(better) {
            best = Some((confidence, claim));
        }
    }
    let (confidence, claim) = best?;
    if confidence < out.threshold {
        return None;
    }
    let taken = (i..digits.cluster.len()).take_while(|&k| digits.cluster.group(k).start < claim.span.end).count();
    out.push(Finding::new(claim.kind.clone(), claim.span.clone(), confidence));
    Some(taken.max(1))
}

/// A keyword of its own beside it makes a value surer, and one of another kind less sure.
fn weigh(claim: &Claim, context: &Context) -> u8 {
    let Some(topic) = claim.kind.topic() else { return claim.base };
    if context.speaks_of(topic) {
        return (claim.base + 70).min(99);
    }
    if context.speaks_of_another(topic) {
        return if claim.base >= SURE { claim.base - 25 } else { claim.base.saturating_sub(30) };
    }
    if context.has(topic) { (claim.base + 40).min(95) } else { claim.base }
}

/// A date of the calendar in two or three groups; how many.
fn date(cluster: &Cluster, i: usize) -> Option<usize> {
    let number = |k: usize| crate::privacy::checksum::value(cluster.digits(i + k, 1));
    match cluster.lengths::<4>(i) {
        [4, 1 | 2, 1 | 2, after] if cluster.parted_evenly(i, 3) || cluster.group(i).after == Separator::Dot => {
            let fits = (1800..2200).contains(&number(0)) && is_date(number(0), number(1), number(2));
            // 2024-01-01-... goes on: a number that begins like a date.
            let goes_on = after > 0
                && cluster.group(i + 2).after == cluster.group(i).after
                && cluster.group(i).after == Separator::Dash;
            (fits && !goes_on).then_some(3)
        }
        [1 | 2, 1 | 2, 4, _] if cluster.parted_evenly(i, 3) && cluster.group(i).after != Separator::Space => {
            let (a, b, year) = (number(0), number(1), number(2));
            let fits = (1800..2200).contains(&year) && (is_date(year, a, b) || is_date(year, b, a));
            (fits && cluster.stops(i, 3)).then_some(3)
        }
        [8, 0 | 4 | 6, ..] => {
            let all = cluster.digits(i, 1);
            let [year, month, day] = [&all[..4], &all[4..6], &all[6..]].map(crate::privacy::checksum::value);
            ((1900..2100).contains(&year) && is_date(year, month, day) && cluster.group(i).after != Separator::Dash)
                .then_some(1)
        }
        _ => None,
    }
}

/// `31 January 1990`, `Jan 31, 1990`, whose day stands at `start`.
fn named_month(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let letters = |bytes: &mut dyn Iterator<Item = &u8>| bytes.take(10).take_while(|b| b.is_ascii_alphabetic()).count();
    let year = |at: usize| {
        let digits = text.get(at..at + 4)?;
        let next = text.get(at + 4).is_some_and(u8::is_ascii_digit);
        (digits.iter().all(u8::is_ascii_digit) && matches!(digits[0], b'1' | b'2') && !next).then_some(at + 4)
    };
    // 31st, 31.
    let behind = match text.get(end..)? {
        [b's', b't', ..] | [b'n' | b'r', b'd', ..] | [b't', b'h', ..] => end + 2,
        [b'.', ..] => end + 1,
        _ => end,
    };
    match text.get(behind)? {
        b' ' => {
            let length = letters(&mut text[behind + 1..].iter());
            if length == 0 {
                let before = text[..start].strip_suffix(b" ")?;
                let length = letters(&mut before.iter().rev());
                return is_month(&before[before.len() - length..])
                    .then(|| year(behind + 1).map(|end| before.len() - length..end))?;
            }
            let month = &text[behind + 1..behind + 1 + length];
            let gap =
                text.get(behind + 1 + length..)?.iter().take_while(|b| matches!(b, b'.' | b',' | b' ')).take(2).count();
            is_month(month).then(|| year(behind + 1 + length + gap).map(|end| start..end))?
        }
        b',' if text.get(behind + 1) == Some(&b' ') => {
            let before = text[..start].strip_suffix(b" ")?;
            let before = before.strip_suffix(b".").unwrap_or(before);
            let length = letters(&mut before.iter().rev());
            is_month(&before[before.len() - length..])
                .then(|| year(behind + 2).map(|end| before.len() - length..end))?
        }
        _ => None,
    }
}

/// English, German, French, Spanish and Italian names, by the three letters that they begin with.
pub(super) fn is_month(name: &[u8]) -> bool {
    let Some(mut three) = name.first_chunk::<3>().copied() else { return false };
    three.make_ascii_lowercase();
    matches!(
        &three,
        b"jan"
            | b"feb"
            | b"mar"
            | b"apr"
            | b"may"
            | b"jun"
            | b"jul"
            | b"aug"
            | b"sep"
            | b"oct"
            | b"nov"
            | b"dec"
            | b"mai"
            | b"okt"
            | b"dez"
            | b"avr"
            | b"jui"
            | b"ene"
            | b"abr"
            | b"ago"
            | b"dic"
            | b"gen"
            | b"mag"
            | b"giu"
            | b"lug"
            | b"set"
            | b"ott"
    )
}

/// `1990년 1월 31일`, whose year ends at `pos`: where it ends. `年`, `月` and `日` do as well.
fn written_date(text: &[u8], mut pos: usize, year: &[u8]) -> Option<usize> {
    const UNITS: [[&str; 2]; 3] = [["년", "年"], ["월", "月"], ["일", "日"]];
    // A year of two digits is of the century that makes a date of it.
    let full = crate::privacy::checksum::value(year);
    let mut parts = [if year.len() == 2 { 1900 + full } else { full }, 0, 0];
    for (i, units) in UNITS.iter().enumerate() {
        if i > 0 {
            pos += usize::from(text.get(pos) == Some(&b' '));
            let digits: Vec<u8> =
                text[pos..].iter().take(3).map(|b| b.wrapping_sub(b'0')).take_while(|d| *d < 10).collect();
            parts[i] = crate::privacy::checksum::value(&digits);
            pos += digits.len();
        }
        pos += units.iter().find(|unit| text[pos..].starts_with(unit.as_bytes()))?.len();
    }
    ((1800..2200).contains(&parts[0]) && is_date(parts[0], parts[1], parts[2])).then_some(pos)
}
