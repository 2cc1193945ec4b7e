//! Where a value ends that goes on past what was looked at.

use crate::privacy::finding::{Finding, Kind};

/// The rest of such a value, which may be longer than what is at hand.
#[derive(Debug, Clone)]
pub(in crate::privacy) enum Rest {
    /// It stands in these quotes; whether a backslash came last.
    Quoted(u8, bool),
    /// It ends where a word does.
    Word,
    /// A private key: it ends behind its last line, of whose beginning and end so many dashes were seen.
    Pem { dashes: u8, ending: bool },
    /// The end was seen.
    Ended,
}

impl Rest {
    /// The rest of `finding`, of whose text at least the byte before it is at hand.
    pub(in crate::privacy) fn of(text: &[u8], finding: &Finding) -> Self {
        match finding.start.checked_sub(1).map(|i| text[i]) {
            _ if finding.kind == Kind::PrivateKey => Self::Pem { dashes: 0, ending: false },
            Some(quote @ (b'"' | b'\'')) => Self::Quoted(quote, false),
            _ => Self::Word,
        }
    }

    /// How many bytes of `text` are of the value.
    pub(in crate::privacy) fn read(&mut self, text: &[u8]) -> usize {
        for (i, &byte) in text.iter().enumerate() {
            let ended = match self {
                Self::Quoted(quote, escaped) => {
                    let ends = byte == b'\n' || byte == *quote && !*escaped;
                    *escaped = byte == b'\\' && !*escaped;
                    ends
                }
                Self::Word => {
                    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b',' | b';' | b'&')
                }
                Self::Pem { dashes, ending } => {
                    *dashes = if byte == b'-' { *dashes + 1 } else { 0 };
                    if *dashes == 5 && *ending {
                        *self = Self::Ended;
                        return i + 1;
                    }
                    if *dashes == 5 {
                        (*ending, *dashes) = (true, 0);
                    }
                    // What no key has in it is not of the key.
                    !(byte.is_ascii_alphanumeric()
                        || matches!(
                            byte,
                            b'+' | b'/' | b'=' | b'-' | b' ' | b':' | b',' | b'\\' | b'\r' | b'\n' | b'\t'
                        ))
                }
                Self::Ended => true,
            };
            if ended {
                *self = Self::Ended;
                return i;
            }
        }
        text.len()
    }

    pub(in crate::privacy) fn has_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_read_alike_at_every_cut() {
        for (rest, text, length) in [
            (Rest::Quoted(b'"', false), &b"ab\\\"c\" d"[..], 5),
            (Rest::Word, b"abc def", 3),
            (Rest::Pem { dashes: 0, ending: false }, b"AB\nCD==\n-----END PRIVATE KEY----- x", 33),
            (Rest::Pem { dashes: 0, ending: false }, b"AB\nCD (", 6),
            (Rest::Word, b"abc", 3),
        ] {
            for cut in 0..=text.len() {
                let mut rest = rest.clone();
                let first = rest.read(&text[..cut]);
                let second = rest.read(&text[cut..]);
                assert_eq!(first + if first == cut { second } else { 0 }, length, "{cut}");
            }
        }
    }
}
