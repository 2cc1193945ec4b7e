//! The record of one request: opened with its head, closed when the last byte of its answer is out or given up.
//!
//! Whoever holds the record holds the request open: the answer's body, or the tunnel after an upgrade. What the access log needs is
//! noted on the way, and made a line of when the record closes; for a route whose log is off nothing is noted.

use std::{
    net::IpAddr,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderValue, StatusCode, Version, header, request::Parts, uri::PathAndQuery};

use crate::{
    common::{clock, meter::Id},
    gateway::{
        ban::Suspect,
        client::Client,
        disclosure::Disclosure,
        gate::is_own,
        outbox::{Delivery, Handed},
        plan::Line,
        refusal::{Kind, Refusal},
        settings::{HostPattern, Route},
        upload::Upload,
    },
    observe::{
        access_log::{Entry, Scribe, entry, scribe::Traced},
        metrics::{RouteMeter, Shard},
        route_counts,
        trace::{TRACEPARENT, Trace},
    },
    privacy::Engine,
};

/// An open request.
#[derive(Debug)]
pub struct Record {
    client: Rc<Client>,
    shard: Shard,
    number: u128,
    route: Option<RouteMeter>,
    status: StatusCode,
    complete: bool,
    upload: Rc<Upload>,
    started: Instant,
    /// Of the request's method in the metrics.
    method: usize,
    principal: route_counts::Kind,
    sent: u64,
    received: u64,
    log: Option<Rc<Scribe>>,
    /// Whether it has no line in the log, by the rules of its route.
    hidden: bool,
    notes: Option<Box<Notes>>,
    disclosure: Option<Box<Disclosure>>,
    /// Whoever asks, where anybody is banned, until what they did is known.
    pub(super) suspect: Option<Box<Suspect>>,
}

/// What only the log wants to know. Values are shared with the request's head, not copied.
#[derive(Debug, Default)]
struct Notes {
    id: Option<HeaderValue>,
    address: Option<IpAddr>,
    route: Option<Arc<Route>>,
    /// The rules of the route; of what belongs to no route those of all.
    engine: Option<Arc<Engine>>,
    method: Option<&'static str>,
    version: Option<&'static str>,
    target: Option<PathAndQuery>,
    user_agent: Option<HeaderValue>,
    referrer: Option<HeaderValue>,
    traceparent: Option<HeaderValue>,
    error: Option<&'static str>,
    verdicts: Vec<(&'static str, &'static str)>,
}

impl Record {
    /// Opens the record of the request `number` on `client`, to be written down by `scribe` with what is traced of it.
    #[must_use]
    pub fn open(
        client: &Rc<Client>,
        shard: &Shard,
        scribe: Option<&Rc<Scribe>>,
        number: u128,
        trace: Option<Box<Trace>>,
    ) -> Box<Self> {
        let log = scribe.filter(|scribe| trace.is_some() || scribe.writes_all()).map(Rc::clone);
        client.in_flight.set(client.in_flight.get() + 1);
        client.begun.set(client.begun.get().saturating_add(1));
        shard.requests_in_flight.add(1);
        Box::new(Self {
            client: Rc::clone(client),
            shard: Shard::clone(shard),
            number,
            route: None,
            status: StatusCode::OK,
            complete: false,
            upload: Rc::new(Upload { trace, ..Upload::default() }),
            started: Instant::now(),
            method: 0,
            principal: route_counts::Kind::Anonymous,
            sent: 0,
            received: 0,
            log,
            hidden: false,
            notes: None,
            disclosure: None,
            suspect: None,
        })
    }

    /// Notes what is asked for, as it came; `None` where it could not be read.
    pub fn note(&mut self, id: &HeaderValue, parts: Option<&Parts>) {
        if self.log.is_none() {
            return;
        }
        let mut notes = Box::<Notes>::default();
        notes.id = Some(id.clone());
        if let Some(parts) = parts {
            notes.method = Some(entry::method(&parts.method));
            notes.version = (parts.version == Version::HTTP_10).then_some("1.0");
            notes.target = target(parts);
            // All fields are looked at once, which takes less than to ask for three. Of several of one name the first counts.
            for (name, value) in &parts.headers {
                let kept = match *name {
                    header::USER_AGENT => &mut notes.user_agent,
                    header::REFERER => &mut notes.referrer,
                    _ if *name == TRACEPARENT => &mut notes.traceparent,
                    _ => continue,
                };
                kept.get_or_insert_with(|| value.clone());
            }
        }
        self.notes = Some(notes);
    }

    /// Notes which route it takes, and what is asked for unless the route's log is off.
    pub fn routed(&mut self, line: Option<&Line>, id: &HeaderValue, parts: &Parts, address: IpAddr) {
        self.route = line.map(|line| RouteMeter::clone(&line.meter));
        self.method = route_counts::method(&parts.method);
        self.hidden = line.is_some_and(|line| !line.route.access_log);
        if self.hidden && self.upload.trace.is_none() {
            self.log = None;
        }
        self.note(id, Some(parts));
        if let Some(notes) = &mut self.notes {
            notes.route = line.map(|line| Arc::clone(&line.route));
            notes.engine = line.map(|line| Arc::clone(&line.engine));
            notes.address = Some(address);
        }
    }

    /// Waits until the log has room for it, where that is the setting.
    ///
    /// # Errors
    /// When it has none.
    pub async fn room(&self) -> Result<(), Kind> {
        match &self.log {
            Some(scribe) if !self.hidden => scribe.room().await.map_err(|_| Kind::LogFull),
            _ => Ok(()),
        }
    }

    /// How far the client's body has come, and what becomes of the answer.
    #[must_use]
    pub fn upload(&self) -> Rc<Upload> {
        Rc::clone(&self.upload)
    }

    /// The same, to look at.
    pub(super) fn upload_ref(&self) -> &Upload {
        &self.upload
    }

    /// Notes what a safeguard said. Both words come from closed lists.
    pub fn verdict(&mut self, safeguard: &'static str, verdict: &'static str) {
        if let Some(notes) = &mut self.notes {
            notes.verdicts.retain(|(said, _)| *said != safeguard);
            notes.verdicts.push((safeguard, verdict));
        }
    }

    /// Notes that Privet has made it itself: it counts for nobody, and says so.
    pub fn is_probe(&mut self) {
        self.upload.probe.set(true);
        self.suspect = None;
        self.verdict(entry::PROBE, "valid");
    }

    /// Notes how whoever asks was recognised.
    pub fn principal(&mut self, kind: route_counts::Kind) {
        self.principal = kind;
    }

    /// Whose data it discloses is written down when it ends.
    pub fn disclose(&mut self, disclosure: Disclosure) {
        self.disclosure = Some(Box::new(disclosure));
    }

    /// Waits until it is on disk what it is about to disclose; at once where that is nothing.
    ///
    /// # Errors
    /// When it can't be written down.
    pub async fn written(&mut self) -> Result<(), Refusal> {
        match &mut self.disclosure {
            Some(disclosure) => disclosure.written().await,
            None => Ok(()),
        }
    }

    /// Notes why it was refused.
    pub fn refused(&mut self, kind: Kind) {
        if let Some(notes) = &mut self.notes {
            notes.error = Some(kind.name());
        }
    }

    /// Notes the status of the answer.
    pub fn answered(&mut self, status: StatusCode) {
        self.status = status;
        if let Some(trace) = &self.upload.trace {
            trace.answered.set(Some(Instant::now()));
        }
    }

    /// Notes bytes of the answer that were handed over.
    pub fn sent(&mut self, bytes: u64) {
        self.sent += bytes;
    }

    /// Notes bytes that a tunnel has carried towards the application.
    pub fn received(&mut self, bytes: u64) {
        self.received += bytes;
    }

    /// Notes that the answer's last byte was handed over.
    pub fn complete(&mut self) {
        self.complete = true;
    }

    fn write(&self, scribe: &Scribe, total: Duration) {
        let empty = Notes::default();
        let notes = self.notes.as_deref().unwrap_or(&empty);
        let client = &self.client;
        let tls = client.handshake.as_ref();
        let found = self.upload.found.borrow();
        let (decision, scanned) = (self.upload.decision.borrow(), self.upload.scanned.borrow());
        let entry = Entry {
            request_id: notes.id.as_ref().map_or(b"-", HeaderValue::as_bytes),
            traceparent: notes.traceparent.as_ref().map(HeaderValue::as_bytes),
            traced: scribe.traces(),
            method: notes.method,
            target: notes.target.as_ref().map(|target| target.as_str().as_bytes()),
            route: notes.route.as_ref().map(|route| route.name.as_str()),
            status: self.status.as_u16(),
            response_bytes: self.sent,
            request_bytes: self.upload.bytes.get() + self.received,
            total,
            upstream: self.upload.answered.get(),
            // Of the first request only: later ones did not wait for it.
            handshake: tls.filter(|_| !client.logged.replace(true)).map(|_| client.handshake_time),
            protocol: notes.version.unwrap_or(if client.http2 { "2" } else { "1.1" }),
            tls_version: tls.map(|tls| tls.version),
            tls_group: tls.and_then(|tls| tls.group),
            client: Some(notes.address.unwrap_or(client.peer.address.ip())),
            user_agent: notes.user_agent.as_ref().map(HeaderValue::as_bytes),
            referrer: notes.referrer.as_ref().map(HeaderValue::as_bytes),
            error: notes.error.or((!self.complete).then_some("aborted")),
            verdicts: &notes.verdicts,
            found: Some(&found),
            decision: decision.as_deref(),
            scanned: scanned.as_deref(),
        };
        let traced = self.upload.trace.as_deref().map(|trace| self.traced(trace, notes.route.as_deref()));
        scribe.write(notes.engine.as_deref(), &entry, self.hidden, traced);
    }

    /// What was traced, with the steps that nobody has counted yet and what the log's line does not say.
    fn traced<'a>(&self, trace: &'a Trace, route: Option<&Route>) -> Traced<'a> {
        let client = &self.client;
        if client.handshake.is_some()
            && trace.first
            && let Some(begun) = client.since.checked_sub(client.handshake_time)
        {
            trace.past("tls handshake", [begun, client.since]);
        }
        if let Some(answered) = trace.answered.get().filter(|_| self.sent > 0) {
            trace.past("response body", [answered, Instant::now()]);
        }
        let mut facts = vec![("url.scheme", client.scheme().into())];
        if let Some(HostPattern::Exact(host)) = route.map(|route| &route.host) {
            facts.push(("server.address", host.as_str().into()));
        }
        (trace, facts)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let client = &self.client;
        client.in_flight.set(client.in_flight.get().saturating_sub(1));
        self.shard.requests_in_flight.add(-1);
        let total = self.started.elapsed();
        if let Some(route) = &self.route {
            route.requests(self.principal, self.method, self.status).increment();
            let id = self.upload.trace.as_ref().map_or(Id::Request(self.number), |trace| Id::Trace(trace.id));
            let now = clock::millis();
            route.duration.observe(total, id, now);
            if let Some(time) = self.upload.answered.get() {
                route.upstream.observe(time, id, now);
            }
            route.received.add(self.upload.bytes.get() + self.received);
            route.sent.add(self.sent);
        }
        if !self.complete {
            client.abandoned.set(client.abandoned.get() + 1);
            self.shard.requests_aborted.increment();
        }
        let handed = self.disclosure.take();
        let handed = handed.map(|open| Handed::new(open, self.status, self.sent, Rc::clone(&self.upload)));
        if self.complete {
            client.outbox.handed(self.sent, handed);
        } else if let Some(cut) = handed {
            cut.close(Delivery::Cut);
        }
        if let Some(scribe) = self.log.take() {
            self.write(&scribe, total);
        }
    }
}

/// What is asked for. Of Privet's own pages the query is left out: a provider's answer has a code in it.
fn target(parts: &Parts) -> Option<PathAndQuery> {
    let path = parts.uri.path();
    let own = is_own(path).then(|| path.parse().ok()).flatten();
    own.or_else(|| parts.uri.path_and_query().cloned())
}

/// A request's random number as its id: 128 bits in hexadecimal, unique in practice and without meaning.
#[must_use]
pub fn request_id(number: u128) -> HeaderValue {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 32];
    let mut bits = number;
    for digit in text.iter_mut().rev() {
        // The lowest four bits index a table of sixteen.
        *digit = HEX[usize::try_from(bits & 15).unwrap_or(0)];
        bits >>= 4;
    }
    let mut id = HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("-"));
    // HTTP/2 would put every id into its table of repeated headers, where it pushes out those that do repeat.
    id.set_sensitive(true);
    id
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_id_is_its_number_in_hexadecimal() {
        for number in [0, 0xab, u128::MAX - 1] {
            assert_eq!(super::request_id(number).as_bytes(), format!("{number:032x}").as_bytes());
        }
    }
}
