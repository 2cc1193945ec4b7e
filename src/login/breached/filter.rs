//! A Bloom filter of breached passwords: small, and now and then wrong about one that is not listed, never about one that is.
//!
//! A file is [`MAGIC`], then little-endian: version (4 bytes), probes (4), bits (8), and the bits, eight a byte, the lowest first. The probes of
//! a hash are `a + i * b` modulo the bits, with `a` its first eight bytes and `b` its next eight, made odd (Kirsch and Mitzenmacher, "Less
//! Hashing, Same Performance"): a SHA-1 is as good as random, so it is not hashed again.

use std::{
    fs::File,
    io::{self, Read as _, Write},
    path::Path,
};

use super::hash::Hash;

/// The first bytes of a file.
const MAGIC: &[u8; 8] = b"PRIVETBF";
const VERSION: u32 = 1;
const HEAD: usize = 24;
/// Most bits: 32 GiB.
const MOST: u64 = 1 << 38;
/// Most probes.
const PROBES: u32 = 64;

/// The filter. It takes its file's size in memory.
pub struct Filter {
    bits: Vec<u8>,
    length: u64,
    probes: u32,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Filter({} bits, {} probes)", self.length, self.probes)
    }
}

/// Why a filter can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// The file can't be read.
    #[error("it can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The file has another form.
    #[error("it is no filter that `privet breached build` has made")]
    Form,
    /// There is not that much memory, or it is more than a filter may have.
    #[error("it is too large")]
    TooLarge,
}

impl Filter {
    /// An empty filter for so many passwords. Of those that are not among them about one in `one_in`, or fewer, seems to be.
    ///
    /// # Errors
    /// When it would be too large.
    pub fn new(passwords: u64, one_in: u32) -> Result<Self, Invalid> {
        // The best number of probes for a rate is its binary logarithm, and the bits a password that over ln 2.
        let probes = one_in.saturating_sub(1).checked_ilog2().map_or(1, |log| log + 1);
        let length = u128::from(passwords.max(1)) * u128::from(probes) * 14_427 / 10_000 + 64;
        let length = u64::try_from(length).ok().filter(|length| *length <= MOST).ok_or(Invalid::TooLarge)?;
        let mut bits = room(length)?;
        bits.resize(bytes(length)?, 0);
        Ok(Self { bits, length, probes })
    }

    /// Adds a password.
    pub fn insert(&mut self, hash: &Hash) {
        for (byte, bit) in probes(hash, self.length, self.probes) {
            if let Some(byte) = self.bits.get_mut(byte) {
                *byte |= bit;
            }
        }
    }

    /// Whether a password seems to be one of those that were added.
    #[must_use]
    pub fn has(&self, hash: &Hash) -> bool {
        probes(hash, self.length, self.probes)
            .all(|(byte, bit)| self.bits.get(byte).is_some_and(|byte| byte & bit != 0))
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bits.len()
    }

    /// Writes it as a file has it.
    ///
    /// # Errors
    /// When that fails.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        to.write_all(MAGIC)?;
        to.write_all(&VERSION.to_le_bytes())?;
        to.write_all(&self.probes.to_le_bytes())?;
        to.write_all(&self.length.to_le_bytes())?;
        to.write_all(&self.bits)
    }

    /// Reads a file as a whole.
    ///
    /// # Errors
    /// When it is no filter, or there is no room for it.
    pub fn read(path: &Path) -> Result<Self, Invalid> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut head = [0; HEAD];
        file.read_exact(&mut head).map_err(|_| Invalid::Form)?;
        let number = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| head[at + i]));
        let length = u64::from_le_bytes(std::array::from_fn(|i| head[16 + i]));
        let (version, probes) = (number(8), number(12));
        let fits = (1..=MOST).contains(&length) && size == HEAD as u64 + length.div_ceil(8);
        if !head.starts_with(MAGIC) || version != VERSION || !(1..=PROBES).contains(&probes) || !fits {
            return Err(Invalid::Form);
        }
        let mut bits = room(length)?;
        file.take(length.div_ceil(8)).read_to_end(&mut bits)?;
        if bits.len() != bytes(length)? {
            return Err(Invalid::Form);
        }
        Ok(Self { bits, length, probes })
    }
}

fn bytes(length: u64) -> Result<usize, Invalid> {
    usize::try_from(length.div_ceil(8)).map_err(|_| Invalid::TooLarge)
}

/// Room for so many bits: where there is none, that is told, and nothing ends.
fn room(length: u64) -> Result<Vec<u8>, Invalid> {
    let mut bits = Vec::new();
    bits.try_reserve_exact(bytes(length)?).map_err(|_| Invalid::TooLarge)?;
    Ok(bits)
}

/// The places of a hash: a byte, and the bit in it.
fn probes(hash: &Hash, length: u64, count: u32) -> impl Iterator<Item = (usize, u8)> {
    let part = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| hash.bytes()[at + i]));
    let (first, step) = (part(0), part(8) | 1);
    (0..u64::from(count)).map(move |i| {
        let place = first.wrapping_add(step.wrapping_mul(i)) % length;
        // Below what fits in memory.
        (usize::try_from(place / 8).unwrap_or(usize::MAX), 1 << (place % 8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(kind: &str, n: u32) -> Hash {
        Hash::of(format!("{kind}{n}").as_bytes())
    }

    #[test]
    fn it_forgets_none_and_is_rarely_wrong() {
        for (one_in, most) in [(1000, 130), (100, 1100), (1, 100_000)] {
            let mut filter = Filter::new(20_000, one_in).expect("room");
            (0..20_000).for_each(|n| filter.insert(&hash("listed", n)));
            assert!((0..20_000).all(|n| filter.has(&hash("listed", n))));
            let wrong = (0..100_000).filter(|n| filter.has(&hash("other", *n))).count();
            println!("one in {one_in}: {wrong} of 100,000 wrongly, {} bytes", filter.bytes());
            assert!(wrong <= most, "{wrong}, one in {one_in}");
        }
        // What the documentation states: 1.8 MB a million.
        assert!(Filter::new(1_000_000, 1000).expect("room").bytes() < 1_810_000);
    }

    #[test]
    fn a_file_is_read_as_it_was_written_and_nothing_else_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("filter");
        let mut filter = Filter::new(100, 1000).expect("room");
        (0..100).for_each(|n| filter.insert(&hash("listed", n)));
        let mut good = Vec::new();
        filter.write(&mut good).expect("written");
        std::fs::write(&path, &good).expect("written");
        let read = Filter::read(&path).expect("readable");
        assert!((0..100).all(|n| read.has(&hash("listed", n))) && read.bits == filter.bits);
        let bent = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = good.clone();
            change(&mut bytes);
            std::fs::write(&path, bytes).expect("written");
            Filter::read(&path)
        };
        assert!(matches!(bent(&|bytes| bytes[0] = b'x'), Err(Invalid::Form)));
        assert!(matches!(bent(&|bytes| bytes[8] = 2), Err(Invalid::Form)), "another version");
        assert!(matches!(bent(&|bytes| bytes[12] = 0), Err(Invalid::Form)), "no probes");
        assert!(matches!(bent(&|bytes| bytes[23] = 1), Err(Invalid::Form)), "more bits than there are");
        assert!(matches!(bent(&|bytes| bytes[16..24].fill(0)), Err(Invalid::Form)), "no bits");
        assert!(matches!(bent(&|bytes| bytes.truncate(20)), Err(Invalid::Form)));
        assert!(matches!(bent(&|bytes| bytes.push(0)), Err(Invalid::Form)));
        assert!(matches!(Filter::new(u64::MAX, 1000), Err(Invalid::TooLarge)));
    }
}
