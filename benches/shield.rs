//! What rules cost: the Core Rule Set 4 at paranoia 1, CPU time of the process for the phases of a request, and what lies in memory.
//!
//! ```text
//! cargo bench --bench shield
//! ```
//!
//! `benches/shield/compare` runs it beside the field's reference engine. The rules are looked for in `../shared/data/crs`, or where `CRS` says.

#[allow(dead_code, unreachable_pub)] // a binary of its own: nothing of it is reached from outside
#[path = "../tests/it/crs/exchange.rs"]
mod exchange;
#[allow(dead_code, unreachable_pub)]
#[path = "../tests/it/crs/ftw.rs"]
mod ftw;

use std::{hint::black_box, path::PathBuf, sync::Arc, time::Duration};

use privet::shield::{fields::Bounds, plan::Plan, ruleset, settings::Settings, transaction::Limits};

use exchange::Request;

// As the program itself.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BROWSER: &str = "Host: shop.example.com\r\nConnection: keep-alive\r\nCache-Control: max-age=0\r\nUpgrade-Insecure-Requests: 1\r\n\
    User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\nSec-Fetch-Site: same-origin\r\n\
    Sec-Fetch-Mode: navigate\r\nReferer: https://shop.example.com/search?q=winter+coats&page=2\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9,ko;q=0.8\r\n\
    Cookie: _ga=GA1.2.1234567890.1764370000; session=b8f4e6c2a1d04f7f9e3c5a7b1d2f4e6c; theme=dark; locale=en-GB\r\n";

/// A page, a form, and JSON of 100 KB with 2,000 fields.
fn requests() -> Vec<(&'static str, Vec<u8>)> {
    let post = |target: &str, kind: &str, body: &str| {
        let length = body.len();
        let head =
            format!("POST {target} HTTP/1.1\r\n{BROWSER}Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
        [head.as_bytes(), body.as_bytes()].concat()
    };
    let form = "name=Ji-woo+Kim&email=jiwoo.kim%2Bshop%40example.com&city=Seoul&newsletter=on&message=Where+is+my+parcel%3F+It+was+due+on+Monday.";
    let fields: Vec<String> =
        (0..2_000).map(|at| format!("\"field_{at}\":\"a value of it, number {:08}\"", at * 7_919)).collect();
    let json = format!("{{{}}}", fields.join(","));
    vec![
        ("get", format!("GET /search?q=winter+coats&page=2&sort=price_asc HTTP/1.1\r\n{BROWSER}\r\n").into_bytes()),
        ("form", post("/contact", "application/x-www-form-urlencoded", form)),
        ("json", post("/api/import", "application/json", &json)),
    ]
}

const LIMITS: Limits = Limits {
    body: 1 << 20,
    answer: 1 << 20,
    bounds: Bounds { arguments: 4_000, depth: 64 },
    time: Duration::from_secs(60),
};

fn cpu() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// Resident memory in MB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or_default() / 1024.0
}

/// Of one request, a mean.
fn cost(plan: &Arc<Plan>, request: &Request, rounds: u32) -> Duration {
    (0..=rounds / 10).for_each(|_| drop(black_box(request.ask(plan, LIMITS))));
    let begun = cpu();
    (0..rounds).for_each(|_| drop(black_box(request.ask(plan, LIMITS))));
    cpu().saturating_sub(begun) / rounds
}

fn main() {
    let rules = std::env::var_os("CRS").map(PathBuf::from);
    let Some(rules) = rules.or_else(|| exchange::data().map(|data| data.join("rules-v4"))) else { return };
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    match arguments.next().as_deref() {
        // What the reference engine reads: each behind a line of its length.
        Some("--requests") => {
            use std::io::Write as _;
            let only = arguments.next();
            for (_, bytes) in requests().iter().filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name)) {
                let mut out = std::io::stdout().lock();
                out.write_all(format!("{}\n", bytes.len()).as_bytes())
                    .and_then(|()| out.write_all(bytes))
                    .expect("room");
            }
        }
        Some("--memory") => {
            let before = resident();
            // As the program loads them: a pattern is compiled when it is first needed.
            let settings = Settings { rules: Some(rules), ..Settings::default() };
            let plan = Arc::new(ruleset::load(&settings).unwrap_or_else(|fault| panic!("{fault}")));
            let loaded = resident();
            let Some(data) = exchange::data() else { return };
            let files = ftw::files(&data.join("regression-dev"));
            let read = resident();
            for stage in files.iter().flat_map(|(_, file)| &file.tests).flat_map(|test| &test.stages) {
                if let Some(request) = Request::read(&stage.input.bytes()) {
                    drop(request.ask_all(&plan));
                }
            }
            println!(
                "{before:.1} MB at start, {loaded:.1} MB with rules, and {:.1} MB more after the regression tests",
                resident() - read
            );
        }
        only => {
            let plan = exchange::plan(rules, 1, None);
            for (name, bytes) in requests() {
                if only.is_some_and(|only| only != name) {
                    continue;
                }
                let request = Request::read(&bytes).expect("a request");
                assert!(request.ask(&plan, LIMITS).findings().is_empty(), "{name} is ordinary");
                let rounds = if name == "json" { 20 } else { 2_000 };
                println!("{name} {}", cost(&plan, &request, rounds).as_nanos());
            }
        }
    }
}
