//! `privet init` in a folder of its own: what it writes is valid, private, never written over, and serves.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;

use crate::support::{Beside, binary, free_port, python};

fn privet(dir: &Path, args: &[&str]) -> Output {
    Command::new(binary()).args(args).current_dir(dir).stdin(Stdio::null()).output().expect("privet runs")
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&[out.stdout.clone(), out.stderr.clone()].concat()).into_owned()
}

#[test]
fn from_flags() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = dir.path();
    let flags = [
        "init",
        "--host",
        "shop.example",
        "--upstream",
        "127.0.0.1:8080",
        "--acme",
        "tls@shop.example",
        "--personal-data",
        "--login",
        "/login",
        "--yes",
    ];
    let out = privet(at, &flags);
    assert!(out.status.success(), "{}", text(&out));
    let made = fs::read_to_string(at.join("privet.toml")).expect("written");
    for part in [
        "host = \"shop.example\"",
        "upstream = [\"http://127.0.0.1:8080\"]",
        "domains = [\"shop.example\"]",
        "shield = \"detect\"",
        "path = \"/login\"",
        "url_privacy = \"strip\"",
    ] {
        assert!(made.contains(part), "{part}: {made}");
    }
    assert_eq!(fs::metadata(at.join("privet.toml")).expect("a file").permissions().mode() & 0o777 & !0o640, 0);
    assert!(privet(at, &["check", "--config", "privet.toml"]).status.success());
    let again = privet(at, &flags);
    assert_eq!(again.status.code(), Some(1), "{}", text(&again));
    let forced =
        privet(at, &["init", "--upstream", "http://127.0.0.1:9", "--development", "--yes", "--force", "--json"]);
    assert!(forced.status.success(), "{}", text(&forced));
    let said: Value = serde_json::from_slice(&forced.stdout).expect("JSON");
    assert_eq!((&said["routes"], &said["lost"]), (&1.into(), &Value::Array(Vec::new())));
    assert!(privet(at, &["check", "--config", "privet.toml"]).status.success());
}

#[test]
fn what_can_not_be_used_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = dir.path();
    for (args, why) in [
        (&["--yes"][..], "where is the application"),
        (&["--upstream", "ftp://x", "--yes"], "a URL such as"),
        (&["--upstream", "http://10.0.0.9:80", "--yes"], "--cleartext-reason"),
        (&["--upstream", "127.0.0.1:80", "--acme", "a@b.example", "--yes"], "--host shop.example"),
        (&["--upstream", "127.0.0.1:80", "--host", "a b", "--yes"], "no name of a host"),
        (&["--upstream", "127.0.0.1:80", "--certificate", "gone.pem", "--key", "gone.key", "--yes"], "gone.pem"),
        (&["--from", "gone.conf"], "can't be read"),
    ] {
        let out = privet(at, &[&["init"], args].concat());
        assert_eq!(out.status.code(), Some(2), "{args:?}: {}", text(&out));
        assert!(text(&out).contains(why), "{args:?}: {}", text(&out));
    }
    fs::write(at.join("broken.conf"), "server {\n  listen 80;\n").expect("written");
    assert!(
        text(&privet(at, &["init", "--from", "broken.conf"])).contains("broken.conf:3: the file ends within a block")
    );
    fs::write(at.join("empty.conf"), "server {\n  listen 80;\n  root /srv;\n}\n").expect("written");
    let out = privet(at, &["init", "--from", "empty.conf"]);
    assert!(
        out.status.code() == Some(2) && text(&out).contains("empty.conf:3: root: Privet serves no files"),
        "{}",
        text(&out)
    );
    assert!(!at.join("privet.toml").exists(), "nothing is written");
}

/// A certificate and its key, as files.
fn certificate(at: &Path) {
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["shop.test".to_owned()]).expect("valid").self_signed(&key).expect("signed");
    fs::write(at.join("tls.pem"), leaf.pem()).expect("written");
    fs::write(at.join("tls.key"), key.serialize_pem()).expect("written");
}

#[test]
fn questions_at_a_terminal() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = dir.path();
    certificate(at);
    let out = Command::new(python())
        .args(["-c", include_str!("init.py")])
        .arg(binary())
        .arg(at)
        .output()
        .expect("python runs");
    assert!(out.status.success(), "{}", text(&out));
    let made = |name: &str| fs::read_to_string(at.join(name)).expect("written");
    for part in [
        "host = \"shop.example\"",
        "cleartext_reason = \"a tunnel that is sealed\"",
        "tls.pem",
        "path = \"/login\"",
        "url_privacy = \"strip\"",
    ] {
        assert!(made("one.toml").contains(part), "{part}: {}", made("one.toml"));
    }
    assert!(made("two.toml").contains("tls@shop.example"), "{}", made("two.toml"));
    assert!(!made("two.toml").contains("url_privacy = \"strip\"\n"), "no personal data: {}", made("two.toml"));
}

/// nginx's file, with certificates that are there, becomes a gateway in front of the demo application.
#[test]
fn what_comes_of_nginx_serves() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = dir.path();
    let [https, http, origin] = [free_port(), free_port(), free_port()];
    certificate(at);
    let config = format!(
        "http {{\n  server {{ listen 127.0.0.1:{http}; server_name shop.test; return 301 https://$host$request_uri; }}\n  server {{\n    listen 127.0.0.1:{https} ssl;\n    server_name shop.test;\n    \
         ssl_certificate tls.pem;\n    ssl_certificate_key tls.key;\n    add_header X-Frame-Options DENY;\n    location / {{ proxy_pass http://127.0.0.1:{origin}; proxy_set_header Host $host; }}\n    \
         location /admin/ {{ deny all; proxy_pass http://127.0.0.1:{origin}; }}\n  }}\n}}\n"
    );
    fs::write(at.join("nginx.conf"), config).expect("written");
    let made = privet(at, &["init", "--from", "nginx.conf"]);
    assert!(made.status.success(), "{}", text(&made));
    assert!(text(&made).contains("nginx.conf:10: deny"), "{}", text(&made));
    let spawn = |args: &[&str]| {
        Beside(
            Command::new(binary())
                .args(args)
                .current_dir(at)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("starts"),
        )
    };
    // The private listener has a port of its own here.
    let written = fs::read_to_string(at.join("privet.toml")).expect("written");
    fs::write(at.join("privet.toml"), written.replace("127.0.0.1:9901", &format!("127.0.0.1:{}", free_port())))
        .expect("written");
    let _origin = spawn(&["demo", "--listen", &format!("127.0.0.1:{origin}")]);
    let _gateway = spawn(&["serve", "--config", "privet.toml"]);
    let curl = |path: &str| {
        let resolve = format!("shop.test:{https}:127.0.0.1");
        let out = Command::new("curl")
            .args([
                "-sSi",
                "--max-time",
                "20",
                "--cacert",
                "tls.pem",
                "--resolve",
                &resolve,
                &format!("https://shop.test:{https}{path}"),
            ])
            .current_dir(at)
            .output()
            .expect("curl runs");
        text(&out)
    };
    let start = Instant::now();
    while !curl("/").contains("200 OK") && !curl("/").starts_with("HTTP/2 200") {
        assert!(start.elapsed() < Duration::from_secs(120), "{}", curl("/"));
        thread::sleep(Duration::from_millis(100));
    }
    let (home, admin) = (curl("/").to_lowercase(), curl("/admin/x"));
    assert!(home.contains("x-frame-options: deny") && home.contains("strict-transport-security"), "{home}");
    assert!(!admin.starts_with("HTTP/2 200") && !admin.contains("200 OK"), "{admin}");
}
