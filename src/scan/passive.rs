//! Asks the passive rules of an answer.

use bytes::Bytes;
use http::{HeaderMap, header};

use super::{
    exchange::Exchange,
    finding::{Finding, Findings, Seen},
    rule::{Looks, Rule},
    rules,
};
use crate::format::coding::{Coding, Decoder};

/// What passive rules say of an answer: of each rule the first.
pub(super) fn seen(exchange: &Exchange<'_>) -> Vec<(&'static Rule, Seen)> {
    let first = |rule: &'static Rule| match rule.looks {
        Looks::Answer(look) => look(exchange).into_iter().next().map(|seen| (rule, seen)),
        Looks::Probe | Looks::Configuration => None,
    };
    rules::passive().filter_map(first).collect()
}

/// Takes everything in that passive rules say of an answer.
pub fn take_in(exchange: &Exchange<'_>, findings: &mut Findings) {
    for rule in rules::passive() {
        if let Looks::Answer(look) = rule.looks {
            for seen in look(exchange) {
                findings.add(Finding::new(rule, &exchange.asked.place(), &seen, exchange.eye()));
            }
        }
    }
}

/// A body without its codings, up to `most` bytes; nothing of one that can't be read.
pub(super) fn plain(headers: &HeaderMap, body: Vec<u8>, most: usize) -> Bytes {
    let lines: Vec<&str> =
        headers.get_all(header::CONTENT_ENCODING).iter().map(|line| line.to_str().unwrap_or("?")).collect();
    let mut bytes = body;
    for name in lines.join(",").rsplit(',').map(str::trim) {
        if name.is_empty() || name.eq_ignore_ascii_case("identity") {
            continue;
        }
        let Some(coding) = Coding::of(name) else { return Bytes::new() };
        let (mut decoder, mut out) = (Decoder::new(coding), Vec::new());
        let mut rest = &bytes[..];
        while (!rest.is_empty() || decoder.has_more()) && out.len() < most {
            match decoder.step(rest, &mut out) {
                Ok(0) if !decoder.has_more() => break,
                Ok(read) => rest = &rest[read..],
                Err(_) => return Bytes::new(),
            }
        }
        out.truncate(most);
        bytes = out;
    }
    bytes.into()
}
