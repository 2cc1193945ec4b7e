//! Whether an application can be reached without Privet: asked at the addresses that this machine has besides loopback.

use std::{fs, io, net::IpAddr, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{Probe, budget::Spent};
use crate::scan::{finding::Seen, rules::site as rule};

/// Longest wait: it is the same machine.
const PATIENCE: Duration = Duration::from_secs(3);

/// An application that a route names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// As the configuration has it.
    pub name: String,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// Asks for each application at every other address.
///
/// # Errors
/// When nothing more may be asked.
pub async fn look(probe: &Probe<'_>, applications: &[Application]) -> Result<(), Spent> {
    let others = match own_addresses() {
        Ok(others) => others,
        Err(error) => {
            probe.note(format!("whether applications can be reached around Privet is not known: {error}"));
            return Ok(());
        }
    };
    for application in applications {
        let Ok(found) = tokio::net::lookup_host((&*application.host, application.port)).await else { continue };
        let found: Vec<SocketAddr> = found.collect();
        if !found.iter().all(|address| address.ip().is_loopback()) {
            probe.note(format!(
                "{} is on the network: who else reaches it can be told from elsewhere only (`privet scan http://{}:{} --i-own-this` from a machine that should not)",
                application.name, application.host, application.port
            ));
            continue;
        }
        if others.is_empty() {
            probe.note("this machine has no address besides loopback, by which applications could be reached");
            return Ok(());
        }
        for address in &others {
            probe.budget.take().await?;
            if let Some(status) = status(SocketAddr::new(*address, application.port)).await {
                let network = if address.is_ipv4() { "an IPv4 address" } else { "an IPv6 address" };
                let seen =
                    Seen::sample(format!("it answers {status} at {network} of this machine that is not loopback"));
                probe.found(&rule::AROUND, &application.name, &seen);
                break;
            }
        }
    }
    Ok(())
}

/// The status with which an HTTP server answers; nothing where there is none, or where it is Privet, to which the port leads.
pub async fn status(place: SocketAddr) -> Option<u16> {
    let exchange = async {
        let mut socket = TcpStream::connect(place).await.ok()?;
        socket
            .write_all(format!("GET / HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n").as_bytes())
            .await
            .ok()?;
        let mut head = Vec::new();
        while head.len() < 4096 && !head.windows(4).any(|end| end == b"\r\n\r\n") {
            if socket.read_buf(&mut head).await.ok()? == 0 {
                break;
            }
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let status = head.strip_prefix("http/1.")?.get(2..5)?.parse().ok()?;
        let leads = status == 308 && head.contains("location: https://") && head.contains("x-request-id:");
        (!leads).then_some(status)
    };
    timeout(PATIENCE, exchange).await.ok().flatten()
}

/// Addresses of this machine that others may use.
///
/// # Errors
/// When the kernel does not tell.
pub fn own_addresses() -> io::Result<Vec<IpAddr>> {
    let mut found: Vec<IpAddr> = ipv4(&fs::read_to_string("/proc/net/fib_trie")?).into_iter().map(IpAddr::V4).collect();
    // Absent where IPv6 is off.
    let six = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    found.extend(ipv6(&six).into_iter().map(IpAddr::V6));
    Ok(found)
}

/// What `/proc/net/fib_trie` calls local.
fn ipv4(trie: &str) -> Vec<std::net::Ipv4Addr> {
    let mut found = Vec::new();
    let mut last = None;
    for line in trie.lines() {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<std::net::Ipv4Addr>().ok();
        } else if line.starts_with("/32 host LOCAL")
            && let Some(address) = last.filter(|address| !address.is_loopback())
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

/// What `/proc/net/if_inet6` has, but for what needs a zone.
fn ipv6(table: &str) -> Vec<std::net::Ipv6Addr> {
    let address = |line: &str| {
        let bits = u128::from_str_radix(line.split_ascii_whitespace().next()?, 16).ok()?;
        let address = std::net::Ipv6Addr::from(bits);
        (!address.is_loopback() && !address.is_unicast_link_local()).then_some(address)
    };
    table.lines().filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_the_kernels_tables() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.1.2.3\n        /32 host LOCAL\n     |-- 10.1.2.0\n        /24 link UNICAST\n     |-- 127.0.0.1\n        /32 host LOCAL\nLocal:\n     |-- 10.1.2.3\n        /32 host LOCAL\n";
        assert_eq!(ipv4(trie), [std::net::Ipv4Addr::new(10, 1, 2, 3)]);
        let table = "00000000000000000000000000000001 01 80 10 80 lo\nfe800000000000000000000000000001 02 40 20 80 eth0\n20010db8000000000000000000000005 02 40 00 80 eth0\n";
        assert_eq!(ipv6(table), ["2001:db8::5".parse::<std::net::Ipv6Addr>().expect("an address")]);
    }
}
