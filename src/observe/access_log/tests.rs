use std::{fs, net::IpAddr, os::unix::fs::PermissionsExt as _, path::Path, rc::Rc};

use super::{
    entry::Entry,
    settings::{Format, Keep, Rotate, WhenFull},
    url::{Cleaner, Scratch, Sightings},
    *,
};
use crate::{
    privacy::{Engine, Keys, settings::Settings as Rules},
    seal::{Opener, Purpose, Ring},
};

fn engine() -> Arc<Engine> {
    Arc::new(Engine::new(&Rules::default(), Arc::new(Keys::ephemeral().expect("keys"))))
}

fn settings(path: &Path) -> Settings {
    Settings { target: Target::File(path.to_owned()), ..Settings::default() }
}

struct Bench {
    log: Arc<Log>,
    metrics: Arc<Metrics>,
}

impl Bench {
    fn open(settings: &Settings) -> Self {
        let metrics = Metrics::new(2);
        let log = Log::open(settings, &metrics, 2, None).expect("opened").expect("on");
        Self { log, metrics }
    }

    fn scribe(&self, worker: usize) -> Rc<Scribe> {
        Scribe::new(worker, &self.metrics.shard(worker), &engine(), Some(&self.log), None).expect("a pen")
    }

    fn end(&self) {
        assert!(self.log.end(Duration::from_secs(30)));
    }
}

fn entry() -> Entry<'static> {
    Entry {
        request_id: b"0123456789abcdef0123456789abcdef",
        traceparent: Some(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        traced: false,
        method: Some("GET"),
        target: Some(b"/customers/kim.minsu@example.net/orders?phone=010-1234-5678&page=2"),
        route: Some("shop.example/"),
        status: 200,
        response_bytes: 512,
        request_bytes: 0,
        total: Duration::from_micros(1500),
        upstream: Some(Duration::from_micros(1200)),
        handshake: None,
        protocol: "1.1",
        tls_version: Some("1.3"),
        tls_group: Some("X25519MLKEM768"),
        client: Some(IpAddr::from([203, 0, 113, 9])),
        user_agent: Some(b"curl/8.5.0 (kim.minsu@example.net)"),
        referrer: Some(b"https://kim:pw@shop.example/a?email=kim.minsu%40example.net#kim"),
        error: None,
        verdicts: &[("url_privacy", "log")],
        found: None,
        decision: None,
        scanned: None,
    }
}

/// What no line may hold.
fn assert_clean(text: &str) {
    for value in ["kim", "010-1234", "203.0.113.9", "pw@"] {
        assert!(!text.contains(value), "{value} in {text}");
    }
}

#[test]
fn a_line_holds_what_is_documented_and_nothing_personal() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("logs/access.log");
    let bench = Bench::open(&settings(&path));
    bench.scribe(0).write(None, &entry(), false, None);
    bench.scribe(1).write(None, &Entry { protocol: "2", ..Entry::default() }, false, None);
    bench.end();
    let text = fs::read_to_string(&path).expect("a file");
    assert_clean(&text);
    let mut lines = text.lines();
    let line: serde_json::Value = serde_json::from_str(lines.next().expect("a line")).expect("JSON");
    let names: Vec<&str> = line.as_object().expect("an object").keys().map(String::as_str).collect();
    for name in [
        "timestamp",
        "trace_id",
        "http.request.method",
        "url.path",
        "url.query",
        "http.route",
        "http.response.status_code",
        "http.response.body.size",
        "http.request.body.size",
        "http.server.request.duration",
        "http.client.request.duration",
        "http.request.header.referer",
        "network.protocol.version",
        "tls.protocol.version",
        "tls.curve",
        "client.address",
        "user_agent.name",
        "privet.request_id",
        "privet.verdicts",
        "privet.found",
    ] {
        assert!(names.contains(&name), "{name} is missing in {line}");
    }
    assert_eq!(line["user_agent.name"], "curl");
    assert_eq!(line["http.server.request.duration"], 0.0015);
    assert_eq!(line["privet.found"]["EMAIL_ADDRESS"], 2);
    assert_eq!(line["privet.found"]["PHONE_NUMBER"], 1);
    let path_shown = line["url.path"].as_str().expect("text");
    assert!(path_shown.starts_with("/customers/<EMAIL_ADDRESS:") && path_shown.ends_with(">/orders"), "{path_shown}");
    assert!(line["url.query"].as_str().expect("text").ends_with("&page=2"));
    assert_eq!(lines.count(), 1);
    let metrics = bench.metrics.render(crate::observe::metrics::Format::Prometheus);
    assert!(
        metrics.contains("privet_redactions_total{route=\"shop.example/\",type=\"EMAIL_ADDRESS\",place=\"url\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics
            .contains("privet_redactions_total{route=\"shop.example/\",type=\"EMAIL_ADDRESS\",place=\"referrer\"} 1")
    );
    assert!(metrics.contains("privet_log_lines_total 2"));
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
}

#[test]
fn combined_lines_are_apaches() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("access.log");
    let bench = Bench::open(&Settings { format: Format::Combined, ..settings(&path) });
    bench.scribe(0).write(None, &entry(), false, None);
    bench.scribe(0).write(
        None,
        &Entry { target: Some(b"/a\"b\\c\xff"), protocol: "1.0", ..Entry::default() },
        false,
        None,
    );
    bench.end();
    let text = fs::read_to_string(&path).expect("a file");
    assert_clean(&text);
    let shape = regex::Regex::new(concat!(
        r#"^<IP_ADDRESS:\w{16}> - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /customers/<EMAIL_ADDRESS:\w{16}>/orders"#,
        r#"\?phone=<PHONE_NUMBER:\w{16}>&page=2 HTTP/1.1" 200 512 "https://shop.example/a\?email=<EMAIL_ADDRESS:\w{16}>" "curl"$"#
    ));
    assert!(shape.expect("a pattern").is_match(text.lines().next().expect("a line")), "{text}");
    assert!(
        text.lines().nth(1).expect("a line").contains(r#""_OTHER /a\x22b\x5Cc\xFF HTTP/1.0" 0 0 "-" "-""#),
        "{text}"
    );
}

fn clean(raw: &str) -> (String, Sightings) {
    let (mut out, mut found, mut scratch) = (Vec::new(), Sightings::default(), Scratch::default());
    Cleaner { engine: &engine(), found: &mut found, scratch: &mut scratch, referrer: false }
        .target(raw.as_bytes(), &mut out);
    (String::from_utf8(out).expect("text"), found)
}

#[test]
fn urls_without_personal_data_stay_as_they_came() {
    for raw in [
        "/",
        "/a/b%20c/%ED%95%9C?x=%zz&y&=&&z=1+2%",
        "/static/app.3f9c2b7e.js?v=1764041078",
        "/orders/550e8400-e29b-41d4-a716-446655440000",
        "/search?q=%EC%8B%A0%EB%B0%9C&sort=price&size=50",
    ] {
        let (out, found) = clean(raw);
        assert_eq!(out, raw);
        assert!(found.is_empty());
    }
}

#[test]
fn personal_data_is_found_however_it_is_encoded() {
    for raw in [
        "/u/kim.minsu@example.net",
        "/u/kim.minsu%40example.net",
        "/u/kim.minsu%2540example.net",
        "/u?kim.minsu%40example.net",
        "/u?kim.minsu%40example.net=1",
        "/u?user%5Bemail%5D=kim.minsu%40example.net",
        "/u?q=mail+kim.minsu%40example.net+now",
        "/u?filter=%7B%22email%22%3A%22kim.minsu%40example.net%22%7D",
        "/u?a=1;b=kim.minsu@example.net",
    ] {
        let (out, found) = clean(raw);
        assert!(!out.contains("kim") && !out.contains("minsu"), "{raw} -> {out}");
        assert!(!found.is_empty(), "{raw}");
    }
    let (out, _) = clean("/u?password=hunter2&name=%EA%B9%80%EB%AF%BC%EC%88%98");
    assert!(!out.contains("hunter2") && !out.contains("%EA%B9%80"), "{out}");
}

#[test]
fn large_files_are_put_aside_and_old_ones_deleted() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("access.log");
    fs::write(dir.path().join("access.log.mine"), "kept").expect("written");
    let rotate = Rotate { size: Some(1), age: None };
    let bench = Bench::open(&Settings { rotate, keep: Keep { files: Some(2), age: None }, ..settings(&path) });
    let scribe = bench.scribe(0);
    for written in 1..=5 {
        scribe.write(None, &entry(), false, None);
        until(|| bench.metrics.log.written.value() == written);
    }
    bench.end();
    let mut names: Vec<String> = fs::read_dir(dir.path())
        .expect("a folder")
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names.iter().filter(|name| name.contains('Z')).count(), 2, "{names:?}");
    assert!(names.contains(&"access.log.mine".to_owned()));
}

fn until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn two_writers_of_one_file_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(&dir.path().join("access.log"));
    let first = Bench::open(&settings);
    let second = Log::open(&settings, &Metrics::new(1), 1, None);
    assert!(matches!(second, Err(Error::Held { .. })));
    // A reload of the same process goes on with it.
    let again = Log::open(&settings, &first.metrics, 2, Some(&first.log)).expect("opened").expect("on");
    let scribe = Scribe::new(0, &first.metrics.shard(0), &engine(), Some(&again), None).expect("a pen");
    scribe.write(None, &entry(), false, None);
    first.end();
    assert_eq!(first.metrics.log.written.value(), 1);
}

#[test]
fn a_file_that_was_moved_is_opened_anew() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("access.log");
    let bench = Bench::open(&settings(&path));
    let scribe = bench.scribe(0);
    scribe.write(None, &entry(), false, None);
    until(|| bench.metrics.log.written.value() == 1);
    fs::rename(&path, dir.path().join("moved")).expect("moved");
    bench.log.reopen();
    until(|| path.exists());
    scribe.write(None, &entry(), false, None);
    bench.end();
    for file in [&path, &dir.path().join("moved")] {
        assert_eq!(fs::read_to_string(file).expect("a file").lines().count(), 1);
    }
}

#[test]
fn a_sealed_file_opens_with_its_key_only() {
    let dir = tempfile::tempdir().expect("a folder");
    let (path, key) = (dir.path().join("access.log"), dir.path().join("seal.key"));
    let sealed = Settings { sealed: Some(key.clone()), ..settings(&path) };
    for _ in 0..2 {
        let bench = Bench::open(&sealed);
        bench.scribe(0).write(None, &entry(), false, None);
        bench.end();
    }
    let bytes = fs::read(&path).expect("a file");
    assert!(!bytes.windows(9).any(|w| w == b"timestamp"));
    let ring = Ring::load(&key).expect("keys");
    let mut buffer = Vec::new();
    let mut opener = Opener::new(&bytes[..], &ring, Purpose::AccessLog).expect("sealed");
    let plain = opener.next(&mut buffer).expect("whole").expect("a segment").to_vec();
    assert_eq!(String::from_utf8(plain).expect("text").lines().count(), 1);
    assert!(opener.next(&mut buffer).expect("whole").is_none());
    // The file of the first start was put aside, since a chain can't be taken up again.
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").flatten().count(), 4);
}

#[test]
fn what_does_not_fit_is_dropped_and_counted() {
    let dir = tempfile::tempdir().expect("a folder");
    let bench = Bench::open(&Settings { queue: 4096, ..settings(&dir.path().join("access.log")) });
    let scribe = bench.scribe(0);
    for _ in 0..1000 {
        scribe.write(None, &entry(), false, None);
    }
    bench.end();
    let log = &bench.metrics.log;
    assert_eq!(log.written.value() + log.dropped.value(), 1000);
    assert!(log.dropped.value() > 0);
}

#[tokio::test]
async fn a_full_disk_stops_requests_or_not_by_setting() {
    // Every write to it fails with ENOSPC.
    let full = Path::new("/dev/full");
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("access.log");
    std::os::unix::fs::symlink(full, &path).expect("linked");
    for when_full in [WhenFull::Wait, WhenFull::Drop] {
        let bench = Bench::open(&Settings { when_full, ..settings(&path) });
        let scribe = bench.scribe(0);
        assert!(scribe.room().await.is_ok());
        scribe.write(None, &entry(), false, None);
        until(|| bench.metrics.log.errors.value() > 0);
        assert_eq!(scribe.room().await.is_err(), when_full == WhenFull::Wait);
        bench.end();
        assert_eq!(bench.metrics.log.written.value(), 0);
    }
}

#[test]
fn what_was_clean_before_is_written_alike_and_by_its_own_rules() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("access.log");
    let bench = Bench::open(&settings(&path));
    let scribe = bench.scribe(0);
    let strict = Engine::new(
        &Rules { operator: crate::privacy::Operator::Redact, ..Rules::default() },
        Arc::new(Keys::ephemeral().expect("keys")),
    );
    let clean = Entry {
        target: Some(b"/orders/1?page=2&q=\"a\""),
        referrer: Some(b"https://kim:pw@shop.example/a#kim"),
        ..entry()
    };
    for _ in 0..3 {
        scribe.write(None, &clean, false, None);
        // Neither is remembered: something is in one of the two.
        scribe.write(None, &Entry { referrer: clean.referrer, ..entry() }, false, None);
        scribe.write(Some(&strict), &entry(), false, None);
    }
    bench.end();
    let text = fs::read_to_string(&path).expect("a file");
    assert_clean(&text);
    let shown: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let names = ["url.path", "url.query", "http.request.header.referer", "privet.found", "client.address"];
    for (i, line) in shown.iter().enumerate() {
        for name in names {
            assert_eq!(line.get(name), shown[i % 3].get(name));
        }
    }
    assert_eq!(shown[0]["url.query"], "page=2&q=\"a\"");
    assert_eq!(shown[0]["http.request.header.referer"][0], "https://shop.example/a");
    assert_eq!(shown[1]["privet.found"]["EMAIL_ADDRESS"], 1);
    assert_eq!(shown[2]["client.address"], "<IP_ADDRESS>");
    assert_eq!(shown[2]["url.query"], "phone=<PHONE_NUMBER>&page=2");
}
