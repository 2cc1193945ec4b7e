//! No list and no agent's answer makes their readers panic, or bans the world.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privet::shield::ban::{
    crowdsec::{Decisions, Stream},
    file,
    networks::{Networks, is_narrow},
    paths, who::Key,
};

fuzz_target!(|bytes: &[u8]| {
    let read = file::read(bytes);
    assert!(read.networks.iter().all(is_narrow));
    let set: Networks = read.networks.iter().collect();
    assert!(read.networks.iter().all(|net| set.holds(net.addr())));
    if let Ok(stream) = serde_json::from_slice::<Stream>(bytes) {
        let mut decisions = Decisions::default();
        decisions.apply(&stream, true, 0);
        assert!(decisions.expire(u64::MAX) || decisions.is_empty());
    }
    let _ = paths::is_scanned(&String::from_utf8_lossy(bytes), &["/a".to_owned()]);
    if let Some(key) = Key::parse(bytes) {
        assert_eq!(Key::parse(&key.bytes()), Some(key));
        let _ = key.to_string();
    }
});
