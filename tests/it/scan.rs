//! `privet scan` against sites with staged faults, against the demo application before and after Privet stands in front, and beside outside scanners.

mod outside;
mod tls;

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    net::TcpStream,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;

use crate::support::{Beside, Origin, Privet, binary, free_port, python};

fn scan(dir: &Path, args: &[&str]) -> Output {
    Command::new(binary()).arg("scan").args(args).current_dir(dir).output().expect("runs")
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&[&out.stdout[..], &out.stderr[..]].concat()).into_owned()
}

/// A report, whatever the exit.
fn report(dir: &Path, args: &[&str]) -> Value {
    let out = scan(dir, &[args, &["--format", "json", "--rate", "500"]].concat());
    serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("no report: {}", text(&out)))
}

fn ids(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().map(|finding| finding["rule"].as_str().expect("a rule").to_owned()).collect()
}

fn here() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// The demo application alone, as a process of its own.
fn demo() -> (Beside, String) {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let mut command = Command::new(binary());
    command.args(["demo", "--listen", &listen, "--linger", "0"]).stdout(Stdio::null());
    let demo = Beside(command.spawn().expect("runs"));
    answers(port);
    (demo, format!("http://{listen}"))
}

fn answers(port: u16) {
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(start.elapsed() < Duration::from_secs(240), "nothing listens at {port}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// An authority, and a certificate of it for shop.example: `ca.pem`, `tls.crt`, `tls.key`.
fn certificates(dir: &Path) {
    let mut root = CertificateParams::new(Vec::new()).expect("parameters");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(root, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let mut leaf = CertificateParams::new(vec!["shop.example".to_owned()]).expect("parameters");
    leaf.not_before = time::OffsetDateTime::now_utc() - time::Duration::days(1);
    leaf.not_after = time::OffsetDateTime::now_utc() + time::Duration::days(90);
    let leaf = leaf.signed_by(&key, &issuer).expect("a certificate");
    fs::write(dir.join("ca.pem"), issuer.pem()).expect("written");
    fs::write(dir.join("tls.crt"), leaf.pem()).expect("written");
    fs::write(dir.join("tls.key"), key.serialize_pem()).expect("written");
}

/// What is found on the demo application alone is gone behind Privet, by the lines that the scan itself has suggested.
#[test]
fn the_demo_application_before_and_after() {
    let dir = here();
    let (_demo, url) = demo();
    let before = report(dir.path(), &[&url]);
    let suggested = scan(dir.path(), &[&url, "--suggest", "--rate", "500"]);
    let suggested = String::from_utf8(suggested.stdout).expect("text");
    // What is suggested is a whole configuration.
    fs::write(dir.path().join("suggested.toml"), &suggested).expect("written");
    let check = Command::new(binary())
        .args(["check", "--config", "suggested.toml"])
        .current_dir(dir.path())
        .output()
        .expect("runs");
    assert!(check.status.success(), "{suggested}\n{}", text(&check));
    certificates(dir.path());
    let at = |name: &str| dir.path().join(name).display().to_string();
    let tls = format!("[[tls.certificate]]\nchain = \"{}\"\nkey = \"{}\"\n", at("tls.crt"), at("tls.key"));
    let privet = Privet::with(&format!("{tls}\n{suggested}"));
    let site = format!("https://shop.example:{}/", privet.https.port());
    let (https, http) = (privet.https.to_string(), privet.http.to_string());
    let after = report(dir.path(), &[&site, "--connect", &https, "--http", &http, "--ca", "ca.pem"]);
    println!("| | before | after |\n|---|---|---|");
    let grade = |report: &Value| {
        format!("{} ({})", report["grade"]["letter"].as_str().unwrap_or("-"), report["grade"]["points"])
    };
    println!("| grade | {} | {} |", grade(&before), grade(&after));
    for id in ids(&before).union(&ids(&after)) {
        let there = |report: &Value| if ids(report).contains(id) { "found" } else { "" };
        println!("| `{id}` | {} | {} |", there(&before), there(&after));
    }
    assert_eq!(before["grade"]["letter"], "F");
    assert_eq!(after["grade"]["letter"], "A+", "{after:#}");
    // What only the page itself can say.
    let left: BTreeSet<String> = BTreeSet::from(["password-autocomplete".to_owned()]);
    assert!(ids(&after).is_subset(&left), "{after:#}");
    for id in [
        "cookie-without-secure",
        "cookie-script-readable",
        "cookie-cross-site",
        "csp-missing",
        "framing-allowed",
        "nosniff-missing",
        "referrer-leaks",
        "permissions-policy-missing",
        "version-banner",
        "stack-trace",
        "personal-data-anonymous",
        "personal-data-cacheable",
        "login-unthrottled",
        "tls-none",
        "form-cleartext",
    ] {
        assert!(ids(&before).contains(id), "{id} was not found before: {before:#}");
    }
    let facts = &after["tls"];
    assert_eq!(facts["protocols"], serde_json::json!(["TLS 1.2", "TLS 1.3"]));
    assert!(facts["groups"].as_array().expect("groups").contains(&"X25519MLKEM768".into()));
}

/// A site with every fault that asking over HTTP tells.
fn faulty() -> Origin {
    Origin::start_with(|request, _| {
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let origin = request.lines().find_map(|line| line.strip_prefix("origin: ").or(line.strip_prefix("Origin: ")));
        let cors = origin.map_or(String::new(), |origin| {
            format!("Access-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Credentials: true\r\n")
        });
        let (kind, body) = match (method, path) {
            ("TRACE", _) => ("message/http", request.to_owned()),
            ("OPTIONS", _) => ("text/plain\r\nAllow: GET, PUT, DELETE", String::new()),
            ("POST", _) => ("text/html", "<p>wrong</p>".to_owned()),
            (_, "/.git/HEAD") => ("text/plain", "ref: refs/heads/main\n".to_owned()),
            (_, "/search") => ("text/html", format!("<p>{}", query.replace("q=", "").replace("%22", "\"").replace("%27", "'").replace("%3E", ">").replace("%3C", "<"))),
            (_, "/page") => (
                "text/html",
                "<a href=/search?q=a>s</a><script src=/js/jquery-1.8.3.js></script><script src=https://cdn.example/a.js></script>\
                 <a href=\"/x;jsessionid=0123456789ABCDEF\">x</a><form method=post action=/login><input name=user><input type=password name=p></form>\
                 <a href=/files/>f</a><a href=/debug>d</a> see http://10.1.2.3/ and 010-1234-5678 4111 1111 1111 1111"
                    .to_owned(),
            ),
            (_, "/files/") => ("text/html", "<title>Index of /files/</title>".to_owned()),
            (_, "/debug") => ("text/html", "<title>phpinfo()</title>".to_owned()),
            // A soft 404: everything else is a page.
            _ => ("text/html", "<html><title>Shop</title><a href=/page>p</a></html>".to_owned()),
        };
        Some(format!("HTTP/1.1 200 OK\r\n{cors}Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    })
}

const RETIREJS: &str = r#"{"jquery":{"vulnerabilities":[{"below":"1.9.0","severity":"medium","identifiers":{"CVE":["CVE-2012-6708"]}}],
    "extractors":{"filename":["jquery-(§§version§§)(\\.min)?\\.js"]}}}"#;

#[test]
fn staged_faults_of_a_site_are_found() {
    let (dir, site) = (here(), faulty());
    fs::write(dir.path().join("retire.json"), RETIREJS).expect("written");
    let found = report(dir.path(), &[&site.url(), "--retirejs", "retire.json"]);
    for id in [
        "exposed-file",
        "method-trace",
        "method-writes",
        "cors-credentials",
        "reflected-parameter",
        "vulnerable-library",
        "script-without-integrity",
        "session-in-url",
        "directory-listing",
        "debug-page",
        "private-address",
        "login-unthrottled",
        "personal-data-anonymous",
        "form-cleartext",
    ] {
        assert!(ids(&found).contains(id), "{id}: {found:#}");
    }
    let exposed: Vec<&Value> =
        found["findings"].as_array().expect("findings").iter().filter(|f| f["rule"] == "exposed-file").collect();
    assert_eq!(exposed.len(), 1, "a soft 404 is no file: {exposed:#?}");
    // Nothing of what was seen is told as it was.
    let all = found.to_string();
    assert!(!all.contains("4111") && !all.contains("10.1.2.3") && !all.contains("1234-5678"), "{all}");
    // It stops by itself, and says so.
    let few = report(dir.path(), &[&site.url(), "--max-requests", "4"]);
    assert!(few["requests"] == 4 && few["notes"].to_string().contains("--max-requests"), "{few:#}");
}

#[test]
fn cleartext_beside_tls_is_found() {
    let (dir, site) = (here(), faulty());
    let privet = Privet::with(&site.route(""));
    let url = privet.url("/");
    let args = [&*url, "--ca", "certs/ca.pem", "--no-files", "--no-login", "--pages", "1"];
    let http = privet.http.to_string();
    let good = report(privet.dir.path(), &[&args[..], &["--http", &http]].concat());
    assert!(!ids(&good).contains("cleartext-served"), "{good:#}");
    let bare = site.address.to_string();
    let bad = report(privet.dir.path(), &[&args[..], &["--http", &bare]].concat());
    assert!(ids(&bad).contains("cleartext-served"), "{bad:#}");
    // Who is not told may not be asked.
    let out = scan(dir.path(), &["http://192.0.2.1/"]);
    assert!(out.status.code() == Some(2) && text(&out).contains("--i-own-this"), "{}", text(&out));
    let closed = format!("http://127.0.0.1:{}/", free_port());
    assert_eq!(scan(dir.path(), &[&closed]).status.code(), Some(3));
    assert_eq!(scan(dir.path(), &["nonsense"]).status.code(), Some(2));
}

#[test]
fn an_application_that_can_be_reached_around_privet_is_found() {
    let everywhere = Origin::on("0.0.0.0:0", |_, _| Some("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned()));
    let port = everywhere.address.port();
    let dir = here();
    let config = |upstream: &str| {
        let text = crate::support::config(
            [free_port(), free_port(), free_port()],
            "",
            &format!("[[route]]\nupstream = \"{upstream}\"\n"),
        );
        fs::write(dir.path().join("privet.toml"), text).expect("written");
        report(dir.path(), &["--config", "privet.toml"])
    };
    let found = config(&format!("http://127.0.0.1:{port}"));
    if found["notes"].to_string().contains("no address besides loopback") {
        println!("skipped: this machine has no address besides loopback");
        return;
    }
    assert!(ids(&found).contains("reachable-around"), "{found:#}");
    assert!(found["notes"].to_string().contains("does not answer"), "{found:#}");
    let hidden = Origin::start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert!(!ids(&config(&hidden.url())).contains("reachable-around"));
}

#[test]
fn a_configuration_is_looked_at_and_what_is_suggested_is_accepted() {
    let dir = here();
    fs::write(dir.path().join("tokens.key"), "").expect("written");
    let risky = "[privacy]\nkey_file = \"tokens.key\"\n[head]\nunderscores = \"keep\"\n[access_log]\npath = \"off\"\n[journal]\npath = \"off\"\n";
    let route = "[[route]]\nhost = \"shop.example\"\nupstream = \"http://10.0.0.9:80\"\ncleartext_reason = \"inner\"\nhsts = \"off\"\n";
    let listen = "trusted = [\"0.0.0.0/1\"]\n";
    let base = crate::support::config([free_port(), free_port(), free_port()], listen, &format!("{risky}{route}"));
    fs::write(dir.path().join("privet.toml"), &base).expect("written");
    let found = report(dir.path(), &["--config", "privet.toml"]);
    for id in [
        "config-wide-trust",
        "config-lax-head",
        "config-unlogged",
        "config-no-journal",
        "config-cleartext",
        "config-unguarded",
        "config-unwatched",
        "config-unmasked",
        "config-unhardened",
        "config-no-bans",
        "config-no-login",
    ] {
        assert!(ids(&found).contains(id), "{id}: {found:#}");
    }
    let out = scan(dir.path(), &["--config", "privet.toml", "--suggest"]);
    let suggested = String::from_utf8(out.stdout).expect("text");
    assert!(suggested.contains("watch = true") && suggested.contains("shop.example"), "{suggested}");
    fs::write(dir.path().join("privet.toml"), base + &suggested).expect("written");
    let check = Command::new(binary())
        .args(["check", "--config", "privet.toml"])
        .current_dir(dir.path())
        .output()
        .expect("runs");
    assert!(check.status.success(), "{suggested}{}", text(&check));
}

#[test]
fn lax_settings_and_old_rules_are_told() {
    let dir = here();
    certificates(dir.path());
    let set = |name: &str, mode: u32| {
        let file = dir.path().join(name);
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("set");
        file
    };
    set("tls.key", 0o644);
    fs::write(dir.path().join("retire.json"), RETIREJS).expect("written");
    let old = fs::File::options().write(true).open(dir.path().join("retire.json")).expect("a file");
    let year = Duration::from_secs(365 * 86_400);
    old.set_modified(std::time::SystemTime::now() - year).expect("set");
    let [https, http, admin] = [free_port(), free_port(), free_port()];
    let text = |admin_host: &str, key: &str| {
        format!(
            "[listen]\nhttps = \"127.0.0.1:{https}\"\nhttp = \"127.0.0.1:{http}\"\nadmin = \"{admin_host}:{admin}\"\n\
             [[tls.certificate]]\nchain = \"tls.crt\"\nkey = \"{key}\"\n[scan]\nretirejs = \"retire.json\"\n\
             [[route]]\nupstream = \"http://127.0.0.1:1\"\nshield = \"detect\"\nmask = \"all\"\nuninspectable = \"pass\"\nwatch = true\n"
        )
    };
    let lint = |text: String| {
        fs::write(dir.path().join("privet.toml"), text).expect("written");
        ids(&report(dir.path(), &["--config", "privet.toml"]))
    };
    let found = lint(text("0.0.0.0", "tls.key"));
    let lax =
        ["config-open-admin", "config-readable-key", "config-old-rules", "config-only-detected", "config-uninspected"];
    for id in lax {
        assert!(found.contains(id), "{id}: {found:?}");
    }
    set("tls.key", 0o600);
    old.set_modified(std::time::SystemTime::now()).expect("set");
    let strict = text("127.0.0.1", "tls.key").replace("detect", "block").replace("\"pass\"", "\"refuse\"");
    let found = lint(strict);
    assert!(lax.iter().all(|id| !found.contains(*id)) && !found.contains("config-unwatched"), "{found:?}");
    assert!(!found.contains("config-no-journal"), "it is on unless somebody turns it off: {found:?}");
}

#[test]
fn what_is_known_and_accepted_fails_nothing() {
    let (dir, site) = (here(), faulty());
    let url = site.url();
    let run = |more: &[&str]| {
        let args = [
            &[&*url, "--rate", "500", "--no-files", "--no-login", "--baseline", "known.json", "--format", "json"],
            more,
        ]
        .concat();
        scan(dir.path(), &args)
    };
    assert_eq!(run(&[]).status.code(), Some(2), "there is no baseline yet");
    // The first time everything is new.
    assert_eq!(run(&["--update-baseline", "--fail-on", "high"]).status.code(), Some(1));
    let again = run(&["--fail-on", "high"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again));
    let report: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert!(report["findings"].as_array().expect("findings").iter().all(|finding| finding["state"] == "known"));
    let trace =
        report["findings"].as_array().expect("findings").iter().find(|f| f["rule"] == "method-trace").expect("found");
    let id = &trace["fingerprint"].as_str().expect("an id")[..12];
    let accept = |until: &str| {
        let args = ["--baseline", "known.json", "--accept", id, "--reason", "behind a firewall", "--until", until];
        let out = scan(dir.path(), &args);
        assert!(out.status.success(), "{}", text(&out));
    };
    let state = || {
        let report: Value = serde_json::from_slice(&run(&[]).stdout).expect("JSON");
        let all = report["findings"].as_array().expect("findings").clone();
        all.iter().find(|f| f["rule"] == "method-trace").expect("found")["state"].clone()
    };
    accept("2999-12-31");
    assert_eq!(state(), "accepted");
    accept("2001-12-31");
    assert_eq!(state(), "expired");
    assert_eq!(run(&["--fail-on", "medium"]).status.code(), Some(1));
    let out =
        scan(dir.path(), &["--baseline", "known.json", "--accept", "zz", "--reason", "x", "--until", "2999-12-31"]);
    assert!(out.status.code() == Some(2) && text(&out).contains("no finding"), "{}", text(&out));
}

/// Validates standard input against the schema that argument 1 names.
const VALIDATE: &str = r"
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
sarif = json.load(sys.stdin)
validator = jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())
errors = [f'{list(error.absolute_path)}: {error.message[:200]}' for error in validator.iter_errors(sarif)]
sys.exit('\n'.join(errors) if errors else 0)
";

#[test]
fn sarif_is_what_its_schema_says() {
    let (dir, site) = (here(), faulty());
    let url = site.url();
    let args = [&*url, "--rate", "500", "--format", "sarif", "--baseline", "known.json"];
    let first = scan(dir.path(), &[&args[..], &["--update-baseline"]].concat());
    let known = fs::read_to_string(dir.path().join("known.json")).expect("a baseline");
    let known: Value = serde_json::from_str(&known).expect("JSON");
    let id = known["findings"][0]["fingerprint"].as_str().expect("an id");
    let accept = ["--baseline", "known.json", "--accept", id, "--reason", "known", "--until", "2999-12-31"];
    assert!(scan(dir.path(), &accept).status.success());
    let second = scan(dir.path(), &args);
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/scan/sarif-2.1.0.json");
    for out in [first, second] {
        let mut child = Command::new(python())
            .args(["-c", VALIDATE])
            .arg(&schema)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("python runs");
        child.stdin.take().expect("piped").write_all(&out.stdout).expect("written");
        let done = child.wait_with_output().expect("ends");
        assert!(done.status.success(), "{}", text(&done));
        let sarif: Value = serde_json::from_slice(&out.stdout).expect("JSON");
        assert!(!sarif["runs"][0]["results"].as_array().expect("results").is_empty());
    }
    let page = scan(dir.path(), &[&*url, "--rate", "500", "--format", "html", "--no-login"]);
    let page = String::from_utf8(page.stdout).expect("text");
    assert!(page.starts_with("<!doctype html>") && page.contains("An error") | page.contains("exposed-file"));
    assert!(!page.contains("<script") && !page.contains("4111"));
}

#[test]
fn live_traffic_is_watched() {
    let origin = Origin::start_with(|request, _| {
        let body = if request.starts_with("GET /plain") {
            "ok".to_owned()
        } else {
            "<p>kim@example.com 4111 1111 1111 1111</p><pre>Traceback (most recent call last)".to_owned()
        };
        Some(format!(
            "HTTP/1.1 200 OK\r\nServer: Old/1.2\r\nContent-Type: text/html\r\nContent-Length: {}\r\nSet-Cookie: sid=1\r\n\r\n{body}",
            body.len()
        ))
    });
    let privet = Privet::with(&format!(
        "{}[[route]]\npath = \"/quiet\"\nupstream = \"{}\"\n[[route]]\npath = \"/clean\"\nupstream = \"{}\"\nwatch = true\nhide_headers = [\"Server\"]\nheaders.X-Content-Type-Options = \"nosniff\"\n",
        origin.route("watch = true"),
        origin.url(),
        origin.url()
    ));
    for target in ["/a/kim@example.com", "/a/lee@example.com", "/quiet", "/clean", "/plain"] {
        assert!(privet.get(target, "").starts_with("HTTP/1.1 200"), "{target}");
    }
    let live = |more: &[&str]| scan(privet.dir.path(), &[&["--live", "--config", "privet.toml"], more].concat());
    let looked = "privet_scan_answers_total{outcome=\"looked\"}";
    privet.until("all were looked at", || privet.metric(looked) >= 4);
    let out = live(&["--json"]);
    let found: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{}", text(&out)));
    for id in ["stack-trace", "personal-data-anonymous", "version-banner", "csp-missing", "personal-data-in-url"] {
        assert!(ids(&found).contains(id), "{id}: {found:#}");
    }
    // Cookies are hardened on the way: what the client gets is what is looked at.
    assert!(!ids(&found).contains("cookie-without-secure"), "{found:#}");
    let table = text(&live(&[]));
    assert!(table.contains("stack-trace  route */  2 times"), "{table}");
    assert!(!table.contains("route */quiet") && table.contains("route */clean"), "{table}");
    assert!(
        !table.contains("version-banner  route */clean") && !table.contains("nosniff-missing  route */clean"),
        "{table}"
    );
    for told in [&table, &found.to_string(), &privet.log(), &privet.metrics()] {
        assert!(!told.contains("kim@example") && !told.contains("lee@example") && !told.contains("4111"), "{told}");
    }
    assert!(privet.metric("privet_scan_findings{route=\"*/\",severity=\"high\"}") >= 1, "{}", privet.metrics());
    assert_eq!(live(&["--fail-on", "high"]).status.code(), Some(1));
    let suggested = text(&live(&["--suggest"]));
    assert!(suggested.contains("In the [[route]] of */:") && suggested.contains("hide_headers = "), "{suggested}");
    // A reload keeps what was found.
    privet.rewrite(|text| text.replace("watch_bytes = 1", "") + "\n[scan]\nwatch_bytes = \"2KiB\"\n");
    privet.until("reloaded", || privet.log().contains("configuration reloaded"));
    assert!(ids(&serde_json::from_slice(&live(&["--json"]).stdout).expect("JSON")).contains("stack-trace"));
}

#[test]
fn a_gateway_that_watches_nothing_says_so() {
    let origin = Origin::start(crate::support::OK);
    let privet = Privet::with(&origin.route(""));
    let out = scan(privet.dir.path(), &["--live", "--config", "privet.toml"]);
    assert!(out.status.code() == Some(1) && text(&out).contains("watch = true"), "{}", text(&out));
    assert!(!privet.metrics().contains("privet_scan_answers_total{"));
}
