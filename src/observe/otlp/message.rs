//! Export requests of OTLP (<https://github.com/open-telemetry/opentelemetry-proto>, version 1), with numbers of fields as there.

use std::{
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    proto::Message,
    queue::{Diagnostic, Finished, Record},
    settings::Settings,
};
use crate::{
    common::{
        clock,
        meter::{BOUNDS, Exemplar, Id, Totals},
    },
    observe::{
        metrics::{self, Family, Kind, Sample},
        trace::{self, Step},
    },
};

/// Fields of an access log line that a log record, or a span, has a place of its own for.
const PLACED: [&str; 3] = ["timestamp", "trace_id", "span_id"];
/// What a span shows by its beginning and its end.
const TIMES: [&str; 3] = ["http.server.request.duration", "http.client.request.duration", "tls.handshake.duration"];

const INTERNAL: u64 = 1;
const SERVER: u64 = 2;
const CLIENT: u64 = 3;
const STATUS_ERROR: u64 = 2;
/// Flags of a span whose parent, if any, is elsewhere; and of one whose parent is of this process (`SpanFlags`).
const REMOTE: u32 = 0x300;
const LOCAL: u32 = 0x100;
const CUMULATIVE: u64 = 2;

/// Who sends: the resource of all that is exported, encoded.
pub(super) fn resource(settings: &Settings) -> Vec<u8> {
    // One a process, whatever is reloaded: counters go on.
    static INSTANCE: OnceLock<String> = OnceLock::new();
    let instance = INSTANCE.get_or_init(|| format!("{:032x}", fastrand::u128(..)));
    let own = [
        ("service.name", settings.service_name.as_str()),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", instance),
    ];
    let more = settings.resource.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut resource = Message::default();
    for (name, value) in own.into_iter().chain(more) {
        resource.attribute(1, name, &value.into());
    }
    resource.into_bytes()
}

/// Everything of one resource: its scopes, filled by `scopes`.
fn request(resource: &[u8], scopes: impl FnOnce(&mut Message)) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |one| {
        one.bytes(1, resource);
        scopes(one);
    });
    request.into_bytes()
}

fn scope(all: &mut Message, name: &str, fill: impl FnOnce(&mut Message)) {
    all.message(2, |scoped| {
        scoped.message(1, |scope| {
            scope.bytes(1, name.as_bytes());
            scope.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
        });
        fill(scoped);
    });
}

/// An access log line, which is Privet's own JSON.
fn parsed(line: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(line).unwrap_or_default()
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}

/// `{method} {route}`, as the semantic conventions name spans of servers.
fn named(fields: &Map<String, Value>) -> String {
    let method = text(fields, "http.request.method").filter(|method| *method != "_OTHER").unwrap_or("HTTP");
    match text(fields, "http.route") {
        Some(route) => format!("{method} {route}"),
        None => method.to_owned(),
    }
}

/// `ExportTraceServiceRequest`, and how many spans are in it.
pub(super) fn traces(resource: &[u8], requests: &[Finished]) -> (Vec<u8>, u64) {
    let spans = requests.iter().map(|finished| 1 + finished.steps.len() as u64).sum();
    let body = request(resource, |all| scope(all, "privet", |scoped| requests.iter().for_each(|r| server(scoped, r))));
    (body, spans)
}

fn server(scoped: &mut Message, finished: &Finished) {
    let fields = parsed(&finished.line);
    let status = fields.get("http.response.status_code").and_then(Value::as_u64).unwrap_or_default();
    scoped.message(2, |span| {
        span.bytes(1, &finished.trace.to_be_bytes());
        span.bytes(2, &finished.span.to_be_bytes());
        span.bytes(4, finished.parent.map(u64::to_be_bytes).as_ref().map_or(&[], |id| id));
        span.bytes(5, named(&fields).as_bytes());
        span.number(6, SERVER);
        span.fixed64(7, finished.time[0]);
        span.fixed64(8, finished.time[1]);
        for (name, value) in &fields {
            if !PLACED.contains(&&**name) && !TIMES.contains(&&**name) {
                span.attribute(9, name, value);
            }
        }
        for (name, value) in &finished.facts {
            span.attribute(9, name, value);
        }
        if status >= 500 {
            if !fields.contains_key("error.type") {
                span.attribute(9, "error.type", &status.to_string().into());
            }
            span.message(15, |said| said.number(3, STATUS_ERROR));
        }
        span.fixed32(16, REMOTE | u32::from(finished.flags));
    });
    for (step, time) in &finished.steps {
        child(scoped, finished, step, *time);
    }
}

fn child(scoped: &mut Message, finished: &Finished, step: &Step, time: [u64; 2]) {
    scoped.message(2, |span| {
        span.bytes(1, &finished.trace.to_be_bytes());
        span.bytes(2, &step.id.to_be_bytes());
        span.bytes(4, &finished.span.to_be_bytes());
        span.bytes(5, step.name.as_bytes());
        span.number(6, if step.asks { CLIENT } else { INTERNAL });
        span.fixed64(7, time[0]);
        span.fixed64(8, time[1]);
        for (name, value) in &step.facts {
            span.attribute(9, name, value);
        }
        if let Some(error) = &step.error {
            span.attribute(9, "error.type", &error.as_str().into());
            span.message(15, |said| said.number(3, STATUS_ERROR));
        }
        span.fixed32(16, LOCAL | u32::from(finished.flags));
    });
}

/// `ExportLogsServiceRequest`, and how many records are in it.
pub(super) fn logs(resource: &[u8], records: &[Record]) -> (Vec<u8>, u64) {
    let lines = records.iter().filter_map(|r| if let Record::Line(line) = r { Some(line) } else { None });
    let events = records.iter().filter_map(|r| if let Record::Diagnostic(event) = r { Some(event) } else { None });
    let body = request(resource, |all| {
        scope(all, "privet.access_log", |scoped| lines.for_each(|line| access(scoped, line)));
        scope(all, "privet.diagnostics", |scoped| events.for_each(|event| diagnostic(scoped, event)));
    });
    (body, records.len() as u64)
}

fn access(scoped: &mut Message, line: &[u8]) {
    let fields = parsed(line);
    let time = text(&fields, "timestamp").and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());
    let time = time.and_then(|at| u64::try_from(at.unix_timestamp_nanos()).ok()).unwrap_or_default();
    let id = |name, digits| text(&fields, name).and_then(|id| u128::from_str_radix(id, 16).ok()).map(|id| (id, digits));
    scoped.message(2, |record| {
        record.fixed64(1, time);
        record.fixed64(11, time);
        record.number(2, 9);
        record.bytes(3, b"INFO");
        let status = fields.get("http.response.status_code").and_then(Value::as_u64).unwrap_or_default();
        record.any(5, &format!("{} {status}", named(&fields)).into());
        for (name, value) in &fields {
            if !PLACED.contains(&&**name) {
                record.attribute(6, name, value);
            }
        }
        for (field, id) in [(9, id("trace_id", 16)), (10, id("span_id", 8))] {
            if let Some((id, bytes)) = id {
                record.bytes(field, &id.to_be_bytes()[16 - bytes..]);
            }
        }
    });
}

fn diagnostic(scoped: &mut Message, event: &Diagnostic) {
    // Of `SeverityNumber`, the first of each range.
    let severity = match event.level {
        tracing::Level::TRACE => 1,
        tracing::Level::DEBUG => 5,
        tracing::Level::INFO => 9,
        tracing::Level::WARN => 13,
        tracing::Level::ERROR => 17,
    };
    scoped.message(2, |record| {
        record.fixed64(1, event.nanos);
        record.fixed64(11, event.nanos);
        record.number(2, severity);
        record.bytes(3, event.level.as_str().as_bytes());
        record.any(5, &event.text.as_str().into());
        record.attribute(6, "code.namespace", &event.target.into());
    });
}

/// `ExportMetricsServiceRequest`, and how many data points are in it.
pub(super) fn metrics(resource: &[u8], families: &[Family], started: u64) -> (Vec<u8>, u64) {
    let now = nanos(clock::now());
    let body = request(resource, |all| {
        scope(all, "privet", |scoped| families.iter().for_each(|f| family(scoped, f, [started, now])));
    });
    (body, families.iter().map(|family| family.samples.len() as u64).sum())
}

fn family(scoped: &mut Message, family: &Family, time: [u64; 2]) {
    if family.samples.is_empty() {
        return;
    }
    scoped.message(2, |metric| {
        metric.bytes(1, family.name.as_bytes());
        metric.bytes(2, family.help.as_bytes());
        metric.bytes(3, unit(family.name).as_bytes());
        let field = match family.kind {
            Kind::Info | Kind::Gauge => 5,
            Kind::Counter => 7,
            Kind::Histogram => 9,
        };
        metric.message(field, |data| {
            for sample in &family.samples {
                data.message(1, |point| self::point(point, sample, time));
            }
            if field != 5 {
                data.number(2, CUMULATIVE);
            }
            if field == 7 {
                data.number(3, 1);
            }
        });
    });
}

/// The unit that a name tells, by UCUM.
fn unit(name: &str) -> &'static str {
    let name = name.strip_suffix("_total").unwrap_or(name);
    let units = [("_seconds", "s"), ("_bytes", "By"), ("_percent", "%")];
    units.into_iter().find(|(suffix, _)| name.ends_with(suffix)).map_or("", |(_, unit)| unit)
}

fn point(point: &mut Message, sample: &Sample, time: [u64; 2]) {
    let histogram = matches!(sample.value, metrics::Value::Times(_));
    point.fixed64(2, time[0]);
    point.fixed64(3, time[1]);
    match &sample.value {
        metrics::Value::Count(count) => point.fixed64(6, *count),
        metrics::Value::Level(level) => point.fixed64(6, level.cast_unsigned()),
        metrics::Value::Micros(micros) => point.double(4, seconds(*micros)),
        metrics::Value::Times(totals) => buckets(point, totals),
    }
    for (name, value) in &sample.labels {
        point.attribute(if histogram { 9 } else { 7 }, name, &value.as_str().into());
    }
}

fn buckets(point: &mut Message, totals: &Totals) {
    point.fixed64(4, totals.buckets.iter().sum());
    point.double(5, seconds(totals.micros));
    point.packed(6, totals.buckets.iter().copied());
    point.packed(7, BOUNDS.iter().map(|bound| seconds(*bound).to_bits()));
    for Exemplar { id, micros, millis } in totals.exemplars.iter().flatten() {
        point.message(8, |exemplar| {
            exemplar.fixed64(2, millis.saturating_mul(1_000_000));
            exemplar.double(3, seconds(*micros));
            match id {
                Id::Trace(id) => exemplar.bytes(5, &id.to_be_bytes()),
                Id::Request(id) => exemplar.attribute(7, "privet.request_id", &format!("{id:032x}").into()),
            }
        });
    }
}

/// Microseconds as seconds: exact enough for 285 years.
#[allow(clippy::cast_precision_loss)]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Nanoseconds since 1970.
pub(super) fn nanos(time: SystemTime) -> u64 {
    trace::nanos(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}
