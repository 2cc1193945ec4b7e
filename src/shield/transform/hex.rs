//! Hexadecimal and octal digits.

/// The value of a hexadecimal digit.
pub(super) const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The byte of the two digits that `text` begins with.
pub(super) fn pair(text: &[u8]) -> Option<u8> {
    match text {
        [high, low, ..] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

/// The two bytes of the four digits that `text` begins with.
pub(super) fn quad(text: &[u8]) -> Option<[u8; 2]> {
    Some([pair(text)?, pair(text.get(2..)?)?])
}

/// A character of two bytes as one: the full-width form of an ASCII character as that character, of any other the lower byte.
pub(super) const fn narrow(high: u8, low: u8) -> u8 {
    match (high, low) {
        (0xff, 0x01..=0x5e) => low + 0x20,
        _ => low,
    }
}

/// The three octal digits at most that `text` begins with: their value, and how many.
pub(super) fn octal(text: &[u8]) -> (u16, usize) {
    let digits = text.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7'));
    digits.fold((0, 0), |(value, count), byte| (value << 3 | u16::from(byte - b'0'), count + 1))
}

/// A byte as two digits.
pub(super) fn write(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend([byte >> 4, byte & 15].map(|value| DIGITS[usize::from(value)]));
}
