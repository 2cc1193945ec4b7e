use std::{error::Error as _, path::Path};

use rustls::{ServerConfig, server::WebPkiClientVerifier};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UnixListener},
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::dial::testing::{Authority, Leaf, put};

fn settings(target: Target, tls: Option<Tls>) -> Settings {
    Settings { target, tls, connect_timeout: Duration::from_secs(5), resolve_every: Duration::from_secs(30) }
}

fn tcp(host: &str, port: u16) -> Target {
    Target::Tcp { host: host.to_owned(), port }
}

fn tls(ca: &Path, name: &str) -> Tls {
    Tls {
        ca: Some(ca.to_owned()),
        server_name: name.to_owned(),
        certificate: None,
        alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
    }
}

/// Echoes one connection after another over TLS.
async fn echo(dir: &Path, leaf: &Leaf, clients: Option<RootCertStore>) -> u16 {
    let (chain, key) = leaf.write(dir, "server");
    let pair = Arc::new(pem::certified_key(&chain, &key).unwrap());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = clients
        .map(|roots| WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build().unwrap());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(pair)));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let mut bytes = [0; 4];
                if stream.read_exact(&mut bytes).await.is_ok() {
                    stream.write_all(&bytes).await.unwrap();
                }
            }
        }
    });
    port
}

async fn round_trip(stream: &mut Stream) -> std::io::Result<[u8; 4]> {
    stream.write_all(b"ping").await?;
    stream.flush().await?;
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

#[tokio::test]
async fn tls_agrees_a_protocol_and_carries_bytes() {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new("Upstream CA");
    let ca = put(dir.path(), "ca.pem", authority.pem());
    let port = echo(dir.path(), &authority.leaf(&["app.test"], 1), None).await;
    let dialer = Dialer::new(&settings(tcp("localhost", port), Some(tls(&ca, "app.test")))).unwrap();
    assert_eq!(dialer.resolve_every(), Some(Duration::from_secs(30)));
    for _ in 0..2 {
        let mut stream = dialer.connect().await.unwrap();
        assert_eq!(stream.alpn(), Some(&b"h2"[..]));
        assert_eq!(stream.remote().unwrap().port(), port);
        assert!(stream.is_tls() && stream.is_write_vectored());
        assert_eq!(&round_trip(&mut stream).await.unwrap(), b"ping");
    }
    assert_eq!(dialer.generation(), 1);
}

#[tokio::test]
async fn another_name_or_authority_is_not_believed() {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new("Upstream CA");
    let ca = put(dir.path(), "ca.pem", authority.pem());
    let other = put(dir.path(), "other.pem", Authority::new("Other CA").pem());
    let port = echo(dir.path(), &authority.leaf(&["app.test"], 1), None).await;
    for tls in [tls(&ca, "else.test"), tls(&other, "app.test")] {
        let dialer = Dialer::new(&settings(tcp("127.0.0.1", port), Some(tls))).unwrap();
        let error = dialer.connect().await.unwrap_err();
        assert_eq!(error.kind(), "tls");
        assert!(error.source().is_some() && !error.is_timeout());
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new("Both CA");
    let ca = put(dir.path(), "ca.pem", authority.pem());
    let port = echo(dir.path(), &authority.leaf(&["app.test"], 1), Some(pem::roots(&ca).unwrap())).await;
    let mut with = tls(&ca, "app.test");
    with.certificate = Some(authority.leaf(&["privet.test"], 2).write(dir.path(), "client"));
    let dialer = Dialer::new(&settings(tcp("127.0.0.1", port), Some(with.clone()))).unwrap();
    let mut stream = dialer.connect().await.unwrap();
    assert_eq!(&round_trip(&mut stream).await.unwrap(), b"ping");

    with.certificate = None;
    let dialer = Dialer::new(&settings(tcp("127.0.0.1", port), Some(with.clone()))).unwrap();
    // TLS 1.3 tells a client of its refusal only with the first read.
    let refused = match dialer.connect().await {
        Ok(mut stream) => round_trip(&mut stream).await.is_err(),
        Err(_) => true,
    };
    assert!(refused);

    let (_, foreign) = authority.leaf(&["x.test"], 3).write(dir.path(), "foreign");
    with.certificate = Some((dir.path().join("client.pem"), foreign));
    let error = Dialer::new(&settings(tcp("127.0.0.1", port), Some(with))).unwrap_err();
    assert!(matches!(error, Invalid::File(pem::Error::Mismatch { .. })));
}

#[tokio::test]
async fn unix_sockets_have_no_address_and_no_tls() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let dialer = Dialer::new(&settings(Target::Unix(path.clone()), None)).unwrap();
    let (stream, accepted) = tokio::join!(dialer.connect(), listener.accept());
    assert!(stream.unwrap().remote().is_none() && accepted.is_ok());
    assert_eq!(dialer.refresh().await.unwrap(), Refresh::Unneeded);
    assert!(dialer.resolve_every().is_none() && dialer.addresses().is_empty());

    let ca = put(dir.path(), "ca.pem", Authority::new("CA").pem());
    let error = Dialer::new(&settings(Target::Unix(path), Some(tls(&ca, "a.test")))).unwrap_err();
    assert!(matches!(error, Invalid::TlsOverUnix(_)));
}

#[tokio::test]
async fn refusal_and_silence_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let dir = TempDir::new().unwrap();
    let ca = put(dir.path(), "ca.pem", Authority::new("CA").pem());
    let mut silent = settings(tcp("127.0.0.1", port), Some(tls(&ca, "a.test")));
    silent.connect_timeout = Duration::from_millis(50);
    let error = Dialer::new(&silent).unwrap().connect().await.unwrap_err();
    assert!(error.is_timeout() && error.kind() == "timeout");

    drop(listener);
    let dialer = Dialer::new(&settings(tcp("127.0.0.1", port), None)).unwrap();
    let error = dialer.connect().await.unwrap_err();
    assert!(error.is_refused() && error.kind() == "refused" && !error.is_timeout());
}

#[tokio::test]
async fn a_dead_address_is_passed_over_and_turns_rotate() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let alive = listener.local_addr().unwrap();
    let dead = SocketAddr::new("127.0.0.2".parse().unwrap(), alive.port());
    let dialer = Dialer::new(&settings(tcp("name.test", alive.port()), None)).unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    for _ in 0..4 {
        let (_, address) = dialer.connect_any(&[dead, alive], deadline).await.unwrap();
        assert_eq!(address, alive);
    }
    let second = TcpListener::bind(dead).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(dialer.connect_any(&[dead, alive], deadline).await.unwrap().1);
    }
    assert!(seen.contains(&dead) && seen.contains(&alive));
    drop(second);
}

#[test]
fn the_system_has_authorities_or_says_so() {
    let settings = settings(
        tcp("127.0.0.1", 1),
        Some(Tls { ca: None, server_name: "a.test".to_owned(), certificate: None, alpn: Vec::new() }),
    );
    assert!(matches!(Dialer::new(&settings), Ok(_) | Err(Invalid::NoSystemRoots)));
}
