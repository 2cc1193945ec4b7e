//! JSON for rules: nothing panics, bounds hold, and of what a strict parser takes every value is there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privet::shield::body::Processor;

#[path = "shield_checks.rs"]
mod checks;

fn texts(value: &serde_json::Value, found: &mut Vec<Vec<u8>>) {
    match value {
        serde_json::Value::Null => found.push(Vec::new()),
        serde_json::Value::Bool(is) => found.push(is.to_string().into_bytes()),
        // Numbers are kept as they are written.
        serde_json::Value::Number(_) => {}
        serde_json::Value::String(text) => found.push(text.clone().into_bytes()),
        serde_json::Value::Array(all) => all.iter().for_each(|value| texts(value, found)),
        serde_json::Value::Object(all) => all.values().for_each(|value| texts(value, found)),
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((bounds, body)) = checks::bounds(data) else { return };
    let parsed = checks::check(Processor::Json, b"", body, bounds);
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else { return };
    if parsed.exceeded {
        return;
    }
    assert_eq!(parsed.error, None);
    let mut expected = Vec::new();
    texts(&value, &mut expected);
    for text in expected {
        assert!(parsed.arguments.iter().any(|(_, value)| value == text));
    }
});
