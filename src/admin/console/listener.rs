//! The console's listener: HTTP/1.1 over TLS by the gateway's own certificates.

use std::{convert::Infallible, net::IpAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::{Console, Peer};
use crate::tls;

/// Most connections at once; whoever comes beyond that waits to be accepted.
const CONNECTIONS: usize = 128;
/// How long a handshake, or the head of a request, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Age at which a connection is closed after its current request.
const AGE: Duration = Duration::from_secs(300);
/// How long that request may still take.
const LAST: Duration = Duration::from_secs(60);

/// Answers until the task is ended.
pub async fn serve(listener: TcpListener, tls: Arc<tls::Store>, console: Arc<Console>) {
    let acceptor = tls::Acceptor::for_http1(tls);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, from)) = listener.accept().await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (acceptor, console) = (acceptor.clone(), Arc::clone(&console));
        tokio::spawn(async move {
            connection(stream, from.ip().to_canonical(), &acceptor, &console).await;
            drop(place);
        });
    }
}

/// One that breaks off concerns nobody.
async fn connection(stream: TcpStream, address: IpAddr, acceptor: &tls::Acceptor, console: &Console) {
    let Ok(Ok(Some((stream, handshake)))) = timeout(PATIENCE, acceptor.accept(stream)).await else { return };
    let peer = &Peer { address, certificate: handshake.client_certificate };
    let service = service_fn(|request| async move { Ok::<_, Infallible>(console.answer(request, peer).await) });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => {}
        () = sleep(AGE) => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(LAST, connection).await;
        }
    }
}
