//! What of our memory could come to lie on a disk: core dumps, and swap. Keys, passwords and people's data are in it.

use std::{fs, io};

use rustix::{
    mm::{MlockAllFlags, mlockall},
    process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit},
    thread::{CapabilitySet, capabilities},
};

/// Turns core dumps off, and with them debuggers of the same user away.
///
/// # Errors
/// When the system does not let us.
pub fn seclude() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    // A dump that goes to a program knows no limit (core(5)); this stops those, too.
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Does that, and keeps all memory out of swap where there is any; what the system has not allowed, for people.
#[must_use]
pub fn exposed() -> Vec<String> {
    let mut exposed = Vec::new();
    if let Err(error) = seclude() {
        exposed.push(format!("core dumps can't be turned off ({error}): keys may come to lie on a disk"));
    }
    if is_swapped() && !stays() {
        let how = "unlimited locked memory (LimitMEMLOCK=infinity, ulimit -l, or the capability IPC_LOCK) keeps it in RAM, and encrypted swap out of reach";
        exposed.push(format!("memory may be swapped to a disk, and keys with it: {how}"));
    }
    exposed
}

/// Whether all memory, what comes later included, stays in RAM. A limit would make us fail when we need more, not when we ask for this.
fn stays() -> bool {
    let unlimited = getrlimit(Resource::Memlock).current.is_none() || is_free_of_limits();
    // Only what is touched: stacks of threads are large and mostly empty.
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    unlimited && mlockall(flags).is_ok()
}

/// Whether the limit is none for us: the capability counts where it is the system's own, and not that of a user's namespace.
fn is_free_of_limits() -> bool {
    let users = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let own = capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    own && users.split_whitespace().eq(["0", "0", "4294967295"])
}

/// Whether there is swap; where nobody can tell there may be.
fn is_swapped() -> bool {
    // A line of titles, and one for each.
    fs::read_to_string("/proc/swaps").map_or(true, |text| text.lines().count() > 1)
}
