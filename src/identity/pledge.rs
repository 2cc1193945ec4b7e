//! The page of the security pledge: who asks, and that the form is theirs. What it shows and asks for is room `registry`'s.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};

use super::{
    form::{self, FORM_COOKIE, SIGN_IN},
    forward::encoded,
    page::{self, Language, Page, Trouble, frame},
    principal::Principal,
    realm::Realm,
    serve::{Call, back, forbidden, not_allowed, not_found, redirect, unavailable},
    session::Stage,
};
use crate::registry::{
    Actor, PersonId, Registry,
    page::{Look, PLEDGE, asked, serve},
};

impl Realm {
    pub(super) async fn serve_pledge(self: &Arc<Self>, call: &Call) -> Response<Bytes> {
        let Some(registry) = self.registry() else { return not_found() };
        // A script of the application, which is of this very site, must not sign for whoever looks at it.
        if !form::is_page_of_its_own(call.request.headers()) {
            return forbidden();
        }
        let current = self.current(call.request.headers(), call.now).await;
        let Some(current) = current.filter(|current| current.entry.stage == Stage::Known) else {
            return redirect(form::location(SIGN_IN, PLEDGE));
        };
        let who = current.entry.principal();
        match *call.request.method() {
            Method::GET | Method::HEAD => self.show_pledge(call, &registry, &who, None),
            Method::POST => self.take_pledge(call, &registry, &who).await,
            _ => not_allowed("GET, HEAD, POST"),
        }
    }

    fn show_pledge(
        &self,
        call: &Call,
        registry: &Registry,
        who: &Principal,
        trouble: Option<Trouble>,
    ) -> Response<Bytes> {
        let Some(nonce) = call.held_nonce().or_else(form::nonce) else { return unavailable() };
        let language = Language::of(call.request.headers());
        let back = call.return_path();
        let look = Look {
            person: &PersonId::new(&who.issuer, &who.subject),
            language: language.of_two("en", "ko"),
            token: &self.form_key.token(Page::Pledge.form(), nonce.as_bytes()),
            query: &if back == "/" { String::new() } else { format!("?return={}", encoded(&back)) },
            now: call.now,
        };
        let Some((title, main)) = serve(&registry.state(), &look) else { return not_found() };
        let onward = format!("<p><a href=\"{}\">{}</a></p>", encoded_path(&back), language.of_two("Go on", "계속"));
        let html = frame(language, title, trouble, &format!("{main}{onward}"), false);
        let mut answer = page::respond(html, language, trouble.map_or(StatusCode::OK, Trouble::status), false);
        answer.headers_mut().append(header::SET_COOKIE, form::set_cookie(FORM_COOKIE, &nonce));
        answer
    }

    async fn take_pledge(self: &Arc<Self>, call: &Call, registry: &Arc<Registry>, who: &Principal) -> Response<Bytes> {
        let refuse = |trouble| self.show_pledge(call, registry, who, Some(trouble));
        let fields = match call.fields(self, Page::Pledge) {
            Ok(fields) => fields,
            Err(trouble) => return refuse(trouble),
        };
        let Some(command) = asked(|name| fields.one(name)) else { return refuse(Trouble::Stale) };
        let actor = Actor::Person(PersonId::new(&who.issuer, &who.subject));
        match registry.submit(command, &actor, call.now).await {
            Ok(_) if call.return_path() == "/" => redirect(HeaderValue::from_static(PLEDGE)),
            Ok(_) => redirect(back(call)),
            Err(denied) if denied.is_trouble() => {
                tracing::error!(%denied, "a pledge could not be written down");
                unavailable()
            }
            // Another version came meanwhile, or they have signed in another window.
            Err(_) => refuse(Trouble::Stale),
        }
    }
}

/// A path that was found to be one of this site, in an attribute.
fn encoded_path(path: &str) -> String {
    path.replace('&', "&amp;").replace('"', "%22").replace('<', "%3C").replace('>', "%3E").replace('\'', "%27")
}
