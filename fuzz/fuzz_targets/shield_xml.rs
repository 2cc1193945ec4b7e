//! XML for rules: nothing panics, bounds hold, and nothing is larger than it was sent but for the encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privet::shield::body::Processor;

#[path = "shield_checks.rs"]
mod checks;

fuzz_target!(|data: &[u8]| {
    let Some((bounds, body)) = checks::bounds(data) else { return };
    let parsed = checks::check(Processor::Xml, b"text/xml", body, bounds);
    // A byte of an old encoding is three of UTF-8 at most.
    assert!(checks::size(&parsed.xml_texts) + checks::size(&parsed.xml_attributes) <= 3 * body.len() + 3);
});
