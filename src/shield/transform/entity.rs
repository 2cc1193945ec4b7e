//! Entities of HTML.

use super::{hex::digit, scan::replace, space::NO_BREAK};

/// The named ones that are known.
const NAMED: [(&[u8], u8); 5] = [(b"quot", b'"'), (b"amp", b'&'), (b"lt", b'<'), (b"gt", b'>'), (b"nbsp", NO_BREAK)];

/// Numeric entities as their lowest byte, and those of [`NAMED`] in any case; a semicolon is not needed.
pub(super) fn decode(text: &[u8], out: &mut Vec<u8>) {
    replace(text, b'&', out, |rest, out| {
        let (byte, used) = match rest {
            [b'#', b'x' | b'X', digits @ ..] => number(digits, 16, 2)?,
            [b'#', digits @ ..] => number(digits, 10, 1)?,
            _ => {
                let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                let (_, byte) = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(&rest[..length]))?;
                (*byte, length)
            }
        };
        out.push(byte);
        Some(used + usize::from(rest.get(used) == Some(&b';')))
    });
}

/// A number that begins after `before` bytes: its lowest byte, and where it ends. One that no machine word holds is all ones.
fn number(digits: &[u8], base: u8, before: usize) -> Option<(u8, usize)> {
    let values = digits.iter().map_while(|byte| digit(*byte).filter(|value| *value < base));
    let (value, count) = values.fold((0i64, 0), |(value, count), digit| {
        (value.saturating_mul(i64::from(base)).saturating_add(i64::from(digit)), count + 1)
    });
    (count > 0).then(|| (value.to_le_bytes()[0], before + count))
}
