//! Staged faults of TLS: what OpenSSL still speaks, and what no library does any more.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use rcgen::{CertificateParams, KeyPair};

use super::{answers, here, ids, report, text};
use crate::support::{Beside, free_port};

/// The real thing: OpenSSL with everything on that it still has.
pub(super) fn openssl(dir: &Path, args: &[&str]) -> (Beside, u16) {
    let port = free_port();
    let accept = format!("127.0.0.1:{port}");
    let mut command = Command::new("openssl");
    command.args(["s_server", "-www", "-accept", &accept]).args(args).current_dir(dir);
    let server =
        Beside(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("runs"));
    answers(port);
    (server, port)
}

pub(super) fn make(dir: &Path, args: &[&str]) {
    let out = Command::new("openssl").args(args).current_dir(dir).output().expect("openssl runs");
    assert!(out.status.success(), "{}", text(&out));
}

#[test]
fn staged_faults_of_tls_are_found() {
    let dir = here();
    let request =
        ["req", "-x509", "-newkey", "rsa:1024", "-sha1", "-nodes", "-days", "5", "-subj", "/CN=other.example"];
    // Self-signed, so that nobody checks its signature: the weak hash is told of one below an authority.
    make(dir.path(), &[&request[..], &["-keyout", "ca.key", "-out", "ca.pem"]].concat());
    make(
        dir.path(),
        &["req", "-new", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=x", "-keyout", "tls.key", "-out", "tls.csr"],
    );
    let sign = [
        "x509",
        "-req",
        "-in",
        "tls.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-sha1",
        "-days",
        "1",
    ];
    make(dir.path(), &[&sign[..], &["-out", "tls.crt"]].concat());
    let lax = "ALL:eNULL:aNULL:@SECLEVEL=0";
    let server = ["-cert", "tls.crt", "-key", "tls.key", "-cipher", lax, "-no_tls1_3", "-min_protocol", "TLSv1"];
    let (_server, port) = openssl(dir.path(), &server);
    let found = report(dir.path(), &[&format!("https://localhost:{port}/"), "--no-files", "--no-login"]);
    for id in ["tls-old", "tls-broken-suite", "tls-without-forward-secrecy", "tls-cbc-suite", "tls-without-1-3"] {
        assert!(ids(&found).contains(id), "{id}: {found:#}");
    }
    let facts = &found["tls"];
    assert!(facts["protocols"].as_array().expect("protocols").contains(&"TLS 1.0".into()), "{facts:#}");
    for suite in ["TLS_RSA_WITH_NULL_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"] {
        assert!(facts["suites"].as_array().expect("suites").contains(&suite.into()), "{suite}: {facts:#}");
    }
    // OpenSSL says which suites it has accepted; of those nothing was missed.
    for (name, iana) in [("AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"), ("NULL-MD5", "TLS_RSA_WITH_NULL_MD5")] {
        let out = Command::new("openssl")
            .args([
                "s_client",
                "-connect",
                &format!("127.0.0.1:{port}"),
                "-tls1_2",
                "-cipher",
                &format!("{name}:@SECLEVEL=0"),
            ])
            .stdin(Stdio::null())
            .output()
            .expect("openssl runs");
        let spoken = text(&out).contains(&format!("Cipher is {name}"));
        assert_eq!(facts["suites"].as_array().expect("suites").contains(&iana.into()), spoken, "{iana}");
    }
}

#[test]
fn staged_faults_of_certificates_are_found() {
    let dir = here();
    let now = time::OffsetDateTime::now_utc();
    let days = time::Duration::days;
    let own = |name: &str, from: time::OffsetDateTime, until: time::OffsetDateTime| {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        (params.not_before, params.not_after) = (from, until);
        let made = params.self_signed(&key).expect("a certificate");
        fs::write(dir.path().join("a.crt"), made.pem()).expect("written");
        fs::write(dir.path().join("a.key"), key.serialize_pem()).expect("written");
        let (_server, port) = openssl(dir.path(), &["-cert", "a.crt", "-key", "a.key"]);
        report(dir.path(), &[&format!("https://localhost:{port}/"), "--no-files", "--no-login", "--pages", "1"])
    };
    let good = own("localhost", now - days(1), now + days(60));
    assert!(ids(&good).contains("certificate-untrusted") && !ids(&good).contains("certificate-name"), "{good:#}");
    // OpenSSL 3.0 has no such group.
    assert!(ids(&good).contains("tls-without-post-quantum") && !ids(&good).contains("tls-old"), "{good:#}");
    let bad = own("other.example", now - days(60), now - days(1));
    assert!(ids(&bad).contains("certificate-expired") && ids(&bad).contains("certificate-name"), "{bad:#}");
    let soon = own("localhost", now - days(60), now + days(3));
    assert!(ids(&soon).contains("certificate-expiring"), "{soon:#}");
    let weak = [
        "req",
        "-x509",
        "-newkey",
        "rsa:1024",
        "-nodes",
        "-days",
        "60",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
    ];
    make(dir.path(), &[&weak[..], &["-keyout", "a.key", "-out", "a.crt"]].concat());
    let (_server, port) = openssl(dir.path(), &["-cert", "a.crt", "-key", "a.key", "-cipher", "ALL:@SECLEVEL=0"]);
    let weak = report(dir.path(), &[&format!("https://localhost:{port}/"), "--no-files", "--no-login", "--pages", "1"]);
    assert!(ids(&weak).contains("certificate-weak-key"), "{weak:#}");
}

/// A certificate below an authority that signs by SHA-1.
#[test]
fn a_weak_hash_is_found() {
    let dir = here();
    let name = ["-subj", "/CN=localhost"];
    let root = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "60", "-subj", "/CN=root"];
    make(dir.path(), &[&root[..], &["-keyout", "ca.key", "-out", "ca.pem"]].concat());
    make(
        dir.path(),
        &[&["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "a.key", "-out", "a.csr"][..], &name].concat(),
    );
    let sign = ["x509", "-req", "-in", "a.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-sha1"];
    make(dir.path(), &[&sign[..], &["-days", "60", "-out", "a.crt"]].concat());
    let (_server, port) = openssl(dir.path(), &["-cert", "a.crt", "-key", "a.key", "-cipher", "ECDHE:@SECLEVEL=0"]);
    let url = format!("https://localhost:{port}/");
    let found = report(dir.path(), &[&url, "--ca", "ca.pem", "--no-files", "--no-login", "--pages", "1"]);
    assert!(ids(&found).contains("certificate-weak-signature"), "{found:#}");
}

/// A server that answers every hello with the same few bytes.
fn hand_made(answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut hello = vec![0; 4096];
            let n = socket.read(&mut hello).unwrap_or(0);
            let _ = socket.write_all(&answer(&hello[..n]));
        }
    });
    port
}

/// A server's hello in a record: version, suite, compression, extensions.
fn server_hello(version: u16, suite: u16, compression: u8, extensions: &[u8]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend(suite.to_be_bytes());
    body.push(compression);
    body.extend(u16::try_from(extensions.len()).expect("short").to_be_bytes());
    body.extend(extensions);
    let length = u32::try_from(body.len()).expect("short").to_be_bytes();
    let message = [&[2], &length[1..], &body].concat();
    [&[22, 3, 1], &u16::try_from(message.len()).expect("short").to_be_bytes()[..], &message].concat()
}

#[test]
fn what_no_library_speaks_any_more_is_found() {
    const ALERT: [u8; 7] = [21, 3, 1, 0, 2, 2, 40];
    let dir = here();
    // SSL 3.0 with RC4, and TLS 1.2 that compresses and renegotiates as anybody likes.
    let port = hand_made(|hello| {
        let version = hello.get(9..11).map_or(0, |v| u16::from_be_bytes([v[0], v[1]]));
        let offered = hello.windows(2).any(|pair| pair == [0, 5]);
        match version {
            0x0300 => server_hello(0x0300, 5, 0, &[]),
            0x0303 if offered && !hello.windows(4).any(|w| w == [0, 43, 0, 3]) => {
                server_hello(0x0303, 5, u8::from(hello.windows(3).any(|w| w == [2, 1, 0])), &[])
            }
            _ => ALERT.to_vec(),
        }
    });
    let found = report(dir.path(), &[&format!("https://localhost:{port}/"), "--no-files", "--no-login"]);
    for id in ["tls-sslv3", "tls-broken-suite", "tls-insecure-renegotiation", "tls-compression", "tls-without-1-3"] {
        assert!(ids(&found).contains(id), "{id}: {found:#}");
    }
    // A group of 1024 bits.
    let port = hand_made(|hello| {
        let version = hello.get(9..11).map_or(0, |v| u16::from_be_bytes([v[0], v[1]]));
        if version != 0x0303
            || !hello.windows(2).any(|pair| pair == [0, 0x33])
            || hello.windows(4).any(|w| w == [0, 43, 0, 3])
        {
            return ALERT.to_vec();
        }
        let mut hello = server_hello(0x0303, 0x0033, 0, &[0xFF, 1, 0, 1, 0]);
        let exchange = [&[12, 0, 0, 130, 0, 128][..], &[0x81; 128]].concat();
        hello.extend(
            [&[22, 3, 3], &u16::try_from(exchange.len()).expect("short").to_be_bytes()[..], &exchange].concat(),
        );
        hello
    });
    let found = report(dir.path(), &[&format!("https://localhost:{port}/"), "--no-files", "--no-login"]);
    assert!(ids(&found).contains("tls-weak-group"), "{found:#}");
    assert!(!ids(&found).contains("tls-insecure-renegotiation"), "{found:#}");
    // What is no TLS at all.
    let port = hand_made(|_| b"220 mail.example ESMTP\r\n".to_vec());
    let found = report(dir.path(), &[&format!("https://localhost:{port}/"), "--no-files", "--no-login"]);
    assert!(found["notes"].to_string().contains("no version of TLS"), "{found:#}");
}
