//! Check digits. Every function takes digits as values 0 to 9 and answers for the number as a whole; a slice of another
//! length than the scheme's is no match, never a panic.

/// Luhn (ISO/IEC 7812-1, annex B).
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &d)| match (i % 2, d) {
            (0, d) => u32::from(d),
            (_, d) if d > 4 => u32::from(d) * 2 - 9,
            (_, d) => u32::from(d) * 2,
        })
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// Sum of products with `weights`, over as many as both have.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(&d, &w)| u32::from(d) * w).sum()
}

fn last(digits: &[u8]) -> u32 {
    digits.last().map_or(99, |&d| u32::from(d))
}

/// Resident registration number: weights 2 to 9, then 2 to 5; modulus 11, then 10.
pub(super) fn kr_rrn(digits: &[u8]) -> bool {
    digits.len() == 13 && (11 - weighted(digits, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10 == last(digits)
}

/// Foreigner registration number: as the resident's, plus 2.
pub(super) fn kr_frn(digits: &[u8]) -> bool {
    digits.len() == 13 && (13 - weighted(digits, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10 == last(digits)
}

/// Business registration number: weights 1 3 7 1 3 7 1 3 5, and the tens of the last product.
pub(super) fn kr_brn(digits: &[u8]) -> bool {
    digits.len() == 10 && {
        let sum = weighted(digits, &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + u32::from(digits[8]) * 5 / 10;
        (10 - sum % 10) % 10 == last(digits)
    }
}

/// Corporate registration number: weights 1 2 in turn, modulus 10.
pub(super) fn kr_corp(digits: &[u8]) -> bool {
    digits.len() == 13 && (10 - weighted(digits, &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2]) % 10) % 10 == last(digits)
}

/// NHS number: weights 10 to 2, modulus 11.
pub(super) fn uk_nhs(digits: &[u8]) -> bool {
    digits.len() == 10 && (11 - weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 == last(digits)
}

/// Verhoeff's dihedral check (Verhoeff 1969), as Aadhaar uses it.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    const PERMUTE: [[u8; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    // Multiplication in the dihedral group of order ten.
    let product = |a: u8, b: u8| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - 5 + 5 - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let check = digits.iter().rev().enumerate().fold(0, |c, (i, &d)| product(c, PERMUTE[i % 8][usize::from(d) % 10]));
    !digits.is_empty() && check == 0
}

/// Tax file number: weights 1 4 3 7 5 8 6 9 10, modulus 11.
pub(super) fn au_tfn(digits: &[u8]) -> bool {
    digits.len() == 9 && weighted(digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

/// CPF: two check digits of modulus 11; a number of one digit repeated is none.
pub(super) fn br_cpf(digits: &[u8]) -> bool {
    let check = |n: usize| {
        let weights: Vec<u32> = (2..=u32::try_from(n).unwrap_or(2) + 1).rev().collect();
        let rest = weighted(&digits[..n], &weights) * 10 % 11 % 10;
        rest == u32::from(digits[n])
    };
    digits.len() == 11 && digits.iter().any(|&d| d != digits[0]) && check(9) && check(10)
}

/// GB 11643: ISO 7064 MOD 11-2; the last may be 10, written X.
pub(super) fn cn_ric(digits: &[u8]) -> bool {
    digits.len() == 18 && {
        let sum = weighted(digits, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
        (12 - sum % 11) % 11 == last(digits)
    }
}

/// Individual number (Ministry ordinance 85 of 2014, article 5): weights 6 5 4 3 2 7 6 5 4 3 2, modulus 11.
pub(super) fn jp_my_number(digits: &[u8]) -> bool {
    digits.len() == 12 && {
        let rest = weighted(digits, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
        (if rest <= 1 { 0 } else { 11 - rest }) == last(digits)
    }
}

/// German tax number: ISO 7064 MOD 11,10.
pub(super) fn de_tax(digits: &[u8]) -> bool {
    digits.len() == 11 && digits[0] != 0 && {
        let product = digits[..10].iter().fold(10, |product, &d| {
            let sum = (u32::from(d) + product) % 10;
            (if sum == 0 { 10 } else { sum }) * 2 % 11
        });
        (11 - product) % 10 == last(digits)
    }
}

/// PESEL: weights 1 3 7 9, modulus 10.
pub(super) fn pl_pesel(digits: &[u8]) -> bool {
    digits.len() == 11 && (10 - weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10 == last(digits)
}

/// BSN: weights 9 to 2 and -1, modulus 11.
pub(super) fn nl_bsn(digits: &[u8]) -> bool {
    digits.len() == 9
        && weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2, 10]).is_multiple_of(11)
        && digits.iter().any(|&d| d != 0)
}

/// The value of digits in base ten; nothing beyond eighteen of them.
pub(super) fn value(digits: &[u8]) -> u64 {
    digits.iter().take(18).fold(0, |n, &d| n * 10 + u64::from(d))
}

/// National register number: 97 less the rest of the first nine, with a 2 before them for births since 2000.
pub(super) fn be_nrn(digits: &[u8]) -> bool {
    digits.len() == 11 && {
        let (body, check) = (value(&digits[..9]), value(&digits[9..]));
        97 - body % 97 == check || 97 - (2_000_000_000 + body) % 97 == check
    }
}

/// NIR: 97 less the rest of the first thirteen.
pub(super) fn fr_nir(digits: &[u8]) -> bool {
    digits.len() == 15 && 97 - value(&digits[..13]) % 97 == value(&digits[13..])
}

/// IBAN: ISO 7064 MOD 97-10 over the country and check digits moved to the end; letters count from 10.
pub(super) fn iban(text: &[u8]) -> bool {
    let turned = text.iter().skip(4).chain(text.iter().take(4));
    let rest = turned.fold(0_u32, |rest, &b| match b {
        b'0'..=b'9' => (rest * 10 + u32::from(b - b'0')) % 97,
        _ => (rest * 100 + u32::from(b.to_ascii_uppercase().wrapping_sub(b'A')) + 10) % 97,
    });
    text.len() > 4 && rest == 1
}

/// Check letter of a Spanish DNI or NIE: modulus 23.
pub(super) fn es_letter(number: u64) -> u8 {
    b"TRWAGMYFPDXBNJZSQVHLCKE"[usize::try_from(number % 23).unwrap_or(0)]
}

/// Check character of a Finnish code: modulus 31.
pub(super) fn fi_letter(number: u64) -> u8 {
    b"0123456789ABCDEFHJKLMNPRSTUVWXY"[usize::try_from(number % 31).unwrap_or(0)]
}

/// Check letter of a Singaporean NRIC or FIN: weights 2 7 6 5 4 3 2, by series.
pub(super) fn sg_letter(series: u8, digits: &[u8]) -> Option<u8> {
    let sum = weighted(digits, &[2, 7, 6, 5, 4, 3, 2]) as usize;
    match series {
        b'S' => Some(b"JZIHGFEDCBA"[sum % 11]),
        b'T' => Some(b"JZIHGFEDCBA"[(sum + 4) % 11]),
        b'F' => Some(b"XWUTRQPNMLK"[sum % 11]),
        b'G' => Some(b"XWUTRQPNMLK"[(sum + 4) % 11]),
        b'M' => Some(b"XWUTRQPNJLK"[10 - (sum + 3) % 11]),
        _ => None,
    }
}

/// Check letter of an Italian fiscal code (decree of 23 December 1976): odd places have values of their own.
pub(super) fn it_fiscal(text: &[u8]) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let code =
        |b: u8| usize::from(if b.is_ascii_digit() { b - b'0' } else { b.to_ascii_uppercase().wrapping_sub(b'A') });
    text.len() == 16 && {
        let sum: u32 =
            text[..15]
                .iter()
                .enumerate()
                .map(|(i, &b)| {
                    if i % 2 == 0 {
                        ODD.get(code(b)).copied().unwrap_or(0)
                    } else {
                        u32::try_from(code(b)).unwrap_or(0)
                    }
                })
                .sum();
        u32::try_from(code(text[15])).is_ok_and(|check| check == sum % 26)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Vec<u8> {
        text.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect()
    }

    /// A check that holds for a number fails for all that differ in one digit of it.
    fn catches_each_slip(check: impl Fn(&[u8]) -> bool, number: &str) {
        let digits = d(number);
        assert!(check(&digits), "{number}");
        assert!(!check(&digits[1..]) && !check(&[]), "{number} cut");
        for i in 0..digits.len() {
            let mut slipped = digits.clone();
            slipped[i] = (slipped[i] + 1) % 10;
            assert!(!check(&slipped), "{number} at {i}");
        }
    }

    #[test]
    fn published_examples_hold() {
        catches_each_slip(|n| n.len() == 16 && luhn(n), "4111 1111 1111 1111");
        catches_each_slip(verhoeff_of_twelve, "2341 2341 2346");
        catches_each_slip(uk_nhs, "943 476 5919");
        catches_each_slip(au_tfn, "123 456 782");
        catches_each_slip(nl_bsn, "111222333");
        catches_each_slip(pl_pesel, "44051401359");
        catches_each_slip(de_tax, "86095742719");
        catches_each_slip(be_nrn, "85.07.30-033.28");
        catches_each_slip(fr_nir, "2 55 08 14 168 025 38");
        for (check, number) in [
            (kr_brn as fn(&[u8]) -> bool, "124-81-00998"),
            (br_cpf, "111.444.777-35"),
            (jp_my_number, "1234 5678 9018"),
            (kr_corp, "130111-0006246"),
        ] {
            assert!(check(&d(number)), "{number}");
        }
        assert!(iban(b"GB82WEST12345698765432") && !iban(b"GB82WEST12345698765431") && !iban(b"GB8"));
        assert!(it_fiscal(b"RSSMRA85T10A562S") && !it_fiscal(b"RSSMRA85T10A562T"));
        assert!(cn_ric(&d("11010519491231002").into_iter().chain([10]).collect::<Vec<_>>()));
        assert_eq!(es_letter(12_345_678), b'Z');
        assert_eq!(fi_letter(131_052_308), b'T');
        assert_eq!(sg_letter(b'S', &d("1234567")), Some(b'D'));
    }

    fn verhoeff_of_twelve(digits: &[u8]) -> bool {
        digits.len() == 12 && verhoeff(digits)
    }

    #[test]
    fn resident_and_foreigner_numbers() {
        let with_check =
            |body: &str, check: fn(&[u8]) -> bool| (0..10).filter(|last| check(&d(&format!("{body}{last}")))).count();
        assert_eq!(with_check("900101123456", kr_rrn), 1);
        assert_eq!(with_check("900101523456", kr_frn), 1);
    }
}
