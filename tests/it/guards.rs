//! Guards of several replicas on one Redis, under attack: how many attempts reach the application, whichever replica they come to.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, header};
use privet::{
    login::{
        Guard, Judged, Rule, Settings,
        memory::Memory,
        preset::Preset,
        redis::{Clock, Redis as Shared},
        settings::{Limits, Login},
    },
    seal::Ring,
    store::counts,
};
use tokio::runtime::Runtime;

use super::{
    redis::Redis,
    store::{connected, settings, until, worker},
};

/// Replicas behind one address: attempts come to them in turn. Time stands still, so that a slow machine changes nothing.
struct Replicas {
    guards: Vec<(Arc<Guard>, Rule)>,
    /// What all stores together have been asked, and have answered.
    asked: u64,
    stores: Vec<Arc<privet::store::Store>>,
    worker: Runtime,
    _redis: Redis,
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_780_000_000)
}

fn login() -> Login {
    let preset = Preset::Json401;
    Login {
        breached: None,
        challenge: Some("/captcha".to_owned()),
        name: "shop/login".to_owned(),
        host: None,
        path: "/login".to_owned(),
        below: false,
        realm: "shop".to_owned(),
        methods: std::collections::BTreeSet::new(),
        username: preset.username(),
        passes_without_username: false,
        outcome: preset.outcome(),
        limits: Limits::default(),
        body_limit: 1 << 16,
        max_consecutive: 100,
        forget: Duration::from_secs(86_400),
        remember: Duration::from_secs(90 * 86_400),
        tarpit: Duration::ZERO,
    }
}

fn address(n: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + n).into()
}

impl Replicas {
    fn new(count: u32) -> Self {
        let (redis, ring, login) = (Redis::start(), Ring::ephemeral().expect("random"), Arc::new(login()));
        let stores: Vec<_> = (0..count).map(|_| connected(&settings(&redis.url()))).collect();
        let guard = |store: &Arc<_>| {
            let ledger = Shared::new(Arc::clone(store), Memory::new(10_000), count, Clock::Caller);
            let guard = Guard::with_ledger(&Settings::default(), &ring, Arc::new(ledger));
            let rule = guard.rule(&login);
            (guard, rule)
        };
        Self { guards: stores.iter().map(guard).collect(), asked: 0, stores, worker: worker(), _redis: redis }
    }

    /// All at once; how many were let through, and the cookies of those whose password was right.
    fn attempts(
        &mut self,
        of: &[(String, IpAddr)],
        cookie: Option<&HeaderValue>,
        judged: Judged,
    ) -> (usize, Vec<HeaderValue>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.extend(cookie.map(|cookie| (header::COOKIE, cookie.clone())));
        let (headers, guards) = (&headers, &self.guards);
        let check = async |(n, (name, address)): (usize, &(String, IpAddr))| {
            let (guard, rule) = &guards[n % guards.len()];
            let body = format!("{{\"username\":\"{name}\"}}");
            let account = rule.username(None, headers, body.as_bytes()).expect("readable").expect("an attempt");
            guard.check(rule, &account, *address, headers, now()).await.ok().map(|held| (guard, held))
        };
        let held: Vec<_> = self.worker.block_on(join_all(of.iter().enumerate().map(check)));
        let held: Vec<_> = held.into_iter().flatten().collect();
        let through = held.len();
        let settled = held.into_iter().map(|(guard, held)| guard.settle(held, judged, now()).cookie);
        let cookies = settled.flatten().collect();
        self.asked += (of.len() + through) as u64;
        let answered =
            || self.stores.iter().map(|s| s.counts().requests(counts::Outcome::Answered).value()).sum::<u64>();
        until("settled", || answered() >= self.asked);
        (through, cookies)
    }

    /// How many of wrong passwords reach the application: all at once, then one after the other.
    fn attack(&mut self, of: &[(String, IpAddr)]) -> usize {
        let burst = self.attempts(of, None, Judged::Failure).0;
        burst + of.iter().map(|one| self.attempts(std::slice::from_ref(one), None, Judged::Failure).0).sum::<usize>()
    }
}

#[test]
fn attacks_reach_the_application_as_often_as_is_configured_whatever_the_number_of_replicas() {
    let alice = |n: u32| ("alice".to_owned(), address(n));
    let table = [
        ("a burst of 200 from one address at one account", vec![alice(1); 200], 5),
        ("one account from 150 addresses", (0..150).map(alice).collect(), 20),
        ("150 accounts from one address", (0..150).map(|n| (format!("user{n}"), address(1))).collect(), 30),
        ("700 accounts from 700 addresses", (0..700).map(|n| (format!("user{n}"), address(n))).collect(), 600),
    ];
    for count in [1, 3] {
        for (what, attempts, most) in &table {
            let through = Replicas::new(count).attack(attempts);
            println!("{count} replicas, {what}: {through} of {most}");
            assert_eq!(through, *most, "{what}, {count} replicas");
        }
    }
}

#[test]
fn a_victim_signs_in_at_any_replica_while_under_attack() {
    let mut replicas = Replicas::new(3);
    let home = ("alice".to_owned(), address(1));
    let (through, cookies) = replicas.attempts(std::slice::from_ref(&home), None, Judged::Success);
    assert_eq!((through, cookies.len()), (1, 1));
    let attack: Vec<_> = (100..200).map(|n| ("alice".to_owned(), address(n))).collect();
    assert_eq!(replicas.attack(&attack), 20);
    // From home at each replica: a success is known to all of them.
    assert_eq!(replicas.attempts(&vec![home; 3], None, Judged::Success).0, 3);
    // From elsewhere with the device; without it, or with another's account, not.
    let text = cookies[0].to_str().expect("text").split(';').next().expect("a cookie").to_owned();
    let device = HeaderValue::from_str(&text).expect("text");
    let away = ("alice".to_owned(), address(50));
    assert_eq!(replicas.attempts(&vec![away.clone(); 3], None, Judged::Failure).0, 0);
    assert_eq!(replicas.attempts(&vec![away; 3], Some(&device), Judged::Success).0, 3);
}

#[test]
fn a_solved_challenge_is_one_attempt_more_whichever_replica_it_comes_to() {
    for count in [1, 3] {
        let mut replicas = Replicas::new(count);
        let attack: Vec<_> = (100..200).map(|n| ("alice".to_owned(), address(n))).collect();
        assert_eq!(replicas.attack(&attack), 20, "unchanged without one");
        let set = replicas.guards[0].1.solved(address(1), now()).expect("a cookie");
        let text = set.to_str().expect("text").split(';').next().expect("a cookie").to_owned();
        let cookie = HeaderValue::from_str(&text).expect("text");
        let guesses = vec![("alice".to_owned(), address(1)); 30];
        let burst = replicas.attempts(&guesses, Some(&cookie), Judged::Failure).0;
        let after = replicas.attempts(&guesses, Some(&cookie), Judged::Failure).0;
        println!("{count} replicas, one solved challenge: {burst} and {after}");
        assert_eq!((burst, after), (1, 0), "{count} replicas");
    }
}
