//! What a realm answers below `/.privet/oidc/`: where a sign-in begins and ends, and where the provider ends sessions.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde_json::json;

use super::oidc::{CALLBACK, LOGOUT, Oidc, START};
use crate::identity::{
    form::{self, Fields},
    page::{Page, Trouble},
    realm::Realm,
    serve::{Call, not_allowed, not_found, object, redirect, unavailable, wait},
    session::{Entry, Stage},
};

/// How long to wait while nothing is known of the provider.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(5);

impl Realm {
    /// Answers a request below `/.privet/oidc/`.
    pub(in crate::identity) async fn serve_oidc(&self, call: &Call) -> Response<Bytes> {
        let methods = self.methods();
        let Some(oidc) = methods.oidc() else { return not_found() };
        let get = call.request.method() == Method::GET;
        let post = call.request.method() == Method::POST;
        match call.request.uri().path() {
            START if get => depart(oidc, call),
            CALLBACK if get => self.arrive(oidc, call).await,
            LOGOUT if post => self.end_by_provider(oidc, call).await,
            START | CALLBACK => not_allowed("GET"),
            LOGOUT => not_allowed("POST"),
            _ => not_found(),
        }
    }

    async fn arrive(&self, oidc: &Oidc, call: &Call) -> Response<Bytes> {
        let query = call.request.uri().query().unwrap_or_default();
        let (cookie, outcome) = oidc.arrive(query, call.request.headers(), &call.host, call.now).await;
        let mut answer = match outcome {
            Ok(signed_in) => {
                let session = Some(signed_in.session);
                match self.sign_in(signed_in.principal, session, call.request.headers(), call.now).await {
                    Some(session) => {
                        let mut answer = redirect(HeaderValue::from_str(&signed_in.back).unwrap_or(ROOT));
                        answer.headers_mut().append(header::SET_COOKIE, session);
                        answer
                    }
                    None => unavailable(),
                }
            }
            Err(error) => {
                {
                    let cause = std::error::Error::source(&error).map(tracing::field::display);
                    tracing::info!(realm = self.name, %error, cause, "a sign-in at the provider was not completed");
                }
                let current = self.current(call.request.headers(), call.now).await;
                match current.filter(|current| current.entry.stage == Stage::Known) {
                    // Somebody has gone back to a page that was for once.
                    Some(_) if cookie.is_none() => redirect(ROOT),
                    _ => {
                        let mut page =
                            call.show(self, Page::Provider, Some(Trouble::Provider), Trouble::Provider.status());
                        // Its own address has the code in it.
                        page.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
                        page
                    }
                }
            }
        };
        if let Some(cookie) = cookie {
            answer.headers_mut().append(header::SET_COOKIE, form::end_cookie(cookie));
        }
        answer
    }

    /// Section 2.5 to 2.8 of Back-Channel Logout. The provider asks, not a browser: there is no cookie and no form of ours.
    async fn end_by_provider(&self, oidc: &Oidc, call: &Call) -> Response<Bytes> {
        let fields = Fields::parse(call.request.body());
        let token = fields.as_ref().and_then(|fields| fields.one("logout_token")).unwrap_or_default();
        let ended = match oidc.ended(token, call.now).await {
            Ok(ended) => ended,
            Err(refused) => {
                tracing::warn!(realm = self.name, why = refused.name(), "a logout token was refused");
                return invalid();
            }
        };
        let theirs = |entry: &Entry| {
            entry.principal.load().issuer == oidc.issuer()
                && entry.provider_session.as_deref().is_some_and(|kept| ended.is(kept))
        };
        let count = self.sessions().revoke_where(|_, entry| theirs(entry), call.now).await;
        tracing::info!(realm = self.name, count, "the provider has ended sessions");
        let everywhere = match ended.name() {
            Some(name) => self.sessions().end_named(oidc.issuer(), name).await,
            None => true,
        };
        if !everywhere {
            tracing::warn!(realm = self.name, "the end of a session did not reach the shared store");
            return invalid();
        }
        let mut answer = Response::new(Bytes::new());
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }

    /// Where the page after a sign-out goes on to, for somebody who came from the provider.
    pub(in crate::identity) fn end_session(&self, issuer: &str) -> Option<HeaderValue> {
        let methods = self.methods();
        let place = methods.oidc().filter(|oidc| oidc.issuer() == issuer)?.end_session()?;
        // Not a redirect: browsers hold one that follows a form to the page's `form-action`, which names this site alone.
        HeaderValue::from_str(&format!("0;url={place}")).ok()
    }
}

/// Section 2.8: for whatever has failed.
fn invalid() -> Response<Bytes> {
    object(StatusCode::BAD_REQUEST, json!({ "error": "invalid_request" }).to_string())
}

const ROOT: HeaderValue = HeaderValue::from_static("/");

fn depart(oidc: &Oidc, call: &Call) -> Response<Bytes> {
    let query = call.request.uri().query();
    let fields = query.and_then(|query| Fields::parse(query.as_bytes()));
    let fresh = fields.as_ref().and_then(|fields| fields.one("fresh")).is_some_and(|value| value == "1");
    let Some(departure) = oidc.depart(&call.host, &form::return_path(query), fresh, call.now) else {
        return wait(unavailable(), PAUSE);
    };
    let mut answer = redirect(departure.location);
    answer.headers_mut().append(header::SET_COOKIE, departure.cookie);
    answer
}
