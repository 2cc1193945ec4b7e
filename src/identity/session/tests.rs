use std::{sync::Mutex, time::UNIX_EPOCH};

use super::*;
use crate::identity::{
    principal::Method,
    session::shared::{Answer, Away},
};

const LIMITS: Limits = Limits { idle: Duration::from_secs(100), absolute: Duration::from_secs(1000) };

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn record(subject: &str, stage: Stage, began: u64) -> Record {
    let principal = Principal {
        subject: subject.into(),
        issuer: "staff".into(),
        roles: Vec::new(),
        methods: vec![Method::Password],
        authenticated_at: at(began),
        name: None,
    };
    Record { principal, credential: 1, stage, provider_session: None, began }
}

async fn begin(sessions: &Sessions, subject: &str, now: u64) -> Key {
    sessions.begin(record(subject, Stage::Known, now), at(now)).await.expect("random bytes").key()
}

#[tokio::test]
async fn a_session_ends_by_silence_and_by_age() {
    let sessions = Sessions::new(LIMITS, None);
    let key = begin(&sessions, "alice", 0).await;
    for now in (0..1000).step_by(100) {
        assert!(sessions.find(key, at(now)).await.is_some(), "{now}");
    }
    assert!(sessions.find(key, at(1000)).await.is_none(), "too old, though never silent");
    let key = begin(&sessions, "alice", 2000).await;
    assert!(sessions.find(key, at(2101)).await.is_none());
    assert!(sessions.find(key, at(2001)).await.is_none(), "what has ended does not come back when a clock is set back");
}

#[tokio::test]
async fn shorter_limits_hold_at_once() {
    let sessions = Sessions::new(LIMITS, None);
    let key = begin(&sessions, "alice", 0).await;
    assert!(sessions.find(key, at(50)).await.is_some());
    sessions.limit(Limits { absolute: Duration::from_secs(40), ..LIMITS });
    assert!(sessions.find(key, at(50)).await.is_none());
}

#[tokio::test]
async fn a_sign_in_waits_for_its_code_for_a_while() {
    let sessions = Sessions::new(Limits { idle: LIMITS.absolute, ..LIMITS }, None);
    let id = sessions.begin(record("alice", Stage::AwaitsCode, 0), at(0)).await.expect("random bytes");
    assert!(sessions.find(id.key(), at(299)).await.is_some());
    assert!(sessions.list(at(299)).is_empty());
    assert!(sessions.find(id.key(), at(300)).await.is_none());
}

#[tokio::test]
async fn sessions_are_listed_and_revoked() {
    let sessions = Sessions::new(LIMITS, None);
    let first = begin(&sessions, "alice", 0).await;
    let second = begin(&sessions, "alice", 1).await;
    let other = begin(&sessions, "bob", 2).await;
    let listed: Vec<String> = sessions.list(at(3)).iter().map(|session| session.handle.clone()).collect();
    assert_eq!(listed, [other.handle(), second.handle(), first.handle()]);
    assert!(sessions.revoke(&first.handle(), at(3)).await);
    assert!(!sessions.revoke(&first.handle(), at(3)).await);
    assert!(sessions.find(first, at(3)).await.is_none());
    assert_eq!(sessions.revoke_subject("other", "alice", at(3)).await, 0, "of another issuer");
    assert_eq!(sessions.revoke_subject("staff", "alice", at(3)).await, 1);
    assert!(sessions.find(second, at(3)).await.is_none());
    assert!(sessions.find(other, at(3)).await.is_some());
}

#[tokio::test]
async fn one_person_has_a_bounded_number() {
    let sessions = Sessions::new(LIMITS, None);
    let first = begin(&sessions, "alice", 0).await;
    let bob = begin(&sessions, "bob", 0).await;
    for now in 1..=u64::try_from(MOST_OF_ONE).expect("small") {
        begin(&sessions, "alice", now).await;
    }
    assert!(sessions.find(first, at(40)).await.is_none());
    assert!(sessions.find(bob, at(40)).await.is_some());
    assert_eq!(sessions.list(at(40)).len(), MOST_OF_ONE + 1);
    sessions.sweep(at(5000));
    assert!(sessions.read().is_empty());
}

/// A store in memory that can be away. It is only here to hold the table to its rules; the real one has tests of its own.
#[derive(Debug, Default)]
struct Store {
    known: Mutex<HashMap<Key, Known>>,
    away: std::sync::atomic::AtomicBool,
}

impl Store {
    fn answer<T: Send + 'static>(&self, work: impl FnOnce(&mut HashMap<Key, Known>) -> T) -> Answer<'_, T> {
        let away = self.away.load(Relaxed);
        let outcome = if away { Err(Away) } else { Ok(work(&mut self.known.lock().expect("no panic"))) };
        Box::pin(std::future::ready(outcome))
    }
}

impl Shared for Store {
    fn recall(&self, key: Key) -> Answer<'_, Known> {
        self.answer(move |known| known.get(&key).cloned().unwrap_or(Known::Nothing))
    }

    fn publish(&self, key: Key, record: Vec<u8>, _: Duration) -> Answer<'_, ()> {
        self.answer(move |known| {
            known.entry(key).or_insert(Known::Record(record));
        })
    }

    fn bury(&self, key: Key, _: Duration) -> Answer<'_, ()> {
        self.answer(move |known| {
            known.insert(key, Known::Buried);
        })
    }
}

#[tokio::test]
async fn replicas_know_each_others_sessions_and_their_ends() {
    let store = Arc::new(Store::default());
    let here = Sessions::new(LIMITS, Some(store.clone()));
    let there = Sessions::new(LIMITS, Some(store.clone()));
    let key = begin(&here, "alice", 0).await;
    assert!(there.find(key, at(1)).await.is_some());
    store.away.store(true, Relaxed);
    assert!(there.find(key, at(10)).await.is_some(), "what is known holds while the store is away");
    store.away.store(false, Relaxed);
    here.end(key, at(11)).await;
    assert!(here.find(key, at(11)).await.is_none());
    assert!(there.find(key, at(11)).await.is_none(), "asked again after {BELIEF} s");
    // A late word of another replica.
    store
        .known
        .lock()
        .expect("no panic")
        .insert(key, Known::Record(serde_json::to_vec(&record("alice", Stage::Known, 0)).expect("JSON")));
    assert!(here.find(key, at(12)).await.is_none(), "a revoked session never revives");
}

#[tokio::test]
async fn what_a_provider_ends_ends_on_all_replicas() {
    let store = Arc::new(Store::default());
    let here = Sessions::new(LIMITS, Some(store.clone()));
    let there = Sessions::new(LIMITS, Some(store.clone()));
    let named = |name: &str| Record { provider_session: Some(name.into()), ..record("alice", Stage::Known, 0) };
    let first = there.begin(named("1\nalice"), at(0)).await.expect("random bytes").key();
    let second = there.begin(named("2\nalice"), at(0)).await.expect("random bytes").key();
    let nameless = there.begin(named("\nalice"), at(0)).await.expect("random bytes").key();
    store.away.store(true, Relaxed);
    assert!(!here.end_named("staff", "1").await);
    store.away.store(false, Relaxed);
    assert!(
        here.end_named("staff", "1").await && here.end_named("staff", "").await && here.end_named("other", "2").await
    );
    assert!(there.find(first, at(1)).await.is_some(), "believed for {BELIEF} s");
    for sessions in [&there, &here] {
        assert!(sessions.find(first, at(10)).await.is_none());
        assert!(sessions.find(second, at(10)).await.is_some());
        assert!(sessions.find(nameless, at(10)).await.is_some());
    }
    assert!(Sessions::new(LIMITS, None).end_named("staff", "1").await);
}
