//! The pages where people sign for themselves: who asks, and that the form is theirs. What a page shows and asks for is room `registry`'s.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};

use super::{
    ask::{Ask, Need},
    form::{self, FORM_COOKIE},
    forward::encoded,
    page::{self, Language, Page, Trouble, frame},
    principal::Principal,
    realm::Realm,
    serve::{Call, back, forbidden, not_allowed, not_found, redirect, unavailable, wait},
};
use crate::registry::{
    Actor, PersonId, Registry,
    page::{Look, Own},
};

impl Realm {
    pub(super) async fn serve_own(self: &Arc<Self>, own: Own, call: &Call) -> Response<Bytes> {
        let Some(registry) = self.registry() else { return not_found() };
        // A script of the application, which is of this very site, must not sign for whoever looks at it.
        if !form::is_page_of_its_own(call.request.headers()) {
            return forbidden();
        }
        let ask = Ask {
            headers: call.request.headers(),
            client_certificate: call.client_certificate.as_ref(),
            address: call.address,
            now: call.now,
            target: own.path(),
            wants_html: true,
        };
        let who = match self.recognise(&ask).await {
            Ok(who) => who,
            Err(Need::SignIn { location, .. } | Need::StepUp { location }) => return redirect(location),
            Err(Need::Wait { retry_after }) => return wait(unavailable(), retry_after),
            Err(Need::Forbidden) => return forbidden(),
        };
        match *call.request.method() {
            Method::GET | Method::HEAD => self.show_own(own, call, &registry, &who, None),
            Method::POST => self.take_own(own, call, &registry, &who).await,
            _ => not_allowed("GET, HEAD, POST"),
        }
    }

    fn show_own(
        &self,
        own: Own,
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
            token: &self.form_key.token(page_of(own).form(), nonce.as_bytes()),
            query: &if back == "/" { String::new() } else { format!("?return={}", encoded(&back)) },
            now: call.now,
        };
        let Some((title, main)) = own.serve(&registry.state(), &look) else { return not_found() };
        let onward = format!("<p><a href=\"{}\">{}</a></p>", encoded_path(&back), language.of_two("Go on", "계속"));
        let html = frame(language, title, trouble, &format!("{main}{onward}"), false);
        let mut answer = page::respond(html, language, trouble.map_or(StatusCode::OK, Trouble::status), false);
        answer.headers_mut().append(header::SET_COOKIE, form::set_cookie(FORM_COOKIE, &nonce));
        answer
    }

    async fn take_own(
        self: &Arc<Self>,
        own: Own,
        call: &Call,
        registry: &Arc<Registry>,
        who: &Principal,
    ) -> Response<Bytes> {
        let refuse = |trouble| self.show_own(own, call, registry, who, Some(trouble));
        let fields = match call.fields(self, page_of(own)) {
            Ok(fields) => fields,
            Err(trouble) => return refuse(trouble),
        };
        let Some(command) = own.asked(|name| fields.one(name)) else { return refuse(Trouble::Stale) };
        let actor = Actor::Person(PersonId::new(&who.issuer, &who.subject));
        match registry.submit(command, &actor, call.now).await {
            Ok(_) if call.return_path() == "/" => redirect(HeaderValue::from_static(own.path())),
            Ok(_) => redirect(back(call)),
            Err(denied) if denied.is_trouble() => {
                tracing::error!(%denied, "a signature could not be written down");
                unavailable()
            }
            // Another version came meanwhile, or they have signed in another window.
            Err(_) if own == Own::Pledge => refuse(Trouble::Stale),
            Err(_) => refuse(Trouble::NotSigned),
        }
    }
}

fn page_of(own: Own) -> Page {
    match own {
        Own::Pledge => Page::Pledge,
        Own::Handovers => Page::Handovers,
    }
}

/// A path that was found to be one of this site, in an attribute.
fn encoded_path(path: &str) -> String {
    path.replace('&', "&amp;").replace('"', "%22").replace('<', "%3C").replace('>', "%3E").replace('\'', "%27")
}
