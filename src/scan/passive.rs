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

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::format::coding::Encoder;

    #[test]
    fn codings_are_undone_up_to_a_bound() {
        let text = "<title>Index of /</title>".repeat(1000);
        for (name, coding) in [("gzip", Coding::Gzip), ("br", Coding::Brotli), ("zstd", Coding::Zstd)] {
            let (mut encoder, mut coded) = (Encoder::new(coding), Vec::new());
            encoder.push(text.as_bytes(), &mut coded).expect("coded");
            encoder.finish(&mut coded).expect("coded");
            let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static(name))]);
            assert_eq!(plain(&headers, coded.clone(), 1000), text.as_bytes()[..1000], "{name}");
            // What is cut, as a body beyond the bound is, is read as far as it goes.
            assert!(
                text.as_bytes().starts_with(&plain(&headers, coded[..coded.len() / 2].to_vec(), 1 << 20)),
                "{name}"
            );
        }
        let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static("unknown"))]);
        assert!(plain(&headers, b"x".to_vec(), 9).is_empty() && plain(&HeaderMap::new(), b"x".to_vec(), 9) == "x");
    }
}
