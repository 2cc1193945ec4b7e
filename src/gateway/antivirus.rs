//! Malware, looked for where a route asks for it: in what people send, before the application has a byte of it, and in what they get.
//!
//! A body is held until all of it is here, and scanned then. A route that only detects does the same, and refuses nothing: so it tells what
//! blocking would cost.

use std::{future::poll_fn, rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header, request::Parts};
use http_body::Frame;

use crate::{
    antivirus::{
        About, Decision, Direction, Mode, OnRoute, Reading, Scanned, Scanner, Verdict,
        replay::Replay,
        spool::{Error, Spool},
    },
    gateway::{
        body::{Answer, Body},
        head::Head,
        mask::limit_codings,
        plan::{Gateway, Line},
        refusal::{Kind, More, Refusal, Told},
        request_body::RequestBody,
        settings::Route,
        upload::Upload,
    },
    observe::metrics::{Labelled, Shard},
};

/// How long a client should wait before it tries again.
const LATER: Duration = Duration::from_secs(5);

/// A body that is to be scanned.
pub struct Inspection {
    scanner: Arc<Scanner>,
    rule: OnRoute,
    mode: Mode,
    about: About,
    route: Arc<Route>,
    shard: Shard,
    upload: Rc<Upload>,
}

/// What is to be scanned of a request on its way in this direction: nothing where its route does not ask for that, or there `is` nothing.
#[must_use]
pub fn open(
    gateway: &Gateway,
    line: &Line,
    upload: &Rc<Upload>,
    id: &HeaderValue,
    direction: Direction,
    is: bool,
) -> Option<Box<Inspection>> {
    let (rule, scanner) = line.route.antivirus.zip(gateway.plan.antivirus.as_ref()).filter(|_| is)?;
    let mode = match direction {
        Direction::Upload => rule.uploads,
        Direction::Download => rule.downloads,
    }?;
    let request = id.to_str().unwrap_or("-").to_owned();
    Some(Box::new(Inspection {
        scanner: Arc::clone(scanner),
        rule,
        mode,
        about: About { route: line.route.name.clone(), request, direction, probe: upload.probe.get() },
        route: Arc::clone(&line.route),
        shard: Shard::clone(&gateway.shard),
        upload: Rc::clone(upload),
    }))
}

impl Inspection {
    /// What is known before a byte of the body was asked for.
    ///
    /// # Errors
    /// When it will be refused anyway.
    pub fn expect(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        match self.foresee(headers) {
            Err(verdict) if self.refuses(&verdict) => self.settle(verdict, &[]),
            _ => Ok(()),
        }
    }

    /// How a body is to be read, or the verdict on one that need not be seen.
    fn foresee(&self, headers: &HeaderMap) -> Result<Reading, Verdict> {
        if self.mode == Mode::Block && self.rule.closed_when_stale && self.scanner.is_stale() {
            return Err(Verdict::Stale);
        }
        if self.scanner.signatures().is_nobody_there() {
            return Err(Verdict::Unavailable("nobody answers"));
        }
        let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > self.scanner.settings().max_size) {
            return Err(Verdict::Exceeded);
        }
        Reading::new(headers)
    }

    /// Holds what a client sends until it is judged; it goes on where it may.
    ///
    /// # Errors
    /// When it may not, or can't be read.
    pub async fn body(self: Box<Self>, head: &Head, parts: &Parts, body: &mut RequestBody) -> Result<(), Refusal> {
        let step = Rc::clone(&self.upload);
        let _step = step.step("antivirus");
        let reading = match self.foresee(&parts.headers) {
            Ok(reading) => reading,
            Err(verdict) => return self.settle(verdict, &[]),
        };
        let mut spool = self.scanner.hold(head.address);
        let mut over = None;
        while let Some(piece) = body.take().await? {
            if let Err(verdict) = self.hold(&mut spool, &piece).await? {
                over = Some((verdict, piece));
                break;
            }
        }
        let held = Arc::new(spool.finish().await.map_err(|error| self.lost(error))?);
        if let Some((verdict, piece)) = over {
            body.put_back(Replay::new(held), Some(piece));
            return self.settle(verdict, &[]);
        }
        let Scanned { verdict, files } = self.scanner.scan(&held, reading, &self.about, head.address).await;
        body.put_back(Replay::new(held), None);
        self.settle(verdict, &files)
    }

    /// Asks for an answer that can be scanned: a whole one, in codings that can be undone.
    pub fn ask(&self, parts: &mut Parts) {
        for name in [header::RANGE, header::IF_RANGE] {
            parts.headers.remove(name);
        }
        limit_codings(&mut parts.headers);
    }

    /// Holds what the application answers until it is judged.
    ///
    /// # Errors
    /// When the client may not have it, or it can't be read.
    pub async fn answer(self: Box<Self>, head: &Head, answer: &mut Response<Body>) -> Result<(), Refusal> {
        let step = Rc::clone(&self.upload);
        let _step = step.step("antivirus");
        if is_stream(answer.headers()) {
            return Ok(());
        }
        let (status, headers) = (answer.status(), answer.headers().clone());
        let Some(source) = answer.body_mut().answer_mut().filter(|source| !source.is_end_stream()) else {
            return Ok(());
        };
        if status == StatusCode::PARTIAL_CONTENT {
            return self.settle(Verdict::Unreadable("a part of a file"), &[]);
        }
        let reading = match self.foresee(&headers) {
            Ok(reading) => reading,
            Err(verdict) => return self.settle(verdict, &[]),
        };
        let mut spool = self.scanner.hold(head.address);
        let (mut over, mut after) = (None, None);
        while let Some(frame) = next(source).await? {
            match frame.data_ref() {
                Some(piece) => {
                    if let Err(verdict) = self.hold(&mut spool, piece).await? {
                        (over, after) = (Some(verdict), Some(frame));
                        break;
                    }
                }
                // Trailers end it.
                None => after = Some(frame),
            }
        }
        let held = Arc::new(spool.finish().await.map_err(|error| self.lost(error))?);
        let Scanned { verdict, files } = match over {
            Some(verdict) => Scanned { verdict, files: Vec::new() },
            None => self.scanner.scan(&held, reading, &self.about, head.address).await,
        };
        source.held = Some(Box::new((Replay::new(held), after)));
        self.settle(verdict, &files)
    }

    /// Holds a piece more, or says why it is not held.
    async fn hold(&self, spool: &mut Spool, piece: &Bytes) -> Result<Result<(), Verdict>, Refusal> {
        if spool.length() + piece.len() as u64 > self.scanner.settings().max_size {
            return Ok(Err(Verdict::Exceeded));
        }
        match spool.push(piece).await {
            Ok(()) => Ok(Ok(())),
            Err(Error::Full) => Ok(Err(Verdict::Full)),
            Err(error) => Err(self.lost(error)),
        }
    }

    /// What was held is gone: nothing can go on.
    fn lost(&self, error: Error) -> Refusal {
        tracing::error!(%error, "a body could not be held");
        Refusal::caused_by(self.kind(&Verdict::Full), error)
    }

    fn refuses(&self, verdict: &Verdict) -> bool {
        let may = match verdict {
            Verdict::Clean => false,
            Verdict::Infected(_) | Verdict::Stale => true,
            Verdict::Exceeded | Verdict::Full => self.scanner.settings().refuses_excess,
            Verdict::Unreadable(_) | Verdict::Unavailable(_) => self.rule.closed_when_unavailable,
        };
        may && self.mode == Mode::Block
    }

    /// Writes a verdict down, and refuses where that follows.
    fn settle(&self, verdict: Verdict, files: &[crate::antivirus::seen::Fingerprint]) -> Result<(), Refusal> {
        let refused = self.refuses(&verdict);
        self.shard.count(Labelled::Antivirus, &[&self.route.name, verdict.name()]);
        match &verdict {
            Verdict::Infected(infection) => self.scanner.tell(&self.about, infection, refused),
            _ if verdict.why().is_some() => {
                tracing::warn!(
                    route = self.route.name,
                    verdict = verdict.name(),
                    reason = verdict.why(),
                    "not scanned"
                );
            }
            _ => {}
        }
        if !refused {
            match verdict {
                // All of it was nothing.
                Verdict::Clean if files.is_empty() => {}
                Verdict::Clean | Verdict::Infected(_) => self.scanner.passed(&self.about, files),
                _ => self.scanner.passed(&self.about, &[]),
            }
        }
        let refusal = refused.then(|| self.refusal(&verdict));
        let decision = Decision { verdict, direction: self.about.direction, refused, items: files.len() };
        let mut known = self.upload.scanned.borrow_mut();
        // What was found in the upload is not forgotten for a clean answer.
        if decision.verdict != Verdict::Clean || known.is_none() {
            *known = Some(Box::new(decision));
        }
        refusal.map_or(Ok(()), Err)
    }

    fn kind(&self, verdict: &Verdict) -> Kind {
        match (verdict, self.about.direction) {
            (Verdict::Infected(_), Direction::Upload) => Kind::Malware,
            (Verdict::Infected(_), Direction::Download) => Kind::MalwareAnswer,
            (_, Direction::Download) => Kind::AntivirusAnswer,
            (Verdict::Exceeded, _) => Kind::AntivirusExcess,
            (Verdict::Unreadable(_), _) => Kind::AntivirusUnreadable,
            (Verdict::Clean | Verdict::Full | Verdict::Unavailable(_) | Verdict::Stale, _) => {
                Kind::AntivirusUnavailable
            }
        }
    }

    fn refusal(&self, verdict: &Verdict) -> Refusal {
        let kind = self.kind(verdict);
        let told = match verdict {
            Verdict::Infected(infection) => {
                let mut told = vec![Told::text(format!("The scanner calls it {}.", infection.signature))];
                if infection.item > 1 {
                    told.push(Told::text(format!("It is part {} of what was sent.", infection.item)));
                }
                told
            }
            Verdict::Exceeded if kind == Kind::AntivirusExcess => {
                vec![Told::text(format!("At most {} bytes can be checked.", self.scanner.settings().max_size))]
            }
            _ => Vec::new(),
        };
        let wait = matches!(verdict, Verdict::Full | Verdict::Unavailable(_)).then_some(LATER);
        Refusal { kind, source: None, more: Some(Box::new(More { wait, told, ..More::default() })) }
    }
}

async fn next(source: &mut Answer) -> Result<Option<Frame<Bytes>>, Kind> {
    poll_fn(|cx| source.poll(cx)).await.transpose().map_err(|broken| broken.kind_or(Kind::BadGateway))
}

/// Whether an answer has no end to wait for.
fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("text/event-stream")
}
