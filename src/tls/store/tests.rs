use std::{path::Path, process::Command};

use rcgen::{
    CertificateParams, CertificateRevocationListParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    RevokedCertParams,
};
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, ServerName},
};
use tokio_rustls::TlsConnector;

use super::*;
use crate::tls::{
    Acceptor,
    acceptor::Handshake,
    settings::{Profile, Trust},
};

fn settings(certificates: Vec<Certificate>, client: Client) -> Settings {
    Settings { profile: Profile::Intermediate, certificates, development_dir: "/nonexistent".into(), client }
}

/// Writes a self-signed pair for `names`.
fn pair(dir: &Path, stem: &str, names: &[&str]) -> Certificate {
    let files = Certificate { chain: dir.join(format!("{stem}.crt")), key: dir.join(format!("{stem}.key")) };
    let made =
        rcgen::generate_simple_self_signed(names.iter().map(ToString::to_string).collect::<Vec<_>>()).expect("made");
    std::fs::write(&files.chain, made.cert.pem()).expect("written");
    std::fs::write(&files.key, made.signing_key.serialize_pem()).expect("written");
    files
}

/// A client that believes anybody, for looking at what is shown.
#[derive(Debug)]
struct Anybody;

impl rustls::client::danger::ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        profile::provider().signature_verification_algorithms.supported_schemes()
    }
}

fn client(own: Option<(Vec<CertificateDer<'static>>, rustls::pki_types::PrivateKeyDer<'static>)>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(profile::provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody));
    match own {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).expect("a pair"),
    }
}

/// A handshake for `name`: what was agreed, and the leaf that was shown.
async fn handshake(store: &Store, name: &str, config: ClientConfig) -> Option<(Handshake, CertificateDer<'static>)> {
    let (near, far) = tokio::io::duplex(1 << 16);
    let acceptor = Acceptor::new(store.server_config());
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let (server, client) = tokio::join!(acceptor.accept(far), TlsConnector::from(Arc::new(config)).connect(name, near));
    let leaf = client.ok()?.get_ref().1.peer_certificates()?.first()?.clone().into_owned();
    Some((server.ok()?.1, leaf))
}

fn leaf_of(files: &Certificate) -> CertificateDer<'static> {
    pem::certificates(&files.chain).expect("a chain").remove(0)
}

#[tokio::test]
async fn each_name_gets_its_certificate_and_the_best_group() {
    let dir = tempfile::tempdir().expect("a folder");
    let files = [
        pair(dir.path(), "first", &["first.example"]),
        pair(dir.path(), "second", &["second.example"]),
        pair(dir.path(), "wild", &["*.wild.example"]),
    ];
    let store = Store::open(&settings(files.to_vec(), Client::Off), SystemTime::now()).expect("opens");
    for (name, expected) in [
        ("first.example", 0),
        ("SECOND.example", 1),
        ("a.wild.example", 2),
        ("a.b.wild.example", 0),
        ("wild.example", 0),
        ("unknown.example", 0),
    ] {
        let (agreed, leaf) = handshake(&store, name, client(None)).await.expect("a handshake");
        assert_eq!(leaf, leaf_of(&files[expected]), "{name}");
        assert_eq!((agreed.version, agreed.group), ("1.3", Some("X25519MLKEM768")));
    }
}

#[tokio::test]
async fn a_swapped_secret_is_taken_and_a_broken_one_is_not() {
    let dir = tempfile::tempdir().expect("a folder");
    // As Kubernetes mounts a secret: files link through `..data`, which is swapped.
    let mount = dir.path();
    for generation in ["one", "two", "bad"] {
        std::fs::create_dir(mount.join(generation)).expect("a folder");
        pair(&mount.join(generation), "tls", &["a.example"]);
    }
    std::fs::copy(mount.join("one/tls.key"), mount.join("bad/tls.key")).expect("copied");
    let swap = |to: &str| {
        let _ = std::fs::remove_file(mount.join("new"));
        std::os::unix::fs::symlink(to, mount.join("new")).expect("linked");
        std::fs::rename(mount.join("new"), mount.join("..data")).expect("renamed");
    };
    swap("one");
    let files = Certificate { chain: mount.join("tls.crt"), key: mount.join("tls.key") };
    std::os::unix::fs::symlink("..data/tls.crt", &files.chain).expect("linked");
    std::os::unix::fs::symlink("..data/tls.key", &files.key).expect("linked");
    let store = Store::open(&settings(vec![files.clone()], Client::Off), SystemTime::now()).expect("opens");
    let now = SystemTime::now();
    assert_eq!(store.refresh(now), []);
    let first = leaf_of(&files);
    swap("bad");
    let events = store.refresh(now);
    assert!(matches!(&events[..], [Event::Kept(_, why)] if why.contains("does not belong")), "{events:?}");
    assert_eq!(store.refresh(now), [], "told once");
    assert_eq!(handshake(&store, "a.example", client(None)).await.expect("goes on").1, first);
    swap("two");
    assert!(matches!(&store.refresh(now)[..], [Event::Reloaded(_)]));
    assert_eq!(handshake(&store, "a.example", client(None)).await.expect("goes on").1, leaf_of(&files));
}

#[test]
fn every_kind_of_key_loads_and_a_wrong_one_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name).display().to_string();
    let openssl = |args: &[&str]| {
        let done = Command::new("openssl").args(args).output().expect("openssl runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let (ec, rsa) = (at("ec.key"), at("rsa.key"));
    openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &ec]);
    openssl(&["genrsa", "-traditional", "-out", &rsa, "2048"]);
    for (kind, header) in [(&ec, "EC PRIVATE KEY"), (&rsa, "RSA PRIVATE KEY")] {
        assert!(std::fs::read_to_string(kind).expect("a key").contains(header));
        let (crt, pkcs8) = (format!("{kind}.crt"), format!("{kind}.p8"));
        openssl(&["req", "-x509", "-new", "-key", kind, "-subj", "/CN=a.example", "-out", &crt]);
        openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", kind, "-out", &pkcs8]);
        for key in [kind.clone(), pkcs8] {
            let files = Certificate { chain: crt.clone().into(), key: key.into() };
            let loaded = Store::open(&settings(vec![files], Client::Off), SystemTime::now()).expect("loads");
            assert_eq!(loaded.expiries()[0].0, "a.example");
        }
    }
    let error = |chain: &str, key: &str| {
        let files = Certificate { chain: chain.into(), key: key.into() };
        Store::open(&settings(vec![files], Client::Off), SystemTime::now()).expect_err("refused").to_string()
    };
    let crt = format!("{ec}.crt");
    assert!(error(&crt, &rsa).contains("does not belong"));
    assert!(error(&crt, &crt).contains("no private key"));
    assert!(error(&rsa, &rsa).contains("no certificate"));
    assert!(error("/nonexistent", &ec).contains("can't be read"));
    openssl(&["pkcs8", "-topk8", "-passout", "pass:x", "-in", &ec, "-out", &at("locked")]);
    assert!(error(&crt, &at("locked")).contains("encrypted"));
}

#[tokio::test]
async fn client_certificates_are_asked_for_needed_and_revoked() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut params = CertificateParams::new(Vec::new()).expect("params");
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a CA");
    let member = |serial: u8| {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["member.example".into()]).expect("params");
        params.serial_number = Some(vec![serial].into());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &ca).expect("signed");
        (
            vec![certificate.der().clone()],
            rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
        )
    };
    let now = time::OffsetDateTime::now_utc();
    let revoked = RevokedCertParams {
        serial_number: vec![2].into(),
        revocation_time: now,
        reason_code: None,
        invalidity_date: None,
    };
    let crl = CertificateRevocationListParams {
        this_update: now,
        next_update: now + time::Duration::days(1),
        crl_number: vec![1].into(),
        issuing_distribution_point: None,
        revoked_certs: vec![revoked],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let trust = Trust { ca: dir.path().join("ca.pem"), crl: Some(dir.path().join("crl.pem")) };
    std::fs::write(&trust.ca, ca.pem()).expect("written");
    std::fs::write(dir.path().join("crl.pem"), crl.signed_by(&ca).expect("signed").pem().expect("pem"))
        .expect("written");
    let files = vec![pair(dir.path(), "a", &["a.example"])];
    let open = |client| Store::open(&settings(files.clone(), client), SystemTime::now()).expect("opens");
    let asks = open(Client::Request(trust.clone()));
    let needs = open(Client::Require(trust));
    for store in [&asks, &needs] {
        let (agreed, _) = handshake(store, "a.example", client(Some(member(1)))).await.expect("a member");
        assert!(agreed.client_certificate.is_some());
        assert!(handshake(store, "a.example", client(Some(member(2)))).await.is_none(), "revoked");
    }
    assert!(handshake(&asks, "a.example", client(None)).await.is_some());
    assert!(handshake(&needs, "a.example", client(None)).await.is_none());
}
