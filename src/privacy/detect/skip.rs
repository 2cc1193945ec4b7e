//! Passing over what no detector looks at, many bytes at a time.

/// What a byte may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    Nothing,
    Digit,
    At,
    Sign,
    Dash,
    Title,
    Honorific,
    /// A character reference: it is of interest once it is decoded.
    Reference,
    /// A full-width form: it is of interest once it is decoded.
    Wide,
}

const fn class(byte: u8) -> Class {
    match byte {
        b'0'..=b'9' => Class::Digit,
        b'@' => Class::At,
        b':' | b'=' => Class::Sign,
        b'-' => Class::Dash,
        b'M' | b'D' => Class::Title,
        b'&' => Class::Reference,
        0x8B | 0x94 => Class::Honorific,
        0xEF => Class::Wide,
        _ => Class::Nothing,
    }
}

const CLASSES: [Class; 256] = {
    let mut table = [Class::Nothing; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = class(byte);
        match byte.checked_add(1) {
            Some(next) => byte = next,
            None => break,
        }
    }
    table
};

/// Bytes that are looked at together, and how closely a place among them is sought.
const BLOCK: usize = 128;
const PART: usize = 16;

/// The next place at or behind `pos`, before `limit`, where a detector may begin, and what is there.
pub(super) fn next(text: &[u8], mut pos: usize, limit: usize) -> Option<(usize, Class)> {
    let limit = limit.min(text.len());
    // In logs the next is near.
    let near = (pos + PART).min(limit);
    while pos < limit {
        if pos >= near {
            pos = pass::<BLOCK>(text, pos, limit);
            pos = pass::<PART>(text, pos, limit);
        }
        let end = (pos + PART).min(limit);
        // Four at a time, since a branch a byte is what costs.
        while let Some(&[a, b, c, d]) = text[pos..end].first_chunk() {
            if [a, b, c, d].iter().any(|&byte| CLASSES[usize::from(byte)] != Class::Nothing) {
                break;
            }
            pos += 4;
        }
        while pos < end {
            let class = CLASSES[usize::from(text[pos])];
            if class != Class::Nothing && holds(text, pos, class) {
                return Some((pos, class));
            }
            pos += 1;
        }
    }
    None
}

/// Where the first block of `N` bytes begins that may hold anything of interest, or that is not whole.
#[inline]
fn pass<const N: usize>(text: &[u8], mut pos: usize, limit: usize) -> usize {
    // A byte more than the block: some classes are told by two.
    while pos < limit
        && let (Some(block), Some(next)) = (text[pos..].first_chunk::<N>(), text[pos + 1..].first_chunk::<N>())
        && !may_hold(block, next)
    {
        pos += N;
    }
    pos.min(limit)
}

/// The second byte, where a class needs one.
fn holds(text: &[u8], pos: usize, class: Class) -> bool {
    let next = text.get(pos + 1).copied().unwrap_or(0);
    match class {
        Class::Dash => next == b'-',
        // `&commat;`, `&colon;`, `&equals;`: the others have digits.
        Class::Reference => next == b'c' || next == b'e',
        Class::Title => next == b'r' || next == b's',
        Class::Wide => next == 0xBC,
        Class::Honorific => (text[pos] == 0x8B && next == 0x98) || (text[pos] == 0x94 && next == 0xA8),
        _ => true,
    }
}

/// Whether any place of the block may interest: written without branches and in lanes, so that the compiler does many bytes at once. Each
/// test is zero where it is met: the least of them takes fewer instructions than comparisons do.
#[inline]
fn may_hold<const N: usize>(block: &[u8; N], next: &[u8; N]) -> bool {
    let mut least = [u8::MAX; PART];
    let mut all = [0_u8; PART];
    for part in 0..N / PART {
        for lane in 0..PART {
            let (a, b) = (block[part * PART + lane], next[part * PART + lane]);
            // Digits, `:`, `=` and `@` lie within 0x30 to 0x40.
            let plain = a.wrapping_sub(0x30).saturating_sub(0x10).min(a ^ b'&');
            let dashes = a ^ b'-' | a ^ b;
            // `Mr`, `Ms`, `Dr` and `Ds` differ in the same bits, and lack the same; so do a few others.
            let title = (a ^ b) & 0xF6 ^ 0x36 | a & 0xB2;
            least[lane] = least[lane].min(plain).min(dashes).min(title);
            all[lane] |= a;
        }
    }
    let zero = least.iter().fold(0, |any, &n| any | u8::from(n == 0));
    let all = all.iter().fold(0, |all, &a| all | a);
    zero != 0 || all >= 0x80 && may_begin_wide(block) && may_hold_wide(block, next)
}

/// Whether any byte begins what is told by two outside ASCII: typographic quotes don't.
#[inline]
fn may_begin_wide<const N: usize>(block: &[u8; N]) -> bool {
    block.iter().fold(0_u8, |any, &a| any | u8::from(a == 0x8B) | u8::from(a == 0x94) | u8::from(a == 0xEF)) != 0
}

/// The same for what is not ASCII.
#[inline]
fn may_hold_wide<const N: usize>(block: &[u8; N], next: &[u8; N]) -> bool {
    let mut any = 0_u8;
    for i in 0..N {
        let (a, b) = (block[i], next[i]);
        let honorific = (u8::from(a == 0x8B) & u8::from(b == 0x98)) | (u8::from(a == 0x94) & u8::from(b == 0xA8));
        any |= honorific | u8::from(a == 0xEF) & u8::from(b == 0xBC);
    }
    any != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pair_of_bytes_is_passed_over_that_holds_anything() {
        for (first, second) in (0..=u8::MAX).flat_map(|a| (0..=u8::MAX).map(move |b| (a, b))) {
            let mut text = [b' '; 2 * BLOCK];
            (text[BLOCK - 1], text[BLOCK]) = (first, second);
            let found = (BLOCK - 1..=BLOCK).find(|&at| {
                let class = CLASSES[usize::from(text[at])];
                class != Class::Nothing && holds(&text, at, class)
            });
            assert_eq!(next(&text, 0, text.len()).map(|(at, _)| at), found, "{first:x} {second:x}");
        }
    }
}
