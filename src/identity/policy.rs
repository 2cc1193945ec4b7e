//! Which passwords are good enough (NIST SP 800-63B-4, section 3.1.1.2): long ones, not made of what everybody tries first. There
//! are no rules about kinds of characters, and none about age.

use std::{collections::HashSet, sync::LazyLock};

use super::password::Password;

/// Least characters where the password stands alone.
pub const ALONE: usize = 15;
/// Least characters where a second factor comes with it.
pub const WITH_SECOND_FACTOR: usize = 8;
/// Most characters.
pub const LONGEST: usize = 256;
/// Most bytes of what a form may bring as a password, before anything is computed.
pub const LONGEST_BYTES: usize = 4 * LONGEST;

/// What must be left of a password beside common words: characters, of which every known piece counts for two.
const ENOUGH: usize = 6;
const PIECE: usize = 2;
/// Least characters of a piece.
const LEAST: usize = 4;

/// Passwords of published breaches, the most frequent of at least four characters, and words that belong here.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().filter(|word| word.len() >= LEAST).collect());

/// Rows of keyboards, the alphabet and the digits, along which people slide.
const ROWS: &[&str] = &[
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
];

/// Why a password is not taken. Nothing of it is in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Too short.
    #[error("the password has fewer than {0} characters")]
    Short(usize),
    /// Too long.
    #[error("the password has more than {LONGEST} characters")]
    Long,
    /// Made of what is tried first.
    #[error("the password is made of common words, names of this place, repetitions or rows of keys")]
    Common,
}

/// Whether `password` is good enough. `own` are words that others would try here: the account's name, the realm's, those of an
/// operator's list.
///
/// # Errors
/// When it is not.
pub fn check(password: &Password, own: &[&str], least: usize) -> Result<(), Weak> {
    let length = password.as_str().chars().count();
    if length < least {
        return Err(Weak::Short(least));
    }
    if length > LONGEST {
        return Err(Weak::Long);
    }
    let own: HashSet<String> = own
        .iter()
        .flat_map(|word| {
            word.split(['@', '.', '_', '-', '+']).chain([*word]).map(str::to_lowercase).collect::<Vec<_>>()
        })
        .filter(|word| word.chars().count() >= LEAST)
        .collect();
    let plain = password.as_str().to_lowercase();
    let read: String = plain.chars().map(unmasked).collect();
    let plain = zeroize::Zeroizing::new(plain);
    let read = zeroize::Zeroizing::new(read);
    let strength = substance(&plain, &own).min(substance(&read, &own));
    if strength < ENOUGH { Err(Weak::Common) } else { Ok(()) }
}

/// A letter in the place of the sign that people write for it.
fn unmasked(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        c => c,
    }
}

/// What a text is worth beside known pieces, each of which counts once however often it comes.
fn substance(text: &str, own: &HashSet<String>) -> usize {
    let chars: zeroize::Zeroizing<Vec<char>> = zeroize::Zeroizing::new(text.chars().collect());
    let mut pieces: HashSet<&[char]> = HashSet::new();
    let (mut at, mut rest) = (0, 0);
    while at < chars.len() {
        let length = word(&chars[at..], own).max(row(&chars[at..])).max(run(&chars[at..]));
        if length >= LEAST {
            pieces.insert(&chars[at..at + length]);
            at += length;
        } else {
            rest += 1;
            at += 1;
        }
    }
    rest + PIECE * pieces.len()
}

/// Length of the longest word that stands at the beginning.
fn word(chars: &[char], own: &HashSet<String>) -> usize {
    let mut text = zeroize::Zeroizing::new(String::with_capacity(160));
    let mut longest = 0;
    for (i, c) in chars.iter().take(40).enumerate() {
        text.push(*c);
        if i + 1 >= LEAST && (COMMON.contains(text.as_str()) || own.contains(text.as_str())) {
            longest = i + 1;
        }
    }
    longest
}

/// Length of the piece of a row, in either direction, that stands at the beginning.
fn row(chars: &[char]) -> usize {
    let slide = |row: Vec<char>| {
        let starts = row.iter().enumerate().filter(|(_, c)| chars.first() == Some(c)).map(|(i, _)| i);
        starts.map(|i| row[i..].iter().zip(chars).take_while(|(a, b)| a == b).count()).max().unwrap_or(0)
    };
    ROWS.iter().map(|row| slide(row.chars().collect()).max(slide(row.chars().rev().collect()))).max().unwrap_or(0)
}

/// Length of the repetition of one to four characters that stands at the beginning, at least three times.
fn run(chars: &[char]) -> usize {
    let of = |unit: usize| {
        let same = chars.iter().zip(chars.iter().skip(unit)).take_while(|(a, b)| a == b).count();
        if same >= 2 * unit { unit + same } else { 0 }
    };
    (1..=4).map(of).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, least: usize) -> Result<(), Weak> {
        super::check(&Password::new(text), &["minjun.kim@shop.example", "staff"], least)
    }

    #[test]
    fn length_counts_characters() {
        assert_eq!(check("vq9 kT2", WITH_SECOND_FACTOR), Err(Weak::Short(8)));
        assert_eq!(check("vq9 kT2z", WITH_SECOND_FACTOR), Ok(()));
        assert_eq!(check("vq9 kT2z", ALONE), Err(Weak::Short(15)));
        assert_eq!(check("가을하늘은높고구름없이맑다오늘", ALONE), Ok(()), "fifteen syllables");
        assert_eq!(check(&"vq9 kT2z".repeat(40), ALONE), Err(Weak::Long));
        assert_eq!(check("tomorrow 우리는 바다로 간다 🌊", ALONE), Ok(()));
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for common in [
            "passwordpassword",
            "P@ssw0rdP@ssw0rd",
            "password12345678",
            "qwertyuiopasdfghjkl",
            "123456789012345678",
            "aaaaaaaaaaaaaaaaaaaa",
            "ab1!ab1!ab1!ab1!ab1!",
            "minjunminjun1234",
            "shopshopshop1234",
            "privetprivet2345",
            "1qaz2wsx3edc4rfv",
            "zyxwvutsrqponml",
        ] {
            assert_eq!(check(common, ALONE), Err(Weak::Common), "{common}");
        }
        for good in ["correct horse battery staple", "Vier Ziegen tanzen am Mittwoch", "x7Fq-2mLw-9RtZ-p4Kd"] {
            assert_eq!(check(good, ALONE), Ok(()), "{good}");
        }
    }
}
