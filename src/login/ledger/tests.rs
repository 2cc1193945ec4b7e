use std::time::Duration;

use super::*;

const START: u64 = 1_800_000_000_000;

fn limit(failures: u16, seconds: u64) -> Limit {
    Limit { failures, window: Duration::from_secs(seconds) }
}

fn terms() -> Terms {
    Terms {
        limits: Limits {
            account_address: limit(5, 3600),
            account: limit(20, 3600),
            address: limit(30, 3600),
            route: limit(600, 3600),
        },
        consecutive: 100,
        lock: 86_400_000,
        known: 90 * 86_400_000,
    }
}

fn key(kind: u8, number: u32) -> Key {
    let mut bytes = [kind; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Key(bytes)
}

fn keys(account: u32, address: u32) -> Keys {
    Keys {
        pair: key(1, account.wrapping_mul(100_003) ^ address),
        account: key(2, account),
        address: key(3, address),
        rule: key(4, 0),
        device: None,
        proof: None,
    }
}

/// Tries and fails; whether it came through.
fn fail(memory: &Memory, keys: &Keys, terms: &Terms, now: u64) -> Result<(), Block> {
    let hold = memory.check(keys, terms, now)?;
    memory.settle(keys, hold, terms, End::Failure, now);
    Ok(())
}

#[test]
fn each_key_has_its_limit() {
    let came_through = |attempts: &mut dyn Iterator<Item = Keys>| {
        let memory = Memory::new(100_000);
        attempts.filter(|keys| fail(&memory, keys, &terms(), START).is_ok()).count()
    };
    assert_eq!(came_through(&mut (0..200).map(|_| keys(1, 1))), 5);
    assert_eq!(came_through(&mut (0..200).map(|i| keys(1, i))), 20);
    assert_eq!(came_through(&mut (0..200).map(|i| keys(i, 1))), 30);
    assert_eq!(came_through(&mut (0..2000).map(|i| keys(i, i))), 600);
}

#[test]
fn parallel_attempts_see_each_other() {
    let (memory, keys) = (Memory::new(1000), keys(1, 1));
    let held: Vec<Hold> = (0..200).filter_map(|_| memory.check(&keys, &terms(), START).ok()).collect();
    assert_eq!(held.len(), 5);
    for hold in held {
        memory.settle(&keys, hold, &terms(), End::Unclear, START);
    }
    assert!(memory.check(&keys, &terms(), START).is_ok(), "what was given back is free");
}

#[test]
fn a_refusal_changes_nothing() {
    let (memory, keys) = (Memory::new(1000), keys(1, 1));
    while fail(&memory, &keys, &terms(), START).is_ok() {}
    let (first, entries) = (memory.check(&keys, &terms(), START).expect_err("full"), memory.len());
    for i in 0..1000 {
        assert_eq!(memory.check(&keys, &terms(), START + i % 5).expect_err("full").until, first.until);
    }
    assert_eq!(memory.len(), entries);
    assert!(memory.check(&keys, &terms(), first.until).is_ok());
}

#[test]
fn a_success_frees_the_pair_and_not_the_address() {
    let (memory, alice) = (Memory::new(1000), keys(1, 1));
    for i in 0..4 {
        assert!(fail(&memory, &alice, &terms(), START + i).is_ok());
    }
    let hold = memory.check(&alice, &terms(), START + 5).expect("the fifth");
    memory.settle(&alice, hold, &terms(), End::Success, START + 5);
    assert_eq!((0..9).filter(|_| fail(&memory, &alice, &terms(), START + 6).is_ok()).count(), 5);
    let others = (10..90).filter(|i| fail(&memory, &keys(*i, 1), &terms(), START + 7).is_ok()).count();
    // The five after the success were the known client's own.
    assert_eq!(others, 30 - 4);
}

#[test]
fn familiar_clients_pass_where_strangers_must_wait() {
    let memory = Memory::new(100_000);
    let home = keys(1, 1);
    let hold = memory.check(&home, &terms(), START).expect("free");
    memory.settle(&home, hold, &terms(), End::Success, START);
    for i in 100..200 {
        let _ = fail(&memory, &keys(1, i), &terms(), START);
    }
    assert_eq!(memory.check(&keys(1, 300), &terms(), START).expect_err("at its limit").why, Why::Account);
    assert_eq!(memory.check(&home, &terms(), START), Ok(Hold::Own(home.pair)));
    let device = Keys { device: Some(key(5, 1)), ..keys(1, 301) };
    assert_eq!(memory.check(&device, &terms(), START), Ok(Hold::Own(key(5, 1))));
    // A familiar client has no more guesses than others.
    memory.settle(&device, Hold::Own(key(5, 1)), &terms(), End::Unclear, START);
    assert_eq!((0..50).filter(|_| fail(&memory, &device, &terms(), START).is_ok()).count(), 5);
}

#[test]
fn a_hundred_in_a_row_are_the_end_for_strangers() {
    let loose = Terms {
        limits: Limits { account: limit(1000, 1), account_address: limit(1000, 1), ..terms().limits },
        ..terms()
    };
    let memory = Memory::new(100_000);
    let mut now = START;
    let mut came_through = 0;
    for i in 0..400 {
        now += 60_000;
        came_through += usize::from(fail(&memory, &keys(1, i), &loose, now).is_ok());
    }
    assert_eq!(came_through, 100);
    assert!(memory.check(&keys(1, 900), &loose, now + loose.lock).is_ok(), "after a day");
}

#[test]
fn a_flood_of_keys_stays_within_its_memory_and_frees_nobody() {
    let memory = Memory::new(200_000);
    let victim = keys(1, 1);
    while fail(&memory, &victim, &terms(), START).is_ok() {}
    let flood = Terms { limits: Limits { route: limit(10_000, 1), ..terms().limits }, ..terms() };
    for i in 0..400_000 {
        let keys = Keys { rule: key(4, i), ..keys(i + 10, i + 10) };
        let _ = fail(&memory, &keys, &flood, START + u64::from(i / 100));
    }
    assert!(memory.len() <= 200_000 + 8, "{}", memory.len());
    assert!(memory.bytes() <= 20 << 20, "{} bytes", memory.bytes());
    assert!(memory.check(&victim, &terms(), START + 10_000).is_err(), "who must wait is not forgotten");
}

#[test]
fn credentials_that_were_right_need_no_place() {
    let memory = Memory::new(1000);
    let keys = Keys { proof: Some(key(6, 1)), ..keys(1, 1) };
    let hold = memory.check(&keys, &terms(), START).expect("free");
    memory.settle(&keys, hold, &terms(), End::Success, START);
    for _ in 0..100 {
        assert_eq!(memory.check(&keys, &terms(), START), Ok(Hold::Proven(key(6, 1))));
    }
    memory.settle(&keys, Hold::Proven(key(6, 1)), &terms(), End::Failure, START);
    assert!(!matches!(memory.check(&keys, &terms(), START), Ok(Hold::Proven(_))), "they are no longer");
}
