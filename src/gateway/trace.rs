//! Which requests are traced, and what applications are told of it.
//!
//! Whoever asks may name the trace that a request belongs to. Whether it is recorded is for trusted peers to say; a stranger can neither
//! ask for it nor choose an id that is taken.

use std::hash::{BuildHasher as _, RandomState};

use http::HeaderMap;

use crate::{
    gateway::client::Client,
    observe::{
        otlp::settings::Share,
        trace::{Parent, RANDOM, SAMPLED, TRACEPARENT, TRACESTATE, Trace, span_id, traceparent},
    },
};

/// How traces are begun and continued.
#[derive(Debug)]
pub struct Tracing {
    share: Share,
    /// What strangers' ids are mixed with.
    salt: RandomState,
}

impl Tracing {
    /// Records this share of the traces that begin here.
    #[must_use]
    pub fn new(share: Share) -> Self {
        Self { share, salt: RandomState::new() }
    }

    /// Begins the trace of a request, or continues it, and says so in its headers. What comes back is what is recorded; a trace that
    /// begins here has the number of its request.
    pub fn begin(&self, client: &Client, headers: &mut HeaderMap, number: u128) -> Option<Box<Trace>> {
        let mut said = headers.get_all(TRACEPARENT).iter();
        let parent = said.next().filter(|_| said.next().is_none());
        let parent = parent.and_then(|value| Parent::read(value.as_bytes()));
        let (id, random, sampled) = match parent {
            Some(parent) => {
                let id = parent.trace_id();
                let trusted = client.peer.trusted;
                let sampled =
                    if trusted { parent.flags & SAMPLED != 0 } else { self.share.takes(self.salt.hash_one(id)) };
                (id, parent.flags & RANDOM, sampled)
            }
            // The lower half is as random as the whole.
            None => {
                (number.max(1), RANDOM, self.share.takes(u64::try_from(number & u128::from(u64::MAX)).unwrap_or(0)))
            }
        };
        let (span, flags) = (span_id(), random | if sampled { SAMPLED } else { 0 });
        let above = parent.and_then(|parent| parent.span_id());
        if parent.is_none() {
            headers.remove(TRACESTATE);
        }
        headers.insert(TRACEPARENT, traceparent(id, span, flags));
        sampled.then(|| Trace::begin(id, span, above, flags, client.begun.get() == 0))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::common::peer::Peer;

    const SAID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn begin(share: &str, peer: &str, said: &[&str]) -> (Option<Box<Trace>>, HeaderMap) {
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        let client = Client::new(Peer::new(peer.parse().expect("an address"), &trusted), true, false, 443);
        let mut headers = HeaderMap::new();
        for value in said {
            headers.append(TRACEPARENT, HeaderValue::from_str(value).expect("a value"));
        }
        headers.insert(TRACESTATE, HeaderValue::from_static("a=b"));
        let trace = Tracing::new(Share::parse(share).expect("a share")).begin(&client, &mut headers, 0xabc);
        (trace, headers)
    }

    #[test]
    fn a_trace_is_continued_with_a_span_of_our_own() {
        let (trace, headers) = begin("100%", "203.0.113.9:1", &[SAID]);
        let trace = trace.expect("recorded");
        assert_eq!((trace.id, trace.parent), (0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, Some(0x00f0_67aa_0ba9_02b7)));
        assert_eq!(headers[TRACEPARENT], traceparent(trace.id, trace.span, SAMPLED));
        assert_eq!(headers[TRACESTATE], "a=b");
    }

    #[test]
    fn what_is_no_trace_begins_one() {
        for said in [&[][..], &["x"], &[SAID, SAID], &["00-00000000000000000000001012345678-00f067aa0ba902b7-01"]] {
            let (trace, headers) = begin("100%", "203.0.113.9:1", said);
            let trace = trace.expect("recorded");
            assert_eq!((trace.id, trace.parent, trace.flags), (0xabc, None, SAMPLED | RANDOM), "{said:?}");
            assert_eq!(headers.get_all(TRACEPARENT).iter().count(), 1);
            assert!(!headers.contains_key(TRACESTATE));
        }
    }

    #[test]
    fn only_a_trusted_peer_says_what_is_recorded() {
        let unsampled = SAID.replace("-01", "-00");
        for (share, peer, said, recorded) in [
            ("0%", "203.0.113.9:1", SAID, false),
            ("0%", "10.0.0.1:1", SAID, true),
            ("100%", "203.0.113.9:1", &unsampled, true),
            ("100%", "10.0.0.1:1", &unsampled, false),
        ] {
            let (trace, headers) = begin(share, peer, &[said]);
            assert_eq!(trace.is_some(), recorded, "{share} {peer} {said}");
            let told = headers[TRACEPARENT].to_str().expect("text").ends_with("-01");
            assert_eq!(told, recorded, "{share} {peer} {said}");
        }
    }

    #[test]
    fn a_stranger_can_not_choose_an_id_that_is_taken() {
        let ids = (0..400_u32).map(|n| format!("00-a{n:017x}ffffffffffffff-00f067aa0ba902b7-01"));
        let recorded = ids.filter(|said| begin("10%", "203.0.113.9:1", &[said]).0.is_some()).count();
        assert!(recorded < 120, "{recorded}");
    }
}
