//! `privet ban` over the control socket: who is banned, and an operator's word on it.

use std::{sync::Arc, time::Duration};

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::by::By;
use crate::{
    common::clock,
    journal::{Journal, Kind, Record},
    privacy::{self, Engine},
    shield::ban::{
        Bans,
        networks::{is_narrow, network},
        order::{LONGEST_REASON, Order},
        table::Held,
        who::Key,
    },
};

/// Where commands about bans begin.
pub const PREFIX: &str = "/v1/bans";
/// Most bans by scenarios that are listed.
const LISTED: usize = 10_000;
/// Longest ban of an operator that has an end: ten years.
const LONGEST: Duration = Duration::from_secs(3650 * 86_400);

/// What answers need.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    pub(super) bans: Option<&'a Arc<Bans>>,
    pub(super) journal: Option<&'a Arc<Journal>>,
    /// What makes pseudonyms of addresses, the same as in the access log.
    pub(super) engine: &'a Engine,
    /// Who orders.
    pub(super) by: By<'a>,
}

type Answer = (StatusCode, Value);

fn no(status: StatusCode, why: impl std::fmt::Display) -> Answer {
    (status, json!({ "error": why.to_string() }))
}

/// Answers one command.
pub(super) async fn answer(desk: Desk<'_>, method: &Method, path: &str, said: &Value) -> Answer {
    let Some(bans) = desk.bans else {
        return no(StatusCode::CONFLICT, "this gateway bans nobody: add [shield.ban] to its configuration");
    };
    match (method, path.strip_prefix(PREFIX)) {
        (&Method::GET, Some("")) => (StatusCode::OK, listed(bans)),
        (&Method::POST, Some("/add")) => add(bans, &desk, said).await,
        (&Method::POST, Some("/lift")) => lift(bans, &desk, said).await,
        _ => no(StatusCode::NOT_FOUND, "no such command"),
    }
}

fn listed(bans: &Bans) -> Value {
    let (held, count) = bans.held(LISTED);
    let scenario = |(key, held): &(Key, Held)| {
        json!({
            "address": key.to_string(), "source": held.scenario.name(), "step": held.step + 1, "until": time(held.until),
            "induced": key.is_induced(),
        })
    };
    let ordered = |order: &Order| {
        json!({
            "address": plain(&order.network), "source": "operator", "reason": order.reason, "since": time(order.since),
            "until": order.until.and_then(time),
        })
    };
    let mut all: Vec<Value> = bans.orders().iter().map(ordered).collect();
    all.extend(held.iter().map(scenario));
    let lists = bans.lists();
    let lists: Vec<Value> = lists
        .iter()
        .map(|list| json!({ "name": *list.name, "entries": list.entries(), "up": list.is_fresh() }))
        .collect();
    json!({ "bans": all, "unlisted": count - held.len(), "lists": lists })
}

async fn add(bans: &Arc<Bans>, desk: &Desk<'_>, said: &Value) -> Answer {
    let network = match network(said["address"].as_str().unwrap_or_default().trim()) {
        Ok(network) if is_narrow(&network) => network,
        Ok(_) => return no(StatusCode::BAD_REQUEST, "the network is too wide: IPv4 from /8, IPv6 from /16"),
        Err(why) => return no(StatusCode::BAD_REQUEST, format!("whom to ban: {why}")),
    };
    let reason = said["reason"].as_str().unwrap_or_default().trim().to_owned();
    if reason.is_empty() || reason.len() > LONGEST_REASON || reason.contains(char::is_control) {
        return no(StatusCode::BAD_REQUEST, format!("say why: 1 to {LONGEST_REASON} bytes in one line"));
    }
    if bans.allows(&network) {
        let why = "nothing bans it: it is in `allow`, or a proxy of `listen.trusted`";
        return no(StatusCode::CONFLICT, why);
    }
    let life = said["for_ms"].as_u64().map(Duration::from_millis);
    if life.is_some_and(|life| life.is_zero() || life > LONGEST) {
        return no(StatusCode::BAD_REQUEST, "a ban lasts from 1s to 3650d, or for good");
    }
    if said["dry_run"] == true {
        return (StatusCode::OK, json!({ "address": plain(&network), "dry_run": true }));
    }
    let since = clock::millis();
    let until = life.map(|life| since.saturating_add(u64::try_from(life.as_millis()).unwrap_or(u64::MAX)));
    let order = Order { network, until, since, reason: reason.clone() };
    let fields = [
        ("address", pseudonym(desk.engine, &network).into()),
        ("until", until.and_then(time).into()),
        ("reason", reason.into()),
    ];
    if let Err(answer) = written(desk, desk.by.sign(Record::new(Kind::BanOrdered, fields))).await {
        return answer;
    }
    let own = Arc::clone(bans);
    match tokio::task::spawn_blocking(move || own.order(order)).await {
        Ok(Ok(())) => (StatusCode::OK, json!({ "address": plain(&network), "until": until.and_then(time) })),
        Ok(Err(error)) => no(StatusCode::SERVICE_UNAVAILABLE, error),
        Err(_) => no(StatusCode::INTERNAL_SERVER_ERROR, "it could not be kept"),
    }
}

async fn lift(bans: &Arc<Bans>, desk: &Desk<'_>, said: &Value) -> Answer {
    let name = said["address"].as_str().unwrap_or_default().trim();
    let net = network(name);
    let told = match &net {
        Ok(net) => pseudonym(desk.engine, net),
        Err(_) if name.starts_with("session:") => "session".to_owned(),
        Err(why) => return no(StatusCode::BAD_REQUEST, format!("whose ban to lift: {why}")),
    };
    let record = desk.by.sign(Record::new(Kind::BanLifted, [("address", told.into())]));
    if let Err(answer) = written(desk, record).await {
        return answer;
    }
    let lifted = match &net {
        Ok(net) => {
            let (own, net) = (Arc::clone(bans), *net);
            match tokio::task::spawn_blocking(move || own.lift(&net)).await {
                Ok(Ok(lifted)) => lifted,
                Ok(Err(error)) => return no(StatusCode::SERVICE_UNAVAILABLE, error),
                Err(_) => return no(StatusCode::INTERNAL_SERVER_ERROR, "it could not be kept"),
            }
        }
        Err(_) => usize::from(bans.free(name)),
    };
    let still = net.ok().and_then(|net| bans.listed(net.addr()));
    match (lifted, still) {
        (0, Some(list)) => {
            let why =
                format!("it is on the list `{list}`, which is not ours to change: add it to `allow` in [shield.ban]");
            no(StatusCode::CONFLICT, why)
        }
        (0, None) => no(StatusCode::NOT_FOUND, "there is no such ban"),
        (_, list) => (StatusCode::OK, json!({ "lifted": lifted, "list": list })),
    }
}

/// On disk before anything holds.
async fn written(desk: &Desk<'_>, record: Record) -> Result<(), Answer> {
    let Some(journal) = desk.journal else { return Ok(()) };
    let outcome = journal.append(&record).await;
    outcome
        .map(|_| ())
        .map_err(|error| no(StatusCode::SERVICE_UNAVAILABLE, format!("it can't be written down: {error}")))
}

/// An address as the access log has it; a network is nobody's in particular.
fn pseudonym(engine: &Engine, network: &ipnet::IpNet) -> String {
    let text = plain(network);
    if network.prefix_len() != network.max_prefix_len() {
        return text;
    }
    let mut out = Vec::new();
    engine.rewrite(&privacy::Kind::IpAddress, text.as_bytes(), &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// An address without the length of its network.
fn plain(network: &ipnet::IpNet) -> String {
    let single = network.prefix_len() == network.max_prefix_len();
    if single { network.addr().to_string() } else { network.to_string() }
}

fn time(millis: u64) -> Option<String> {
    super::control::time(i64::try_from(millis / 1000).ok()?)
}
