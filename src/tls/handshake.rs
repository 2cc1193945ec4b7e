//! What a handshake came to, as data: nothing in an error comes from the peer.

use std::io;

use rustls::{
    AlertDescription, CertificateError, HandshakeKind, InvalidMessage, PeerIncompatible, ServerConnection,
    pki_types::CertificateDer,
};

use super::profile::{group_name, suite_name, version_name};

/// What was agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// `1.2` or `1.3`.
    pub version: &'static str,
    /// IANA's name of the key exchange group; `None` for a resumed TLS 1.2 session.
    pub group: Option<&'static str>,
    /// IANA's name of the cipher suite.
    pub suite: &'static str,
    /// The name asked for, in lower case.
    pub sni: Option<String>,
    /// Whether HTTP/2 was agreed.
    pub alpn_h2: bool,
    /// The client's own certificate, verified, in this handshake or in the one resumed.
    pub client_certificate: Option<CertificateDer<'static>>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
}

/// Why there was no handshake. The texts are fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The client closed or reset the connection: a scanner, a health check, a lost network.
    #[error("the client went away during the TLS handshake")]
    ClientGone,
    /// HTTP without TLS: most often a wrong port or `http://` in a link.
    #[error("the client spoke cleartext HTTP to a TLS port")]
    CleartextHttp,
    /// The first bytes are neither TLS nor HTTP.
    #[error("the client did not speak TLS")]
    NotTls,
    /// No version, suite, group, signature scheme or application protocol in common.
    #[error("no common protocol: {0}")]
    NoCommonProtocol(&'static str),
    /// Privet refused the client's certificate, or there was none and one is needed.
    #[error("the client's certificate was refused: {0}")]
    ClientCertificate(&'static str),
    /// The client refused Privet's certificate: an authority not imported, a wrong name.
    #[error("the client refused the certificate: {0}")]
    ServerCertificate(&'static str),
    /// Privet has no certificate for the name: one is ordered, and has not come yet.
    #[error("there is no certificate for the name yet")]
    NoCertificate,
    /// Anything else: damaged messages, broken TLS stacks, attacks.
    #[error("the TLS handshake failed: {0}")]
    Other(&'static str),
}

impl Error {
    /// A short fixed word for a metric's label.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ClientGone => "client_gone",
            Self::CleartextHttp => "cleartext_http",
            Self::NotTls => "not_tls",
            Self::NoCommonProtocol(_) => "no_common_protocol",
            Self::ClientCertificate(_) => "client_certificate",
            Self::ServerCertificate(_) => "server_certificate",
            Self::NoCertificate => "no_certificate",
            Self::Other(_) => "other",
        }
    }
}

impl Handshake {
    pub(super) fn of(session: &ServerConnection) -> Self {
        Self {
            version: session.protocol_version().map_or("unknown", version_name),
            group: session.negotiated_key_exchange_group().map(|group| group_name(group.name())),
            suite: session.negotiated_cipher_suite().map_or("unknown", |suite| suite_name(suite.suite())),
            sni: session.server_name().map(str::to_owned),
            alpn_h2: session.alpn_protocol() == Some(b"h2"),
            client_certificate: session
                .peer_certificates()
                .and_then(|chain| chain.first())
                .map(|leaf| leaf.clone().into_owned()),
            resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }
}

/// Classes an error and drops what it holds: rustls quotes names and bytes that the peer sent.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::TimedOut
            | io::ErrorKind::WriteZero => return Self::ClientGone,
            _ => {}
        }
        let inner = error.get_ref();
        inner
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
            .map_or(Self::Other("input or output failed"), of_tls)
    }
}

fn of_tls(error: &rustls::Error) -> Error {
    match error {
        rustls::Error::AlertReceived(alert) => of_alert(*alert),
        rustls::Error::PeerIncompatible(reason) => Error::NoCommonProtocol(incompatible(reason)),
        rustls::Error::NoApplicationProtocol => Error::NoCommonProtocol("no application protocol in common"),
        rustls::Error::NoCertificatesPresented => Error::ClientCertificate("none was sent"),
        rustls::Error::InvalidCertificate(reason) => Error::ClientCertificate(invalid(reason)),
        rustls::Error::InvalidCertRevocationList(_) => Error::ClientCertificate("the revocation list cannot be used"),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Error::NotTls,
        rustls::Error::InvalidMessage(_) => Error::Other("a message is malformed"),
        rustls::Error::InappropriateMessage { .. } | rustls::Error::InappropriateHandshakeMessage { .. } => {
            Error::Other("a message came out of turn")
        }
        rustls::Error::PeerMisbehaved(_) => Error::Other("the client broke the protocol"),
        rustls::Error::DecryptError => Error::Other("a message cannot be decrypted"),
        rustls::Error::PeerSentOversizedRecord => Error::Other("a record is too large"),
        rustls::Error::FailedToGetRandomBytes => Error::Other("the system has no randomness"),
        // What the library says where the resolver has none.
        rustls::Error::General(_) => Error::NoCertificate,
        _ => Error::Other("unclassed"),
    }
}

fn of_alert(alert: AlertDescription) -> Error {
    match alert {
        AlertDescription::CloseNotify | AlertDescription::UserCanceled => Error::ClientGone,
        AlertDescription::UnknownCA => Error::ServerCertificate("unknown authority"),
        AlertDescription::CertificateExpired => Error::ServerCertificate("expired"),
        AlertDescription::CertificateRevoked => Error::ServerCertificate("revoked"),
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied => Error::ServerCertificate("not accepted"),
        AlertDescription::ProtocolVersion
        | AlertDescription::HandshakeFailure
        | AlertDescription::InsufficientSecurity
        | AlertDescription::NoApplicationProtocol => Error::NoCommonProtocol("the client says so"),
        _ => Error::Other("the client sent an alert"),
    }
}

fn incompatible(reason: &PeerIncompatible) -> &'static str {
    match reason {
        PeerIncompatible::NoCipherSuitesInCommon => "no cipher suite in common",
        PeerIncompatible::NoKxGroupsInCommon => "no key exchange group in common",
        PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => "no signature scheme in common",
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => "no TLS version in common",
        _ => "a needed extension is missing",
    }
}

fn invalid(reason: &CertificateError) -> &'static str {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "not valid yet",
        CertificateError::Revoked => "revoked",
        CertificateError::UnknownIssuer => "unknown authority",
        CertificateError::UnknownRevocationStatus => "not covered by the revocation list",
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
            "the revocation list has expired"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => "not made for clients",
        CertificateError::BadSignature => "bad signature",
        CertificateError::BadEncoding => "malformed",
        _ => "not valid",
    }
}
