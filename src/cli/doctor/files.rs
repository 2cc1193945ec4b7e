//! Who can read keys, and what is sealed by them.

use std::{fs::Metadata, io, os::unix::fs::MetadataExt as _, path::Path};

use super::{finding::Found, ground::Ground};
use crate::{app::attest::facts, attest::control::keeping::private_files};

/// What others than owner and group may do, and what a group may do besides reading.
const GRAVE: u32 = 0o027;

pub(super) fn look(at: &Ground, found: &Found) {
    let (facts, user) = (facts(&at.config), at.user());
    for (path, about) in private_files(&facts) {
        match about {
            Ok(about) => judge(path, &about, user, path == facts.data_dir, found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                found.unseen(format!("{}: {error}; look as the user that serves, or as root", path.display()));
            }
        }
    }
}

fn judge(path: &Path, about: &Metadata, user: u32, is_folder: bool, found: &Found) {
    let (mode, owner, shown) = (about.mode() & 0o7777, about.uid(), path.display());
    let private = if about.is_dir() { "700" } else { "600" };
    if mode & 0o077 != 0 {
        // Orchestrators and certificates' renewers hand keys over by a group.
        let grave = mode & GRAVE != 0 || is_folder && mode & 0o070 != 0;
        let mut mend = format!("chmod {private} {shown}");
        if mode & 0o004 != 0 && about.is_file() {
            mend.push_str("; whoever could read it may have: a key of a certificate is made anew, and a key file gets a new epoch (a new line)");
        }
        let who = if mode & 0o007 != 0 { "everybody" } else { "its group" };
        found.graded(grave, "mode", format!("{shown} is open to {who} (mode {mode:o})"), mend);
    }
    if owner != user && (owner != 0 || is_folder) {
        let seen = format!("{shown} belongs to user {owner}, and the gateway is user {user}");
        found.fault(
            "owner",
            seen,
            format!("chown {user} {shown}: its owner can change it, and the gateway perhaps can't read it"),
        );
    }
}
