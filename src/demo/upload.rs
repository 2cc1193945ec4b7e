//! Takes uploads of any size, counts them and keeps nothing.

use std::fmt::Write as _;

use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyDataStream, BodyExt};
use hyper::body::Incoming;

use super::respond::{Answer, answer};

pub(super) async fn take(headers: &HeaderMap, body: Incoming) -> Answer {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let report = match multer::parse_boundary(content_type) {
        Ok(boundary) => parts(boundary, body).await,
        Err(_) => whole(body).await.map(|size| format!("body: {size} bytes\n")),
    };
    match report {
        Some(report) => answer(StatusCode::OK, "text/plain; charset=utf-8", report),
        None => answer(StatusCode::BAD_REQUEST, "text/plain", "the upload broke off\n"),
    }
}

async fn parts(boundary: String, body: Incoming) -> Option<String> {
    let mut multipart = multer::Multipart::new(BodyDataStream::new(body), boundary);
    let mut report = String::new();
    while let Some(mut field) = multipart.next_field().await.ok()? {
        let name = field.file_name().or(field.name()).unwrap_or("unnamed").to_owned();
        let mut size = 0;
        while let Some(chunk) = field.chunk().await.ok()? {
            size += chunk.len();
        }
        let _ = writeln!(report, "{name}: {size} bytes");
    }
    Some(report)
}

/// How many bytes a body has.
pub(super) async fn whole(mut body: Incoming) -> Option<usize> {
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        size += frame.ok()?.data_ref().map_or(0, bytes::Bytes::len);
    }
    Some(size)
}
