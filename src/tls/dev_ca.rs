//! Certificates where there are none: a development CA and a leaf for this machine, made at the first start and reused.
//!
//! For a laptop and a first look, never for strangers: whoever holds `ca.key` can impersonate any site to those who trust it.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, string::Ia5String,
};
use rustix::fs::{FlockOperation, flock};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{error::Error, pem};

const DAY: Duration = Duration::from_secs(86_400);
/// Mozilla's recommendation for leaves, and what browsers accept without complaint.
const LEAF: Duration = Duration::from_secs(90 * 86_400);
/// Renewed when less than this is left.
const RENEW: Duration = Duration::from_secs(30 * 86_400);
const CA: Duration = Duration::from_secs(3650 * 86_400);
/// Clocks of clients differ.
const SKEW: Duration = Duration::from_secs(3600);

/// The files of a development CA and its leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Development {
    /// The authority to trust.
    pub ca: PathBuf,
    /// The leaf, and the authority behind it.
    pub chain: PathBuf,
    /// The leaf's key.
    pub key: PathBuf,
}

impl Development {
    /// The files in `dir`, whether they exist or not.
    #[must_use]
    pub fn within(dir: &Path) -> Self {
        Self { ca: dir.join("ca.pem"), chain: dir.join("leaf.pem"), key: dir.join("leaf.key") }
    }
}

/// Makes what is missing or due in `dir`; what is good stays as it is.
///
/// # Errors
/// When the folder can't be written, or the CA in it is damaged.
pub fn ensure(dir: &Path, now: SystemTime) -> Result<Development, Error> {
    let files = Development::within(dir);
    if is_fresh(&files, now) {
        return Ok(files);
    }
    fs::create_dir_all(dir).map_err(|source| Error::File { path: dir.to_owned(), action: "can't be made", source })?;
    // Two first starts at once must not leave the leaf of one under the CA of the other.
    let lock_path = dir.join(".lock");
    let failed = |source| Error::File { path: lock_path.clone(), action: "can't be locked", source };
    let lock = File::create(&lock_path).map_err(failed)?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|errno| failed(errno.into()))?;
    if is_fresh(&files, now) {
        return Ok(files);
    }
    let issuer = authority(&files.ca, &dir.join("ca.key"), now)?;
    issue(&files, &issuer, now)?;
    Ok(files)
}

/// Whether the leaf is there, is signed by the CA, has this machine's name, and lasts.
fn is_fresh(files: &Development, now: SystemTime) -> bool {
    let (Ok(ca), Ok(chain)) = (pem::certificates(&files.ca), pem::certificates(&files.chain)) else { return false };
    let (Ok((_, ca)), Ok((_, leaf))) = (X509Certificate::from_der(&ca[0]), X509Certificate::from_der(&chain[0])) else {
        return false;
    };
    let Ok(Some(names)) = leaf.subject_alternative_name() else { return false };
    let named = |host: &String| {
        names
            .value
            .general_names
            .iter()
            .any(|n| matches!(n, x509_parser::prelude::GeneralName::DNSName(d) if d == host))
    };
    let until = leaf.validity().not_after.timestamp();
    files.key.exists()
        && leaf.issuer() == ca.subject()
        && leaf.verify_signature(Some(ca.public_key())).is_ok()
        && host_name().iter().all(named)
        && leaf.validity().not_before.timestamp() <= seconds(now)
        && until >= seconds(now + RENEW)
        && ca.validity().not_after.timestamp() >= until
}

/// The CA in `dir`, made when there is none or it is about to end.
fn authority(cert: &Path, key: &Path, now: SystemTime) -> Result<Issuer<'static, KeyPair>, Error> {
    if cert.exists() && key.exists() {
        let text = |path: &Path| {
            fs::read_to_string(path).map_err(|source| Error::File {
                path: path.to_owned(),
                action: "can't be read",
                source,
            })
        };
        let damaged = |source| Error::DevelopmentCa { path: cert.to_owned(), source };
        let pair = KeyPair::from_pem(&text(key)?).map_err(damaged)?;
        let pem = text(cert)?;
        let ends = pem::certificates(cert).ok().and_then(|c| {
            X509Certificate::from_der(&c[0])
                .ok()
                .map(|(_, ca)| (ca.validity().not_after.timestamp(), ca.public_key().raw.to_vec()))
        });
        let (ends, public) = ends.ok_or(Error::Certificate { path: cert.to_owned(), number: 1 })?;
        use rcgen::PublicKeyData as _;
        if public != pair.subject_public_key_info() {
            return Err(Error::Mismatch { chain: cert.to_owned(), key: key.to_owned() });
        }
        if ends >= seconds(now + LEAF) {
            return Issuer::from_ca_cert_pem(&pem, pair).map_err(damaged);
        }
    }
    let pair = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    let host = host_name().unwrap_or_else(|| "localhost".to_owned());
    params.distinguished_name.push(DnType::CommonName, format!("Privet development CA on {host}"));
    (params.not_before, params.not_after) = ((now - SKEW).into(), (now + CA).into());
    let certificate = params.self_signed(&pair)?;
    write(key, &pair.serialize_pem(), 0o600)?;
    write(cert, &certificate.pem(), 0o644)?;
    Ok(Issuer::new(params, pair))
}

fn issue(files: &Development, issuer: &Issuer<'static, KeyPair>, now: SystemTime) -> Result<(), Error> {
    let pair = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
    params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    params.subject_alt_names.push(SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    if let Some(host) = host_name() {
        params.subject_alt_names.push(SanType::DnsName(Ia5String::try_from(host)?));
    }
    params.distinguished_name.push(DnType::CommonName, "Privet development");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = ((now - SKEW).into(), (now - SKEW + LEAF - DAY).into());
    let certificate = params.signed_by(&pair, issuer)?;
    let ca = fs::read_to_string(&files.ca).map_err(|source| Error::File {
        path: files.ca.clone(),
        action: "can't be read",
        source,
    })?;
    write(&files.key, &pair.serialize_pem(), 0o600)?;
    write(&files.chain, &(certificate.pem() + &ca), 0o644)
}

/// This machine's name, where it is one that a certificate can hold and is not `localhost`.
fn host_name() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    (plain && name != "localhost").then_some(name)
}

/// Replaces a file as a whole; nobody ever sees half of it, or a key that is open to others.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let failed = |source| Error::File { path: path.to_owned(), action: "can't be written", source };
    let temporary = path.with_extension("new");
    let _ = fs::remove_file(&temporary);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn made_once_reused_and_renewed_before_it_ends() {
        let dir = tempfile::tempdir().expect("a folder");
        let now = SystemTime::now();
        let files = ensure(dir.path(), now).expect("made");
        for key in [dir.path().join("ca.key"), files.key.clone()] {
            assert_eq!(fs::metadata(key).expect("there").permissions().mode() & 0o777, 0o600);
        }
        let (ca, leaf) = (fs::read(&files.ca).expect("ca"), fs::read(&files.chain).expect("leaf"));
        ensure(dir.path(), now + 40 * DAY).expect("reused");
        assert_eq!(fs::read(&files.chain).expect("leaf"), leaf);
        ensure(dir.path(), now + 70 * DAY).expect("renewed");
        assert_ne!(fs::read(&files.chain).expect("leaf"), leaf);
        assert_eq!(fs::read(&files.ca).expect("ca"), ca);
        ensure(dir.path(), now + 3600 * DAY).expect("a new CA");
        assert_ne!(fs::read(&files.ca).expect("ca"), ca);
    }

    #[test]
    fn two_first_starts_make_one_pair() {
        let dir = tempfile::tempdir().expect("a folder");
        let now = SystemTime::now();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| ensure(dir.path(), now).expect("made"));
            }
        });
        assert!(is_fresh(&Development::within(dir.path()), now));
        let files = Development::within(dir.path());
        assert!(pem::pair(&files.chain, &files.key, &super::super::profile::provider()).is_ok());
    }

    #[test]
    fn a_damaged_ca_is_named_not_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("ca.pem"), "garbage").expect("written");
        fs::write(dir.path().join("ca.key"), "garbage").expect("written");
        let error = ensure(dir.path(), SystemTime::now()).expect_err("damaged").to_string();
        assert!(error.contains("ca.pem") && error.contains("delete"), "{error}");
    }
}
