//! Telemetry by OTLP, as a receiver with the reference's messages gets it.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::support::{Beside, OK, Origin, Privet, free_port};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
/// What nobody may find in what was sent.
const PERSONAL: &[&str] = &["kim.minsu", "010-1234-5678", "hunter2", "secret-cookie"];

/// A collector beside Privet, and what has come to it.
struct Collector {
    port: u16,
    file: PathBuf,
    protocol: &'static str,
    beside: Option<Beside>,
    _dir: tempfile::TempDir,
}

impl Collector {
    /// A place for one; nobody is there yet.
    fn at(protocol: &'static str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        Self { port: free_port(), file: dir.path().join("received"), protocol, beside: None, _dir: dir }
    }

    fn started(protocol: &'static str) -> Self {
        let mut collector = Self::at(protocol);
        collector.start("", &[]);
        collector
    }

    /// `first` are the failures that it answers with before it takes anything.
    fn start(&mut self, first: &str, pair: &[PathBuf]) {
        let file = self.file.display().to_string();
        let port = self.port.to_string();
        let mut args = vec![self.protocol.to_owned(), port, file, first.to_owned()];
        args.extend(pair.iter().map(|path| path.display().to_string()));
        let args: Vec<&std::path::Path> = args.iter().map(std::path::Path::new).collect();
        let (beside, line) = Beside::python_with(include_str!("collector.py"), &args);
        assert_eq!(line, "ready");
        self.beside = Some(beside);
    }

    fn table(&self, more: &str) -> String {
        let (scheme, path) = match self.protocol {
            "tls" => ("https", ""),
            "http" => ("http", "/base"),
            _ => ("http", ""),
        };
        let protocol = if self.protocol == "http" { "http/protobuf" } else { "grpc" };
        let host = if self.protocol == "tls" { "localhost" } else { "127.0.0.1" };
        let endpoint = format!("{scheme}://{host}:{}{path}", self.port);
        format!("[telemetry]\nendpoint = \"{endpoint}\"\nprotocol = \"{protocol}\"\ninterval = \"1s\"\n{more}\n")
    }

    fn lines(&self, signal: &str) -> Vec<Value> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        // The last line may be half written.
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["signal"] == signal).collect()
    }

    fn spans(&self) -> Vec<Value> {
        self.lines("traces")
    }

    fn assert_nobody_is_in_it(&self) {
        let all = fs::read_to_string(&self.file).expect("received").to_lowercase();
        for value in PERSONAL {
            assert!(!all.contains(value), "{value} in {all}");
        }
    }
}

fn named<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
}

fn route(origin: &Origin, more: &str) -> String {
    origin.route(&format!("host = \"shop.example\"\n{more}"))
}

/// A request with a person in every place where one may be.
fn ask(privet: &Privet, flags: &str) -> String {
    let headers = format!(
        "User-Agent: curl/8 (kim.minsu@example.net)\r\nAuthorization: Bearer hunter2\r\nCookie: a=secret-cookie\r\n\
         Referer: https://shop.example/?q=kim.minsu@example.net\r\ntraceparent: 00-{TRACE}-{PARENT}-{flags}\r\n\
         tracestate: vendor=kim.minsu@example.net\r\n"
    );
    privet.get("/customers/kim.minsu@example.net/orders?phone=010-1234-5678", &headers)
}

#[test]
fn a_request_arrives_as_spans_logs_and_metrics() {
    let collector = Collector::started("grpc");
    let origin = Origin::start(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 34\r\n\r\n{\"email\":\"kim.minsu@example.net\"}\n",
    );
    let more = "resource = [\"deployment.environment.name=test\"]\nauthorization = \"Bearer t\"";
    let privet = Privet::with(&format!("{}{}", collector.table(more), route(&origin, "mask = \"all\"\n")));
    let answer = ask(&privet, "01");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    privet.until("five spans", || collector.spans().len() >= 5);
    let spans = collector.spans();
    let server = named(&spans, "GET shop.example/");
    assert!(spans.iter().all(|span| span["trace"] == TRACE && span["resource"]["service.name"] == "privet"));
    assert_eq!(server["resource"]["deployment.environment.name"], "test");
    assert_eq!((&server["parent"], &server["kind"], &server["status"]), (&PARENT.into(), &2.into(), &0.into()));
    let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("an id");
    for (name, value) in [
        ("http.request.method", Value::from("GET")),
        ("http.route", "shop.example/".into()),
        ("http.response.status_code", 200.into()),
        ("url.scheme", "https".into()),
        ("server.address", "shop.example".into()),
        ("network.protocol.version", "1.1".into()),
        ("tls.protocol.version", "1.3".into()),
        ("privet.request_id", id.into()),
    ] {
        assert_eq!(server["attributes"][name], value, "{name}");
    }
    assert!(server["attributes"]["url.path"].as_str().is_some_and(|path| path.starts_with("/customers/")));
    for name in ["tls handshake", "mask", "response body", "GET"] {
        assert_eq!(named(&spans, name)["parent"], server["span"], "{name}");
    }
    let attempt = named(&spans, "GET");
    assert_eq!((&attempt["kind"], &attempt["attributes"]["server.port"]), (&3.into(), &origin.address.port().into()));
    let told = format!("traceparent: 00-{TRACE}-{}-01\r\n", attempt["span"].as_str().expect("an id"));
    assert!(origin.seen().contains(&told), "{told} in {}", origin.seen());
    assert!(origin.seen().contains("tracestate: vendor="));
    privet.until("the access log", || collector.lines("logs").iter().any(|log| log["scope"] == "privet.access_log"));
    let logs = collector.lines("logs");
    let line = logs.iter().find(|log| log["scope"] == "privet.access_log").expect("a line");
    assert_eq!((&line["trace"], &line["span"]), (&server["trace"], &server["span"]));
    assert_eq!(line["body"], "GET shop.example/ 200");
    assert!(privet.out().contains(&format!("\"span_id\":{}", server["span"])), "{}", privet.out());
    assert_eq!(collector.lines("raw")[0]["authorization"], "Bearer t");
    collector.assert_nobody_is_in_it();
}

#[test]
fn metrics_keep_their_names_and_have_exemplars() {
    let collector = Collector::started("grpc");
    let origin = Origin::start(OK);
    let privet = Privet::with(&format!("{}{}", collector.table(""), route(&origin, "")));
    ask(&privet, "01");
    let find = |name: &str| {
        let points = collector.lines("metrics");
        points.into_iter().rfind(|point| point["metric"] == name && point["value"] != 0)
    };
    privet.until("counted", || {
        find("privet_requests_total").is_some() && find("privet_request_duration_seconds").is_some()
    });
    let requests = find("privet_requests_total").expect("a point");
    assert_eq!((&requests["kind"], &requests["value"]), (&"sum".into(), &1.into()));
    assert_eq!(requests["attributes"]["route"], "shop.example/");
    let times = find("privet_request_duration_seconds").expect("a point");
    assert_eq!((&times["kind"], &times["unit"], &times["value"]), (&"histogram".into(), &"s".into(), &1.into()));
    assert_eq!(times["exemplars"][0]["trace"], TRACE);
    assert_eq!(find("privet_build_info").expect("a point")["kind"], "gauge");
    assert_eq!(find("process_resident_memory_bytes").expect("a point")["unit"], "By");
    privet.until("sent", || privet.metric("privet_telemetry_sent_total{signal=\"metrics\"}") > 0);
    collector.assert_nobody_is_in_it();
}

#[test]
fn a_stranger_can_not_ask_to_be_recorded_and_a_trusted_peer_can() {
    for (listen, recorded) in [("", false), ("trusted = [\"127.0.0.0/8\"]\n", true)] {
        let collector = Collector::started("http");
        let origin = Origin::start(OK);
        let more = "sample = \"0%\"\nauthorization = \"k\"\nauthorization_header = \"x-key\"";
        let shutdown = "[shutdown]\ndelay = \"0s\"\n";
        let config = format!("{}{shutdown}{}", collector.table(more), route(&origin, ""));
        let mut privet = Privet::with_listen(listen, &config);
        ask(&privet, "01");
        privet.until("a line", || collector.lines("logs").iter().any(|log| log["trace"] == TRACE));
        // What waits is sent before the end.
        privet.signal("-TERM");
        assert!(privet.child.wait().expect("ended").success());
        assert_eq!(!collector.spans().is_empty(), recorded, "{:?}", collector.spans());
        let flags = if recorded { "-01\r\n" } else { "-00\r\n" };
        let seen = origin.seen();
        let told = seen.lines().find(|line| line.starts_with("traceparent: ")).expect("told");
        assert!(format!("{told}\r\n").ends_with(flags) && told.contains(TRACE) && !told.contains(PARENT), "{told}");
        assert_eq!(collector.lines("raw")[0]["authorization"], "k");
        collector.assert_nobody_is_in_it();
    }
}

#[test]
fn without_telemetry_traces_pass_as_they_are() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&route(&origin, ""));
    ask(&privet, "01");
    assert!(origin.seen().contains(&format!("traceparent: 00-{TRACE}-{PARENT}-01\r\n")), "{}", origin.seen());
    assert!(!privet.metrics().contains("privet_telemetry"));
    privet.until("a line", || privet.out().contains(&format!("\"trace_id\":\"{TRACE}\"")));
    assert!(!privet.out().contains("span_id"));
}

#[test]
fn a_collector_that_comes_late_gets_what_waits() {
    let mut collector = Collector::at("grpc");
    let origin = Origin::start(OK);
    let privet = Privet::with(&format!("{}{}", collector.table(""), route(&origin, "")));
    assert!(ask(&privet, "01").starts_with("HTTP/1.1 200"));
    privet.until("failed", || privet.metric("privet_telemetry_failures_total{signal=\"traces\"}") > 0);
    assert_eq!(privet.metric("privet_telemetry_dropped_total{signal=\"traces\"}"), 0);
    collector.start("UNAVAILABLE,UNAVAILABLE", &[]);
    privet.until("the spans", || collector.spans().iter().any(|span| span["name"] == "GET shop.example/"));
    privet.until("told", || privet.log().contains("telemetry is sent again"));
}

#[test]
fn a_signal_that_hangs_holds_up_no_other() {
    let mut collector = Collector::at("grpc");
    collector.start("hang", &[]);
    let origin = Origin::start(OK);
    let privet = Privet::with(&format!("{}{}", collector.table(""), route(&origin, "")));
    ask(&privet, "01");
    let value = |name: &str| {
        let points = collector.lines("metrics");
        points.into_iter().rfind(|point| point["metric"] == name).map(|point| point["value"].clone())
    };
    privet.until("a line", || collector.lines("logs").iter().any(|log| log["scope"] == "privet.access_log"));
    privet.until("metrics", || value("privet_requests_total") == Some(1.into()));
    assert!(collector.spans().is_empty() && ask(&privet, "01").starts_with("HTTP/1.1 200"));
    privet.until("newer metrics", || value("privet_requests_total") == Some(2.into()));
}

#[test]
fn metrics_that_could_not_be_sent_come_as_they_are_by_then() {
    let mut collector = Collector::at("grpc");
    let origin = Origin::start(OK);
    let privet = Privet::with(&format!("{}{}", collector.table("signals = [\"metrics\"]"), route(&origin, "")));
    privet.until("failed", || privet.metric("privet_telemetry_failures_total{signal=\"metrics\"}") > 0);
    ask(&privet, "01");
    collector.start("", &[]);
    privet.until("metrics", || !collector.lines("metrics").is_empty());
    let first = collector.lines("metrics");
    assert!(first.iter().any(|point| point["metric"] == "privet_requests_total" && point["value"] == 1), "{first:?}");
}

#[test]
fn every_step_and_every_attempt_has_a_span() {
    let collector = Collector::started("grpc");
    let origin = Origin::start(OK);
    let route = format!(
        "[[route]]\nhost = \"shop.example\"\nurl_privacy = \"reject\"\nupstream = [\"http://127.0.0.1:{}\", \"http://{}\"]\nbalance = \"round_robin\"\n\
         [[route]]\nhost = \"shop.example\"\npath = \"/staff\"\nupstream = \"http://{}\"\ngate = \"staff\"\n\
         [[login]]\npath = \"/login\"\npreset = \"form-redirect\"\n",
        free_port(),
        origin.address,
        origin.address,
    );
    let privet = Privet::with(&format!("{}{route}", collector.table("")));
    let names = || collector.spans().iter().map(|span| span["name"].clone()).collect::<Vec<_>>();
    privet.get("/staff", "");
    for _ in 0..4 {
        let form = "email=kim.minsu%40example.net&password=hunter2";
        privet.raw(format!(
            "POST /login HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ).as_bytes());
        privet.get("/", "");
    }
    for step in ["gate", "url check", "login check"] {
        privet.until(step, || names().contains(&step.into()));
    }
    let again = |span: &Value| span["attributes"]["http.request.resend_count"] == 1;
    privet.until("another attempt", || collector.spans().iter().any(again));
    let spans = collector.spans();
    let second = spans.iter().find(|span| again(span)).expect("one");
    let first =
        spans.iter().find(|span| span["parent"] == second["parent"] && span["attributes"]["error.type"] == "connect");
    assert!(first.is_some(), "{spans:#?}");
    collector.assert_nobody_is_in_it();
}

#[test]
fn what_is_refused_is_dropped_and_counted() {
    let mut collector = Collector::at("http");
    collector.start("400,400,400", &[]);
    let origin = Origin::start(OK);
    let privet = Privet::with(&format!("{}{}", collector.table(""), route(&origin, "")));
    let dropped = |signal| privet.metric(&format!("privet_telemetry_dropped_total{{signal=\"{signal}\"}}"));
    privet.until("dropped", || ["traces", "metrics", "logs"].into_iter().map(dropped).sum::<u64>() > 0);
    ask(&privet, "01");
    privet.until("spans", || {
        ask(&privet, "01");
        !collector.spans().is_empty()
    });
}

#[test]
fn what_waits_is_sent_before_the_end() {
    let collector = Collector::started("grpc");
    let origin = Origin::start(OK);
    let shutdown = "[shutdown]\ndelay = \"0s\"\n";
    let mut privet = Privet::with(&format!("{}{shutdown}{}", collector.table(""), route(&origin, "")));
    ask(&privet, "01");
    privet.signal("-TERM");
    assert!(privet.child.wait().expect("ended").success());
    assert!(collector.spans().iter().any(|span| span["name"] == "GET shop.example/"), "{:?}", collector.spans());
    assert!(collector.lines("logs").iter().any(|log| log["scope"] == "privet.access_log"));
    assert!(collector.lines("logs").iter().any(|log| log["scope"] == "privet.diagnostics"));
    assert!(collector.lines("metrics").iter().any(|p| p["metric"] == "privet_requests_total" && p["value"] == 1));
    collector.assert_nobody_is_in_it();
}

#[test]
fn a_reload_sends_elsewhere_by_tls_or_nowhere() {
    let first = Collector::started("grpc");
    let mut second = Collector::at("tls");
    let origin = Origin::start(OK);
    let quiet = "signals = [\"traces\"]";
    let privet = Privet::with(&format!("{}{}", first.table(quiet), route(&origin, "access_log = false\n")));
    let certs = privet.dir.path().join("certs");
    second.start("", &[certs.join("leaf.pem"), certs.join("leaf.key")]);
    ask(&privet, "01");
    privet.until("spans", || !first.spans().is_empty());
    let (old, new) = (first.table(quiet), second.table("signals = [\"traces\"]\nca = \"certs/ca.pem\""));
    privet.rewrite(|text| text.replace(&old, &new));
    privet.until("reloaded", || privet.metric("privet_config_reloads_total{result=\"applied\"}") == 1);
    let before = first.spans().len();
    privet.until("spans", || {
        ask(&privet, "01");
        !second.spans().is_empty()
    });
    assert_eq!(first.spans().len(), before);
    assert!(second.lines("logs").is_empty() && second.lines("metrics").is_empty());
    second.assert_nobody_is_in_it();
    privet.rewrite(|text| text.replace(&new, ""));
    privet.until("reloaded", || privet.metric("privet_config_reloads_total{result=\"applied\"}") == 2);
    ask(&privet, "01");
    assert!(origin.seen().contains(&format!("traceparent: 00-{TRACE}-{PARENT}-01\r\n")));
}

#[test]
fn diagnostics_are_sent_scrubbed_and_not_about_themselves() {
    let collector = Collector::started("grpc");
    let origin = Origin::start(OK);
    let privet = Privet::with(&format!("{}{}", collector.table(""), route(&origin, "")));
    // Refused, which is told at the level that tests run at.
    privet.raw(b"GET /kim.minsu@example.net HTTP/1.1\r\nHost: kim.minsu@example.net\r\nConnection: close\r\n\r\n");
    let diagnostics = || {
        let logs = collector.lines("logs");
        logs.into_iter().filter(|log| log["scope"] == "privet.diagnostics").collect::<Vec<_>>()
    };
    privet.until("refused", || {
        diagnostics().iter().any(|log| log["body"].as_str().is_some_and(|b| b.contains("refused")))
    });
    // Of sending itself something is said at this level, and none of it is sent.
    privet.until("said", || privet.log().contains("h2::"));
    for log in diagnostics() {
        let target = log["attributes"]["code.namespace"].as_str().unwrap_or_default().to_owned();
        assert!(!target.contains("otlp") && !target.starts_with("h2::client"), "{log}");
    }
    collector.assert_nobody_is_in_it();
}
