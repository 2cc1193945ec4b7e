//! Asks an issuer's servers.

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;

pub use crate::dial::asker::Error;
use crate::dial::{address::Address, asker::Asker};

/// Longest time for one question, the connection included.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Any.
    pub status: StatusCode,
    /// How long it may be kept (RFC 9111), where it says so.
    pub max_age: Option<Duration>,
    /// At most 512 KiB.
    pub body: Bytes,
}

/// Asks the servers of one issuer.
#[derive(Debug)]
pub struct Fetch(Asker);

impl Fetch {
    /// Believes the authorities in `ca`, or the system's.
    #[must_use]
    pub fn new(ca: Option<PathBuf>) -> Self {
        Self(Asker::new(ca, DEADLINE))
    }

    /// Makes ready what a question to `address` needs, which reads files: not for the path of requests.
    ///
    /// # Errors
    /// When the authorities can't be used.
    pub fn prepare(&self, address: &Address) -> Result<(), Error> {
        self.0.prepare(address)
    }

    /// Asks for a document.
    ///
    /// # Errors
    /// When nothing usable comes back.
    pub async fn get(&self, address: &Address, authorization: Option<HeaderValue>) -> Result<Answer, Error> {
        self.ask(address, Method::GET, authorization, None).await
    }

    /// Sends a form.
    ///
    /// # Errors
    /// When nothing usable comes back.
    pub async fn post(
        &self,
        address: &Address,
        authorization: Option<HeaderValue>,
        form: String,
    ) -> Result<Answer, Error> {
        self.ask(address, Method::POST, authorization, Some(form)).await
    }

    async fn ask(
        &self,
        address: &Address,
        method: Method,
        authorization: Option<HeaderValue>,
        form: Option<String>,
    ) -> Result<Answer, Error> {
        let mut request = Request::builder()
            .method(method)
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, "privet");
        if let Some(mut value) = authorization {
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Full::new(Bytes::from(form.unwrap_or_default())))?;
        let answer = self.0.ask(address, request).await?;
        let (status, max_age) = (answer.status(), max_age(answer.headers()));
        Ok(Answer { status, max_age, body: answer.into_body() })
    }
}

/// A value for a form or a query: percent-encoded but for what RFC 3986 calls unreserved.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}");
        }
    }
    out
}

fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).find_map(|directive| {
        let directive = directive.trim().to_ascii_lowercase();
        if matches!(directive.as_str(), "no-store" | "no-cache") {
            return Some(Duration::ZERO);
        }
        directive.strip_prefix("max-age=")?.trim_matches('"').parse().ok().map(Duration::from_secs)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_an_answer_may_be_kept() {
        let of = |value: &'static str| {
            max_age(&HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static(value))]))
        };
        assert_eq!(of("public, max-age=3600"), Some(Duration::from_secs(3600)));
        assert_eq!(of("No-Store"), Some(Duration::ZERO));
        assert_eq!(of("max-age=x"), None);
        assert_eq!(max_age(&HeaderMap::new()), None);
    }
}
