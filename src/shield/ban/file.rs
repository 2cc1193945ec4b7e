//! Block lists in files: an address or a network a line, and comments behind `#` or `;`.

use ipnet::IpNet;

use super::networks::{MOST, is_narrow, network};

/// What a text holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Its networks, as they come.
    pub networks: Vec<IpNet>,
    /// Lines that are none, or too wide to be meant; the number of the first.
    pub odd: usize,
    /// Number of the first of those lines.
    pub first_odd: usize,
    /// Whether it holds more than a list may.
    pub exceeded: bool,
}

/// Reads a text. What stands behind an address, after a blank or a comma, is for people.
#[must_use]
pub fn read(text: &[u8]) -> Read {
    let mut out = Read::default();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let end = line.iter().position(|byte| b"#;".contains(byte)).unwrap_or(line.len());
        let line = line[..end].trim_ascii();
        let line = if number == 0 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        let word = line.split(|byte| byte.is_ascii_whitespace() || *byte == b',').next().unwrap_or_default();
        if word.is_empty() {
            continue;
        }
        let net = std::str::from_utf8(word).ok().and_then(|word| network(word).ok()).filter(is_narrow);
        match net {
            Some(_) if out.networks.len() >= MOST => {
                out.exceeded = true;
                return out;
            }
            Some(net) => out.networks.push(net),
            None => {
                out.odd += 1;
                if out.first_odd == 0 {
                    out.first_odd = number + 1;
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_as_they_are_published() {
        let text = b"\xef\xbb\xbf# FireHOL\n192.0.2.1\r\n\n198.51.100.0/24 ; SBL123\n  2001:db8::/32\t# a comment\n203.0.113.9,2026-01-01\nnobody\n0.0.0.0/0\n\xff\xff\n10.1.2.3/8";
        let read = read(text);
        let nets: Vec<String> = read.networks.iter().map(ToString::to_string).collect();
        assert_eq!(nets, ["192.0.2.1/32", "198.51.100.0/24", "2001:db8::/32", "203.0.113.9/32", "10.0.0.0/8"]);
        assert_eq!((read.odd, read.first_odd, read.exceeded), (3, 7, false));
        assert_eq!(super::read(b""), Read::default());
    }

    #[test]
    fn hostile_texts_do_no_harm() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..2000 {
            let text: Vec<u8> = (0..random.usize(..200))
                .map(|_| random.choice(b"0123456789./:abcdef#;\n\r, \xff".iter().copied()).unwrap_or(0))
                .collect();
            let read = read(&text);
            assert!(read.networks.iter().all(is_narrow));
        }
    }
}
