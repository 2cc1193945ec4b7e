//! The table of what there is; a new operation is a line here and a path in `openapi.json`. Each is a command of the control socket, but health, metrics and the document.

use http::Method;

use super::body::Takes;
use crate::admin::settings::May;

/// All metrics, as Prometheus has them.
pub(super) const METRICS: &str = "/metrics";
/// The document.
pub(super) const OPENAPI: &str = "/v1/openapi.json";
/// What stands for a number in a path.
const NUMBER: &str = "{number}";

/// One thing that can be asked for.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// What a program has to be let do; `None` is everybody.
    pub(super) may: Option<May>,
    pub(super) takes: Takes,
}

const fn open(path: &'static str) -> Operation {
    Operation { method: Method::GET, path, may: None, takes: Takes::Nothing }
}

const fn read(path: &'static str) -> Operation {
    Operation { method: Method::GET, path, may: Some(May::Read), takes: Takes::Nothing }
}

const fn operate(path: &'static str, takes: Takes) -> Operation {
    Operation { method: Method::POST, path, may: Some(May::Operate), takes }
}

/// All of them.
pub(super) const OPERATIONS: &[Operation] = &[
    open("/livez"),
    open("/readyz"),
    read(METRICS),
    read(OPENAPI),
    read("/v1/status"),
    read("/v1/configuration"),
    read("/v1/routes"),
    read("/v1/certificates"),
    read("/v1/journal"),
    read("/v1/personal-data"),
    read("/v1/logins"),
    read("/v1/bans"),
    read("/v1/scan"),
    read("/v1/antivirus"),
    read("/v1/attest"),
    read("/v1/incidents"),
    read("/v1/incidents/{number}"),
    operate("/v1/attest", Takes::Clause),
    operate("/v1/bans/add", Takes::Ban),
    operate("/v1/bans/lift", Takes::Lift),
    operate("/v1/reload", Takes::Nothing),
    operate("/v1/drain", Takes::Nothing),
];

impl Operation {
    fn is_at(&self, path: &str) -> bool {
        match self.path.strip_suffix(NUMBER) {
            None => self.path == path,
            Some(start) => path.strip_prefix(start).is_some_and(is_number),
        }
    }
}

/// From 1, without a sign or noughts before it: a thing has one path.
fn is_number(text: &str) -> bool {
    text.parse::<u64>().is_ok() && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0')
}

/// Whether everybody may ask for a path.
pub(super) fn is_open(path: &str) -> bool {
    OPERATIONS.iter().any(|operation| operation.may.is_none() && operation.is_at(path))
}

/// Whether there is anything at a path.
pub(super) fn is_known(path: &str) -> bool {
    OPERATIONS.iter().any(|operation| operation.is_at(path))
}

/// What is asked for; HEAD is GET without its body.
pub(super) fn find(method: &Method, path: &str) -> Option<&'static Operation> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    OPERATIONS.iter().find(|operation| operation.method == *method && operation.is_at(path))
}

/// The methods of a path, as `Allow` has them.
pub(super) fn allowed(path: &str) -> &'static str {
    let has = |method: &Method| find(method, path).is_some();
    match (has(&Method::GET), has(&Method::POST)) {
        (true, true) => "GET, HEAD, POST",
        (false, true) => "POST",
        _ => "GET, HEAD",
    }
}
