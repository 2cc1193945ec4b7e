//! Asks an issuer's servers: one small request a connection, with a deadline and a bound. Redirects are not followed: no document
//! of an issuer needs one, and what they point at nobody has named.

use std::{
    collections::HashMap,
    fmt::Write as _,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::address::Address;
use crate::dial::{
    self, Dialer,
    settings::{Settings, Tls},
};

/// Longest time for one question, the connection included.
pub const DEADLINE: Duration = Duration::from_secs(5);
/// Most bytes of an answer.
const LIMIT: usize = 512 << 10;
/// Most servers that connections are kept ready for; an issuer has one or two.
const MOST_SERVERS: usize = 8;

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

/// Why nothing came back. Holds nothing of what was sent or received.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The authorities can't be used.
    #[error("the connection can't be prepared")]
    Settings(#[from] dial::Invalid),
    /// No connection.
    #[error("there is no connection")]
    Connect(#[from] dial::Error),
    /// The exchange broke.
    #[error("the exchange broke")]
    Exchange(#[from] hyper::Error),
    /// More bytes than anybody should need, or a broken body.
    #[error("the answer is too large, or breaks off")]
    Body,
    /// Too slow.
    #[error("there was no answer in time")]
    Timeout,
    /// The request can't be made.
    #[error("the request can't be made")]
    Request(#[from] http::Error),
}

/// Asks the servers of one issuer.
#[derive(Debug)]
pub struct Fetch {
    ca: Option<PathBuf>,
    dialers: Mutex<HashMap<(String, bool), Arc<Dialer>>>,
}

impl Fetch {
    /// Believes the authorities in `ca`, or the system's.
    #[must_use]
    pub fn new(ca: Option<PathBuf>) -> Self {
        Self { ca, dialers: Mutex::default() }
    }

    /// Makes ready what a question to `address` needs, which reads files: not for the path of requests.
    ///
    /// # Errors
    /// When the authorities can't be used.
    pub fn prepare(&self, address: &Address) -> Result<(), Error> {
        self.dialer(address).map(drop)
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
            .uri(address.path_and_query())
            .header(header::HOST, address.host())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, "privet")
            .header(header::CONNECTION, "close");
        if let Some(mut value) = authorization {
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Full::new(Bytes::from(form.unwrap_or_default())))?;
        let dialer = self.dialer(address)?;
        tokio::time::timeout(DEADLINE, exchange(&dialer, request)).await.map_err(|_| Error::Timeout)?
    }

    fn dialer(&self, address: &Address) -> Result<Arc<Dialer>, Error> {
        let key = (address.host().to_ascii_lowercase(), address.server_name().is_some());
        if let Some(dialer) = self.dialers.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(dialer));
        }
        let tls = address.server_name().map(|name| Tls {
            ca: self.ca.clone(),
            server_name: name.to_owned(),
            certificate: None,
            alpn: vec![b"http/1.1".to_vec()],
        });
        let settings = Settings {
            target: address.target().clone(),
            tls,
            connect_timeout: DEADLINE,
            resolve_every: Duration::from_secs(60),
        };
        let dialer = Arc::new(Dialer::new(&settings)?);
        let mut dialers = self.dialers.lock().unwrap_or_else(PoisonError::into_inner);
        if dialers.len() >= MOST_SERVERS {
            dialers.clear();
        }
        dialers.insert(key, Arc::clone(&dialer));
        Ok(dialer)
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

async fn exchange(dialer: &Dialer, request: Request<Full<Bytes>>) -> Result<Answer, Error> {
    // Questions are rare: each looks the name up again, and goes on with what is known where that fails.
    let _ = dialer.refresh().await;
    let stream = TokioIo::new(dialer.connect().await?);
    let (mut sender, connection) = http1::handshake(stream).await?;
    let _task = Guard(tokio::spawn(connection).abort_handle());
    let answer = sender.send_request(request).await?;
    let (status, max_age) = (answer.status(), max_age(answer.headers()));
    let body = Limited::new(answer.into_body(), LIMIT).collect().await.map_err(|_| Error::Body)?.to_bytes();
    Ok(Answer { status, max_age, body })
}

/// Ends a connection's task with the question, however that ends.
struct Guard(tokio::task::AbortHandle);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
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
