//! Whether the system lets the gateway have what its configuration promises: descriptors and memory.

use rustix::process::{Resource, getrlimit};

use super::{
    finding::{Found, size},
    ground::Ground,
};

/// Descriptors besides those of connections: listeners, files, sockets of the workers' own, checks.
const OTHERS: u64 = 128;
/// The same, a worker.
const A_WORKER: u64 = 16;
/// Bytes of a gateway that serves nobody, its keys, rules and threads included.
const BASE: u64 = 64 << 20;
/// Bytes of a connection by TLS that waits.
const A_CONNECTION: u64 = 32 << 10;
/// Where Linux says of a limit in the first version of control groups that there is none.
const NONE: u64 = 1 << 60;

pub(super) fn look(at: &Ground, found: &Found) {
    descriptors(at, found);
    memory(at, found);
}

fn descriptors(at: &Ground, found: &Found) {
    let connections = at.config.server.limits.connections as u64;
    // Two a proxied connection: the client's, and the application's.
    let needed = connections * 2 + at.config.server.workers as u64 * A_WORKER + OTHERS;
    let (allowed, whose) = match at.live().and_then(|live| live.id) {
        Some(id) => (open_files(&at.read(&format!("proc/{id}/limits"))), "the gateway"),
        None => (getrlimit(Resource::Nofile).maximum, "a process started from here"),
    };
    let Some(allowed) = allowed.filter(|allowed| *allowed < needed) else { return };
    let fits = allowed.saturating_sub(needed - connections * 2) / 2;
    found.fault(
        "descriptors",
        format!("{whose} may open {allowed} files, and `limits.connections = {connections}` needs {needed}: clients would be turned away, and records not be written"),
        format!("LimitNOFILE={needed} in the unit (`systemctl edit privet`), `ulimit -n {needed}`, or `--ulimit nofile={needed}` of a container; or `connections = {fits}` in [limits]"),
    );
}

/// The soft limit of `/proc/N/limits`, which a gateway has raised as far as it may; none where there is none.
fn open_files(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn memory(at: &Ground, found: &Found) {
    let Some(group) = Group::of(at) else { return };
    let antivirus = at.config.antivirus.as_ref().map_or(0, |antivirus| antivirus.memory);
    let least = BASE + antivirus + at.config.access_log.queue as u64;
    let connections = at.config.server.limits.connections as u64;
    let full = least + connections * A_CONNECTION;
    let mend = format!(
        "MemoryMax= of the unit, or the container's memory limit, to {} or more; or lower `limits.connections`, `antivirus.memory` and `access_log.queue`",
        size(full)
    );
    if group.limit < full {
        let limit = size(group.limit);
        let seen = if group.limit < least {
            format!(
                "the control group allows {limit} of memory, and the gateway needs {} before anybody connects",
                size(least)
            )
        } else {
            format!(
                "the control group allows {limit} of memory, and {connections} connections that wait (`limits.connections`) take about {}",
                size(full)
            )
        };
        found.graded(group.limit < least, "memory", seen, mend.clone());
    }
    if group.killed > 0 {
        found.warning(
            "killed",
            format!("the kernel has ended {} processes of the control group for want of memory", group.killed),
            mend,
        );
    }
}

/// What a control group may have.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    /// The least limit of the group and those above it, in bytes.
    limit: u64,
    /// Processes that the kernel has ended.
    killed: u64,
}

impl Group {
    /// That of the gateway, or our own; nothing where it may have all.
    fn of(at: &Ground) -> Option<Self> {
        let table = at.read(&format!("proc/{}/cgroup", at.process()));
        let place = |controller: &str| {
            let row = |line: &str| {
                let mut parts = line.splitn(3, ':').skip(1);
                let (kinds, path) = (parts.next()?, parts.next()?);
                kinds.split(',').any(|kind| kind == controller).then(|| path.trim_matches('/').to_owned())
            };
            table.lines().find_map(row)
        };
        let [first, second] = [place("memory"), place("")];
        let first = first.and_then(|path| least(at, "sys/fs/cgroup/memory", &path, "memory.limit_in_bytes"));
        let second = second.and_then(|path| {
            let limit = least(at, "sys/fs/cgroup", &path, "memory.max")?;
            let events = at.read(&format!("sys/fs/cgroup/{path}/memory.events"));
            let killed = events.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok());
            Some(Self { limit, killed: killed.unwrap_or(0) })
        });
        second.or_else(|| first.map(|limit| Self { limit, killed: 0 }))
    }
}

/// The least number in files called `name` in a folder and those above it, up to the root of the hierarchy.
fn least(at: &Ground, root: &str, path: &str, name: &str) -> Option<u64> {
    let mut found = None;
    let mut folder = path;
    loop {
        let number = at.read(&format!("{root}/{folder}/{name}")).trim().parse::<u64>().ok().filter(|n| *n < NONE);
        found = found.into_iter().chain(number).min();
        if folder.is_empty() {
            return found;
        }
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn open_files_are_read() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1024                 524288               files     \n";
        assert_eq!(super::open_files(text), Some(1024));
        assert_eq!(
            super::open_files("Max open files            unlimited            unlimited            files"),
            None
        );
    }
}
