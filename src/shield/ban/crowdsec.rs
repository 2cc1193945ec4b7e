//! Decisions of a `CrowdSec` agent, by the protocol that its own bouncers speak: the whole of them first, then what is new and what has ended
//! (`/v1/decisions/stream`, <https://docs.crowdsec.net/docs/local_api/bouncers>). Its own words for time are Go's.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Full;
use ipnet::IpNet;
use serde::Deserialize;

use super::{
    networks::{MOST, Networks, is_narrow, network},
    settings::Crowdsec,
};
use crate::dial::{address, asker};

/// Most bytes of an answer: a million decisions are less.
const LONGEST: usize = 256 << 20;
/// Longest time that an agent may take: it reads all its decisions at the first question.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is nothing new.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The agent could not be asked.
    #[error("the agent can't be reached")]
    Ask(#[from] asker::Error),
    /// Its URL leads nowhere below.
    #[error("the agent's URL can't be used")]
    Address(#[from] address::Error),
    /// The key holds what a header can't.
    #[error("the key can't be sent")]
    Key,
    /// The agent does not know the key.
    #[error("the agent refuses the key: add it with `cscli bouncers add`")]
    Refused,
    /// It answers with another status.
    #[error("the agent answers with status {0}")]
    Status(StatusCode),
    /// Its answer is none.
    #[error("the agent's answer can't be read")]
    Syntax,
}

/// What an agent answers.
#[derive(Debug, Default, Deserialize)]
pub struct Stream {
    #[serde(default)]
    new: Option<Vec<Decision>>,
    #[serde(default)]
    deleted: Option<Vec<Decision>>,
}

#[derive(Debug, Deserialize)]
struct Decision {
    #[serde(default)]
    duration: String,
    #[serde(default)]
    scope: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    value: String,
}

impl Decision {
    /// The network that is to be banned; other kinds and scopes are for others.
    fn banned(&self) -> Option<IpNet> {
        let about = self.scope.eq_ignore_ascii_case("ip") || self.scope.eq_ignore_ascii_case("range");
        let ban = self.kind.eq_ignore_ascii_case("ban");
        (about && ban).then(|| network(&self.value).ok()).flatten().filter(is_narrow)
    }
}

/// All decisions that hold, by network, with the milliseconds since 1970 at which each ends.
#[derive(Debug, Default)]
pub struct Decisions(HashMap<IpNet, u64>);

impl Decisions {
    /// Takes over what an agent has answered; `whole` is all it knows. Whether anything is another.
    pub fn apply(&mut self, stream: &Stream, whole: bool, now: u64) -> bool {
        let before = self.0.len();
        let mut changed = whole;
        if whole {
            self.0.clear();
        }
        for net in stream.deleted.iter().flatten().filter_map(Decision::banned) {
            changed |= self.0.remove(&net).is_some();
        }
        for decision in stream.new.iter().flatten() {
            let Some((net, life)) = decision.banned().zip(duration(&decision.duration)) else { continue };
            let until = now.saturating_add(u64::try_from(life.as_millis()).unwrap_or(u64::MAX));
            if self.0.len() < MOST || self.0.contains_key(&net) {
                changed |= self.0.insert(net, until) != Some(until);
            }
        }
        self.expire(now) || changed || self.0.len() != before
    }

    /// Forgets what has ended; whether anything has.
    pub fn expire(&mut self, now: u64) -> bool {
        let before = self.0.len();
        self.0.retain(|_, until| *until > now);
        self.0.len() != before
    }

    /// As a set.
    #[must_use]
    pub fn networks(&self) -> Networks {
        self.0.keys().collect()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The way to one agent.
#[derive(Debug)]
pub struct Agent {
    settings: Crowdsec,
    asker: asker::Asker,
}

impl Agent {
    /// To the agent of `settings`.
    #[must_use]
    pub fn new(settings: &Crowdsec) -> Self {
        let asker = asker::Asker::new(settings.ca.clone(), PATIENCE).up_to(LONGEST);
        Self { settings: settings.clone(), asker }
    }

    /// Asks for all decisions, or for what has changed since it was last asked.
    ///
    /// # Errors
    /// When there is no answer that can be read.
    pub async fn ask(&self, whole: bool) -> Result<Stream, Error> {
        let address = self.settings.address.below(&format!("/v1/decisions/stream?startup={whole}"))?;
        let mut request = Request::new(Full::<Bytes>::default());
        let mut key = HeaderValue::from_str(self.settings.key.expose()).map_err(|_| Error::Key)?;
        key.set_sensitive(true);
        request.headers_mut().insert("x-api-key", key);
        request.headers_mut().insert(http::header::USER_AGENT, HeaderValue::from_static("privet/1"));
        let answer = self.asker.ask(&address, request).await?;
        match answer.status() {
            StatusCode::OK => serde_json::from_slice(answer.body()).map_err(|_| Error::Syntax),
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Err(Error::Refused),
            status => Err(Error::Status(status)),
        }
    }
}

/// `3h59m49.5s` as Go writes it; nothing for what is over already, or no duration.
fn duration(text: &str) -> Option<Duration> {
    let mut total = 0.0_f64;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest.get(..end)?.parse().ok()?;
        rest = rest.get(end..)?;
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += number
            * match rest.get(..unit)? {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" | "μs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = rest.get(unit..)?;
    }
    Duration::try_from_secs_f64(total).ok().filter(|life| !life.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(text: &str) -> Stream {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn durations_are_gos() {
        assert_eq!(duration("3h59m49.5s"), Some(Duration::from_millis(14_389_500)));
        assert_eq!(duration("1.5ms"), Some(Duration::from_micros(1500)));
        for none in ["", "-5m3s", "0s", "5", "5x", "h", "1h-3m", "s5", "1e999h", &"9".repeat(400)] {
            assert_eq!(duration(none), None, "{none}");
        }
    }

    /// As an agent of version 1.4 answers.
    #[test]
    fn decisions_come_and_go() {
        let mut all = Decisions::default();
        let first = r#"{"deleted":null,"new":[
            {"duration":"3h59m49s","id":1,"origin":"cscli","scenario":"manual 'ban' from 'x'","scope":"Ip","type":"ban","value":"192.0.2.7","uuid":"x"},
            {"duration":"1h","id":2,"origin":"lists","scenario":"y","scope":"Range","type":"ban","value":"198.51.100.0/24"},
            {"duration":"1h","id":3,"origin":"x","scenario":"y","scope":"Ip","type":"captcha","value":"192.0.2.8"},
            {"duration":"1h","id":4,"origin":"x","scenario":"y","scope":"Country","type":"ban","value":"KR"},
            {"duration":"1h","id":5,"origin":"x","scenario":"y","scope":"Range","type":"ban","value":"0.0.0.0/0"},
            {"duration":"-1h","id":6,"origin":"x","scenario":"y","scope":"Ip","type":"ban","value":"192.0.2.9"}]}"#;
        assert!(all.apply(&stream(first), true, 0));
        let holds = |all: &Decisions, text: &str| all.networks().holds(text.parse().expect("an address"));
        assert_eq!(all.len(), 2);
        assert!(holds(&all, "192.0.2.7") && holds(&all, "198.51.100.99") && !holds(&all, "192.0.2.8"));
        assert!(!all.apply(&stream(r#"{"new":null,"deleted":null}"#), false, 1));
        let gone = r#"{"new":[],"deleted":[{"duration":"-2s","scope":"Ip","type":"ban","value":"192.0.2.7"}]}"#;
        assert!(all.apply(&stream(gone), false, 2) && !holds(&all, "192.0.2.7"));
        assert!(all.apply(&stream("{}"), false, 3_600_000), "ends by itself");
        assert!(all.is_empty());
    }

    #[test]
    fn a_whole_answer_replaces_what_was() {
        let mut all = Decisions::default();
        let one = |value: &str| {
            stream(&format!(r#"{{"new":[{{"duration":"1h","scope":"ip","type":"ban","value":"{value}"}}]}}"#))
        };
        all.apply(&one("192.0.2.1"), true, 0);
        all.apply(&one("192.0.2.2"), false, 0);
        assert_eq!(all.len(), 2);
        all.apply(&one("2001:db8::1"), true, 0);
        assert_eq!(all.len(), 1);
        assert!(serde_json::from_str::<Stream>(r#"{"new":[{"value":7}]}"#).is_err());
    }
}
