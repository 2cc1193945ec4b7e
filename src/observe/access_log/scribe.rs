//! A worker's pen: it makes lines on the worker's thread and leaves them in a lane of the writer's.

use std::{cell::RefCell, collections::HashMap, net::IpAddr, rc::Rc, sync::Arc, time::SystemTime};

use serde_json::Value;
use time::{OffsetDateTime, macros::format_description};

use super::{
    Log, Sink, agent,
    clean::Clean,
    entry::{Entry, PROBE},
    lanes::Full,
    settings::{Format, WhenFull},
    url::{self, Sightings},
};
use crate::{
    common::clock,
    observe::{
        map::Place,
        metrics::{Labelled, Shard},
        otlp::{Tap, Telemetry},
        trace::Trace,
    },
    privacy::{Engine, Kind, mask::is_field_name},
};

/// What was traced of a request, and what its line does not say of it.
pub type Traced<'a> = (&'a Trace, Vec<(&'static str, Value)>);

/// One worker's pen.
#[derive(Debug)]
pub struct Scribe {
    log: Option<Page>,
    /// Where lines go by OTLP, and traced requests.
    tap: Option<Tap>,
    engine: Arc<Engine>,
    shard: Shard,
    scratch: RefCell<Scratch>,
}

/// A place in the log.
#[derive(Debug)]
struct Page {
    /// Held, so that the writer does not end before the last pen is put down.
    sink: Arc<Sink>,
    lane: usize,
    format: Format,
    when_full: WhenFull,
}

impl Scribe {
    /// The pen of worker number `worker`; none where neither a log nor telemetry is on.
    #[must_use]
    pub fn new(
        worker: usize,
        shard: &Shard,
        engine: &Arc<Engine>,
        log: Option<&Log>,
        telemetry: Option<&Telemetry>,
    ) -> Option<Rc<Self>> {
        let page = |Log { sink, settings }: &Log| Page {
            sink: Arc::clone(sink),
            lane: worker,
            format: settings.format,
            when_full: settings.when_full,
        };
        let (engine, shard) = (Arc::clone(engine), Shard::clone(shard));
        let pen = Self {
            log: log.map(page),
            tap: telemetry.map(|telemetry| telemetry.tap(worker)),
            engine,
            shard,
            scratch: RefCell::default(),
        };
        (pen.log.is_some() || pen.tap.is_some()).then(|| Rc::new(pen))
    }

    /// Whether every request is written down, and not only those that are traced.
    #[must_use]
    pub fn writes_all(&self) -> bool {
        self.log.is_some() || self.tap.as_ref().is_some_and(Tap::takes_lines)
    }

    /// Whether `traceparent` of requests names a span of Privet's own.
    #[must_use]
    pub fn traces(&self) -> bool {
        self.tap.as_ref().is_some_and(Tap::takes_requests)
    }

    /// Waits until there is room for the lines of another request, where the setting is to wait.
    ///
    /// # Errors
    /// When the log can't be written at the moment, or stays full for too long.
    pub async fn room(&self) -> Result<(), Full> {
        match &self.log {
            Some(Page { sink, lane, when_full: WhenFull::Wait, .. }) => sink.lanes.room(*lane).await,
            _ => Ok(()),
        }
    }

    /// Writes down a request, by the rules of its route where it has one: as a line unless it is `hidden`, and as what was traced of it.
    pub fn write(&self, rules: Option<&Engine>, entry: &Entry<'_>, hidden: bool, traced: Option<Traced<'_>>) {
        let mut scratch = self.scratch.borrow_mut();
        let engine = rules.unwrap_or(&self.engine);
        scratch.clock.tick(clock::now());
        let tap = self.tap.as_ref().filter(|tap| traced.is_some() || (tap.takes_lines() && !hidden));
        if let Some(tap) = tap {
            entry.write(Format::Json, engine, &mut scratch);
            if tap.takes_lines() && !hidden {
                tap.line(&scratch.line);
            }
            if let Some((trace, facts)) = traced {
                tap.request(trace, &scratch.line, facts);
            }
        }
        if let Some(Page { sink, lane, format, when_full }) = self.log.as_ref().filter(|_| !hidden) {
            if tap.is_none() || *format != Format::Json {
                entry.write(*format, engine, &mut scratch);
            }
            sink.lanes.push(*lane, &scratch.line, *when_full);
        }
        // What Privet has made up itself is not on the wire.
        if entry.verdicts.iter().any(|(safeguard, _)| *safeguard == PROBE) {
            return;
        }
        let Scratch { found, counts, .. } = &mut *scratch;
        counts.add(entry.route.unwrap_or("-"), found, engine);
        if scratch.counts.0.len() >= Counts::MOST {
            scratch.counts.settle(&self.shard);
        }
    }

    /// Hands on what was counted; called about once a second.
    pub fn settle(&self) {
        if let Ok(mut scratch) = self.scratch.try_borrow_mut() {
            scratch.counts.settle(&self.shard);
        }
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        self.settle();
    }
}

/// What was rewritten since the metrics and the map were last told, so that a request need not write their labels.
#[derive(Debug, Default)]
pub(super) struct Counts(Vec<Series>);

#[derive(Debug)]
struct Series {
    route: Box<str>,
    place: Place,
    /// As the client wrote it; and as it may be told.
    name: Box<[u8]>,
    field: String,
    kind: Kind,
    count: u64,
}

impl Counts {
    /// Most series at once.
    const MOST: usize = 64;

    fn add(&mut self, route: &str, found: &Sightings, engine: &Engine) {
        for (place, name, kind, n) in found.iter() {
            let same = |s: &&mut Series| s.place == place && s.kind == *kind && *s.name == *name && *s.route == *route;
            match self.0.iter_mut().find(same) {
                Some(series) => series.count += n,
                None => self.0.push(Series {
                    route: route.into(),
                    place,
                    name: name.into(),
                    field: field(place, name, engine),
                    kind: kind.clone(),
                    count: n,
                }),
            }
        }
    }

    fn settle(&mut self, shard: &Shard) {
        for Series { route, place, field, kind, count, .. } in self.0.drain(..) {
            let label = if place == Place::RequestHeader { "referrer" } else { "url" };
            shard.count_many(Labelled::Redactions, &[&route, kind.name(), label], count);
            shard.map.record(&route, place, &field, &kind, count);
        }
    }
}

/// The field as it may be told: the name of a query's field where it is one that fields are called by, since clients choose it.
fn field(place: Place, name: &[u8], engine: &Engine) -> String {
    let told = std::str::from_utf8(name).ok().filter(|name| place != Place::Query || is_field_name(name, engine, true));
    told.unwrap_or("?").to_owned()
}

/// What lines are made with; used again for every line.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The line.
    pub(super) line: Vec<u8>,
    pub(super) part: Vec<u8>,
    pub(super) url: url::Scratch,
    pub(super) found: Sightings,
    pub(super) targets: Clean,
    pub(super) referrers: Clean,
    pub(super) clock: Clock,
    pub(super) tokens: Tokens,
    pub(super) agents: Agents,
    counts: Counts,
}

/// The time in both forms; the calendar is asked once a second.
#[derive(Debug, Default)]
pub(super) struct Clock {
    second: i64,
    rfc3339: String,
    common: String,
}

impl Clock {
    fn tick(&mut self, now: SystemTime) {
        let now = OffsetDateTime::from(now);
        if now.unix_timestamp() != self.second || self.common.is_empty() {
            self.second = now.unix_timestamp();
            let iso = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].");
            let common = format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
            // Both have nothing that could fail.
            self.rfc3339 = now.format(iso).unwrap_or_default();
            self.common = now.format(common).unwrap_or_default();
        }
        let mut micros = now.microsecond();
        self.rfc3339.truncate(20);
        let mut digits = [0; 6];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(micros % 10).unwrap_or(0);
            micros /= 10;
        }
        self.rfc3339.push_str(std::str::from_utf8(&digits).unwrap_or("000000"));
        self.rfc3339.push('Z');
    }

    /// UTC, to the microsecond.
    pub(super) fn rfc3339(&self) -> &str {
        &self.rfc3339
    }

    /// As Apache writes it.
    pub(super) fn common(&self) -> &str {
        &self.common
    }
}

/// Pseudonyms of addresses that were seen of late.
#[derive(Debug, Default)]
pub(super) struct Tokens(HashMap<(u64, IpAddr), Box<[u8]>>);

impl Tokens {
    /// Most addresses that are remembered.
    const MOST: usize = 4096;

    pub(super) fn of(&mut self, address: IpAddr, engine: &Engine) -> &[u8] {
        let key = (engine.id(), address);
        if self.0.len() >= Self::MOST && !self.0.contains_key(&key) {
            self.0.clear();
        }
        self.0.entry(key).or_insert_with(|| {
            let mut token = Vec::new();
            engine.rewrite(&Kind::IpAddress, address.to_string().as_bytes(), &mut token);
            token.into()
        })
    }
}

/// Families of agents that were seen of late.
#[derive(Debug, Default)]
pub(super) struct Agents(HashMap<Box<[u8]>, &'static str>);

impl Agents {
    /// Most agents that are remembered, and the longest.
    const MOST: usize = 1024;
    const LONGEST: usize = 512;

    pub(super) fn family(&mut self, agent: &[u8]) -> &'static str {
        if let Some(family) = self.0.get(agent) {
            return family;
        }
        let family = agent::family(agent);
        if agent.len() <= Self::LONGEST {
            if self.0.len() >= Self::MOST {
                self.0.clear();
            }
            self.0.insert(agent.into(), family);
        }
        family
    }
}
