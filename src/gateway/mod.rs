//! THE LIST: what happens to a request, one line a step.
//!
//! [`Gateway::handle`] is the whole of it. A step hands what it decided to the next as an argument; every early exit is a
//! [`refusal`]; the [`record`] closes when the last byte of the answer is out. A [`plan`] is one configuration, shared by all
//! workers; a [`Gateway`] is one worker's view of it.

pub mod access;
pub mod admission;
pub mod answer;
pub mod antivirus;
pub mod archive;
pub mod ban;
pub mod body;
mod bounds;
pub mod canary;
pub mod client;
pub mod consent;
pub mod custody;
pub mod disclosure;
pub mod disposition;
pub mod download;
mod engines;
pub mod forward;
pub mod gate;
pub mod head;
pub mod incoming;
pub mod kin;
pub mod login;
pub mod mask;
mod naming;
pub mod outbox;
pub mod path;
pub mod plan;
pub mod probe;
mod reach;
pub mod record;
pub mod redirect;
pub mod refusal;
pub mod remedy;
pub mod request_body;
pub mod returned;
pub mod route;
pub mod runs;
pub mod settings;
pub mod shield;
pub mod trace;
pub mod upgrade;
pub mod upload;
pub mod upstream;
pub mod url;
pub mod watch;
pub mod witness;

use std::rc::Rc;

use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use http_body::Body as _;

pub use plan::{Gateway, Plan};
pub use settings::Settings;

use self::{
    admission::{Admitted, Passed},
    body::Body,
    client::{Client, X_REQUEST_ID},
    forward::Exchange,
    incoming::Incoming,
    record::Record,
    refusal::{Kind, Look, Refusal},
};
use crate::{antivirus::Direction, common::watch::Watch, observe::metrics::Labelled};

impl Gateway {
    /// Answers one request of `client`. `refused` says that it was turned down already, by how its head is written.
    ///
    /// The parts come boxed, so that the steps hand on a pointer, and the gateway is the future's own, which nobody has to wrap to keep it: futures
    /// of nested calls hold every copy that is handed on.
    pub async fn handle(
        self: Rc<Self>,
        client: &Rc<Client>,
        watch: &Rc<Watch>,
        refused: Option<Kind>,
        mut parts: Box<Parts>,
        body: Incoming,
    ) -> Response<Body> {
        let number = fastrand::u128(..);
        let id = record::request_id(number);
        let accept = parts.headers.get(header::ACCEPT).cloned();
        let head_only = parts.method == Method::HEAD;
        let trace = self.tracing.as_ref().and_then(|tracing| tracing.begin(client, &mut parts.headers, number));
        let mut record = Record::open(client, &self.shard, self.scribe.as_ref(), number, trace);
        record.suspect = ban::suspect(&self, client, &parts.headers);
        let outcome = match refused {
            Some(kind) => {
                record.note(&id, None);
                Err(kind.into())
            }
            None => self.steps(client, watch, &id, parts, body, &mut record).await,
        };
        let kind = outcome.as_ref().err().map(|refusal| refusal.kind);
        let mut answer = outcome.unwrap_or_else(|refusal| {
            record.refused(refusal.kind);
            self.refuse(client, &refusal, Look::of(accept.as_ref()), &id)
        });
        if let Some(suspect) = record.suspect.take() {
            ban::settle(suspect, kind, answer.status()).await;
        }
        if head_only {
            answer.body_mut().omit();
        }
        answer.headers_mut().insert(X_REQUEST_ID, id);
        if client.closing.get() && !client.http2 && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        upgrade::hold(client, answer, record, &self.shard)
    }

    async fn steps(
        &self,
        client: &Rc<Client>,
        watch: &Rc<Watch>,
        id: &HeaderValue,
        mut parts: Box<Parts>,
        mut body: Incoming,
        record: &mut Record,
    ) -> Result<Response<Body>, Refusal> {
        let outer = body.take_outer();
        let mut head = head::read(&mut parts, client, &self.plan.head, &self.plan.trusted)
            .inspect_err(|_| record.note(id, Some(&parts)))?;
        head.probe = self.plan.probes.admit(&mut head, &parts.method);
        let line = self.route(&head);
        record.routed(line, id, &parts, head.address);
        if head.probe.is_some() {
            record.is_probe();
        }
        if let Some(answer) =
            redirect::challenge(client, &head, &self.plan.challenges, self.plan.acme_webroot.as_deref())
        {
            return Ok(answer);
        }
        record.room().await?;
        if let Some(suspect) = record.suspect.take() {
            // Boxed: most gateways ban nobody, and its state would weigh on all.
            Box::pin(ban::check(self, suspect, client, watch, &head, &parts.headers, record)).await?;
        }
        if gate::is_own(head.target.path()) {
            return Box::pin(gate::own(self, client, watch, &head, &parts, body, &record.upload())).await;
        }
        let line = line.ok_or(Kind::NoRoute)?;
        if let Some(what) = redirect::exposes(client, &line.route, &parts, &body) {
            self.shard.count(Labelled::Exposures, &[&line.route.name, what]);
        }
        if let Some(answer) = redirect::cleartext(client, &line.route, &head, self.plan.redirect_port)? {
            return Ok(answer);
        }
        remedy::check(self, line)?;
        let upload = record.upload();
        url::check(line, &head, record)?;
        let screening = shield::open(self, line, client, &head, &parts, &upload, id)?;
        let admitted = if admission::asks(line) {
            // Boxed: most routes ask nobody, and its state would weigh on all.
            match Box::pin(admission::check(self, line, client, &head, &mut parts, id, record)).await? {
                Passed::Admitted(admitted) => admitted,
                Passed::Elsewhere(answer) => return Ok(*answer),
            }
        } else {
            Admitted::default()
        };
        let Admitted { who, permitted, witness, wish } = admitted;
        remedy::admit(self, line, who.as_deref())?;
        let masking = line.masking(permitted.as_deref().map(|permitted| &permitted.permit), witness);
        let mut body = forward::accept(line, watch, &parts, body, &upload)?;
        let inspection = antivirus::open(self, line, &upload, id, Direction::Upload, !body.is_end_stream());
        if let Some(inspection) = &inspection {
            inspection.expect(&parts.headers)?;
        }
        let attempt = match login::rule(line, &head, &parts, &body) {
            // Boxed: most requests are no attempts.
            Some(rule) => {
                let _step = upload.step("login check");
                Box::pin(login::check(self, rule, &head, &mut parts, &mut body, record)).await?
            }
            None => None,
        };
        let screened = match screening {
            // Boxed: it holds a body.
            Some(screening) => Box::pin(screening.body(&parts, &mut body)).await?,
            None => None,
        };
        if let Some(inspection) = inspection {
            // Boxed: it holds a body.
            Box::pin(inspection.body(&head, &parts, &mut body)).await?;
        }
        if line.route.mask.is_some() && !body.is_end_stream() {
            Box::pin(returned::restore(&self.plan.memory, line, who.as_deref(), &mut parts, &mut body, record)).await?;
        }
        // What the internal origin says of people is made up.
        let is_real = head.probe.is_none();
        let authority = self.plan.authority.as_ref().filter(|_| is_real);
        let consent = consent::read(authority, &head, &parts, &mut body).await?;
        let watched = self.plan.watch.as_ref().filter(|_| is_real);
        let watched = watch::begin(watched, line, client, &head, &parts, who.is_some());
        let inspection = antivirus::open(self, line, &upload, id, Direction::Download, true);
        let mut answer = Exchange {
            line,
            origin: self.origin.as_ref(),
            client,
            watch,
            id,
            head: &head,
            upload,
            masking,
            permitted,
            wish,
            attempt,
            screened,
            inspection,
        }
        .forward(outer, parts, body)
        .await?;
        if let Some(watched) = watched {
            watched.see(&mut answer);
        }
        if let Some(consent) = consent {
            Box::pin(consent.settle(answer.status())).await;
        }
        record.written().await?;
        Ok(answer)
    }

    fn refuse(&self, client: &Client, refusal: &Refusal, look: Look, id: &HeaderValue) -> Response<Body> {
        let kind = refusal.kind;
        self.shard.count(Labelled::Refusals, &[kind.name(), kind.blame().name()]);
        tracing::debug!(
            kind = kind.name(),
            detail = kind.detail(),
            request_id = id.to_str().unwrap_or_default(),
            cause = refusal.source.as_deref().map(tracing::field::display),
            "refused"
        );
        if kind.closes() {
            client.closing.set(true);
        }
        refusal::respond(refusal, look, id)
    }
}
