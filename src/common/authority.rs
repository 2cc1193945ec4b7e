//! `host[:port]` as the `Host` header and `:authority` carry it (RFC 9110, section 7.2; RFC 3986, section 3.2).

use std::{borrow::Cow, net::Ipv6Addr};

/// A checked authority without user information.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority<'a> {
    /// The host as it came; IPv6 literals keep their brackets.
    pub host: &'a str,
    /// The port, where one is named.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads `text`; `None` when it is empty or anything but a host and a port.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (host, port) = if text.starts_with('[') {
            let end = text.find(']')?;
            text[1..end].parse::<Ipv6Addr>().ok()?;
            (&text[..=end], &text[end + 1..])
        } else {
            let end = memchr::memchr(b':', text.as_bytes()).unwrap_or(text.len());
            let host = &text[..end];
            if host.is_empty() || !host.bytes().all(in_name) {
                return None;
            }
            (host, &text[end..])
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            _ => return None,
        };
        Some(Self { host, port })
    }

    /// The host as routes know it: lower case, without the final dot of an absolute name.
    #[must_use]
    pub fn key(&self) -> Cow<'a, str> {
        let host = self.host.strip_suffix('.').unwrap_or(self.host);
        if host.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(host.to_ascii_lowercase())
        } else {
            Cow::Borrowed(host)
        }
    }

    /// Whether this names an address or `localhost` rather than a public name (no HSTS for those, RFC 6797 section 8.1.1).
    #[must_use]
    pub fn is_bare(&self) -> bool {
        let key = self.key();
        key.starts_with('[')
            || key == "localhost"
            || key.ends_with(".localhost")
            || key.parse::<std::net::Ipv4Addr>().is_ok()
    }
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_hosts_and_ports_only() {
        let ok = |text| Authority::parse(text).map(|a| (a.host, a.port));
        assert_eq!(ok("Shop.example:8443"), Some(("Shop.example", Some(8443))));
        assert_eq!(ok("[::1]:1"), Some(("[::1]", Some(1))));
        assert_eq!(ok("10.0.0.1"), Some(("10.0.0.1", None)));
        for bad in ["", ":80", "a:", "a:b", "a:99999", "u@h", "a b", "a/b", "[::1", "[x]", "a,b", "a%41"] {
            assert_eq!(ok(bad), None, "{bad}");
        }
    }

    #[test]
    fn keys_are_lower_case_without_a_final_dot() {
        assert_eq!(Authority::parse("EXAMPLE.com.").map(|a| a.key()), Some("example.com".into()));
    }

    #[test]
    fn addresses_and_localhost_are_bare() {
        for bare in ["localhost", "127.0.0.1:8443", "[::1]", "app.localhost"] {
            assert!(Authority::parse(bare).is_some_and(|a| a.is_bare()), "{bare}");
        }
        assert!(Authority::parse("example.com").is_some_and(|a| !a.is_bare()));
    }
}
