//! One body in front of scanners, file by file. Blocking: it runs on a thread that may wait.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use md5::{Digest as _, Md5};

use super::{
    engines::{Engines, Inquiry},
    parts::{Items, Name},
    seen::{Clean, Fingerprint},
    verdict::{Infection, Verdict},
    wire::{Error, Reply},
};

/// A file up to this size is known by its hash before anybody is asked.
const NEAR: usize = 256 << 10;
/// Most files of one body.
const ITEMS: usize = 1000;

/// A scan under way.
pub struct Scan<'a> {
    engines: &'a Engines,
    upload: bool,
    clean: &'a Clean,
    epoch: u64,
    whose: Option<IpAddr>,
    is_released: &'a dyn Fn(&[u8; 32]) -> bool,
    deadline: Instant,
    cancelled: &'a AtomicBool,
    item: Option<Item>,
    number: usize,
    /// What passes so far is not all of it.
    exceeded: bool,
    /// The files so far.
    pub files: Vec<Fingerprint>,
    /// What the last of them is called.
    pub name: Name,
}

struct Item {
    near: Vec<u8>,
    inquiry: Option<Inquiry>,
    sha256: digest::Context,
    md5: Md5,
    size: u64,
}

/// What a scan goes by.
pub struct Means<'a> {
    /// Who is asked.
    pub engines: &'a Engines,
    /// Whether somebody sends it to the application, and does not get it.
    pub upload: bool,
    /// Files that were clean.
    pub clean: &'a Clean,
    /// By which signatures.
    pub epoch: u64,
    /// Whose files alone are known to be clean; everybody's where nobody is named.
    pub whose: Option<IpAddr>,
    /// Whether somebody lets a file go by its SHA-256.
    pub is_released: &'a dyn Fn(&[u8; 32]) -> bool,
    /// How long all of it may take.
    pub patience: Duration,
    /// Nobody waits for it any more.
    pub cancelled: &'a AtomicBool,
}

impl<'a> Scan<'a> {
    /// A scan that nothing was shown to.
    #[must_use]
    pub fn new(means: &Means<'a>) -> Self {
        Self {
            engines: means.engines,
            upload: means.upload,
            clean: means.clean,
            epoch: means.epoch,
            whose: means.whose,
            is_released: means.is_released,
            deadline: Instant::now() + means.patience,
            cancelled: means.cancelled,
            item: None,
            number: 0,
            exceeded: false,
            files: Vec::new(),
            name: Name::default(),
        }
    }

    /// The verdict on all that was shown.
    #[must_use]
    pub fn verdict(&self, read: Result<(), Verdict>) -> Verdict {
        match read {
            Ok(()) if self.exceeded => Verdict::Exceeded,
            Ok(()) => Verdict::Clean,
            Err(verdict) => verdict,
        }
    }

    fn left(&self) -> Result<Duration, Verdict> {
        if self.cancelled.load(Relaxed) {
            return Err(Verdict::Unavailable("nobody waits any more"));
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(Verdict::Unavailable("timeout")) } else { Ok(left) }
    }

    /// Sends more of a file, of which an inquiry begins where there is none.
    fn send(&self, item: &mut Item, bytes: &[u8]) -> Result<(), Verdict> {
        let left = self.left()?;
        let inquiry = item.inquiry.get_or_insert_with(|| self.engines.scan(self.upload, left));
        inquiry.send(bytes).map_err(|error| unavailable(&error))
    }

    /// What a file is remembered by: else how long a scan takes would tell whether somebody else has sent the same.
    fn known_as(&self, sha256: &[u8; 32]) -> [u8; 32] {
        let Some(address) = self.whose else { return *sha256 };
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(sha256);
        match address {
            IpAddr::V4(address) => context.update(&address.octets()),
            IpAddr::V6(address) => context.update(&address.octets()),
        }
        let mut known = [0; 32];
        known.copy_from_slice(context.finish().as_ref());
        known
    }

    fn judge(&mut self, mut item: Item) -> Result<(), Verdict> {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(item.sha256.clone().finish().as_ref());
        let md5: [u8; 16] = item.md5.clone().finalize().into();
        self.files.push(Fingerprint { sha256, md5, size: item.size });
        let known = self.known_as(&sha256);
        if self.clean.has(&known, self.epoch) || (self.is_released)(&sha256) {
            return Ok(());
        }
        let near = std::mem::take(&mut item.near);
        if !near.is_empty() {
            self.send(&mut item, &near)?;
        }
        let Some(inquiry) = item.inquiry else { return Ok(()) };
        match inquiry.finish().map_err(|error| unavailable(&error))? {
            Reply::Clean => self.clean.insert(known, self.epoch),
            Reply::Exceeded => self.exceeded = true,
            Reply::Found(signature) => {
                let infection = Infection { signature, item: self.number, size: item.size, quarantine: None };
                return Err(Verdict::Infected(infection));
            }
        }
        Ok(())
    }
}

fn unavailable(error: &Error) -> Verdict {
    Verdict::Unavailable(error.reason())
}

impl Items for Scan<'_> {
    fn begin(&mut self, name: &Name) -> Result<(), Verdict> {
        self.left()?;
        self.number += 1;
        if self.number > ITEMS {
            return Err(Verdict::Exceeded);
        }
        let sha256 = digest::Context::new(&digest::SHA256);
        let item = Item { near: Vec::new(), inquiry: None, sha256, md5: Md5::new(), size: 0 };
        self.item = Some(item);
        self.name = name.clone();
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Verdict> {
        let Some(mut item) = self.item.take() else { return Ok(()) };
        item.sha256.update(bytes);
        item.md5.update(bytes);
        item.size += bytes.len() as u64;
        let is_near = item.inquiry.is_none() && item.near.len() + bytes.len() <= NEAR;
        if is_near {
            item.near.extend_from_slice(bytes);
        } else {
            let near = std::mem::take(&mut item.near);
            self.send(&mut item, &near)?;
            self.send(&mut item, bytes)?;
        }
        self.item = Some(item);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Verdict> {
        match self.item.take() {
            Some(item) if item.size > 0 => self.judge(item),
            _ => Ok(()),
        }
    }
}

/// Picks one file of a body.
pub struct Pick<F> {
    /// Its number, from 1.
    pub wanted: usize,
    /// Of the one at hand.
    pub number: usize,
    /// Who gets it.
    pub write: F,
}

impl<F: FnMut(&[u8]) -> Result<(), Verdict>> Items for Pick<F> {
    fn begin(&mut self, _: &Name) -> Result<(), Verdict> {
        self.number += 1;
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Verdict> {
        if self.number == self.wanted { (self.write)(bytes) } else { Ok(()) }
    }

    fn end(&mut self) -> Result<(), Verdict> {
        Ok(())
    }
}
