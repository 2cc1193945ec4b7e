//! To the application and back: the request with its body, the answer with its own.

use std::{collections::VecDeque, future::poll_fn, pin::pin, rc::Rc, task::Poll, time::Instant};

use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header, request::Parts};
use http_body::Body as _;

use crate::{
    common::watch::{Slot, Watch},
    gateway::{
        access::Permitted,
        answer,
        antivirus::Inspection,
        body::{Answer, Body},
        client::{Client, X_REQUEST_ID},
        disposition,
        download::{Granted, Wish},
        gate,
        head::Head,
        incoming::Incoming,
        login::{self, Attempt},
        mask::Masking,
        plan::Line,
        probe::X_PRIVET_PROBE,
        refusal::{Kind, Refusal},
        request_body::RequestBody,
        route,
        settings::{Prefix, UrlPrivacy},
        shield::Screening,
        upgrade::{self, Inner, Outer},
        upload::Upload,
        upstream::{
            cluster::{Cluster, Failure},
            pool::Lease,
            source::Source,
        },
        url,
    },
    identity::form::withhold_cookies,
};

/// What belongs to one exchange besides the request itself.
pub struct Exchange<'a> {
    /// Its route on this worker.
    pub line: &'a Line,
    /// Where probes end in place of the route's application.
    pub origin: Option<&'a Rc<Cluster>>,
    /// Whose it is.
    pub client: &'a Rc<Client>,
    /// Its deadlines.
    pub watch: &'a Rc<Watch>,
    /// Its id.
    pub id: &'a HeaderValue,
    /// What was decided on.
    pub head: &'a Head,
    /// How far the client's body has come.
    pub upload: Rc<Upload>,
    /// What of the answer may be seen; all of it without.
    pub masking: Option<Masking>,
    /// What policies permit, where they were asked.
    pub permitted: Option<Box<Permitted>>,
    /// What is said of taking files along, where they leave sealed.
    pub wish: Option<Box<Wish>>,
    /// The attempt to sign in that it is.
    pub attempt: Option<Box<Attempt>>,
    /// What rules against intrusion still have to see: the answer.
    pub screened: Option<Box<Screening>>,
    /// Who looks for malware in the answer.
    pub inspection: Option<Box<Inspection>>,
}

/// The client's body, unless it is known to be too large; from here on the request's deadlines are those of `line`.
///
/// # Errors
/// When it is too large.
pub fn accept(
    line: &Line,
    watch: &Rc<Watch>,
    parts: &Parts,
    body: Incoming,
    upload: &Rc<Upload>,
) -> Result<RequestBody, Kind> {
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > line.upload.limit) {
        return Err(Kind::BodyTooLarge);
    }
    for slot in [Slot::Body, Slot::Response, Slot::Stall] {
        watch.disarm(slot);
    }
    match line.total {
        Some(total) => watch.arm(Slot::Total, total),
        None => watch.disarm(Slot::Total),
    }
    Ok(RequestBody::new(body, upload, watch, line.upload))
}

impl Exchange<'_> {
    /// Sends the request to the route's application and returns its answer, whose body still streams.
    ///
    /// # Errors
    /// When there is no answer, or the client's body must be refused.
    pub async fn forward(
        &mut self,
        outer: Option<Outer>,
        mut parts: Box<Parts>,
        mut body: RequestBody,
    ) -> Result<Response<Body>, Refusal> {
        let upload = Rc::clone(&self.upload);
        if !self.client.http2 && body.size_hint().exact().is_none() {
            body.prime().await?;
        }
        let protocol = self.head.upgrade.as_deref();
        let upgrading = upgrade::ask(&self.line.route, protocol, &mut parts);
        if outer.is_some() && !upgrading {
            return Err(Kind::Method.into());
        }
        let accept = upgrading.then(|| upgrade::expected_accept(&parts)).flatten();
        if self.line.route.url_privacy == UrlPrivacy::Strip {
            url::strip(&mut parts.headers, &self.head.host);
        }
        self.address(&mut parts);
        let head_only = parts.method == Method::HEAD;
        if let Some(masking) = &self.masking {
            masking.ask(&mut parts, upgrading);
        }
        if let Some(attempt) = &mut self.attempt {
            attempt.forward();
        }
        if let Some(inspection) = &self.inspection {
            inspection.ask(&mut parts);
        }
        let sent = self.send(Box::new(Request::from_parts(*parts, body)), upgrading, &upload).await;
        let (mut answer, lease) =
            sent.inspect_err(|_| self.attempt.take().into_iter().for_each(|attempt| attempt.give_up()))?;
        let solved = login::solved(self.line, self.head, answer.headers_mut());
        if !answer::is_framed_once(answer.headers()) {
            return Err(Kind::BadGateway.into());
        }
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            let agreed = answer.headers().get(header::SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
            if !upgrading || accept.as_ref().is_some_and(|expected| agreed != Some(expected.as_bytes())) {
                return Err(Kind::BadGateway.into());
            }
            let masking = upgrade::masking(self.masking.as_ref(), &answer, protocol)?;
            let is_http2 = lease.is_http2();
            let inner = match lease.detach() {
                Some(connection) => Inner::Connection(Box::new(connection)),
                // The request's own body is still under way: nobody could say what the tunnel begins with.
                None if !is_http2 => return Err(Kind::BadGateway.into()),
                None => Inner::Stream(hyper::upgrade::on(&mut *answer)),
            };
            self.attempt.take().into_iter().for_each(|attempt| attempt.upgraded());
            self.watch.disarm(Slot::Response);
            self.watch.disarm(Slot::Total);
            return Ok(upgrade::agree(*answer, inner, outer, protocol.unwrap_or_default(), masking));
        }
        let mut answer = self.stream(*answer, lease, upload);
        if answer.status() == StatusCode::UNAUTHORIZED {
            login::refused_here(self.line, self.head);
        }
        if let Some(cookie) = solved {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        if let Some(attempt) = self.attempt.take() {
            answer = Box::pin(attempt.settle(answer)).await?;
        }
        if let Some(screened) = self.screened.take() {
            Box::pin(screened.answer(&mut answer, head_only)).await?;
        }
        if let Some(inspection) = self.inspection.take().filter(|_| !head_only) {
            Box::pin(inspection.answer(self.head, &mut answer)).await?;
        }
        let is_file = disposition::is_attachment(answer.headers());
        if self.masking.is_some() && is_file {
            self.take_along()?;
        }
        if let Some(wish) = self.wish.as_ref().filter(|_| is_file && head_only) {
            wish.dress(answer.headers_mut());
        }
        // Where nothing leaves there is nothing to answer for.
        let sealing = match self.wish.take().filter(|_| is_file && !head_only && !answer.body().is_end_stream()) {
            Some(wish) => match wish.grant(answer.headers())? {
                Granted::Sealed(sealing) => Some(sealing),
                Granted::Elsewhere(answer) => return Ok(*answer),
            },
            None => None,
        };
        let Some(masking) = &self.masking else { return Ok(answer) };
        // Boxed: most exchanges have none, and its state would weigh on all.
        let answer = {
            let _step = self.upload.step("mask");
            Box::pin(masking.answer(answer, head_only, sealing.is_some())).await?
        };
        Ok(match sealing {
            Some(sealing) => sealing.seal(answer, masking.witness.as_ref()),
            None => answer,
        })
    }

    /// The answer is a file to keep, which is more than a look: policies are asked again.
    fn take_along(&mut self) -> Result<(), Refusal> {
        if let Some(permitted) = &mut self.permitted {
            permitted.take_along()?;
        }
        let permit = self.permitted.as_deref().map(|permitted| &permitted.permit);
        let witness = self.masking.take().and_then(|masking| masking.witness).map(|mut witness| {
            witness.take_along(permit);
            witness
        });
        self.masking = self.line.masking(permit, witness);
        Ok(())
    }

    /// Gives the request the form in which the application gets it.
    fn address(&self, parts: &mut Parts) {
        let route = &self.line.route;
        parts.uri = Uri::from(route::rewrite(route, &self.head.target));
        parts.version = Version::HTTP_11;
        parts.headers.insert(X_REQUEST_ID, self.id.clone());
        if route.prefix != Prefix::Keep
            && route.path != "/"
            && let Ok(prefix) = HeaderValue::from_str(&route.path)
        {
            parts.headers.insert("x-forwarded-prefix", prefix);
        }
        if self.line.has_cookies {
            withhold_cookies(&mut parts.headers);
        }
        match (&self.head.probe, &route.upstream.authorization) {
            (Some(probe), _) => {
                parts.headers.insert(X_PRIVET_PROBE, probe.asks());
            }
            (None, Some(authorization)) => {
                parts.headers.insert(header::AUTHORIZATION, authorization.clone());
            }
            (None, None) => {}
        }
    }

    /// Waits for the head of the answer within the request's deadlines.
    async fn send(
        &self,
        request: Box<Request<RequestBody>>,
        upgrading: bool,
        upload: &Upload,
    ) -> Result<(Box<Response<Source>>, Lease), Refusal> {
        let cluster = match self.head.probe {
            Some(_) => self.origin.ok_or(Kind::NoEndpoint)?,
            None => &self.line.cluster,
        };
        let mut sending = pin!(cluster.send(request, upgrading, &self.head.introduction, upload.trace.as_deref()));
        let sent = Instant::now();
        poll_fn(|cx| {
            if let Poll::Ready(outcome) = sending.as_mut().poll(cx) {
                upload.answered.set(Some(sent.elapsed()));
                return Poll::Ready(outcome.map_err(|failure| blame(failure, upload)));
            }
            if self.watch.fired(Slot::Body) {
                return Poll::Ready(Err(Kind::ClientTimeout.into()));
            }
            if upload.ended.get() {
                self.watch.arm_once(Slot::Response, self.line.response);
            }
            if self.watch.fired(Slot::Response) || self.watch.fired(Slot::Total) {
                return Poll::Ready(Err(Kind::UpstreamTimeout.into()));
            }
            Poll::Pending
        })
        .await
    }

    fn stream(&self, mut answer: Response<Source>, lease: Lease, upload: Rc<Upload>) -> Response<Body> {
        self.watch.disarm(Slot::Response);
        let status = answer.status();
        let inner_host = lease.pool().state.authority.clone();
        answer::harden(answer.headers_mut(), status, &self.line.route, self.head, self.client.secure, &inner_host);
        if self.line.route.gate.is_some() {
            gate::keep_private(answer.headers_mut());
        }
        answer.map(|source| {
            Body::upstream(Answer {
                source,
                ahead: VecDeque::new(),
                held: None,
                lease: Some(lease),
                upload,
                watch: Rc::clone(self.watch),
                given: None,
                patience: self.line.response,
                stall: self.line.stall,
            })
        })
    }
}

/// Whose fault a failure is: the client's where its body broke, else the application's.
fn blame(failure: Failure, upload: &Upload) -> Refusal {
    if let Some(kind) = upload.fault.get() {
        return kind.into();
    }
    let kind = match &failure {
        Failure::NoEndpoint => Kind::NoEndpoint,
        Failure::Connect(error) if error.is_timeout() => Kind::UpstreamTimeout,
        Failure::Connect(_) | Failure::Broken(_) => Kind::BadGateway,
    };
    Refusal::caused_by(kind, failure)
}
