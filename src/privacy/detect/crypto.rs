//! Addresses of cryptocurrencies.

/// How sure a word is an address of Bitcoin (`Base58Check`, or BIP 173) or Ethereum.
pub(super) fn crypto(word: &[u8]) -> Option<u8> {
    match word {
        [b'0', b'x', rest @ ..] if rest.len() == 40 && rest.iter().all(u8::is_ascii_hexdigit) => Some(85),
        // Both cases of one are never mixed.
        [b'b', b'c', b'1', rest @ ..] if bech32(rest) => Some(95),
        [b'B', b'C', b'1', rest @ ..] if rest.iter().all(|b| !b.is_ascii_lowercase()) => {
            bech32(&rest.to_ascii_lowercase()).then_some(95)
        }
        // Hexadecimal digits have no capitals beside small letters.
        [b'1' | b'3', ..] if word.len() <= 35 && word.iter().any(u8::is_ascii_uppercase) && base58check(word) => {
            Some(95)
        }
        _ => None,
    }
}

/// BIP 173 and BIP 350: a polynomial check over GF(32), behind `bc1`; the first sign tells the version and so which constant is due.
fn bech32(rest: &[u8]) -> bool {
    const CHARSET: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let step = |check: u32, value: u8| {
        let top = check >> 25;
        let next = (check & 0x01FF_FFFF) << 5 ^ u32::from(value);
        [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3]
            .iter()
            .enumerate()
            .fold(next, |c, (i, g)| if top >> i & 1 == 1 { c ^ g } else { c })
    };
    let Some(values) = rest.iter().map(|b| CHARSET.iter().position(|c| c == b)).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let human = [b'b' >> 5, b'c' >> 5, 0, b'b' & 31, b'c' & 31];
    let data = values.into_iter().map(|v| u8::try_from(v).unwrap_or(0));
    let check = human.into_iter().chain(data).fold(1, step);
    rest.len() >= 11 && check == if rest[0] == b'q' { 1 } else { 0x2BC8_30A3 }
}

fn base58check(word: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0_u8; 25];
    for b in word {
        let Some(mut carry) = ALPHABET.iter().position(|a| a == b) else { return false };
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry & 0xFF).unwrap_or(0);
            carry >>= 8;
        }
        if carry > 0 {
            return false;
        }
    }
    let digest = |data: &[u8]| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data);
    digest(digest(&bytes[..21]).as_ref()).as_ref()[..4] == bytes[21..]
}
