//! The key file of tokens and encryption.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use time::{OffsetDateTime, macros::format_description};

use crate::{
    config::Config,
    privacy::{Keys, keys::Ring},
};

/// Where the key file of a configuration is.
#[must_use]
pub fn place(config: &Config) -> PathBuf {
    config.key_file.clone().unwrap_or_else(|| config.data_dir.join("pseudonym.key"))
}

/// Keys of a configuration. A folder that nobody asked for, and that can't be made, as on a read-only root, costs only that tokens
/// change with the next start.
///
/// # Errors
/// When a file or folder that was asked for can't be used.
pub fn of(config: &Config) -> anyhow::Result<Arc<Keys>> {
    let path = place(config);
    let asked_for = config.data_dir_is_given || config.key_file.is_some();
    let usable = make_private(&config.data_dir)
        .with_context(|| format!("data_dir {} can't be used", config.data_dir.display()))
        .and_then(|()| open(&path, true));
    match usable {
        Ok(ring) => Ok(ring.current()),
        Err(error) if asked_for || path.exists() => Err(error),
        Err(error) => {
            tracing::warn!(error = %format!("{error:#}"), "no key file: tokens will differ after the next start; set `data_dir` or `privacy.key_file`");
            Ok(Arc::new(Keys::ephemeral()?))
        }
    }
}

/// Reads a key file; where it is missing and `make` is set, makes one with an epoch of this month, mode 0600.
///
/// # Errors
/// When it can't be read or made, others may read it, or it holds no epoch.
pub fn open(path: &Path, make: bool) -> anyhow::Result<Ring> {
    let shown = path.display();
    if make {
        create(path).with_context(|| format!("key file {shown} can't be made"))?;
    }
    let text = fs::read_to_string(path).with_context(|| format!("key file {shown} can't be read"))?;
    let mode = fs::metadata(path).with_context(|| format!("key file {shown} can't be looked at"))?.permissions().mode();
    if mode & 0o007 != 0 {
        bail!("key file {shown} may be used by anybody on this machine: chmod 600 it, and begin a new epoch in it");
    }
    Ring::parse(&text).with_context(|| format!("key file {shown} can't be used"))
}

/// A key file with one epoch, unless one is there. It appears whole or not at all, however many processes start at once.
fn create(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let month = OffsetDateTime::now_utc().format(format_description!("[year]-[month]"))?;
    let line = Ring::line(&month)?;
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    let text = format!(
        "# Epochs of tokens and encryption; the last is written with. Deleting a line destroys its epoch.\n{line}"
    );
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    // A link fails where another process was first, which is as good.
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    fs::remove_file(&draft)?;
    Ok(linked?)
}

fn make_private(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_made_once_and_kept_from_others() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("pseudonym.key");
        assert!(open(&path, false).is_err());
        let first = open(&path, true).expect("made");
        let text = fs::read_to_string(&path).expect("read");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(open(&path, true).expect("read").current().epoch(), first.current().epoch());
        assert_eq!(fs::read_to_string(&path).expect("read"), text);
        assert_eq!(fs::read_dir(dir.path()).expect("read").count(), 1);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        let error = format!("{:#}", open(&path, true).expect_err("open to all"));
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn what_is_wrong_is_told_without_the_key() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("k");
        fs::write(&path, "2026-11 SECRETSECRET\n").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        let error = format!("{:#}", open(&path, true).expect_err("no key"));
        assert!(error.contains("line 1") && !error.contains("SECRET"), "{error}");
    }
}
