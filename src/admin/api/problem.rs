//! Why a request is refused, as RFC 9457 has it. Nobody's name is in the texts.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

/// Why not.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: Cow<'static, str>,
    /// How to mend it, where that can be said.
    hint: Option<String>,
    /// A header that belongs to the status.
    header: Option<Beside>,
}

/// What a status brings along.
#[derive(Debug)]
enum Beside {
    /// How to prove something.
    Challenge(&'static str),
    /// Methods that there are.
    Allow(&'static str),
}

impl Problem {
    pub(super) fn of(status: StatusCode, detail: &'static str) -> Self {
        Self { status, detail: detail.into(), hint: None, header: None }
    }

    /// No proof, or one that is not good.
    pub(super) fn unauthorized(is_presented: bool) -> Self {
        let (detail, challenge) = if is_presented {
            ("this token is none of [[api]]", "Bearer realm=\"privet\", error=\"invalid_token\"")
        } else {
            ("a bearer token or a client certificate of [[api]] is needed", "Bearer realm=\"privet\"")
        };
        Self { header: Some(Beside::Challenge(challenge)), ..Self::of(StatusCode::UNAUTHORIZED, detail) }
    }

    pub(super) fn forbidden() -> Self {
        let hint = Some("set `may = \"operate\"` in its [[api]]".to_owned());
        Self { hint, ..Self::of(StatusCode::FORBIDDEN, "this program may read, and not change anything") }
    }

    pub(super) fn missing() -> Self {
        let hint = Some("GET /v1/openapi.json tells what there is".to_owned());
        Self { hint, ..Self::of(StatusCode::NOT_FOUND, "there is nothing of the kind") }
    }

    pub(super) fn method(allowed: &'static str) -> Self {
        Self {
            header: Some(Beside::Allow(allowed)),
            ..Self::of(StatusCode::METHOD_NOT_ALLOWED, "this can't be done here")
        }
    }

    /// What a command was answered that was refused.
    pub(super) fn said(status: StatusCode, said: &Value) -> Self {
        let text = |name: &str| said[name].as_str().map(str::to_owned);
        let detail = text("error").unwrap_or_else(|| "the gateway refuses".to_owned());
        Self { status, detail: detail.into(), hint: text("hint"), header: None }
    }

    pub(super) fn answer(self) -> Response<Full<Bytes>> {
        let mut object = json!({
            "type": "about:blank", "title": self.status.canonical_reason(), "status": self.status.as_u16(), "detail": self.detail,
        });
        if let Some(hint) = self.hint {
            object["hint"] = hint.into();
        }
        let mut answer = Response::new(Full::from(object.to_string() + "\n"));
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.header {
            Some(Beside::Challenge(text)) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(text));
            }
            Some(Beside::Allow(text)) => {
                headers.insert(header::ALLOW, HeaderValue::from_static(text));
            }
            None => {}
        }
        answer
    }
}
