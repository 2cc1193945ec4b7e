//! Upgrades to an HTTP/2 application: an extended CONNECT (RFC 8441) that looks to the gateway like the HTTP/1.1 upgrade that it asked for.

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::ext::Protocol;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::gateway::request_body::RequestBody;

/// What turns the answer back.
#[derive(Debug)]
pub struct Asked {
    protocol: HeaderValue,
    accept: Option<HeaderValue>,
}

/// Makes an HTTP/1.1 upgrade an extended CONNECT; the target needs its authority already.
pub fn ask(request: &mut Request<RequestBody>) -> Asked {
    let headers = request.headers_mut();
    headers.remove(header::CONNECTION);
    headers.remove(header::CONTENT_LENGTH);
    let protocol = headers.remove(header::UPGRADE).unwrap_or(HeaderValue::from_static("websocket"));
    // HTTP/2 has no use for the key; the gateway expects the proof that it was read.
    let accept = headers
        .remove(header::SEC_WEBSOCKET_KEY)
        .and_then(|key| HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok());
    *request.method_mut() = Method::CONNECT;
    request.extensions_mut().insert(Protocol::from(protocol.to_str().unwrap_or_default()));
    Asked { protocol, accept }
}

/// The answer as HTTP/1.1 gives it: 101 in place of 200.
pub fn agreed<B>(answer: &mut Response<B>, asked: Asked) {
    if answer.status() == StatusCode::OK {
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = answer.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, asked.protocol);
        if let Some(accept) = asked.accept {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
    }
}
