//! A sign that addresses are not the clients' own: all attempts on many accounts come from one address of an inner network, which is then
//! a load balancer whose forwarding headers nobody believes.

use std::net::IpAddr;

use super::key::Key;

/// Attempts that are looked at.
const ATTEMPTS: u32 = 50;
/// Accounts that they must name.
const ACCOUNTS: usize = 10;

/// What was seen of the last attempts.
#[derive(Debug, Default)]
pub(super) struct Source {
    address: Option<IpAddr>,
    attempts: u32,
    accounts: Vec<Key>,
    told: bool,
}

impl Source {
    /// Notes an attempt; `true` once, when it is time for a warning.
    pub(super) fn note(&mut self, address: IpAddr, account: Key) -> bool {
        if self.told {
            return false;
        }
        if self.address != Some(address) {
            *self = Self { address: Some(address), ..Self::default() };
        }
        self.attempts += 1;
        if self.accounts.len() < ACCOUNTS && !self.accounts.contains(&account) {
            self.accounts.push(account);
        }
        self.told = is_inner(address) && self.attempts >= ATTEMPTS && self.accounts.len() >= ACCOUNTS;
        self.told
    }
}

fn is_inner(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(addresses: &[&str], accounts: u8) -> usize {
        let (mut source, mut random) = (Source::default(), fastrand::Rng::with_seed(1));
        let mut note = |n: usize| {
            let address = addresses[n % addresses.len()].parse().expect("an address");
            source.note(address, Key([random.u8(0..accounts); 16]))
        };
        (0..500).filter(|n| note(*n)).count()
    }

    #[test]
    fn one_inner_address_for_many_accounts_is_told_once() {
        assert_eq!(warnings(&["10.0.0.1"], 100), 1);
        assert_eq!(warnings(&["::ffff:127.0.0.1"], 100), 1);
        assert_eq!(warnings(&["10.0.0.1"], 3), 0);
        assert_eq!(warnings(&["203.0.113.1"], 100), 0);
        assert_eq!(warnings(&["10.0.0.1", "10.0.0.2"], 100), 0);
    }
}
