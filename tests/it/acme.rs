//! Certificates by ACME, from Pebble: real validation, on loopback, with the share of bad nonces that it sends to everybody.

use std::{
    fs,
    io::Write as _,
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use serde_json::{Value, json};

use crate::support::{Beside, OK, Origin, Privet, binary, free_port, over, read_one};

/// Pebble, and a DNS server by which every name is this machine.
struct Authority {
    dir: tempfile::TempDir,
    directory: u16,
    management: u16,
    dns: u16,
    _resolver: Beside,
    running: Option<Beside>,
    settings: Value,
}

impl Authority {
    /// That validates at these ports; not started yet.
    fn new(https: u16, http: u16, more: &Value) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "Authority of the authority");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().expect("a key")).expect("a CA");
        let key = KeyPair::generate().expect("a key");
        let leaf = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("names");
        let write = |name: &str, text: String| fs::write(dir.path().join(name), text).expect("written");
        write("minica.pem", ca.pem());
        write("server.pem", leaf.signed_by(&key, &ca).expect("signed").pem());
        write("server.key", key.serialize_pem());
        let [directory, management, dns] = [free_port(), free_port(), free_port()];
        let mut settings = json!({
            "listenAddress": format!("127.0.0.1:{directory}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": "server.pem", "privateKey": "server.key",
            "httpPort": http, "tlsPort": https, "ocspResponderURL": "", "externalAccountBindingRequired": false,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            settings[name] = value.clone();
        }
        let resolver = Command::new("pebble-challtestsrv")
            .args(["-dns01", &format!("127.0.0.1:{dns}"), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""])
            .args([
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
                "-management",
                &format!("127.0.0.1:{}", free_port()),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pebble-challtestsrv runs");
        Self { dir, directory, management, dns, _resolver: Beside(resolver), running: None, settings }
    }

    fn started(https: u16, http: u16, more: &Value) -> Self {
        let mut authority = Self::new(https, http, more);
        authority.start();
        authority
    }

    /// Starts it, afresh: it remembers nothing of an earlier life.
    fn start(&mut self) {
        self.running = None;
        fs::write(self.dir.path().join("pebble.json"), json!({ "pebble": self.settings }).to_string())
            .expect("written");
        let log = fs::File::create(self.dir.path().join("log")).expect("a log");
        let child = Command::new("pebble")
            .args(["-config", "pebble.json", "-strict", "-dnsserver", &format!("127.0.0.1:{}", self.dns)])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .current_dir(self.dir.path())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("pebble runs");
        self.running = Some(Beside(child));
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.management)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(240), "pebble never listens: {}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
        let root = self.ask("roots/0");
        assert!(root.contains("BEGIN CERTIFICATE"), "{root}");
        fs::write(self.root(), root).expect("written");
    }

    fn stop(&mut self) {
        self.running = None;
    }

    fn ask(&self, path: &str) -> String {
        let url = format!("https://127.0.0.1:{}/{path}", self.management);
        let out =
            Command::new("curl").args(["-sS", "--cacert", "minica.pem", &url]).current_dir(self.dir.path()).output();
        let out = out.expect("curl runs");
        String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned()
    }

    /// What it signs with, for clients to believe.
    fn root(&self) -> PathBuf {
        self.dir.path().join("root.pem")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// `[[tls.acme]]` for these domains.
    fn order(&self, domains: &[&str], more: &str) -> String {
        self.order_at(self.directory, domains, more)
    }

    fn order_at(&self, port: u16, domains: &[&str], more: &str) -> String {
        format!(
            "[[tls.acme]]\ndomains = {domains:?}\ndirectory = \"https://127.0.0.1:{port}/dir\"\nca = \"{}\"\nagree_to_terms = true\n{more}\n",
            self.dir.path().join("minica.pem").display()
        )
    }
}

fn ports() -> [u16; 3] {
    [free_port(), free_port(), free_port()]
}

/// What curl gets at `https://NAME/`, believing `root` alone.
fn fetch(address: SocketAddr, name: &str, root: &Path) -> String {
    let port = address.port();
    let out = Command::new("curl")
        .args(["-sS", "--max-time", "60", "--cacert"])
        .arg(root)
        .args(["--resolve", &format!("{name}:{port}:127.0.0.1"), &format!("https://{name}:{port}/")])
        .output()
        .expect("curl runs");
    String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned()
}

/// The serial number of the certificate that OpenSSL is shown; empty where there is none.
fn serial(address: SocketAddr, name: &str) -> String {
    let command = format!(
        "openssl s_client -connect {address} -servername {name} </dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null"
    );
    let out = Command::new("sh").args(["-c", &command]).output().expect("runs");
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

fn certificates(privet: &Privet) -> Value {
    let shown = Command::new(binary())
        .args(["certs", "show", "--config", "privet.toml", "--json"])
        .current_dir(privet.dir.path())
        .output()
        .expect("runs");
    serde_json::from_slice(&shown.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&shown.stderr)))
}

fn issued(privet: &Privet) -> u64 {
    privet.metric("privet_acme_renewals_total{result=\"issued\"}")
}

#[test]
fn certificates_are_issued_by_both_challenges_and_survive_a_restart() {
    let origin = Origin::start(OK);
    let ports = ports();
    let mut authority = Authority::started(ports[0], ports[1], &Value::Null);
    // A client certificate is asked of people, not of the authority that validates.
    let clients =
        format!("[tls.client]\nmode = \"require\"\nca = \"{}\"\n", authority.dir.path().join("minica.pem").display());
    let text = [
        clients,
        authority.order(&["shop.example", "www.shop.example"], "contact = [\"tls@example.com\"]"),
        authority.order(&["api.example"], "challenge = \"http-01\""),
        origin.route(""),
    ];
    let privet = Privet::at(ports, &[], "", &text.concat());
    privet.until("two certificates", || issued(&privet) == 2);
    privet.rewrite(|text| text.replace("mode = \"require\"", "mode = \"off\""));
    let root = authority.root();
    for name in ["shop.example", "www.shop.example", "api.example"] {
        privet.until(name, || fetch(privet.https, name, &root) == "ok");
    }
    let folder = privet.dir.path().join("data/acme");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for entry in fs::read_dir(&folder).expect("a folder").flatten() {
        let private = if entry.path().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&entry.path()), private, "{:?}", entry.path());
    }
    let shown = certificates(&privet);
    assert_eq!(shown["certificates"].as_array().map(Vec::len), Some(2), "{shown}");
    let first = &shown["certificates"][0];
    assert_eq!(first["source"], "acme");
    assert!(first["issuer"].as_str().is_some_and(|issuer| issuer.contains("Pebble")), "{first}");
    privet.until("when it is renewed", || certificates(&privet)["certificates"][1]["next"].is_string());
    assert!(privet.metrics().contains("privet_certificate_expiry_seconds{certificate=\"api.example\"}"));
    // Nothing is pending: nobody is answered any more.
    let hello = Command::new("openssl")
        .args(["s_client", "-connect", &privet.https.to_string(), "-servername", "shop.example", "-alpn", "acme-tls/1"])
        .stdin(Stdio::null())
        .output()
        .expect("openssl runs");
    assert!(String::from_utf8_lossy(&hello.stdout).contains("no peer certificate available"));
    let log = privet.log();
    assert!(!log.contains("tls@example.com") && !log.contains("PRIVATE KEY"), "{log}");
    assert_eq!(log.matches("an ACME account was made").count(), 1, "{log}");

    authority.stop();
    let before = serial(privet.https, "shop.example");
    let privet = privet.restarted();
    assert_eq!(serial(privet.https, "shop.example"), before);
    assert_eq!(fetch(privet.https, "api.example", &root), "ok");
}

#[test]
fn a_renewed_certificate_is_taken_while_connections_go_on() {
    let origin = Origin::start(OK);
    let ports = ports();
    let authority = Authority::started(ports[0], ports[1], &json!({ "certificateValidityPeriod": 40 }));
    let text = authority.order(&["localhost.example", "shop.example"], "") + &origin.route("");
    let privet = Privet::at(ports, &[], "", &text);
    privet.until("a certificate", || !serial(privet.https, "shop.example").is_empty());
    let first = serial(privet.https, "shop.example");
    let socket = TcpStream::connect(privet.https).expect("connected");
    let mut live = over(socket, &authority.root(), &[b"http/1.1"], "shop.example");
    let mut ask = || {
        live.write_all(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n").expect("sent");
        read_one(&mut live)
    };
    assert!(ask().contains("200 OK"));
    privet.until("another certificate", || {
        let shown = serial(privet.https, "shop.example");
        !shown.is_empty() && shown != first
    });
    assert!(ask().contains("200 OK"));
    assert_eq!(fetch(privet.https, "shop.example", &authority.root()), "ok");
    assert_eq!(privet.metric("privet_acme_renewals_total{result=\"failed\"}"), 0);
}

#[test]
fn an_authority_that_is_away_or_has_forgotten_us_is_asked_again() {
    let origin = Origin::start(OK);
    let ports = ports();
    let mut authority = Authority::new(ports[0], ports[1], &Value::Null);
    let text = authority.order(&["shop.example"], "") + &origin.route("");
    let privet = Privet::at(ports, &[], "", &text);
    let away = "privet_acme_renewals_total{result=\"unreachable\"}";
    privet.until("told that it is away", || privet.metric(away) > 0);
    assert!(privet.log().contains("the authority can't be asked"), "{}", privet.log());
    assert_eq!(serial(privet.https, "shop.example"), "");
    privet.until("no certificate", || {
        privet.metric("privet_tls_handshake_failures_total{reason=\"no_certificate\"}") > 0
    });
    assert!(certificates(&privet)["certificates"][0]["trouble"].as_str().is_some_and(|text| text.contains("asked")));
    authority.start();
    privet.until("a certificate", || fetch(privet.https, "shop.example", &authority.root()) == "ok");

    // Another life of the authority, and a damaged file: what was read goes on until another one has come.
    let first = serial(privet.https, "shop.example");
    authority.start();
    let file = privet.dir.path().join("data/acme/shop.example.pem");
    fs::write(&file, "damaged").expect("written");
    privet.until("told", || privet.log().contains("the stored certificate can't be used"));
    privet.until("another certificate", || {
        let shown = serial(privet.https, "shop.example");
        assert!(!shown.is_empty(), "{}", privet.log());
        shown != first
    });
    assert_eq!(fetch(privet.https, "shop.example", &authority.root()), "ok");
    assert!(privet.log().contains("does not know the ACME account"), "{}", privet.log());
}

#[test]
fn an_external_account_is_bound() {
    let origin = Origin::start(OK);
    let ports = ports();
    let key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let more = json!({ "externalAccountBindingRequired": true, "externalAccountMACKeys": { "kid-1": key } });
    let authority = Authority::started(ports[0], ports[1], &more);
    let text = authority.order(&["shop.example"], "") + &origin.route("");
    let privet = Privet::at(ports, &[], "", &text);
    privet.until("refused", || privet.log().contains("externalAccountRequired"));
    fs::write(privet.dir.path().join("hmac"), format!("{key}\n")).expect("written");
    privet.rewrite(|text| {
        text.replace(
            "[[route]]",
            "[tls.acme.external_account]\nkey_id = \"kid-1\"\nhmac_key_file = \"hmac\"\n[[route]]",
        )
    });
    privet.until("a certificate", || fetch(privet.https, "shop.example", &authority.root()) == "ok");
    assert!(!privet.log().contains(key));
}

#[test]
fn a_domain_that_is_not_found_is_told_and_another_way_is_tried_by_reload() {
    let origin = Origin::start(OK);
    let ports = ports();
    let authority = Authority::started(free_port(), ports[1], &Value::Null);
    let text = authority.order(&["shop.example", "www.shop.example"], "") + &origin.route("");
    let privet = Privet::at(ports, &[], "", &text);
    let failed = "privet_acme_renewals_total{result=\"not_validated\"}";
    privet.until("told", || privet.metric(failed) == 1);
    let log = privet.log();
    let line = log.lines().find(|line| line.contains("a certificate was not issued")).expect("a line");
    for part in [
        "shop.example could not be validated: unauthorized: Failed to connect",
        "port 443",
        "there is no certificate yet",
        "again_in_s",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    privet.rewrite(|text| text.replace("agree_to_terms", "challenge = \"http-01\"\nagree_to_terms"));
    privet.until("a certificate", || fetch(privet.https, "shop.example", &authority.root()) == "ok");
    let first = serial(privet.https, "shop.example");

    // Other domains are another order; the certificate that is there goes on until it has come.
    privet.rewrite(|text| {
        text.replace("\"shop.example\", \"www.shop.example\"", "\"www.shop.example\", \"new.example\"")
    });
    privet.until("the new domain", || {
        assert!(!serial(privet.https, "www.shop.example").is_empty(), "{}", privet.log());
        fetch(privet.https, "new.example", &authority.root()) == "ok"
    });
    assert_ne!(serial(privet.https, "www.shop.example"), first);
    assert_eq!(privet.metric("privet_config_reloads_total{result=\"refused\"}"), 0);
}

/// Stands before Pebble, which knows nothing of renewal information (RFC 9773), and adds it: the directory names it, a certificate's
/// window is in the past for as long as it is the first that was asked about, and `replaces` of an order is said back.
const RENEWAL_INFORMATION: &str = r#"
import base64, http.client, http.server, json, ssl, sys
port, folder = int(sys.argv[1]), sys.argv[2]
upstream = ssl.create_default_context(cafile=folder + "/minica.pem")
log = open(folder + "/renewals", "w", buffering=1)
first = []

class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_HEAD(self): self.serve()
    def do_POST(self): self.serve()
    def do_GET(self):
        if not self.path.startswith("/renewal/"): return self.serve()
        name = self.path.rsplit("/", 1)[1]
        first or first.append(name)
        log.write("asked " + name + "\n")
        year = 2020 if name == first[0] else 2031
        window = {"start": f"{year}-01-01T00:00:00Z", "end": f"{year}-01-02T00:00:00Z"}
        self.answer(200, {"Content-Type": "application/json", "Retry-After": "21600"}, json.dumps({"suggestedWindow": window}).encode())
    def answer(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers.items(): self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD": self.wfile.write(body)
    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        replaces = None
        if body:
            payload = json.loads(body)["payload"]
            said = json.loads(base64.urlsafe_b64decode(payload + "===") or b"{}")
            replaces = said.get("replaces") if isinstance(said, dict) else None
        way = http.client.HTTPSConnection("127.0.0.1", port, context=upstream)
        way.request(self.command, self.path, body or None, {n: v for n, v in self.headers.items() if n != "Connection"})
        answer = way.getresponse()
        content = answer.read()
        if self.path == "/dir":
            content = json.dumps({**json.loads(content), "renewalInfo": "https://" + self.headers["Host"] + "/renewal"}).encode()
        if replaces and answer.status == 201:
            log.write("replaces " + replaces + "\n")
            content = json.dumps({**json.loads(content), "replaces": replaces}).encode()
        keep = ["content-type", "location", "replay-nonce", "link", "retry-after"]
        self.answer(answer.status, {n: v for n, v in answer.getheaders() if n.lower() in keep}, content)
    def log_message(self, *args): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
own.load_cert_chain(folder + "/server.pem", folder + "/server.key")
server.socket = own.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;

#[test]
fn the_authority_says_when_to_renew() {
    let origin = Origin::start(OK);
    let ports = ports();
    let authority = Authority::started(ports[0], ports[1], &Value::Null);
    let pebble = authority.directory.to_string();
    let (_front, port) = Beside::python_with(RENEWAL_INFORMATION, &[Path::new(&pebble), authority.dir.path()]);
    let text = authority.order_at(port.parse().expect("a port"), &["shop.example"], "") + &origin.route("");
    let privet = Privet::at(ports, &[], "", &text);
    privet.until("a renewal", || issued(&privet) == 2);
    privet.until("the end of it", || {
        let next = certificates(&privet)["certificates"][0]["next"].to_string();
        next.starts_with("\"2031-01-01T")
    });
    assert_eq!(fetch(privet.https, "shop.example", &authority.root()), "ok");
    let asked = fs::read_to_string(authority.dir.path().join("renewals")).expect("a file");
    let lines: Vec<&str> = asked.lines().collect();
    let first = lines[0].strip_prefix("asked ").expect("a name");
    assert_eq!(
        lines.iter().filter(|line| line.starts_with("replaces")).collect::<Vec<_>>(),
        [&format!("replaces {first}")]
    );
    assert_eq!(issued(&privet), 2);
}

#[test]
fn replicas_that_share_a_folder_order_once_and_answer_for_each_other() {
    let origin = Origin::start(OK);
    let (one, two) = (ports(), ports());
    let shared = tempfile::tempdir().expect("a folder");
    // The authority is led to the first replica's TLS and to the second one's cleartext, whoever orders.
    let authority = Authority::started(one[0], two[1], &Value::Null);
    let text = format!(
        "{}{}{}",
        authority.order(&["shop.example"], ""),
        authority.order(&["api.example"], "challenge = \"http-01\""),
        origin.route("")
    );
    let data = format!("data_dir = \"{}\"\n", shared.path().display());
    let start = |ports| Privet::at_with(ports, &[], &data, "", &text);
    let (first, second) = (start(one), start(two));
    for replica in [&first, &second] {
        for name in ["shop.example", "api.example"] {
            replica.until(name, || fetch(replica.https, name, &authority.root()) == "ok");
        }
    }
    for name in ["shop.example", "api.example"] {
        assert_eq!(serial(first.https, name), serial(second.https, name));
    }
    assert_eq!(issued(&first) + issued(&second), 2);
    // Those who wait for a certificate order in turn: with the first gone, the second does.
    drop(first);
    fs::remove_file(shared.path().join("acme/api.example.pem")).expect("removed");
    let before = serial(second.https, "api.example");
    second.until("another certificate", || {
        let shown = serial(second.https, "api.example");
        assert!(!shown.is_empty());
        shown != before
    });
}

#[test]
fn the_development_ca_is_made_by_command() {
    let dir = tempfile::tempdir().expect("a folder");
    let made =
        Command::new(binary()).args(["certs", "dev-ca", "--json"]).current_dir(dir.path()).output().expect("runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let shown: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    assert!(shown["ca"].as_str().is_some_and(|ca| Path::new(ca).exists() && ca.ends_with("certs/ca.pem")), "{shown}");
    assert!(shown["names"].as_array().is_some_and(|names| names.contains(&json!("localhost"))), "{shown}");
}
