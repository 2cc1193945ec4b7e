//! The addresses behind a name, resolved again while connections go on.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use super::error::Error;

/// What resolving again came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// A literal address or a Unix socket: there is no name to resolve.
    Unneeded,
    /// The same set of addresses, in whatever order.
    Same,
    /// Another set; the generation has grown.
    Changed,
}

/// A name, or a literal address, and what it stands for now.
#[derive(Debug)]
pub(super) struct Names {
    host: String,
    port: u16,
    literal: bool,
    list: ArcSwap<Vec<SocketAddr>>,
    generation: AtomicU64,
    // One look-up at a time: a pool that starts cold would otherwise ask once a connection.
    lookup: Mutex<()>,
}

impl Names {
    pub(super) fn new(host: &str, port: u16) -> Self {
        let address = host.parse::<IpAddr>().ok();
        let list = address.map(|address| SocketAddr::new(address, port));
        Self {
            host: host.to_owned(),
            port,
            literal: address.is_some(),
            list: ArcSwap::from_pointee(list.into_iter().collect()),
            generation: AtomicU64::new(0),
            lookup: Mutex::new(()),
        }
    }

    /// What is known now; empty before the first look-up.
    pub(super) fn addresses(&self) -> Arc<Vec<SocketAddr>> {
        self.list.load_full()
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(super) fn is_literal(&self) -> bool {
        self.literal
    }

    /// What is known, after a look-up where nothing is. Never empty.
    pub(super) async fn resolved(&self) -> Result<Arc<Vec<SocketAddr>>, Error> {
        let known = self.addresses();
        if !known.is_empty() {
            return Ok(known);
        }
        let _one = self.lookup.lock().await;
        if self.addresses().is_empty() {
            self.replace(self.look_up().await?);
        }
        Ok(self.addresses())
    }

    pub(super) async fn refresh(&self) -> Result<Refresh, Error> {
        if self.literal {
            return Ok(Refresh::Unneeded);
        }
        let _one = self.lookup.lock().await;
        Ok(self.replace(self.look_up().await?))
    }

    async fn look_up(&self) -> Result<Vec<SocketAddr>, Error> {
        let mut found: Vec<SocketAddr> = Vec::new();
        let answers = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        for address in answers.map_err(Error::Resolve)? {
            // Order is the resolver's preference (RFC 6724), so no sorting.
            if !found.contains(&address) {
                found.push(address);
            }
        }
        if found.is_empty() {
            return Err(Error::Resolve(io::ErrorKind::NotFound.into()));
        }
        Ok(found)
    }

    /// Round-robin DNS turns the order with every answer: only another set is a change.
    fn replace(&self, found: Vec<SocketAddr>) -> Refresh {
        let known = self.list.load();
        let same = known.len() == found.len() && found.iter().all(|one| known.contains(one));
        if same {
            return Refresh::Same;
        }
        self.list.store(Arc::new(found));
        self.generation.fetch_add(1, Ordering::AcqRel);
        Refresh::Changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_literal_needs_no_resolver() {
        for host in ["127.0.0.1", "::1"] {
            let names = Names::new(host, 80);
            assert_eq!(names.refresh().await.unwrap(), Refresh::Unneeded);
            assert_eq!(names.resolved().await.unwrap().len(), 1);
            assert_eq!(names.generation(), 0);
        }
    }

    #[test]
    fn another_order_is_no_change() {
        let names = Names::new("name.test", 80);
        let (one, two) = (at("192.0.2.1:80"), at("192.0.2.2:80"));
        assert_eq!(names.replace(vec![one, two]), Refresh::Changed);
        assert_eq!(names.replace(vec![two, one]), Refresh::Same);
        assert_eq!(names.generation(), 1);
        assert_eq!(*names.addresses(), [one, two]);
        assert_eq!(names.replace(vec![two]), Refresh::Changed);
        assert_eq!(names.generation(), 2);
    }

    #[tokio::test]
    async fn a_failed_look_up_keeps_what_is_known() {
        let names = Names::new("does-not-exist.invalid", 80);
        assert!(names.resolved().await.is_err());
        names.replace(vec![at("192.0.2.1:80")]);
        assert!(matches!(names.refresh().await, Err(Error::Resolve(_))));
        assert_eq!(*names.resolved().await.unwrap(), [at("192.0.2.1:80")]);
    }

    #[tokio::test]
    async fn localhost_resolves_on_the_spot() {
        let names = Names::new("localhost", 80);
        assert!(names.addresses().is_empty());
        assert!(names.resolved().await.unwrap()[0].ip().is_loopback());
        assert_eq!(names.refresh().await.unwrap(), Refresh::Same);
    }
}
