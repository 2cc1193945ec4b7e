//! Through a real journal: what comes is looked at once, opens a case once, also after a restart; and a replay says the same.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::runtime::Builder;

use super::{super::*, seen};
use crate::{
    common::clock,
    incident::{
        Cases,
        signal::{
            mutes::{About, Mutes, Order},
            reading::Reading,
        },
    },
    journal::{self, Journal, Kind, Record, Stream},
    registry::{self, Moment, PersonId, Registry},
    seal::Ring,
};

struct Rig {
    journal: Arc<Journal>,
    cases: Arc<Cases>,
    feed: Arc<Feed>,
}

impl Rig {
    async fn start(dir: &Path, settings: &Settings) -> Self {
        let keys = dir.join("seal.key");
        let ring = || Ring::load_or_make(&keys).expect("a ring");
        let journal = journal::Settings::new(dir.join("journal"));
        let journal = Arc::new(Journal::open(&journal, ring()).expect("a journal"));
        let stream = Stream::Own(Arc::clone(&journal));
        let (kept, now) = (Duration::from_secs(86_400 * 1096), clock::now());
        let rules = registry::Settings::default();
        let registry = Registry::open(stream.clone(), kept, &keys, rules, now).expect("a registry");
        if !registry.state().is_founded() {
            let officers = ["one", "two"].map(|name| PersonId::new("staff", name)).into();
            let found = registry::Command::Found { officers, texts: std::collections::BTreeMap::default() };
            registry.submit(found, &registry::Actor::Gateway, now).await.expect("founded");
        }
        let rules = crate::incident::Settings::default();
        let cases = Cases::open(stream.clone(), kept, &keys, rules, Arc::clone(&registry)).expect("cases");
        let feed = Feed::open(Arc::clone(&journal), stream, &keys, settings.clone(), Arc::clone(&cases), registry);
        Self { journal, cases, feed: feed.expect("a feed") }
    }

    async fn see(&self, who: &str, people: std::ops::Range<u32>) -> u64 {
        let serde_json::Value::Object(body) = seen(who, people) else { panic!("an object") };
        self.journal.append(&Record::of(Kind::DisclosureDone, body)).await.expect("written").index
    }

    /// Signals of all cases, after a look.
    async fn signals(&self) -> Vec<u64> {
        self.feed.look(clock::now()).await;
        self.cases.state().cases().map(|case| case.signals).collect()
    }

    fn count(&self, muted: bool) -> u64 {
        self.feed.counts().filter(|(_, of, _)| *of == muted).map(|(.., n)| n).sum()
    }
}

#[test]
fn a_case_opens_by_itself_and_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let settings = Settings::default();
        let rig = Rig::start(dir.path(), &settings).await;
        let first = rig.see("ann", 0..499).await;
        assert_eq!(rig.signals().await, [0; 0], "not yet");
        let second = rig.see("ann", 499..500).await;
        assert_eq!(rig.signals().await, [1]);
        let state = rig.cases.state();
        let case = state.cases().next().expect("a case");
        assert_eq!(case.scope.persons, [PersonId::new("staff", "ann")]);
        assert_eq!((case.signs[0].rule.as_str(), &case.signs[0].records[..]), ("people_hour", &[first, second][..]));
        assert!(!case.title.contains("ann"));
        rig.see("ann", 500..1000).await;
        assert_eq!(rig.signals().await, [2], "another rule, the same case");
        rig.see("ann", 1000..1500).await;
        assert_eq!(rig.signals().await, [2], "once a day");
        rig.see("bob", 0..500).await;
        assert_eq!(rig.signals().await, [2, 1]);
        assert_eq!((rig.count(false), rig.count(true)), (3, 0));

        // After a restart it looks again, and says nothing twice; what came before and was not told of is.
        rig.see("cho", 0..500).await;
        drop(rig);
        let rig = Rig::start(dir.path(), &settings).await;
        assert_eq!(rig.signals().await, [2, 1, 1]);
        assert_eq!(rig.signals().await, [2, 1, 1]);

        // A replay says what was said.
        let keys = dir.path().join("seal.key");
        let mut reading = Reading::new(rig.journal.place(), keys, 0);
        let (mut detector, mut told) = (Detector::new(settings.clone(), Lists::default()), Vec::new());
        reading.read(u64::MAX, |line, base| told.extend(detector.take(line, base))).expect("read");
        let all = rig.cases.state();
        let mut live: Vec<_> = all.cases().flat_map(|case| &case.signs).cloned().collect();
        live.sort_by_key(|sign| sign.records.last().copied());
        assert!(told.iter().map(feed::sign).collect::<Vec<_>>() == live);
    });
}

#[test]
fn what_is_muted_is_counted_and_opens_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let settings = Settings::default();
        let rig = Rig::start(dir.path(), &settings).await;
        let (now, ann) = (Moment::from(clock::now()), PersonId::new("staff", "ann"));
        let about = |person: Option<&PersonId>| About { rule: Rule::PeopleHour, person: person.cloned(), route: None };
        let mute =
            |about| Order::Mute { about, until: now.after(Duration::from_secs(3600)), reason: "an audit".into() };
        let order = |order: Order, by: &str| {
            let (mutes, registry) = (Arc::clone(rig.feed.mutes()), rig.feed.registry().state());
            let by = PersonId::new("staff", by);
            async move { mutes.write(|state: &Mutes| state.decide(&registry, &order, &by, now)).await }
        };
        assert!(order(mute(about(Some(&ann))), "ann").await.is_err(), "no officer");
        assert!(order(mute(about(Some(&PersonId::new("staff", "one")))), "one").await.is_err(), "about themselves");
        order(mute(about(Some(&ann))), "one").await.expect("muted");
        rig.see("ann", 0..500).await;
        rig.see("bob", 0..500).await;
        assert_eq!(rig.signals().await, [1], "bob's");
        assert_eq!((rig.count(false), rig.count(true)), (1, 1));

        // A restart keeps it, and does not count again.
        drop(rig);
        let rig = Rig::start(dir.path(), &settings).await;
        assert_eq!(rig.signals().await, [1]);
        assert_eq!(rig.count(true), 0);
        let order = |order: Order, by: &str| {
            let (mutes, registry) = (Arc::clone(rig.feed.mutes()), rig.feed.registry().state());
            let by = PersonId::new("staff", by);
            async move { mutes.write(|state: &Mutes| state.decide(&registry, &order, &by, now)).await }
        };
        // Of all, nobody's own word covers what they do themselves.
        order(mute(about(None)), "one").await.expect("muted");
        rig.see("cho", 0..500).await;
        rig.see("one", 0..500).await;
        assert_eq!(rig.signals().await, [1, 1]);
        order(Order::Unmute { about: about(None) }, "two").await.expect("unmuted");
        assert!(order(Order::Unmute { about: about(None) }, "two").await.is_err(), "there is none");
        rig.see("dan", 0..500).await;
        assert_eq!(rig.signals().await, [1, 1, 1]);
        assert_eq!(rig.feed.mutes().state().in_force(now).count(), 1, "ann's");
    });
}
