//! What servers and pages send to the analysis: nothing of it makes it stumble.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privet::scan::{library::Libraries, page::Page, probe::hello};

fuzz_target!(|data: &[u8]| {
    let _ = Page::read(data);
    let _ = hello::read(data);
    let _ = Libraries::read(data);
});
