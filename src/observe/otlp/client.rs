//! Sends one export request, by gRPC or by HTTP, on a connection that is kept.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::AbortHandle;

use super::{
    proto::{self, Field},
    settings::{Protocol, Settings, Signal},
};
use crate::dial::{self, Dialer};

/// Longest time for one request, the connection included.
const DEADLINE: Duration = Duration::from_secs(10);
/// Most bytes of an answer.
const LIMIT: usize = 64 << 10;

/// Why a request was not taken. Holds nothing of what was sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// No connection.
    #[error("there is no connection to the collector")]
    Connect(#[from] dial::Error),
    /// The exchange broke.
    #[error("the exchange with the collector broke")]
    Exchange(#[from] hyper::Error),
    /// Too slow.
    #[error("the collector did not answer in time")]
    Timeout,
    /// The request can't be made.
    #[error("the request can't be made")]
    Request(#[from] http::Error),
    /// The answer can't be read.
    #[error("the collector's answer is too large, or breaks off")]
    Answer,
    /// Another status than success.
    #[error("the collector answered {status}")]
    Status {
        /// Which.
        status: StatusCode,
        /// How long it wants to be left alone.
        wait: Option<Duration>,
    },
    /// Another status of gRPC than success.
    #[error("the collector answered with gRPC status {code}")]
    Grpc {
        /// Which.
        code: u32,
        /// How long it wants to be left alone.
        wait: Option<Duration>,
    },
}

impl Error {
    /// Whether the same request may be taken later
    /// (<https://opentelemetry.io/docs/specs/otlp/#failures>).
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Exchange(_) | Self::Timeout | Self::Answer => true,
            Self::Request(_) => false,
            Self::Status { status, .. } => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            // What the specification lists; an exhausted collector says when it will not be so any more.
            Self::Grpc { code, wait } => matches!(code, 1 | 4 | 10 | 11 | 14 | 15) || (*code == 8 && wait.is_some()),
        }
    }

    /// How long the collector wants to be left alone.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Status { wait, .. } | Self::Grpc { wait, .. } => *wait,
            _ => None,
        }
    }
}

/// What a collector says of a request that it took.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Records that it did not take.
    pub(super) rejected: u64,
}

/// The way to a collector.
#[derive(Debug)]
pub(super) struct Client {
    connection: Option<Connection>,
}

#[derive(Debug)]
struct Connection {
    sender: Sender,
    task: AbortHandle,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Client {
    /// Without a connection yet.
    pub(super) fn new() -> Self {
        Self { connection: None }
    }

    /// Sends the request `message` of `signal`.
    ///
    /// # Errors
    /// When the collector did not take it.
    pub(super) async fn send(
        &mut self,
        settings: &Settings,
        dialer: &Dialer,
        signal: Signal,
        message: &Bytes,
    ) -> Result<Taken, Error> {
        // A connection that was in use when this is given up has an answer still to come.
        let kept = self.connection.take();
        let sending = async {
            let mut connection = match kept.filter(Connection::is_open) {
                Some(connection) => connection,
                None => Connection::open(settings.protocol, dialer).await?,
            };
            let answer = connection.ask(request(settings, signal, message)?).await?;
            let taken = read(settings.protocol, answer).await;
            Ok((connection, taken))
        };
        let (connection, taken) = tokio::time::timeout(DEADLINE, sending).await.unwrap_or(Err(Error::Timeout))?;
        self.connection = Some(connection);
        taken
    }
}

impl Connection {
    async fn open(protocol: Protocol, dialer: &Dialer) -> Result<Self, Error> {
        // Connections are rare: each looks the name up again, and goes on with what is known where that fails.
        let _ = dialer.refresh().await;
        let stream = TokioIo::new(dialer.connect().await?);
        Ok(match protocol {
            Protocol::Grpc => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
                let task = tokio::spawn(connection).abort_handle();
                Self { sender: Sender::Http2(sender), task }
            }
            Protocol::Http => {
                let (sender, connection) = http1::handshake(stream).await?;
                let task = tokio::spawn(connection).abort_handle();
                Self { sender: Sender::Http1(sender), task }
            }
        })
    }

    fn is_open(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => !sender.is_closed(),
            Sender::Http2(sender) => !sender.is_closed(),
        }
    }

    async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, hyper::Error> {
        match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }
}

fn request(settings: &Settings, signal: Signal, message: &Bytes) -> Result<Request<Full<Bytes>>, http::Error> {
    let endpoint = &settings.endpoint;
    let agent = concat!("privet/", env!("CARGO_PKG_VERSION"));
    let request = Request::post(match settings.protocol {
        Protocol::Grpc => {
            let service = ["trace.v1.Trace", "metrics.v1.Metrics", "logs.v1.Logs"][signal as usize];
            let scheme = if endpoint.tls { "https" } else { "http" };
            format!("{scheme}://{}/opentelemetry.proto.collector.{service}Service/Export", endpoint.authority)
        }
        Protocol::Http => format!("{}/v1/{}", endpoint.path, signal.name()),
    });
    let mut request = match settings.protocol {
        Protocol::Grpc => request
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::TE, "trailers")
            .body(Full::new(framed(message)))?,
        Protocol::Http => request
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .header(header::HOST, &endpoint.authority)
            .body(Full::new(Bytes::clone(message)))?,
    };
    request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(agent));
    if let Some((name, value)) = &settings.authorization {
        request.headers_mut().insert(name, value.clone());
    }
    Ok(request)
}

/// A message of gRPC: not compressed, its length, itself.
fn framed(message: &Bytes) -> Bytes {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    framed.freeze()
}

async fn read(protocol: Protocol, answer: Response<Incoming>) -> Result<Taken, Error> {
    let (parts, body) = answer.into_parts();
    let body = Limited::new(body, LIMIT).collect().await.map_err(|_| Error::Answer)?;
    if !parts.status.is_success() {
        let wait = parts.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        return Err(Error::Status { status: parts.status, wait: wait.map(Duration::from_secs) });
    }
    let trailers = body.trailers().cloned();
    let body = body.to_bytes();
    match protocol {
        Protocol::Http => Ok(partial_success(&body)),
        Protocol::Grpc => {
            // An answer without a message has its trailers in its head.
            grpc_status(trailers.as_ref().unwrap_or(&parts.headers))?;
            Ok(partial_success(body.get(5..).unwrap_or_default()))
        }
    }
}

fn grpc_status(trailers: &HeaderMap) -> Result<(), Error> {
    const UNKNOWN: u32 = 2;
    let said = trailers.get("grpc-status").and_then(|value| value.to_str().ok()?.parse().ok());
    match said.unwrap_or(UNKNOWN) {
        0 => Ok(()),
        code => Err(Error::Grpc { code, wait: trailers.get("grpc-status-details-bin").and_then(retry_delay) }),
    }
}

/// The delay of a `google.rpc.RetryInfo` among the details of a `google.rpc.Status`.
fn retry_delay(details: &HeaderValue) -> Option<Duration> {
    let status = STANDARD_NO_PAD.decode(details.to_str().ok()?.trim_end_matches('=')).ok()?;
    let detail = proto::fields(&status).find_map(|(number, any)| {
        let (3, Field::Bytes(any)) = (number, any) else { return None };
        let is = |(number, field): (u64, Field<'_>)| {
            matches!(field, Field::Bytes(url) if number == 1 && url.ends_with(b"/google.rpc.RetryInfo"))
        };
        proto::fields(any).any(is).then(|| bytes(any, 2)).flatten()
    })?;
    let delay = bytes(detail, 1)?;
    Some(Duration::from_secs(number(delay, 1)) + Duration::from_nanos(number(delay, 2).min(999_999_999)))
}

/// How many records of a request the collector says it has not taken (`partial_success`).
fn partial_success(answer: &[u8]) -> Taken {
    Taken { rejected: bytes(answer, 1).map_or(0, |partial| number(partial, 1)) }
}

fn bytes(message: &[u8], wanted: u64) -> Option<&[u8]> {
    proto::fields(message).find_map(|(number, field)| match field {
        Field::Bytes(bytes) if number == wanted => Some(bytes),
        _ => None,
    })
}

fn number(message: &[u8], wanted: u64) -> u64 {
    let found = proto::fields(message).find_map(|(number, field)| match field {
        Field::Number(value) if number == wanted => Some(value),
        _ => None,
    });
    found.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{super::proto::Message, *};

    fn trailers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_str(text).expect("a value");
        fields.iter().map(|(name, text)| (http::HeaderName::from_static(name), value(text))).collect()
    }

    #[test]
    fn what_passes_is_tried_again() {
        let status = |code: u16| Error::Status { status: StatusCode::from_u16(code).expect("a status"), wait: None };
        for code in [429, 502, 503, 504] {
            assert!(status(code).is_passing(), "{code}");
        }
        for code in [400, 401, 404, 413, 500] {
            assert!(!status(code).is_passing(), "{code}");
        }
        assert!(grpc_status(&trailers(&[("grpc-status", "0")])).is_ok());
        for (code, passing) in [("14", true), ("4", true), ("8", false), ("3", false), ("16", false), ("x", false)] {
            let error = grpc_status(&trailers(&[("grpc-status", code)])).expect_err(code);
            assert_eq!(error.is_passing(), passing, "{code}");
        }
    }

    #[test]
    fn an_exhausted_collector_says_when_to_come_back() {
        let mut status = Message::default();
        status.number(1, 8);
        status.message(3, |any| {
            any.bytes(1, b"type.googleapis.com/google.rpc.RetryInfo");
            any.message(2, |info| {
                info.message(1, |delay| {
                    delay.number(1, 3);
                    delay.number(2, 500_000_000);
                });
            });
        });
        let details = STANDARD_NO_PAD.encode(status.into_bytes());
        let error = grpc_status(&trailers(&[("grpc-status", "8"), ("grpc-status-details-bin", &details)]));
        let error = error.expect_err("exhausted");
        assert_eq!((error.is_passing(), error.wait()), (true, Some(Duration::from_millis(3500))));
        assert_eq!(retry_delay(&HeaderValue::from_static("no base64!")), None);
    }

    #[test]
    fn what_was_not_taken_is_known() {
        let mut answer = Message::default();
        answer.message(1, |partial| partial.number(1, 7));
        assert_eq!(partial_success(&answer.into_bytes()), Taken { rejected: 7 });
        assert_eq!(partial_success(b""), Taken { rejected: 0 });
    }
}
