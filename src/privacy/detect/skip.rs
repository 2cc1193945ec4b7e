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

/// Bytes that are looked at together.
const BLOCK: usize = 64;

/// The next place at or behind `pos`, before `limit`, where a detector may begin, and what is there.
pub(super) fn next(text: &[u8], mut pos: usize, limit: usize) -> Option<(usize, Class)> {
    let limit = limit.min(text.len());
    while pos < limit {
        // A byte more than the block: some classes are told by two.
        if let Some(block) = text.get(pos..=pos + BLOCK)
            && !may_hold(block)
        {
            pos += BLOCK;
            continue;
        }
        let end = (pos + BLOCK).min(limit);
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

/// The second byte, where a class needs one.
fn holds(text: &[u8], pos: usize, class: Class) -> bool {
    let next = text.get(pos + 1).copied().unwrap_or(0);
    match class {
        Class::Dash => next == b'-',
        Class::Title => next == b'r' || next == b's',
        Class::Wide => next == 0xBC,
        Class::Honorific => (text[pos] == 0x8B && next == 0x98) || (text[pos] == 0x94 && next == 0xA8),
        _ => true,
    }
}

/// Whether any place of the block may interest: written without branches, so that the compiler does many bytes at once.
fn may_hold(block: &[u8]) -> bool {
    let pairs = block[..BLOCK].iter().zip(&block[1..=BLOCK]);
    let any = pairs.fold(0_u8, |any, (&a, &b)| {
        // Digits, `:`, `=` and `@` lie within 0x30 to 0x40.
        let plain = u8::from(a.wrapping_sub(0x30) < 0x11);
        let dashes = u8::from(a == b'-') & u8::from(b == b'-');
        let title = (u8::from(a == b'M') | u8::from(a == b'D')) & (u8::from(b == b'r') | u8::from(b == b's'));
        let honorific = (u8::from(a == 0x8B) & u8::from(b == 0x98)) | (u8::from(a == 0x94) & u8::from(b == 0xA8));
        let wide = u8::from(a == 0xEF) & u8::from(b == 0xBC);
        any | plain | dashes | title | honorific | wide
    });
    any != 0
}
