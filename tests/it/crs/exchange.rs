//! A request as a server reads it, asked of the engine; and the rules that ask.

use std::{
    net::Ipv4Addr,
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

/// The folder with the Core Rule Set 4 and its regression tests.
pub fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/crs");
    if !data.is_dir() {
        println!("skipped: the Core Rule Set's regression tests are not beside the project");
        return None;
    }
    Some(data)
}

/// Rules with all patterns compiled; `before` is read first.
pub fn plan(rules: PathBuf, paranoia: u8, before: Option<&str>) -> Arc<Plan> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("before.conf");
    std::fs::write(&file, before.unwrap_or_default()).expect("a file");
    let settings = Settings {
        rules: Some(rules),
        before: vec![file],
        paranoia,
        detection_paranoia: paranoia,
        ..Settings::default()
    };
    let plan = ruleset::load(&settings).unwrap_or_else(|fault| panic!("{fault}"));
    plan.compile_patterns().unwrap_or_else(|why| panic!("{why}"));
    Arc::new(plan)
}

/// Room for whatever the tests send.
pub fn limits() -> Limits {
    let bounds = Bounds { arguments: 4_000, depth: 64 };
    Limits { body: 1 << 20, answer: 1 << 20, bounds, time: Duration::from_secs(60) }
}

/// A request's parts, read as any server would read them.
pub struct Request {
    /// Method, target, protocol.
    pub line: [Vec<u8>; 3],
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Request {
    /// None where a server would not know where anything ends.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let mut lines = bytes[..end].split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let first = lines.next()?;
        let (method, rest) = first.split_at(first.iter().position(|b| *b == b' ')?);
        let last = rest.iter().rposition(|b| *b == b' ').filter(|at| *at > 0)?;
        let line = [method.to_vec(), rest[1..last].to_vec(), rest[last + 1..].to_vec()];
        let header = |line: &[u8]| {
            let at = line.iter().position(|b| *b == b':')?;
            Some((line[..at].to_vec(), line[at + 1..].trim_ascii().to_vec()))
        };
        Some(Self { line, headers: lines.filter_map(header).collect(), body: bytes[end + 4..].to_vec() })
    }

    /// The first of this name.
    pub fn header(&self, name: &str) -> &[u8] {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|(_, value)| value.as_slice()).unwrap_or_default()
    }

    /// Asks the phases of a request.
    pub fn ask(&self, plan: &Arc<Plan>, limits: Limits) -> Transaction {
        let mut transaction = Transaction::new(plan, limits);
        let id = format!("{:032x}", fastrand::u128(..));
        let [method, target, protocol] = &self.line;
        let head = Head { method, target, protocol, host: b"localhost", id: id.as_bytes() };
        let peer = Peer { client: Ipv4Addr::LOCALHOST.into(), port: 40_000, server_port: 80 };
        transaction.head(&head, &peer, self.headers.iter().map(|(n, v)| (&n[..], &v[..])));
        transaction.ask(Phase::RequestHeaders);
        transaction.body(self.header("content-type"), &self.body, true);
        transaction.ask(Phase::RequestBody);
        transaction
    }

    /// Asks all phases; the answer is what an echo would send.
    pub fn ask_all(&self, plan: &Arc<Plan>) -> Transaction {
        let mut transaction = self.ask(plan, limits());
        let answer = self.reflected();
        transaction.answer_head(
            answer.status,
            b"HTTP/1.1",
            answer.headers.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())),
        );
        transaction.ask(Phase::ResponseHeaders);
        transaction.answer_body(&answer.body, true);
        transaction.ask(Phase::ResponseBody);
        transaction.ask(Phase::Logging);
        transaction
    }

    /// The answer that a request asks of `/reflect`; a plain page otherwise.
    pub fn reflected(&self) -> Answer {
        let plain = Answer {
            status: 200,
            headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
            body: b"Hello.".to_vec(),
        };
        if !self.line[1].starts_with(b"/reflect") {
            return plain;
        }
        let Ok(wanted) = serde_json::from_slice::<serde_json::Value>(&self.body) else { return plain };
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
        Answer { status, headers, body }
    }
}

/// What an echo answers.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// As it goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {} -\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Numbers of the rules that a transaction's findings are of.
pub fn found(plan: &Plan, transaction: &Transaction) -> Vec<u32> {
    transaction.findings().iter().map(|finding| plan.rules[finding.rule as usize].id).collect()
}
