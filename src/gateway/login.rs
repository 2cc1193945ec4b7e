//! The guard of the application's own login: whom an attempt is for is read before the application gets it, and what the application
//! made of it before the client does.

use http::{HeaderValue, Response, header, request::Parts};

use crate::{
    gateway::{
        Gateway,
        body::{Body, RequestBody},
        head::Head,
        plan::Line,
        record::Record,
        refusal::{Kind, More, Refusal},
    },
    login::{self, End, Who},
    observe::metrics::Shard,
};

const SAFEGUARD: &str = "login";

/// An attempt that has been let through.
#[derive(Debug)]
pub struct Attempt {
    inner: login::Attempt,
    shard: Shard,
}

/// Lets an attempt to sign in through, or not; nothing for every other request.
///
/// # Errors
/// When it must wait, or can't be read.
pub async fn check(
    gateway: &Gateway,
    line: &Line,
    head: &Head,
    parts: &mut Parts,
    body: &mut RequestBody,
    record: &mut Record,
) -> Result<Option<Box<Attempt>>, Refusal> {
    let (path, query) = (head.target.path(), head.target.query());
    let Some(rule) = line.logins.iter().find(|rule| rule.concerns(&parts.method, path, query, &parts.headers)) else {
        return Ok(None);
    };
    let read = match rule.body_limit() {
        Some(most) => body.collect(most).await?,
        None => bytes::Bytes::new(),
    };
    let account = rule.account(&parts.method, &parts.headers, query, &read).map_err(|unreadable| {
        record.verdict(SAFEGUARD, "unreadable");
        count(&gateway.shard, rule, "unreadable");
        Refusal::from(Kind::LoginUnreadable(unreadable.0))
    })?;
    let who = Who { account: &account, address: head.address, headers: &parts.headers };
    let inner = gateway.plan.guard.check(rule, &who).map_err(|refused| {
        record.verdict(SAFEGUARD, refused.why.name());
        count(&gateway.shard, rule, "refused");
        let more = More { wait: Some(refused.wait), headers: refused.headers() };
        Refusal { kind: Kind::LoginLimited, source: None, more: Some(Box::new(more)) }
    })?;
    if rule.answer_limit().is_some() {
        // What is compressed could not be judged.
        parts.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    Ok(Some(Box::new(Attempt { inner, shard: Shard::clone(&gateway.shard) })))
}

impl Attempt {
    /// Notes that the application may see it from now on.
    pub fn forward(&mut self) {
        self.inner.forward();
    }

    /// Notes that the application gave no answer, which is not the client's fault.
    pub fn give_up(self) {
        let rule = std::sync::Arc::clone(self.inner.rule());
        let (verdict, _) = self.inner.settle(End::Unclear);
        count(&self.shard, &rule, verdict.name());
    }

    /// Judges the application's answer, and gives a device that has won its cookie.
    ///
    /// # Errors
    /// When the answer breaks off before it can be judged.
    pub async fn settle(self, mut answer: Response<Body>) -> Result<Response<Body>, Refusal> {
        let rule = self.inner.rule();
        let read = match rule.answer_limit() {
            Some(most) => match answer.body_mut().read_ahead(most).await {
                Ok(read) => read,
                Err(kind) => {
                    self.give_up();
                    return Err(kind.into());
                }
            },
            None => Vec::new(),
        };
        let end = rule.judge(answer.status(), answer.headers(), &read);
        let rule = std::sync::Arc::clone(rule);
        let (verdict, cookie) = self.inner.settle(end);
        count(&self.shard, &rule, verdict.name());
        if let Some(cookie) = cookie {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        tracing::debug!(
            login = rule.settings().name,
            failed = (end == End::Failure),
            "an attempt to sign in is settled"
        );
        Ok(answer)
    }
}

fn count(shard: &Shard, rule: &login::Rule, verdict: &str) {
    shard.count("privet_login_attempts_total", &[("login", &rule.settings().name), ("verdict", verdict)]);
}
