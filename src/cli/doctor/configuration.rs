//! The configuration's own file: who may read and change it.

use std::{fs, os::unix::fs::MetadataExt as _};

use super::{finding::Found, ground::Ground};
use crate::config::secret;

pub(super) fn look(at: &Ground, found: &Found) {
    let shown = at.file.display();
    let about = match fs::metadata(&at.file) {
        Ok(about) => about,
        Err(error) => return found.unseen(format!("{shown}: {error}")),
    };
    let mode = about.mode() & 0o7777;
    let has_secrets = secret::removed(&at.text).is_some_and(|public| public != at.text);
    if mode & 0o004 != 0 && has_secrets {
        let seen = format!("{shown} can be read by everybody (mode {mode:o}), and secrets are in it");
        found.fault("readable", seen, format!("chmod 640 {shown}, and change the secrets; or move each to a file of its own (keys that end in `_file`)"));
    }
    if mode & 0o022 != 0 {
        let who = if mode & 0o002 != 0 { "everybody" } else { "its group" };
        let seen = format!(
            "{shown} can be changed by {who} (mode {mode:o}): that is enough to lead everybody's data elsewhere"
        );
        found.graded(mode & 0o002 != 0, "writable", seen, format!("chmod go-w {shown}"));
    }
    let user = at.user();
    if about.uid() != 0 && about.uid() != user {
        let seen = format!("{shown} belongs to user {}, who is neither root nor the gateway's", about.uid());
        found.warning("owner", seen, format!("chown root {shown}"));
    }
}
