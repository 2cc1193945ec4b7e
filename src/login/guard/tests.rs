use std::time::{Duration, UNIX_EPOCH};

use futures_util::FutureExt as _;
use http::{Method, StatusCode, header};

use super::*;
use crate::login::{device::COOKIE, event::Heard, rule::Asked, settings};

struct Shop {
    guard: Arc<Guard>,
    rule: Rule,
    now: SystemTime,
}

impl Shop {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Login)) -> Self {
        let mut login = settings::testing::login("shop.example/login");
        change(&mut login);
        let ring = Ring::ephemeral().expect("random");
        let guard = Guard::new(&Settings { max_keys: 10_000, ..Settings::default() }, &ring);
        Self { rule: guard.rule(&Arc::new(login)), guard, now: UNIX_EPOCH + Duration::from_secs(1_780_000_000) }
    }

    fn account(&self, name: &str) -> Account {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = format!("email={name}&password=x");
        self.rule.username(None, &headers, body.as_bytes()).expect("readable").expect("an attempt")
    }

    fn check(&self, name: &str, address: &str, headers: &HeaderMap) -> Result<Reservation, Refused> {
        let address = address.parse().expect("an address");
        let account = self.account(name);
        let check = self.guard.check(&self.rule, &account, address, headers, self.now);
        check.now_or_never().expect("memory answers at once")
    }

    /// An attempt that fails; whether it reached the application.
    fn fail(&self, name: &str, address: &str) -> Result<(), Refused> {
        self.fail_with(name, address, &HeaderMap::new())
    }

    fn fail_with(&self, name: &str, address: &str, headers: &HeaderMap) -> Result<(), Refused> {
        let reservation = self.check(name, address, headers)?;
        self.guard.settle(reservation, Judged::Failure, self.now);
        Ok(())
    }

    /// An attempt that wins, and what the browser sends from then on.
    fn win(&self, name: &str, address: &str, headers: &HeaderMap) -> Result<HeaderMap, Refused> {
        let settled = self.guard.settle(self.check(name, address, headers)?, Judged::Success, self.now);
        let cookie = settled.cookie.expect("a cookie");
        let pair = cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned();
        assert!(pair.starts_with(COOKIE));
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(&pair).expect("a header"));
        Ok(headers)
    }

    fn later(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn count(&self, verdict: &str) -> u64 {
        self.guard.counts().each().filter(|(name, ..)| *name == verdict).map(|(.., n)| n).sum()
    }
}

fn v4(n: usize) -> String {
    format!("198.51.{}.{}", n / 250, n % 250 + 1)
}

/// Refusals by why, of `tries` attempts; what went through is the rest.
fn through(tries: usize, mut attempt: impl FnMut(usize) -> Result<(), Refused>) -> (usize, Vec<Why>) {
    let mut whys = Vec::new();
    for n in 0..tries {
        whys.extend(attempt(n).err().map(|refused| refused.why));
    }
    let reached = tries - whys.len();
    whys.dedup();
    (reached, whys)
}

#[test]
fn two_hundred_guesses_at_once_gain_nothing() {
    let shop = Shop::new();
    let held: Vec<_> = (0..200).filter_map(|_| shop.check("alice", "203.0.113.1", &HeaderMap::new()).ok()).collect();
    assert_eq!(held.len(), 5);
    for reservation in held {
        shop.guard.settle(reservation, Judged::Failure, shop.now);
    }
    let refused = shop.fail("alice", "203.0.113.1").expect_err("the limit is full");
    assert_eq!(refused.why, Why::AccountAddress);
    assert!(refused.retry_after >= Duration::from_secs(30));
}

/// The same with threads that really run at once.
#[test]
fn threads_at_once_gain_nothing() {
    let shop = Shop::new();
    let reached: usize = std::thread::scope(|scope| {
        let guess = || (0..50).filter(|_| shop.fail("alice", "203.0.113.1").is_ok()).count();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(guess)).collect();
        threads.into_iter().map(|thread| thread.join().expect("ended")).sum()
    });
    assert_eq!(reached, 5);
}

/// Random attempts over a long time: whatever the guard lets through, no window has more failures of a key than its limit.
#[test]
fn no_window_has_more_failures_than_any_limit() {
    let mut shop = Shop::with(|login| login.limits.route = settings::Limit::parse("100/1m").expect("valid"));
    let mut random = fastrand::Rng::with_seed(11);
    let (mut by_route, mut by_account, mut by_address) = (Vec::new(), HashMap::new(), HashMap::new());
    for _ in 0..6000 {
        let most = [2, 20, 400][random.usize(0..3)];
        shop.now += Duration::from_millis(random.u64(0..most));
        let (account, address) = (random.usize(0..60), random.usize(0..25));
        if shop.fail(&format!("user{account}"), &v4(address)).is_ok() {
            by_route.push(shop.now);
            by_account.entry(account).or_insert_with(Vec::new).push(shop.now);
            by_address.entry(address).or_insert_with(Vec::new).push(shop.now);
        }
    }
    let holds = |times: &[SystemTime], limit: usize, window: u64| {
        let span = |w: &[SystemTime]| w[limit].duration_since(w[0]).unwrap_or_default();
        times.windows(limit + 1).all(|w| span(w) > Duration::from_secs(window))
    };
    assert!(by_route.len() > 300 && holds(&by_route, 100, 60));
    assert!(by_account.values().all(|times| holds(times, 20, 3600)));
    assert!(by_address.values().all(|times| holds(times, 30, 60)));
}

#[test]
fn each_key_has_its_limit() {
    let shop = Shop::new();
    let one_address = through(200, |n| shop.fail(&format!("user{n}"), "203.0.113.1"));
    assert_eq!(one_address, (30, vec![Why::Address]));
    let one_account = through(200, |n| shop.fail("alice", &v4(n)));
    assert_eq!(one_account, (20, vec![Why::Account]));
    let stuffing = through(2000, |n| shop.fail(&format!("other{n}"), &v4(300 + n)));
    // What came before counts for the login as well.
    assert_eq!(stuffing, (600 - 30 - 20, vec![Why::Route]));
}

#[test]
fn addresses_of_one_network_are_one() {
    let shop = Shop::new();
    let within = through(200, |n| shop.fail(&format!("user{n}"), &format!("2001:db8:0:1::{n:x}")));
    assert_eq!(within, (30, vec![Why::Address]));
    let across = through(200, |n| shop.fail("alice", &format!("2001:db8:1:{n:x}::1")));
    assert_eq!(across, (20, vec![Why::Account]));
    assert_eq!(through(50, |n| shop.fail(&format!("m{n}"), "::ffff:192.0.2.1")).0, 30);
    assert!(shop.fail("m51", "192.0.2.1").is_err());
}

#[test]
fn a_refused_attempt_changes_nothing() {
    let mut shop = Shop::new();
    assert_eq!(through(5, |_| shop.fail("alice", "203.0.113.1")).0, 5);
    let first = shop.fail("alice", "203.0.113.1").expect_err("full");
    assert_eq!(through(5000, |_| shop.fail("alice", "203.0.113.1")), (0, vec![Why::AccountAddress]));
    assert_eq!(shop.fail("alice", "203.0.113.1"), Err(first));
    shop.later(first.retry_after.as_secs());
    assert_eq!(shop.fail("alice", "203.0.113.1"), Ok(()));
    assert_eq!(shop.guard.remembered(), 4, "route, address, account and pair");
}

#[test]
fn waits_grow() {
    let mut shop = Shop::with(|login| login.limits.account_address = settings::Limit::parse("1/1s").expect("valid"));
    for wait in [30, 60, 120, 240] {
        assert_eq!(shop.fail("alice", "203.0.113.1"), Ok(()));
        let refused = shop.fail("alice", "203.0.113.1").expect_err("a wait");
        assert_eq!(refused.retry_after.as_secs(), wait);
        shop.later(wait);
    }
}

#[test]
fn nobody_locks_a_victim_out() {
    let shop = Shop::new();
    let cookie = shop.win("alice", "203.0.113.1", &HeaderMap::new()).expect("let through");
    for n in 0..3000 {
        let _ = shop.fail("alice", &v4(n));
    }
    assert!(shop.fail("alice", "192.0.2.9").is_err(), "a stranger waits");
    let from_elsewhere = shop.check("alice", "192.0.2.200", &cookie).expect("the device is familiar");
    assert_eq!(from_elsewhere.standing(), Some(Standing::Device));
    let without_cookie = shop.check("alice", "203.0.113.1", &HeaderMap::new()).expect("the address is familiar");
    assert_eq!(without_cookie.standing(), Some(Standing::Address));
}

#[test]
fn a_familiar_device_has_a_bucket_of_its_own_and_no_other_account() {
    let shop = Shop::new();
    let cookie = shop.win("alice", "203.0.113.1", &HeaderMap::new()).expect("let through");
    let guesses = through(100, |n| shop.fail_with("alice", &v4(n), &cookie));
    assert_eq!(guesses, (5, vec![Why::AccountAddress]), "a stolen cookie gains five guesses");
    let stranger = shop.check("bob", "192.0.2.1", &cookie).expect("let through");
    assert_eq!(stranger.standing(), Some(Standing::Stranger), "another account's cookie counts for nothing");
    let mut forged = HeaderMap::new();
    forged.insert(header::COOKIE, HeaderValue::from_static("__Host-privet-device=AQAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert_eq!(shop.check("alice", "192.0.2.2", &forged).expect("let through").standing(), Some(Standing::Stranger));
}

#[test]
fn a_success_clears_the_account_from_its_address_and_not_the_address() {
    let shop = Shop::new();
    for n in 0..29 {
        assert_eq!(shop.fail(&format!("user{n}"), "203.0.113.1"), Ok(()));
    }
    // Replay after success: an own account in between gives no guesses back.
    shop.win("mallory", "203.0.113.1", &HeaderMap::new()).expect("let through");
    assert_eq!(shop.fail("user30", "203.0.113.1"), Ok(()));
    assert!(shop.fail("user31", "203.0.113.1").is_err_and(|refused| refused.why == Why::Address));
    assert_eq!(through(4, |_| shop.fail("bob", "192.0.2.1")).0, 4);
    shop.win("bob", "192.0.2.1", &HeaderMap::new()).expect("let through");
    assert_eq!(through(9, |_| shop.fail("bob", "192.0.2.1")).0, 5);
}

#[test]
fn at_a_hundred_failures_in_a_row_only_familiar_clients_pass() {
    let mut shop = Shop::with(|login| login.limits.account = settings::Limit::parse("10000/1h").expect("valid"));
    let cookie = shop.win("alice", "203.0.113.1", &HeaderMap::new()).expect("let through");
    let mut reached = 0;
    for n in 0..400 {
        reached += usize::from(shop.fail("alice", &v4(n)).is_ok());
        shop.later(60);
    }
    assert_eq!(reached, 100);
    assert!(shop.fail("alice", "192.0.2.1").is_err_and(|refused| refused.retry_after > Duration::from_secs(3600)));
    shop.win("alice", "192.0.2.77", &cookie).expect("the device is familiar");
    assert_eq!(shop.fail("alice", "192.0.2.1"), Ok(()), "a success ends the run");
}

#[test]
fn what_never_reached_the_application_is_given_back_and_hanging_up_is_not() {
    let shop = Shop::new();
    for _ in 0..50 {
        drop(shop.check("alice", "203.0.113.1", &HeaderMap::new()).expect("given back"));
        let unclear = shop.check("alice", "203.0.113.1", &HeaderMap::new()).expect("given back");
        shop.guard.settle(unclear, Judged::Unclear, shop.now);
        if shop.count("abandoned") == 10 {
            break;
        }
    }
    assert_eq!((shop.count("abandoned"), shop.count("unclear"), shop.guard.remembered()), (10, 10, 0));
    let hung_up = through(50, |_| {
        shop.check("alice", "203.0.113.1", &HeaderMap::new()).map(|mut reservation| reservation.forwarded())
    });
    assert_eq!(hung_up, (5, vec![Why::AccountAddress]));
    assert_eq!(shop.count("failure"), 5);
}

#[test]
fn attempts_are_paced_whatever_becomes_of_them() {
    let shop = Shop::new();
    let wins = through(500, |n| {
        let reservation = shop.check(&format!("user{n}"), "203.0.113.1", &HeaderMap::new())?;
        shop.guard.settle(reservation, Judged::Success, shop.now);
        Ok(())
    });
    assert_eq!(wins, (120, vec![Why::Pace]));
}

#[test]
fn a_reload_forgets_no_failure() {
    let mut shop = Shop::new();
    assert_eq!(through(5, |_| shop.fail("alice", "203.0.113.1")).0, 5);
    let mut login = settings::testing::login("shop.example/login");
    login.limits.route.count = 7;
    shop.rule = shop.guard.rule(&Arc::new(login));
    assert!(shop.fail("alice", "203.0.113.1").is_err());
    assert_eq!(through(20, |n| shop.fail(&format!("user{n}"), &v4(n))), (2, vec![Why::Route]));
}

#[test]
fn basic_credentials_that_were_right_need_no_place() {
    let shop = Shop::with(|login| login.username = settings::Username::Basic);
    let account = |credentials: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static(credentials));
        shop.rule.username(None, &headers, b"").expect("readable").expect("an attempt")
    };
    let check = |account: &Account| {
        let address = "203.0.113.1".parse().expect("an address");
        shop.guard.check(&shop.rule, account, address, &HeaderMap::new(), shop.now).now_or_never().expect("at once")
    };
    let (right, wrong) = (account("Basic YWxpY2U6cmlnaHQ="), account("Basic YWxpY2U6d3Jvbmc="));
    let _ = shop.guard.settle(check(&right).expect("let through"), Judged::Success, shop.now);
    let page: Vec<_> = (0..100).map(|_| check(&right).expect("let through")).collect();
    assert!(page.iter().all(|reservation| reservation.standing().is_none()));
    let guesses: Vec<_> = (0..100).filter_map(|_| check(&wrong).ok()).collect();
    assert_eq!(guesses.len(), 5, "another password is a guess");
    shop.guard.settle(page.into_iter().next().expect("one"), Judged::Failure, shop.now);
    assert!(check(&right).is_err(), "a password that was changed is right no more");
}

#[test]
fn every_attempt_is_told_and_no_address_is_shown() {
    let shop = Shop::new();
    let mut events = shop.guard.subscribe();
    let _ = through(6, |_| shop.fail("alice", "203.0.113.77"));
    let _ = shop.win("bob", "192.0.2.1", &HeaderMap::new());
    shop.guard.unreadable(
        &shop.rule,
        Unreadable::Coded,
        "192.0.2.2".parse().expect("an address"),
        &HeaderMap::new(),
        shop.now,
    );
    let told: Vec<_> = std::iter::from_fn(|| match events.next().now_or_never() {
        Some(Some(Heard::Event(event))) => Some(event),
        _ => None,
    })
    .collect();
    let verdicts: Vec<_> = told.iter().map(|event| event.verdict.name()).collect();
    assert_eq!(verdicts, [["failure"; 5].as_slice(), &["refused", "success", "unreadable"]].concat());
    let shown = format!("{told:?} {:?}", shop.guard);
    assert!(!shown.contains("203.0.113") && !shown.contains("alice") && !shown.contains("192.0.2"));
    let (addresses, accounts) = shop.guard.top(1);
    assert_eq!((addresses[0].count, accounts[0].count, accounts[0].key), (6, 6, shop.account("alice").key()));
}

/// The answer to a wrong name is that to a wrong password: nothing here knows which accounts exist.
#[test]
fn refusals_are_alike_for_all_accounts() {
    let shop = Shop::new();
    let refusal = |name: &str| {
        let _ = through(5, |_| shop.fail(name, "203.0.113.1"));
        shop.fail(name, "203.0.113.1").expect_err("refused").headers()
    };
    assert_eq!(refusal("alice"), refusal("nobody"));
}

#[test]
fn a_rule_concerns_what_some_application_takes_for_the_login() {
    let shop = Shop::new();
    let none = HeaderMap::new();
    let ask = |query, has_body| Asked { query, headers: &none, has_body };
    let post = |host: &str, path: &str| shop.rule.concerns(host, &Method::POST, path, &ask(None, true));
    for path in [
        "/login",
        "/login/",
        "/LOGIN",
        "/login//",
        "/login;x=1",
        "/login.json",
        "/login.",
        "/login%20",
        "/index.php/login",
    ] {
        assert!(post("shop.example", path) && post("SHOP.example:8443", path), "{path}");
    }
    for path in ["/", "/logi", "/login2", "/login/x", "/x/login"] {
        assert!(!post("shop.example", path), "{path}");
    }
    assert!(!post("blog.example", "/login"));
    let by = |method: Method, query| shop.rule.concerns("shop.example", &method, "/login", &ask(query, false));
    assert!(by(Method::PUT, None) && by(Method::PATCH, None) && by(Method::from_bytes(b"LOGIN").expect("valid"), None));
    assert!(!by(Method::GET, None) && !by(Method::GET, Some("email=a")) && by(Method::GET, Some("email=a&pass=b")));
    assert!(shop.rule.concerns("shop.example", &Method::GET, "/login", &ask(None, true)), "a GET with a body");
    let reading = shop.rule.weigh(&Method::GET, "/login", StatusCode::FOUND, Judged::Success);
    assert_eq!(reading, Judged::Unclear, "what is read shows no success");
    assert_eq!((shop.rule.body_limit(), shop.rule.answer_limit()), (64 << 10, 0));
    assert_eq!(shop.rule.judge(StatusCode::OK, &HeaderMap::new(), None), Judged::Failure);
}

/// Spoofed accounts, each from a /64 of its own within a /32, stay within what is stated in `docs/LOGIN.md`. The bench fills a million keys.
#[test]
fn memory_is_bounded() {
    assert!(Memory::new(1_000_000).bytes().1 <= 87_000_000);
    let memory = Memory::new(100_000);
    let mut login = settings::testing::login("shop.example/login");
    login.limits.route = settings::Limit::parse("50000/1s").expect("valid");
    let terms = crate::login::key::AllTerms::of(&login);
    let mut random = fastrand::Rng::with_seed(1);
    let mut key = || Key(std::array::from_fn(|_| random.u8(..)));
    let (route, login) = (key(), Arc::from("shop.example/login"));
    for n in 0..50_000 {
        let keys = Keys { route, address: key(), account: key(), pair: key(), device: None, challenge: None };
        let ask = Ask { login: Arc::clone(&login), keys, terms };
        let now = 1_780_000_000_000 + n;
        let claim = memory.reserve_now(ask, now).expect("let through");
        memory.settle(&claim, Outcome::Failure, now);
    }
    let (bytes, most) = memory.bytes();
    assert_eq!(memory.keys(), 100_000);
    assert!(bytes <= most, "{bytes} of {most}");
}

/// A shop with a challenge, and the cookie of whoever has solved it from `address`.
fn solved(shop: &Shop, address: &str) -> HeaderMap {
    let cookie = shop.rule.solved(address.parse().expect("an address"), shop.now).expect("a cookie");
    let pair = cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned();
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, HeaderValue::from_str(&pair).expect("a header"));
    headers
}

fn challenging() -> Shop {
    Shop::with(|login| login.challenge = Some("/captcha".to_owned()))
}

#[test]
fn a_solved_challenge_is_one_more_attempt() {
    let mut shop = challenging();
    let cookie = solved(&shop, "192.0.2.1");
    assert_eq!(through(200, |n| shop.fail("alice", &v4(n))), (20, vec![Why::Account]), "unchanged without one");
    assert!(shop.fail("alice", "192.0.2.1").is_err_and(|refused| refused.solvable));
    assert!(shop.fail_with("alice", "192.0.2.2", &cookie).is_err(), "another address");
    assert_eq!(through(50, |_| shop.fail_with("alice", "192.0.2.1", &cookie)), (1, vec![Why::Account]));
    let again = shop.fail_with("alice", "192.0.2.1", &cookie).expect_err("spent");
    assert!(again.solvable, "another may be solved");
    assert!(shop.fail_with("bob", "192.0.2.1", &cookie).is_ok(), "who needs none needs none");
    let held: Vec<_> = {
        let cookie = solved(&shop, "192.0.2.3");
        (0..50).filter_map(|_| shop.check("alice", "192.0.2.3", &cookie).ok()).collect()
    };
    assert_eq!(held.len(), 1, "a burst");
    assert_eq!(held[0].standing(), Some(Standing::Challenged));
    let late = solved(&shop, "192.0.2.4");
    shop.later(600);
    assert!(shop.fail_with("alice", "192.0.2.4", &late).is_err(), "expired");
}

#[test]
fn a_challenge_is_not_spent_by_what_needs_none_or_never_arrives() {
    let shop = challenging();
    let cookie = solved(&shop, "192.0.2.1");
    assert_eq!(shop.fail_with("alice", "192.0.2.1", &cookie), Ok(()));
    let _ = through(200, |n| shop.fail("alice", &v4(n)));
    drop(shop.check("alice", "192.0.2.1", &cookie).expect("let through"));
    let unclear = shop.check("alice", "192.0.2.1", &cookie).expect("given back");
    shop.guard.settle(unclear, Judged::Unclear, shop.now);
    shop.win("alice", "192.0.2.1", &cookie).expect("given back");
    let stranger = shop.check("mallory", "192.0.2.1", &cookie).expect("let through");
    assert_eq!(stranger.standing(), Some(Standing::Stranger));
    let _ = through(200, |n| shop.fail("bob", &v4(n)));
    assert!(shop.fail_with("bob", "192.0.2.1", &cookie).is_err(), "a success spends it, too");
}

#[test]
fn a_challenge_passes_neither_the_pair_nor_the_address_nor_a_hundred_in_a_row() {
    let shop = challenging();
    let _ = through(200, |n| shop.fail("alice", &v4(n)));
    let with_new = |name: &str, address: &str| shop.fail_with(name, address, &solved(&shop, address));
    assert_eq!(through(50, |_| with_new("alice", "192.0.2.1")).0, 5, "the pair");
    assert!(with_new("alice", "192.0.2.1").is_err_and(|refused| !refused.solvable), "nobody solves it in vain");
    assert_eq!(through(50, |n| shop.fail(&format!("user{n}"), "192.0.2.2")).0, 30);
    assert!(with_new("alice", "192.0.2.2").is_err_and(|refused| !refused.solvable), "the address");
    // 20 without a challenge, 5 with one so far.
    assert_eq!(through(300, |n| with_new("alice", &format!("203.0.113.{}", n % 250))), (75, vec![Why::Account]));
    assert!(shop.fail("alice", "192.0.2.9").is_err_and(|refused| !refused.solvable));
}

#[test]
fn a_challenge_passes_the_limit_of_the_login_as_a_whole() {
    let mut shop = challenging();
    let mut login = (**shop.rule.login()).clone();
    login.limits.route.count = 50;
    shop.rule = shop.guard.rule(&Arc::new(login));
    assert_eq!(through(200, |n| shop.fail(&format!("user{n}"), &v4(n))), (50, vec![Why::Route]));
    let cookie = solved(&shop, "192.0.2.1");
    assert_eq!(through(50, |n| shop.fail_with(&format!("name{n}"), "192.0.2.1", &cookie)).0, 1);
}

#[test]
fn a_login_without_a_challenge_takes_no_cookie_for_one() {
    let (with, mut shop) = (challenging(), Shop::new());
    shop.guard = Arc::clone(&with.guard);
    shop.rule = shop.guard.rule(&Arc::new(settings::testing::login("shop.example/login")));
    let cookie = solved(&with, "192.0.2.1");
    let _ = through(200, |n| shop.fail("alice", &v4(n)));
    assert!(shop.fail_with("alice", "192.0.2.1", &cookie).is_err());
}
