//! The Huffman code of RFC 7541, appendix B. It is canonical: the codes of one length follow each other in the order of their symbols, and
//! those of the next length follow them. So the symbols in the order of their codes, and how many of each length there are, say all of it.

use super::Malformed;

/// How many codes of a length there are.
const LENGTHS: [(u32, u32); 22] = [
    (5, 10),
    (6, 26),
    (7, 32),
    (8, 6),
    (10, 5),
    (11, 3),
    (12, 2),
    (13, 6),
    (14, 2),
    (15, 3),
    (19, 3),
    (20, 8),
    (21, 13),
    (22, 26),
    (23, 29),
    (24, 12),
    (25, 4),
    (26, 15),
    (27, 19),
    (28, 29),
    (30, 3),
    // The end of a string, which none may have.
    (30, 1),
];

/// What they stand for.
const SYMBOLS: [u8; 256] = [
    b'0', b'1', b'2', b'a', b'c', b'e', b'i', b'o', b's', b't', b' ', b'%', b'-', b'.', b'/', b'3', b'4', b'5', b'6',
    b'7', b'8', b'9', b'=', b'A', b'_', b'b', b'd', b'f', b'g', b'h', b'l', b'm', b'n', b'p', b'r', b'u', b':', b'B',
    b'C', b'D', b'E', b'F', b'G', b'H', b'I', b'J', b'K', b'L', b'M', b'N', b'O', b'P', b'Q', b'R', b'S', b'T', b'U',
    b'V', b'W', b'Y', b'j', b'k', b'q', b'v', b'w', b'x', b'y', b'z', b'&', b'*', b',', b';', b'X', b'Z', b'!', b'"',
    b'(', b')', b'?', b'\'', b'+', b'|', b'#', b'>', 0, b'$', b'@', b'[', b']', b'~', b'^', b'}', b'<', b'`', b'{',
    b'\\', 195, 208, 128, 130, 131, 162, 184, 194, 224, 226, 153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227,
    229, 230, 129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190,
    196, 198, 228, 232, 233, 1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166,
    168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239, 9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237,
    199, 207, 234, 235, 192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255, 203, 204, 211, 212,
    214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254, 2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16,
    17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127, 220, 249, 10, 13, 22,
];

/// The symbol and the length of every code of up to eight bits, by the eight bits that begin with it; length 0 where a longer one begins.
const SHORT: [(u8, u8); 256] = {
    let mut table = [(0, 0); 256];
    let (mut at, mut row, mut symbol) = (0, 0, 0);
    while LENGTHS[row].0 <= 8 {
        let (length, count) = LENGTHS[row];
        let mut code = 0;
        while code < count {
            let mut copies = 1 << (8 - length);
            while copies > 0 {
                #[allow(clippy::cast_possible_truncation, reason = "it is at most 8")]
                let length = length as u8;
                table[at] = (SYMBOLS[symbol], length);
                at += 1;
                copies -= 1;
            }
            symbol += 1;
            code += 1;
        }
        row += 1;
    }
    table
};

/// Decodes `bytes` to the end of `out`.
pub(super) fn decode(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    // The bits that are not decoded yet, from the highest on.
    let (mut bits, mut held) = (0_u64, 0_u32);
    let mut rest = bytes.iter();
    loop {
        while held <= 56
            && let Some(byte) = rest.next()
        {
            bits |= u64::from(*byte) << (56 - held);
            held += 8;
        }
        let (symbol, length) = next(bits);
        // What is left is the padding: less than a byte of ones, with which no whole code begins.
        if length > held || length == 0 {
            let is_padding = held < 8 && bits.leading_ones() >= held;
            return if is_padding { Ok(()) } else { Err(Malformed) };
        }
        out.push(symbol);
        bits <<= length;
        held -= length;
    }
}

/// The symbol that `bits` begin with, and how many it takes; 0 where that is the end of the string.
fn next(bits: u64) -> (u8, u32) {
    let (symbol, length) = SHORT[(bits >> 56) as usize];
    if length > 0 { (symbol, length.into()) } else { long(bits) }
}

/// The same for the symbols with long codes, which are rare.
fn long(bits: u64) -> (u8, u32) {
    // The first code of a length, and the place of its symbol.
    let (mut first, mut before, mut place) = (0, 0, 0);
    for (length, count) in LENGTHS {
        first <<= length - before;
        before = length;
        let offset = (bits >> (64 - length)) - first;
        if offset < u64::from(count) {
            let symbol = SYMBOLS.get(place + usize::try_from(offset).unwrap_or(usize::MAX));
            return symbol.map_or((0, 0), |symbol| (*symbol, length));
        }
        first += u64::from(count);
        place += count as usize;
    }
    (0, 0)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// What `text` is in the code, by its definition.
    fn encode(text: &[u8]) -> Vec<u8> {
        let mut codes = Vec::new();
        let (mut code, mut before) = (0_u32, 0);
        for (length, count) in LENGTHS {
            for _ in 0..count {
                code <<= length - before;
                before = length;
                codes.push((code, length));
                code += 1;
            }
        }
        let mut bits = String::new();
        for byte in text {
            let place = SYMBOLS.iter().position(|symbol| symbol == byte).expect("every byte has one");
            let (code, length) = codes[place];
            write!(bits, "{code:0width$b}", width = length as usize).expect("a string");
        }
        bits += &"1".repeat((8 - bits.len() % 8) % 8);
        let bytes = bits.as_bytes().chunks(8).map(|bits| std::str::from_utf8(bits).expect("digits"));
        bytes.map(|bits| u8::from_str_radix(bits, 2).expect("a byte")).collect()
    }

    fn decoded(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
        let mut out = Vec::new();
        decode(bytes, &mut out).map(|()| out)
    }

    #[test]
    fn every_byte_has_a_code() {
        let mut sorted = SYMBOLS;
        sorted.sort_unstable();
        assert!(sorted.iter().enumerate().all(|(byte, symbol)| byte == usize::from(*symbol)));
        assert_eq!(LENGTHS.iter().map(|(_, count)| count).sum::<u32>(), 257);
        let mut random = fastrand::Rng::with_seed(7);
        for size in 0..300 {
            let text: Vec<u8> = (0..size).map(|_| random.u8(..)).collect();
            assert_eq!(decoded(&encode(&text)), Ok(text));
        }
    }

    #[test]
    fn the_examples_of_the_rfc() {
        // Appendix C.4.1 and C.6.1.
        let example = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(decoded(&example).expect("a host"), b"www.example.com");
        let example =
            [0x9d, 0x29, 0xad, 0x17, 0x18, 0x63, 0xc7, 0x8f, 0x0b, 0x97, 0xc8, 0xe9, 0xae, 0x82, 0xae, 0x43, 0xd3];
        assert_eq!(decoded(&example).expect("an address"), b"https://www.example.com");
    }

    #[test]
    fn what_no_string_ends_with() {
        assert_eq!(decoded(b""), Ok(Vec::new()));
        assert_eq!(decoded(&[0x07]), Ok(b"0".to_vec()));
        for bad in [&[0x07, 0xff][..], &[0x00], &[0xff; 4], &[0x06], &[0xff], &[0xff, 0xff, 0xff, 0xfc]] {
            assert_eq!(decoded(bad), Err(Malformed), "{bad:x?}");
        }
    }
}
