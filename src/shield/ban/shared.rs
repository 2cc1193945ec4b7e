//! Bans that replicas share through the store: buckets that all pour into, and a log of bans that all read once a second.
//!
//! While the store is away each replica decides by its own buckets, with its share of every limit, as logins do. What it has counted until
//! then is in its own buckets as well, so that an outage begins with what is known. Nothing of an address is in the store but under keys of
//! the seal ring.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use ipnet::IpNet;
use serde_json::{Value as Json, json};
use tokio::{runtime::Handle, sync::Semaphore};

use super::{
    bucket::Terms,
    networks::network,
    order::Order,
    scenario::Scenario,
    seal::Seal,
    table::{Held, Ladder},
    who::Key,
};
use crate::store::{Away, Script, Store, Value};

/// The log's name. All keys are in one place of a cluster.
const LOG: &str = "{ban}:log";
/// What the log's entries are sealed for.
const PLACE: &str = "privet ban log 1";
/// Most entries of the log, about.
const MOST: usize = 20_000;
/// Entries that are read at once.
const AT_ONCE: usize = 1000;
/// What waits for the store to come back.
const WAITING: usize = 256;
/// How often that is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// What other replicas have to know.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Somebody is banned by a scenario.
    Ban(Key, Held),
    /// An operator has ordered a ban.
    Ordered(Order),
    /// An operator has lifted the bans of a network.
    Lifted(IpNet),
    /// An operator has lifted the ban of a key.
    Freed(Key),
}

/// What the store says of a deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It was counted.
    Counted,
    /// It was one too many.
    Banned(Held),
    /// Its doer is banned already.
    Known(Held),
}

/// The way to the store.
#[derive(Debug)]
pub struct Shared {
    store: Arc<Store>,
    seal: Arc<Seal>,
    /// Whether other replicas have the same keys.
    agreed: Arc<AtomicBool>,
    replicas: u32,
    pour: Script,
    tell: Script,
    read: Script,
    waiting: Semaphore,
}

impl Shared {
    /// Over `store`, which `replicas` share as long as they agree.
    #[must_use]
    pub fn new(store: Arc<Store>, seal: Arc<Seal>, agreed: Arc<AtomicBool>, replicas: u32) -> Self {
        let tell = "redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'sealed', ARGV[1]) \
                    for at = 2, #KEYS do redis.call('DEL', KEYS[at]) end return 1";
        Self {
            store,
            seal,
            agreed,
            replicas,
            pour: Script::new(include_str!("ban.lua")),
            tell: Script::new(tell),
            read: Script::new("return redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])"),
            waiting: Semaphore::new(WAITING),
        }
    }

    /// Whether the store decides now.
    #[must_use]
    pub fn decides(&self) -> bool {
        self.agreed.load(Relaxed) && self.store.is_up()
    }

    /// How many share every limit.
    #[must_use]
    pub fn replicas(&self) -> u32 {
        self.replicas
    }

    /// Notes a deed, at `now` in milliseconds since 1970 or by the store's own clock.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn note(
        &self,
        key: Key,
        scenario: Scenario,
        terms: Terms,
        ladder: &Ladder,
        now: Option<u64>,
    ) -> Result<Said, Away> {
        let sealed = self.seal.seal(PLACE, &[&[scenario as u8][..], &key.bytes()].concat()).ok_or(Away)?;
        let now = now.map(|now| now.to_string()).unwrap_or_default();
        let mut arguments: Vec<Vec<u8>> = vec![now.into(), scenario.name().into()];
        arguments.extend([terms.cost, terms.room, ladder.forget, MOST as u64].map(|n| n.to_string().into()));
        arguments.push(sealed);
        arguments.extend(ladder.steps.iter().map(|step| step.to_string().into_bytes()));
        let keys = [self.name(key), LOG.to_owned()];
        said(&self.store.run(&self.pour, &keys, &arguments).await?, scenario).ok_or(Away)
    }

    /// Tells the other replicas of an operator's word, now or as soon as the store is back; what the store counts of `keys` is forgotten.
    pub fn tell(self: &Arc<Self>, news: &News, keys: &[Key], service: &Handle) {
        let value = match news {
            News::Ban(..) => return,
            News::Ordered(order) => json!({ "order": order.value() }),
            News::Lifted(network) => json!({ "lift": network.to_string() }),
            News::Freed(key) => json!({ "free": key.bytes() }),
        };
        let Some(sealed) = self.seal.seal(PLACE, value.to_string().as_bytes()) else { return };
        let mut names = vec![LOG.to_owned()];
        names.extend(keys.iter().take(AT_ONCE).map(|key| self.name(*key)));
        let shared = Arc::clone(self);
        service.spawn(async move {
            let Ok(_place) = shared.waiting.try_acquire() else {
                return tracing::error!("an order about bans did not reach the other replicas");
            };
            let most = MOST.to_string();
            while shared.store.run(&shared.tell, &names, &[&sealed[..], most.as_bytes()]).await.is_err() {
                tokio::time::sleep(AGAIN).await;
            }
        });
    }

    /// What has come into the log behind `after`, which moves on.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn read(&self, after: &mut Entry) -> Result<Vec<News>, Away> {
        let mut news = Vec::new();
        loop {
            let arguments = [after.next(), AT_ONCE.to_string()];
            let Value::Array(entries) = self.store.run(&self.read, &[LOG], &arguments).await? else { return Err(Away) };
            let count = entries.len();
            for entry in entries {
                // What another hand has written there is no news.
                let Some((id, fields)) = parted(&entry) else { continue };
                *after = id;
                news.extend(self.opened(&fields));
            }
            if count < AT_ONCE {
                return Ok(news);
            }
        }
    }

    fn opened(&self, fields: &[(&[u8], &[u8])]) -> Option<News> {
        let field = |name: &[u8]| fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let number = |name: &[u8]| std::str::from_utf8(field(name)?).ok()?.parse::<u64>().ok();
        let text = self.seal.open(PLACE, field(b"sealed")?)?;
        if let (Some(step), Some(until)) = (number(b"step"), number(b"until")) {
            let (scenario, key) = text.split_first()?;
            let held = Held { scenario: Scenario::of(*scenario)?, step: u8::try_from(step).ok()?, until };
            return Some(News::Ban(Key::parse(key)?, held));
        }
        let value: Json = serde_json::from_slice(&text).ok()?;
        if let Some(network_text) = value["lift"].as_str() {
            return network(network_text).ok().map(News::Lifted);
        }
        if let Some(bytes) = value["free"].as_array() {
            let bytes: Option<Vec<u8>> =
                bytes.iter().map(|byte| byte.as_u64().and_then(|n| u8::try_from(n).ok())).collect();
            return Key::parse(&bytes?).map(News::Freed);
        }
        Order::of(&value["order"]).map(News::Ordered)
    }

    fn name(&self, key: Key) -> String {
        format!("{{ban}}:{}", self.seal.name(key))
    }
}

/// An entry of the log by its two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entry(u64, u64);

impl Entry {
    fn parse(text: &[u8]) -> Option<Self> {
        let (millis, number) = std::str::from_utf8(text).ok()?.split_once('-')?;
        Some(Self(millis.parse().ok()?, number.parse().ok()?))
    }

    /// The least that is behind it.
    fn next(self) -> String {
        format!("{}-{}", self.0, self.1.saturating_add(1))
    }
}

type Fields<'v> = Vec<(&'v [u8], &'v [u8])>;

fn parted(entry: &Value) -> Option<(Entry, Fields<'_>)> {
    let Value::Array(parts) = entry else { return None };
    let [Value::BulkString(id), Value::Array(fields)] = &parts[..] else { return None };
    let pairs = fields.chunks_exact(2).filter_map(|pair| match pair {
        [Value::BulkString(name), Value::BulkString(value)] => Some((&name[..], &value[..])),
        _ => None,
    });
    Some((Entry::parse(id)?, pairs.collect()))
}

fn said(value: &Value, scenario: Scenario) -> Option<Said> {
    let Value::Array(values) = value else { return None };
    match values[..] {
        [Value::Int(0)] => Some(Said::Counted),
        [Value::Int(what @ 1..=2), Value::Int(step), Value::Int(until)] => {
            let held = Held { scenario, step: u8::try_from(step).ok()?, until: u64::try_from(until).ok()? };
            Some(if what == 1 { Said::Banned(held) } else { Said::Known(held) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_another_shape_are_none() {
        let held = Held { scenario: Scenario::Login, step: 1, until: 9 };
        let answer =
            |values: &[i64]| said(&Value::Array(values.iter().map(|n| Value::Int(*n)).collect()), Scenario::Login);
        assert_eq!(answer(&[0]), Some(Said::Counted));
        assert_eq!(answer(&[1, 1, 9]), Some(Said::Banned(held)));
        assert_eq!(answer(&[2, 1, 9]), Some(Said::Known(held)));
        for other in [&[][..], &[3, 1, 9], &[1], &[1, -1, 9], &[1, 1, -9], &[1, 300, 9]] {
            assert_eq!(answer(other), None, "{other:?}");
        }
        assert_eq!(said(&Value::Nil, Scenario::Login), None);
    }

    #[test]
    fn entries_follow_each_other() {
        assert_eq!(Entry::default().next(), "0-1");
        assert_eq!(Entry::parse(b"1700-3").map(Entry::next).as_deref(), Some("1700-4"));
        assert_eq!((Entry::parse(b"1700"), Entry::parse(b"a-b"), Entry::parse(b"\xff-1")), (None, None, None));
    }
}
