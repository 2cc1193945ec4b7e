//! The data folder: whether it can be written, whether it stays, and whether there is room.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

use rustix::fs::{Access, StatVfsMountFlags, access, statfs, statvfs};

use super::{
    finding::{Found, size},
    ground::Ground,
};

/// File systems that are gone with the machine's next start.
const IN_MEMORY: &[(u64, &str)] = &[(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs")];
/// A container's own layer, which is gone with the container.
const OVERLAY: u64 = 0x794c_7630;
/// Room that a day of a busy journal and its log may take.
const LITTLE: u64 = 1 << 30;
const NONE: u64 = 128 << 20;
/// Files of the same.
const FEW: u64 = 1000;

pub(super) fn look(at: &Ground, found: &Found) {
    let folder = &at.config.data_dir;
    if let Err(error) = fs::metadata(folder) {
        if error.kind() == io::ErrorKind::NotFound {
            let above = folder.ancestors().skip(1).find(|above| above.is_dir()).unwrap_or(Path::new("."));
            if !may_write(above, at.user()) {
                let seen = format!(
                    "the data folder {} is missing, and {} can't be written by user {}",
                    folder.display(),
                    above.display(),
                    at.user()
                );
                found.fault("missing", seen, format!("install -d -m 700 -o {} {}", at.user(), folder.display()));
            }
            return;
        }
        return found.unseen(format!("{}: {error}; look as the user that serves, or as root", folder.display()));
    }
    if !may_write(folder, at.user()) {
        let seen = format!("the data folder {} can't be written by user {}", folder.display(), at.user());
        let mend = format!(
            "chown {} {}; mount it with write access (ReadWritePaths= or StateDirectory= in a unit, a volume in a container)",
            at.user(),
            folder.display()
        );
        found.fault("unwritable", seen, mend);
    }
    stays(folder, found);
    room(folder, found);
}

/// Whether a user may make files in a folder, or change a file. Of another user than ourselves it is told by owner and mode.
pub(super) fn may_write(path: &Path, user: u32) -> bool {
    let read_only = statvfs(path).is_ok_and(|about| about.f_flag.contains(StatVfsMountFlags::RDONLY));
    if read_only {
        return false;
    }
    if user == rustix::process::geteuid().as_raw() {
        return access(path, Access::WRITE_OK).is_ok();
    }
    let Ok(about) = fs::metadata(path) else { return false };
    let asked = if about.uid() == user { 0o200 } else { 0o022 };
    user == 0 || about.mode() & asked != 0
}

fn stays(folder: &Path, found: &Found) {
    let Ok(about) = statfs(folder) else { return };
    #[allow(
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        reason = "it is a magic number, of another type on each system"
    )]
    let kind = about.f_type as u64 & 0xffff_ffff;
    let shown = folder.display();
    let cost = "keys, accounts and the journal are in it";
    if let Some((_, name)) = IN_MEMORY.iter().find(|(magic, _)| *magic == kind) {
        let seen = format!("the data folder {shown} is in memory ({name}), and empty after the next start: {cost}");
        found.fault("tmpfs", seen, "set `data_dir` to a folder on a disk, such as /var/lib/privet");
    } else if kind == OVERLAY {
        let seen =
            format!("the data folder {shown} is in a container's own layer, which is gone with the container: {cost}");
        found.warning("layer", seen, "mount a volume there");
    }
}

fn room(folder: &Path, found: &Found) {
    let Ok(about) = statvfs(folder) else { return };
    let shown = folder.display();
    let (free, whole) = (about.f_bavail * about.f_frsize, about.f_blocks * about.f_frsize);
    let mend = "make room or a larger disk: when it is full nothing can be written down, and what must be is refused";
    // Small disks are full of little.
    if free < LITTLE.min(whole / 10) {
        let seen = format!("{} of {} are free on the disk of the data folder {shown}", size(free), size(whole));
        found.graded(free < NONE.min(whole / 20), "full", seen, mend);
    }
    // Some file systems have no bound, and say 0.
    if about.f_files > 0 && about.f_favail < FEW.min(about.f_files / 10) {
        let seen =
            format!("{} more files fit on the disk of the data folder {shown}, of {}", about.f_favail, about.f_files);
        found.graded(
            about.f_favail < FEW / 10,
            "inodes",
            seen,
            "remove small files, or make the file system anew with more inodes",
        );
    }
}
