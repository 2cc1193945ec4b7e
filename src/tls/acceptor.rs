//! Shakes hands with a client.

use std::{io::Read, sync::Arc};

use rustls::{ServerConfig, server};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use super::{
    handshake::{Error, Handshake},
    profile,
    store::Store,
};

/// A TLS record's header, and as much of `OPTIONS ` as tells HTTP.
const HEAD: usize = 5;
/// The content type of a handshake record, RFC 8446 section 5.1.
const HANDSHAKE_RECORD: u8 = 22;

/// Most bytes sealed at once, which is also the most that waits for a socket: what is read at once of an answer that goes on as fast as it comes.
const AT_ONCE: usize = 1 << 18;

const METHODS: [&[u8]; 9] = [b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELET", b"OPTIO", b"PATCH", b"CONNE", b"PRI *"];

/// Shakes hands with what the store holds at the moment; cheap to clone.
#[derive(Debug, Clone)]
pub struct Acceptor {
    store: Arc<Store>,
    http1: bool,
}

impl Acceptor {
    /// Over a store.
    #[must_use]
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, http1: false }
    }

    /// Over a store, for what does not speak HTTP/2.
    #[must_use]
    pub fn for_http1(store: Arc<Store>) -> Self {
        Self { store, http1: true }
    }

    /// The handshake of one connection; `None` where it was an authority's, to validate a domain (RFC 8737), which is all that it
    /// came for. There is no limit of time here: the caller sets one.
    ///
    /// # Errors
    /// The class of the failure, without any of the peer's data. rustls has sent the alert.
    pub async fn accept<S>(&self, mut stream: S) -> Result<Option<(TlsStream<S>, Handshake)>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let head = read_head(&mut stream).await?;
        let mut hello = server::Acceptor::default();
        // Less than a record: nothing to process yet.
        let mut head: &[u8] = &head;
        while !head.is_empty() {
            hello.read_tls(&mut head as &mut dyn Read)?;
        }
        let started = LazyConfigAcceptor::new(hello, stream).await?;
        if let Some(config) = self.store.orders().challenges.handshake(&started.client_hello()) {
            let mut stream = started.into_stream(config).await?;
            stream.shutdown().await?;
            return Ok(None);
        }
        let chacha20 = profile::wants_chacha20(started.client_hello().cipher_suites());
        let mut stream = started.into_stream(self.config(chacha20)).await?;
        stream.get_mut().1.set_buffer_limit(Some(AT_ONCE));
        let agreed = Handshake::of(stream.get_ref().1);
        Ok(Some((stream, agreed)))
    }

    fn config(&self, chacha20: bool) -> Arc<ServerConfig> {
        let mut config = self.store.server_config();
        if chacha20 {
            Arc::make_mut(&mut config).ignore_client_order = false;
        }
        if self.http1 {
            Arc::make_mut(&mut config).alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        config
    }
}

/// The first bytes, looked at before rustls sees them: it consumes what it refuses, and then
/// nothing could tell a link to the wrong port from an attack.
async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> Result<[u8; HEAD], Error> {
    let mut head = [0; HEAD];
    let mut filled = 0;
    while filled < HEAD {
        let read = stream.read(&mut head[filled..]).await?;
        if read == 0 {
            return Err(match filled {
                0 => Error::ClientGone,
                _ if head[0] == HANDSHAKE_RECORD => Error::ClientGone,
                _ => Error::NotTls,
            });
        }
        filled += read;
    }
    if head[0] == HANDSHAKE_RECORD {
        return Ok(head);
    }
    let http = METHODS.iter().any(|method| head.starts_with(method));
    Err(if http { Error::CleartextHttp } else { Error::NotTls })
}

#[cfg(test)]
mod tests;
