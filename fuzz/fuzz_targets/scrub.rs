//! A text cut anywhere gives what it gives as a whole, and what was rewritten is let be.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use privet::privacy::{Engine, Keys, Scrubber, Tally, settings::Settings};

static ENGINE: LazyLock<Arc<Engine>> =
    LazyLock::new(|| Arc::new(Engine::new(&Settings::default(), Arc::new(Keys::derive("f", &[1; 32]).expect("valid")))));

fuzz_target!(|input: (Vec<u8>, Vec<u16>)| {
    let (text, cuts) = input;
    // Long enough for a stream to decide on something before its end.
    let text = text.repeat(1 + 20_000 / text.len().max(1));
    let mut whole = Vec::new();
    ENGINE.scrub(&text, &mut whole, &mut Tally::default());
    let (mut scrubber, mut out, mut pos) = (Scrubber::new(Arc::clone(&ENGINE)), Vec::new(), 0);
    for cut in cuts.iter().cycle().take(4000) {
        let next = (pos + usize::from(*cut) + 1).min(text.len());
        scrubber.push(&text[pos..next], &mut out);
        pos = next;
    }
    scrubber.push(&text[pos..], &mut out);
    scrubber.finish(&mut out);
    assert!(out == whole, "the cuts matter");
});
