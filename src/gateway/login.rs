//! The guard of the application's own login: whom an attempt is for is read before the application gets it, and what the application
//! made of it before the client does.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts};
use http_body::Body as _;

use crate::{
    common::clock,
    gateway::{
        Gateway,
        body::Body,
        head::Head,
        plan::Line,
        record::Record,
        refusal::{Kind, More, Refusal},
        request_body::RequestBody,
    },
    login::{Guard, Judged, Refused, Reservation, Rule, ledger::Standing, rule::Asked},
};

const SAFEGUARD: &str = "login";
/// What the application is told of who tries: `stranger`, `familiar_address`, `familiar_device`, or `proven` where just these credentials
/// were right a moment ago.
const X_PRIVET_LOGIN: HeaderName = HeaderName::from_static("x-privet-login");

/// What the application is told of a password that breaches have made public.
const X_PRIVET_PASSWORD: HeaderName = HeaderName::from_static("x-privet-password");

/// What the application says of a challenge: `passed` on the answer to its solution.
const X_PRIVET_CHALLENGE: HeaderName = HeaderName::from_static("x-privet-challenge");

/// An attempt that has been let through. Dropped, it gives its place back, or is charged when the application may have seen it.
#[derive(Debug)]
pub struct Attempt {
    guard: Arc<Guard>,
    rule: Arc<Rule>,
    reservation: Reservation,
    method: Method,
    path: String,
    /// Privet has made it itself, and knows what came of it.
    probe: bool,
}

/// The login that a request is an attempt at; none for every other request, which pays one comparison of paths.
#[must_use]
pub fn rule<'l>(line: &'l Line, head: &Head, parts: &Parts, body: &RequestBody) -> Option<&'l Arc<Rule>> {
    if line.logins.is_empty() {
        return None;
    }
    let (host, path) = (head.host.to_str().unwrap_or_default(), head.target.path());
    let ask = Asked { query: head.target.query(), headers: &parts.headers, has_body: !body.is_end_stream() };
    line.logins.iter().find(|rule| rule.concerns(host, &parts.method, path, &ask))
}

/// Lets an attempt to sign in through, or not; nothing for what turns out to be none.
///
/// # Errors
/// When it must wait, or can't be read.
pub async fn check(
    gateway: &Gateway,
    rule: &Arc<Rule>,
    head: &Head,
    parts: &mut Parts,
    body: &mut RequestBody,
    record: &mut Record,
) -> Result<Option<Box<Attempt>>, Refusal> {
    let query = head.target.query();
    let read = match rule.body_limit() {
        0 => Bytes::new(),
        most => body.collect(most).await?,
    };
    let apart = head.probe.is_some().then(|| gateway.plan.probes.login(rule));
    let (guard, rule) = apart.as_ref().map_or((&gateway.plan.guard, rule), |(guard, rule)| (guard, rule));
    let account = rule.username(query, &parts.headers, &read).map_err(|why| {
        record.verdict(SAFEGUARD, "unreadable");
        guard.unreadable(rule, why, head.address, &parts.headers, clock::now());
        Refusal::from(Kind::LoginUnreadable(why.name()))
    })?;
    let Some(account) = account.map(|account| account.at(head.target.path())) else { return Ok(None) };
    let reservation = match guard.check(rule, &account, head.address, &parts.headers, clock::now()).await {
        Ok(reservation) => reservation,
        Err(refused) => {
            record.verdict(SAFEGUARD, refused.why.name());
            guard.linger(rule).await;
            return Err(limited(rule, &refused));
        }
    };
    let password = rule.password(query, &parts.headers, &read);
    if let Some(password) = password
        && guard.is_breached(rule, password).await
    {
        record.verdict("password", "breached");
        parts.headers.insert(X_PRIVET_PASSWORD, HeaderValue::from_static("breached"));
    }
    if rule.answer_limit() > 0 {
        // What is compressed could not be judged.
        parts.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    parts
        .headers
        .insert(X_PRIVET_LOGIN, HeaderValue::from_static(reservation.standing().map_or("proven", Standing::name)));
    let (guard, rule) = (Arc::clone(guard), Arc::clone(rule));
    let (method, path) = (parts.method.clone(), head.target.path().to_owned());
    let probe = head.probe.is_some();
    Ok(Some(Box::new(Attempt { guard, rule, reservation, method, path, probe })))
}

/// Whoever would pass with a solved challenge is sent to it, where there is one.
fn limited(rule: &Rule, refused: &Refused) -> Refusal {
    let challenge = rule.login().challenge.as_deref().filter(|_| refused.solvable);
    let more = More {
        wait: Some(refused.retry_after),
        headers: HeaderMap::from_iter(refused.headers()),
        elsewhere: challenge.and_then(|path| HeaderValue::from_str(path).ok()),
        told: Vec::new(),
    };
    Refusal { kind: Kind::LoginLimited, source: None, more: Some(Box::new(more)) }
}

/// Notes that the application has refused somebody at this place: only where it does, letting in proves something.
pub fn refused_here(line: &Line, head: &Head) {
    line.logins.iter().for_each(|rule| rule.refuses_at(head.target.path()));
}

/// Takes the word that a challenge was solved off an answer; the cookie that its client gets, where the answer may say so.
pub fn solved(line: &Line, head: &Head, answer: &mut HeaderMap) -> Option<HeaderValue> {
    if line.challenges.is_empty() {
        return None;
    }
    let said = answer.remove(X_PRIVET_CHALLENGE).filter(|said| said == "passed");
    let (host, path) = (head.host.to_str().unwrap_or_default(), head.target.path());
    let rule = line.challenges.iter().find(|rule| said.is_some() && rule.is_challenge(host, path))?;
    rule.solved(head.address, clock::now())
}

impl Attempt {
    /// Notes that the application may see it from now on.
    pub fn forward(&mut self) {
        self.reservation.forwarded();
    }

    /// Notes that the application has agreed to an upgrade, which it does for nobody whom it does not let in.
    pub fn upgraded(self) {
        let judged = self.rule.weigh(&self.method, &self.path, StatusCode::OK, Judged::Success);
        self.guard.settle(self.reservation, judged, clock::now());
    }

    /// Notes that the application gave no answer, which is not the client's fault.
    pub fn give_up(self) {
        self.guard.settle(self.reservation, Judged::Unclear, clock::now());
    }

    /// Judges the application's answer, and gives a device that has won its cookie.
    ///
    /// # Errors
    /// When the answer breaks off before it can be judged.
    pub async fn settle(self, mut answer: Response<Body>) -> Result<Response<Body>, Refusal> {
        if self.probe {
            // Its credentials are nobody's, and its answer teaches nothing.
            let _ = self.guard.settle(self.reservation, Judged::Failure, clock::now());
            return Ok(answer);
        }
        let mut judged = self.rule.judge(answer.status(), answer.headers(), None);
        if judged == Judged::NeedsBody {
            match answer.body_mut().read_ahead(self.rule.answer_limit()).await {
                Ok(read) => judged = self.rule.judge(answer.status(), answer.headers(), Some(&read)),
                Err(kind) => {
                    self.give_up();
                    return Err(kind.into());
                }
            }
        }
        judged = self.rule.weigh(&self.method, &self.path, answer.status(), judged);
        if let Some(cookie) = self.guard.settle(self.reservation, judged, clock::now()).cookie {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(answer)
    }
}
