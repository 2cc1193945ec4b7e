//! Who has a lock or a port, going by what the kernel tells of it.

use std::{fs, net::SocketAddr, os::unix::fs::MetadataExt as _, path::Path};

/// The process that has locked `file`, by a table as `/proc/locks` is. Taking the lock to see whether it is free would keep a gateway from it that
/// starts at that moment.
pub(super) fn of_lock(table: &Path, file: &Path) -> Option<u32> {
    let inode = fs::metadata(file).ok()?.ino();
    locked(&fs::read_to_string(table).ok()?, inode)
}

fn locked(table: &str, inode: u64) -> Option<u32> {
    table.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip_while(|word| *word != "FLOCK").skip(3);
        let (process, place) = (words.next()?, words.next()?);
        (place.rsplit(':').next()?.parse::<u64>().ok()? == inode).then(|| process.parse().ok())?
    })
}

/// Who listens at a port: the name and number of the process, where we may see it.
pub(super) fn of_port(address: SocketAddr) -> Option<(String, u32)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let sockets: Vec<String> = tables.iter().flat_map(|table| listening(table, address.port())).collect();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let Some(id) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(open) = fs::read_dir(process.path().join("fd")) else { continue };
        let has = |file: &fs::DirEntry| {
            let to = fs::read_link(file.path()).unwrap_or_default();
            let inode = to.to_str().and_then(|to| to.strip_prefix("socket:[")?.strip_suffix(']'));
            inode.is_some_and(|inode| sockets.iter().any(|known| known == inode))
        };
        if open.flatten().any(|file| has(&file)) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some((name.trim().to_owned(), id));
        }
    }
    None
}

/// Inodes of sockets that listen at a port, by a table as `/proc/net/tcp` is.
fn listening(table: &str, port: u16) -> Vec<String> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (words.get(1)?, words.get(3)?, words.get(9)?);
        let listens = *state == "0A" && u16::from_str_radix(local.rsplit(':').next()?, 16) == Ok(port);
        listens.then(|| (*inode).to_owned())
    };
    table.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let locks = "1: FLOCK  ADVISORY  WRITE 22170 fe:00:6940978 0 EOF\n2: -> FLOCK ADVISORY WRITE 7 fe:00:12 0 EOF\n3: POSIX ADVISORY WRITE 9 fe:00:13 0 EOF\n";
        assert_eq!(locked(locks, 6_940_978), Some(22170));
        assert_eq!(locked(locks, 13), None);
        let tcp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n   1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1\n";
        assert_eq!(listening(tcp, 8080), ["4711"]);
        assert!(listening(tcp, 80).is_empty());
    }
}
