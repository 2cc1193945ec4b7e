//! Each transformation of rules takes any bytes, leaves those without its triggers as they are, and does not grow beyond its bound.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privet::shield::{bytes::Bytes, transform::Transform};

fuzz_target!(|text: &[u8]| {
    let mut out = Vec::new();
    for (name, transform) in Transform::NAMES {
        out.clear();
        transform.apply(text, &mut out);
        let triggers = transform.triggers();
        assert!(triggers == Bytes::ALL || triggers.meets(&Bytes::of(text)) || out == text, "{name}");
        assert!(out.len() <= text.len() * 7 / 2 + 20, "{name}");
    }
});
