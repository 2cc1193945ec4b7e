//! A canonical path is its own canonical path, whatever it was made from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privet::gateway::{
    path::canonical,
    settings::{Ambiguous, HeadRules},
};

fuzz_target!(|input: (bool, &str)| {
    let (keep, raw) = input;
    let choice = if keep { Ambiguous::Keep } else { Ambiguous::Refuse };
    let rules = HeadRules {
        header_bytes: 4096,
        header_count: 20,
        uri_bytes: 512,
        underscores: Ambiguous::Refuse,
        encoded_slash: choice,
        path_parameters: if keep { Ambiguous::Keep } else { Ambiguous::Strip },
        non_utf8: choice,
    };
    if let Ok(once) = canonical(raw, &rules) {
        assert_eq!(canonical(&once, &rules).as_deref(), Ok(&*once));
        assert!(once.starts_with('/') && !once.contains("//") && !once.split('/').any(|s| s == ".."));
    }
});
