//! Why a request is refused, as SCIM says it (RFC 7644, section 3.12). Nobody's name is in the texts.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::json;

use crate::registry::Denied;

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    #[error("a bearer token of a [[scim]] table is needed")]
    Unauthorized,
    #[error("there is no such resource")]
    NotFound,
    #[error("this can't be done here")]
    Method(&'static str),
    #[error("{0}")]
    Syntax(&'static str),
    #[error("{0}")]
    Value(&'static str),
    #[error("filters are `userName`, `externalId` or `id` with `eq` and a text, or `active eq true` or `false`")]
    Filter,
    #[error("a path names an attribute")]
    Path,
    #[error("`remove` needs a path")]
    NoTarget,
    #[error("{0}")]
    Mutability(&'static str),
    #[error("this person is here already")]
    Exists,
    #[error("the body is longer than 64 KiB")]
    TooLarge,
    #[error("the body did not come")]
    Slow,
    #[error("only /Users is supported: roles are given by privacy officers, not by groups")]
    Unsupported,
    #[error("this gateway has no registry: it keeps no journal, or is one of several with a journal each")]
    NoRegistry,
    #[error("the registry is not founded yet: `privet staff init FIRST SECOND` founds it")]
    NotFounded,
    #[error(transparent)]
    Denied(#[from] Denied),
}

impl Error {
    fn status(self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Syntax(_) | Self::Value(_) | Self::Filter | Self::Path | Self::NoTarget | Self::Mutability(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::Exists => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Unsupported => StatusCode::NOT_IMPLEMENTED,
            Self::NoRegistry | Self::NotFounded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Denied(Denied::OtherIssuer) => StatusCode::FORBIDDEN,
            Self::Denied(Denied::Text(..)) => StatusCode::BAD_REQUEST,
            Self::Denied(denied) if denied.is_trouble() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Denied(_) => StatusCode::CONFLICT,
        }
    }

    /// The word for it of RFC 7644's table 9, where that has one.
    fn word(self) -> Option<&'static str> {
        Some(match self {
            Self::Syntax(_) => "invalidSyntax",
            Self::Value(_) | Self::Denied(Denied::Text(..)) => "invalidValue",
            Self::Filter => "invalidFilter",
            Self::Path => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::Mutability(_) => "mutability",
            Self::Exists | Self::Denied(Denied::NameTaken) => "uniqueness",
            _ => return None,
        })
    }

    pub(super) fn answer(self) -> Response<Full<Bytes>> {
        let hint = if let Self::Denied(denied) = self { denied.hint() } else { None };
        let detail = hint.map_or_else(|| self.to_string(), |hint| format!("{self}; {hint}"));
        let status = self.status();
        let mut object = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.as_str(), "detail": detail,
        });
        if let Some(word) = self.word() {
            object["scimType"] = word.into();
        }
        let mut answer = Response::new(Full::from(object.to_string()));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"scim\""));
            }
            Self::Method(allowed) => {
                headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
            }
            _ if status == StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            }
            _ => {}
        }
        answer
    }
}
