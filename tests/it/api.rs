//! The API for programs: who gets in, what it does, what is written down of it, and every check of schemathesis by its document.

use std::{fs, process::Command};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use serde_json::{Value, json};

use crate::{
    gate::application,
    registry::does,
    support::{Origin, Privet, ask_plain, free_port, python},
};

const DEPLOY: &str = "0123456789abcdef0123456789abcdef";
const LOOKS: &str = "fedcba9876543210fedcba9876543210";
const HERE: &str = " --config privet.toml";

struct Office {
    privet: Privet,
    console: u16,
    _application: Origin,
}

impl Office {
    fn new(listen: &str) -> Self {
        let application = application();
        let console = free_port();
        let text = format!(
            "[shield.ban]\nallow = [\"203.0.113.0/24\"]\n\
             [[api]]\nname = \"deploy\"\nmay = \"operate\"\ntoken = \"{DEPLOY}\"\n\
             [[api]]\nname = \"looks\"\ntoken_file = \"looks.token\"\n{}",
            application.route("gate = \"staff\"\nrecord = true\nwatch = true\n")
        );
        let privet = Privet::with_listen(
            &format!("console = \"127.0.0.1:{console}\"\n{listen}"),
            "[[route]]\nupstream = \"http://127.0.0.1:9\"\n",
        );
        // A token in a file, and a door that is opened by a reload.
        fs::write(privet.dir.path().join("looks.token"), format!("{LOOKS}\n")).expect("written");
        let before = privet.metric("privet_config_reloads_total{result=\"applied\"}");
        privet.rewrite(|old| old.replace("[[route]]\nupstream = \"http://127.0.0.1:9\"\n", &text));
        let office = Self { privet, console, _application: application };
        office.privet.until("reloaded", || {
            let open = office.ask(Some(DEPLOY), "GET", "/v1/status", None).0 == 200;
            open || office.privet.metric("privet_config_reloads_total{result=\"applied\"}") > before + 100
        });
        office
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.console)
    }

    /// With a token, and a body; the status, the media type, and what is said.
    fn ask(&self, token: Option<&str>, method: &str, path: &str, body: Option<&str>) -> (u16, String, Value) {
        let (url, bearer) = (self.url(path), format!("Authorization: Bearer {}", token.unwrap_or_default()));
        let mut args = vec!["-X", method, "-w", "\n%{http_code} %{content_type}", &url];
        if token.is_some() {
            args.extend(["-H", &bearer]);
        }
        if let Some(body) = body {
            args.extend(["-H", "Content-Type: application/json", "--data-raw", body]);
        }
        if method == "HEAD" {
            args.push("--head");
        }
        let said = self.privet.curl(&args);
        let (body, last) = said.rsplit_once('\n').unwrap_or_else(|| panic!("{said}"));
        let (status, kind) = last.split_once(' ').unwrap_or((last, ""));
        (
            status.parse().unwrap_or_else(|_| panic!("{said}")),
            kind.to_owned(),
            serde_json::from_str(body).unwrap_or_default(),
        )
    }

    fn get(&self, path: &str) -> Value {
        let (status, kind, said) = self.ask(Some(LOOKS), "GET", path, None);
        assert_eq!((status, kind.as_str()), (200, "application/json"), "{path}: {said}");
        said
    }

    fn does(&self, path: &str, body: Option<&str>) -> Value {
        let (status, _, said) = self.ask(Some(DEPLOY), "POST", path, body);
        assert!(status < 300, "{path}: {status} {said}");
        said
    }

    fn records(&self, kind: &str) -> Vec<Value> {
        let said = does(self.privet.dir.path(), &format!("audit search --kind {kind} --json{HERE}"));
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

fn document() -> Value {
    serde_json::from_str(include_str!("../../src/admin/api/openapi.json")).expect("JSON")
}

#[test]
fn without_a_proof_there_is_health_and_nothing_else() {
    let office = Office::new("metrics = false");
    for path in ["/livez", "/readyz"] {
        assert_eq!(office.ask(None, "GET", path, None).0, 200, "{path}");
    }
    let document = document();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        let path = path.replace("{number}", "1");
        for method in item.as_object().expect("methods").keys().filter(|key| *key != "parameters") {
            if path == "/livez" || path == "/readyz" {
                continue;
            }
            let method = method.to_uppercase();
            for token in [None, Some("x"), Some(&DEPLOY[1..])] {
                let (status, kind, said) = office.ask(token, &method, &path, None);
                assert_eq!((status, kind.as_str()), (401, "application/problem+json"), "{method} {path}: {said}");
                asked += 1;
            }
        }
    }
    assert!(asked > 50, "{asked}");
    // What there is is nobody's to learn.
    assert_eq!(office.ask(None, "GET", "/v1/nothing", None).0, 401);
    // The listener without TLS has health, and metrics as the configuration says.
    let plain = |path: &str| {
        ask_plain(office.privet.admin, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    };
    for path in ["/metrics", "/personal-data", "/v1/status", "/v1/openapi.json", "/drain"] {
        assert!(plain(path).starts_with("HTTP/1.1 404"), "{path}: {}", plain(path));
    }
    assert!(plain("/livez").starts_with("HTTP/1.1 200") && plain("/readyz").starts_with("HTTP/1.1 200"));
    let (status, kind, _) = office.ask(Some(LOOKS), "GET", "/metrics", None);
    assert!(status == 200 && kind.starts_with("text/plain"), "{status} {kind}");
    office.privet.rewrite(|text| text.replace("metrics = false", "metrics = true"));
    office.privet.until("open", || plain("/metrics").starts_with("HTTP/1.1 200"));
    assert!(!office.privet.log().contains(DEPLOY) && !office.privet.log().contains(LOOKS));
}

#[test]
fn a_program_sees_how_the_gateway_is() {
    let office = Office::new("");
    assert_eq!(office.get("/v1/openapi.json"), document());
    let status = office.get("/v1/status");
    assert!(status["ready"] == true && status["alive"] == true && status["journal"] == true, "{status}");
    assert_eq!(office.get("/v1/configuration")["sha256"], status["sha256"]);
    let routes = office.get("/v1/routes");
    let route = &routes["routes"][0];
    assert!(route["gate"] == true && route["endpoints"][0]["up"] == true, "{routes}");
    let certificates = office.get("/v1/certificates");
    assert!(certificates["certificates"][0]["until"].is_string(), "{certificates}");
    let journal = office.get("/v1/journal");
    assert!(journal["up"] == true && journal["key"].as_str().is_some_and(|key| key.contains('+')), "{journal}");
    office.privet.until("signed", || !office.get("/v1/journal")["checkpoint"].as_str().unwrap_or_default().is_empty());
    assert_eq!(office.get("/v1/incidents")["cases"], json!([]));
    for (path, field) in [
        ("/v1/scan", "findings"),
        ("/v1/personal-data", "personal_data"),
        ("/v1/logins", "accounts"),
        ("/v1/bans", "bans"),
    ] {
        assert!(office.get(path)[field].is_array(), "{path}");
    }
    // Whoever may read changes nothing, and what is not there is told apart from what can't be done.
    for (token, method, path, body, wanted) in [
        (LOOKS, "POST", "/v1/reload", None, 403),
        (LOOKS, "POST", "/v1/bans/add", Some("{}"), 403),
        (LOOKS, "GET", "/v1/nothing", None, 404),
        (LOOKS, "GET", "/v1/incidents/1", None, 404),
        (LOOKS, "GET", "/v1/incidents/orders", None, 404),
        (DEPLOY, "POST", "/v1/incidents/orders", Some("{}"), 404),
        (DEPLOY, "POST", "/v1/sessions/end", Some("{}"), 404),
        (LOOKS, "GET", "/v1/sessions", None, 404),
        (LOOKS, "GET", "/v1/bans?all=1", None, 400),
        (LOOKS, "DELETE", "/v1/bans", None, 405),
        (DEPLOY, "GET", "/v1/reload", None, 405),
        (LOOKS, "POST", "/livez", None, 405),
        (DEPLOY, "POST", "/v1/reload", Some("{}"), 400),
        (DEPLOY, "POST", "/v1/bans/add", Some("{"), 400),
        (DEPLOY, "POST", "/v1/bans/lift", Some(r#"{"address":"nowhere"}"#), 422),
        (DEPLOY, "POST", "/v1/attest", Some(r#"{"clause":"none"}"#), 404),
    ] {
        let (status, kind, said) = office.ask(Some(token), method, path, body);
        assert_eq!((status, kind.as_str()), (wanted, "application/problem+json"), "{method} {path}: {said}");
        assert!(said["status"] == wanted && said["detail"].is_string(), "{said}");
    }
    let long = format!("{{\"clause\":\"{}\"}}", "x".repeat(20_000));
    assert_eq!(office.ask(Some(DEPLOY), "POST", "/v1/attest", Some(&long)).0, 413);
    assert_eq!(office.ask(Some(LOOKS), "HEAD", "/v1/status", None).0, 200);
    let bearer = format!("Authorization: Bearer {DEPLOY}");
    let head = office.privet.curl(&["-i", "-H", &bearer, &office.url("/v1/reload")]);
    assert!(head.to_lowercase().contains("\nallow: post\r"), "{head}");
    let text = ["-H", &bearer, "-w", "%{http_code}", "-H", "Content-Type: text/plain", "--data-raw", "{}"];
    assert!(office.privet.curl(&[&text[..], &[&office.url("/v1/attest")]].concat()).ends_with("415"));
}

#[test]
fn what_a_program_changes_is_in_the_journal_by_its_name() {
    let mut office = Office::new("");
    let ban = r#"{"address":"192.0.2.7","reason":"scraping","for_ms":3600000}"#;
    assert!(office.does("/v1/bans/add", Some(ban))["until"].is_string());
    assert_eq!(office.get("/v1/bans")["bans"][0]["address"], "192.0.2.7");
    assert_eq!(office.does("/v1/bans/lift", Some(r#"{"address":"192.0.2.7"}"#))["lifted"], 1);
    assert_eq!(office.ask(Some(DEPLOY), "POST", "/v1/bans/lift", Some(r#"{"address":"192.0.2.7"}"#)).0, 404);
    let allowed = r#"{"address":"203.0.113.7","reason":"x"}"#;
    assert_eq!(office.ask(Some(DEPLOY), "POST", "/v1/bans/add", Some(allowed)).0, 409);
    assert_eq!(office.ask(Some(LOOKS), "GET", "/v1/attest", None).0, 404, "nobody has looked yet");
    let report = office.does("/v1/attest", Some("{}"));
    assert!(report["clauses"].as_array().is_some_and(|all| !all.is_empty()), "{report}");
    assert_eq!(office.get("/v1/attest")["clauses"], report["clauses"]);
    assert_eq!(office.does("/v1/reload", None), json!({ "reloaded": true }));
    let (path, text) = (office.privet.dir.path().join("privet.toml"), "[nonsense]\n");
    let good = fs::read_to_string(&path).expect("a file");
    fs::write(&path, good.clone() + text).expect("written");
    let (status, _, refused) = office.ask(Some(DEPLOY), "POST", "/v1/reload", None);
    assert!(status == 409 && refused["detail"].as_str().is_some_and(|why| why.contains("nonsense")), "{refused}");
    fs::write(&path, good).expect("written");
    for (kind, count) in [("ban.ordered", 1), ("ban.lifted", 1), ("process.ordered", 2)] {
        let records = office.records(kind);
        let by = records.iter().filter(|record| record["body"]["program"] == "api:deploy").count();
        // What was not there to lift was ordered as well.
        assert!(by >= count && by == records.len(), "{kind}: {records:?}");
    }
    // The end: what waits is answered, and the process is gone.
    let (status, _, said) = office.ask(Some(DEPLOY), "POST", "/v1/drain", None);
    assert_eq!((status, &said["draining"]), (202, &Value::Bool(true)), "{said}");
    let ended = office.privet.child.wait().expect("a child");
    assert!(ended.success(), "{ended}");
    let last = office.records("process.ordered");
    assert_eq!(last.iter().filter(|record| record["body"]["order"] == "drain").count(), 1, "{last:?}");
}

#[test]
fn a_program_may_come_with_a_certificate() {
    let office = Office::new("");
    let dir = office.privet.dir.path();
    let write = |name: &str, text: String| fs::write(dir.join(name), text).expect("written");
    let key = || KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, key()).expect("a CA");
    write("clients.pem", authority.pem());
    for name in ["robot", "other"] {
        let mut params = CertificateParams::default();
        let id = format!("spiffe://example.org/{name}");
        params.subject_alt_names = vec![SanType::URI(id.as_str().try_into().expect("ASCII"))];
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        let key = key();
        write(&format!("{name}.pem"), params.signed_by(&key, &authority).expect("signed").pem());
        write(&format!("{name}.key"), key.serialize_pem());
    }
    office.privet.rewrite(|text| {
        text + "[[api]]\nname = \"robot\"\nmay = \"operate\"\ncertificate = \"spiffe://example.org/robot\"\n\
                [tls.client]\nmode = \"request\"\nca = \"clients.pem\"\n"
    });
    let comes = |name: &str, path: &str, more: &[&str]| {
        let (pem, key, url) = (format!("{name}.pem"), format!("{name}.key"), office.url(path));
        let args = ["--cert", &pem, "--key", &key, "-o", "/dev/null", "-w", "%{http_code}", &url];
        office.privet.curl(&[&args[..], more].concat())
    };
    office.privet.until("known", || comes("robot", "/v1/status", &[]) == "200");
    assert_eq!(comes("other", "/v1/status", &[]), "401");
    // A token that is wrong is not made good by it.
    assert_eq!(comes("robot", "/v1/status", &["-H", "Authorization: Bearer x"]), "401");
    assert_eq!(comes("robot", "/v1/reload", &["-X", "POST"]), "200");
    let records = office.records("process.ordered");
    let body = &records.last().expect("a record")["body"];
    assert_eq!((&body["program"], &body["certificate"]), (&json!("api:robot"), &json!("spiffe://example.org/robot")));
}

#[test]
fn schemathesis_finds_nothing() {
    let office = Office::new("");
    // A look, so that there is one to be asked for.
    office.does("/v1/attest", Some("{}"));
    let dir = office.privet.dir.path();
    // A refusal of what has the right form and can't be meant.
    let settings = "[checks.positive_data_acceptance]\nexpected-statuses = [\"2xx\", 404, 409, 422]\n";
    fs::write(dir.join("schemathesis.toml"), settings).expect("written");
    let out = Command::new(python().with_file_name("schemathesis"))
        .args(["--config-file", "schemathesis.toml", "--no-color", "run", &office.url("/v1/openapi.json")])
        .args(["--header", &format!("Authorization: Bearer {DEPLOY}"), "--tls-verify", "certs/ca.pem"])
        .args(["--checks", "all", "--phases", "examples,coverage,fuzzing", "--max-examples", "6", "--seed", "1"])
        // It would end what it asks; another test does.
        .args(["--exclude-path", "/v1/drain", "--generation-database", "none", "--request-timeout", "60"])
        .current_dir(dir)
        .output()
        .expect("schemathesis runs; tests/run installs it");
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(out.status.success(), "{said}\n{}", office.privet.log());
    let tested = said.lines().find_map(|line| line.trim().strip_prefix("Tested: ")?.parse::<usize>().ok());
    assert!(tested.is_some_and(|count| count >= 20), "{said}");
}
