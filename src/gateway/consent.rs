//! Consent that people give or withdraw by the application's own form: read on its way there, and kept once the application has taken it.

use std::sync::Arc;

use http::{StatusCode, request::Parts};
use hyper::body::Body as _;

use crate::{
    access::consent::Source,
    gateway::{access::Authority, head::Head, refusal::Kind, request_body::RequestBody},
};

/// Most bytes of such a form.
const LONGEST: usize = 1 << 20;
/// What it is that people agree to there.
const PURPOSE: &str = "marketing";

/// A form on its way to the application.
pub struct Sent {
    authority: Arc<Authority>,
    body: bytes::Bytes,
}

/// The form that a request is; none for every other, which pays one comparison.
///
/// # Errors
/// When it can't be read.
pub async fn read(
    authority: Option<&Arc<Authority>>,
    head: &Head,
    parts: &Parts,
    body: &mut RequestBody,
) -> Result<Option<Sent>, Kind> {
    let Some(authority) = authority else { return Ok(None) };
    let form = authority.access.settings().consent.as_ref();
    if body.is_end_stream() || !form.is_some_and(|form| form.is_at(&parts.method, head.target.path())) {
        return Ok(None);
    }
    let body = body.collect(LONGEST).await?;
    Ok(Some(Sent { authority: Arc::clone(authority), body }))
}

impl Sent {
    /// Keeps what it says, where the application has answered it with a `status` that takes it. It holds with the next request.
    pub async fn settle(self, status: StatusCode) {
        let authority = &self.authority;
        let (Some(desk), Some(form)) = (&authority.consents, &authority.access.settings().consent) else { return };
        let Some((subject, agreed)) = form.learned(&self.body, status.as_u16(), &authority.subjects) else { return };
        let kept = desk.consents.change(&desk.stream, PURPOSE, &[subject], agreed, Source::Form).await;
        if let Err(error) = kept {
            tracing::error!(%error, agreed, "what somebody has said of consent could not be kept");
        }
    }
}
