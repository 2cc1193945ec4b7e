//! One handshake, and what came of it.

use std::{io, sync::Arc};

use rustls::{NamedGroup, ProtocolVersion, ServerConfig, pki_types::CertificateDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Makes handshakes under one configuration.
#[derive(Clone)]
pub struct Acceptor(TlsAcceptor);

/// What a handshake agreed on.
#[derive(Debug)]
pub struct Handshake {
    /// `1.2` or `1.3`.
    pub version: &'static str,
    /// The key exchange group; none in a resumed TLS 1.2 session.
    pub group: Option<&'static str>,
    /// The name that the client asked for.
    pub server_name: Option<String>,
    /// Whether HTTP/2 was agreed on.
    pub alpn_h2: bool,
    /// The client's certificate.
    pub client_certificate: Option<CertificateDer<'static>>,
}

/// Why a handshake failed; nothing that the client sent is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection ended or broke.
    #[error("the client went away")]
    Gone(#[source] io::Error),
    /// Something that is not TLS, such as cleartext HTTP.
    #[error("the client does not speak TLS")]
    NotTls,
    /// No version, suite, group or protocol in common.
    #[error("nothing in common with the client")]
    NothingInCommon,
    /// The client's certificate is missing or refused.
    #[error("the client certificate is missing or refused")]
    ClientCertificate,
    /// The client refused our certificate or broke off.
    #[error("the client refused the handshake")]
    Alert,
    /// Anything else.
    #[error("the handshake failed")]
    Other,
}

impl Error {
    /// The label of metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Gone(_) => "gone",
            Self::NotTls => "not_tls",
            Self::NothingInCommon => "nothing_in_common",
            Self::ClientCertificate => "client_certificate",
            Self::Alert => "alert",
            Self::Other => "other",
        }
    }
}

impl Acceptor {
    /// Handshakes under `config`.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self(TlsAcceptor::from(config))
    }

    /// Makes one handshake.
    ///
    /// # Errors
    /// When it fails; the client has been told why as far as TLS can.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> Result<(TlsStream<S>, Handshake), Error> {
        let stream = self.0.accept(stream).await.map_err(classify)?;
        let connection = stream.get_ref().1;
        let handshake = Handshake {
            version: if connection.protocol_version() == Some(ProtocolVersion::TLSv1_2) { "1.2" } else { "1.3" },
            group: connection.negotiated_key_exchange_group().map(|group| name(group.name())),
            server_name: connection.server_name().map(str::to_owned),
            alpn_h2: connection.alpn_protocol() == Some(b"h2"),
            client_certificate: connection.peer_certificates().and_then(|c| c.first()).map(|c| c.clone().into_owned()),
        };
        Ok((stream, handshake))
    }
}

fn name(group: NamedGroup) -> &'static str {
    match group {
        NamedGroup::X25519MLKEM768 => "X25519MLKEM768",
        NamedGroup::X25519 => "x25519",
        NamedGroup::secp256r1 => "secp256r1",
        NamedGroup::secp384r1 => "secp384r1",
        _ => "other",
    }
}

fn classify(error: io::Error) -> Error {
    use rustls::{Error as Tls, PeerIncompatible};
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>()) {
        Some(Tls::InvalidMessage(_)) => Error::NotTls,
        Some(Tls::NoCertificatesPresented | Tls::InvalidCertificate(_) | Tls::InvalidCertRevocationList(_)) => {
            Error::ClientCertificate
        }
        Some(Tls::PeerIncompatible(PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon)) => {
            Error::ClientCertificate
        }
        Some(Tls::PeerIncompatible(_) | Tls::NoApplicationProtocol) => Error::NothingInCommon,
        Some(Tls::AlertReceived(_)) => Error::Alert,
        Some(_) => Error::Other,
        None => Error::Gone(error),
    }
}
