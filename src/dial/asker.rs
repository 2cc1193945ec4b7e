//! Asks servers that Privet itself needs: one small request a connection, with a deadline and a bound. Redirects are not followed:
//! what they point at nobody has named.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::{
    Dialer,
    address::Address,
    error,
    settings::{Settings, Tls},
};

/// Most bytes of an answer where nothing else is said.
const LIMIT: usize = 512 << 10;
/// Most servers that connections are kept ready for; who is asked has one or two.
const MOST_SERVERS: usize = 8;

/// Why nothing came back. Holds nothing of what was sent or received.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The authorities can't be used.
    #[error("the connection can't be prepared")]
    Settings(#[from] error::Invalid),
    /// No connection.
    #[error("there is no connection")]
    Connect(#[from] error::Error),
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

/// Asks the servers of one kind, believing the same authorities for all of them.
#[derive(Debug)]
pub struct Asker {
    ca: Option<PathBuf>,
    deadline: Duration,
    most: usize,
    dialers: Mutex<HashMap<(String, bool), Arc<Dialer>>>,
}

impl Asker {
    /// Believes the authorities in `ca`, or the system's. `deadline` is for one question, the connection included.
    #[must_use]
    pub fn new(ca: Option<PathBuf>, deadline: Duration) -> Self {
        Self { ca, deadline, most: LIMIT, dialers: Mutex::default() }
    }

    /// Takes answers of at most so many bytes, in place of 512 KiB.
    #[must_use]
    pub fn up_to(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Makes ready what a question to `address` needs, which reads files: not for the path of requests.
    ///
    /// # Errors
    /// When the authorities can't be used.
    pub fn prepare(&self, address: &Address) -> Result<(), Error> {
        self.dialer(address).map(drop)
    }

    /// Asks at `address`; the URI of `request` is set by it.
    ///
    /// # Errors
    /// When no whole answer, of at most as many bytes as it may have, comes back in time.
    pub async fn ask(&self, address: &Address, mut request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Error> {
        *request.uri_mut() = Uri::try_from(address.path_and_query()).map_err(http::Error::from)?;
        let host = HeaderValue::from_str(address.host()).map_err(http::Error::from)?;
        request.headers_mut().insert(header::HOST, host);
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        let dialer = self.dialer(address)?;
        tokio::time::timeout(self.deadline, exchange(&dialer, request, self.most)).await.map_err(|_| Error::Timeout)?
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
            connect_timeout: self.deadline,
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

async fn exchange(dialer: &Dialer, request: Request<Full<Bytes>>, most: usize) -> Result<Response<Bytes>, Error> {
    // Questions are rare: each looks the name up again, and goes on with what is known where that fails.
    let _ = dialer.refresh().await;
    let stream = TokioIo::new(dialer.connect().await?);
    let (mut sender, connection) = http1::handshake(stream).await?;
    let _task = Guard(tokio::spawn(connection).abort_handle());
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, most).collect().await.map_err(|_| Error::Body)?.to_bytes();
    Ok(Response::from_parts(parts, body))
}

/// Ends a connection's task with the question, however that ends.
struct Guard(tokio::task::AbortHandle);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}
