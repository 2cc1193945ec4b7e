//! How fast the engine finds, on one core, and how often it is wrong on logs that hold nobody's data.
//!
//! ```text
//! cargo bench --bench privacy [-- NAME]
//! ```
//!
//! All detectors are on. The texts are seeded (`corpus`), of 16 MiB; each is read in buffers of 64 KiB, and best of several passes counts. Beside it
//! stands an alternation of patterns for a dozen of the types, compiled as one `regex::bytes::Regex` with a cache that is large enough: no keyword, no
//! check digit, no decoding, and no types of the other forty.

mod corpus;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use privet::privacy::{Detector, settings::Settings};
use regex::bytes::{Regex, RegexBuilder};

const SIZE: usize = 16 << 20;
const BUFFER: usize = 64 << 10;
/// How long a text is read over and over.
const TIME: Duration = Duration::from_millis(1500);

const PATTERNS: &[&str] = &[
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    r"\b(?:[0-9a-f]{1,4}:){2,7}:?[0-9a-f]{1,4}\b",
    r"\b\d{6}[- ]?[1-8]\d{6}\b",
    r"\b01[016789][-. ]?\d{3,4}[-. ]?\d{4}\b",
    r"\b\d{3}-\d{2}-\d{5}\b",
    r"\b(?:\d{4}[- ]?){3}\d{1,7}\b",
    r"\b3[47]\d{2}[- ]?\d{6}[- ]?\d{5}\b",
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b",
    r"\+\d{1,3}[- ]?\d{1,4}[- ]?\d{3,4}[- ]?\d{3,4}\b",
    r"\(\d{3}\) ?\d{3}-\d{4}\b",
    r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
    r#"(?i)\b(?:password|passwd|pwd|secret|api_key|token)["']?\s*[:=]\s*["']?[^\s"'&]+"#,
    r"\bAKIA[0-9A-Z]{16}\b|\bghp_[A-Za-z0-9]{36}\b",
];

fn alternation() -> Regex {
    RegexBuilder::new(&PATTERNS.join("|"))
        .unicode(false)
        .dfa_size_limit(256 << 20)
        .build()
        .expect("the patterns are fixed")
}

/// Buffers of a text, cut behind lines.
fn buffers(text: &str) -> Vec<&[u8]> {
    let mut rest = text.as_bytes();
    let mut all = Vec::new();
    while rest.len() > BUFFER {
        let cut = rest[..BUFFER].iter().rposition(|b| *b == b'\n').map_or(BUFFER, |n| n + 1);
        all.push(&rest[..cut]);
        rest = &rest[cut..];
    }
    all.push(rest);
    all
}

/// Megabytes a second of the fastest pass, and findings of one.
#[allow(clippy::cast_precision_loss)] // bytes of a text
fn speed(buffers: &[&[u8]], mut find: impl FnMut(&[u8]) -> usize) -> (f64, usize) {
    let bytes: usize = buffers.iter().map(|b| b.len()).sum();
    let (mut best, mut found) = (0.0_f64, 0);
    let begin = Instant::now();
    while begin.elapsed() < TIME {
        let pass = Instant::now();
        found = buffers.iter().map(|buffer| find(black_box(buffer))).sum();
        best = best.max(bytes as f64 / 1e6 / pass.elapsed().as_secs_f64());
    }
    (best, found)
}

fn main() {
    let only = std::env::args().skip(1).find(|a| !a.starts_with("--"));
    let detector = Detector::new(&Settings::default());
    let regex = alternation();
    println!("{:18} {:>10} {:>10} {:>10} {:>8} {:>10}", "text", "MB/s", "findings", "regex MB/s", "ratio", "due MB/s");
    type Text = (&'static str, fn(usize) -> String, u32);
    let texts: &[Text] = &[
        ("access, JSON", corpus::access_json, 400),
        ("access, combined", corpus::access_combined, 400),
        ("logs of machines", corpus::machines, 0),
        ("English prose", corpus::english, 5000),
        ("Korean prose", corpus::korean, 2000),
    ];
    for (name, make, due) in texts.iter().filter(|(name, ..)| only.as_ref().is_none_or(|o| name.contains(o.as_str()))) {
        let text = make(SIZE);
        let buffers = buffers(&text);
        let (ours, found) = speed(&buffers, |buffer| detector.detect(buffer).len());
        let (theirs, _) = speed(&buffers, |buffer| regex.find_iter(buffer).count());
        println!("{name:18} {ours:>10.0} {found:>10} {theirs:>10.0} {:>8.1} {due:>10}", ours / theirs);
    }
    let text = corpus::machines(SIZE);
    let wrong: usize = buffers(&text).iter().map(|buffer| detector.detect(buffer).len()).sum();
    println!("\nfalse findings on {} MB of logs of machines: {wrong}", SIZE >> 20);
}
