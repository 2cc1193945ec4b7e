//! Whether what is in memory can come to lie on a disk: keys, passwords and people's data are there.

use rustix::process::{Resource, getrlimit};

use super::{finding::Found, ground::Ground};
use crate::common::memory;

pub(super) fn look(at: &Ground, found: &Found) {
    swap(at, found);
    dumps(at, found);
}

fn swap(at: &Ground, found: &Found) {
    // A line of titles; swap that is compressed memory lies on no disk.
    let table = at.read("proc/swaps");
    let disks: Vec<&str> = table
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| !name.contains("zram"))
        .collect();
    if disks.is_empty() {
        return;
    }
    let kilobytes = |name| at.status(name).and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    let (locked, swapped) = (kilobytes("VmLck").unwrap_or(0), kilobytes("VmSwap").unwrap_or(0));
    let runs = at.live().is_some_and(|live| live.id.is_some());
    let seen = match (runs, swapped, locked) {
        (true, 1.., _) => format!("{swapped} KB of the gateway's memory are in swap ({})", disks.join(", ")),
        (true, _, 0) => format!("there is swap ({}), and the gateway's memory is not locked", disks.join(", ")),
        (true, ..) => return,
        _ if getrlimit(Resource::Memlock).current.is_none() => return,
        _ => format!("there is swap ({}), and a process started from here may not lock its memory", disks.join(", ")),
    };
    let mend = "LimitMEMLOCK=infinity in the unit (`ulimit -l unlimited`, or the capability IPC_LOCK), and start the gateway anew; or encrypt the swap with a key of each boot (`swapoff -a` until then)";
    found.graded(runs && swapped > 0, "swap", seen, mend);
}

fn dumps(at: &Ground, found: &Found) {
    let seen = match at.live().and_then(|live| live.id) {
        None => memory::seclude().err().map(|error| format!("core dumps can't be turned off here: {error}")),
        Some(id) => {
            let limit = dump_limit(&at.read(&format!("proc/{id}/limits")));
            limit
                .filter(|limit| limit != "0")
                .map(|limit| format!("the gateway's core dumps are not off: its limit is {limit}"))
        }
    };
    if let Some(seen) = seen {
        let to = at.read("proc/sys/kernel/core_pattern");
        let mend = format!(
            "LimitCORE=0 in the unit, and let no seccomp filter refuse prctl and setrlimit; dumps go to \"{}\" (kernel.core_pattern): remove those that are there",
            to.trim()
        );
        found.fault("core", seen, mend);
    }
}

/// The soft limit of `/proc/N/limits`.
fn dump_limit(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max core file size"))?;
    line.split_whitespace().next().map(str::to_owned)
}
