//! Metrics as those who read them do: the field's own parsers, dashboards, alert rules, and the list in the documents.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use crate::support::{Origin, Privet, python};

/// Parses both formats, strictly, and prints what the request with the id of argument 2 is an exemplar of.
const PARSERS: &str = r#"
import sys, urllib.request
from prometheus_client.parser import text_string_to_metric_families as prometheus
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
port, request = sys.argv[1:]
def fetch(accept):
    answer = urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept}))
    return answer.headers["Content-Type"], answer.read().decode()
media, text = fetch("text/plain;version=0.0.4")
assert media.startswith("text/plain; version=0.0.4"), media
plain = {family.name: family for family in prometheus(text)}
media, text = fetch("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1")
assert media.startswith("application/openmetrics-text; version=1.0.0"), media
open = {family.name: family for family in openmetrics(text)}
assert open["privet_build"].type == "info"
assert open["privet_request_duration_seconds"].unit == "seconds"
assert open["privet_requests"].type == plain["privet_requests"].type == "counter"
names = lambda families: {sample.name for family in families.values() for sample in family.samples}
assert names(plain) == names(open), names(plain) ^ names(open)
for family in open.values():
    for sample in family.samples:
        if sample.exemplar and sample.exemplar.labels.get("request_id") == request:
            assert 0 < sample.exemplar.value <= 60 and float(sample.exemplar.timestamp) > 1.7e9
            print(sample.name, sample.labels["route"])
"#;

/// A gateway on which every family is shown.
fn all(origin: &Origin) -> Privet {
    let login = "[[login]]\npath = \"/login\"\nusername = \"form:user\"\nfailure = { status = [401] }\n";
    // Nobody is there, which costs the sharing of limits only.
    let store = "[store]\nredis = \"redis://127.0.0.1:1\"\n";
    let telemetry = "[telemetry]\nendpoint = \"http://127.0.0.1:1\"\n";
    let seal = "[seal]\nkey_file = \"seal.key\"\n";
    let list = "name = \"agent\"\ncrowdsec = \"http://127.0.0.1:1\"\napi_key = \"none\"\n";
    let bans = format!("[shield.ban]\n[[shield.ban.list]]\n{list}");
    let text = format!("{}{login}{store}{telemetry}{seal}{bans}", origin.route("mask = \"all\"\nwatch = true\n"));
    Privet::with(&text)
}

#[test]
fn both_formats_are_what_their_parsers_take() {
    let privet = Privet::with(&Origin::start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").route(""));
    let answer = privet.get("/", "");
    let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("an id");
    privet.until("counted", || privet.metrics().contains("status=\"2xx\",principal=\"anonymous\"} 1"));
    let out = Command::new(python())
        .args(["-c", PARSERS, &privet.admin.port().to_string(), id])
        .output()
        .expect("python runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let examples = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(examples.contains("privet_request_duration_seconds_bucket "), "{examples}");
}

/// Names of families, with the kinds that the text says they are.
fn families(metrics: &str) -> BTreeSet<String> {
    let types = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// Names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("privet_") || word.starts_with("process_"));
    let base = |word: &str| {
        let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix));
        histogram.unwrap_or(word).to_owned()
    };
    ours.map(base).collect()
}

#[test]
fn documents_dashboard_and_alerts_name_what_is_shown() {
    let privet = all(&Origin::start(crate::support::OK));
    let shown = families(&privet.metrics());
    let told: BTreeSet<String> = file("docs/METRICS.md")
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned()))
        .collect();
    assert_eq!(told, shown, "docs/METRICS.md differs from what is shown");
    for path in ["deploy/observability/grafana-dashboard.json", "deploy/observability/alerts.yml"] {
        let named = names(&file(path));
        assert!(named.len() > 10, "{path}");
        let unknown: Vec<_> = named.difference(&shown).collect();
        assert!(unknown.is_empty(), "{path} names {unknown:?}, which nobody shows");
    }
}

#[test]
fn alert_rules_fire_when_they_should() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/observability");
    for args in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]] {
        let out = Command::new("promtool").args(args).current_dir(&folder).output().expect("promtool runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&[out.stdout, out.stderr].concat()));
    }
}

#[test]
fn prometheus_itself_has_nothing_to_say_against_them() {
    let privet = all(&Origin::start(crate::support::OK));
    privet.get("/", "");
    let metrics = privet.metrics();
    let text = metrics.split_once("\r\n\r\n").expect("a body").1;
    let path = privet.dir.path().join("metrics");
    fs::write(&path, text).expect("written");
    let input = fs::File::open(&path).expect("opened");
    let out = Command::new("promtool").args(["check", "metrics"]).stdin(input).output().expect("promtool runs");
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(out.status.success(), "{said}");
}

#[test]
fn pools_are_counted() {
    let origin = Origin::start(crate::support::OK);
    let privet = Privet::with(&origin.route(""));
    let gauge = |name: &str| privet.metric(&format!("privet_upstream_{name}{{upstream=\"{}\"}}", origin.address));
    assert!(privet.get("/", "").starts_with("HTTP/1.1 200"));
    privet.until("back in the pool", || gauge("connections_idle") == 1);
    assert_eq!((gauge("connections_open"), gauge("connections_total"), gauge("requests_in_flight")), (1, 1, 0));
    assert_eq!(privet.metric(&format!("privet_upstream_up{{route=\"*/\",upstream=\"{}\"}}", origin.address)), 1);
}

#[test]
fn nobody_finds_a_person_in_them() {
    let privet = all(&Origin::start(crate::support::OK));
    privet.get("/customers/kim@example.com?phone=010-1234-5678", "User-Agent: kim@example.com\r\n");
    privet.raw(b"KIM@EXAMPLE.COM / HTTP/1.1\r\nHost: kim.example.com\r\nConnection: close\r\n\r\n");
    privet.until("counted", || privet.metric("privet_connections_open") == 0);
    let metrics = privet.metrics().to_lowercase();
    assert!(!metrics.contains("kim") && !metrics.contains("1234"), "{metrics}");
}
