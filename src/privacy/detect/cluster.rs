//! Groups of digits with single separators between them: what numbers of all kinds are written as.

use std::ops::Range;

/// What parts two groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    /// Nothing follows that joins.
    End,
    Space,
    Dash,
    Dot,
    Slash,
    /// A closing bracket, as behind an area code.
    Bracket,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Of its first digit in the digits of all.
    first: usize,
    pub(super) after: Separator,
}

/// Most groups that are read as one.
const GROUPS: usize = 12;
/// Most digits that are read as one; a longer run is no number of anyone.
const DIGITS: usize = 48;
/// Most groups that any number has.
pub(super) const LONGEST: usize = 7;

/// Groups from the first digit on.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // what stands around, each by itself
pub(super) struct Cluster {
    groups: [Group; GROUPS],
    count: usize,
    digits: [u8; DIGITS],
    /// Whether something that joins stands before the first group (a letter, a digit's dot or dash).
    pub(super) joined: bool,
    /// Whether a bracket is open before the first group.
    pub(super) bracket: bool,
    /// Whether a plus stands before the first group.
    pub(super) plus: bool,
    /// Whether the first group follows, or the last precedes, another run of digits in a row of such.
    pub(super) in_row: bool,
    /// Whether a space stands before the first group.
    spaced: bool,
    /// Whether more groups follow than are read as one.
    pub(super) cut: bool,
    /// What follows the last group.
    pub(super) next: u8,
    /// Where reading goes on.
    pub(super) end: usize,
}

impl Cluster {
    /// Reads from the digit at `at`.
    pub(super) fn read(text: &[u8], at: usize) -> Self {
        let none = Group { start: at, end: at, first: 0, after: Separator::End };
        let mut cluster = Self {
            groups: [none; GROUPS],
            count: 0,
            digits: [0; DIGITS],
            joined: false,
            bracket: false,
            plus: false,
            in_row: false,
            spaced: false,
            cut: false,
            next: b' ',
            end: at,
        };
        cluster.look_before(text, at);
        let mut pos = at;
        let mut total = 0;
        while cluster.count < GROUPS {
            let start = pos;
            while let Some(digit) = text.get(pos).map(|b| b.wrapping_sub(b'0')).filter(|&d| d < 10) {
                if total + pos - start < DIGITS {
                    cluster.digits[total + pos - start] = digit;
                }
                pos += 1;
            }
            if total + pos - start > DIGITS {
                // Too long for any number: passed over as a whole.
                if cluster.count == 0 {
                    cluster.end = pos;
                }
                cluster.cut = true;
                break;
            }
            let (after, width) = separator(text, pos);
            cluster.groups[cluster.count] = Group { start, end: pos, first: total, after };
            cluster.count += 1;
            total += pos - start;
            cluster.end = pos;
            if after == Separator::End {
                break;
            }
            cluster.cut = cluster.count == GROUPS;
            pos += width;
        }
        if let Some(last) = cluster.count.checked_sub(1) {
            cluster.groups[last].after = Separator::End;
        }
        cluster.next = text.get(cluster.end).copied().unwrap_or(b' ');
        let behind = text.get(cluster.end + 1..).unwrap_or_default();
        let gap = usize::from(behind.first() == Some(&b' '));
        cluster.in_row |=
            matches!(cluster.next, b',' | b';' | b'|' | b'\t') && behind.get(gap).is_some_and(u8::is_ascii_digit);
        cluster
    }

    fn look_before(&mut self, text: &[u8], at: usize) {
        let before = |n: usize| at.checked_sub(n).map_or(b' ', |i| text[i]);
        self.spaced = before(1) == b' ';
        self.in_row = is_in_row(&text[at.saturating_sub(12)..at]);
        self.bracket = before(1) == b'(';
        self.plus = before(1) == b'+' && !before(2).is_ascii_alphanumeric() || self.bracket && before(2) == b'+';
        self.joined = match before(1) {
            b'-' | b'.' | b'_' => before(2).is_ascii_alphanumeric(),
            b'/' => before(2).is_ascii_digit(),
            b => b.is_ascii_alphanumeric(),
        };
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn group(&self, i: usize) -> Group {
        self.groups[i]
    }

    /// Lengths of up to `N` groups from the `i`-th on; zero where there is none.
    pub(super) fn lengths<const N: usize>(&self, i: usize) -> [usize; N] {
        std::array::from_fn(|k| if i + k < self.count { self.groups[i + k].end - self.groups[i + k].start } else { 0 })
    }

    /// The digits of `n` groups from the `i`-th on.
    pub(super) fn digits(&self, i: usize, n: usize) -> &[u8] {
        let last = self.groups[i + n - 1];
        &self.digits[self.groups[i].first..last.first + last.end - last.start]
    }

    /// The bytes of `n` groups from the `i`-th on.
    pub(super) fn span(&self, i: usize, n: usize) -> Range<usize> {
        self.groups[i].start..self.groups[i + n - 1].end
    }

    /// Whether nothing joins before the `i`-th group.
    pub(super) fn starts(&self, i: usize) -> bool {
        if i == 0 { !self.joined } else { matches!(self.groups[i - 1].after, Separator::Space | Separator::Slash) }
    }

    /// Whether nothing joins behind `n` groups from the `i`-th on.
    pub(super) fn stops(&self, i: usize, n: usize) -> bool {
        let last = self.groups[i + n - 1];
        match last.after {
            Separator::End if i + n == self.count => {
                !(self.next.is_ascii_alphanumeric() || matches!(self.next, b'_' | b'*'))
            }
            Separator::Space | Separator::Slash => true,
            _ => false,
        }
    }

    /// Whether a number of `least` digits or more stands before or behind `n` groups from the `i`-th on, parted by a space: numbers in
    /// rows are measures.
    pub(super) fn is_in_numbers(&self, i: usize, n: usize, least: usize) -> bool {
        let number = |k: usize| self.groups[k].end - self.groups[k].start >= least;
        let spaced = |k: usize| self.groups[k].after == Separator::Space;
        let before = i > 0 && spaced(i - 1) && number(i - 1) && (i == 1 || spaced(i - 2));
        let last = i + n - 1;
        let after =
            last + 1 < self.count && spaced(last) && number(last + 1) && (last + 2 == self.count || spaced(last + 1));
        before || after || i == 0 && self.in_row && self.spaced
    }

    /// Whether `n` groups from the `i`-th on are parted by `separator` alone.
    pub(super) fn parted_by(&self, i: usize, n: usize, separator: Separator) -> bool {
        self.groups[i..i + n - 1].iter().all(|g| g.after == separator)
    }

    /// Whether `n` groups from the `i`-th on are parted all in one way.
    pub(super) fn parted_evenly(&self, i: usize, n: usize) -> bool {
        self.parted_by(i, n, self.groups[i].after)
    }

    /// How many groups from the `i`-th on are parted by nothing looser than a dash.
    pub(super) fn dashed(&self, i: usize) -> usize {
        let tight = |g: &&Group| g.after == Separator::Dash;
        (self.groups[i..self.count].iter().take_while(tight).count() + 1).min(self.count - i)
    }
}

/// Whether a run of four digits or more ends before blanks, bars and commas: numbers in a row are a machine's.
fn is_in_row(before: &[u8]) -> bool {
    let gap = before.iter().rev().take_while(|b| matches!(b, b' ' | b'|' | b',' | b';' | b'\t')).count();
    let digits = before[..before.len() - gap].iter().rev().take_while(|b| b.is_ascii_digit()).count();
    gap > 0 && digits > 3
}

/// Whether a separator and then a digit follow the digits before `pos`.
pub(super) fn joins(text: &[u8], pos: usize) -> bool {
    matches!(text.get(pos), Some(b' ' | b'+' | b'-' | b'.' | b'/' | b')' | b'('))
        && separator(text, pos).0 != Separator::End
}

/// What parts the digits before `pos` from digits behind, and its width; a line's end parts for good.
fn separator(text: &[u8], pos: usize) -> (Separator, usize) {
    let mut kind = Separator::Space;
    let mut width = 0;
    while width < 4 {
        let Some(&byte) = text.get(pos + width) else { return (Separator::End, 0) };
        kind = match (byte, kind) {
            (b'0'..=b'9', _) if width > 0 => return (kind, width),
            // A plus behind a space begins another number; by itself it may be a form's space.
            (b'+', _) if width > 0 && text[pos + width - 1] == b' ' => return (Separator::End, 0),
            (b' ' | b'+', _) => kind,
            (b'-', Separator::Space) => Separator::Dash,
            (b'-', Separator::Bracket) => Separator::Bracket,
            (b'.', Separator::Space) if width == 0 => Separator::Dot,
            (b'/', Separator::Space) => Separator::Slash,
            (b')', Separator::Space) if width == 0 => Separator::Bracket,
            (b'(', Separator::Space) => Separator::Space,
            _ => return (Separator::End, 0),
        };
        width += 1;
    }
    (Separator::End, 0)
}

/// Whether year (in full), month and day can be a date of the calendar.
pub(super) fn is_date(year: u64, month: u64, day: u64) -> bool {
    let days = match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}
