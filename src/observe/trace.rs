//! The trace of a request: W3C Trace Context (<https://www.w3.org/TR/trace-context-2/>, section 3.2), and the steps of a request that is
//! recorded.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant, SystemTime},
};

use http::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::common::clock;

/// `traceparent`
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// `tracestate`
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Flag of a trace that is recorded by whoever says so.
pub const SAMPLED: u8 = 1;
/// Flag of a trace whose id is random in its lower 56 bits (level 2).
pub const RANDOM: u8 = 2;

/// What a valid `traceparent` says, as it says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent<'a> {
    /// The trace: 32 hexadecimal digits.
    pub trace: &'a str,
    /// The span of whoever asks: 16 hexadecimal digits.
    pub span: &'a str,
    /// [`SAMPLED`] and [`RANDOM`]; others are not known.
    pub flags: u8,
}

impl<'a> Parent<'a> {
    /// Reads a `traceparent`.
    ///
    /// An id of nothing but decimal digits is passed over: hardly any random one is so, and a telephone number may be.
    #[must_use]
    pub fn read(traceparent: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(traceparent).ok()?;
        let bytes = text.as_bytes();
        let parts = [0..2, 3..35, 36..52, 53..55];
        if bytes.len() < 55 || [2, 35, 52].iter().any(|at| bytes[*at] != b'-') {
            return None;
        }
        let hex = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let [version, trace, span, flags] = &parts;
        let legal = parts.iter().all(|part| bytes[part.clone()].iter().all(hex))
            && bytes[version.clone()] != *b"ff"
            // Later versions may have more after another dash.
            && (bytes.len() == 55 || (bytes[version.clone()] != *b"00" && bytes[55] == b'-'))
            && bytes[span.clone()].iter().any(|b| *b != b'0')
            && bytes[trace.clone()].iter().any(u8::is_ascii_lowercase)
            && !reads_as_text(&text[trace.clone()]);
        let flags = u8::from_str_radix(&text[flags.clone()], 16).ok()?;
        legal.then(|| Self {
            trace: &text[trace.clone()],
            span: &text[span.clone()],
            flags: flags & (SAMPLED | RANDOM),
        })
    }

    /// The trace's id as a number.
    #[must_use]
    pub fn trace_id(&self) -> u128 {
        u128::from_str_radix(self.trace, 16).unwrap_or_default()
    }

    /// The span's id as a number; none where it has decimal digits alone, which may be a card's.
    #[must_use]
    pub fn span_id(&self) -> Option<u64> {
        let random = self.span.bytes().any(|b| b.is_ascii_lowercase()) && !reads_as_text(self.span);
        random.then(|| u64::from_str_radix(self.span, 16).ok()).flatten()
    }
}

/// Whether an id in hexadecimal is somebody's text: random bytes are UTF-8 without control characters once in some thousand times.
fn reads_as_text(hex: &str) -> bool {
    let digits = |place: usize| u8::from_str_radix(hex.get(place..place + 2)?, 16).ok();
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map_while(digits).collect();
    let text = std::str::from_utf8(&bytes).map(|text| text.trim_matches('\0'));
    text.is_ok_and(|text| text.len() > 3 && !text.chars().any(char::is_control))
}

/// A `traceparent` of version 00.
#[must_use]
pub fn traceparent(trace: u128, span: u64, flags: u8) -> HeaderValue {
    let text = format!("00-{trace:032x}-{span:016x}-{flags:02x}");
    let mut value = HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).unwrap_or(HeaderValue::from_static(""));
    // As with a request's id: HTTP/2 would put each into its table of repeated headers.
    value.set_sensitive(true);
    value
}

/// A random span id, which is never zero.
#[must_use]
pub fn span_id() -> u64 {
    fastrand::u64(1..)
}

/// A request that is recorded, with its steps so far.
#[derive(Debug)]
pub struct Trace {
    /// The trace that it belongs to.
    pub id: u128,
    /// Its own span.
    pub span: u64,
    /// The span of whoever asks.
    pub parent: Option<u64>,
    /// What applications are told of the trace.
    pub flags: u8,
    /// Whether it is the first of its connection, which waited for the handshake.
    pub first: bool,
    /// When the head of its answer was there.
    pub answered: Cell<Option<Instant>>,
    began: SystemTime,
    at: Instant,
    steps: RefCell<Vec<Step>>,
}

/// One step of a request.
#[derive(Debug)]
pub struct Step {
    /// Its span.
    pub id: u64,
    /// What is done, from a closed list.
    pub name: &'static str,
    /// Whether it asks an application, and is the parent of what that does.
    pub asks: bool,
    /// When it began, and when it ended.
    pub time: [Instant; 2],
    /// Why it failed, from a closed list.
    pub error: Option<String>,
    /// What is known of it; nothing of it comes from a client.
    pub facts: Vec<(&'static str, Value)>,
}

impl Trace {
    /// A request that begins now.
    #[must_use]
    pub fn begin(id: u128, span: u64, parent: Option<u64>, flags: u8, first: bool) -> Box<Self> {
        Box::new(Self {
            id,
            span,
            parent,
            flags,
            first,
            answered: Cell::new(None),
            began: clock::now(),
            at: Instant::now(),
            steps: RefCell::default(),
        })
    }

    /// A step begins; it ends when what comes back is dropped.
    #[must_use]
    pub fn step(&self, name: &'static str) -> Running<'_> {
        self.open(name, false)
    }

    /// An application is asked, for the `again`th time after the first.
    #[must_use]
    pub fn attempt(&self, method: &'static str, endpoint: &str, again: u32) -> Running<'_> {
        let running = self.open(method, true);
        let mut steps = self.steps.borrow_mut();
        let facts = &mut steps[running.index].facts;
        facts.push(("http.request.method", method.into()));
        let port = |text: &str| text.parse::<u16>().ok();
        match endpoint.rsplit_once(':').and_then(|(host, text)| Some((host, port(text)?))) {
            Some((host, port)) => {
                facts.push(("server.address", host.trim_matches(['[', ']']).into()));
                facts.push(("server.port", port.into()));
            }
            None => facts.push(("server.address", endpoint.into())),
        }
        if again > 0 {
            facts.push(("http.request.resend_count", again.into()));
        }
        drop(steps);
        running
    }

    fn open(&self, name: &'static str, asks: bool) -> Running<'_> {
        let now = Instant::now();
        // What is dropped without an outcome was given up.
        let error = asks.then(|| "cancelled".to_owned());
        let mut steps = self.steps.borrow_mut();
        steps.push(Step { id: span_id(), name, asks, time: [now, now], error, facts: Vec::new() });
        Running { trace: self, index: steps.len() - 1 }
    }

    /// Adds a step that is over.
    pub fn past(&self, name: &'static str, time: [Instant; 2]) {
        self.steps.borrow_mut().push(Step { id: span_id(), name, asks: false, time, error: None, facts: Vec::new() });
    }

    /// The steps; they are handed over once.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        self.steps.take()
    }

    /// When the request began.
    #[must_use]
    pub fn at(&self) -> Instant {
        self.at
    }

    /// A moment in nanoseconds since 1970, by the clock of records.
    #[must_use]
    pub fn nanos(&self, moment: Instant) -> u64 {
        let began = self.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let time = match moment.checked_duration_since(self.at) {
            Some(later) => began + later,
            None => began.saturating_sub(self.at - moment),
        };
        nanos(time)
    }
}

/// Nanoseconds.
#[must_use]
pub fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A step that is under way.
#[derive(Debug)]
pub struct Running<'a> {
    trace: &'a Trace,
    index: usize,
}

impl Running<'_> {
    /// The `traceparent` of what is asked in this step.
    #[must_use]
    pub fn traceparent(&self) -> HeaderValue {
        let id = self.trace.steps.borrow().get(self.index).map_or(self.trace.span, |step| step.id);
        traceparent(self.trace.id, id, self.trace.flags)
    }

    /// Notes the status that came back, which is a failure from 400 on.
    pub fn answered(&self, status: http::StatusCode) {
        self.note(|step| {
            step.error = (status.as_u16() >= 400).then(|| status.as_str().to_owned());
            step.facts.push(("http.response.status_code", status.as_u16().into()));
        });
    }

    /// Notes why it failed.
    pub fn failed(&self, why: &'static str) {
        self.note(|step| step.error = Some(why.to_owned()));
    }

    fn note(&self, note: impl FnOnce(&mut Step)) {
        // Steps that were handed over already are not changed any more.
        if let Some(step) = self.trace.steps.borrow_mut().get_mut(self.index) {
            note(step);
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.note(|step| step.time[1] = Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_a_valid_traceparent_names_a_trace() {
        let good = Parent::read(GOOD.as_bytes()).expect("valid");
        assert_eq!((good.trace, good.span, good.flags), ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", 1));
        assert_eq!(good.trace_id(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert!(Parent::read(GOOD.replace("00-4", "cc-4").as_bytes()).is_some());
        assert!(Parent::read(format!("{}-more", GOOD.replace("00-4", "cc-4")).as_bytes()).is_some());
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-00000000000000000000001012345678-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "00-4bf92f3577b34da6a3ce929d0e0e47360-0f067aa0ba902b7-01",
        ] {
            assert_eq!(Parent::read(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_span_that_may_be_a_card_is_not_told() {
        let card = GOOD.replace("00f067aa0ba902b7", "4111111111111111");
        assert_eq!(Parent::read(card.as_bytes()).expect("valid").span_id(), None);
        assert_eq!(Parent::read(GOOD.as_bytes()).expect("valid").span_id(), Some(0x00f0_67aa_0ba9_02b7));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let value = traceparent(0xab, 7, SAMPLED | RANDOM);
        assert_eq!(value, "00-000000000000000000000000000000ab-0000000000000007-03");
        assert_eq!(Parent::read(value.as_bytes()).map(|parent| (parent.trace_id(), parent.flags)), Some((0xab, 3)));
    }

    #[test]
    fn steps_end_when_they_are_dropped() {
        let trace = Trace::begin(1, 2, None, SAMPLED, true);
        {
            let attempt = trace.attempt("GET", "[::1]:80", 1);
            assert!(attempt.traceparent().as_bytes().ends_with(b"-01"));
            attempt.answered(http::StatusCode::NOT_FOUND);
        }
        drop(trace.attempt("GET", "unix:/run/app", 0));
        let late = trace.step("gate");
        let steps = trace.steps();
        drop(late);
        assert_eq!(steps.len(), 3);
        assert_eq!(steps[0].error.as_deref(), Some("404"));
        assert!(steps[0].facts.contains(&("server.address", "::1".into())));
        assert!(steps[0].facts.contains(&("http.request.resend_count", 1.into())));
        assert_eq!(steps[1].error.as_deref(), Some("cancelled"));
        let before = trace.at().checked_sub(Duration::from_millis(5)).expect("a moment");
        assert_eq!(trace.nanos(trace.at()) - trace.nanos(before), 5_000_000);
    }
}
