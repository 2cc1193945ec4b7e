//! Active health checks: one task an endpoint, on the service runtime.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::{settings::Health, shared::EndpointState};

/// Checks for ever.
pub async fn watch(state: Arc<EndpointState>, rules: Health, http2: bool) {
    let (mut good, mut bad) = (0u32, 0u32);
    loop {
        let healthy = matches!(tokio::time::timeout(rules.timeout, check(&state, &rules, http2)).await, Ok(Some(true)));
        if healthy {
            (good, bad) = (good.saturating_add(1), 0);
        } else {
            (good, bad) = (0, bad.saturating_add(1));
        }
        if good >= rules.healthy_after {
            state.set_up(true);
        } else if bad >= rules.unhealthy_after {
            state.set_up(false);
        }
        tokio::time::sleep(rules.interval).await;
    }
}

/// One check; `None` when there was no answer.
async fn check(state: &EndpointState, rules: &Health, http2: bool) -> Option<bool> {
    let stream = TokioIo::new(state.dialer.connect().await.ok()?);
    let request = Request::get(&rules.path).header(header::USER_AGENT, "privet-health");
    let status = if http2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.ok()?;
        let task = Guard(tokio::spawn(connection).abort_handle());
        // HTTP/2 wants the authority in the target.
        let target = format!("http://{}{}", state.authority.to_str().ok()?, rules.path);
        let answer = sender.send_request(request.uri(target).body(Empty::<Bytes>::new()).ok()?).await.ok()?;
        drop(task);
        answer.status()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.ok()?;
        let task = Guard(tokio::spawn(connection).abort_handle());
        let request = request.header(header::HOST, state.authority.clone()).header(header::CONNECTION, "close");
        let answer = sender.send_request(request.body(Empty::<Bytes>::new()).ok()?).await.ok()?;
        drop(task);
        answer.status()
    };
    Some(status.is_success() || status.is_redirection())
}

/// Ends a connection's task with the check, however that ends.
struct Guard(tokio::task::AbortHandle);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}
