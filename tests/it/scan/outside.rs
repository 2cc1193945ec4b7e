//! What outside scanners find, Privet finds too.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

use super::{demo, here, ids, report, text, tls::make, tls::openssl};
use crate::support::{Origin, Privet};

/// A scanner that `tests/run` has installed; nothing where it could not.
fn outside(name: &str) -> Option<Command> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/{name}/bin/{name}"));
    if !path.exists() {
        println!("skipped: {name} is not installed");
        return None;
    }
    Some(Command::new(path))
}

/// sslyze and Privet have found the same protocols, suites of TLS 1.2 and curves, on Privet and on the laxest OpenSSL.
#[test]
fn sslyze_agrees() {
    let Some(_) = outside("sslyze") else { return };
    let dir = here();
    make(
        dir.path(),
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "60",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-keyout",
            "a.key",
            "-out",
            "a.crt",
        ],
    );
    let lax = ["-cert", "a.crt", "-key", "a.key", "-cipher", "ALL:eNULL:aNULL:@SECLEVEL=0", "-min_protocol", "TLSv1"];
    let (_server, port) = openssl(dir.path(), &lax);
    let origin = Origin::start(crate::support::OK);
    let privet = Privet::with(&origin.route(""));
    for port in [privet.https.port(), port] {
        let ours =
            report(dir.path(), &[&format!("https://localhost:{port}/"), "--no-files", "--no-login", "--pages", "1"]);
        let mut sslyze = outside("sslyze").expect("installed");
        let place = format!("localhost:{port}");
        let file = dir.path().join(format!("{port}.json"));
        let out = sslyze
            .args(["--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--json_out"])
            .arg(&file)
            .arg(&place)
            .output()
            .expect("runs");
        let theirs: Value =
            serde_json::from_slice(&fs::read(&file).unwrap_or_default()).unwrap_or_else(|_| panic!("{}", text(&out)));
        let commands = &theirs["server_scan_results"][0]["scan_result"];
        let mut suites = BTreeSet::new();
        let mut protocols = Vec::new();
        for (key, name) in [
            ("ssl_3_0", "SSL 3.0"),
            ("tls_1_0", "TLS 1.0"),
            ("tls_1_1", "TLS 1.1"),
            ("tls_1_2", "TLS 1.2"),
            ("tls_1_3", "TLS 1.3"),
        ] {
            let accepted =
                commands[format!("{key}_cipher_suites")]["result"]["accepted_cipher_suites"].as_array().cloned();
            let accepted = accepted.unwrap_or_else(|| panic!("{key}: {commands:#}"));
            if !accepted.is_empty() {
                protocols.push(name);
            }
            if key == "tls_1_2" || key == "tls_1_3" {
                suites.extend(
                    accepted.iter().filter_map(|suite| Some(suite["cipher_suite"]["name"].as_str()?.to_owned())),
                );
            }
        }
        let own: BTreeSet<String> = ours["tls"]["suites"]
            .as_array()
            .expect("suites")
            .iter()
            .filter_map(|s| Some(s.as_str()?.to_owned()))
            .collect();
        let missed: Vec<&String> = suites.difference(&own).collect();
        println!(
            "port {port}: {} suites; sslyze alone: {missed:?}; Privet alone: {:?}",
            suites.len(),
            own.difference(&suites).collect::<Vec<_>>()
        );
        assert_eq!(ours["tls"]["protocols"], serde_json::json!(protocols));
        // ARIA, Camellia-GCM, PSK and the like are no faults, and are not looked for; what is weak must not be missed.
        let weak = |suite: &&&String| ["NULL", "anon", "EXPORT", "RC4", "DES"].iter().any(|word| suite.contains(word));
        assert_eq!(missed.iter().filter(weak).count(), 0, "{missed:?}");
    }
}

/// What testssl.sh finds on the laxest OpenSSL and on Privet, Privet finds too, but for what is named here.
#[test]
fn testssl_agrees() {
    if Command::new("testssl").arg("--version").output().is_err() {
        println!("skipped: testssl.sh is not installed");
        return;
    }
    let dir = here();
    let subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    let key = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-keyout", "a.key", "-out", "a.crt"];
    make(dir.path(), &[&key[..], &subject].concat());
    let lax = ["-cert", "a.crt", "-key", "a.key", "-cipher", "ALL:eNULL:aNULL:@SECLEVEL=0", "-min_protocol", "TLSv1"];
    let (_server, lax) = openssl(dir.path(), &lax);
    let origin = Origin::start(crate::support::OK);
    let privet = Privet::with(&origin.route(""));
    // Each that is no fault of its kind by ours, or is not looked at: docs/SCAN.md has them.
    let alone = ["cert_revocation", "cert_expirationStatus", "cert_notAfter", "security_headers"];
    let same: &[(&str, &[&str])] = &[
        ("SSLv3", &["tls-sslv3"]),
        ("TLS1", &["tls-old"]),
        ("TLS1_1", &["tls-old"]),
        ("TLS1_3", &["tls-without-1-3"]),
        ("cipherlist_NULL", &["tls-broken-suite"]),
        ("cipherlist_aNULL", &["tls-broken-suite"]),
        ("cipherlist_EXPORT", &["tls-broken-suite"]),
        ("cipherlist_LOW", &["tls-broken-suite"]),
        ("cipherlist_3DES_IDEA", &["tls-broken-suite"]),
        ("cipherlist_AVERAGE", &["tls-cbc-suite"]),
        ("cert_chain_of_trust", &["certificate-untrusted"]),
        ("cert_trust", &["certificate-name"]),
    ];
    for (name, port, least) in [("lax", lax, 5), ("privet", privet.https.port(), 1)] {
        let url = format!("https://localhost:{port}/");
        let ours = report(dir.path(), &[&url, "--no-files", "--no-login", "--pages", "1"]);
        let file = dir.path().join(format!("{name}.json"));
        // Its own limits are for one question each.
        let out = Command::new("timeout")
            .args(["900", "testssl", "--quiet", "--color", "0", "--fast", "--warnings", "batch", "--nodns", "none"])
            .args(["--ip", "127.0.0.1", "--connect-timeout", "20", "--openssl-timeout", "20", "-p", "-s", "-S", "-h"])
            .arg("--jsonfile-pretty")
            .arg(&file)
            .arg(format!("localhost:{port}"))
            .current_dir(dir.path())
            .output()
            .expect("runs");
        let theirs: Value =
            serde_json::from_slice(&fs::read(&file).unwrap_or_default()).unwrap_or_else(|_| panic!("{}", text(&out)));
        let parts = theirs["scanResult"][0].as_object().cloned().unwrap_or_default();
        let all: Vec<Value> = parts.values().filter_map(Value::as_array).flatten().cloned().collect();
        let found: Vec<(String, String)> = all
            .iter()
            .filter(|one| ["LOW", "MEDIUM", "HIGH", "CRITICAL"].iter().any(|level| one["severity"] == *level))
            .map(|one| (one["id"].as_str().unwrap_or_default().to_owned(), one["finding"].to_string()))
            .collect();
        println!("{name}: {found:?}; Privet: {:?}", ids(&ours));
        assert!(found.len() >= least, "{}", text(&out));
        for (id, finding) in found {
            // Of localhost browsers keep no HSTS.
            if alone.contains(&&*id) || id.starts_with("HSTS") {
                println!("testssl.sh alone: {id} {finding}");
                continue;
            }
            let own = same.iter().find(|(known, _)| *known == id).map(|(_, own)| *own);
            let own = own.unwrap_or_else(|| panic!("{name}: testssl.sh alone has found {id}: {finding}"));
            assert!(own.iter().any(|rule| ids(&ours).contains(*rule)), "{name} {id} {finding}: {ours:#}");
        }
    }
}

/// What wapiti's modules for headers, cookies and policies find on the demo application, Privet finds too.
#[test]
fn wapiti_agrees() {
    let Some(mut wapiti) = outside("wapiti") else { return };
    let dir = here();
    let (_demo, url) = demo();
    let ours = report(dir.path(), &[&url]);
    let file = dir.path().join("wapiti.json");
    let out = wapiti
        .args([
            "-u",
            &format!("{url}/"),
            "-m",
            "http_headers,cookieflags,csp,information_disclosure",
            "-f",
            "json",
            "--flush-session",
        ])
        .args(["--max-scan-time", "60", "-d", "2", "--no-bugreport", "-o"])
        .arg(&file)
        .env("HOME", dir.path())
        .output()
        .expect("runs");
    let theirs: Value =
        serde_json::from_slice(&fs::read(&file).unwrap_or_default()).unwrap_or_else(|_| panic!("{}", text(&out)));
    let found: Vec<(String, usize)> = ["vulnerabilities", "anomalies", "additionals"]
        .iter()
        .flat_map(|kind| theirs[kind].as_object().cloned().unwrap_or_default())
        .filter_map(|(name, list)| Some((name, list.as_array()?.len())).filter(|(_, n)| *n > 0))
        .collect();
    println!("{found:?}");
    let same: &[(&str, &[&str])] = &[
        ("Content Security Policy Configuration", &["csp-missing"]),
        ("HttpOnly Flag cookie", &["cookie-script-readable"]),
        ("Secure Flag cookie", &["cookie-without-secure"]),
        ("Clickjacking Protection", &["framing-allowed"]),
        ("MIME Type Confusion", &["nosniff-missing"]),
        ("HTTP Strict Transport Security (HSTS)", &["tls-none"]),
        ("HTTP Secure Headers", &["framing-allowed", "nosniff-missing", "tls-none"]),
        ("Unencrypted Channels", &["tls-none"]),
        ("Information Disclosure - Full Path", &["stack-trace"]),
    ];
    assert!(!found.is_empty(), "{}", text(&out));
    for (name, _) in found {
        let Some((_, own)) = same.iter().find(|(known, _)| *known == name) else {
            println!("wapiti alone: {name}");
            continue;
        };
        assert!(own.iter().all(|id| ids(&ours).contains(*id)), "{name}: {ours:#}");
    }
}
