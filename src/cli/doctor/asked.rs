//! One question to an application, to hear what time it has.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::{dial, dial::Dialer, gateway::upstream::settings::Endpoint};

/// Longest wait for an application or a server of others.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);

/// A dialer for an application that does not wait for longer than we do.
pub(super) fn dialer(endpoint: &Endpoint) -> Result<Dialer, dial::Invalid> {
    let settings =
        dial::Settings { connect_timeout: PATIENCE.min(endpoint.dial.connect_timeout), ..(*endpoint.dial).clone() };
    Dialer::new(&settings)
}

/// The head of an application's answer to HEAD, which changes nothing.
pub(super) async fn head(endpoint: &Endpoint, path: &str) -> Option<HeaderMap> {
    let asked = async {
        let stream = dialer(endpoint).ok()?.connect_http1().await.ok()?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        let request = Request::head(path)
            .header(header::HOST, &endpoint.authority)
            .header(header::USER_AGENT, "privet-doctor")
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new());
        Some(sender.send_request(request.ok()?).await.ok()?.headers().clone())
    };
    tokio::time::timeout(PATIENCE, asked).await.ok().flatten()
}

/// The time that a server has (RFC 9110, section 6.6.1).
pub(super) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc2822).ok().map(SystemTime::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_others() {
        let of = |text: &str| date(&HeaderMap::from_iter([(header::DATE, text.parse().expect("a value"))]));
        assert_eq!(of("Thu, 01 Jan 1970 00:10:00 GMT"), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(600)));
        assert_eq!(of("yesterday"), None);
    }
}
