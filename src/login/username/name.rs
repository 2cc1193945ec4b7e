//! Names as lenient readers compare them, so that two spellings of one field or account are one here.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use super::unreadable::Unreadable;

/// Most bytes of a username.
const LONGEST: usize = 1024;

/// Whether a field called `name` may be taken for `wanted` by some application: case, surrounding space, what PHP makes of `.` and space, a
/// NUL that ends a name, and brackets that make it a list are all the same.
pub(super) fn field_matches(name: &[u8], wanted: &str) -> bool {
    let (name, wanted) = (folded(name), folded(wanted.as_bytes()));
    // A bracket that is not closed is a `_` to PHP.
    if name.replacen('[', "_", 1) == wanted && !name.contains(']') {
        return true;
    }
    name.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
}

/// A name without what readers differ about.
pub(super) fn folded(name: &[u8]) -> String {
    let end = memchr::memchr(0, name).unwrap_or(name.len());
    let name = String::from_utf8_lossy(&name[..end]);
    let edge = |c: char| c.is_whitespace() || c.is_control() || is_invisible(c);
    name.trim_matches(edge).chars().flat_map(fold).map(|c| if matches!(c, '.' | ' ') { '_' } else { c }).collect()
}

/// Upper and lower case are one, also where one letter has two of a case (`ſ` is an `s`, the Kelvin sign a `k`).
fn fold(c: char) -> impl Iterator<Item = char> {
    let narrow = match u32::from(c) {
        // Full-width forms of ASCII.
        code @ 0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0).unwrap_or(c),
        0x3000 => ' ',
        _ => c,
    };
    narrow.to_uppercase().flat_map(char::to_lowercase)
}

/// Characters that are not seen and that many applications drop.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

/// Whether some readers would take something out of a name: tags, percent escapes, entities (`sanitize_user` of `WordPress` does).
fn is_cleaned_by_some(text: &str) -> bool {
    let bytes = text.as_bytes();
    let escape = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let entity = |at: usize| bytes[at..].iter().take(32).any(|b| *b == b';');
    bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'<' | b'>' => true,
        b'%' => escape(at),
        b'&' => entity(at),
        _ => false,
    })
}

/// The name that an account is counted under. Different accounts may have one name here; one account has only one.
///
/// # Errors
/// When it is too long, or has control characters, at which some readers end it.
pub(in crate::login) fn canonical(raw: &[u8]) -> Result<String, Unreadable> {
    if raw.len() > LONGEST {
        return Err(Unreadable::TooLarge);
    }
    let text = String::from_utf8_lossy(raw);
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err(Unreadable::Malformed);
    }
    if is_cleaned_by_some(text) {
        return Err(Unreadable::Ambiguous);
    }
    // Accents make no difference to databases with the usual collations.
    let seen = |c: &char| !is_invisible(*c) && !is_combining_mark(*c);
    let name: String = text.nfkd().flat_map(fold).nfkd().filter(seen).collect();
    Ok(name.trim().to_owned())
}
