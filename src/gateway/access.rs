//! Who may do what with personal data on a route, for what, and what of it they see: the question is put together here, policies answer it
//! (room `access`), and the answer becomes a mask and a duty to record.
//!
//! Whoever has not said what they work for, or has not signed the pledge, is led to Privet's page for it; a program is told.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};

use crate::{
    access::{
        Access, Action, Ask, Decision, Permit,
        canary::Seeds,
        chosen::{self, Chosen},
        consent::Desk,
        header::Stated,
        kept::{CookieKey, Holder},
        page::{self, Sent, Trouble, View},
        subject::Subjects,
    },
    common::clock,
    gateway::{
        body::Body,
        head::Head,
        kin::{Kin, Surnames},
        plan::Line,
        record::Record,
        refusal::{Kind, More, Refusal},
    },
    identity::{
        Principal, Realm, form,
        guest::{self, Guest},
        serve::Call,
    },
    incident::remedy::Overlay,
    journal::Journal,
    privacy::surname::FullName,
    registry::{PersonId, Pledged, Registry, Standing, page::PLEDGE},
};

const SAFEGUARD: &str = "access";

/// What a process decides by about personal data. It outlives requests, and is made anew with each configuration.
#[derive(Debug)]
pub struct Authority {
    /// Policies and purposes.
    pub access: Access,
    /// Who is what, and who has promised.
    pub registry: Option<Arc<Registry>>,
    /// Who has agreed to what, where it is known.
    pub consents: Option<Arc<Desk>>,
    /// What people are called in records.
    pub subjects: Subjects,
    /// Who invents canaries.
    pub canaries: Seeds,
    /// Where it is written down.
    pub journal: Option<Arc<Journal>>,
    /// Seals what browsers keep.
    pub cookies: CookieKey,
    /// Countermeasures that hold.
    pub overlay: Arc<Overlay>,
    /// What staff are called, where the configuration says it.
    pub names: HashMap<PersonId, FullName>,
}

impl Authority {
    /// What compares names that go by with that of whoever reads them; nothing where nobody's is known.
    #[must_use]
    pub fn kin(&self, who: Option<&Principal>, surnames: &Arc<Surnames>) -> Option<Kin> {
        let who = who?;
        let own = self.names.get(&PersonId::new(&who.issuer, &who.subject)).or(who.name.as_ref());
        (own.is_some() || !self.names.is_empty()).then(|| Kin::new(own, surnames))
    }
}

/// What becomes of a request for personal data.
pub enum Passed {
    /// It goes on under this permit.
    Permitted(Box<Permitted>),
    /// A browser is led to a page.
    Elsewhere(Box<Response<Body>>),
}

/// A permit in use.
#[derive(Debug)]
pub struct Permitted {
    authority: Arc<Authority>,
    /// What may be seen, and for what.
    pub permit: Permit,
    /// What is done.
    pub action: Action,
    /// The ticket that was named.
    pub ticket: Option<String>,
    asked: Asked,
}

/// All that policies are asked about, kept for another question about the same request.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a circumstance that policies speak of")]
struct Asked {
    route: Arc<str>,
    roles: Vec<String>,
    duty: Option<String>,
    purpose: Option<String>,
    ticket: bool,
    consent: bool,
    pledged: bool,
    second_factor: bool,
    address: IpAddr,
    now: SystemTime,
    glass: bool,
}

impl Asked {
    fn decide(&self, authority: &Authority, action: Action) -> Decision {
        let access = &authority.access;
        let roles: Vec<&str> = self.roles.iter().map(String::as_str).collect();
        let seconds = self.now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let (hour, weekday) = access.settings().office(seconds);
        let mut decision = access.authorize(&Ask {
            route: &self.route,
            action,
            roles: &roles,
            duty: self.duty.as_deref(),
            purpose: self.purpose.as_deref(),
            ticket: self.ticket,
            consent: self.consent,
            pledged: self.pledged,
            second_factor: self.second_factor,
            address: self.address,
            hour,
            weekday,
            bulk: action == Action::Download,
            glass: self.glass,
        });
        if let Decision::Permit(permit) = &mut decision
            && authority.overlay.masks(&self.roles)
        {
            permit.reveal = [].into();
        }
        decision
    }
}

/// What a request does with data, by its method. A POST to somebody's own address changes what is there.
#[must_use]
pub fn action(method: &Method, is_of_somebody: bool) -> Action {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => Action::View,
        Method::DELETE => Action::Delete,
        Method::POST if !is_of_somebody => Action::Create,
        _ => Action::Change,
    }
}

/// The way to the pledge for whoever has not signed the one in force, on a route that carries personal data; nothing for all others.
///
/// # Errors
/// When they have not, and are a program.
pub fn wall(
    authority: &Authority,
    line: &Line,
    principal: &Principal,
    head: &Head,
    parts: &Parts,
    record: &mut Record,
) -> Result<Option<Response<Body>>, Kind> {
    let carries = line.route.record || line.route.mask.is_some();
    if !carries
        || has_signed(head)
        || standing(authority, principal, clock::now()).is_none_or(|standing| has_pledged(&standing))
    {
        return Ok(None);
    }
    record.verdict(SAFEGUARD, "pledge");
    elsewhere(PLEDGE, super::gate::wants_html(parts), head, parts, Kind::Pledge).map(Some)
}

/// How it stands with somebody, where there is a registry that says so.
fn standing(authority: &Authority, principal: &Principal, now: SystemTime) -> Option<Standing> {
    let state = authority.registry.as_ref()?.state();
    let person = PersonId::new(&principal.issuer, &principal.subject);
    state.is_founded().then(|| state.standing(&person, now))
}

/// Whether a probe speaks for somebody who has signed.
fn has_signed(head: &Head) -> bool {
    head.probe.as_ref().is_some_and(|probe| probe.signed)
}

fn has_pledged(standing: &Standing) -> bool {
    standing.pledge == Pledged::Current
}

/// Whether `principal` may do with personal data what `parts` ask for.
///
/// # Errors
/// When they may not; or when something is missing, and they are a program.
pub fn authorize(
    authority: &Arc<Authority>,
    line: &Line,
    principal: &Principal,
    head: &Head,
    parts: &mut Parts,
    record: &mut Record,
) -> Result<Passed, Refusal> {
    let asked = asked(authority, line, principal, head, parts)?;
    let (asked, ticket) = asked;
    let action = action(&parts.method, line.subject_of(head.target.path()).is_some());
    let browser = super::gate::wants_html(parts);
    let decision = asked.decide(authority, action);
    record.verdict(SAFEGUARD, verdict(&decision));
    match decision {
        Decision::Permit(permit) => {
            let permitted = Permitted { authority: Arc::clone(authority), permit, action, ticket, asked };
            Ok(Passed::Permitted(Box::new(permitted)))
        }
        Decision::Purpose(_) | Decision::Ticket | Decision::Glass => {
            Ok(Passed::Elsewhere(Box::new(elsewhere(form::PURPOSE, browser, head, parts, Kind::Purpose)?)))
        }
        // The wall stands before.
        Decision::Pledge => Err(Kind::Pledge.into()),
        Decision::Deny(why) => Err(Refusal::caused_by(Kind::Access, why.to_string())),
    }
}

/// What is asked about a request, and the ticket that it names.
fn asked(
    authority: &Authority,
    line: &Line,
    principal: &Principal,
    head: &Head,
    parts: &Parts,
) -> Result<(Asked, Option<String>), Refusal> {
    let now = clock::now();
    let standing = standing(authority, principal, now);
    let duty = standing.as_ref().and_then(|standing| standing.roles.iter().find_map(|held| held.duty.clone()));
    let stated = Stated::of(&head.stated).map_err(|unclear| Refusal::caused_by(Kind::Purpose, unclear))?;
    let chosen = match stated {
        Some(Stated { purpose, ticket }) => Some((purpose, ticket, false)),
        None => kept(authority, principal, parts, now).map(|chosen| (chosen.purpose, chosen.ticket, chosen.glass)),
    };
    let (purpose, ticket, glass) =
        chosen.map_or((None, None, false), |(purpose, ticket, glass)| (Some(purpose), ticket, glass));
    let asked = Asked {
        route: line.route.name.as_str().into(),
        roles: principal.roles.clone(),
        duty,
        purpose,
        ticket: ticket.is_some(),
        consent: authority.consents.is_some()
            || line.route.records.as_ref().is_some_and(|records| !records.consent.is_empty()),
        // Without a registry nobody could sign, and nothing says that they have to.
        pledged: has_signed(head) || standing.as_ref().is_none_or(has_pledged),
        second_factor: principal.has_second_factor(),
        address: head.address,
        now,
        glass,
    };
    Ok((asked, ticket))
}

/// What the browser keeps of the choice that was made.
fn kept(authority: &Authority, principal: &Principal, parts: &Parts, now: SystemTime) -> Option<Chosen> {
    let text = form::cookie(&parts.headers, chosen::COOKIE)?;
    let session = guest::session(&parts.headers)?;
    let roles: Vec<&str> = principal.roles.iter().map(String::as_str).collect();
    Chosen::open(text, &authority.cookies, holder(&session, principal, &roles), now)
}

/// Whoever holds what is kept for them.
pub(super) fn holder<'a>(session: &'a [u8; 32], principal: &'a Principal, roles: &'a [&'a str]) -> Holder<'a> {
    Holder { session, issuer: &principal.issuer, subject: &principal.subject, roles }
}

fn verdict(decision: &Decision) -> &'static str {
    match decision {
        Decision::Permit(permit) if permit.review => "review",
        Decision::Permit(_) => "pass",
        Decision::Purpose(_) => "purpose",
        Decision::Pledge => "pledge",
        Decision::Ticket => "ticket",
        Decision::Glass => "glass",
        Decision::Deny(_) => "deny",
    }
}

/// Leads a browser to `page` and back; a program gets `kind`.
fn elsewhere(
    page: &'static str,
    browser: bool,
    head: &Head,
    parts: &Parts,
    kind: Kind,
) -> Result<Response<Body>, Kind> {
    if !browser {
        return Err(kind);
    }
    let target = if parts.method.is_safe() { head.target.as_str() } else { "/" };
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    answer.headers_mut().insert(header::LOCATION, form::location(page, target));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

impl Permitted {
    /// What the answer turned out to be is taken along: another question, and another mask.
    ///
    /// # Errors
    /// When that may not be.
    pub fn take_along(&mut self) -> Result<(), Refusal> {
        if self.action != Action::View {
            return Ok(());
        }
        match self.asked.decide(&self.authority, Action::Download) {
            Decision::Permit(permit) => {
                self.permit = permit;
                self.action = Action::Download;
                Ok(())
            }
            decision => Err(match decision {
                Decision::Ticket | Decision::Purpose(_) | Decision::Glass => Kind::Purpose.into(),
                Decision::Deny(why) => Refusal::caused_by(Kind::Access, why.to_string()),
                _ => Kind::Access.into(),
            }),
        }
    }
}

/// The page where people say what they work for.
pub async fn serve_purpose(authority: &Authority, realm: &Arc<Realm>, call: &Call) -> Response<Bytes> {
    let guest = match realm.guest(call, page::PATH, page::FORM).await {
        Ok(guest) => guest,
        Err(answer) => return answer,
    };
    let who = &*guest.principal;
    let roles: Vec<&str> = who.roles.iter().map(String::as_str).collect();
    let purposes: Vec<_> = authority.access.purposes(&roles).collect();
    let show = |trouble: Option<Trouble>, status| {
        let query = Guest::query(call);
        let view = View {
            purposes: &purposes,
            chosen: None,
            trouble,
            korean: guest.is_korean(),
            token: &guest.token,
            query: &query,
            glass: true,
        };
        let (title, main) = page::html(&view);
        guest.page(title, &main, status)
    };
    if call.request.method() != Method::POST {
        return show(None, StatusCode::OK);
    }
    let sent = Sent::read(call.request.body());
    if !realm.has_given(call, page::FORM, &sent.token) {
        return show(Some(Trouble::Stale), StatusCode::BAD_REQUEST);
    }
    let (purpose, ticket) = match sent.judged(&purposes) {
        Ok(judged) => judged,
        Err(trouble) => return show(Some(trouble), StatusCode::UNPROCESSABLE_ENTITY),
    };
    let chosen = Chosen::new(&purpose.key, ticket, sent.glass, call.now);
    let sealed = chosen.seal(&authority.cookies, holder(&guest.session, who, &roles));
    match sealed.and_then(|sealed| HeaderValue::from_str(&chosen::set_cookie(&sealed)).ok()) {
        Some(cookie) => guest::go_back(call, cookie),
        None => show(Some(Trouble::Stale), StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// A refusal that says when to come again.
#[must_use]
pub fn unrecorded() -> Refusal {
    let more = More { wait: Some(std::time::Duration::from_secs(10)), ..More::default() };
    Refusal { kind: Kind::Unrecorded, source: None, more: Some(Box::new(more)) }
}
