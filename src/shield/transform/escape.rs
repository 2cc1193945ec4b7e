//! Escapes that begin with a backslash.

use super::{
    hex::{digit, narrow, octal, pair, quad},
    scan::replace,
    space::white,
};

/// `\uHHHH`, `\xHH`, one to three octal digits that make a byte, letters; of anything else the backslash goes.
pub(super) fn javascript(text: &[u8], out: &mut Vec<u8>) {
    replace(text, b'\\', out, |rest, out| {
        let (byte, used) = match *rest.first()? {
            b'u' if quad(&rest[1..]).is_some() => {
                let [high, low] = quad(&rest[1..])?;
                (narrow(high, low), 5)
            }
            b'x' if pair(&rest[1..]).is_some() => (pair(&rest[1..])?, 3),
            // A third digit that would make more than a byte stands for itself.
            first @ b'0'..=b'7' => {
                let (value, count) = octal(rest);
                if count == 3 && first > b'3' { (low(value >> 3), 2) } else { (low(value), count) }
            }
            other => (letter(other).unwrap_or(other), 1),
        };
        out.push(byte);
        Some(used)
    });
}

/// `\xHH`, one to three octal digits, letters; of anything else the backslash goes.
pub(super) fn ansi_c(text: &[u8], out: &mut Vec<u8>) {
    replace(text, b'\\', out, |rest, out| {
        let (byte, used) = match *rest.first()? {
            b'x' | b'X' if pair(&rest[1..]).is_some() => (pair(&rest[1..])?, 3),
            b'0'..=b'7' => {
                let (value, count) = octal(rest);
                (low(value), count)
            }
            other => (letter(other).unwrap_or(other), 1),
        };
        out.push(byte);
        Some(used)
    });
}

/// One to six hexadecimal digits, and a white space behind them; an escaped new line is none; of anything else the backslash goes.
pub(super) fn css(text: &[u8], out: &mut Vec<u8>) {
    replace(text, b'\\', out, |rest, out| {
        let digits = rest.iter().take(6).take_while(|byte| digit(**byte).is_some()).count();
        match rest.first() {
            None => Some(0),
            Some(_) if digits > 0 => {
                let code = rest[..digits].iter().fold(0, |code, byte| code << 4 | u32::from(digit(*byte).unwrap_or(0)));
                let [_, plane, high, low] = code.to_be_bytes();
                out.push(if plane == 0 && digits >= 4 { narrow(high, low) } else { low });
                Some(digits + usize::from(rest.get(digits).is_some_and(|byte| white(*byte))))
            }
            Some(b'\n') => Some(1),
            Some(other) => {
                out.push(*other);
                Some(1)
            }
        }
    });
}

const fn letter(byte: u8) -> Option<u8> {
    Some(match byte {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        _ => return None,
    })
}

const fn low(value: u16) -> u8 {
    value.to_be_bytes()[1]
}
