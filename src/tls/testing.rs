//! Clients for tests, and handshakes with them over memory.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, SignatureScheme, SupportedCipherSuite, SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::SingleCertAndKey,
    version::{TLS12, TLS13},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    acceptor::Acceptor,
    handshake::{Error, Handshake},
    settings::{Certificate, Client, Profile, Settings},
    store::Store,
};
use crate::dial::{pem, testing::Leaf};

pub(crate) fn settings(dir: &Path) -> Settings {
    Settings {
        profile: Profile::Intermediate,
        certificates: Vec::new(),
        acme: Vec::new(),
        acme_dir: dir.join("acme"),
        development_dir: dir.join("certs"),
        client: Client::Off,
    }
}

/// Settings with one pair, written as `NAME.pem` and `NAME.key`.
pub(crate) fn with_leaf(dir: &Path, name: &str, leaf: &Leaf) -> Settings {
    let (chain, key) = leaf.write(dir, name);
    Settings { certificates: vec![Certificate { chain, key }], ..settings(dir) }
}

pub(crate) static BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
pub(crate) static OLD: &[&SupportedProtocolVersion] = &[&TLS12];

/// A client that believes anything and verifies the signatures of some schemes only.
pub(crate) fn client(
    versions: &[&'static SupportedProtocolVersion],
    schemes: &[SignatureScheme],
    certificate: Option<(&Path, &Path)>,
) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous(schemes.to_vec())));
    let mut config = match certificate {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let pair = Arc::new(pem::certified_key(chain, key).unwrap());
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(pair)))
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// A client that believes anything and offers these suites, in their order.
pub(crate) fn offering(suites: Vec<SupportedCipherSuite>) -> Arc<ClientConfig> {
    let provider = CryptoProvider { cipher_suites: suites, ..aws_lc_rs::default_provider() };
    let builder = ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&[&TLS13]).unwrap();
    let verifier = Arc::new(Credulous(every_scheme()));
    Arc::new(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

pub(crate) fn any_client() -> Arc<ClientConfig> {
    client(BOTH, &every_scheme(), None)
}

pub(crate) fn every_scheme() -> Vec<SignatureScheme> {
    aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
}

/// Both sides of a handshake and one byte each way, so that a refusal and a ticket both arrive.
pub(crate) async fn shake(
    store: &Arc<Store>,
    client: &Arc<ClientConfig>,
    name: &str,
) -> (Result<Handshake, Error>, std::io::Result<TlsStream<DuplexStream>>) {
    let (near, far) = tokio::io::duplex(16 * 1024);
    let acceptor = Acceptor::new(store.clone());
    let server = async move {
        let (mut stream, agreed) = acceptor.accept(far).await?.expect("no challenge");
        let mut byte = [0];
        if stream.read_exact(&mut byte).await.is_ok() {
            stream.write_all(&byte).await?;
            stream.flush().await?;
        }
        Ok(agreed)
    };
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connector = TlsConnector::from(client.clone());
    let client = async move {
        let mut stream = connector.connect(name, near).await?;
        stream.write_all(b"x").await?;
        stream.flush().await?;
        stream.read_exact(&mut [0]).await?;
        Ok(stream)
    };
    tokio::join!(server, client)
}

/// The leaf that a client is shown.
pub(crate) async fn shown(store: &Arc<Store>, client: &Arc<ClientConfig>, name: &str) -> CertificateDer<'static> {
    let (_, stream) = shake(store, client, name).await;
    let stream = stream.unwrap();
    let chain = stream.get_ref().1.peer_certificates().unwrap();
    chain[0].clone().into_owned()
}

pub(crate) fn leaf_in(file: &Path) -> CertificateDer<'static> {
    pem::certificates(file).unwrap().remove(0)
}

#[derive(Debug)]
struct Credulous(Vec<SignatureScheme>);

impl ServerCertVerifier for Credulous {
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
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}
