//! An origin for what nginx does not serve: it reads bodies to their end before it answers, and echoes WebSocket messages.

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::spawn_local};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{handshake::derive_accept_key, protocol::Role},
};

/// Serves until it is ended.
pub(crate) async fn serve(port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.context("the port of the origin")?;
    loop {
        let (tcp, _) = listener.accept().await?;
        let _ = tcp.set_nodelay(true);
        spawn_local(async move {
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tcp), service_fn(answered));
            let _ = connection.with_upgrades().await;
        });
    }
}

async fn answered(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let mut response = Response::new(Full::default());
    if let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY) {
        let accept = derive_accept_key(key.as_bytes()).parse()?;
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, "upgrade".parse()?);
        headers.insert(UPGRADE, "websocket".parse()?);
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        let upgrade = hyper::upgrade::on(&mut request);
        spawn_local(async move {
            let Ok(stream) = upgrade.await else { return };
            let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, None).await;
            while let Some(Ok(message)) = socket.next().await {
                if message.is_close() || socket.send(message).await.is_err() {
                    break;
                }
            }
        });
        return Ok(response);
    }
    let mut length = 0;
    while let Some(frame) = request.body_mut().frame().await {
        length += frame?.data_ref().map_or(0, Bytes::len);
    }
    *response.body_mut() = Full::from(format!("{length}\n"));
    Ok(response)
}
