//! No bytes make the framing rules panic, and no cut changes its verdict.
#![no_main]

use bytes::Bytes;
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use privet::{
    common::http1::Chunks,
    gateway::settings::HeadRules,
    server::framing::{find_end, read},
};

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let rules = HeadRules { header_bytes: 4096, header_count: 20, uri_bytes: 512, ..HeadRules::default() };
    if let Ok(Some(end)) = find_end(bytes, 0, &rules) {
        let _ = read(&Bytes::copy_from_slice(&bytes[..end]), &rules, HeaderMap::new());
    }
    let at = usize::from(cut).min(bytes.len());
    let whole = Chunks::default().read(bytes);
    let mut parts = Chunks::default();
    let cut = match parts.read(&bytes[..at]) {
        Ok(None) => parts.read(&bytes[at..]).map(|end| end.map(|n| n + at)),
        done => done,
    };
    assert_eq!(whole, cut);
});
