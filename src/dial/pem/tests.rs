use tempfile::TempDir;

use super::*;
use crate::dial::testing::{Authority, openssl, put};

#[test]
fn every_usual_key_format_is_read() {
    let dir = TempDir::new().unwrap();
    let at = dir.path();
    let cases = [
        ("genrsa -traditional -out KEY 2048", "BEGIN RSA PRIVATE KEY"),
        ("genrsa -out KEY 2048", "BEGIN PRIVATE KEY"),
        ("ecparam -name prime256v1 -genkey -noout -out KEY", "BEGIN EC PRIVATE KEY"),
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out KEY", "BEGIN PRIVATE KEY"),
        ("genpkey -algorithm ed25519 -out KEY", "BEGIN PRIVATE KEY"),
        // `openssl ecparam` puts its parameters before the key unless told not to.
        ("ecparam -name prime256v1 -genkey -out KEY", "BEGIN EC PARAMETERS"),
    ];
    for (arguments, mark) in cases {
        openssl(at, &arguments.replace("KEY", "k.key"));
        assert!(fs::read_to_string(at.join("k.key")).unwrap().contains(mark));
        openssl(at, "req -x509 -new -key k.key -subj /CN=k.test -days 2 -out k.pem");
        let pair = certified_key(&at.join("k.pem"), &at.join("k.key")).unwrap();
        assert!(pair.keys_match().is_ok(), "{arguments}");
    }
}

#[test]
fn encrypted_keys_are_named_as_such() {
    let dir = TempDir::new().unwrap();
    let at = dir.path();
    openssl(at, "genrsa -aes128 -passout pass:secret -out pkcs8.key 2048");
    openssl(at, "genrsa -traditional -aes128 -passout pass:secret -out pkcs1.key 2048");
    for name in ["pkcs8.key", "pkcs1.key"] {
        let error = private_key(&at.join(name)).unwrap_err();
        assert!(matches!(error, Error::EncryptedKey { .. }), "{name}: {error}");
    }
}

#[test]
fn errors_name_the_file_and_hold_none_of_it() {
    let dir = TempDir::new().unwrap();
    let leaf = Authority::new("CA").leaf(&["a.test"], 1);
    let joined = put(dir.path(), "joined.key", leaf.key.replace('\n', " "));
    let cut = put(dir.path(), "cut.key", &leaf.key[..leaf.key.len() / 2]);
    let body = leaf.key.lines().nth(1).unwrap();
    for file in [joined, cut] {
        let error = private_key(&file).unwrap_err();
        assert!(matches!(error, Error::Syntax { .. }));
        assert!(error.to_string().contains(file.to_str().unwrap()));
        assert!(!format!("{error} {error:?}").contains(body));
    }
    let (chain, key) = leaf.write(dir.path(), "leaf");
    assert!(matches!(certificates(&key), Err(Error::NoCertificate { .. })));
    assert!(matches!(private_key(&chain), Err(Error::NoKey { .. })));
    assert!(matches!(private_key(&dir.path().join("none")), Err(Error::Read { .. })));
}

#[test]
fn a_wrong_pair_and_a_wrong_order_differ() {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new("CA");
    let leaf = authority.leaf(&["a.test"], 1);
    let (chain, key) = leaf.write(dir.path(), "leaf");
    let (other, _) = authority.leaf(&["b.test"], 2).write(dir.path(), "other");
    let turned = put(dir.path(), "turned.pem", authority.pem() + &leaf.chain);
    assert!(certified_key(&chain, &key).is_ok());
    assert!(matches!(certified_key(&other, &key), Err(Error::Mismatch { .. })));
    assert!(matches!(certified_key(&turned, &key), Err(Error::Order { .. })));
}
