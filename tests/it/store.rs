//! The shared store against real Redis servers: up, gone, frozen, back, moved; passwords, TLS, sentinels, clusters.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use privet::{
    common::secret::Secret,
    store::{
        Away, Script, Settings, Store, Value,
        counts::Outcome,
        settings::{Redis as Place, Tls},
    },
};
use tokio::runtime::{Builder, Handle, Runtime};

use super::redis::{Redis, certificates, cluster};

const ADD: &str = "return redis.call('INCRBY', KEYS[1], ARGV[1])";

/// The runtime that drives the connection, on a thread of its own as in the process. Ended with the test's.
fn service() -> Handle {
    let (give, take) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        give.send(runtime.handle().clone()).expect("awaited");
        runtime.block_on(std::future::pending::<()>());
    });
    take.recv().expect("a runtime")
}

pub fn worker() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

pub fn settings(url: &str) -> Settings {
    // Generous, so that a slow machine is not taken for a server that is away.
    let redis = Place::parse(url).expect("valid");
    Settings { redis, timeout: Duration::from_secs(2), replicas: 3, cleartext_reason: None }
}

fn store(settings: &Settings) -> Arc<Store> {
    Store::start(settings, &service()).expect("starts")
}

pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(240), "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

pub fn connected(settings: &Settings) -> Arc<Store> {
    let store = store(settings);
    until("up", || store.is_up());
    store
}

fn add(store: &Store, worker: &Runtime, key: &str, amount: u32) -> Result<Value, Away> {
    worker.block_on(store.run(&Script::new(ADD), &[key], &[amount.to_string()]))
}

#[test]
fn it_goes_on_at_once_when_the_server_is_killed_and_returns_by_itself() {
    let (mut redis, worker) = (Redis::start(), worker());
    let store = connected(&settings(&redis.url()));
    assert_eq!(add(&store, &worker, "n", 2), Ok(Value::Int(2)));
    redis.kill();
    until("away", || add(&store, &worker, "n", 1).is_err());
    until("known", || !store.is_up());
    let late = store.counts().requests(Outcome::Late).value();
    for _ in 0..1000 {
        assert_eq!(add(&store, &worker, "n", 1), Err(Away));
    }
    assert_eq!(late, 0, "a broken connection is no wait");
    assert!(store.counts().requests(Outcome::Away).value() >= 1000);
    redis.restart();
    until("back", || store.is_up());
    assert_eq!(add(&store, &worker, "n", 5), Ok(Value::Int(5)));
    assert_eq!(store.counts().reconnects.value(), 1);
    assert_eq!(store.counts().up.value(), 1);
}

#[test]
fn a_server_that_no_longer_answers_is_waited_for_once() {
    let (redis, worker) = (Redis::start(), worker());
    let store = connected(&Settings { timeout: Duration::from_millis(50), ..settings(&redis.url()) });
    redis.freeze(true);
    let outcomes: Vec<bool> = (0..100).map(|_| add(&store, &worker, "n", 1).is_ok()).collect();
    assert!(!outcomes.contains(&true));
    let (late, away) = (store.counts().requests(Outcome::Late).value(), store.counts().requests(Outcome::Away).value());
    // A look that was under way as it froze may have let one more go out, or told of it before anybody asked.
    assert!(late <= 2 && late + away == 100, "{late} late, {away} away");
    redis.freeze(false);
    until("back", || store.is_up());
    until("asked again", || add(&store, &worker, "n", 1).is_ok());
}

/// Killed and started again in the midst of load: every request gets an answer or is told, and all is well afterwards.
#[test]
fn load_goes_on_through_an_outage() {
    let mut redis = Redis::start();
    let store = connected(&settings(&redis.url()));
    let (script, done) = (Script::new(ADD), std::sync::atomic::AtomicBool::new(false));
    let (answered, away) = thread::scope(|scope| {
        let load = || {
            let (worker, mut outcomes) = (worker(), [0_u64; 2]);
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let asks = (0..20).map(|_| store.run(&script, &["n"], &["1"]));
                for answer in worker.block_on(futures_util::future::join_all(asks)) {
                    outcomes[usize::from(answer.is_err())] += 1;
                }
                thread::sleep(Duration::from_millis(1));
            }
            outcomes
        };
        let loads = [scope.spawn(load), scope.spawn(load)];
        let count = |outcome| store.counts().requests(outcome).value();
        for _ in 0..3 {
            let answered = count(Outcome::Answered);
            until("under load", || count(Outcome::Answered) > answered);
            redis.kill();
            let away = count(Outcome::Away);
            until("known", || count(Outcome::Away) > away);
            redis.restart();
        }
        until("back", || store.is_up());
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        let outcomes = loads.map(|load| load.join().expect("no panic"));
        (outcomes[0][0] + outcomes[1][0], outcomes[0][1] + outcomes[1][1])
    });
    let count = |outcome| store.counts().requests(outcome).value();
    assert!(answered > 0 && away > 0);
    assert_eq!(answered, count(Outcome::Answered));
    assert_eq!(away, count(Outcome::Away) + count(Outcome::Failed) + count(Outcome::Late));
    assert!(store.counts().reconnects.value() >= 3);
    assert!(add(&store, &worker(), "m", 1).is_ok());
}

#[test]
fn nothing_needs_to_be_there_at_the_start() {
    let (mut redis, worker) = (Redis::start(), worker());
    redis.kill();
    let store = store(&settings(&redis.url()));
    assert_eq!(add(&store, &worker, "n", 1), Err(Away));
    redis.restart();
    until("up", || store.is_up());
    assert_eq!(add(&store, &worker, "n", 1), Ok(Value::Int(1)));
}

#[test]
fn scripts_that_the_server_has_forgotten_are_sent_again() {
    let (redis, worker) = (Redis::start(), worker());
    let store = connected(&settings(&redis.url()));
    for n in 1..=3 {
        assert_eq!(add(&store, &worker, "n", 1), Ok(Value::Int(n)));
        assert!(redis.ask("SCRIPT FLUSH").starts_with("+OK"));
    }
    assert!(redis.ask("GET privet:n").contains("\r\n3"), "every key has the prefix");
}

#[test]
fn a_script_that_fails_takes_nothing_else_down() {
    let (redis, worker) = (Redis::start(), worker());
    let store = connected(&settings(&redis.url()));
    let broken = Script::new("return redis.call('NOSUCH')");
    assert_eq!(worker.block_on(store.run(&broken, &["n"], &[] as &[&str])), Err(Away));
    assert_eq!(store.counts().requests(Outcome::Refused).value(), 1);
    assert_eq!(add(&store, &worker, "n", 1), Ok(Value::Int(1)));
    assert_eq!(store.counts().reconnects.value(), 0);
}

#[test]
fn many_runtimes_ask_at_once() {
    let redis = Redis::start();
    let store = connected(&settings(&redis.url()));
    let script = Script::new(ADD);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let asks = (0..250).map(|_| store.run(&script, &["n"], &["1"]));
                let answers = worker().block_on(futures_util::future::join_all(asks));
                assert!(answers.iter().all(Result::is_ok));
            });
        }
    });
    assert_eq!(add(&store, &worker(), "n", 0), Ok(Value::Int(1000)));
    assert!(store.counts().requests(Outcome::Answered).value() >= 1001);
}

#[test]
fn what_is_told_arrives_or_is_counted() {
    let (mut redis, worker) = (Redis::start(), worker());
    let store = connected(&settings(&redis.url()));
    let script = Script::new(ADD);
    (0..1000).for_each(|_| store.tell(&script, &["n"], &["1"]));
    until("told", || add(&store, &worker, "n", 0) == Ok(Value::Int(1000)));
    assert_eq!(store.counts().dropped.value(), 0);
    redis.kill();
    until("known", || !store.is_up());
    store.tell(&script, &["n"], &["1"]);
    assert_eq!(store.counts().dropped.value(), 1);
}

#[test]
fn values_have_a_life() {
    let (redis, worker) = (Redis::start(), worker());
    let store = connected(&settings(&redis.url()));
    worker.block_on(async {
        assert_eq!(store.get("s").await, Ok(None));
        assert_eq!(store.set("s", b"\0value", Duration::from_secs(100)).await, Ok(()));
        assert_eq!(store.get("s").await, Ok(Some(b"\0value".to_vec())));
    });
    let left = redis.ask("TTL privet:s");
    assert!([":100", ":99", ":98", ":97"].iter().any(|t| left.starts_with(t)), "{left}");
    worker.block_on(async {
        assert_eq!(store.delete("s").await, Ok(true));
        assert_eq!(store.delete("s").await, Ok(false));
        assert_eq!(store.get("s").await, Ok(None));
    });
}

#[test]
fn passwords() {
    let (redis, worker) = (Redis::with(&["--requirepass", "p@ss"]), worker());
    let mut right = settings(&redis.url());
    right.redis.password = Some(Secret::new("p@ss"));
    assert_eq!(add(&connected(&right), &worker, "n", 1), Ok(Value::Int(1)));
    let url = format!("redis://default:p%40ss@127.0.0.1:{}", redis.port);
    assert_eq!(add(&connected(&settings(&url)), &worker, "n", 1), Ok(Value::Int(2)));
    let mut wrong = right.clone();
    wrong.redis.password = Some(Secret::new("wrong"));
    for bad in [store(&wrong), store(&settings(&redis.url()))] {
        thread::sleep(Duration::from_millis(300));
        assert_eq!(add(&bad, &worker, "n", 1), Err(Away));
    }
}

#[test]
fn tls_with_the_right_authority_only() {
    let (redis, worker) = (Redis::over_tls(certificates()), worker());
    let tls = |ca| {
        let mut settings = settings(&format!("rediss://127.0.0.1:{}", redis.port));
        settings.redis.tls = Some(Tls { ca });
        settings
    };
    assert_eq!(add(&connected(&tls(Some(redis.dir.path().join("ca.pem")))), &worker, "n", 1), Ok(Value::Int(1)));
    let other = certificates();
    let stranger = store(&tls(Some(other.path().join("ca.pem"))));
    thread::sleep(Duration::from_millis(300));
    assert_eq!(add(&stranger, &worker, "n", 1), Err(Away));
    assert!(Store::start(&tls(Some("/nowhere/ca.pem".into())), &service()).is_err());
}

#[test]
fn unix_sockets() {
    let dir = tempfile::tempdir().expect("a folder");
    let socket = dir.path().join("redis.sock").display().to_string();
    let _redis = Redis::with(&["--unixsocket", &socket]);
    let store = connected(&settings(&format!("unix:{socket}")));
    assert_eq!(add(&store, &worker(), "n", 1), Ok(Value::Int(1)));
}

/// A failover behind one address: the old master has become a replica.
#[test]
fn a_replica_is_no_use() {
    let (redis, other, worker) = (Redis::start(), Redis::start(), worker());
    let store = connected(&settings(&redis.url()));
    assert_eq!(add(&store, &worker, "n", 1), Ok(Value::Int(1)));
    redis.ask(&format!("REPLICAOF 127.0.0.1 {}", other.port));
    until("away", || add(&store, &worker, "n", 1).is_err());
    until("known", || !store.is_up());
    redis.ask("REPLICAOF NO ONE");
    until("back", || add(&store, &worker, "n", 1).is_ok());
}

#[test]
fn sentinels_lead_to_the_new_master() {
    let (mut master, worker) = (Redis::start(), worker());
    let replica = Redis::with(&["--replicaof", &format!("127.0.0.1 {}", master.port)]);
    until("in step", || replica.ask("INFO replication").contains("master_link_status:up"));
    let sentinel = Redis::sentinel(&master);
    until("known to the sentinel", || sentinel.ask("INFO sentinel").contains("slaves=1"));
    let store = connected(&settings(&format!("redis+sentinel://127.0.0.1:{}/mymaster", sentinel.port)));
    assert_eq!(add(&store, &worker, "n", 7), Ok(Value::Int(7)));
    until("copied", || replica.ask("GET privet:n").contains("\r\n7"));
    master.kill();
    until("away", || add(&store, &worker, "m", 1).is_err());
    until("at the new master", || store.is_up());
    assert_eq!(add(&store, &worker, "n", 1), Ok(Value::Int(8)));
    assert!(replica.ask("ROLE").contains("master"));
}

#[test]
fn clusters() {
    let (mut nodes, worker) = (cluster(), worker());
    let urls: Vec<String> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
    let store = connected(&settings(&format!("redis-cluster://{}", urls.join(","))));
    // `b`, `a` and `c` are on the first, the third and the second node.
    for tag in ["a", "b", "c"] {
        assert_eq!(add(&store, &worker, &format!("{{{tag}}}:n"), 1), Ok(Value::Int(1)));
    }
    let split = worker.block_on(store.run(&Script::new("return 1"), &["{a}", "{b}"], &[] as &[&str]));
    assert_eq!(split, Err(Away), "keys of two places");
    nodes[0].kill();
    until("away", || add(&store, &worker, "{b}:n", 1).is_err());
    until("known", || !store.is_up());
    nodes[0].restart();
    until("back", || add(&store, &worker, "{b}:n", 1).is_ok());
    assert_eq!(add(&store, &worker, "{a}:n", 1), Ok(Value::Int(2)));
}
