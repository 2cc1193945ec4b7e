//! How many connections may be open, in all and from one address. Counted once a process, touched once a connection.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use crate::common::peer::limit_key;

/// The open connections of the process.
#[derive(Debug, Default)]
pub struct Admission {
    open: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// One open connection; dropping it makes room.
#[derive(Debug)]
pub struct Permit {
    admission: Arc<Admission>,
    key: IpAddr,
}

impl Admission {
    /// Room for one more connection from `address`; `None` when either limit is reached.
    pub fn enter(self: &Arc<Self>, address: IpAddr, in_all: usize, by_address: usize) -> Option<Permit> {
        let key = limit_key(address);
        let mut counts = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if self.open.load(Relaxed) >= in_all {
            return None;
        }
        let count = counts.entry(key).or_insert(0);
        if *count >= by_address {
            return None;
        }
        *count += 1;
        self.open.fetch_add(1, Relaxed);
        Some(Permit { admission: Arc::clone(self), key })
    }
}

impl Permit {
    /// Counts the connection for `address` instead, the real client behind a PROXY header; `None` when that has no room.
    #[must_use]
    pub fn readdress(self, address: IpAddr, by_address: usize) -> Option<Self> {
        // The old permit goes with `self`, so the total stays as it is.
        self.admission.enter(address, usize::MAX, by_address)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.admission.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        self.admission.open.fetch_sub(1, Relaxed);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_limits_hold_and_room_comes_back() {
        let admission = Arc::new(Admission::default());
        let (a, b): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let first = admission.enter(a, 3, 2).expect("room");
        let _second = admission.enter(a, 3, 2).expect("room");
        assert!(admission.enter(a, 3, 2).is_none());
        let _third = admission.enter(b, 3, 2).expect("room");
        assert!(admission.enter(b, 3, 2).is_none());
        drop(first);
        assert!(admission.enter(a, 3, 2).is_some());
        assert_eq!(admission.by_address.lock().expect("not poisoned")[&a], 1);
    }
}
