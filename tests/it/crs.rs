//! The Core Rule Set's own regression tests, asked of the engine.

mod ftw;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use privet::shield::{
    fields::Bounds,
    plan::Plan,
    rule::Phase,
    ruleset,
    settings::Settings,
    transaction::{Head, Limits, Peer, Transaction},
};

use self::ftw::{Input, Stage};

/// Stages that no server of this kind can pass, and why.
const EXCEPTIONS: &[(u32, u32, &str)] =
    &[(920620, 1, "two Content-Type headers are two here; the test is of a server that joins them")];

fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/crs");
    if !data.is_dir() {
        println!("skipped: the Core Rule Set's regression tests are not beside the project");
        return None;
    }
    Some(data)
}

/// What the rule set's own set-up for its tests says (its rule 900005).
fn test_setup(folder: &Path) -> PathBuf {
    let path = folder.join("900005.conf");
    let text = r#"SecAction "id:900005,phase:1,nolog,pass,ctl:ruleEngine=DetectionOnly,ctl:ruleRemoveById=910000,\
        setvar:tx.blocking_paranoia_level=4,setvar:tx.crs_validate_utf8_encoding=1,setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,\
        setvar:tx.total_arg_length=64000,setvar:tx.max_num_args=255,setvar:tx.max_file_size=64100,setvar:tx.combined_file_sizes=65535"
"#;
    std::fs::write(&path, text).expect("a file");
    path
}

fn plan(paranoia: u8) -> Option<Arc<Plan>> {
    let data = data()?;
    let folder = tempfile::tempdir().expect("a folder");
    let before = if paranoia == 4 { vec![test_setup(folder.path())] } else { Vec::new() };
    let settings = Settings {
        rules: Some(data.join("rules-v4")),
        before,
        paranoia,
        detection_paranoia: paranoia,
        ..Settings::default()
    };
    let plan = ruleset::load(&settings).unwrap_or_else(|fault| panic!("{fault}"));
    plan.compile_patterns().unwrap_or_else(|why| panic!("{why}"));
    Some(Arc::new(plan))
}

fn limits() -> Limits {
    let bounds = Bounds { arguments: 4_000, depth: 64 };
    Limits { body: 1 << 20, answer: 1 << 20, bounds, time: Duration::from_secs(60) }
}

/// A request's parts, read as any server would read them.
struct Request {
    line: Vec<Vec<u8>>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
}

fn request(input: &Input) -> Option<Request> {
    let bytes = input.bytes();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let mut lines = bytes[..end].split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.next()?;
    let (method, rest) = first.split_at(first.iter().position(|b| *b == b' ')?);
    let last = rest.iter().rposition(|b| *b == b' ').filter(|at| *at > 0)?;
    let line = vec![method.to_vec(), rest[1..last].to_vec(), rest[last + 1..].to_vec()];
    let headers: Vec<_> = lines
        .filter_map(|line| {
            let at = line.iter().position(|b| *b == b':')?;
            Some((line[..at].to_vec(), line[at + 1..].trim_ascii().to_vec()))
        })
        .collect();
    Some(Request { line, headers, body: bytes[end + 4..].to_vec() })
}

/// Asks all phases; the answer is what an echo would send.
fn ask(plan: &Arc<Plan>, request: &Request) -> Transaction {
    let mut transaction = Transaction::new(plan, limits());
    let id = format!("{:032x}", fastrand::u128(..));
    let head = Head {
        method: &request.line[0],
        target: &request.line[1],
        protocol: &request.line[2],
        host: b"localhost",
        id: id.as_bytes(),
    };
    let peer =
        Peer { client: Ipv4Addr::LOCALHOST.into(), port: 5000, local: SocketAddr::from((Ipv4Addr::LOCALHOST, 80)) };
    transaction.head(&head, &peer, request.headers.iter().map(|(n, v)| (&n[..], &v[..])));
    transaction.ask(Phase::RequestHeaders);
    let header = |name: &str| {
        request.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, v)| v.as_slice())
    };
    transaction.body(header("content-type").unwrap_or_default(), &request.body, true);
    transaction.ask(Phase::RequestBody);
    let (status, headers, body) = reflected(request);
    transaction.answer_head(status, b"HTTP/1.1", headers.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())));
    transaction.ask(Phase::ResponseHeaders);
    transaction.answer_body(&body, true);
    transaction.ask(Phase::ResponseBody);
    transaction.ask(Phase::Logging);
    transaction
}

/// The answer that a request asks of `/reflect`; a plain page otherwise.
fn reflected(request: &Request) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let plain = (200, vec![("Content-Type".to_owned(), "text/html".to_owned())], b"Hello.".to_vec());
    if !request.line[1].starts_with(b"/reflect") {
        return plain;
    }
    let Ok(wanted) = serde_json::from_slice::<serde_json::Value>(&request.body) else { return plain };
    let status = wanted["status"].as_u64().and_then(|s| u16::try_from(s).ok()).unwrap_or(200);
    let mut headers: Vec<(String, String)> = wanted["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(n, v)| (n.clone(), v.as_str().unwrap_or_default().to_owned()))
        .collect();
    if !headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("content-type")) {
        headers.push(("Content-Type".into(), "text/plain".into()));
    }
    let body = match (wanted["body"].as_str(), wanted["encodedBody"].as_str()) {
        (Some(body), _) => body.as_bytes().to_vec(),
        (None, Some(encoded)) => {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.decode(encoded).unwrap_or_default()
        }
        (None, None) => Vec::new(),
    };
    (status, headers, body)
}

/// A text in one line, as logs have it.
fn printable(text: &[u8]) -> String {
    let escaped = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte).to_string(),
        byte => format!("\\x{byte:02x}"),
    };
    text.iter().map(escaped).collect()
}

/// Why a stage fails, if it does.
fn judge(stage: &Stage, plan: &Plan, transaction: &Transaction) -> Option<String> {
    let found: Vec<u32> = transaction.findings().iter().map(|f| plan.rules[f.rule as usize].id).collect();
    let lines: Vec<String> = transaction
        .findings()
        .iter()
        .map(|finding| {
            let [message, data] = finding.said.each_ref().map(|text| printable(text));
            let (id, label) =
                (plan.rules[finding.rule as usize].id, String::from_utf8_lossy(&finding.label()).into_owned());
            format!("[id \"{id}\"] [msg \"{message}\"] [data \"{data}\"] [variable \"{label}\"]")
        })
        .collect();
    let log = stage.output.log.as_ref()?;
    let missing: Vec<u32> = log.expect_ids.iter().filter(|id| !found.contains(id)).copied().collect();
    let unwanted: Vec<u32> = log.no_expect_ids.iter().filter(|id| found.contains(id)).copied().collect();
    let text = log.match_regex.as_deref().is_some_and(|regex| {
        let regex = regex::Regex::new(regex.trim_end()).expect("a pattern");
        !lines.iter().any(|line| regex.is_match(line))
    });
    (!missing.is_empty() || !unwanted.is_empty() || text)
        .then(|| format!("missing {missing:?}, unwanted {unwanted:?}, text {text}"))
}

#[test]
fn regression_stages_at_paranoia_4() {
    let (Some(data), Some(plan)) = (data(), plan(4)) else { return };
    let (mut stages, mut failures) = (0usize, BTreeMap::new());
    for (_, file) in ftw::files(&data.join("regression-dev")) {
        for test in &file.tests {
            for stage in &test.stages {
                stages += 1;
                let why = match request(&stage.input) {
                    Some(request) => {
                        let transaction = ask(&plan, &request);
                        judge(stage, &plan, &transaction)
                    }
                    None => Some("no request".to_owned()),
                };
                let reason = EXCEPTIONS.iter().find(|(rule, id, _)| (*rule, *id) == (file.rule_id, test.test_id));
                if let Some(why) = why {
                    failures.insert((file.rule_id, test.test_id), (why, reason.map(|(.., reason)| *reason)));
                }
            }
        }
    }
    for ((rule, test), (why, reason)) in &failures {
        println!("{rule}-{test}: {why}; {}", reason.unwrap_or("no reason is known"));
    }
    let rate = 100.0 - failures.len() as f64 * 100.0 / stages as f64;
    println!("{stages} stages, {} failed: {rate:.2} %", failures.len());
    assert!(rate >= 98.5, "{rate:.2} % of {stages} stages");
}
