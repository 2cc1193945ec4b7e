//! The reader of JSON: it takes what a parser of JSON takes, and what it writes is JSON with the same values elsewhere.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privet::format::{Path, Shape, Visitor, json::Json};

struct Stars;

impl Visitor for Stars {
    fn field(&mut self, _: &Path, _: &[u8], shape: Shape, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(b"\"*\n");
        shape != Shape::Word
    }

    fn name(&mut self, _: &Path, _: &[u8], _: &mut Vec<u8>) -> bool {
        false
    }

    fn part(&mut self, _: &Path, _: &[u8], _: &mut Vec<u8>) {}

    fn end(&mut self, _: &Path, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"*\n");
    }
}

fn starred(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(_) | serde_json::Value::Number(_) => *value = "\"*\n".into(),
        serde_json::Value::Array(all) => all.iter_mut().for_each(starred),
        serde_json::Value::Object(all) => all.values_mut().for_each(starred),
        _ => {}
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(mut expected) = serde_json::from_slice::<serde_json::Value>(data) else { return };
    starred(&mut expected);
    let mut json = Json::new(Stars);
    let mut out = Vec::new();
    if json.push(data, &mut out).and_then(|()| json.finish(&mut out)).is_ok() {
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&out).expect("JSON still"), expected);
    } else {
        // Bounds of its own: depth, lengths of names and numbers.
        assert!(data.len() > 500, "{}", String::from_utf8_lossy(data));
    }
});
