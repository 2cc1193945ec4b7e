//! How an authority is asked: over `dial`, with its bounds.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, header};
use http_body_util::{BodyExt as _, Full};
use instant_acme::{BodyWrapper, BytesResponse, HttpClient};

use super::Error;
use crate::{
    dial::{address::Address, asker::Asker},
    tls::settings::Acme,
};

/// Longest time for one question, the connection included. Authorities do slow things, such as signing, within one.
const DEADLINE: Duration = Duration::from_secs(60);
/// Longest that an authority may make us wait; it is a number from outside, which time can't be added to without bounds.
const LONGEST_WAIT: Duration = Duration::from_secs(7 * 86_400);
/// Who we are (RFC 8555, section 6.1).
const AGENT: &str = concat!("privet/", env!("CARGO_PKG_VERSION"), " (instant-acme)");

/// Asks one authority; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    asker: Asker,
    /// Until when the authority has asked not to be asked again.
    not_before: Mutex<Option<SystemTime>>,
}

impl Client {
    pub(super) fn new(settings: &Acme) -> Self {
        Self(Arc::new(Inner { asker: Asker::new(settings.ca.clone(), DEADLINE), not_before: Mutex::default() }))
    }

    /// How long the authority wants to be left alone, where its last refusal said so.
    pub(super) fn asked_to_wait(&self, now: SystemTime) -> Option<Duration> {
        let not_before = *self.0.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        not_before.and_then(|at| at.duration_since(now).ok())
    }

    async fn ask(self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
        let (mut parts, body) = request.into_parts();
        let address = Address::parse(&parts.uri.to_string())?;
        let Ok(body) = body.collect().await;
        parts.headers.insert(header::USER_AGENT, HeaderValue::from_static(AGENT));
        let request = Request::from_parts(parts, Full::new(body.to_bytes()));
        let mut answer = self.0.asker.ask(&address, request).await.map_err(Error::Unreachable)?;
        bound_wait(answer.headers_mut(), SystemTime::now());
        let status = answer.status();
        if status.is_client_error() || status.is_server_error() {
            let asked = retry_after(answer.headers(), SystemTime::now());
            *self.0.not_before.lock().unwrap_or_else(PoisonError::into_inner) = asked;
            if !is_problem(answer.headers()) {
                return Err(Error::Status(status.as_u16()));
            }
        }
        Ok(BytesResponse::from(answer.map(Full::new)))
    }
}

impl HttpClient for Client {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let asked = self.clone().ask(request);
        Box::pin(async move { asked.await.map_err(|error| instant_acme::Error::Other(Box::new(error))) })
    }
}

/// RFC 7807: what stands in the way of a proxy's page being parsed.
fn is_problem(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.to_ascii_lowercase().starts_with("application/problem+json")
}

/// Leaves a wait in the headers that can be added to any time, for those who read them after us.
fn bound_wait(headers: &mut HeaderMap, now: SystemTime) {
    if !headers.contains_key(header::RETRY_AFTER) {
        return;
    }
    match retry_after(headers, now).map(|at| at.duration_since(now).unwrap_or_default()) {
        Some(wait) => headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs())),
        None => headers.remove(header::RETRY_AFTER),
    };
}

/// RFC 9110, section 10.2.3: seconds, or a date; at most [`LONGEST_WAIT`].
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<SystemTime> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let latest = now + LONGEST_WAIT;
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(now.checked_add(Duration::from_secs(seconds)).map_or(latest, |at| at.min(latest)));
    }
    let date = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc2822).ok()?;
    Some(SystemTime::from(date).min(latest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_to_ask_again() {
        let now = SystemTime::UNIX_EPOCH;
        let of = |text: &'static str| {
            let at = retry_after(&HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static(text))]), now);
            at.and_then(|at| at.duration_since(now).ok()).map(|wait| wait.as_secs())
        };
        assert_eq!(of("120"), Some(120));
        assert_eq!(of("Thu, 01 Jan 1970 00:10:00 GMT"), Some(600));
        assert_eq!((of("soon"), of("-1"), of("99999999999999999999")), (None, None, None));
        let week = Some(7 * 86_400);
        assert_eq!((of("18446744073709551615"), of("Fri, 31 Dec 9999 23:59:59 GMT")), (week, week));
    }

    #[test]
    fn no_wait_is_handed_on_that_time_can_not_hold() {
        for (said, left) in [("18446744073709551615", Some("604800")), ("5", Some("5")), ("soon", None)] {
            let mut headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static(said))]);
            bound_wait(&mut headers, SystemTime::now());
            assert_eq!(headers.get(header::RETRY_AFTER).map(|value| value.to_str().expect("text")), left, "{said}");
        }
    }
}
