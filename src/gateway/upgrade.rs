//! Leaving HTTP: WebSocket and what else a route allows, on HTTP/1.1 (`Upgrade`, RFC 9110 section 7.8) and on HTTP/2
//! (extended CONNECT, RFC 8441), always as an HTTP/1.1 upgrade towards the upstream room, which makes it an extended CONNECT
//! where the application speaks HTTP/2 alone.

use std::{
    cell::Cell,
    fmt, io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional},
    sync::oneshot,
};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

use crate::{
    gateway::{
        body::Body,
        client::Client,
        mask::{Masking, tunnel::Sieve},
        record::Record,
        refusal::Kind,
        settings::Route,
        upstream::http1::Upgraded,
    },
    observe::metrics::Shard,
    privacy::mask::settings::Uninspectable,
};

/// An upgrade that the application has agreed to.
#[derive(Debug)]
pub struct Tunnel {
    /// The application's side.
    inner: Inner,
    /// The client's side where it is an HTTP/2 stream; on HTTP/1.1 it is the connection itself.
    outer: Option<Outer>,
    record: Option<Box<Record>>,
    shard: Option<Shard>,
    masking: Option<Masking>,
}

/// The application's side of a tunnel.
#[derive(Debug)]
pub enum Inner {
    /// An HTTP/1.1 connection that has left it.
    Connection(Box<Upgraded>),
    /// A stream of an HTTP/2 connection, to come.
    Stream(OnUpgrade),
}

/// The client's side of an extended CONNECT, to come once it is answered.
pub struct Outer(pub oneshot::Receiver<Box<dyn Duplex>>);

impl fmt::Debug for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outer")
    }
}

/// Makes the request an upgrade to `protocol` where the route allows it; otherwise it goes on as a plain request.
/// `true` when it became one.
pub fn ask(route: &Route, protocol: Option<&str>, parts: &mut Parts) -> bool {
    let Some(protocol) = protocol.filter(|p| route.upgrade.iter().any(|allowed| allowed == p)) else {
        return false;
    };
    let Ok(value) = HeaderValue::from_str(protocol) else { return false };
    if parts.extensions.remove::<hyper::ext::Protocol>().is_some() {
        parts.method = Method::GET;
        if let Ok(key) = HeaderValue::from_str(&generate_key()) {
            parts.headers.insert(header::SEC_WEBSOCKET_KEY, key);
        }
    }
    parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    parts.headers.insert(header::UPGRADE, value);
    true
}

/// What the application must answer to the key that it was sent (RFC 6455, section 4.2.2).
#[must_use]
pub fn expected_accept(parts: &Parts) -> Option<String> {
    parts.headers.get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()))
}

/// How what the application sends after its upgrade is masked; nothing where the route has no mask.
///
/// # Errors
/// When it could not be read: messages in a form that was not asked for, or another protocol that may not pass.
pub fn masking<B>(
    masking: Option<&Masking>,
    answer: &Response<B>,
    protocol: Option<&str>,
) -> Result<Option<Masking>, Kind> {
    let Some(masking) = masking else { return Ok(None) };
    if protocol != Some("websocket") {
        return if masking.uninspectable == Uninspectable::Pass { Ok(None) } else { Err(Kind::Uninspectable) };
    }
    if answer.headers().contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return Err(Kind::BadGateway);
    }
    Ok(Some(masking.clone()))
}

/// The answer to a client whose upgrade the application has agreed to (101). The tunnel waits in its body for [`hold`].
pub fn agree<B>(
    answer: Response<B>,
    inner: Inner,
    outer: Option<Outer>,
    protocol: &str,
    masking: Option<Masking>,
) -> Response<Body> {
    let (mut parts, _) = answer.into_parts();
    if outer.is_some() {
        parts.status = StatusCode::OK;
        for gone in [header::CONNECTION, header::UPGRADE, header::SEC_WEBSOCKET_ACCEPT] {
            parts.headers.remove(gone);
        }
    } else {
        name_upgrade(&mut parts.headers, protocol);
    }
    Response::from_parts(parts, Body::tunnel(Tunnel { inner, outer, record: None, shard: None, masking }))
}

fn name_upgrade(headers: &mut HeaderMap, protocol: &str) {
    const UPGRADE: (HeaderName, HeaderValue) = (header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE.0, UPGRADE.1);
    if let Ok(value) = HeaderValue::from_str(protocol) {
        headers.insert(header::UPGRADE, value);
    }
}

/// Gives `record` to what keeps the request open: the answer's body, or the tunnel of an upgrade.
pub fn hold(client: &Rc<Client>, mut answer: Response<Body>, mut record: Box<Record>, shard: &Shard) -> Response<Body> {
    record.answered(answer.status());
    match answer.body_mut().take_tunnel() {
        Some(mut tunnel) => {
            tunnel.record = Some(record);
            tunnel.shard = Some(Shard::clone(shard));
            if tunnel.outer.is_some() {
                tokio::task::spawn_local(tunnel.join_streams());
            } else {
                client.tunnel.replace(Some(*tunnel));
            }
        }
        None => answer.body_mut().hold(record),
    }
    answer
}

/// Whatever is read and written.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Duplex for S {}

impl Tunnel {
    /// Joins an HTTP/2 stream and the application.
    async fn join_streams(mut self) {
        let Some(outer) = self.outer.take() else { return };
        if let Ok(outer) = outer.0.await {
            self.join(outer, Bytes::new()).await;
        }
    }

    /// Joins `outer`, of which `read` was read already, and the application, until both have ended.
    pub async fn join<S: AsyncRead + AsyncWrite + Unpin>(self, outer: S, read: Bytes) {
        use tokio::io::AsyncWriteExt;
        let inner: Box<dyn Duplex> = match self.inner {
            Inner::Connection(connection) => connection,
            Inner::Stream(stream) => match stream.await {
                Ok(stream) => Box::new(TokioIo::new(stream)),
                Err(_) => return,
            },
        };
        let upload = self.record.as_deref().map(Record::upload).unwrap_or_default();
        let gone = Rc::clone(&upload);
        // Dropped last: what was found in messages belongs to the record.
        let mut held =
            Held { record: self.record, shard: self.shard, up: Cell::new(read.len() as u64), down: Cell::new(0) };
        let mut inner = Sieve::new(inner, self.masking, upload);
        if !read.is_empty() && inner.write_all(&read).await.is_err() {
            return;
        }
        let mut outer = Counted { stream: outer, read: &held.up, written: &held.down };
        tokio::select! {
            _ = copy_bidirectional(&mut outer, &mut inner) => {}
            // Both ends see that it has ended.
            () = gone.left() => return,
        }
        if let Some(record) = &mut held.record {
            record.complete();
        }
    }
}

/// What a tunnel has carried; noted however the tunnel ends, its task being dropped included.
struct Held {
    record: Option<Box<Record>>,
    shard: Option<Shard>,
    up: Cell<u64>,
    down: Cell<u64>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(shard) = &self.shard {
            shard.tunnel_bytes.add(self.up.get() + self.down.get());
        }
        if let Some(record) = &mut self.record {
            record.received(self.up.get());
            record.sent(self.down.get());
        }
    }
}

/// A stream whose bytes are counted.
struct Counted<'a, S> {
    stream: S,
    read: &'a Cell<u64>,
    written: &'a Cell<u64>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<'_, S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.read.set(self.read.get() + (buf.filled().len() - before) as u64);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<'_, S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(written)) = &polled {
            self.written.set(self.written.get() + *written as u64);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
