//! `@detectSQLi` and `@detectXSS`: libinjection's, in its Rust port, asked of texts that could be any.

use super::bytes::Bytes;

/// A text of these alone is one word or number, which is no injected SQL: see the tests.
const WORD: Bytes = Bytes::of(b"_").with_range(b'a', b'z').with_range(b'A', b'Z').with_range(b'0', b'9');
/// A text without any of these is no script that is injected: in whatever context a browser is, markup begins with one and an attribute's value with the
/// other.
const MARKUP: Bytes = Bytes::of(b"<=");

/// Whether a text with these bytes is injected SQL.
#[must_use]
pub fn is_sql(text: &[u8], present: &Bytes) -> bool {
    !WORD.has_all(present) && libinjectionrs::detect_sqli(text).is_injection()
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
}
