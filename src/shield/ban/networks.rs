//! A set of networks of any size, asked for addresses: ranges in order, looked up by halves. Eight bytes a range of IPv4, 32 of IPv6.

use std::net::IpAddr;

use ipnet::IpNet;

/// Most networks of one list.
pub const MOST: usize = 1_000_000;
/// The widest network that a list may hold: whoever bans more has made a mistake.
const WIDEST_V4: u8 = 8;
const WIDEST_V6: u8 = 16;

/// A set of networks.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Networks {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl std::fmt::Debug for Networks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Networks({} ranges)", self.len())
    }
}

/// A network, or an address as a network of one.
///
/// # Errors
/// When it is neither.
pub fn network(text: &str) -> Result<IpNet, String> {
    let single = || text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
    let net = text.parse::<IpNet>().ok().or_else(single);
    net.map(|net| net.trunc()).ok_or_else(|| "it is neither an address nor a network".to_owned())
}

/// Whether it is narrow enough for a list that nobody has looked at.
#[must_use]
pub fn is_narrow(net: &IpNet) -> bool {
    match net {
        IpNet::V4(net) => net.prefix_len() >= WIDEST_V4,
        IpNet::V6(net) => net.prefix_len() >= WIDEST_V6,
    }
}

impl Networks {
    /// Whether one of them holds `address`.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(v4) => within(&self.v4, v4.to_bits()),
            IpAddr::V6(v6) => within(&self.v6, v6.to_bits()),
        }
    }

    /// Ranges that are left after those that touch were joined.
    #[must_use]
    pub fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> FromIterator<&'a IpNet> for Networks {
    fn from_iter<I: IntoIterator<Item = &'a IpNet>>(nets: I) -> Self {
        let mut all = Self::default();
        for net in nets {
            match net {
                IpNet::V4(net) => all.v4.push((net.network().to_bits(), net.broadcast().to_bits())),
                IpNet::V6(net) => all.v6.push((net.network().to_bits(), net.broadcast().to_bits())),
            }
        }
        all.v4 = joined(all.v4, |end| end.checked_add(1));
        all.v6 = joined(all.v6, |end| end.checked_add(1));
        all
    }
}

fn within<T: Ord + Copy>(ranges: &[(T, T)], value: T) -> bool {
    let after = ranges.partition_point(|(start, _)| *start <= value);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, end)| value <= *end)
}

fn joined<T: Ord + Copy>(mut ranges: Vec<(T, T)>, next: impl Fn(T) -> Option<T>) -> Vec<(T, T)> {
    ranges.sort_unstable();
    let mut out: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (start, end) in ranges {
        match out.last_mut() {
            Some(last) if next(last.1).is_none_or(|next| start <= next) => last.1 = last.1.max(end),
            _ => out.push((start, end)),
        }
    }
    out.shrink_to_fit();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Networks {
        let nets: Vec<IpNet> = texts.iter().map(|text| network(text).expect("a network")).collect();
        nets.iter().collect()
    }

    #[test]
    fn it_answers_as_the_networks_one_by_one_would() {
        let mut random = fastrand::Rng::with_seed(7);
        let nets: Vec<IpNet> = (0..500)
            .map(|n| {
                let bits = random.u32(..) & 0xff;
                let net = if n % 2 == 0 {
                    format!("10.0.{bits}.{}/{}", random.u8(..), random.u8(20..=32))
                } else {
                    format!("2001:db8:{bits:x}::{:x}/{}", random.u16(..), random.u8(30..=128))
                };
                network(&net).expect("a network")
            })
            .collect();
        let set: Networks = nets.iter().collect();
        for _ in 0..20_000 {
            let bits = random.u32(..) & 0xff;
            let address: IpAddr = if random.bool() {
                format!("10.0.{bits}.{}", random.u8(..))
            } else {
                format!("2001:db8:{bits:x}::{:x}", random.u16(..))
            }
            .parse()
            .expect("an address");
            assert_eq!(set.holds(address), nets.iter().any(|net| net.contains(&address)), "{address}");
        }
    }

    #[test]
    fn the_ends_of_the_world_are_held() {
        let all = of(&["0.0.0.0/0", "::/0", "255.255.255.255"]);
        assert_eq!(all.len(), 2);
        for text in ["0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] {
            assert!(all.holds(text.parse().expect("an address")), "{text}");
        }
        assert_eq!(of(&["10.0.0.0/25", "10.0.0.128/25", "10.0.1.0"]).len(), 1);
        assert!(of(&["10.0.0.1"]).holds("::ffff:10.0.0.1".parse().expect("an address")));
        assert!(!of(&[]).holds([0, 0, 0, 0].into()) && of(&[]).is_empty());
        assert!(
            !is_narrow(&network("0.0.0.0/0").expect("a network"))
                && is_narrow(&network("10.0.0.0/8").expect("a network"))
        );
    }
}
