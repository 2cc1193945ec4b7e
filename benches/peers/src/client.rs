//! A client that trusts whatever certificate it gets: what is measured is the proxy.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request,
    body::Bytes,
    client::conn::{http1, http2},
    header::HOST,
};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{net::TcpStream, task::spawn_local};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{Group, pass::Local};

#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// TLS 1.3 with this group alone.
pub(crate) fn connector(group: Group, alpn: &[u8], resumes: bool) -> Result<TlsConnector> {
    let group = match group {
        Group::X25519 => aws_lc_rs::kx_group::X25519,
        Group::X25519mlkem768 => aws_lc_rs::kx_group::X25519MLKEM768,
    };
    let provider = Arc::new(CryptoProvider { kx_groups: vec![group], ..aws_lc_rs::default_provider() });
    let mut settings = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    settings.alpn_protocols = vec![alpn.to_vec()];
    settings.resumption = if resumes { Resumption::in_memory_sessions(16) } else { Resumption::disabled() };
    Ok(TlsConnector::from(Arc::new(settings)))
}

/// A connection of TLS to this port.
pub(crate) async fn connect(connector: &TlsConnector, port: u16, name: &str) -> Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.context("connecting")?;
    tcp.set_nodelay(true)?;
    connector.connect(ServerName::try_from(name.to_owned())?, tcp).await.context("the handshake")
}

/// A request over HTTP/1.1 or HTTP/2 on one connection.
pub(crate) enum Sender {
    One(http1::SendRequest<Empty<Bytes>>),
    Two(http2::SendRequest<Empty<Bytes>>),
}

impl Sender {
    pub(crate) async fn over(tls: TlsStream<TcpStream>, h2: bool) -> Result<Self> {
        let io = TokioIo::new(tls);
        if h2 {
            let (sender, connection) = http2::handshake(Local, io).await?;
            spawn_local(async move { drop(connection.await) });
            Ok(Self::Two(sender))
        } else {
            let (sender, connection) = http1::handshake(io).await?;
            spawn_local(async move { drop(connection.await) });
            Ok(Self::One(sender))
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::One(sender) => sender.is_closed(),
            Self::Two(sender) => sender.is_closed(),
        }
    }

    /// Asks for `path` and reads the answer to its end, which must be a 200.
    pub(crate) async fn get(&mut self, host: &str, path: &str) -> Result<()> {
        let response = match self {
            Self::One(sender) => {
                sender.ready().await?;
                sender.send_request(Request::get(path).header(HOST, host).body(Empty::new())?).await?
            }
            Self::Two(sender) => {
                sender.ready().await?;
                sender.send_request(Request::get(format!("https://{host}{path}")).body(Empty::new())?).await?
            }
        };
        if response.status() != 200 {
            bail!("{}", response.status());
        }
        response.into_body().collect().await?;
        Ok(())
    }
}
