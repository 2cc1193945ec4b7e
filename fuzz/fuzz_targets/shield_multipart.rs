//! Forms in parts for rules: nothing panics and bounds hold, whatever the `Content-Type` says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privet::shield::body::Processor;

#[path = "shield_checks.rs"]
mod checks;

fuzz_target!(|data: &[u8]| {
    let Some((bounds, body)) = checks::bounds(data) else { return };
    checks::check(Processor::Multipart, b"multipart/form-data; boundary=b", body, bounds);
    let line = body.iter().position(|byte| *byte == b'\n').unwrap_or(body.len());
    let (content_type, body) = body.split_at(line);
    checks::check(Processor::Multipart, content_type, body, bounds);
});
