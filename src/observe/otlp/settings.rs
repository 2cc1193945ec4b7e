//! Where telemetry goes, what of it, and how much.

use std::{fmt, path::PathBuf, time::Duration};

use http::{HeaderName, HeaderValue, Uri};

use crate::common::authority::Authority;

/// Telemetry by OTLP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The collector.
    pub endpoint: Endpoint,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// What is sent.
    pub signals: Signals,
    /// How many of the traces that begin here, or come from strangers, are recorded.
    pub sample: Share,
    /// How often metrics are sent.
    pub interval: Duration,
    /// A header that proves who sends; its value is never shown.
    pub authorization: Option<(HeaderName, HeaderValue)>,
    /// PEM bundle of the only authorities believed; `None` takes the system's.
    pub ca: Option<PathBuf>,
    /// `service.name`
    pub service_name: String,
    /// Further attributes of the resource.
    pub resource: Vec<(String, String)>,
    /// Why cleartext beyond loopback is acceptable.
    pub cleartext_reason: Option<String>,
}

/// How a collector is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC on HTTP/2.
    Grpc,
    /// Protocol Buffers on HTTP/1.1.
    Http,
}

/// One kind of telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Requests and their steps.
    Traces,
    /// Numbers.
    Metrics,
    /// The access log and diagnostics.
    Logs,
}

impl Signal {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// Its name in the configuration and in labels.
    #[must_use]
    pub fn name(self) -> &'static str {
        ["traces", "metrics", "logs"][self as usize]
    }

    /// The signal called `name`.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.name() == name)
    }
}

/// Which signals are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signals([bool; 3]);

impl Signals {
    /// Whether `signal` is one of them.
    #[must_use]
    pub fn has(self, signal: Signal) -> bool {
        self.0[signal as usize]
    }
}

impl FromIterator<Signal> for Signals {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> Self {
        let mut all = Self::default();
        signals.into_iter().for_each(|signal| all.0[signal as usize] = true);
        all
    }
}

/// A share of all, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    const WHOLE: u32 = 1_000_000;
    /// All.
    pub const ALL: Self = Self(Self::WHOLE);

    /// Reads `"12.5%"`, with at most four decimals.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.strip_suffix('%')?.split_once('.').unwrap_or((text.strip_suffix('%')?, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > 4 || text.contains(".%") {
            return None;
        }
        let millionths = whole.parse::<u32>().ok()?.checked_mul(10_000)?;
        let share = Self(millionths.checked_add(format!("{decimals:0<4}").parse().ok()?)?);
        (share.0 <= Self::WHOLE).then_some(share)
    }

    /// Whether it takes in a trace whose lower 56 bits are those of `random`: the higher they are, the sooner, as OpenTelemetry's samplers
    /// agree (<https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/>).
    #[must_use]
    pub fn takes(self, random: u64) -> bool {
        const BITS: u64 = (1 << 56) - 1;
        let from_top = u128::from(BITS - (random & BITS));
        (from_top * u128::from(Self::WHOLE)) >> 56 < u128::from(self.0)
    }
}

/// The URL of a collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Name or literal address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Host and port as the URL has them.
    pub authority: String,
    /// What paths begin with, without a slash at its end.
    pub path: String,
}

impl Endpoint {
    /// Reads a URL.
    ///
    /// # Errors
    /// With what is wrong with it, which says nothing of what it holds.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains('@') {
            return Err("it holds a user or a password: set `authorization`");
        }
        let uri: Uri = text.parse().map_err(|_| "it is not a URL")?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("it does not begin with http:// or https://"),
        };
        let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        let parsed = Authority::parse(authority).ok_or("it has no host")?;
        if uri.query().is_some() || text.contains('#') {
            return Err("it has a query or a fragment");
        }
        Ok(Self {
            tls,
            host: parsed.host.trim_matches(['[', ']']).to_ascii_lowercase(),
            port: parsed.port.unwrap_or(if tls { 443 } else { 80 }),
            authority: authority.to_owned(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Whether what is sent could be read on its way.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        let literal = self.host.parse::<std::net::IpAddr>();
        !self.tls && self.host != "localhost" && !literal.is_ok_and(|ip| ip.to_canonical().is_loopback())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", if self.tls { "https" } else { "http" }, self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages() {
        for (text, millionths) in [("100%", 1_000_000), ("0%", 0), ("12.5%", 125_000), ("0.0001%", 1)] {
            assert_eq!(Share::parse(text), Some(Share(millionths)), "{text}");
        }
        for bad in ["", "%", "1", "101%", "1.%", ".5%", "-1%", "1e1%", "0.00001%", "100.1%", "99999999999%"] {
            assert_eq!(Share::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_share_takes_as_many_as_it_says_and_a_larger_one_all_of_a_smaller() {
        let (tenth, half) = (Share::parse("10%").expect("a share"), Share::parse("50%").expect("a share"));
        let ids: Vec<u64> = (0..10_000).map(|_| fastrand::u64(..)).collect();
        let count = |share: Share| ids.iter().filter(|id| share.takes(**id)).count();
        assert!((700..1300).contains(&count(tenth)) && (4500..5500).contains(&count(half)));
        assert!(ids.iter().all(|id| !tenth.takes(*id) || half.takes(*id)));
        assert_eq!((count(Share::ALL), count(Share(0))), (10_000, 0));
    }

    #[test]
    fn an_endpoint_is_a_url_without_secrets() {
        let endpoint = Endpoint::parse("https://[::1]:4317/a/").expect("a URL");
        assert_eq!((&*endpoint.host, endpoint.port, &*endpoint.path, endpoint.tls), ("::1", 4317, "/a", true));
        assert!(Endpoint::parse("http://otel.example").expect("a URL").is_exposed());
        for near in ["http://localhost:4317", "http://127.0.0.1:4317", "https://otel.example"] {
            assert!(!Endpoint::parse(near).expect("a URL").is_exposed(), "{near}");
        }
        for bad in ["", "otel:4317", "ftp://a", "https://u:hunter2@a", "https://a?b", "http://"] {
            assert!(Endpoint::parse(bad).is_err_and(|why| !why.contains("hunter2")), "{bad}");
        }
    }
}
