//! No text makes the configuration reader panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privet::config::{Config, Flags};

fuzz_target!(|text: &str| {
    if let Err(report) = Config::parse("fuzz", text, std::path::Path::new("/nonexistent"), &|_| None, &Flags::default()) {
        assert!(!report.0.is_empty());
    }
});
