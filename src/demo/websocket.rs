//! A WebSocket that says what it hears.

use http::{HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{handshake::derive_accept_key, protocol::Role},
};

use super::respond::{Answer, answer};

pub(super) fn upgrade(mut request: Request<Incoming>) -> Answer {
    let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY).cloned() else {
        return answer(StatusCode::BAD_REQUEST, "text/plain", "a WebSocket is served here\n");
    };
    let coming = hyper::upgrade::on(&mut request);
    tokio::task::spawn_local(async move {
        if let Ok(stream) = coming.await {
            echo(TokioIo::new(stream)).await;
        }
    });
    let mut agreed = answer(StatusCode::SWITCHING_PROTOCOLS, "text/plain", "");
    let headers = agreed.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    agreed
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(stream: S) {
    use futures_util::{SinkExt, StreamExt};
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        // Pings and the closing handshake are answered by the protocol itself.
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            return;
        }
    }
}
