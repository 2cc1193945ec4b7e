//! What an attempt to sign in costs, and how much a million remembered keys take.
//!
//! ```text
//! cargo bench --bench login
//! ```
//!
//! `read` finds the username in a form; `check and settle` is a failure of a stranger, who never fills a limit, with few keys and with a
//! million; `refused` is an attempt in a wait. Requests that are no attempts pay for `concerns` alone.

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use criterion::Criterion;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method, header};
use privet::{
    config::{Config, Flags},
    login::{Guard, Judged, Rule, key::Account, memory::Memory, rule::Asked},
    seal::Ring,
};

const CONFIG: &str = "[[route]]\nupstream = \"http://127.0.0.1:9000\"\n[[login]]\npath = \"/login\"\npreset = \"form-redirect\"\n\
     limits = { route = \"50000/1s\" }\n";
const KEYS: u32 = 1_000_000;

struct Site {
    guard: Arc<Guard>,
    rule: Rule,
    memory: Arc<Memory>,
    headers: HeaderMap,
}

impl Site {
    fn new() -> Self {
        let folder = std::path::Path::new("/");
        let config = Config::parse("bench", CONFIG, folder, &|_| None, &Flags::default()).expect("valid");
        let memory = Arc::new(Memory::new(config.login.max_keys));
        let guard = Guard::with_ledger(&config.login, &Ring::ephemeral().expect("random"), Arc::clone(&memory) as _);
        let rule = guard.rule(&Arc::new(config.login.logins[0].clone()));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        Self { guard, rule, memory, headers }
    }

    fn account(&self, n: u32) -> Account {
        let body = format!("csrf=0123456789abcdef&username=user{n}%40example.com&password=correct+horse");
        self.rule.username(None, &self.headers, body.as_bytes()).expect("readable").expect("an attempt")
    }

    /// A failure of account `n` from an address of its own; whether it was let through.
    fn fail(&self, account: &Account, n: u32, now: SystemTime) -> bool {
        let address = IpAddr::V4(Ipv4Addr::from(0x0B00_0000 + n));
        let check = self.guard.check(&self.rule, account, address, &self.headers, now).now_or_never();
        let Some(Ok(reservation)) = check else { return false };
        black_box(self.guard.settle(reservation, Judged::Failure, now));
        true
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let start = UNIX_EPOCH + Duration::from_secs(1_780_000_000);
    let site = Site::new();
    let none = HeaderMap::new();
    let ask = Asked { query: None, headers: &none, has_body: true };
    criterion.bench_function("login/concerns, another path", |b| {
        b.iter(|| site.rule.concerns(black_box("shop.example"), &Method::POST, black_box("/customers/17"), &ask));
    });
    criterion.bench_function("login/read", |b| b.iter(|| black_box(site.account(black_box(17)))));
    let (account, mut n) = (site.account(1), 0_u32);
    let mut step = |site: &Site, accounts: &[Account]| {
        n += 1;
        // A failure of each account and address in five minutes.
        let now = start + Duration::from_micros(u64::from(n) * 300);
        let at = n % u32::try_from(accounts.len()).unwrap_or(1);
        assert!(site.fail(&accounts[at as usize], at, now));
    };
    let few: Vec<_> = (0..100_000).map(|n| site.account(n)).collect();
    criterion.bench_function("login/check and settle", |b| b.iter(|| step(&site, &few)));
    let late = start + Duration::from_secs(86_400);
    while site.fail(&account, 1, late) {}
    criterion.bench_function("login/refused", |b| b.iter(|| assert!(!site.fail(&account, 1, late))));
    let full = Site::new();
    for n in 0..KEYS {
        full.fail(&full.account(n), n, start + Duration::from_micros(u64::from(n) * 100));
    }
    let (bytes, most) = full.memory.bytes();
    println!("{} keys of {KEYS} accounts take {bytes} bytes, and never more than {most}", full.guard.remembered());
    criterion.bench_function("login/check and settle, a million keys", |b| b.iter(|| step(&full, &few)));
    criterion.final_summary();
}
