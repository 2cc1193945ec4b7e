//! Who is at the other end of a connection.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// The other end of a client connection, as the socket (or a believed PROXY header) tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Address of the client, or of the proxy before us when that speaks no PROXY protocol.
    pub address: SocketAddr,
    /// Whether `address` is one whose forwarding headers are believed.
    pub trusted: bool,
}

impl Peer {
    /// A peer at `address`, trusted when one of `networks` holds it.
    #[must_use]
    pub fn new(address: SocketAddr, networks: &[IpNet]) -> Self {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        Self { trusted: is_within(address.ip(), networks), address }
    }
}

/// Whether one of `networks` holds `address`.
#[must_use]
pub fn is_within(address: IpAddr, networks: &[IpNet]) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// The address that limits count by: IPv4 whole, IPv6 cut to its /64.
#[must_use]
pub fn limit_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let s = v6.segments();
            IpAddr::V6([s[0], s[1], s[2], s[3], 0, 0, 0, 0].into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_counts_by_its_64() {
        let key = |text: &str| text.parse().map(limit_key);
        assert_eq!(key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::".parse());
        assert_eq!(key("::ffff:10.0.0.1"), "10.0.0.1".parse());
    }

    #[test]
    fn mapped_addresses_are_trusted_like_plain_ones() {
        let networks = ["10.0.0.0/8".parse().expect("a network")];
        let peer = |text: &str| Peer::new(text.parse().expect("an address"), &networks);
        assert!(peer("[::ffff:10.1.2.3]:9").trusted);
        assert!(!peer("11.1.2.3:9").trusted);
    }
}
