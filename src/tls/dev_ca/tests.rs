use std::{os::unix::fs::PermissionsExt, thread};

use tempfile::TempDir;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use super::*;
use crate::dial::testing::openssl;

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

fn bytes(dir: &Path, name: &str) -> Vec<u8> {
    fs::read(dir.join(name)).unwrap()
}

#[test]
fn the_first_start_makes_an_authority_and_a_leaf() {
    let dir = TempDir::new().unwrap();
    let at = dir.path().join("deep/certs");
    let now = SystemTime::now();
    let made = ensure_for(&at, now, Some("box.test")).unwrap();
    assert_eq!(made.names, ["localhost", "127.0.0.1", "::1", "box.test"]);
    for (name, mode) in [("ca.key", 0o600), ("leaf.key", 0o600), ("ca.pem", 0o644)] {
        let found = fs::metadata(at.join(name)).unwrap().permissions().mode();
        // The umask may take more away.
        assert_eq!(found & 0o777 & !mode, 0, "{name}: {found:o}");
    }
    let chain = pem::certificates(&made.chain).unwrap();
    assert_eq!(chain.len(), 2);
    assert!(certificate::verifies(&chain[0], &chain[1], &made.names, now));

    for name in ["localhost", "box.test"] {
        let verify = "verify -x509_strict -purpose sslserver -CAfile ca.pem -verify_hostname";
        openssl(&at, &format!("{verify} {name} leaf.pem"));
    }

    let (_, ca) = X509Certificate::from_der(&chain[1]).unwrap();
    assert!(ca.subject().to_string().contains("Privet development CA "));
    let constraints = ca.basic_constraints().unwrap().unwrap().value;
    assert_eq!((constraints.ca, constraints.path_len_constraint), (true, Some(0)));
    let usage = ca.key_usage().unwrap().unwrap().value;
    assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
    let (_, leaf) = X509Certificate::from_der(&chain[0]).unwrap();
    assert!(leaf.key_usage().unwrap().unwrap().value.digital_signature());
    assert!(leaf.extended_key_usage().unwrap().unwrap().value.server_auth);
    let valid = leaf.validity();
    let seconds = valid.not_after.timestamp() - valid.not_before.timestamp();
    assert!(seconds < 90 * 86_400 && seconds > 89 * 86_400);
    let listed = fs::read_dir(&at).unwrap().count();
    assert_eq!(listed, 5, "four files and the lock, nothing half-made");
}

#[test]
fn a_second_start_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let now = SystemTime::now();
    let first = ensure_for(dir.path(), now, Some("box.test")).unwrap();
    let leaf = bytes(dir.path(), "leaf.pem");
    assert_eq!(ensure_for(dir.path(), now + DAY * 59, Some("box.test")).unwrap(), first);
    assert_eq!(bytes(dir.path(), "leaf.pem"), leaf);
}

#[test]
fn the_leaf_is_renewed_and_the_authority_kept() {
    let dir = TempDir::new().unwrap();
    let at = dir.path();
    let now = SystemTime::now();
    ensure_for(at, now, Some("box.test")).unwrap();
    let ca = bytes(at, "ca.pem");
    let mut before = bytes(at, "leaf.pem");
    let spoils: [(&str, SystemTime, &dyn Fn()); 4] = [
        ("box.test", now + DAY * 61, &|| ()),
        ("new.test", now, &|| ()),
        ("new.test", now, &|| {
            fs::remove_file(at.join("leaf.key")).unwrap();
        }),
        ("new.test", now, &|| {
            fs::write(at.join("leaf.pem"), "half").unwrap();
        }),
    ];
    for (name, time, spoil) in spoils {
        spoil();
        let made = ensure_for(at, time, Some(name)).unwrap();
        let after = bytes(at, "leaf.pem");
        assert!(after != before, "{name}");
        before = after;
        let chain = pem::certificates(&made.chain).unwrap();
        assert!(certificate::verifies(&chain[0], &chain[1], &made.names, time));
        assert!(pem::certified_key(&made.chain, &made.key).is_ok());
    }
    assert_eq!(bytes(at, "ca.pem"), ca);
}

#[test]
fn a_damaged_authority_is_not_replaced_but_told() {
    let dir = TempDir::new().unwrap();
    let at = dir.path();
    let now = SystemTime::now();
    ensure_for(at, now, None).unwrap();
    let late = ensure_for(at, now + DAY * 3651, None).unwrap_err();
    assert!(matches!(late, Error::Unfit { .. }));

    let leaf = bytes(at, "leaf.pem");
    let (ca, key) = (bytes(at, "ca.pem"), bytes(at, "ca.key"));
    fs::write(at.join("ca.key"), bytes(at, "leaf.key")).unwrap();
    let error = ensure_for(at, now, None).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }));
    assert!(error.to_string().contains("delete") && error.to_string().contains("ca.key"));
    assert_eq!((bytes(at, "ca.pem"), bytes(at, "leaf.pem")), (ca.clone(), leaf));

    fs::write(at.join("ca.key"), &key).unwrap();
    fs::write(at.join("ca.pem"), &ca[..ca.len() / 2]).unwrap();
    assert!(matches!(ensure_for(at, now, None), Err(Error::Damaged { .. })));

    // A start that was cut short leaves a key alone.
    fs::remove_file(at.join("ca.pem")).unwrap();
    ensure_for(at, now, None).unwrap();
}

#[test]
fn starts_at_once_agree() {
    let dir = TempDir::new().unwrap();
    let now = SystemTime::now();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let made = ensure(dir.path(), now).unwrap();
                pem::certified_key(&made.chain, &made.key).unwrap();
            });
        }
    });
}
