//! `@detectSQLi` and `@detectXSS`: libinjection's, in its Rust port, asked of texts that could be any.

use std::sync::LazyLock;

use libinjectionrs::sqli::sqli_data::SQL_KEYWORDS;

use super::bytes::Bytes;

/// What words and numbers are made of.
const WORD: Bytes = Bytes::of(b"_").with_range(b'a', b'z').with_range(b'A', b'Z').with_range(b'0', b'9');
/// What stands between words and is no more than an operator or a comma, beside letters of other alphabets.
const PLAIN: Bytes = WORD.or(Bytes::of(b" \t\r\n.,:;-+/=?&").with_range(0x80, 0xff));
/// What ends a word for libinjection.
const BETWEEN: Bytes = Bytes::of(b" []{}<>:\\?=@!#~+-*/&|^%(),';\t\n\x0b\x0c\r\"\xa0\0");
/// A text without any of these is no script that is injected: in whatever context a browser is, markup begins with one and an attribute's value with the
/// other.
const MARKUP: Bytes = Bytes::of(b"<=");

/// The words that SQL's phrases begin with, as a bit for each number that [`number`] makes of a word; a few other words have the same.
static KEYWORDS: LazyLock<Box<[u64; 1 << 9]>> = LazyLock::new(|| {
    let mut bits = Box::new([0; 1 << 9]);
    for phrase in SQL_KEYWORDS.iter().filter(|keyword| keyword.token_type != b'F') {
        let word = phrase.word.as_bytes().split(|byte| !WORD.has(*byte)).next().unwrap_or_default();
        let number = word.iter().fold(START, |so_far, byte| number(so_far, *byte));
        bits[place(number) / 64] |= 1 << (place(number) % 64);
    }
    bits
});

/// The number of no letters.
const START: u32 = 0x811c_9dc5;

/// The number of a word with one more byte: FNV-1a of its capitals.
const fn number(so_far: u32, byte: u8) -> u32 {
    (so_far ^ byte.to_ascii_uppercase() as u32).wrapping_mul(0x0100_0193)
}

const fn place(number: u32) -> usize {
    ((number ^ number >> 15) & 0x7fff) as usize
}

/// Whether a text with these bytes is injected SQL.
#[must_use]
pub fn is_sql(text: &[u8], present: &Bytes) -> bool {
    may_be_sql(text, present) && (is_endless(text) || libinjectionrs::detect_sqli(text).is_injection())
}

/// Whether a word of a text has so many dots or ticks that to read it would take for ever: libinjection looks up all that stands before each of them. It counts as
/// found: whoever writes it so has no plain text in mind.
fn is_endless(text: &[u8]) -> bool {
    const LONG: usize = 256;
    const MANY: usize = 64;
    let many = |word: &[u8]| word.iter().filter(|byte| matches!(byte, b'.' | b'`')).nth(MANY).is_some();
    text.len() > LONG && text.split(|byte| BETWEEN.has(*byte)).any(|word| word.len() > LONG && many(word))
}

/// Whether a text has more than names, numbers, operators and commas: each of libinjection's fingerprints does, which a test tells. So it needs a byte beyond
/// plain ones, a word of SQL, or two plain bytes that are more together. Mostly a text has none, which is told for a tenth of what it takes to read it as SQL.
fn may_be_sql(text: &[u8], present: &Bytes) -> bool {
    if WORD.has_all(present) {
        return false;
    }
    if !PLAIN.has_all(present) {
        return true;
    }
    let keywords = &**KEYWORDS;
    let (mut word, mut digits, mut before) = (START, false, b' ');
    for (at, &byte) in text.iter().chain(b" ").enumerate() {
        if WORD.has(byte) {
            // A number with letters behind it may end anywhere, and a word begin there.
            let begins = word == START;
            if byte.is_ascii_digit() {
                digits |= begins;
            } else if digits || (begins && before == b'.' && at > 1 && text[at - 2].is_ascii_digit()) {
                return true;
            }
            word = number(word, byte);
        } else {
            if word != START && keywords[place(word) / 64] >> (place(word) % 64) & 1 != 0 {
                return true;
            }
            (word, digits) = (START, false);
            if matches!((before, byte), (b'-', b'-') | (b'&', b'&')) {
                return true;
            }
        }
        before = byte;
    }
    false
}

/// Whether it is injected script.
#[must_use]
pub fn is_script(text: &[u8], present: &Bytes) -> bool {
    present.meets(&MARKUP) && libinjectionrs::detect_xss(text).is_injection()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of random pieces.
    fn texts(pieces: &'static [&'static str], count: u32) -> impl Iterator<Item = String> {
        let mut random = fastrand::Rng::with_seed(20_261_129);
        (0..count).map(move |_| (0..random.usize(1..9)).map(|_| pieces[random.usize(..pieces.len())]).collect())
    }

    #[test]
    fn what_is_passed_over_is_no_script() {
        let pieces = &[
            "script",
            "javascript:",
            "on",
            "onload",
            "style",
            "xmlns",
            "href",
            "src",
            " ",
            "/",
            "\"",
            "'",
            "`",
            ">",
            "-",
            "!",
            "?",
            "&#x6a;",
            "%",
            "\0",
            "\n",
            "\t",
            "svg",
            "iframe",
            "data:",
            "x",
            "1",
            "(",
            ")",
            ";",
            "]",
            "[",
            "import",
            "entity",
            "--",
            "\x0b",
            "\u{ff}",
            "attributename",
            "folder",
        ];
        for text in texts(pieces, 60_000) {
            assert!(!libinjectionrs::detect_xss(text.as_bytes()).is_injection(), "{}", text.escape_debug());
        }
        assert!(libinjectionrs::detect_xss(b"x onload=alert(1)").is_injection(), "the test tells something");
    }

    #[test]
    fn what_is_passed_over_is_no_sql() {
        let pieces = &[
            "union",
            "select",
            "UNION",
            "or",
            "and",
            "sleep",
            "1",
            "0x",
            "0x1f",
            "e",
            "E5",
            "1e5",
            "_",
            "a",
            "N",
            "n",
            "q",
            "Q",
            "x",
            "b",
            "B",
            "null",
            "all",
            "in",
            "like",
            "is",
            "not",
            "drop",
            "table",
            "user",
            "version",
            "waitfor",
            "delay",
            "exec",
            "sp_password",
            "begin",
            "if",
            "case",
            "0b01",
            "u",
            "U",
            "rlike",
            "mod",
            "div",
            "xor",
            "between",
            "binary",
            "f",
            "d",
            "9999999999",
            "insert",
            "into",
            "from",
            "where",
            "having",
            "create",
            "true",
            "false",
        ];
        for text in texts(pieces, 60_000) {
            assert!(WORD.has_all(&Bytes::of(text.as_bytes())), "{text}");
            assert!(!libinjectionrs::detect_sqli(text.as_bytes()).is_injection(), "{text}");
        }
        assert!(libinjectionrs::detect_sqli(b"1 union select 2").is_injection(), "the test tells something");
    }

    /// The same with what stands between words, and words that are none of SQL's as well.
    #[test]
    fn what_has_no_word_of_sql_is_no_sql() {
        let pieces = &[
            " ",
            " or ",
            " and ",
            " union select ",
            "1 ",
            " 2",
            "-",
            "+",
            "/",
            "=",
            ",",
            ".",
            ":",
            ";",
            "?",
            "&",
            "\n",
            "1",
            "2",
            "0x",
            "0x1f",
            "1e5",
            "1.",
            ".5",
            "e",
            "E",
            "a",
            "x",
            "N",
            "q",
            "u",
            "or",
            "and",
            "union",
            "select",
            "like",
            "is",
            "not",
            "in",
            "drop",
            "table",
            "user",
            "version",
            "waitfor",
            "delay",
            "sleep",
            "null",
            "case",
            "if",
            "own3d",
            "parcel",
            "colour",
            "coats",
            "_",
            "\u{ac1c}",
            "\u{a0}",
            "d",
            "f",
            "fu",
            "limit",
            "group",
            "by",
            "binary",
            "b01",
            "mod",
            "sp_password",
        ];
        let (mut passed, mut injected) = (0, 0);
        for text in texts(pieces, 400_000) {
            let found = libinjectionrs::detect_sqli(text.as_bytes()).is_injection();
            let looked = may_be_sql(text.as_bytes(), &Bytes::of(text.as_bytes()));
            assert!(looked || !found, "{text:?}");
            passed += u32::from(!looked);
            injected += u32::from(found);
        }
        assert!(passed > 10_000 && injected > 1_000, "the test tells something: {passed}, {injected}");
    }

    #[test]
    fn what_would_take_for_ever_counts_as_found() {
        let sql = |text: &str| is_sql(text.as_bytes(), &Bytes::of(text.as_bytes()));
        assert!(sql(&format!("({}", "a.".repeat(64 << 10))) && sql(&format!("({}", "a`".repeat(64 << 10))));
        assert!(!sql(&format!("(a page {} 5)", ".".repeat(120))) && !sql(&format!("({})", "a. ".repeat(1_000))));
    }

    /// What [`may_be_sql`] stands on.
    #[test]
    fn no_fingerprint_is_of_names_numbers_and_operators_alone() {
        let fingerprints = SQL_KEYWORDS.iter().filter(|keyword| keyword.token_type == b'F');
        let mut weak =
            fingerprints.filter(|keyword| keyword.word[1..].bytes().all(|token| b"N1O,.:;?".contains(&token)));
        assert_eq!(weak.next().map(|keyword| keyword.word), None);
        for sentence in [
            "A value of it, number 00015838",
            "https://shop.example.com/search?q=winter+coats&page=2",
            "GA1.2.1234567890.1764370000",
        ] {
            assert!(!may_be_sql(sentence.as_bytes(), &Bytes::of(sentence.as_bytes())), "{sentence}");
        }
    }
}
