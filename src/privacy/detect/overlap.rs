//! Of values that lie over one another, which stand.
//!
//! Candidates are looked at in the order of their beginnings, whoever found them first, so that the outcome does not depend on how a
//! stream was cut.

use crate::privacy::finding::{Finding, Kind};

/// Puts a candidate where it belongs: by its beginning, the longer first.
pub(super) fn insert(found: &mut Vec<Finding>, new: Finding) {
    let key = |f: &Finding| (f.start, usize::MAX - f.end, 100 - f.confidence.min(100));
    let place = found.iter().rposition(|old| key(old) <= key(&new)).map_or(0, |i| i + 1);
    found.insert(place, new);
}

/// Keeps, of candidates in order, those that stand: a longer value wins, then a surer one, then the first. What a loser covers beside the
/// winner stays covered: it may be the rest of somebody's value.
pub(in crate::privacy) fn resolve(text: &[u8], candidates: &[Finding]) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::new();
    for new in candidates {
        let Some(last) = kept.last_mut().filter(|last| last.end > new.start) else {
            kept.push(new.clone());
            continue;
        };
        // An address that was taken by its label ends where a surer value begins.
        let address = last.kind == Kind::Location && new.start > last.start && new.confidence > last.confidence;
        if address || is_better(new, last) {
            last.end = new.start;
            if !holds_any(&text[last.span()]) {
                kept.pop();
            }
            kept.push(new.clone());
        } else if new.end > last.end && holds_any(&text[last.end..new.end]) {
            let start = last.end;
            kept.push(Finding { start, ..new.clone() });
        }
    }
    kept
}

fn is_better(new: &Finding, old: &Finding) -> bool {
    (new.end - new.start, new.confidence) > (old.end - old.start, old.confidence)
}

/// Whether anything but separators is in it.
fn holds_any(text: &[u8]) -> bool {
    text.iter().any(|b| b.is_ascii_alphanumeric() || *b >= 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(candidates: &[(usize, usize, u8)]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for &(start, end, confidence) in candidates {
            insert(&mut found, Finding::new(Kind::Phone, start..end, confidence));
        }
        resolve(&[b'x'; 30], &found).iter().map(|f| (f.start, f.end)).collect()
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        let candidates = [(0, 5, 90), (4, 10, 80), (9, 16, 70), (20, 22, 50), (20, 22, 60), (20, 25, 10)];
        let expected = spans(&candidates);
        // Every byte of every candidate stays covered.
        assert_eq!(expected, [(0, 4), (4, 9), (9, 16), (20, 25)]);
        for i in 0..candidates.len() {
            let mut turned = candidates;
            turned.rotate_left(i);
            assert_eq!(spans(&turned), expected);
            turned.reverse();
            assert_eq!(spans(&turned), expected);
        }
    }
}
