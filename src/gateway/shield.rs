//! Rules against intrusion, asked where a route asks for them: of the head before anybody is let in, of the body before the application gets
//! it, of the answer before the client does. What they make of it is written down when the request is over.

use std::{rc::Rc, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, Version, header, request::Parts};
use http_body::Body as _;

use crate::{
    format::coding::{Coding, Decoder},
    gateway::{
        body::Body,
        client::{Client, REBUILT, X_REQUEST_ID},
        head::Head,
        plan::{Gateway, Line},
        refusal::{Kind, Refusal},
        request_body::RequestBody,
        settings::Route,
        upload::Upload,
    },
    observe::metrics::{Labelled, Shard},
    shield::{
        Decision, Ruleset, Transaction, Verdict,
        rule::Phase,
        settings::{Mode, OnRoute},
        transaction,
    },
};

/// Bodies up to this size are looked at where they are; larger ones on a thread that keeps nobody waiting.
const NEAR: usize = 16 << 10;
/// Media types of answers that are looked at.
const TEXTS: [&str; 5] = ["text/html", "text/plain", "text/xml", "application/json", "application/xml"];

/// A request on its way through the rules. Dropped, it leaves its decision where the record finds it.
pub struct Screening {
    ruleset: Arc<Ruleset>,
    rule: OnRoute,
    route: Arc<Route>,
    shard: Shard,
    upload: Rc<Upload>,
    /// None while it is elsewhere.
    transaction: Option<Transaction>,
    verdict: Verdict,
}

/// Shows the head to the rules of a route that has some; nothing where it has none, or this one is not among those that are asked.
///
/// # Errors
/// When they refuse it.
pub fn open(
    gateway: &Gateway,
    line: &Line,
    client: &Client,
    head: &Head,
    parts: &Parts,
    upload: &Rc<Upload>,
    id: &HeaderValue,
) -> Result<Option<Box<Screening>>, Refusal> {
    let Some((rule, ruleset)) = line.route.shield.zip(gateway.plan.shield.as_ref()) else { return Ok(None) };
    if rule.mode == Mode::Detect && fastrand::u8(0..100) >= ruleset.settings().sampling {
        return Ok(None);
    }
    let _step = upload.step("shield");
    let mut transaction = ruleset.begin();
    if rule.mode == Mode::Detect {
        transaction.detect_only();
    }
    show_head(&mut transaction, client, head, parts, id);
    transaction.ask(Phase::RequestHeaders);
    let mut screening = Box::new(Screening {
        ruleset: Arc::clone(ruleset),
        rule,
        route: Arc::clone(&line.route),
        shard: Shard::clone(&gateway.shard),
        upload: Rc::clone(upload),
        transaction: Some(transaction),
        verdict: Verdict::Passed,
    });
    screening.judge(Kind::Shield)?;
    Ok(Some(screening))
}

fn show_head(transaction: &mut Transaction, client: &Client, head: &Head, parts: &Parts, id: &HeaderValue) {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let protocol: &[u8] = match parts.version {
        Version::HTTP_2 => b"HTTP/2.0",
        Version::HTTP_10 => b"HTTP/1.0",
        _ => b"HTTP/1.1",
    };
    let host = head.host.as_bytes();
    let seen = transaction::Head {
        method: parts.method.as_str().as_bytes(),
        target: target.as_bytes(),
        protocol,
        host: host.split(|byte| *byte == b':').next().unwrap_or(host),
        id: id.as_bytes(),
    };
    let peer = transaction::Peer { client: head.address, port: client.peer.address.port(), server_port: client.port };
    // What Privet itself has added is nothing that a client has sent.
    let sent = parts.headers.iter().filter(|(name, _)| !REBUILT.contains(name) && *name != X_REQUEST_ID);
    transaction.path(head.target.path().as_bytes());
    transaction.head(
        &seen,
        &peer,
        sent.chain(&head.hop).map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())),
    );
}

impl Screening {
    /// Shows the body to the rules. What comes back is for the answer; nothing where no rule asks about answers.
    ///
    /// # Errors
    /// When they refuse it, or it can't be read.
    pub async fn body(
        mut self: Box<Self>,
        parts: &Parts,
        body: &mut RequestBody,
    ) -> Result<Option<Box<Self>>, Refusal> {
        let step = Rc::clone(&self.upload);
        let _step = step.step("shield");
        let (bytes, whole) =
            if body.is_end_stream() { (Bytes::new(), true) } else { body.peek(self.ruleset.settings().body).await? };
        let (bytes, whole) = decoded(&parts.headers, bytes, self.ruleset.settings().body, whole);
        let content_type = parts.headers.get(header::CONTENT_TYPE).cloned();
        self.ask(bytes, move |transaction, bytes| {
            transaction.body(content_type.as_ref().map(HeaderValue::as_bytes).unwrap_or_default(), bytes, whole);
            transaction.ask(Phase::RequestBody);
        })
        .await;
        self.judge(Kind::Shield)?;
        let excess = self.transaction.as_ref().and_then(Transaction::exceeded);
        if excess.is_some() && self.rule.mode == Mode::Block && self.rule.refuses_excess {
            self.verdict = Verdict::Excess;
            return Err(Kind::ShieldExcess.into());
        }
        let asks = self.ruleset.settings().responses
            && self.transaction.as_ref().is_some_and(|transaction| {
                transaction.goes_on(Phase::ResponseHeaders) || transaction.goes_on(Phase::ResponseBody)
            });
        Ok(asks.then_some(self))
    }

    /// Shows the answer to the rules: its head, and its body where that is text.
    ///
    /// # Errors
    /// When they refuse it, or it breaks off.
    pub async fn answer(mut self: Box<Self>, answer: &mut Response<Body>, head_only: bool) -> Result<(), Refusal> {
        let step = Rc::clone(&self.upload);
        let _step = step.step("shield");
        if let Some(transaction) = &mut self.transaction {
            let headers = answer.headers().iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
            transaction.answer_head(answer.status().as_u16(), b"HTTP/1.1", headers);
            transaction.ask(Phase::ResponseHeaders);
        }
        self.judge(Kind::ShieldAnswer)?;
        let goes_on = self.transaction.as_ref().is_some_and(|transaction| transaction.goes_on(Phase::ResponseBody));
        if !goes_on || head_only || answer.body().is_end_stream() || !is_text(answer.headers()) {
            return Ok(());
        }
        let most = self.ruleset.settings().answer;
        let bytes: Bytes = answer.body_mut().read_ahead(most).await?.into();
        let whole = bytes.len() < most;
        let (bytes, whole) = decoded(answer.headers(), bytes, most, whole);
        self.ask(bytes, move |transaction, bytes| {
            transaction.answer_body(bytes, whole);
            transaction.ask(Phase::ResponseBody);
        })
        .await;
        self.judge(Kind::ShieldAnswer)
    }

    /// Does `ask` here where `bytes` are few, and on another thread otherwise.
    async fn ask(&mut self, bytes: Bytes, ask: impl FnOnce(&mut Transaction, &[u8]) + Send + 'static) {
        let Some(mut transaction) = self.transaction.take() else { return };
        if bytes.len() <= NEAR {
            ask(&mut transaction, &bytes);
            self.transaction = Some(transaction);
            return;
        }
        let asked = tokio::task::spawn_blocking(move || {
            ask(&mut transaction, &bytes);
            transaction
        });
        self.transaction = asked.await.ok();
    }

    /// Refuses where rules do and the route lets them. A transaction that was lost was not looked at, which is no pass where the route blocks.
    fn judge(&mut self, kind: Kind) -> Result<(), Refusal> {
        let Some(transaction) = &mut self.transaction else {
            if self.rule.mode == Mode::Detect {
                return Ok(());
            }
            self.verdict = Verdict::Refused;
            return Err(kind.into());
        };
        let Some(refused) = transaction.refused() else {
            if !transaction.findings().is_empty() {
                self.verdict = Verdict::Detected;
            }
            return Ok(());
        };
        if self.rule.mode == Mode::Block || self.ruleset.is_patch(refused.rule) {
            self.verdict = Verdict::Refused;
            return Err(kind.into());
        }
        self.verdict = Verdict::WouldRefuse;
        Ok(())
    }
}

impl Drop for Screening {
    fn drop(&mut self) {
        self.shard.count(Labelled::Shield, &[&self.route.name, self.verdict.name()]);
        let Some(transaction) = &mut self.transaction else { return };
        transaction.ask(Phase::Logging);
        if let Some(exceeded) = transaction.exceeded() {
            self.shard.count(Labelled::ShieldExceeded, &[&self.route.name, exceeded.name()]);
        }
        if self.verdict != Verdict::Passed || transaction.exceeded().is_some() {
            let decision = Decision::of(transaction, self.verdict);
            self.upload.decision.replace(Some(Box::new(decision)));
        }
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    TEXTS.iter().any(|text| text.eq_ignore_ascii_case(kind))
}

/// Up to `most` bytes of what is behind a coding, or several; as it is where one is not known, which is not the whole then.
fn decoded(headers: &HeaderMap, mut bytes: Bytes, most: usize, mut whole: bool) -> (Bytes, bool) {
    // A header that stands twice says the same as one with both (RFC 9110, section 5.3).
    let lines = headers.get_all(header::CONTENT_ENCODING).iter().map(|line| line.to_str().unwrap_or("?"));
    let names = lines.collect::<Vec<_>>().join(",");
    for name in
        names.rsplit(',').map(str::trim).filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"))
    {
        let Some(coding) = Coding::of(name) else { return (bytes, false) };
        let (mut decoder, mut out) = (Decoder::new(coding), Vec::new());
        let mut rest = &bytes[..];
        while (!rest.is_empty() || decoder.has_more()) && out.len() <= most {
            match decoder.step(rest, &mut out) {
                Ok(0) if !decoder.has_more() => break,
                Ok(read) => rest = &rest[read..],
                Err(_) => return (bytes, false),
            }
        }
        whole &= out.len() <= most && rest.is_empty();
        out.truncate(most);
        bytes = out.into();
    }
    (bytes, whole)
}
