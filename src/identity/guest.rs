//! Pages of other rooms among Privet's own: this room knows who looks at one, that its form is theirs, and how such pages look.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::{
    form::{self, FORM_COOKIE, SIGN_IN},
    forward::encoded,
    page::{self, Language, frame},
    principal::Principal,
    realm::Realm,
    serve::{Call, back, forbidden, redirect, unavailable},
    session::{Id, Stage, id},
};

/// Whoever looks at such a page.
#[derive(Debug)]
pub struct Guest {
    /// Who they are.
    pub principal: Arc<Principal>,
    /// What their session is kept under.
    pub session: [u8; 32],
    /// What belongs into the hidden field of the page's form.
    pub token: String,
    language: Language,
    nonce: String,
}

/// What the session of a request is kept under, whether or not there is such a one.
#[must_use]
pub fn session(headers: &HeaderMap) -> Option<[u8; 32]> {
    form::cookie(headers, id::COOKIE).and_then(Id::parse).map(|id| id.key().0)
}

impl Realm {
    /// Who looks at `page`, whose form is called `form`.
    ///
    /// # Errors
    /// With the answer to whoever has to sign in first, or is no page of its own.
    pub async fn guest(&self, call: &Call, page: &'static str, form: &'static str) -> Result<Guest, Response<Bytes>> {
        let headers = call.request.headers();
        // A script of the application, which is of this very site, must not act for whoever looks at it.
        if !form::is_page_of_its_own(headers) {
            return Err(forbidden());
        }
        let current = self.current(headers, call.now).await;
        let current = current.filter(|current| current.entry.stage == Stage::Known);
        let (Some(current), Some(session)) = (current, session(headers)) else {
            return Err(redirect(form::location(SIGN_IN, page)));
        };
        let Some(nonce) = call.held_nonce().or_else(form::nonce) else { return Err(unavailable()) };
        Ok(Guest {
            principal: self.as_registered(current.entry.principal(), call.now),
            session,
            token: self.form_key.token(form, nonce.as_bytes()),
            language: Language::of(headers),
            nonce,
        })
    }

    /// Whether the form called `form`, with this token, was sent from a page of ours that this browser has.
    #[must_use]
    pub fn has_given(&self, call: &Call, form: &'static str, token: &str) -> bool {
        form::is_of_this_site(call.request.headers(), &call.host)
            && !call.nonce().is_empty()
            && self.form_key.verifies(form, call.nonce().as_bytes(), token)
    }
}

impl Guest {
    /// Whether they read Korean rather than English.
    #[must_use]
    pub fn is_korean(&self) -> bool {
        self.language.of_two("", "ko") == "ko"
    }

    /// A query that leads back to where `call` came from; empty where that is the beginning.
    #[must_use]
    pub fn query(call: &Call) -> String {
        let back = call.return_path();
        if back == "/" { String::new() } else { format!("?return={}", encoded(&back)) }
    }

    /// The page.
    #[must_use]
    pub fn page(&self, title: &str, main: &str, status: StatusCode) -> Response<Bytes> {
        let html = frame(self.language, title, None, main, false);
        let mut answer = page::respond(html, self.language, status, false);
        answer.headers_mut().append(header::SET_COOKIE, form::set_cookie(FORM_COOKIE, &self.nonce));
        answer
    }
}

/// Sends whoever has sent the form back to where they came from, with a cookie.
#[must_use]
pub fn go_back(call: &Call, cookie: HeaderValue) -> Response<Bytes> {
    let mut answer = redirect(back(call));
    answer.headers_mut().append(header::SET_COOKIE, cookie);
    answer
}
