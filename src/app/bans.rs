//! Bans of a running gateway: made with its keys and store, told of attempts to sign in, shown in its metrics.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::{runtime::Handle, task::AbortHandle};

use super::{keys, store};
use crate::{
    config::Config,
    login::{
        Guard,
        event::{Event, Events, Heard, Verdict},
        ledger::{Standing, Why},
    },
    observe::metrics::{Metrics, Sample, Source},
    shield::ban::{Bans, Scenario, Who, bans::Means, order::NAME, seal::Seal, shared::Shared},
};

/// The bans of a configuration: those of before, which go on, or new ones where there were none; none where they are off.
///
/// # Errors
/// When keys or orders can't be read.
pub(super) fn of(
    config: &Config,
    shared: Option<&store::Running>,
    known: Option<&Arc<Bans>>,
) -> anyhow::Result<Option<Arc<Bans>>> {
    let Some(settings) = &config.bans else { return Ok(None) };
    if let Some(known) = known {
        return Ok(Some(Arc::clone(known)));
    }
    let ring = keys::ring(config, "operators' bans will be forgotten")?;
    let seal = Arc::new(Seal::of(&ring).context("the cryptographic library failed")?);
    let shared = shared.map(|store| {
        let agreed = store.agreement(keys::fingerprint(&ring));
        Arc::new(Shared::new(Arc::clone(&store.store), Arc::clone(&seal), agreed, store.replicas))
    });
    let means = Means { seal, orders: config.data_dir.join(NAME), shared, service: Handle::current() };
    Ok(Some(Bans::start(settings.clone(), means)?))
}

/// Who tells the bans of attempts to sign in, of which guard.
#[derive(Debug, Default)]
pub(super) struct Listener(Option<(Arc<Guard>, Arc<Bans>, AbortHandle)>);

impl Listener {
    /// Tells `bans` of attempts at `guard`.
    pub(super) fn new(bans: Option<&Arc<Bans>>, guard: &Arc<Guard>) -> Self {
        let mut listener = Self::default();
        listener.listen(bans, guard);
        listener
    }

    /// Tells `bans` of attempts at `guard`, and of no other.
    pub(super) fn listen(&mut self, bans: Option<&Arc<Bans>>, guard: &Arc<Guard>) {
        let same = |(known, of, _): &(Arc<Guard>, Arc<Bans>, AbortHandle)| {
            Arc::ptr_eq(known, guard) && bans.is_some_and(|bans| Arc::ptr_eq(of, bans))
        };
        if self.0.as_ref().is_some_and(same) {
            return;
        }
        let task = bans.map(|bans| {
            let task = tokio::spawn(attempts(Arc::clone(bans), guard.subscribe())).abort_handle();
            (Arc::clone(guard), Arc::clone(bans), task)
        });
        if let Some((.., former)) = std::mem::replace(&mut self.0, task) {
            former.abort();
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some((.., task)) = &self.0 {
            task.abort();
        }
    }
}

async fn attempts(bans: Arc<Bans>, mut events: Events) {
    loop {
        match events.next().await {
            Some(Heard::Event(event)) if counts(&event) => {
                let who = Who { address: Some(event.address.0), session: None, induced: event.induced };
                bans.note(Scenario::Login, &who);
            }
            // Who tries so fast that some are missed is banned by the others.
            Some(_) => {}
            None => return,
        }
    }
}

/// Whether an attempt speaks against its address. One that is refused for what others have done to its account, or to the login, does not;
/// nor does one of a client that is familiar: people forget passwords.
fn counts(event: &Event) -> bool {
    let familiar = matches!(event.standing, Some(Standing::Device | Standing::Address));
    match event.verdict {
        Verdict::Failure => !familiar,
        Verdict::Refused(why) => matches!(why, Why::Address | Why::AccountAddress),
        Verdict::Unreadable(_) => true,
        Verdict::Success | Verdict::Unclear | Verdict::Abandoned => false,
    }
}

/// Shows what is counted; nothing of bans that are off.
pub(super) fn show(metrics: &Metrics, bans: Option<&Arc<Bans>>) {
    let [begun, active, requests, connections, fresh] = [(); 5].map(|()| bans.cloned());
    metrics.show(Source::counters("privet_bans_total", "Bans that have begun, by scenario and step.", move || {
        let each = begun.iter().flat_map(|bans| bans.counts().bans());
        // The first step of each is there from the start, so that rates begin at nought.
        let shown = each.filter(|(_, step, count)| *step == 1 || *count > 0);
        shown
            .map(|(scenario, step, n)| Sample::new(&[("scenario", scenario.name()), ("step", &step.to_string())], n))
            .collect()
    }));
    metrics.show(Source::gauges(
        "privet_bans_active",
        "Who is banned: addresses and sessions by scenarios, networks by operators' orders and lists.",
        move || active.iter().flat_map(of_sources).collect(),
    ));
    metrics.show(Source::counter("privet_banned_requests_total", "Requests that a ban has refused.", move || {
        requests.as_ref().map_or(0, |bans| bans.counts().requests.value())
    }));
    metrics.show(Source::counter(
        "privet_banned_connections_total",
        "Connections that an operator's ban, or a list, has refused before their handshake.",
        move || connections.as_ref().map_or(0, |bans| bans.counts().connections.value()),
    ));
    metrics.show(Source::gauges(
        "privet_ban_list_up",
        "Whether a list could be read, or its agent asked, when that was last tried.",
        move || {
            let lists = fresh.iter().flat_map(|bans| bans.lists());
            lists.map(|list| Sample::new(&[("list", &list.name)], list.is_fresh())).collect()
        },
    ));
}

fn of_sources(bans: &Arc<Bans>) -> Vec<Sample> {
    let (addresses, sessions) = bans.active();
    let orders = bans.orders().len();
    let own = [("address", addresses), ("session", sessions), ("operator", orders)];
    let own = own.map(|(source, n)| (source.to_owned(), n));
    let lists = bans.lists().into_iter().map(|list| (format!("list:{}", list.name), list.entries()));
    let sample =
        |(source, n): (String, usize)| Sample::new(&[("source", &source)], i64::try_from(n).unwrap_or(i64::MAX));
    own.into_iter().chain(lists).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::SystemTime};

    use super::*;
    use crate::login::{event::Address, key::Key, username::Unreadable};

    #[test]
    fn nobody_answers_for_what_others_did_to_their_account() {
        let counted = |verdict, standing| {
            counts(&Event {
                login: "shop".into(),
                verdict,
                address: Address(Ipv4Addr::LOCALHOST.into()),
                source: Key([1; 16]),
                account: None,
                induced: false,
                standing,
                time: SystemTime::UNIX_EPOCH,
            })
        };
        assert!(counted(Verdict::Failure, Some(Standing::Stranger)) && counted(Verdict::Failure, None));
        assert!(!counted(Verdict::Failure, Some(Standing::Device)) && !counted(Verdict::Success, None));
        assert!(counted(Verdict::Refused(Why::Address), None) && counted(Verdict::Refused(Why::AccountAddress), None));
        assert!(!counted(Verdict::Refused(Why::Account), None) && !counted(Verdict::Refused(Why::Route), None));
        assert!(!counted(Verdict::Refused(Why::Pace), None) && counted(Verdict::Unreadable(Unreadable::Coded), None));
    }
}
