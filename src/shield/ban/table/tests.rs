use std::collections::HashMap;

use super::*;
use crate::common::limit::Limit;

const MINUTE: u64 = 60_000;
const START: u64 = 1_800_000_000_000;

fn ladder() -> Ladder {
    Ladder { steps: vec![10 * MINUTE, 60 * MINUTE, 1440 * MINUTE], forget: 7 * 1440 * MINUTE }
}

fn key(n: u32) -> Key {
    Key::address(n.to_be_bytes().into(), false)
}

fn terms() -> Terms {
    Terms::of(Limit::new(3, 60))
}

fn deed() -> Deed {
    Deed { scenario: Scenario::Attack, what: None }
}

/// Does it until it is one too many.
fn provoke(table: &Table, key: Key, now: u64) -> Held {
    for _ in 0..=3 {
        if let Noted::Banned(held) = table.note(key, deed(), terms(), &ladder(), now, true) {
            return held;
        }
    }
    panic!("never")
}

#[test]
fn bans_grow_by_steps_and_are_forgotten_after_a_quiet_time() {
    let (table, mut now) = (Table::new(100), START);
    let mut lives = Vec::new();
    for _ in 0..4 {
        let held = provoke(&table, key(1), now);
        lives.push((held.step, (held.until - now) / MINUTE));
        assert_eq!(table.held(key(1), held.until - 1), Some(held));
        assert_eq!(table.note(key(1), deed(), terms(), &ladder(), now, true), Noted::Counted, "no step while banned");
        now = held.until;
        assert_eq!(table.held(key(1), now), None);
    }
    assert_eq!(lives, [(0, 10), (1, 60), (2, 1440), (2, 1440)]);
    let held = provoke(&table, key(1), now + ladder().forget);
    assert_eq!(held.step, 0, "after a quiet time");
    assert_eq!(table.held(key(2), now), None, "nobody else");
}

#[test]
fn the_same_thing_again_is_no_news() {
    let table = Table::new(100);
    let deed = |what| Deed { scenario: Scenario::NotFound, what: Some(what) };
    let note = |what| table.note(key(1), deed(what), terms(), &ladder(), START, true);
    assert!((0..50).all(|_| note(16) == Noted::Counted));
    assert!((1..3).all(|n| note(16 * (n + 1)) == Noted::Counted));
    assert!(matches!(note(16 * 9), Noted::Banned(_)));
}

#[test]
fn scenarios_do_not_add_up() {
    let table = Table::new(100);
    for scenario in Scenario::ALL {
        let deed = Deed { scenario, what: None };
        assert!((0..3).all(|_| table.note(key(1), deed, terms(), &ladder(), START, true) == Noted::Counted));
    }
}

#[test]
fn where_others_decide_nothing_is_banned_until_they_say_so() {
    let table = Table::new(100);
    assert!((0..9).all(|_| table.note(key(1), deed(), terms(), &ladder(), START, false) == Noted::Counted));
    let held = Held { scenario: Scenario::Login, step: 1, until: START + MINUTE };
    table.ban(key(1), held, &ladder(), START);
    table.ban(key(1), Held { until: START, ..held }, &ladder(), START);
    assert_eq!(table.held(key(1), START), Some(held));
    assert_eq!(provoke(&table, key(1), START + MINUTE).step, 2, "the next step is known here as well");
    assert!(table.lift(key(1), START) && !table.lift(key(1), START));
    assert_eq!(table.held(key(1), START), None);
}

#[test]
fn a_flood_fills_its_bound_and_pushes_out_nobody_who_is_banned() {
    let table = Table::new(8_000);
    let banned: Vec<Key> = (0..500).map(key).collect();
    for key in &banned {
        provoke(&table, *key, START);
    }
    for n in 0..200_000 {
        table.note(key(1_000_000 + n), deed(), terms(), &ladder(), START + 1000, true);
    }
    let (taken, most) = table.bytes();
    assert!(table.len() <= 8_000 + PARTS && taken <= most, "{taken} of {most}");
    assert!(banned.iter().all(|key| table.held(*key, START + 1000).is_some()));
    assert_eq!((table.all(START, 10).0.len(), table.all(START, 10).1, table.count(START)), (10, 500, (500, 0)));
    table.sweep(&ladder(), START + 2 * MINUTE);
    assert_eq!(table.len(), 500, "what has leaked away is forgotten");
    table.sweep(&ladder(), START + 2 * ladder().forget);
    assert!(table.is_empty());
}

/// Also where all are banned there is room for one more.
#[test]
fn a_table_full_of_bans_takes_another() {
    let table = Table::new(128);
    for n in 0..1000 {
        provoke(&table, key(n), START + u64::from(n));
    }
    assert_eq!(table.count(START).0, table.len());
    assert!(table.len() <= 128 + PARTS);
}

/// The bound that the documents state.
#[test]
fn an_entry_takes_what_is_said() {
    assert!(size_of::<Entry>() <= 96, "{}", size_of::<Entry>());
    let (_, most) = Table::new(100_000).bytes();
    assert!(most <= 12 << 20, "{most}");
}

/// Against a plain map, through every order of changes.
#[test]
fn entries_are_found_again() {
    let (table, mut map) = (Table::new(100_000), HashMap::new());
    let mut random = fastrand::Rng::with_seed(3);
    for n in 0..20_000_u64 {
        let name = random.u32(..600);
        if random.u8(..4) == 0 {
            assert_eq!(table.lift(key(name), START), map.remove(&name).is_some());
        } else {
            let until = START + 1 + n;
            table.ban(key(name), Held { scenario: Scenario::Attack, step: 0, until }, &ladder(), START);
            map.insert(name, until);
        }
        let other = random.u32(..600);
        assert_eq!(table.held(key(other), START).map(|held| held.until), map.get(&other).copied());
    }
    assert_eq!(table.len(), map.len());
}
