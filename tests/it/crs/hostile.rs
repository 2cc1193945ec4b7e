//! Texts that are made to be slow: long repeats of what each pattern is about. Work is counted in bytes that are looked at, never in time on a clock.

use std::time::Duration;

use privet::shield::{
    fields::Bounds,
    plan::Sought,
    transaction::{Exceeded, Limits},
};

use super::exchange::{self, Request, data};

/// A form with one argument of so many bytes of `piece`.
fn post(piece: &[u8], size: usize) -> Request {
    let escaped = piece.iter().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let body = format!("a={}", escaped.repeat(size / piece.len()));
    let head = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Request::read(&[head.as_bytes(), body.as_bytes()].concat()).expect("a request")
}

/// Once its time is over no further text is looked at, whatever is left: the clock is looked at after each long text.
#[test]
fn rules_end_when_their_time_is_over() {
    let Some(data) = data() else { return };
    let plan = exchange::plan(data.join("rules-v4"), 1, None);
    let bounds = Bounds { arguments: 4_000, depth: 64 };
    let limits = |time| Limits { body: 1 << 20, answer: 1 << 20, bounds, time };
    // Injected SQL at the end: found where there is time for it.
    let piece = b"1' or '1'='1 -- ";
    let found = |time| {
        let transaction = post(piece, 128 << 10).ask(&plan, limits(time));
        (transaction.exceeded(), transaction.findings().len())
    };
    let (exceeded, all) = found(Duration::from_secs(600));
    assert!(exceeded.is_none() && all > 0);
    let (exceeded, some) = found(Duration::ZERO);
    assert_eq!(exceeded, Some(Exceeded::Time));
    assert!(some < all, "{some} of {all}: it went on");
}

/// No pattern of these rules goes to the engine that backtracks, but for those that are known to, which give up after a number of steps.
#[test]
fn patterns_take_linear_time() {
    let Some(data) = data() else { return };
    for (rules, most) in [(data.join("rules-v4"), 0), ("/usr/share/modsecurity-crs".into(), 3)] {
        if !rules.is_dir() {
            println!("skipped: {} is not there", rules.display());
            continue;
        }
        let plan = exchange::plan(rules.clone(), 4, None);
        let backtracking: Vec<&str> = plan
            .patterns
            .iter()
            .filter_map(|sought| match sought {
                Sought::Pattern(pattern) if pattern.backtracks() => Some(pattern.text()),
                _ => None,
            })
            .collect();
        assert!(backtracking.len() <= most, "{}: {backtracking:?}", rules.display());
    }
}

/// Prints which patterns are slowest on 128 KB of their own bytes. Not asserted: it is a clock's.
#[test]
#[ignore = "prints times; run it by name when patterns or their engine change"]
fn slowest_patterns() {
    let Some(data) = data() else { return };
    let plan = exchange::plan(data.join("rules-v4"), 4, None);
    let mut times = Vec::new();
    for sought in &plan.patterns {
        let Sought::Pattern(pattern) = sought else { continue };
        let own: Vec<u8> = pattern.text().bytes().filter(|byte| !b"\\()[]{}?*+|^$".contains(byte)).take(12).collect();
        let mut worst = Duration::ZERO;
        for piece in
            [own.as_slice(), &own[..own.len().min(1)], b"a", b"a ", b"'\"", b"(", b"<", b"/*", b"$(", b"a.", b"\xff"]
        {
            if piece.is_empty() {
                continue;
            }
            let text = piece.repeat((128 << 10) / piece.len());
            let begun = std::time::Instant::now();
            std::hint::black_box(pattern.groups(&text));
            worst = worst.max(begun.elapsed());
        }
        times.push((worst, pattern.text().chars().take(100).collect::<String>()));
    }
    times.sort_by(|a, b| b.cmp(a));
    times.iter().take(12).for_each(|(time, pattern)| println!("{time:?} {pattern}"));
}
