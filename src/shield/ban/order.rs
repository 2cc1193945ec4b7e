//! Bans that an operator has ordered. They are kept in a sealed file, and outlive the process.

use std::{
    fs, io,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use ipnet::IpNet;
use serde_json::{Value, json};

use super::{
    networks::{Networks, is_narrow, network},
    seal::Seal,
};
use crate::common::replace::replace;

/// Most orders at once.
pub const MOST: usize = 10_000;
/// Longest reason, in bytes.
pub const LONGEST_REASON: usize = 500;
/// The file's name in the data folder.
pub const NAME: &str = "bans.sealed";
const PLACE: &str = "privet bans file 1";

/// Why an order is not taken, or not kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More than anybody looks through.
    #[error("there are {MOST} orders already: lift some, or import a list ([[shield.ban.list]])")]
    Full,
    /// A network that nobody can mean.
    #[error("the network is too wide: IPv4 from /8, IPv6 from /16")]
    Wide,
    /// The file can't be written.
    #[error("the file of bans can't be written: {0}")]
    Write(#[source] io::Error),
    /// The file can't be read.
    #[error("the file of bans, {}, can't be read: {source}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no such file, or was sealed by keys that are not here.
    #[error("the file of bans, {}, can't be opened by the keys of `seal.key_file`; move it away to begin without it", .0.display())]
    Open(PathBuf),
    /// The cipher refuses, which it has no reason to.
    #[error("the cryptographic library failed")]
    Cipher,
}

/// One order.
#[derive(Clone, PartialEq, Eq)]
pub struct Order {
    /// Whom.
    pub network: IpNet,
    /// Until when, in milliseconds since 1970; for good where there is none.
    pub until: Option<u64>,
    /// When it was given, in milliseconds since 1970.
    pub since: u64,
    /// Why, for other operators.
    pub reason: String,
}

impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Order").field("until", &self.until).finish_non_exhaustive()
    }
}

impl Order {
    /// Whether it still holds.
    #[must_use]
    pub fn holds(&self, now: u64) -> bool {
        self.until.is_none_or(|until| until > now)
    }

    /// As it is kept and shared.
    #[must_use]
    pub fn value(&self) -> Value {
        json!({ "network": self.network.to_string(), "until": self.until, "since": self.since, "reason": self.reason })
    }

    /// From what was kept or shared.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        let reason = value["reason"].as_str()?.to_owned();
        let (until, since) = (value["until"].as_u64(), value["since"].as_u64()?);
        Some(Self { network: network(value["network"].as_str()?).ok()?, until, since, reason })
    }
}

/// Orders, and where they hold.
#[derive(Debug, Default)]
struct Book {
    orders: Vec<Order>,
    /// Of all of them: most addresses are in none.
    networks: Networks,
}

/// All orders.
#[derive(Debug)]
pub struct Orders {
    book: ArcSwap<Book>,
    path: PathBuf,
    seal: Arc<Seal>,
    writing: Mutex<()>,
}

impl Orders {
    /// Reads those of the file; a file that is not there holds none.
    ///
    /// # Errors
    /// When it can't be read or opened: an operator's order must not be forgotten in silence.
    pub fn open(path: PathBuf, seal: &Arc<Seal>) -> Result<Self, Error> {
        let orders = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(Error::Read { path, source }),
            Ok(sealed) => {
                let text = seal.open(PLACE, &sealed);
                let all = text.and_then(|text| serde_json::from_slice::<Vec<Value>>(&text).ok());
                let all = all.and_then(|all| all.iter().map(Order::of).collect::<Option<Vec<_>>>());
                all.ok_or_else(|| Error::Open(path.clone()))?
            }
        };
        let book = Book { networks: orders.iter().map(|order| &order.network).collect(), orders };
        Ok(Self { book: ArcSwap::from_pointee(book), path, seal: Arc::clone(seal), writing: Mutex::default() })
    }

    /// Takes an order, in the place of one for the same network. It waits for the disk.
    ///
    /// # Errors
    /// When it can't be kept; it does not hold then.
    pub fn add(&self, order: Order, now: u64) -> Result<(), Error> {
        if !is_narrow(&order.network) {
            return Err(Error::Wide);
        }
        self.change(now, |orders| {
            orders.retain(|other| other.network != order.network);
            if orders.len() >= MOST {
                return Err(Error::Full);
            }
            orders.push(order);
            Ok(true)
        })
        .map(|_| ())
    }

    /// Ends the order for exactly this network; whether there was one. It waits for the disk.
    ///
    /// # Errors
    /// When that can't be kept; the order goes on then.
    pub fn lift(&self, network: &IpNet, now: u64) -> Result<bool, Error> {
        self.change(now, |orders| {
            let before = orders.len();
            orders.retain(|order| order.network != *network);
            Ok(orders.len() != before)
        })
    }

    /// The order that holds for an address.
    #[must_use]
    pub fn held(&self, address: IpAddr, now: u64) -> Option<Option<u64>> {
        let book = self.book.load();
        if !book.networks.holds(address) {
            return None;
        }
        let address = address.to_canonical();
        let holding = book.orders.iter().filter(|order| order.holds(now) && order.network.contains(&address));
        // The one that lasts longest.
        holding.map(|order| order.until).max_by_key(|until| until.unwrap_or(u64::MAX))
    }

    /// Takes over what other replicas say of networks, in its order: an order, or that there is none any more. It waits for the disk where
    /// that is news.
    ///
    /// # Errors
    /// When it can't be kept.
    pub fn follow(&self, words: Vec<(IpNet, Option<Order>)>, now: u64) -> Result<(), Error> {
        self.change(now, |orders| {
            let before = orders.clone();
            for (network, order) in words {
                let known = orders.iter().position(|other| other.network == network);
                match (known, order.filter(|order| order.holds(now))) {
                    (Some(at), Some(order)) => orders[at] = order,
                    (Some(at), None) => drop(orders.remove(at)),
                    (None, Some(order)) if orders.len() < MOST => orders.push(order),
                    (None, _) => {}
                }
            }
            Ok(*orders != before)
        })
        .map(|_| ())
    }

    /// Those that hold.
    #[must_use]
    pub fn all(&self, now: u64) -> Vec<Order> {
        self.book.load().orders.iter().filter(|order| order.holds(now)).cloned().collect()
    }

    fn change(&self, now: u64, change: impl FnOnce(&mut Vec<Order>) -> Result<bool, Error>) -> Result<bool, Error> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut orders = self.all(now);
        let changed = change(&mut orders)?;
        if changed {
            let all: Vec<Value> = orders.iter().map(Order::value).collect();
            let text = Value::Array(all).to_string();
            let sealed = self.seal.seal(PLACE, text.as_bytes()).ok_or(Error::Cipher)?;
            replace(&self.path, 0o600, &sealed).map_err(Error::Write)?;
            let networks = orders.iter().map(|order| &order.network).collect();
            self.book.store(Arc::new(Book { orders, networks }));
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::seal::Ring;

    fn order(text: &str, until: Option<u64>) -> Order {
        Order { network: network(text).expect("a network"), until, since: 1, reason: "scraping".to_owned() }
    }

    #[test]
    fn orders_outlive_the_process_and_are_not_to_be_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let seal = Arc::new(Seal::of(&Ring::ephemeral().expect("random bytes")).expect("keys"));
        let open = || Orders::open(dir.path().join(NAME), &seal).expect("opened");
        let orders = open();
        orders.add(order("192.0.2.0/24", None), 5).expect("kept");
        orders.add(order("192.0.2.7", Some(100)), 5).expect("kept");
        orders.add(order("2001:db8::/48", Some(100)), 5).expect("kept");
        let orders = open();
        let held = |orders: &Orders, text: &str, now| orders.held(text.parse().expect("an address"), now);
        assert_eq!(held(&orders, "192.0.2.7", 50), Some(None), "the one that lasts longest");
        assert_eq!(held(&orders, "2001:db8::9", 50), Some(Some(100)));
        assert_eq!((held(&orders, "2001:db8::9", 100), held(&orders, "192.0.3.1", 50)), (None, None));
        assert!(orders.lift(&network("192.0.2.0/24").expect("a network"), 50).expect("kept"));
        assert!(!orders.lift(&network("192.0.2.0/25").expect("a network"), 50).expect("kept"));
        assert_eq!(held(&open(), "192.0.2.7", 50), Some(Some(100)));
        let path = dir.path().join(NAME);
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert!(memchr::memmem::find(&fs::read(&path).expect("a file"), b"2001").is_none());
    }

    #[test]
    fn what_others_say_is_taken_in_its_order() {
        let dir = tempfile::tempdir().expect("a folder");
        let seal = Arc::new(Seal::of(&Ring::ephemeral().expect("random bytes")).expect("keys"));
        let orders = Orders::open(dir.path().join(NAME), &seal).expect("opened");
        let word = |text: &str, order: Option<Order>| (network(text).expect("a network"), order);
        let add = |text: &str, until| word(text, Some(order(text, until)));
        let words =
            vec![add("192.0.2.1", None), add("192.0.2.2", None), word("192.0.2.1", None), add("192.0.2.3", Some(4))];
        orders.follow(words, 5).expect("kept");
        assert_eq!(orders.all(5), [order("192.0.2.2", None)], "lifted again, and over already");
        fs::remove_file(dir.path().join(NAME)).expect("removed");
        orders.follow(vec![add("192.0.2.2", None)], 5).expect("kept");
        assert!(!dir.path().join(NAME).exists(), "no news is not written");
    }

    #[test]
    fn what_can_not_be_kept_or_read_is_said() {
        let dir = tempfile::tempdir().expect("a folder");
        let seal = Arc::new(Seal::of(&Ring::ephemeral().expect("random bytes")).expect("keys"));
        let path = dir.path().join(NAME);
        let orders = Orders::open(dir.path().join("none/bans"), &seal).expect("nothing to read");
        assert!(matches!(orders.add(order("192.0.2.7", None), 5), Err(Error::Write(_))));
        assert!(orders.all(5).is_empty(), "what is not kept does not hold");
        assert!(matches!(orders.add(order("0.0.0.0/0", None), 5), Err(Error::Wide)));
        fs::write(&path, b"not ours").expect("written");
        assert!(matches!(Orders::open(path, &seal), Err(Error::Open(_))));
    }
}
