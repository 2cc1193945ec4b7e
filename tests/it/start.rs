//! Starting, and failing to start.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use crate::support::{OK, Origin, Privet, ask_plain, binary, config, free_port};

fn fails(dir: &std::path::Path, args: &[&str]) -> (i32, String) {
    let out = Command::new(binary()).args(args).current_dir(dir).output().expect("runs");
    (out.status.code().unwrap_or(-1), String::from_utf8_lossy(&out.stderr).into_owned())
}

#[test]
fn the_demo_is_protected() {
    let privet = Privet::demo();
    assert!(privet.curl(&[&privet.url("/")]).contains("Legacy Shop"));
    let login =
        privet.curl(&["-i", &privet.url("/login"), "-d", "email=alice@example.com&password=correct horse battery"]);
    assert!(login.contains("HTTP/2 302") && login.contains("Secure; HttpOnly; SameSite=Lax"), "{login}");
    let redirect = ask_plain(privet.http, "GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
    assert!(redirect.starts_with("HTTP/1.1 308"), "{redirect}");
    assert!(redirect.contains(&format!("location: https://shop.example:{}/a?b=c", privet.https.port())));
    let account = privet.get("/account", "");
    assert!(account.contains("location: https://shop.example/login"), "{account}");
    for key in ["ca.key", "leaf.key"] {
        let mode = fs::metadata(privet.dir.path().join("certs").join(key)).expect("made").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(ask_plain(privet.admin, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").contains("alive"));
    assert!(
        ask_plain(privet.admin, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 404")
    );
}

#[test]
fn a_second_privet_on_the_same_port_is_told() {
    let privet = Privet::demo();
    let https = privet.https.to_string();
    let (code, text) =
        fails(privet.dir.path(), &["serve", "--demo", "--https", &https, "--http", "off", "--admin", "off"]);
    assert_eq!(code, 3);
    assert!(text.contains("already in use") && text.contains(&https), "{text}");
}

#[test]
fn bad_starts_say_why() {
    let dir = tempfile::tempdir().expect("a folder");
    assert_eq!(fails(dir.path(), &["serve"]).0, 2);
    assert_eq!(fails(dir.path(), &["serve", "--config", "absent.toml"]).0, 2);
    let ports = [free_port(), free_port(), free_port()];
    let pair =
        "[[tls.certificate]]\nchain = \"a.pem\"\nkey = \"b.key\"\n[[route]]\nupstream = \"http://127.0.0.1:1\"\n";
    fs::write(dir.path().join("p.toml"), config(ports, "", pair)).expect("written");
    let (code, text) = fails(dir.path(), &["serve", "--config", "p.toml"]);
    assert!(code == 3 && text.contains("a.pem") && text.contains("cannot read"), "{code} {text}");
    let (code, text) = fails(dir.path(), &["check", "--config", "p.toml"]);
    assert!(code == 2 && text.contains("a.pem"), "{code} {text}");
    fs::write(dir.path().join("q.toml"), "[listn]\n[[route]]\nupstram = \"x\"\n").expect("written");
    let (code, text) = fails(dir.path(), &["check", "--config", "q.toml"]);
    assert_eq!(code, 2);
    assert!(text.contains("q.toml:1:2: unknown key `listn`") && text.contains("did you mean `upstream`?"), "{text}");
}

#[test]
fn a_low_port_without_privilege_says_what_is_missing() {
    // A network namespace of its own, in which low ports need a capability that is taken away.
    let dir = tempfile::tempdir().expect("a folder");
    let script = "unshare -n true 2>/dev/null || map=-r; exec unshare ${map:-} -n setpriv --bounding-set=-all --inh-caps=-all \"$@\"";
    let out = Command::new("sh")
        .args(["-c", script, "sh", &binary().display().to_string()])
        .args(["serve", "--demo", "--https", "0.0.0.0:443", "--http", "off", "--admin", "off"])
        .current_dir(dir.path())
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(3), "{text}");
    assert!(text.contains("0.0.0.0:443") && text.contains("CAP_NET_BIND_SERVICE"), "{text}");
}

#[test]
fn acme_challenges_are_the_one_thing_served_in_cleartext() {
    let origin = Origin::start(OK);
    let privet = Privet::with_listen("acme_webroot = \"web\"", &origin.route(""));
    let folder = privet.dir.path().join("web/.well-known/acme-challenge");
    fs::create_dir_all(&folder).expect("made");
    fs::write(folder.join("token-1"), "token-1.thumb").expect("written");
    let ask = |target: &str| {
        ask_plain(privet.http, &format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
    };
    assert!(ask("/.well-known/acme-challenge/token-1").ends_with("token-1.thumb"));
    assert!(ask("/.well-known/acme-challenge/other").starts_with("HTTP/1.1 308"));
    assert!(ask("/").starts_with("HTTP/1.1 308"));
    assert_eq!(origin.seen(), "");
}

#[test]
fn the_demo_starts_its_clock_where_it_is_told() {
    let privet = Privet::demo_with(&["--now", "2031-03-01T09:00:00+09:00"]);
    assert!(privet.curl(&[&privet.url("/")]).contains("Legacy Shop"), "certificates keep to the true time");
    privet.signal("-HUP");
    privet.until("a line", || privet.log().contains("reloaded"));
    for line in privet.log().lines() {
        assert!(line.starts_with("2031-03-01T00:") && line.contains("(set by --now)"), "{line}");
    }
    let of_requests =
        || privet.out().lines().filter(|line| line.starts_with("{\"timestamp\"")).collect::<Vec<_>>().join("\n");
    privet.until("a line of a request", || of_requests().contains("\"url.path\":\"/\""));
    for line in of_requests().lines() {
        assert!(
            line.starts_with("{\"timestamp\":\"2031-03-01T00:") && line.contains("\"privet.clock\":\"set\""),
            "{line}"
        );
    }
    let (code, told) = fails(privet.dir.path(), &["serve", "--demo", "--now", "yesterday"]);
    assert!(code == 2 && told.contains("--now"), "{told}");
}

#[test]
fn the_curl_line_that_is_printed_works_as_pasted() {
    let origin = Origin::start(OK);
    let dir = tempfile::tempdir().expect("a folder");
    let [https, http, admin] = [free_port(), free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
    let mut child = Command::new(binary())
        .args(["serve", "--to", &origin.url(), "--https", &https, "--http", &http, "--admin", &admin])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let told: Vec<String> = lines.take_while(|line| !line.starts_with("Reload:")).collect();
    let curl = told.iter().find(|line| line.trim_start().starts_with("curl ")).expect("a curl line");
    // From another folder: what is pasted must not depend on where.
    let out = Command::new("sh").args(["-c", curl]).current_dir("/").output().expect("runs");
    let _ = child.kill();
    let _ = child.wait();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "ok", "{told:?} {}", String::from_utf8_lossy(&out.stderr));
    for said in [&https, &http, &admin, "ca.pem", "X25519MLKEM768"] {
        let port = said.rsplit(':').next().unwrap_or(said);
        assert!(told.iter().any(|line| line.contains(port)), "{said}: {told:?}");
    }
}
