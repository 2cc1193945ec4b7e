use rustls::SignatureScheme;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use super::*;
use crate::{
    dial::testing::{Authority, openssl, put},
    tls::{
        settings::{Certificate, Client, Profile, Settings, Trust},
        testing::{BOTH, OLD, any_client, client, every_scheme, leaf_in, offering, settings, shake, shown, with_leaf},
    },
};

fn open(settings: &Settings) -> Arc<Store> {
    Store::open(settings, std::time::SystemTime::now()).unwrap()
}

#[tokio::test]
async fn a_modern_client_agrees_on_the_best() {
    let dir = TempDir::new().unwrap();
    let leaf = Authority::new("CA").leaf(&["a.test"], 1);
    let store = open(&with_leaf(dir.path(), "a", &leaf));
    let me = any_client();
    let agreed = shake(&store, &me, "A.test").await.0.unwrap();
    assert_eq!(
        agreed,
        Handshake {
            version: "1.3",
            group: Some("X25519MLKEM768"),
            suite: agreed.suite,
            sni: Some("a.test".to_owned()),
            alpn_h2: true,
            client_certificate: None,
            resumed: false,
        }
    );
    assert!(agreed.suite.starts_with("TLS_AES_"));
    assert!(shake(&store, &me, "a.test").await.0.unwrap().resumed);

    let old = client(OLD, &every_scheme(), None);
    let agreed = shake(&store, &old, "a.test").await.0.unwrap();
    assert_eq!((agreed.version, agreed.resumed), ("1.2", false));
    assert!(agreed.suite.starts_with("TLS_ECDHE_ECDSA_WITH_"));
    let again = shake(&store, &old, "a.test").await.0.unwrap();
    assert_eq!((again.group, again.resumed), (None, true));
}

#[tokio::test]
async fn the_modern_profile_refuses_older_clients() {
    let dir = TempDir::new().unwrap();
    let leaf = Authority::new("CA").leaf(&["a.test"], 1);
    let settings = Settings { profile: Profile::Modern, ..with_leaf(dir.path(), "a", &leaf) };
    let old = client(OLD, &every_scheme(), None);
    let (error, _) = shake(&open(&settings), &old, "a.test").await;
    assert_eq!(error.unwrap_err().kind(), "no_common_protocol");
}

#[tokio::test]
async fn every_key_format_serves_a_handshake() {
    let dir = TempDir::new().unwrap();
    let at = dir.path();
    for arguments in [
        "genrsa -traditional -out k.key 2048",
        "genrsa -out k.key 2048",
        "ecparam -name prime256v1 -genkey -noout -out k.key",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out k.key",
        "genpkey -algorithm ed25519 -out k.key",
    ] {
        openssl(at, arguments);
        openssl(at, "req -x509 -new -key k.key -subj /CN=k.test -days 2 -out k.pem");
        let (chain, key) = (at.join("k.pem"), at.join("k.key"));
        let expected = leaf_in(&chain);
        let store = open(&Settings { certificates: vec![Certificate { chain, key }], ..settings(at) });
        assert_eq!(shown(&store, &any_client(), "k.test").await, expected);
    }
}

#[tokio::test]
async fn names_and_kinds_of_key_choose_the_certificate() {
    let dir = TempDir::new().unwrap();
    let at = dir.path();
    let authority = Authority::new("CA");
    openssl(at, "genrsa -out rsa.key 2048");
    openssl(at, "req -x509 -new -key rsa.key -subj /CN=x -addext subjectAltName=DNS:a.test -days 2 -out rsa.pem");
    let rsa = Certificate { chain: at.join("rsa.pem"), key: at.join("rsa.key") };
    let mut pairs = vec![rsa];
    for (name, names) in [("ec", ["a.test"]), ("wild", ["*.b.test"])] {
        let (chain, key) = authority.leaf(&names, 1).write(at, name);
        pairs.push(Certificate { chain, key });
    }
    let store = open(&Settings { certificates: pairs, ..settings(at) });
    let leaf = |name: &str| leaf_in(&at.join(name));
    let rsa_only = client(BOTH, &[SignatureScheme::RSA_PSS_SHA256], None);
    let old_rsa = client(OLD, &[SignatureScheme::RSA_PKCS1_SHA256], None);
    let ec_only = client(BOTH, &[SignatureScheme::ECDSA_NISTP256_SHA256], None);
    for (client, name, expected) in [
        (&any_client(), "a.test", "ec.pem"),
        (&rsa_only, "a.test", "rsa.pem"),
        (&old_rsa, "a.test", "rsa.pem"),
        (&any_client(), "x.b.test", "wild.pem"),
        (&any_client(), "x.y.b.test", "rsa.pem"),
        (&any_client(), "unknown.test", "rsa.pem"),
        (&any_client(), "127.0.0.1", "rsa.pem"),
        (&ec_only, "unknown.test", "ec.pem"),
    ] {
        assert_eq!(shown(&store, client, name).await, leaf(expected), "{name} {expected}");
    }
    let (error, _) = shake(&store, &rsa_only, "x.b.test").await;
    assert_eq!(error.unwrap_err().kind(), "no_common_protocol");
}

#[tokio::test]
async fn client_certificates_are_asked_for_or_needed() {
    let dir = TempDir::new().unwrap();
    let at = dir.path();
    let authority = Authority::new("Clients");
    let trust =
        Trust { ca: put(at, "ca.pem", authority.pem()), crl: Some(put(at, "list.crl", authority.revoke(&[8], 30))) };
    let base = with_leaf(at, "a", &authority.leaf(&["a.test"], 1));
    let with = |client| open(&Settings { client, ..base.clone() });
    let bearer = |authority: &Authority, serial| {
        let (chain, key) = authority.leaf(&["me.test"], serial).write(at, "me");
        client(BOTH, &every_scheme(), Some((&chain, &key)))
    };
    let (good, revoked) = (bearer(&authority, 7), bearer(&authority, 8));
    let foreign = bearer(&Authority::new("Clients"), 9);
    let needed = with(Client::Require(trust.clone()));
    let asked = with(Client::Request(trust));
    let none = Error::ClientCertificate("none was sent");
    assert_eq!(shake(&needed, &any_client(), "a.test").await.0, Err(none));
    let agreed = shake(&asked, &any_client(), "a.test").await.0.unwrap();
    assert!(agreed.client_certificate.is_none());
    for store in [&needed, &asked] {
        let agreed = shake(store, &good, "a.test").await.0.unwrap();
        assert!(agreed.client_certificate.is_some());
        let error = shake(store, &revoked, "a.test").await.0;
        assert_eq!(error, Err(Error::ClientCertificate("revoked")));
        let error = shake(store, &foreign, "a.test").await.0.unwrap_err();
        assert_eq!(error.kind(), "client_certificate");
    }
    let agreed = shake(&with(Client::Off), &good, "a.test").await.0.unwrap();
    assert!(agreed.client_certificate.is_none());
}

#[tokio::test]
async fn suites_are_taken_in_our_order_but_for_who_asks_for_chacha20_first() {
    use rustls::crypto::aws_lc_rs::cipher_suite::{
        TLS13_AES_128_GCM_SHA256 as AES_128, TLS13_AES_256_GCM_SHA384 as AES_256,
        TLS13_CHACHA20_POLY1305_SHA256 as CHACHA20,
    };
    let dir = TempDir::new().unwrap();
    let leaf = Authority::new("CA").leaf(&["a.test"], 1);
    let store = open(&with_leaf(dir.path(), "a", &leaf));
    for (offered, expected) in [
        (vec![AES_256, CHACHA20, AES_128], "TLS_AES_128_GCM_SHA256"),
        (vec![AES_256, CHACHA20], "TLS_AES_256_GCM_SHA384"),
        (vec![CHACHA20, AES_128, AES_256], "TLS_CHACHA20_POLY1305_SHA256"),
    ] {
        assert_eq!(shake(&store, &offering(offered), "a.test").await.0.unwrap().suite, expected);
    }
}

#[tokio::test]
async fn what_is_not_tls_is_classed() {
    let dir = TempDir::new().unwrap();
    let leaf = Authority::new("CA").leaf(&["a.test"], 1);
    let acceptor = Acceptor::new(open(&with_leaf(dir.path(), "a", &leaf)));
    for (bytes, expected) in [
        (&b"GET /secret HTTP/1.1\r\n\r\n"[..], "cleartext_http"),
        (b"PRI * HTTP/2.0\r\n\r\n", "cleartext_http"),
        (b"SSH-2.0-x\r\n", "not_tls"),
        (b"", "client_gone"),
        (b"\x16\x03\x01", "client_gone"),
        (b"\x16\x03\x01\x00\x05\x01", "client_gone"),
        (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "other"),
        (b"hi", "not_tls"),
    ] {
        let (mut near, far) = tokio::io::duplex(1024);
        near.write_all(bytes).await.unwrap();
        near.shutdown().await.unwrap();
        let error = acceptor.accept(far).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{bytes:?}");
        assert!(!error.to_string().contains("secret"));
    }
}

/// What a client is shown that offers these protocols, and whether it came to an HTTP connection.
async fn offer(store: &Arc<Store>, protocols: &[&str], name: &str) -> (Option<Vec<u8>>, Result<bool, Error>) {
    let mut config = rustls::ClientConfig::clone(&any_client());
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let (near, far) = tokio::io::duplex(16 * 1024);
    let acceptor = Acceptor::new(store.clone());
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = rustls::pki_types::ServerName::try_from(name.to_owned()).unwrap();
    let client = async {
        let mut stream = connector.connect(name, near).await.ok()?;
        let leaf = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
        // A challenge ends with the handshake.
        if stream.get_ref().1.alpn_protocol() == Some(b"acme-tls/1") {
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        }
        // Kept, so that what follows a handshake can still be written.
        Some((leaf, stream))
    };
    let (shown, accepted) = tokio::join!(client, acceptor.accept(far));
    (shown.map(|(leaf, _)| leaf), accepted.map(|connection| connection.is_some()))
}

#[tokio::test]
async fn an_authority_finds_the_answer_and_nobody_else_is_led_there() {
    let dir = TempDir::new().unwrap();
    let at = dir.path();
    let leaf = Authority::new("CA").leaf(&["a.test"], 1);
    let trust = Trust { ca: put(at, "ca.pem", Authority::new("Clients").pem()), crl: None };
    let acme = vec![crate::tls::acme::testing::settings(&["new.test"])];
    let base = Settings { acme, ..with_leaf(at, "a", &leaf) };
    // A client certificate is needed of people, not of the authority.
    for client in [Client::Off, Client::Require(trust)] {
        let is_open = client == Client::Off;
        let store = open(&Settings { client, ..base.clone() });
        let challenges = &store.orders().challenges;
        challenges.share(at.to_owned(), ["new.test".to_owned()].into());
        assert_eq!(offer(&store, &["acme-tls/1"], "new.test").await.1.unwrap_err().kind(), "no_certificate");
        let offered = challenges.offer_handshake("new.test", &[0xab; 32]).unwrap();
        let (shown, accepted) = offer(&store, &["acme-tls/1"], "NEW.test").await;
        // id-pe-acmeIdentifier, critical, with the digest.
        let extension =
            [&b"\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x1f\x01\x01\xff\x04\x22\x04\x20"[..], &[0xab; 32]].concat();
        assert!(shown.unwrap().windows(extension.len()).any(|window| window == extension));
        assert_eq!(accepted, Ok(false));
        for protocols in [&["h2", "acme-tls/1"][..], &["acme-tls/1", "http/1.1"], &["h2"], &[]] {
            assert_eq!(offer(&store, protocols, "new.test").await.1, Err(Error::NoCertificate), "{protocols:?}");
        }
        assert!(offer(&store, &["acme-tls/1"], "a.test").await.1.is_err());
        assert_eq!(offer(&store, &["h2"], "a.test").await.1.is_ok(), is_open);
        drop(offered);
        assert!(offer(&store, &["acme-tls/1"], "new.test").await.1.is_err());
    }
}
