//! The floor: hyper and rustls with nothing between them. HTTP/1.1 and HTTP/2 in, HTTP/1.1 out, connections to the origin kept.

use std::{cell::RefCell, fs, io::BufReader, path::Path, rc::Rc, sync::Arc};

use anyhow::{Context, Result};
use http_body_util::{Either, Empty};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    header::{CONNECTION, HOST},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rustls::{
    CipherSuite, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::spawn_local,
};
use tokio_rustls::TlsAcceptor;

/// Connections to the origin that wait for the next request.
type Pool = Rc<RefCell<Vec<SendRequest<Incoming>>>>;

/// Serves until it is ended.
pub(crate) async fn serve(port: u16, origin: u16, chain: &Path, key: &Path) -> Result<()> {
    let chain =
        CertificateDer::pem_reader_iter(BufReader::new(fs::File::open(chain)?)).collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    // As Privet has it: AES of 128 bits first.
    provider.cipher_suites.retain(|suite| suite.suite() != CipherSuite::TLS13_AES_256_GCM_SHA384);
    let mut settings = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    settings.ignore_client_order = true;
    settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    settings.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    let acceptor = TlsAcceptor::from(Arc::new(settings));
    let listener = TcpListener::bind(("127.0.0.1", port)).await.context("the port of the pass-through")?;
    let pool = Pool::default();
    loop {
        let (tcp, _) = listener.accept().await?;
        let (acceptor, pool) = (acceptor.clone(), Rc::clone(&pool));
        spawn_local(async move {
            let _ = tcp.set_nodelay(true);
            let Ok(tls) = acceptor.accept(tcp).await else { return };
            let is_h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
            let service = service_fn(move |request| passed(request, Rc::clone(&pool), origin));
            let io = TokioIo::new(tls);
            // A client that goes away is no news.
            if is_h2 {
                let _ = hyper::server::conn::http2::Builder::new(Local).serve_connection(io, service).await;
            } else {
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
            }
        });
    }
}

/// Runs tasks on this thread.
#[derive(Clone)]
pub(crate) struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, task: F) {
        spawn_local(async move {
            task.await;
        });
    }
}

async fn passed(
    mut request: Request<Incoming>,
    pool: Pool,
    origin: u16,
) -> Result<Response<Either<Incoming, Empty<Bytes>>>> {
    request.headers_mut().remove(CONNECTION);
    if let Some(authority) = request.uri().authority().filter(|_| !request.headers().contains_key(HOST)) {
        let value = authority.as_str().parse()?;
        request.headers_mut().insert(HOST, value);
    }
    *request.version_mut() = hyper::Version::HTTP_11;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = Uri::try_from(path)?;
    let mut sender = loop {
        let kept = pool.borrow_mut().pop();
        match kept {
            Some(sender) if sender.is_ready() => break sender,
            Some(_) => {}
            None => break connected(origin).await?,
        }
    };
    let Ok(mut response) = sender.send_request(request).await else {
        let mut refused = Response::new(Either::Right(Empty::new()));
        *refused.status_mut() = StatusCode::BAD_GATEWAY;
        return Ok(refused);
    };
    response.headers_mut().remove(CONNECTION);
    // It is ready again when the answer's body has ended.
    spawn_local(async move {
        if sender.ready().await.is_ok() {
            pool.borrow_mut().push(sender);
        }
    });
    Ok(response.map(Either::Left))
}

async fn connected(origin: u16) -> Result<SendRequest<Incoming>> {
    let tcp = TcpStream::connect(("127.0.0.1", origin)).await?;
    tcp.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(tcp)).await?;
    spawn_local(async move {
        let _ = connection.await;
    });
    Ok(sender)
}
