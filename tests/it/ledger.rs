//! The ledger of logins that replicas share, on real Redis servers: the same decisions as in memory, one limit for all replicas, and each
//! its share while the server is away.

use std::{
    future::poll_fn,
    sync::Arc,
    task::Poll,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use privet::{
    login::{
        key::{AllTerms, Key},
        ledger::{Ask, Claim, Denied, Keys, Ledger, Outcome, Standing, Why},
        memory::Memory,
        redis::{Clock, Redis as Shared},
        state::Terms,
    },
    store::{Store, counts},
};
use tokio::runtime::Runtime;

use super::{
    redis::{Redis, cluster},
    store::{connected, settings, until, worker},
};

const START: u64 = 1_780_000_000_123;

/// Settles in memory with the same numbers; the shared ledger takes them in its own time.
struct Both {
    store: Arc<Store>,
    shared: Shared,
    memory: Memory,
    worker: Runtime,
    asked: u64,
}

impl Both {
    fn on(redis: &Redis) -> Self {
        let store = connected(&settings(&redis.url()));
        let shared = Shared::new(Arc::clone(&store), Memory::new(100_000), 1, Clock::Caller);
        Self { store, shared, memory: Memory::new(100_000), worker: worker(), asked: 0 }
    }

    /// The same answer from both.
    fn reserve(&mut self, ask: &Ask, now: u64) -> Result<[Claim; 2], Denied> {
        self.asked += 1;
        let shared = self.worker.block_on(self.shared.reserve(ask.clone(), now));
        let memory = self.memory.reserve_now(ask.clone(), now);
        let short = |outcome: &Result<Claim, Denied>| outcome.clone().map(|claim| claim.standing);
        assert_eq!(short(&shared), short(&memory), "shared and in memory, of {ask:?} at {now}");
        Ok([shared?, memory?])
    }

    fn settle(&mut self, [shared, memory]: &[Claim; 2], outcome: Outcome, now: u64) {
        self.shared.settle(shared, outcome, now);
        self.memory.settle(memory, outcome, now);
        self.asked += 1;
        let answered = self.store.counts().requests(counts::Outcome::Answered);
        until("settled", || answered.value() >= self.asked);
    }
}

fn key(kind: u8, number: usize) -> Key {
    let mut bytes = [kind; 16];
    bytes[15] = u8::try_from(number).expect("small");
    Key(bytes)
}

fn keys(account: usize, address: usize, device: bool) -> Keys {
    let device = device.then(|| key(5, account * 16 + address));
    let pair = key(4, account * 16 + address);
    Keys { route: key(1, 0), address: key(2, address), account: key(3, account), pair, device, challenge: None }
}

fn terms(limit: u32, window: u64, waits: bool, cap: u8) -> Terms {
    Terms { limit, slot: window.div_ceil(7), waits, cap, forget: 86_400, remember: 90 * 86_400 }
}

fn all(own: u32, account: u32, address: u32, route: u32) -> AllTerms {
    AllTerms {
        route: terms(route, 60_000, false, 0),
        address: terms(address, 60_000, true, 0),
        account: terms(account, 3_600_000, true, 100),
        own: terms(own, 60_000, true, 100),
    }
}

fn ask(keys: Keys, terms: AllTerms) -> Ask {
    Ask { login: "shop/login".into(), keys, terms }
}

fn random_terms(random: &mut fastrand::Rng) -> AllTerms {
    let mut one = |most: u32, waits: bool, cap: u8| Terms {
        forget: random.u32(60..100_000),
        remember: random.u32(60..10_000_000),
        ..terms(random.u32(1..=most), random.u64(1000..4_000_000), waits && random.bool(), cap)
    };
    AllTerms { route: one(15, false, 0), address: one(12, true, 0), account: one(9, true, 7), own: one(5, true, 4) }
}

#[test]
fn redis_and_memory_decide_alike() {
    let redis = Redis::start();
    let mut both = Both::on(&redis);
    let mut random = fastrand::Rng::with_seed(11);
    let (mut through, mut challenged, mut refused) = (0, 0, std::collections::HashMap::new());
    for _ in 0..60 {
        redis.ask("FLUSHALL");
        both.memory = Memory::new(100_000);
        let terms = random_terms(&mut random);
        let (mut now, mut held, mut passed) = (START + random.u64(0..10_000_000), Vec::new(), 0);
        for _ in 0..150 {
            let most = [0, 0, 500, 500, 5000, 20_000, terms.own.slot, 100_000_000][random.usize(0..8)];
            let back = random.u8(..) < 10;
            // Further back memory has forgotten what Redis still has.
            let most = if back { 30_000 } else { most };
            let step = random.u64(0..=most);
            passed += step;
            // What is in flight for minutes is forgotten by Redis alone.
            if passed > 100_000 || held.len() > 12 {
                passed = 0;
                for claims in held.drain(..) {
                    both.settle(&claims, Outcome::Nothing, now);
                }
            }
            // A clock may be set back.
            now = if back { now - step } else { now + step };
            if random.u8(..) < 140 || held.is_empty() {
                let keys = keys(random.usize(0..2), random.usize(0..2), random.u8(..) < 30);
                let challenge = (random.u8(..) < 100).then(|| key(6, random.usize(0..200)));
                let keys = Keys { challenge, ..keys };
                match both.reserve(&ask(keys, terms), now) {
                    Ok(claims) => {
                        challenged += usize::from(claims[0].standing == Standing::Challenged);
                        held.push(claims);
                        through += 1;
                    }
                    Err(denied) => *refused.entry(denied.why).or_insert(0) += 1,
                }
            } else {
                let claims = held.swap_remove(random.usize(..held.len()));
                let outcome = match random.u8(..10) {
                    0 => Outcome::Nothing,
                    1 | 2 => Outcome::Success,
                    _ => Outcome::Failure,
                };
                both.settle(&claims, outcome, now);
            }
        }
    }
    let often = [Why::Route, Why::Address, Why::Account, Why::AccountAddress].iter().all(|why| refused[why] >= 10);
    assert!(
        often && through > 1000 && challenged > 100,
        "{through} through, {challenged} challenged, {refused:?} refused"
    );
    assert_eq!(both.shared.local(), 0);
}

/// Replicas that share a server: each its own connection and memory.
fn replicas(count: u32, url: &str, clock: Clock) -> Vec<(Arc<Store>, Shared)> {
    let one = |_| {
        let store = connected(&settings(url));
        (Arc::clone(&store), Shared::new(store, Memory::new(10_000), count, clock))
    };
    (0..count).map(one).collect()
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("small")
}

/// How many of `attempts`, all at once, were let through.
fn burst(ledger: &Shared, ask: &Ask, attempts: usize) -> Vec<Claim> {
    let asks = (0..attempts).map(|_| ledger.reserve(ask.clone(), now()));
    worker().block_on(futures_util::future::join_all(asks)).into_iter().filter_map(Result::ok).collect()
}

fn settle(ledger: &Shared, claims: &[Claim], outcome: Outcome) {
    for claim in claims {
        ledger.settle(claim, outcome, now());
    }
}

#[test]
fn three_replicas_let_through_what_one_may() {
    let redis = Redis::start();
    let replicas = replicas(3, &redis.url(), Clock::Server);
    let ask = ask(keys(1, 1, false), all(5, 20, 30, 600));
    let bursts = || -> Vec<Vec<Claim>> {
        thread::scope(|scope| {
            let bursts: Vec<_> = replicas.iter().map(|(_, ledger)| scope.spawn(|| burst(ledger, &ask, 200))).collect();
            bursts.into_iter().map(|burst| burst.join().expect("no panic")).collect()
        })
    };
    let claims = bursts();
    assert_eq!(claims.iter().map(Vec::len).sum::<usize>(), 5, "in flight");
    for ((_, ledger), claims) in replicas.iter().zip(&claims) {
        settle(ledger, claims, Outcome::Failure);
    }
    let waits = || worker().block_on(replicas[0].1.reserve(ask.clone(), now())).is_err_and(|d| d.wait > 1000);
    until("charged", waits);
    assert_eq!(bursts().iter().map(Vec::len).sum::<usize>(), 0, "failed");
}

#[test]
fn while_the_server_is_away_each_replica_has_its_share() {
    let mut redis = Redis::start();
    let replicas = replicas(3, &redis.url(), Clock::Server);
    redis.kill();
    for (store, _) in &replicas {
        until("known", || !store.is_up());
    }
    let (seven, two) = (ask(keys(1, 1, false), all(7, 70, 70, 600)), ask(keys(2, 2, false), all(2, 70, 70, 600)));
    for (_, ledger) in &replicas {
        let claims = burst(ledger, &seven, 200);
        assert_eq!(claims.len(), 2, "a third of seven");
        settle(ledger, &claims, Outcome::Failure);
        assert_eq!(burst(ledger, &seven, 10).len(), 0);
        assert_eq!(burst(ledger, &two, 200).len(), 1, "at least one");
        assert_eq!(ledger.local(), 410);
    }
    redis.restart();
    for (store, _) in &replicas {
        until("back", || store.is_up());
    }
    let all: usize = replicas.iter().map(|(_, ledger)| burst(ledger, &seven, 50).len()).sum();
    assert_eq!(all, 7, "shared again");
}

#[test]
fn a_replica_knows_what_it_settled_itself() {
    let mut redis = Redis::start();
    let replicas = replicas(1, &redis.url(), Clock::Server);
    let (store, ledger) = &replicas[0];
    let ask = ask(keys(1, 1, false), all(3, 70, 70, 600));
    settle(ledger, &burst(ledger, &ask, 2), Outcome::Failure);
    redis.kill();
    until("known", || !store.is_up());
    assert_eq!(burst(ledger, &ask, 10).len(), 1);
}

#[test]
fn what_a_dead_replica_held_is_free_after_four_minutes() {
    let redis = Redis::start();
    let mut both = Both::on(&redis);
    let ask = ask(keys(1, 1, false), all(2, 20, 30, 600));
    let at = |now: u64, ledger: &Shared, worker: &Runtime| worker.block_on(ledger.reserve(ask.clone(), now));
    let (shared, worker) = (&both.shared, &both.worker);
    let lost = [at(START, shared, worker), at(START, shared, worker)].map(|claim| claim.expect("let through"));
    assert_eq!(
        at(START + 180_000, shared, worker),
        Err(Denied { why: Why::AccountAddress, wait: 1000, solvable: false })
    );
    let late = START + 240_000;
    assert!(at(late, shared, worker).is_ok_and(|claim| claim.standing == Standing::Stranger));
    both.asked = 4;
    // It was only slow: its failures are charged, and free no place a second time.
    both.memory.reserve_now(ask.clone(), late).expect("let through");
    both.settle(&[lost[0].clone(), lost[0].clone()], Outcome::Failure, late);
    let denied = both.worker.block_on(both.shared.reserve(ask.clone(), late));
    assert_eq!(
        denied,
        Err(Denied { why: Why::AccountAddress, wait: 1000, solvable: false }),
        "one failed and one in flight"
    );
}

#[test]
fn a_clock_set_back_by_hours_neither_opens_nor_locks() {
    let redis = Redis::start();
    let (mut both, back) = (Both::on(&redis), START - 7_200_000);
    let (failed, free) = (ask(keys(1, 1, false), all(3, 20, 30, 600)), ask(keys(2, 2, false), all(3, 20, 30, 600)));
    for _ in 0..3 {
        let claims = both.reserve(&failed, START).expect("let through");
        both.settle(&claims, Outcome::Failure, START);
        let claims = both.reserve(&free, START).expect("let through");
        both.settle(&claims, Outcome::Nothing, START);
    }
    // No wait is longer than an hour, and a place that is given back is free whatever the clock says.
    assert_eq!(both.reserve(&failed, back), Err(Denied { why: Why::AccountAddress, wait: 3_600_000, solvable: false }));
    let held = both.reserve(&free, START).expect("let through");
    for now in (back..).step_by(10_000).take(10) {
        let claims = both.reserve(&free, now).expect("let through");
        both.settle(&claims, Outcome::Nothing, now);
    }
    both.settle(&held, Outcome::Nothing, back);
    let all: Vec<_> = (0..4).map(|_| both.reserve(&free, START).is_ok()).collect();
    assert_eq!(all, [true, true, true, false]);
}

/// A client that hangs up while the store is asked, as by resetting an HTTP/2 stream.
#[test]
fn an_attempt_that_is_given_up_while_it_is_decided_leaves_nothing() {
    let redis = Redis::start();
    let replicas = replicas(1, &redis.url(), Clock::Server);
    let (store, ledger) = &replicas[0];
    let (ask, worker) = (ask(keys(1, 1, false), all(5, 20, 30, 600)), worker());
    let answered = store.counts().requests(counts::Outcome::Answered);
    worker.block_on(async {
        for _ in 0..5 {
            let mut asked = ledger.reserve(ask.clone(), now());
            let pending = poll_fn(|context| Poll::Ready(asked.as_mut().poll(context).is_pending()));
            assert!(pending.await, "nobody knows yet");
        }
        // Reserved, and given back.
        while answered.value() < 10 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    });
    assert_eq!(names(&redis).len(), 0);
    assert_eq!(burst(ledger, &ask, 100).len(), 5);
}

#[test]
fn everything_in_the_store_ends() {
    let redis = Redis::start();
    let replicas = replicas(1, &redis.url(), Clock::Server);
    let ledger = &replicas[0].1;
    let asks = [ask(keys(1, 1, false), all(5, 20, 30, 600)), ask(keys(1, 2, true), all(5, 20, 30, 600))];
    let held: Vec<Claim> = asks.iter().flat_map(|ask| burst(ledger, ask, 2)).collect();
    let flying = names(&redis);
    assert_eq!(flying.len(), 5, "four keys of a stranger, one of a device");
    for outcome in [Outcome::Failure, Outcome::Success] {
        settle(ledger, &held, outcome);
    }
    until("settled", || names(&redis).len() == 6);
    for name in names(&redis) {
        let life = redis.ask(&format!("PTTL {name}"));
        let life: i64 = life.trim().trim_start_matches(':').parse().expect("a number");
        assert!((1..=90 * 86_400_000).contains(&life), "{name} for {life}");
    }
    let claims = burst(ledger, &ask(keys(9, 9, false), all(5, 20, 30, 600)), 1);
    ledger.settle(&claims[0], Outcome::Nothing, now());
    until("given back", || names(&redis).len() == 6);
}

fn names(redis: &Redis) -> Vec<String> {
    let answer = redis.ask("KEYS privet:{login}:*");
    answer.lines().filter(|line| line.starts_with("privet:")).map(str::to_owned).collect()
}

#[test]
fn a_cluster_has_all_keys_in_one_place() {
    let nodes = cluster();
    let url = format!("redis-cluster://127.0.0.1:{}", nodes[0].port);
    let replicas = replicas(2, &url, Clock::Server);
    let ask = ask(keys(1, 1, true), all(5, 20, 30, 600));
    let through: usize = replicas.iter().map(|(_, ledger)| burst(ledger, &ask, 100).len()).sum();
    assert_eq!(through, 5);
    assert!(replicas.iter().all(|(_, ledger)| ledger.local() == 0));
}
