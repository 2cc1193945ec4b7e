//! How much may wait for a verdict: in all, in memory, and of one address, so that nobody fills memory or disk.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// What is held, and how much may be.
#[derive(Debug)]
pub struct Room {
    /// Bytes in all.
    pub all: u64,
    /// Bytes of one address.
    pub address: u64,
    /// Bytes in memory.
    pub memory: u64,
    held: Mutex<Amounts>,
}

#[derive(Debug, Default)]
struct Amounts {
    all: u64,
    memory: u64,
    addresses: HashMap<IpAddr, u64>,
}

/// There is no room for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Room {
    /// With nothing in it.
    #[must_use]
    pub fn new(all: u64, address: u64, memory: u64) -> Arc<Self> {
        Arc::new(Self { all, address, memory, held: Mutex::default() })
    }

    /// Bytes that are held, and those of them in memory.
    #[must_use]
    pub fn held(&self) -> (u64, u64) {
        self.amounts(|held| (held.all, held.memory))
    }

    fn amounts<T>(&self, work: impl FnOnce(&mut Amounts) -> T) -> T {
        work(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What one body takes of the room; dropped, it gives it back.
#[derive(Debug)]
pub struct Share {
    room: Arc<Room>,
    address: IpAddr,
    all: u64,
    memory: u64,
}

impl Share {
    /// Nothing yet, for a body of this address.
    #[must_use]
    pub fn new(room: &Arc<Room>, address: IpAddr) -> Self {
        Self { room: Arc::clone(room), address, all: 0, memory: 0 }
    }

    /// Takes room for so many bytes more, in memory at first.
    ///
    /// # Errors
    /// When there is none.
    pub fn take(&mut self, bytes: u64) -> Result<(), Full> {
        let (all, address) = (self.room.all, self.room.address);
        self.room.amounts(|held| {
            let own = held.addresses.get(&self.address).copied().unwrap_or_default();
            if held.all.saturating_add(bytes) > all || own.saturating_add(bytes) > address {
                return Err(Full);
            }
            held.all += bytes;
            held.memory += bytes;
            *held.addresses.entry(self.address).or_default() += bytes;
            Ok(())
        })?;
        self.all += bytes;
        self.memory += bytes;
        Ok(())
    }

    /// Whether memory is short, so that what waits should go to the disk.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.room.amounts(|held| held.memory > self.room.memory)
    }

    /// So many bytes have gone from memory to the disk.
    pub fn moved(&mut self, bytes: u64) {
        let bytes = bytes.min(self.memory);
        self.memory -= bytes;
        self.room.amounts(|held| held.memory -= bytes);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.amounts(|held| {
            held.all -= self.all;
            held.memory -= self.memory;
            if let Some(own) = held.addresses.get_mut(&self.address) {
                *own -= self.all;
                if *own == 0 {
                    held.addresses.remove(&self.address);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn nobody_takes_more_than_there_is_and_all_is_given_back() {
        let room = Room::new(100, 60, 30);
        let [one, other] = [1, 2].map(|n| IpAddr::V4(Ipv4Addr::new(192, 0, 2, n)));
        let mut first = Share::new(&room, one);
        first.take(40).expect("room");
        assert!(first.is_short());
        first.moved(40);
        assert_eq!(room.held(), (40, 0));
        let mut second = Share::new(&room, one);
        assert_eq!(second.take(21), Err(Full), "of one address");
        second.take(20).expect("room");
        let mut third = Share::new(&room, other);
        assert_eq!(third.take(41), Err(Full), "in all");
        third.take(40).expect("room");
        drop((first, second));
        assert_eq!(room.held(), (40, 40));
        drop(third);
        assert_eq!(room.held(), (0, 0));
        assert!(room.amounts(|held| held.addresses.is_empty()));
    }
}
