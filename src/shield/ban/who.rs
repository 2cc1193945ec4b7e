//! Who has asked, and what that is counted under.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use aws_lc_rs::digest;
use ipnet::IpNet;

use crate::common::peer::limit_key;

/// Who has asked, as far as it is known for certain.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Who {
    /// The client's address: of its connection, of a PROXY header, or what a trusted proxy says. Nothing where only the proxy is known.
    pub address: Option<IpAddr>,
    /// The session by which somebody has signed in. Whoever says so must have looked whether there is one.
    pub session: Option<Session>,
    /// Whether its browser says that another site's page has made it ask.
    pub induced: bool,
}

impl fmt::Debug for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Who").field("session", &self.session).field("induced", &self.induced).finish_non_exhaustive()
    }
}

/// A session, by a hash that leads back to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session(u64);

impl Session {
    /// The session that is kept under `key`.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        let digest = digest::digest(&digest::SHA256, &[b"privet ban session 1", key].concat());
        Self(digest.as_ref().iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }
}

/// What is counted, and banned: an address, an IPv6 network of 64 bits, or a session. What other sites' pages make the browsers of an address ask is
/// counted, and refused, for itself: else whoever has a page could have its readers banned.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    place: Place,
    bits: u64,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?})", self.place)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    V4 { induced: bool },
    V6 { induced: bool },
    Session { induced: bool },
}

impl Key {
    /// Of an address.
    #[must_use]
    pub fn address(address: IpAddr, induced: bool) -> Self {
        match limit_key(address) {
            IpAddr::V4(v4) => Self { place: Place::V4 { induced }, bits: u64::from(v4.to_bits()) },
            IpAddr::V6(v6) => {
                Self { place: Place::V6 { induced }, bits: u64::try_from(v6.to_bits() >> 64).unwrap_or_default() }
            }
        }
    }

    /// Of a session.
    #[must_use]
    pub const fn session(Session(bits): Session, induced: bool) -> Self {
        Self { place: Place::Session { induced }, bits }
    }

    /// Whether it is a session.
    #[must_use]
    pub fn is_session(self) -> bool {
        matches!(self.place, Place::Session { .. })
    }

    /// Whether it is of what other sites' pages cause.
    #[must_use]
    pub fn is_induced(self) -> bool {
        let (Place::V4 { induced } | Place::V6 { induced } | Place::Session { induced }) = self.place;
        induced
    }

    /// Whether it is an address, or a network of 64 bits, within `network`.
    #[must_use]
    pub fn is_within(self, network: &IpNet) -> bool {
        match (self.place, network) {
            (Place::V4 { .. }, IpNet::V4(net)) => {
                net.contains(&Ipv4Addr::from_bits(u32::try_from(self.bits).unwrap_or_default()))
            }
            (Place::V6 { .. }, IpNet::V6(net)) => net.contains(&Ipv6Addr::from_bits(u128::from(self.bits) << 64)),
            _ => false,
        }
    }

    /// In nine bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; 9] {
        let place = match self.place {
            Place::V4 { induced } => u8::from(induced),
            Place::V6 { induced } => 2 + u8::from(induced),
            Place::Session { induced } => 4 + u8::from(induced),
        };
        let [a, b, c, d, e, f, g, h] = self.bits.to_be_bytes();
        [place, a, b, c, d, e, f, g, h]
    }

    /// From nine bytes.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (place, bits) = bytes.split_first()?;
        let bits = u64::from_be_bytes(bits.try_into().ok()?);
        let place = match place {
            0 | 1 => Place::V4 { induced: *place == 1 },
            2 | 3 => Place::V6 { induced: *place == 3 },
            4 | 5 => Place::Session { induced: *place == 5 },
            _ => return None,
        };
        Some(Self { place, bits })
    }
}

/// As operators name it. For them alone: it is an address.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::V4 { .. } => Ipv4Addr::from_bits(u32::try_from(self.bits).unwrap_or_default()).fmt(f),
            Place::V6 { .. } => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(self.bits) << 64)),
            Place::Session { .. } => write!(f, "session:{:016x}", self.bits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::address(text.parse().expect("an address"), false)
    }

    #[test]
    fn addresses_are_cut_and_come_back() {
        assert_eq!(key("2001:db8:1:2:3::4"), key("2001:db8:1:2:ffff::1"));
        assert_ne!(key("2001:db8:1:2::"), key("2001:db8:1:3::"));
        assert_eq!(key("::ffff:192.0.2.7"), key("192.0.2.7"));
        assert_eq!(
            (key("2001:db8:1:2:3::4").to_string(), key("192.0.2.7").to_string()),
            ("2001:db8:1:2::/64".into(), "192.0.2.7".into())
        );
        let session = Key::session(Session::of(b"x"), true);
        let induced = Key::address([192, 0, 2, 7].into(), true);
        assert_ne!(induced, key("192.0.2.7"));
        for key in [key("192.0.2.7"), key("2001:db8::"), session, induced] {
            assert_eq!(Key::parse(&key.bytes()), Some(key));
        }
        assert_eq!((Key::parse(b""), Key::parse(&[9; 9]), Key::parse(&[0; 8])), (None, None, None));
    }

    #[test]
    fn debug_shows_nobody() {
        let who = Who { address: Some([192, 0, 2, 7].into()), ..Who::default() };
        assert!(!format!("{who:?} {:?}", key("192.0.2.7")).contains("192"));
    }
}
