//! What is known of one request, and its line in either form.
//!
//! Names are OpenTelemetry's semantic conventions for HTTP where there is one. Cookies, `Authorization`, bodies and unknown
//! headers are not in it, since they are not in [`Entry`].

use std::{net::IpAddr, time::Duration};

use super::{
    json,
    json::Object,
    scanned,
    scribe::Scratch,
    settings::Format,
    shield,
    url::{self, Cleaner, Sightings},
};
use crate::{
    antivirus,
    common::clock,
    observe::trace::Parent,
    privacy::{Engine, Tally},
    shield::Decision,
};

/// The safeguard whose verdict says that Privet has made a request itself.
pub const PROBE: &str = "probe";

/// What is known of one request. Everything that a client wrote is scrubbed on its way into a line, never here.
#[derive(Debug, Default)]
pub struct Entry<'a> {
    /// Privet's own id of it.
    pub request_id: &'a [u8],
    /// `traceparent`: as it came, or as it was made for a request that is traced.
    pub traceparent: Option<&'a [u8]>,
    /// Whether it names a span of Privet's own.
    pub traced: bool,
    /// One of HTTP's methods; others are `_OTHER`.
    pub method: Option<&'static str>,
    /// Path and query.
    pub target: Option<&'a [u8]>,
    /// Name of the route, from the configuration.
    pub route: Option<&'a str>,
    /// Status of the answer.
    pub status: u16,
    /// Bytes of the answer's body that were handed over.
    pub response_bytes: u64,
    /// Bytes of the request's body that were read.
    pub request_bytes: u64,
    /// From head to last byte.
    pub total: Duration,
    /// From the request sent to the application to the head of its answer.
    pub upstream: Option<Duration>,
    /// The TLS handshake, where this is the first request after it.
    pub handshake: Option<Duration>,
    /// `1.0`, `1.1` or `2`.
    pub protocol: &'static str,
    /// `1.2` or `1.3`.
    pub tls_version: Option<&'static str>,
    /// The key exchange group.
    pub tls_group: Option<&'static str>,
    /// Whose request it is.
    pub client: Option<IpAddr>,
    /// `User-Agent`, as it came.
    pub user_agent: Option<&'a [u8]>,
    /// `Referer`, as it came.
    pub referrer: Option<&'a [u8]>,
    /// Why it failed: a refusal's name, or `aborted`.
    pub error: Option<&'static str>,
    /// Safeguards and what they said.
    pub verdicts: &'a [(&'static str, &'static str)],
    /// What was found and rewritten in bodies and elsewhere, besides what this line itself shows.
    pub found: Option<&'a Tally>,
    /// What rules against intrusion have found.
    pub decision: Option<&'a Decision>,
    /// What clamd has said of its files.
    pub scanned: Option<&'a antivirus::Decision>,
}

/// The method as OpenTelemetry has it (RFC 9110, PATCH and QUERY).
#[must_use]
pub fn method(method: &http::Method) -> &'static str {
    const KNOWN: [&str; 10] = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "CONNECT", "TRACE", "QUERY"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

impl Entry<'_> {
    /// Writes the line, with its end, to the line buffer of `scratch`, and what was found on the way beside it.
    pub(super) fn write(&self, format: Format, engine: &Engine, scratch: &mut Scratch) {
        scratch.line.clear();
        scratch.found.clear();
        match format {
            Format::Json => self.json(engine, scratch),
            Format::Combined => self.combined(engine, scratch),
        }
    }

    fn json(&self, engine: &Engine, scratch: &mut Scratch) {
        let Scratch { line, url, found, targets, referrers, part, clock, tokens, agents, .. } = scratch;
        let mut object = Object::open(line);
        object.word("timestamp", clock.rfc3339());
        object.text("privet.request_id", self.request_id);
        if let Some(parent) = self.traceparent.and_then(Parent::read) {
            object.word("trace_id", parent.trace);
            if self.traced {
                object.word("span_id", parent.span);
            }
        }
        object.word("http.request.method", self.method.unwrap_or("_OTHER"));
        if let Some(raw) = self.target {
            object.part(targets, engine.id(), raw, |object| {
                let mut cleaner = Cleaner { engine, found: &mut *found, scratch: url, referrer: false };
                let (path, query) = url::split(raw);
                part.clear();
                cleaner.path(path, part);
                object.text("url.path", part);
                if let Some(query) = query {
                    part.clear();
                    cleaner.query(query, part);
                    object.text("url.query", part);
                }
                found.is_empty()
            });
        }
        if let Some(route) = self.route {
            object.text("http.route", route.as_bytes());
        }
        object.number("http.response.status_code", u64::from(self.status));
        object.number("http.response.body.size", self.response_bytes);
        object.number("http.request.body.size", self.request_bytes);
        object.seconds("http.server.request.duration", self.total);
        for (name, duration) in
            [("http.client.request.duration", self.upstream), ("tls.handshake.duration", self.handshake)]
        {
            if let Some(duration) = duration {
                object.seconds(name, duration);
            }
        }
        object.word("network.protocol.version", self.protocol);
        for (name, word) in [("tls.protocol.version", self.tls_version), ("tls.curve", self.tls_group)] {
            if let Some(word) = word {
                object.word(name, word);
            }
        }
        if let Some(client) = self.client {
            object.text("client.address", tokens.of(client, engine));
        }
        if let Some(agent) = self.user_agent {
            object.word("user_agent.name", agents.family(agent));
        }
        if let Some(raw) = self.referrer {
            let before = found.len();
            object.part(referrers, engine.id(), raw, |object| {
                part.clear();
                Cleaner { engine, found: &mut *found, scratch: url, referrer: true }.referrer(raw, part);
                let out = object.name("http.request.header.referer");
                out.push(b'[');
                json::text(part, out);
                out.push(b']');
                found.len() == before
            });
        }
        if let Some(decision) = self.decision {
            shield::write(decision, engine, &mut object);
        }
        if let Some(decision) = self.scanned {
            scanned::write(decision, &mut object);
        }
        self.outcome(&mut object, found);
        if clock::is_set() {
            object.word("privet.clock", "set");
        }
        object.close();
        line.push(b'\n');
    }

    fn outcome(&self, object: &mut Object<'_>, found: &Sightings) {
        if let Some(error) = self.error {
            object.word("error.type", error);
        }
        if !self.verdicts.is_empty() || self.scanned.is_some() {
            object.object("privet.verdicts", |verdicts| {
                for (safeguard, verdict) in self.verdicts {
                    verdicts.word(safeguard, verdict);
                }
                if let Some(decision) = self.scanned {
                    verdicts.word("antivirus", decision.verdict.name());
                }
            });
        }
        let elsewhere = self.found.filter(|tally| !tally.is_empty());
        if elsewhere.is_none() && found.is_empty() {
            return;
        }
        let mut all = elsewhere.cloned().unwrap_or_default();
        for (_, _, kind, n) in found.iter() {
            all.add_many(kind, n);
        }
        object.object("privet.found", |types| {
            for (kind, count) in all.iter() {
                // An operator's own name may be anything that a configuration allows.
                if kind.name().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                    types.number(kind.name(), count);
                }
            }
        });
    }

    /// `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"`, with the address a pseudonym and the agent its family.
    fn combined(&self, engine: &Engine, scratch: &mut Scratch) {
        let Scratch { line, url, found, part, clock, tokens, agents, .. } = scratch;
        match self.client {
            Some(client) => line.extend_from_slice(tokens.of(client, engine)),
            None => line.push(b'-'),
        }
        line.extend_from_slice(b" - - [");
        line.extend_from_slice(clock.common().as_bytes());
        line.extend_from_slice(b"] \"");
        line.extend_from_slice(self.method.unwrap_or("_OTHER").as_bytes());
        line.push(b' ');
        part.clear();
        if let Some(target) = self.target {
            Cleaner { engine, found, scratch: url, referrer: false }.target(target, part);
        }
        quoted(part, line);
        line.extend_from_slice(b" HTTP/");
        line.extend_from_slice(self.protocol.as_bytes());
        line.extend_from_slice(b"\" ");
        json::number(u64::from(self.status), line);
        line.push(b' ');
        json::number(self.response_bytes, line);
        line.extend_from_slice(b" \"");
        part.clear();
        if let Some(referrer) = self.referrer {
            Cleaner { engine, found, scratch: url, referrer: true }.referrer(referrer, part);
        }
        quoted(part, line);
        line.extend_from_slice(b"\" \"");
        line.extend_from_slice(self.user_agent.map_or("-", |agent| agents.family(agent)).as_bytes());
        line.extend_from_slice(b"\"\n");
    }
}

/// What stands between quotes: `-` for nothing; quotes, backslashes and all but visible ASCII as `\xHH`, like Apache and nginx.
fn quoted(text: &[u8], out: &mut Vec<u8>) {
    if text.is_empty() {
        return out.push(b'-');
    }
    for &byte in text {
        if (b'!'..=b'~').contains(&byte) && byte != b'"' && byte != b'\\' {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("\\x{byte:02X}").as_bytes());
        }
    }
}
