//! Asks as a client: TLS whatever the certificate, which is looked at rather than believed; one request a connection.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    Probe,
    budget::{PATIENCE, Spent},
    target::Target,
};
use crate::scan::{
    exchange::{Asked, Exchange},
    passive::{plain, take_in},
};

/// Most bytes of an answer that are read.
const LARGEST: usize = 256 << 10;
/// Who asks, so that whoever reads a log knows.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("privet-scan/", env!("CARGO_PKG_VERSION")));

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing more may be asked.
    #[error(transparent)]
    Spent(#[from] Spent),
    /// No connection.
    #[error("there is no connection: {0}")]
    Connect(io::Error),
    /// The handshake failed.
    #[error("the TLS handshake failed: {0}")]
    Tls(io::Error),
    /// The exchange broke.
    #[error("there is no whole answer")]
    Http(#[from] hyper::Error),
    /// The request can't be made.
    #[error("the request can't be made")]
    Request(#[from] http::Error),
    /// Too slow.
    #[error("there was no answer in time")]
    Timeout,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// What was asked.
    pub asked: Asked,
    /// Its status.
    pub status: StatusCode,
    /// Its head.
    pub headers: HeaderMap,
    /// The beginning of its body, without codings.
    pub body: Bytes,
}

impl Answer {
    /// A header's text.
    #[must_use]
    pub fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What a server has shown of itself.
#[derive(Debug)]
pub struct Shown {
    /// Its certificates, its own first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Why they are not believed.
    pub fault: Option<TlsError>,
}

impl Probe<'_> {
    /// Asks for `target` on the site, and lets the passive rules look at the answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn look(&self, target: &str, origin: Option<&str>) -> Result<Answer, Error> {
        let mut request = Request::get(target).body(Bytes::new())?;
        if let Some(origin) = origin.and_then(|origin| HeaderValue::from_str(origin).ok()) {
            request.headers_mut().insert(header::ORIGIN, origin);
        }
        let answer = self.ask(self.target, request).await?;
        let exchange =
            Exchange::new(&answer.asked, answer.status, &answer.headers, &answer.body, self.libraries, self.eye);
        take_in(&exchange, &mut self.findings.borrow_mut());
        Ok(answer)
    }

    /// Asks; the rules see nothing of it.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ask(&self, target: &Target, mut request: Request<Bytes>) -> Result<Answer, Error> {
        self.budget.take().await?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, HeaderValue::from_str(&target.host).map_err(http::Error::from)?);
        headers.insert(header::USER_AGENT, AGENT);
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("text/html, */*"));
        let asked = Asked {
            method: request.method().clone(),
            host: target.host.clone(),
            target: request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned(),
            origin: request.headers().get(header::ORIGIN).and_then(|value| Some(value.to_str().ok()?.to_owned())),
            anonymous: true,
            secure: target.secure,
        };
        let (status, headers, body) =
            timeout(PATIENCE, self.exchange(target, request)).await.map_err(|_| Error::Timeout)??;
        let body = plain(&headers, body, LARGEST);
        Ok(Answer { asked, status, headers, body })
    }

    async fn exchange(
        &self,
        target: &Target,
        request: Request<Bytes>,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), Error> {
        let socket = self.connect(target).await?;
        if !target.secure {
            return over(socket, request).await;
        }
        let (stream, _) = self.handshake(target, socket).await?;
        over(stream, request).await
    }

    /// A connection, without TLS. It is one of the budget's where it is asked for by itself.
    ///
    /// # Errors
    /// When there is none.
    pub async fn connect(&self, target: &Target) -> Result<TcpStream, Error> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in target.addresses().await.map_err(Error::Connect)? {
            match timeout(PATIENCE, TcpStream::connect(address)).await {
                Ok(Ok(socket)) => {
                    let _ = socket.set_nodelay(true);
                    return Ok(socket);
                }
                Ok(Err(error)) => last = error,
                Err(_) => return Err(Error::Timeout),
            }
        }
        Err(Error::Connect(last))
    }

    /// A handshake that believes everything, and what was shown.
    ///
    /// # Errors
    /// When it fails.
    pub async fn handshake(
        &self,
        target: &Target,
        socket: TcpStream,
    ) -> Result<(tokio_rustls::client::TlsStream<TcpStream>, Option<Shown>), Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let other = |error: TlsError| Error::Tls(io::Error::other(error));
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.roots), Arc::clone(&provider));
        let inner = inner.build().map_err(|error| Error::Tls(io::Error::other(error)))?;
        let witness = Arc::new(Witness { inner, shown: Mutex::default() });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&witness) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Every handshake is to show certificates.
        config.resumption = rustls::client::Resumption::disabled();
        let name = ServerName::try_from(target.name().to_owned()).map_err(|e| Error::Tls(io::Error::other(e)))?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await.map_err(Error::Tls)?;
        let shown = witness.shown.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok((stream, shown))
    }
}

async fn over<S>(stream: S, request: Request<Bytes>) -> Result<(StatusCode, HeaderMap, Vec<u8>), Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let task = tokio::spawn(connection);
    let (parts, mut body) = sender.send_request(request.map(Full::new)).await?.into_parts();
    let mut bytes = Vec::new();
    // An answer that breaks off, or never ends, is looked at as far as it has come.
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(&data[..data.len().min(LARGEST - bytes.len())]);
        }
        if bytes.len() >= LARGEST {
            break;
        }
    }
    task.abort();
    Ok((parts.status, parts.headers, bytes))
}

/// Looks at certificates as a client would, and goes on in any case: nothing that is sent is a secret.
#[derive(Debug)]
struct Witness {
    inner: Arc<WebPkiServerVerifier>,
    shown: Mutex<Option<Shown>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let fault = self.inner.verify_server_cert(end, intermediates, name, stapled, now).err();
        let chain = std::iter::once(end).chain(intermediates).map(|der| der.clone().into_owned()).collect();
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(Shown { chain, fault });
        Ok(ServerCertVerified::assertion())
    }

    // Keys that are too small to be believed sign as well: they are looked at, and told of.
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let old = [SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1_Legacy];
        self.inner.supported_verify_schemes().into_iter().chain(old).collect()
    }
}

/// Whether a fault is told by its own rule: the time, or the name.
#[must_use]
pub fn has_rule(fault: &TlsError) -> bool {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext,
    };
    let TlsError::InvalidCertificate(fault) = fault else { return false };
    matches!(
        fault,
        Expired
            | ExpiredContext { .. }
            | NotValidYet
            | NotValidYetContext { .. }
            | NotValidForName
            | NotValidForNameContext { .. }
    )
}
