//! The console: what the privacy officer and whoever operates the gateway look at, over TLS on an address of its own; SCIM and the API are behind it as well.
//!
//! What happens to a request, in [`Console::answer`]: SCIM and the API, each by its own proofs; the realm's own pages, where people sign in; the gate, which wants a
//! session and a role; the page or the deed of the path. Pages are HTML from here, without a script, and show what the gateway answers to
//! commands, by the same function. A deed is an order of the command line in the name of whoever has signed in, and is written down as such.
//!
//! - [`listener`]: the socket, TLS and HTTP/1.1.
//! - `router`: the table of pages and deeds; a new one is a line.
//! - `visit`: who asks for what; `layout`, `words`, `list`, `chart`, `form`: what pages are made of.
//! - `page` and `action`: the pages and deeds, one a file.
//! - [`traffic`]: the last quarter of an hour.

mod action;
mod chart;
mod form;
mod layout;
mod list;
pub mod listener;
mod page;
mod router;
pub mod traffic;
mod visit;
mod words;

use std::{net::IpAddr, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use rustls::pki_types::CertificateDer;
use tokio::time::timeout;

use self::{
    layout::Shown,
    router::{Action, Page},
    traffic::Traffic,
    visit::{Absent, Query, Visit, Who, is_officer, language, language_cookie},
};
use super::{api::Api, control::Reach, scim::Scim};
use crate::{
    common::clock,
    identity::{
        Ask, Need, Principal, Realm,
        form::{Fields, PREFIX},
        page::Language,
        serve::{BODY_LIMIT, Call},
        settings::Gate,
    },
    registry::person::OFFICER,
};

/// Where SCIM is.
const SCIM: &str = "/scim/";
/// How old a sign-in may be for what is grave.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// How long a request may take to come as a whole: places at the listener are few, and nobody has to have signed in to take one.
const WHOLE: Duration = Duration::from_secs(10);

/// All that is behind the listener.
#[derive(Debug)]
pub struct Console {
    scim: Arc<Scim>,
    api: Arc<Api>,
    reach: Arc<Reach>,
    traffic: Arc<Traffic>,
    /// Roles that operate the gateway.
    operators: ArcSwap<Vec<String>>,
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// What it has proved in the handshake.
    pub certificate: Option<CertificateDer<'static>>,
}

impl Console {
    /// Over what commands reach.
    #[must_use]
    pub fn new(
        scim: Arc<Scim>,
        api: Arc<Api>,
        reach: Arc<Reach>,
        traffic: Arc<Traffic>,
        operators: Vec<String>,
    ) -> Self {
        Self { scim, api, reach, traffic, operators: ArcSwap::from_pointee(operators) }
    }

    /// Takes other roles.
    pub fn apply(&self, operators: Vec<String>) {
        self.operators.store(Arc::new(operators));
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request<Incoming>, peer: &Peer) -> Response<Full<Bytes>> {
        if request.uri().path().starts_with(SCIM) {
            return self.scim.answer(request).await;
        }
        if Api::has(request.uri().path()) {
            return self.api.answer(request, peer).await;
        }
        let is_head = request.method() == Method::HEAD;
        let answer = match timeout(WHOLE, whole(request)).await {
            Ok(Ok(request)) => self.serve(request, peer).await,
            Ok(Err(status)) => layout::plain(Language::English, "Too long", "The request is too long.", status),
            Err(_) => {
                let text = "The request did not come as a whole.";
                layout::plain(Language::English, "Too slow", text, StatusCode::REQUEST_TIMEOUT)
            }
        };
        answer.map(|body| if is_head { Full::default() } else { Full::new(body) })
    }

    async fn serve(&self, request: Request<Bytes>, peer: &Peer) -> Response<Bytes> {
        let query = Query::of(request.uri().query());
        let (language, is_chosen) = language(&query, request.headers());
        let office = self.reach.office.load_full();
        let realm = match &office {
            Some(office) => office.realm().await,
            None => None,
        };
        let Some(realm) = realm else { return nobody_known(language) };
        if request.uri().path().starts_with(PREFIX) {
            let host = host(request.headers());
            let (address, client_certificate) = (peer.address, peer.certificate.clone());
            return realm.serve(Call { request, host, address, client_certificate, now: clock::now() }).await;
        }
        let mut answer = self.pass(realm, &request, query, language, peer).await;
        if is_chosen {
            answer.headers_mut().append(header::SET_COOKIE, language_cookie(language));
        }
        answer
    }

    /// The gate, and what is behind it.
    async fn pass(
        &self,
        realm: &Arc<Realm>,
        request: &Request<Bytes>,
        query: Query,
        language: Language,
        peer: &Peer,
    ) -> Response<Bytes> {
        let path = request.uri().path();
        let (page, action) = (router::page(path), router::action(path));
        let is_grave = action.as_ref().is_some_and(|(action, _)| action.is_grave);
        let mut gate = Gate::new(realm.name());
        gate.roles = self.operators.load().iter().cloned().chain([OFFICER.to_owned()]).collect();
        gate.max_age = is_grave.then_some(FRESH);
        let ask = Ask {
            headers: request.headers(),
            client_certificate: peer.certificate.as_ref(),
            address: peer.address,
            now: clock::now(),
            target: if is_read(request.method()) {
                request.uri().path_and_query().map_or("/", |it| it.as_str())
            } else {
                path
            },
            wants_html: true,
        };
        let who = match realm.identify(&ask, &gate).await {
            Ok(who) => who,
            Err(need) => return turned_away(language, need),
        };
        let asked = page.as_ref().map(|(page, _)| page.who).or(action.as_ref().map(|(action, _)| action.who));
        match asked {
            None => return missing(language),
            Some(Who::Officer) if !is_officer(&who) => return forbidden(language),
            Some(_) => {}
        }
        let rest = page.as_ref().map(|(_, rest)| rest).or(action.as_ref().map(|(_, rest)| rest));
        let visit = self.visit(realm, request, (who, query, language), rest.cloned().unwrap_or_default());
        match (page, action) {
            (Some((page, _)), _) => open(&visit, page, request.method()).await,
            (None, Some((action, _))) => deed(&visit, action, realm, request).await,
            (None, None) => missing(language),
        }
    }

    fn visit(
        &self,
        realm: &Realm,
        request: &Request<Bytes>,
        (who, query, language): (Arc<Principal>, Query, Language),
        rest: String,
    ) -> Visit {
        let path = request.uri().path().to_owned();
        Visit {
            reach: Arc::clone(&self.reach),
            traffic: Arc::clone(&self.traffic),
            who,
            realm: realm.name().to_owned(),
            language,
            token: realm.form_token(request.headers(), &path),
            path,
            rest,
            query,
            is_from_here: request.headers().get("sec-fetch-site").is_some_and(|site| site == "same-origin"),
        }
    }
}

async fn open(visit: &Visit, page: &Page, method: &Method) -> Response<Bytes> {
    if !is_read(method) {
        return only(visit.language, "GET, HEAD");
    }
    let shown = (page.show)(visit).await;
    shown_or(visit, page.title(visit.language), shown)
}

/// Shows the form of a deed, says what it would do, or lets it happen: with the token of this session's page alone.
async fn deed(visit: &Visit, action: &Action, realm: &Realm, request: &Request<Bytes>) -> Response<Bytes> {
    let title = action.title(visit.language);
    if is_read(request.method()) {
        return shown_or(visit, title, action.act.begin(visit).await);
    }
    if request.method() != Method::POST {
        return only(visit.language, "GET, HEAD, POST");
    }
    let headers = request.headers();
    let fields = is_form(headers).then(|| Fields::parse(request.body())).flatten();
    let token = fields.as_ref().and_then(|fields| fields.one(form::TOKEN)).unwrap_or_default();
    let Some(fields) = fields.as_ref().filter(|_| realm.takes_form(headers, &host(headers), &visit.path, token)) else {
        let why = visit.say(
            "The form does not come from a page of this session, or was open for too long. Nothing has happened. Open it again.",
            "이 세션의 화면에서 보낸 양식이 아니거나 만료되었습니다. 아무것도 실행되지 않았습니다. 다시 열어 주세요.",
        );
        return shown_or(visit, title, Err(Absent::new(StatusCode::FORBIDDEN, why)));
    };
    shown_or(visit, title, action.act.take(visit, fields).await)
}

fn shown_or(visit: &Visit, title: &str, shown: Result<Shown, Absent>) -> Response<Bytes> {
    match shown {
        Ok(shown) => layout::answer(visit, title, shown, StatusCode::OK),
        Err(Absent { status, why }) => layout::answer(visit, title, Shown::trouble(&why), status),
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

fn host(headers: &HeaderMap) -> String {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned()
}

async fn whole(request: Request<Incoming>) -> Result<Request<Bytes>, StatusCode> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT).collect().await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    Ok(Request::from_parts(parts, body.to_bytes()))
}

fn turned_away(language: Language, need: Need) -> Response<Bytes> {
    match need {
        Need::SignIn { location, .. } | Need::StepUp { location } => layout::elsewhere(location),
        Need::Forbidden => forbidden(language),
        Need::Wait { retry_after } => {
            let title = language.of_two("Too many attempts", "시도 횟수 초과");
            let text = language.of_two("Please wait a while.", "잠시 후 다시 시도해 주세요.");
            let mut answer = layout::plain(language, title, text, StatusCode::TOO_MANY_REQUESTS);
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
            answer
        }
    }
}

fn forbidden(language: Language) -> Response<Bytes> {
    let text = language.of_two(
        "This is for privacy officers, and some pages for those who operate the gateway. If the office asks for a second factor, sign in with one.",
        "개인정보 보호책임자를 위한 화면이며, 일부는 게이트웨이 운영자가 볼 수 있습니다. 2단계 인증이 필요하면 해당 수단으로 로그인하세요.",
    );
    layout::plain(language, language.of_two("Not for you", "권한이 없습니다"), text, StatusCode::FORBIDDEN)
}

fn missing(language: Language) -> Response<Bytes> {
    let text = language.of_two("There is no such page.", "해당 페이지가 없습니다.");
    layout::plain(language, language.of_two("Not found", "찾을 수 없음"), text, StatusCode::NOT_FOUND)
}

fn only(language: Language, methods: &'static str) -> Response<Bytes> {
    let title = language.of_two("Not possible", "허용되지 않음");
    let text = language.of_two("This can't be done here.", "이 요청은 처리할 수 없습니다.");
    let mut answer = layout::plain(language, title, text, StatusCode::METHOD_NOT_ALLOWED);
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
    answer
}

fn nobody_known(language: Language) -> Response<Bytes> {
    let text = language.of_two(
        "This gateway has no registry, so nobody can be known here: it keeps no journal, or is one of several with a journal each.",
        "이 게이트웨이에는 담당자 등록부가 없어 로그인할 수 없습니다. 기록을 남기지 않거나 여러 게이트웨이가 각자 기록을 남기는 구성입니다.",
    );
    let title = language.of_two("No registry", "등록부 없음");
    layout::plain(language, title, text, StatusCode::SERVICE_UNAVAILABLE)
}
