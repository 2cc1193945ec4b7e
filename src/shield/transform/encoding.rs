//! Base64, hexadecimal, parity.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    hex::{pair, write},
    scan::replace,
    space::white,
};
use crate::shield::bytes::Bytes;

/// Bytes with an odd number of ones in their lower seven bits.
pub(super) const ODD: Bytes = parity(1);
/// Bytes with an even number of ones in their lower seven bits.
pub(super) const EVEN: Bytes = parity(0);

const fn parity(wanted: u32) -> Bytes {
    let mut set = Bytes::NONE;
    let mut byte = 0u8;
    loop {
        if (byte & 0x7f).count_ones() & 1 == wanted {
            set = set.with(byte);
        }
        if byte == u8::MAX {
            return set;
        }
        byte += 1;
    }
}

/// With the eighth bit of each byte of `set` flipped.
pub(super) fn flip(text: &[u8], set: Bytes, out: &mut Vec<u8>) {
    out.extend(text.iter().map(|byte| if set.has(*byte) { byte ^ 0x80 } else { *byte }));
}

/// Bits that come six at a time.
#[derive(Default)]
struct Sextets {
    bits: u32,
    count: usize,
}

impl Sextets {
    fn push(&mut self, value: u8, out: &mut Vec<u8>) {
        self.bits = self.bits << 6 | u32::from(value);
        self.count += 1;
        let spare = match self.count % 4 {
            1 => return,
            2 => 4,
            3 => 2,
            _ => 0,
        };
        out.push((self.bits >> spare).to_le_bytes()[0]);
    }
}

const fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Up to padding or the first byte that is neither base64 nor white.
pub(super) fn base64_decode(text: &[u8], out: &mut Vec<u8>) {
    let mut sextets = Sextets::default();
    for value in text.iter().filter(|byte| !white(**byte)).map_while(|byte| sextet(*byte)) {
        sextets.push(value, out);
    }
}

/// What is not base64, or its form for URLs, is skipped. Padding behind a first character of four: it is no base64, and nothing comes
/// out.
pub(super) fn base64_decode_ext(text: &[u8], out: &mut Vec<u8>) {
    let mut sextets = Sextets::default();
    let start = out.len();
    for (at, byte) in text.iter().enumerate() {
        let value = match byte {
            b'-' => Some(62),
            b'_' => Some(63),
            _ => sextet(*byte),
        };
        if let Some(value) = value {
            sextets.push(value, out);
        } else if *byte == b'=' && sextets.count % 4 == 1 && text.get(at + 1) != Some(&b'=') {
            out.truncate(start);
            return;
        }
    }
}

/// With padding.
pub(super) fn base64_encode(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(STANDARD.encode(text).as_bytes());
}

/// Pairs, whatever they are: what is no digit counts as what the arithmetic makes of it. A last one alone is dropped.
pub(super) fn hex_decode(text: &[u8], out: &mut Vec<u8>) {
    const fn value(byte: u8) -> u8 {
        if byte >= b'A' { (byte & 0xdf).wrapping_sub(b'A' - 10) } else { byte.wrapping_sub(b'0') }
    }
    out.extend(text.as_chunks().0.iter().map(|[high, low]| value(*high).wrapping_mul(16).wrapping_add(value(*low))));
}

/// In lower case.
pub(super) fn hex_encode(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() * 2);
    for byte in text {
        write(*byte, out);
    }
}

/// `0x` and the pairs of digits that follow it.
pub(super) fn sql_hex_decode(text: &[u8], out: &mut Vec<u8>) {
    replace(text, b'0', out, |rest, out| {
        let [b'x' | b'X', digits @ ..] = rest else { return None };
        let before = out.len();
        out.extend(digits.as_chunks::<2>().0.iter().map_while(|digits| pair(digits)));
        let pairs = out.len() - before;
        (pairs > 0).then_some(1 + pairs * 2)
    });
}
