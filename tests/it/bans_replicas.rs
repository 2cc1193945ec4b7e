//! Bans that replicas share, on a real Redis server: one limit for all, one word for all, and each its share while it is away.

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use privet::{
    common::limit::Limit,
    seal::Ring,
    shield::ban::{
        Scenario,
        bucket::Terms,
        seal::Seal,
        shared::{Entry, News, Said, Shared},
        table::{Deed, Held, Ladder, Noted, Table},
        who::Key,
    },
};

use crate::{
    bans::{PROBES, STRICT, application, ban, done, get, row, serves},
    redis::Redis,
    store::{connected, settings, until, worker},
    support::{Origin, Privet},
};

/// Two gateways with the same keys and store.
fn replicas(application: &Origin, redis: &Redis, keys: &Path) -> [Privet; 2] {
    Ring::load_or_make(&keys.join("seal.key")).expect("keys");
    [(); 2].map(|()| {
        let store = format!("[store]\nredis = \"{}\"\nreplicas = 2\ntimeout = \"2s\"\n", redis.url());
        let seal = format!("[seal]\nkey_file = \"{}\"\n", keys.join("seal.key").display());
        Privet::with(&format!("{}{STRICT}{store}{seal}", application.route("")))
    })
}

#[test]
fn replicas_count_and_ban_as_one_and_go_on_alone() {
    let (application, mut redis, keys) = (application(), Redis::start(), tempfile::tempdir().expect("a folder"));
    let [one, other] = replicas(&application, &redis, keys.path());
    // Who hears the other has agreed with it.
    done(&ban(&one, &["add", "127.0.0.61", "--reason", "a test"]));
    done(&ban(&other, &["add", "127.0.0.62", "--reason", "a test"]));
    other.until("agreed", || !serves(&other, "127.0.0.61", ""));
    one.until("agreed", || !serves(&one, "127.0.0.62", ""));
    // Each has two of the four.
    for (privet, targets) in [(&one, &PROBES[..2]), (&other, &PROBES[2..])] {
        for target in targets {
            get(privet, "127.0.0.11", target, "");
        }
    }
    one.until("banned by both", || !serves(&one, "127.0.0.11", "") && !serves(&other, "127.0.0.11", ""));
    let begun = |privet: &Privet| privet.metric("privet_bans_total{scenario=\"scanner\",step=\"1\"}");
    assert_eq!(begun(&one) + begun(&other), 1);
    assert_eq!(
        row(&one, "127.0.0.11").map(|row| row["until"].clone()),
        row(&other, "127.0.0.11").map(|row| row["until"].clone())
    );
    // Operators' words go everywhere.
    done(&ban(&one, &["add", "127.0.0.50", "--reason", "a test"]));
    other.until("told", || !serves(&other, "127.0.0.50", ""));
    done(&ban(&other, &["lift", "127.0.0.50"]));
    done(&ban(&other, &["lift", "127.0.0.11"]));
    one.until("told", || serves(&one, "127.0.0.50", "") && serves(&one, "127.0.0.11", ""));
    done(&ban(&other, &["add", "127.0.0.50", "--reason", "again"]));
    one.until("told again", || !serves(&one, "127.0.0.50", ""));
    let all = redis.ask("KEYS *") + &redis.ask("XRANGE privet:{ban}:log - +");
    assert!(all.contains("privet:{ban}:") && !all.contains("127.0.0."), "{all}");
    // Away: each with its share, one of three here, and nobody waits.
    redis.kill();
    for privet in [&one, &other] {
        privet.until("known", || privet.metric("privet_store_up") == 0);
    }
    probe_two(&one, "127.0.0.12");
    assert!(!serves(&one, "127.0.0.12", "") && serves(&other, "127.0.0.12", ""));
    assert!(!serves(&one, "127.0.0.50", ""), "what was ordered holds");
    redis.restart();
    for privet in [&one, &other] {
        privet.until("back", || privet.metric("privet_store_up") == 1);
    }
    // An order that is given to one reaches the other again.
    done(&ban(&one, &["add", "127.0.0.60", "--reason", "a test"]));
    other.until("told", || !serves(&other, "127.0.0.60", ""));
}

fn probe_two(privet: &Privet, from: &str) {
    for target in &PROBES[..2] {
        get(privet, from, target, "");
    }
}

/// The script and the table do the same sums.
#[test]
fn the_store_decides_as_memory_does() {
    let redis = Redis::start();
    let store = connected(&settings(&redis.url()));
    let seal = Arc::new(Seal::of(&Ring::ephemeral().expect("random bytes")).expect("keys"));
    let shared = Arc::new(Shared::new(Arc::clone(&store), seal, Arc::new(AtomicBool::new(true)), 3));
    let (table, worker) = (Table::new(10_000), worker());
    let ladder = Ladder { steps: vec![5_000, 20_000, 60_000], forget: 100_000 };
    let mut random = fastrand::Rng::with_seed(5);
    let (mut now, mut bans) = (1_780_000_000_123_u64, Vec::new());
    for _ in 0..3_000 {
        now += random.u64(0..300);
        let key = Key::address([192, 0, 2, random.u8(0..6)].into(), random.bool());
        let scenario = Scenario::ALL[random.usize(0..5)];
        let terms = Terms::of(Limit::new(3 + u32::from(scenario as u8), 60));
        let held = table.held(key, now);
        let noted = table.note(key, Deed { scenario, what: None }, terms, &ladder, now, true);
        let said = worker.block_on(shared.note(key, scenario, terms, &ladder, Some(now))).expect("up");
        let expected = match (held, noted) {
            // The store does not tell for what.
            (Some(held), _) => Said::Known(Held { scenario, ..held }),
            (None, Noted::Banned(held)) => Said::Banned(held),
            (None, Noted::Counted) => Said::Counted,
        };
        assert_eq!(said, expected, "at {now}");
        if let Noted::Banned(held) = noted {
            bans.push(News::Ban(key, held));
        }
    }
    assert!(bans.len() > 50, "{}", bans.len());
    let mut after = Entry::default();
    assert_eq!(worker.block_on(shared.read(&mut after)).expect("up"), bans, "the log has all of them, in order");
    assert!(worker.block_on(shared.read(&mut after)).expect("up").is_empty());
    // Whoever has other keys reads nothing of it.
    let other = Arc::new(Seal::of(&Ring::ephemeral().expect("random bytes")).expect("keys"));
    let stranger = Shared::new(store, other, Arc::new(AtomicBool::new(true)), 3);
    assert!(worker.block_on(stranger.read(&mut Entry::default())).expect("up").is_empty());
    until("answered", || shared.decides());
}
