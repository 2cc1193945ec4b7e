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
        encoded_slash: choice,
        path_parameters: if keep { Ambiguous::Keep } else { Ambiguous::Strip },
        non_utf8: choice,
        ..HeadRules::default()
    };
    if let Ok(once) = canonical(raw, &rules) {
        assert_eq!(canonical(&once, &rules).as_deref(), Ok(&*once));
        assert!(once.starts_with('/') && !once.contains("//") && !once.split('/').any(|s| s == ".."));
    }
});
