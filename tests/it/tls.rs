//! Handshakes as outside clients see them.

use std::{fs, process::Command};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, ExtendedKeyUsagePurpose,
    IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
};

use crate::support::{OK, Origin, Privet};

fn s_client(privet: &Privet, args: &[&str]) -> String {
    let address = privet.https.to_string();
    let out = Command::new("openssl")
        .args(["s_client", "-connect", &address, "-CAfile", "certs/ca.pem"])
        .args(args)
        .current_dir(privet.dir.path())
        .stdin(std::process::Stdio::null())
        .output()
        .expect("openssl runs");
    String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned()
}

#[test]
fn profiles_decide_the_versions() {
    let origin = Origin::start(OK);
    let intermediate = Privet::with(&origin.route(""));
    assert!(s_client(&intermediate, &["-tls1_2"]).contains("Verify return code: 0 (ok)"));
    assert!(s_client(&intermediate, &["-tls1_3", "-alpn", "h2"]).contains("ALPN protocol: h2"));
    assert!(s_client(&intermediate, &["-tls1_1"]).contains("Cipher is (NONE)"));
    let modern = Privet::with(&format!("[tls]\nprofile = \"modern\"\n{}", origin.route("")));
    assert!(s_client(&modern, &["-tls1_3"]).contains("Verify return code: 0 (ok)"));
    assert!(s_client(&modern, &["-tls1_2"]).contains("Cipher is (NONE)"));
}

#[test]
fn our_own_client_gets_the_hybrid_group() {
    let privet = Privet::demo();
    assert!(privet.get("/", "").contains("Legacy Shop"));
    assert_eq!(privet.metric("privet_tls_handshakes_total{version=\"1.3\",group=\"X25519MLKEM768\"}"), 1);
}

#[test]
fn a_changed_pair_is_taken_and_a_broken_one_is_not() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    let dir = privet.dir.path();
    let make = |name: &str| {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"])
            .args(["-subj", &format!("/CN={name}"), "-addext", &format!("subjectAltName=DNS:{name}")])
            .args(["-keyout", "tls.key", "-out", "tls.crt"])
            .current_dir(dir)
            .output()
            .expect("openssl runs");
        assert!(made.status.success());
    };
    make("one.example");
    privet.rewrite(|text| text + "[[tls.certificate]]\nchain = \"tls.crt\"\nkey = \"tls.key\"\n");
    let shown = || s_client(&privet, &["-servername", "x.example"]);
    privet.until("the first pair", || shown().contains("one.example"));
    make("two.example");
    privet.until("the second pair", || shown().contains("two.example"));
    fs::write(dir.join("tls.key"), "garbage").expect("written");
    privet.until("a complaint", || privet.log().contains("can't be used"));
    assert!(shown().contains("two.example"));
}

#[test]
fn client_certificates_can_be_required_and_revoked() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    let write = |name: &str, text: String| fs::write(privet.dir.path().join(name), text).expect("written");
    let key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca = CertifiedIssuer::self_signed(ca, key).expect("a CA");
    write("clients.pem", ca.pem());
    for (name, serial) in [("kim", 1_u64), ("lee", 2)] {
        let key = KeyPair::generate().expect("a key");
        let mut leaf = CertificateParams::new([name.to_owned()]).expect("a name");
        leaf.serial_number = Some(serial.into());
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        write(&format!("{name}.pem"), leaf.signed_by(&key, &ca).expect("signed").pem());
        write(&format!("{name}.key"), key.serialize_pem());
    }
    let now = time::OffsetDateTime::now_utc();
    let revoke = |serials: &[u64]| {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: (*serial).into(),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: now - time::Duration::hours(1),
            next_update: now + time::Duration::hours(1),
            crl_number: 1_u64.into(),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        write("clients.crl", list.signed_by(&ca).expect("signed").pem().expect("PEM"));
    };
    let serves = |name: &str| {
        let (pem, key) = (format!("{name}.pem"), format!("{name}.key"));
        privet.curl(&["--cert", &pem, "--key", &key, &privet.url("/")]).ends_with("ok")
    };
    privet.rewrite(|text| text + "[tls.client]\nmode = \"require\"\nca = \"clients.pem\"\n");
    privet.until("closed to strangers", || !privet.curl(&[&privet.url("/")]).ends_with("ok"));
    assert!(serves("kim") && serves("lee"));
    revoke(&[1]);
    privet.rewrite(|text| text + "crl = \"clients.crl\"\n");
    privet.until("one is revoked", || !serves("kim"));
    assert!(serves("lee"));
    revoke(&[1, 2]);
    privet.until("a new list counts", || !serves("lee"));
}

#[test]
fn cleartext_on_the_tls_port_is_counted_not_served() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    let answer = crate::support::ask_plain(privet.https, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(!answer.contains("200"), "{answer}");
    privet.until("counted", || privet.metric("privet_tls_handshake_failures_total{reason=\"cleartext_http\"}") == 1);
}

#[test]
fn a_silent_client_is_not_waited_for() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&format!("[limits]\nhandshake_timeout = \"300ms\"\n{}", origin.route("")));
    let _silent = std::net::TcpStream::connect(privet.https).expect("connected");
    privet.until("given up", || privet.metric("privet_tls_handshake_failures_total{reason=\"timeout\"}") == 1);
}

#[test]
fn sessions_resume_on_any_worker_and_after_a_reload() {
    let origin = Origin::start(OK);
    let privet = Privet::with_listen("workers = 2", &origin.route(""));
    for version in ["-tls1_2", "-tls1_3"] {
        // Without a request OpenSSL leaves before a TLS 1.3 ticket has come.
        let ask = |more: &str| {
            let command = format!(
                "printf 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' | \
                 openssl s_client -ign_eof -connect {} -CAfile certs/ca.pem {version} {more} 2>&1",
                privet.https
            );
            let out = Command::new("sh").args(["-c", &command]).current_dir(privet.dir.path()).output().expect("runs");
            String::from_utf8_lossy(&out.stdout).into_owned()
        };
        assert!(ask("-sess_out session.pem").contains("New, TLSv1"));
        let before = privet.metric("privet_config_reloads_total{result=\"applied\"}");
        privet.signal("-HUP");
        privet.until("reloaded", || privet.metric("privet_config_reloads_total{result=\"applied\"}") > before);
        for _ in 0..4 {
            let again = ask("-sess_in session.pem");
            assert!(again.contains("Reused, TLSv1"), "{version}: {again}");
        }
    }
}
