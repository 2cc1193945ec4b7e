//! Forms, queries and cookies for rules: nothing panics, bounds hold, and what is read is the length of what was sent or shorter.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privet::shield::{
    body::{Processor, cookies, query},
    fields::Fields,
};

#[path = "shield_checks.rs"]
mod checks;

fuzz_target!(|data: &[u8]| {
    let Some((bounds, body)) = checks::bounds(data) else { return };
    let parsed = checks::check(Processor::UrlEncoded, b"", body, bounds);
    assert!(checks::size(&parsed.arguments) <= body.len());
    let mut fields = Fields::new();
    assert_eq!(query(body, bounds, &mut fields), parsed.exceeded);
    assert!(fields.iter().eq(parsed.arguments.iter()));
    let mut fields = Fields::new();
    cookies(body, &mut fields);
    assert!(checks::size(&fields) <= body.len());
});
