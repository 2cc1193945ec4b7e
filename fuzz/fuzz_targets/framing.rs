//! No bytes make the framing rules panic, and no cut changes its verdict.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use privet::{
    common::http1::{Chunks, Pattern},
    gateway::settings::HeadRules,
    server::framing::{find_end, read},
};

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let rules = HeadRules { header_bytes: 4096, header_count: 20, uri_bytes: 512, ..HeadRules::default() };
    if let Ok(Some(end)) = find_end(bytes, 0, &rules) {
        let (head, mut pattern) = (Bytes::copy_from_slice(&bytes[..end]), Pattern::default());
        let passed = read(&head, &rules, &mut pattern).map(|passed| passed.parts.headers);
        for _ in 0..3 {
            assert_eq!(read(&head, &rules, &mut pattern).map(|passed| passed.parts.headers), passed);
        }
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
