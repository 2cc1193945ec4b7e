//! A certificate authority for development: the first start makes one, so that TLS needs no
//! preparation; importing its `ca.pem` once makes browsers content.
//!
//! The authority lasts ten years and is never replaced, for people have imported it: where its
//! files are damaged the error says what to delete. The leaf lasts 90 days and is remade whenever
//! anything about it is wrong. Processes that start at once take turns by a lock file.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustix::fs::{FlockOperation, flock};
use rustls::pki_types::{CertificateDer, ServerName};
use time::{Duration, OffsetDateTime};

use super::certificate::{self, Certificate};
use crate::{common::replace::replace, dial::pem};

const AUTHORITY_LASTS: Duration = Duration::days(3650);
/// Mozilla's modern profile asks for at most 90 days, counted with the first and last second.
const LEAF_LASTS: Duration = Duration::seconds(90 * 86_400 - 1);
/// A leaf with less time left is remade.
pub(super) const RENEW_BEFORE: Duration = Duration::days(30);
/// Clocks of clients may run behind ours.
const BACKDATED: Duration = Duration::hours(1);

/// The files of the development authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Development {
    /// The authority's certificate, for clients to import.
    pub ca: PathBuf,
    /// The leaf, then the authority.
    pub chain: PathBuf,
    /// The leaf's key, mode 0600.
    pub key: PathBuf,
    /// DNS names and addresses in the leaf.
    pub names: Vec<String>,
}

/// The development authority cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder or file cannot be made or locked.
    #[error("cannot write {file}")]
    Write {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The authority's certificate and key cannot be read or do not match.
    #[error("the development CA is damaged; delete {ca} and {key} to have a new one made")]
    Damaged {
        /// The certificate.
        ca: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        source: Box<pem::Error>,
    },
    /// `ca.pem` holds something that is no authority, or whose time is over.
    #[error("{ca} is not a CA certificate that is valid now; delete it and {key} to have a new one made")]
    Unfit {
        /// The certificate.
        ca: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// Certificates could not be made.
    #[error("cannot make a development certificate")]
    Make(#[from] rcgen::Error),
}

/// Gives the development authority and leaf in `dir`, made or renewed where they need be. Blocks
/// on files, and while another process does the same.
///
/// # Errors
/// The folder cannot be written, or the authority's files are damaged or out of date.
pub fn ensure(dir: &Path, now: SystemTime) -> Result<Development, Error> {
    ensure_for(dir, now, host_name().as_deref())
}

/// Chain and key of the leaf.
pub(super) fn leaf_files(dir: &Path) -> (PathBuf, PathBuf) {
    (dir.join("leaf.pem"), dir.join("leaf.key"))
}

fn ensure_for(dir: &Path, now: SystemTime, host: Option<&str>) -> Result<Development, Error> {
    let folder = Folder(dir.to_path_buf());
    fs::create_dir_all(dir).map_err(|source| Error::Write { file: dir.into(), source })?;
    let _turn = folder.lock()?;
    let now = OffsetDateTime::from(now);
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    names.extend(host.filter(|&host| host != "localhost").map(str::to_owned));
    // The key is written first: alone it has signed nothing that anybody could have imported.
    if !folder.at("ca.pem").exists() {
        folder.make_authority(now)?;
    }
    let authority = folder.authority(now)?;
    if !folder.leaf_is_good(&authority, &names, now) {
        folder.make_leaf(&authority, &names, now)?;
    }
    let (chain, key) = leaf_files(dir);
    Ok(Development { ca: folder.at("ca.pem"), chain, key, names })
}

/// The host's name in lower case, where a certificate can hold it.
fn host_name() -> Option<String> {
    let name = rustix::system::uname();
    let name = name.nodename().to_str().ok()?.to_ascii_lowercase();
    match ServerName::try_from(name.as_str()) {
        Ok(ServerName::DnsName(_)) => Some(name),
        _ => None,
    }
}

struct Folder(PathBuf);

struct Authority {
    certificate: CertificateDer<'static>,
    pem: String,
    until: OffsetDateTime,
    issuer: Issuer<'static, KeyPair>,
}

impl Folder {
    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Held until the file is dropped.
    fn lock(&self) -> Result<File, Error> {
        let file = self.at(".lock");
        let failed = |source| Error::Write { file: file.clone(), source };
        let lock =
            OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(&file).map_err(failed)?;
        loop {
            match flock(&lock, FlockOperation::LockExclusive) {
                Err(rustix::io::Errno::INTR) => {}
                done => return done.map(|()| lock).map_err(|errno| failed(errno.into())),
            }
        }
    }

    fn make_authority(&self, now: OffsetDateTime) -> Result<(), Error> {
        let mut params = CertificateParams::default();
        // Two authorities must not share a subject: a client that imported both would try the
        // wrong one.
        let mark = fastrand::u32(..);
        params.distinguished_name.push(DnType::CommonName, format!("Privet development CA {mark:08x}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = now - BACKDATED;
        params.not_after = now + AUTHORITY_LASTS;
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        self.write("ca.key", 0o600, &authority.key().serialize_pem())?;
        self.write("ca.pem", 0o644, &authority.pem())
    }

    fn authority(&self, now: OffsetDateTime) -> Result<Authority, Error> {
        let (ca, key) = (self.at("ca.pem"), self.at("ca.key"));
        let damaged = |source: pem::Error| Error::Damaged { ca: ca.clone(), key: key.clone(), source: source.into() };
        let pair = pem::certified_key(&ca, &key).map_err(damaged)?;
        let unfit = || Error::Unfit { ca: ca.clone(), key: key.clone() };
        let certificate = pair.cert.first().ok_or_else(unfit)?.clone();
        let parsed = Certificate::parse(&certificate).ok_or_else(unfit)?;
        let until = OffsetDateTime::from_unix_timestamp(parsed.until).map_err(|_| unfit())?;
        if !parsed.is_authority || until <= now || parsed.since > now.unix_timestamp() {
            return Err(unfit());
        }
        let key_pair = KeyPair::try_from(&*pem::private_key(&key).map_err(damaged)?)?;
        Ok(Authority {
            pem: String::from_utf8_lossy(&pem::read(&ca).map_err(damaged)?).into_owned(),
            issuer: Issuer::from_ca_cert_der(&certificate, key_pair)?,
            certificate,
            until,
        })
    }

    fn leaf_is_good(&self, authority: &Authority, names: &[String], now: OffsetDateTime) -> bool {
        let Ok(pair) = pem::certified_key(&self.at("leaf.pem"), &self.at("leaf.key")) else {
            return false;
        };
        let [leaf, issuer] = pair.cert.as_slice() else {
            return false;
        };
        let renew = (now + RENEW_BEFORE).min(authority.until).unix_timestamp();
        *issuer == authority.certificate
            && Certificate::parse(leaf).is_some_and(|leaf| leaf.until >= renew)
            && certificate::verifies(leaf, &authority.certificate, names, now.into())
    }

    fn make_leaf(&self, authority: &Authority, names: &[String], now: OffsetDateTime) -> Result<(), Error> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "Privet development");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = now - BACKDATED;
        params.not_after = (params.not_before + LEAF_LASTS).min(authority.until);
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &authority.issuer)?;
        self.write("leaf.key", 0o600, &key.serialize_pem())?;
        self.write("leaf.pem", 0o644, &(leaf.pem() + &authority.pem))
    }

    fn write(&self, name: &str, mode: u32, content: &str) -> Result<(), Error> {
        let file = self.at(name);
        replace(&file, mode, content.as_bytes()).map_err(|source| Error::Write { file, source })
    }
}

#[cfg(test)]
mod tests;
