//! Rules look at live traffic: off the path of requests, on a thread of its own that takes little, and says what it has left out.
//!
//! Whoever has an answer asks for room first ([`Watch::has_room`]), so that one that nobody can look at costs nothing. The thread may take a small share of the
//! CPU time that the process uses, and a start-up allowance; beyond that answers are dropped and counted. It wakes by itself, for waking it would cost
//! the request.

use std::{
    collections::BTreeMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    thread,
    time::Duration,
};

use arc_swap::ArcSwap;
use http::{HeaderMap, StatusCode};
use rustix::time::{ClockId, clock_gettime};

use super::{
    exchange::{Asked, Exchange, Eye},
    finding::Finding,
    passive::{plain, seen},
    recipient::{self, Recipients},
    settings::Settings,
};
use crate::common::{clock, meter::Counter};

/// Most answers that wait.
const WAITING: usize = 64;
/// How often the thread looks whether there are some.
const EVERY: Duration = Duration::from_millis(50);
/// The share of the process's CPU time that the thread may take, in thousandths.
const SHARE: u64 = 25;
/// CPU time that it may take besides, once: what is wrong is wrong from the first answers on.
const ALLOWANCE: Duration = Duration::from_secs(2);

/// An answer that somebody had.
pub struct Answer {
    /// The route's name.
    pub route: Arc<str>,
    /// What was asked.
    pub asked: Asked,
    /// The answer's status.
    pub status: StatusCode,
    /// Its head, as the client got it.
    pub headers: HeaderMap,
    /// The beginning of its body, as the client got it.
    pub body: Vec<u8>,
    /// What knows personal data on this route.
    pub eye: Arc<dyn Eye>,
}

/// What one rule has found on one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What and where, as it was last seen.
    pub finding: Finding,
    /// When it was first seen, in milliseconds since 1970.
    pub first: u64,
    /// And last.
    pub last: u64,
}

/// Watches answers.
pub struct Watch {
    sender: SyncSender<Answer>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Shared {
    settings: ArcSwap<Settings>,
    waiting: AtomicUsize,
    looked: Counter,
    dropped: Counter,
    found: Mutex<BTreeMap<(Arc<str>, &'static str), Entry>>,
    recipients: Mutex<BTreeMap<Arc<str>, Recipients>>,
}

impl Watch {
    /// Starts the thread, which ends when this is dropped.
    ///
    /// # Errors
    /// When there can be none.
    pub fn start(settings: Settings) -> io::Result<Arc<Self>> {
        let (sender, receiver) = sync_channel(WAITING);
        let shared = Arc::new(Shared { settings: ArcSwap::from_pointee(settings), ..Shared::default() });
        let own = Arc::clone(&shared);
        thread::Builder::new().name("watch".to_owned()).spawn(move || look_on(&receiver, &own))?;
        Ok(Arc::new(Self { sender, shared }))
    }

    /// Goes on by other settings.
    pub fn apply(&self, settings: Settings) {
        self.shared.settings.store(Arc::new(settings));
    }

    /// Most bytes of a body that are looked at; nothing where there is no room for another answer, which is counted.
    #[must_use]
    pub fn has_room(&self) -> Option<usize> {
        if self.shared.waiting.load(Relaxed) >= WAITING {
            self.shared.dropped.increment();
            return None;
        }
        Some(self.shared.settings.load().watch_bytes)
    }

    /// Hands an answer over, where there is still room.
    pub fn show(&self, answer: Answer) {
        self.shared.waiting.fetch_add(1, Relaxed);
        if self.sender.try_send(answer).is_err() {
            self.shared.waiting.fetch_sub(1, Relaxed);
            self.shared.dropped.increment();
        }
    }

    /// Answers that rules have looked at, and those for which there was no room.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.shared.looked.value(), self.shared.dropped.value())
    }

    /// What was found since the start, by route and rule.
    #[must_use]
    pub fn found(&self) -> Vec<(Arc<str>, Entry)> {
        let found = self.shared.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.iter().map(|((route, _), entry)| (Arc::clone(route), entry.clone())).collect()
    }

    /// Other hosts that answers have sent browsers to since the start, by route.
    #[must_use]
    pub fn recipients(&self) -> BTreeMap<Arc<str>, Recipients> {
        self.shared.recipients.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Takes what comes, as long as somebody may send.
fn look_on(receiver: &Receiver<Answer>, shared: &Shared) {
    loop {
        if !may_take() {
            thread::sleep(EVERY);
            continue;
        }
        match receiver.try_recv() {
            Ok(answer) => {
                shared.waiting.fetch_sub(1, Relaxed);
                // A rule that stumbles over an answer must not be the end of the watch; the hook has told where it did.
                let _ = catch_unwind(AssertUnwindSafe(|| look(answer, shared)));
                shared.looked.increment();
            }
            Err(TryRecvError::Empty) => thread::sleep(EVERY),
            Err(TryRecvError::Disconnected) => return,
        }
    }
}

/// Whether the thread has taken less than its share.
fn may_take() -> bool {
    let time = |clock| {
        let time = clock_gettime(clock);
        u64::try_from(time.tv_sec).unwrap_or(0) * 1000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000
    };
    let allowance = u64::try_from(ALLOWANCE.as_millis()).unwrap_or(u64::MAX);
    time(ClockId::ThreadCPUTime) <= allowance + time(ClockId::ProcessCPUTime) * SHARE / 1000
}

fn look(answer: Answer, shared: &Shared) {
    let settings = shared.settings.load();
    let body = plain(&answer.headers, answer.body, settings.watch_bytes);
    let exchange =
        Exchange::new(&answer.asked, answer.status, &answer.headers, &body, &settings.libraries, &*answer.eye);
    let now = clock::millis();
    let named = recipient::named(&exchange);
    if !named.is_empty() {
        let mut all = shared.recipients.lock().unwrap_or_else(PoisonError::into_inner);
        let of_route = all.entry(Arc::clone(&answer.route)).or_default();
        for (host, way) in named {
            of_route.note(host, way, now);
        }
    }
    for (rule, seen) in seen(&exchange) {
        let key = (Arc::clone(&answer.route), rule.id);
        let mut found = shared.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = found.get_mut(&key) {
            // What is known is counted, and not written again: most answers of a site have the same faults.
            entry.finding.times += 1;
            entry.last = now;
            continue;
        }
        drop(found);
        let finding = Finding::new(rule, &answer.asked.place(), &seen, &*answer.eye);
        let mut found = shared.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(key, Entry { finding, first: now, last: now });
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method, header};

    use super::*;
    use crate::scan::exchange::Blind;

    fn answer(route: &str, body: &str) -> Answer {
        Answer {
            route: route.into(),
            asked: Asked {
                method: Method::GET,
                host: "shop.example".into(),
                target: "/a?b=c".into(),
                origin: None,
                anonymous: true,
                secure: true,
            },
            status: StatusCode::OK,
            headers: HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/html"))]),
            body: body.into(),
            eye: Arc::new(Blind),
        }
    }

    #[test]
    fn a_route_and_a_rule_have_one_entry() {
        let watch = Watch::start(Settings::default()).expect("a thread");
        for _ in 0..3 {
            watch.show(answer("one", "<title>Index of /</title>"));
        }
        watch.show(answer("two", ""));
        while watch.counts().0 < 4 {
            thread::sleep(Duration::from_millis(10));
        }
        let found = watch.found();
        let of = |route: &str, id: &str| found.iter().find(|(own, e)| &**own == route && e.finding.rule.id == id);
        let (_, listing) = of("one", "directory-listing").expect("found");
        assert_eq!((listing.finding.times, &*listing.finding.places[0]), (3, "https://shop.example/a"));
        assert!(listing.first <= listing.last);
        assert!(of("two", "directory-listing").is_none() && of("two", "csp-missing").is_some());
        assert!(watch.recipients().is_empty());
        watch.show(answer("two", "<script src=https://tracker.example/x.js></script>"));
        while watch.counts().0 < 5 {
            thread::sleep(Duration::from_millis(10));
        }
        let recipients = watch.recipients();
        assert_eq!(recipients["two"].hosts.keys().collect::<Vec<_>>(), ["tracker.example"]);
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let watch = Watch::start(Settings::default()).expect("a thread");
        for _ in 0..WAITING * 4 {
            if watch.has_room().is_some() {
                watch.show(answer("one", "<p>"));
            }
        }
        while watch.shared.waiting.load(Relaxed) > 0 {
            thread::sleep(Duration::from_millis(10));
        }
        let (looked, dropped) = watch.counts();
        assert!(looked >= 1 && dropped > 0 && looked + dropped == WAITING as u64 * 4, "{looked} {dropped}");
    }
}
