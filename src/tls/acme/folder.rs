//! What is kept of ACME, in a folder of mode 0700: a file for each certificate, with its key, and one for each account.
//!
//! Key and chain are one file, so that no reader ever meets the key of one certificate and the chain of another. Its first line says
//! what was ordered, so that other wishes are noticed whenever they come.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::schedule::Life;
use crate::{
    common::{
        lock_file::{self, LockFile},
        replace::replace,
    },
    dial::pem,
    tls::{certificate::Certificate, settings::Acme},
};

/// How long an account waits for another process that makes it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The folder can't be used, or a file in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be made, or written to.
    #[error("{} can't be written: ACME keeps its keys there; set `data_dir` to a folder that can", .path.display())]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A certificate's file is damaged.
    #[error(transparent)]
    Pem(#[from] pem::Error),
    /// Its first certificate can't be read for names and dates.
    #[error("{} begins with a certificate that can't be parsed", .0.display())]
    Leaf(PathBuf),
    /// Another process does the same.
    #[error(transparent)]
    Lock(#[from] lock_file::Error),
}

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Folder(pub(super) PathBuf);

/// A certificate that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) leaf: CertificateDer<'static>,
    pub(super) life: Life,
    /// What was ordered, as [`order`] has it; empty in a file that somebody else has put there.
    pub(super) order: String,
}

/// An account that is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) directory: String,
    pub(super) contact: Vec<String>,
    pub(super) credentials: instant_acme::AccountCredentials,
}

/// What `settings` order, in a line. Another line is another certificate.
pub(super) fn order(settings: &Acme) -> String {
    let mut domains: Vec<&str> = settings.domains.iter().map(String::as_str).collect();
    domains.sort_unstable();
    let profile = settings.profile.as_deref().unwrap_or("-");
    format!("Ordered by Privet: {} profile {profile} for {}", settings.directory, domains.join(" "))
}

/// The file of the certificate that `settings` order.
pub(in crate::tls) fn certificate_file(dir: &Path, settings: &Acme) -> PathBuf {
    dir.join(format!("{}.pem", settings.domains.first().map_or("", String::as_str)))
}

/// Where answers to challenges are left for replicas that share `dir`.
pub(super) fn challenges(dir: &Path) -> PathBuf {
    dir.join("challenges")
}

impl Folder {
    /// Makes it, and gives wishes that have no certificate yet the best one that was left by others: so a domain that moves from one
    /// order to another keeps its certificate until a new one has come.
    pub(super) fn prepare(&self, all: &[Acme]) -> Result<(), Error> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(challenges(&self.0));
        made.and_then(|()| fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700)))
            .map_err(|source| Error::Write { path: self.0.clone(), source })?;
        let others = self.certificates();
        for settings in all.iter().filter(|settings| !certificate_file(&self.0, settings).exists()) {
            let covers = |names: &[String]| settings.domains.iter().filter(|domain| names.contains(domain)).count();
            let best = others.iter().map(|(path, facts)| (covers(&facts.names), facts.until, path)).max();
            if let Some((1.., _, path)) = best {
                let bytes = pem::read(path)?;
                write(&certificate_file(&self.0, settings), &bytes)?;
            }
        }
        Ok(())
    }

    /// The usable certificates in it, those that have expired left out.
    fn certificates(&self) -> Vec<(PathBuf, Certificate)> {
        let Ok(entries) = fs::read_dir(&self.0) else { return Vec::new() };
        let files = entries.flatten().map(|entry| entry.path());
        let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "pem"));
        files
            .filter_map(|path| {
                let leaf = pem::certified_key(&path, &path).ok()?.cert.into_iter().next()?;
                Some((path, Certificate::parse(&leaf)?))
            })
            .filter(|(_, facts)| facts.until > OffsetDateTime::now_utc().unix_timestamp())
            .collect()
    }

    /// The certificate of an order; `None` where there is none yet.
    pub(super) fn held(&self, settings: &Acme) -> Result<Option<Held>, Error> {
        let path = certificate_file(&self.0, settings);
        if !path.exists() {
            return Ok(None);
        }
        let pair = pem::certified_key(&path, &path)?;
        let leaf = pair.cert.into_iter().next().ok_or_else(|| Error::Leaf(path.clone()))?;
        let facts = Certificate::parse(&leaf).ok_or_else(|| Error::Leaf(path.clone()))?;
        let text = pem::read(&path)?;
        let line = text.split(|b| *b == b'\n').next().unwrap_or_default();
        let order = String::from_utf8_lossy(line).into_owned();
        Ok(Some(Held { life: Life::new(facts.since, facts.until, &leaf), leaf, order }))
    }

    /// Keeps what was issued; a gateway that looks at the file takes it into use.
    pub(super) fn keep(&self, settings: &Acme, key: &str, chain: &str) -> Result<(), Error> {
        let text = format!("{}\n{}\n{}", order(settings), key.trim_end(), chain);
        write(&certificate_file(&self.0, settings), text.as_bytes())
    }

    /// The account for an order; `None` where there is none, or one that can't be read.
    pub(super) fn account(&self, settings: &Acme) -> Option<Kept> {
        let kept: Kept = serde_json::from_slice(&fs::read(self.account_file(settings)).ok()?).ok()?;
        (kept.directory == settings.directory.to_string()).then_some(kept)
    }

    /// Keeps an account.
    pub(super) fn keep_account(&self, settings: &Acme, kept: &Kept) -> Result<(), Error> {
        let path = self.account_file(settings);
        let text = serde_json::to_vec(kept).map_err(|error| Error::Write { path: path.clone(), source: error.into() });
        write(&path, &text?)
    }

    /// An account that the authority does not know any more is put aside: its key may still be wanted to revoke something.
    pub(super) fn retire_account(&self, settings: &Acme) {
        let path = self.account_file(settings);
        let _ = fs::rename(&path, path.with_extension("old"));
    }

    /// One account a directory, and one more for each name under which an authority knows us already.
    fn account_file(&self, settings: &Acme) -> PathBuf {
        let own = settings.external_account.as_ref().map_or("", |account| account.key_id.as_str());
        let mark = digest(&SHA256, format!("{}\n{own}", settings.directory).as_bytes());
        let mark = mark.as_ref()[..4].iter().fold(0_u32, |mark, byte| mark << 8 | u32::from(*byte));
        let host = settings.directory.host().replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
        self.0.join(format!("account-{host}-{mark:08x}.json"))
    }

    /// The right to order what `settings` ask for; one process has it at a time.
    pub(super) fn lock(&self, settings: &Acme) -> Result<LockFile, lock_file::Error> {
        LockFile::take(&certificate_file(&self.0, settings).with_extension("lock"))
    }

    /// The right to make an account, waited for.
    pub(super) async fn lock_account(&self, settings: &Acme) -> Result<LockFile, Error> {
        let path = self.account_file(settings).with_extension("lock");
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                match LockFile::take(&path) {
                    Err(lock_file::Error::Held { .. }) => tokio::time::sleep(Duration::from_millis(100)).await,
                    other => return other,
                }
            }
        });
        // Still held: says by whom.
        Ok(waited.await.unwrap_or_else(|_| LockFile::take(&path))?)
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(path, 0o600, bytes).map_err(|source| Error::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dial::testing::Authority, tls::acme::testing::settings};

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder(dir.path().join("data/acme"));
        folder.prepare(&[]).expect("made");
        (dir, folder)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn what_is_kept_is_private_and_found_again() {
        let (_dir, folder) = folder();
        let wish = settings(&["a.test", "b.test"]);
        assert_eq!(folder.held(&wish).expect("empty"), None);
        let leaf = Authority::new("CA").leaf(&["a.test", "b.test"], 1);
        folder.keep(&wish, &leaf.key, &leaf.chain).expect("kept");
        let held = folder.held(&wish).expect("whole").expect("there");
        assert_eq!(held.order, order(&wish));
        assert_eq!(held.order, order(&settings(&["b.test", "a.test"])));
        assert_ne!(held.order, order(&settings(&["a.test"])));
        assert_eq!((mode(&folder.0), mode(&certificate_file(&folder.0, &wish))), (0o700, 0o600));
        fs::write(certificate_file(&folder.0, &wish), "damaged").expect("written");
        assert!(folder.held(&wish).is_err_and(|error| error.to_string().contains("a.test.pem")));
    }

    #[test]
    fn a_domain_that_moves_keeps_its_certificate() {
        let (_dir, folder) = folder();
        let leaf = Authority::new("CA").leaf(&["a.test", "b.test"], 1);
        folder.keep(&settings(&["a.test", "b.test"]), &leaf.key, &leaf.chain).expect("kept");
        let (same, part, other) = (settings(&["b.test", "a.test"]), settings(&["b.test"]), settings(&["c.test"]));
        folder.prepare(std::slice::from_ref(&same)).expect("prepared");
        assert_eq!(folder.held(&same).expect("whole").expect("there").order, order(&same));
        fs::remove_file(certificate_file(&folder.0, &same)).expect("removed");
        folder.prepare(&[part.clone(), other.clone()]).expect("prepared");
        assert_ne!(folder.held(&part).expect("whole").expect("there").order, order(&part));
        assert_eq!(folder.held(&other).expect("empty"), None);
    }

    #[test]
    fn accounts_are_apart_by_directory_and_by_external_account() {
        let (_dir, folder) = folder();
        let plain = settings(&["a.test"]);
        let bound = crate::tls::settings::ExternalAccount::new("me".to_owned(), "c2VjcmV0");
        let bound = Acme { external_account: bound, ..plain.clone() };
        assert_ne!(folder.account_file(&plain), folder.account_file(&bound));
        assert_eq!(folder.account_file(&plain), folder.account_file(&settings(&["z.test"])));
        fs::write(folder.account_file(&plain), "{}").expect("written");
        assert!(folder.account(&plain).is_none());
    }
}
