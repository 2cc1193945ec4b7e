//! Rules: whatever they say, reading and compiling them ends in a plan or in a fault that names its place, and a plan can be asked.
#![no_main]

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use libfuzzer_sys::fuzz_target;
use privet::shield::{
    fields::Bounds,
    parse, plan,
    rule::{Document, Phase},
    source::Source,
    transaction::{Head, Limits, Peer, Transaction},
};

fuzz_target!(|text: &str| {
    let source = Source { name: "fuzz.conf".into(), folder: None, text: text.to_owned() };
    let mut document = Document::default();
    if let Err(fault) = parse::read(&source, &mut document) {
        assert!(fault.to_string().starts_with("fuzz.conf:"), "{fault}");
        return;
    }
    let Ok(plan) = plan::compile(document) else { return };
    let bounds = Bounds { arguments: 100, depth: 8 };
    let limits = Limits { body: 4096, answer: 4096, bounds, time: Duration::from_millis(100) };
    let mut transaction = Transaction::new(&Arc::new(plan), limits);
    let head = Head { method: b"POST", target: b"/a?b=%41'", protocol: b"HTTP/1.1", host: b"a", id: b"1" };
    let peer = Peer { client: Ipv4Addr::LOCALHOST.into(), port: 1, server_port: 80 };
    transaction.head(&head, &peer, [(&b"Cookie"[..], &b"c=d"[..])].into_iter());
    transaction.ask(Phase::RequestHeaders);
    transaction.body(b"application/x-www-form-urlencoded", b"e=<f>", true);
    transaction.ask(Phase::RequestBody);
    transaction.ask(Phase::Logging);
});
