//! The console's listener: HTTP/1.1 over TLS by the gateway's own certificates. SCIM alone is behind it so far.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::scim::Scim;
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
pub async fn serve(listener: TcpListener, tls: Arc<tls::Store>, scim: Arc<Scim>) {
    let acceptor = tls::Acceptor::for_http1(tls);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (acceptor, scim) = (acceptor.clone(), Arc::clone(&scim));
        tokio::spawn(async move {
            connection(stream, &acceptor, &scim).await;
            drop(place);
        });
    }
}

/// One that breaks off concerns nobody.
async fn connection(stream: TcpStream, acceptor: &tls::Acceptor, scim: &Scim) {
    let Ok(Ok(Some((stream, _)))) = timeout(PATIENCE, acceptor.accept(stream)).await else { return };
    let service = service_fn(|request| async { Ok::<_, Infallible>(scim.answer(request).await) });
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
