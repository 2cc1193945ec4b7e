//! One worker's way to one application: choose an endpoint, send, and try again what was surely not processed.

use std::{cell::Cell, rc::Rc, sync::Arc};

use http::{Request, Response, header};
use hyper::body::Body as _;

use super::{
    balance::{Candidate, Turns},
    extended,
    pool::{Lease, Pool, Unanswered},
    settings::Settings,
    shared::{EndpointState, Shared},
    source::{Error, Source},
};
use crate::{
    common::watch::Watches,
    dial,
    gateway::{answer::KEEP_ALIVE, client::Introduction, request_body::RequestBody},
    observe::{
        access_log::entry,
        metrics::{Labelled, Metrics, Shard},
        trace::{TRACEPARENT, Trace},
    },
};

/// One worker's way to one application.
#[derive(Debug)]
pub struct Cluster {
    shared: Arc<Shared>,
    pools: Vec<Rc<Pool>>,
    turns: Turns,
    shard: Shard,
    /// Retries that are allowed now, in hundredths.
    budget: Cell<u32>,
}

/// Retries allowed at the start and at most, in hundredths.
const BUDGET: u32 = 1000;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No endpoint may be used.
    #[error("no endpoint is healthy")]
    NoEndpoint,
    /// No connection could be made.
    #[error("no connection to the application")]
    Connect(#[source] dial::Error),
    /// The connection broke before the head of an answer.
    #[error("the application broke off before its answer")]
    Broken(#[source] Error),
}

impl Cluster {
    /// The way of one worker.
    #[must_use]
    pub fn new(shared: &Arc<Shared>, watches: &Rc<Watches>, metrics: &Metrics, worker: usize) -> Rc<Self> {
        let settings = &shared.settings;
        let pool = |state: &Arc<EndpointState>| {
            let meter = metrics.upstream(&state.name, worker);
            Pool::new(state, settings, watches, meter)
        };
        Rc::new(Self {
            pools: shared.endpoints.iter().map(pool).collect(),
            turns: Turns::new(settings.balance, settings.endpoints.len()),
            shard: metrics.shard(worker),
            budget: Cell::new(BUDGET),
            shared: Arc::clone(shared),
        })
    }

    /// As configured.
    #[must_use]
    pub fn settings(&self) -> &Arc<Settings> {
        &self.shared.settings
    }

    /// What all workers share.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Closes idle connections that are due.
    pub fn sweep(&self) {
        for pool in &self.pools {
            pool.sweep();
        }
    }

    /// Sends `request`, with who asks, to one endpoint, or to another where the first surely did not process it. Each attempt is a step of `trace`.
    ///
    /// # Errors
    /// When no endpoint gave the head of an answer.
    pub async fn send(
        &self,
        mut request: Box<Request<RequestBody>>,
        upgrade: bool,
        introduction: &Introduction,
        trace: Option<&Trace>,
    ) -> Result<(Box<Response<Source>>, Lease), Failure> {
        let rules = self.settings();
        self.budget.set((self.budget.get() + rules.retry.budget_percent).min(BUDGET));
        let mut tries = 0;
        loop {
            let pool = self.choose().ok_or(Failure::NoEndpoint)?;
            let step = trace.map(|trace| trace.attempt(entry::method(request.method()), &pool.state.name, tries));
            if let Some(step) = &step {
                request.headers_mut().insert(TRACEPARENT, step.traceparent());
            }
            let failure = match pool.lease(upgrade).await {
                Err(error) => Failure::Connect(error),
                Ok(mut lease) => {
                    if !rules.pass_host {
                        request.headers_mut().insert(header::HOST, pool.state.authority.clone());
                    }
                    if lease.is_http2() {
                        give_authority(&mut request);
                        introduction.put(request.headers_mut());
                    }
                    let asked = (upgrade && lease.is_http2()).then(|| extended::ask(&mut request));
                    let copy = (!upgrade && lease.is_http2()).then(|| copy(&request)).flatten();
                    match lease.send(request, introduction).await {
                        Ok(mut answer) => {
                            if let Some(asked) = asked {
                                extended::agreed(&mut answer, asked);
                            }
                            if let Some(step) = &step {
                                step.answered(answer.status());
                            }
                            self.note(pool, &answer);
                            return Ok((answer, lease));
                        }
                        Err(failed) => {
                            // A connection that the application closed while it was idle is no failure of the endpoint.
                            // One that was made for HTTP/2 does not fit the next.
                            let Unanswered { error, unsent } = *failed;
                            let unsent = unsent.filter(|_| asked.is_none());
                            if let Some(step) = &step {
                                step.failed("broken");
                            }
                            let Some(again) = unsent.or_else(|| copy.filter(|_| is_refused(&error))) else {
                                // Clients that break off could eject a whole application.
                                if !error.is_of_request() {
                                    pool.state.failed(&rules.ejection);
                                    self.failed("broken");
                                }
                                return Err(Failure::Broken(error));
                            };
                            request = again;
                            Failure::Broken(error)
                        }
                    }
                }
            };
            if let Failure::Connect(_) = failure {
                pool.state.failed(&rules.ejection);
                self.failed("connect");
                if let Some(step) = &step {
                    step.failed("connect");
                }
            }
            if tries >= rules.retry.attempts || self.budget.get() < 100 {
                return Err(failure);
            }
            self.budget.set(self.budget.get() - 100);
            self.shard.upstream_retries.increment();
            tries += 1;
        }
    }

    fn failed(&self, reason: &str) {
        self.shard.count(Labelled::UpstreamFailures, &[reason]);
    }

    fn choose(&self) -> Option<&Rc<Pool>> {
        if let [only] = self.pools.as_slice() {
            // Ejecting the only endpoint would help nobody.
            return only.state.is_up().then_some(only);
        }
        let candidate = |ejected_too: bool| {
            move |i: usize| {
                let pool = &self.pools[i];
                Candidate {
                    usable: pool.state.is_up() && (ejected_too || !pool.state.is_ejected()),
                    weight: self.settings().endpoints[i].weight,
                    in_flight: pool.in_flight(),
                }
            }
        };
        let index = self.turns.next(candidate(false)).or_else(|| self.turns.next(candidate(true)))?;
        self.pools.get(index)
    }

    fn note(&self, pool: &Pool, answer: &Response<Source>) {
        if matches!(answer.status().as_u16(), 502..=504) {
            pool.state.failed(&self.settings().ejection);
        } else {
            pool.state.succeeded();
        }
        if let Some(timeout) = answer.headers().get(KEEP_ALIVE).and_then(|v| keep_alive(v.to_str().ok()?)) {
            pool.learn_idle(timeout);
        }
    }
}

/// The request once more, where it has no body that is gone once sent.
fn copy(request: &Request<RequestBody>) -> Option<Box<Request<RequestBody>>> {
    if !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(RequestBody::empty());
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    Some(Box::new(copy))
}

/// Whether the application says that it did not process the request (RFC 9113, section 8.7). Streams beyond the last of a
/// GOAWAY are not told apart from those before it, so they don't count.
fn is_refused(error: &Error) -> bool {
    let Error::Http2(error) = error else { return false };
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<h2::Error>());
    source.is_some_and(|error| error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM))
}

/// HTTP/2 carries the host in the target.
fn give_authority(request: &mut Request<RequestBody>) {
    let Some(host) = request.headers_mut().remove(header::HOST) else { return };
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(http::uri::Scheme::HTTPS);
    parts.authority = http::uri::Authority::try_from(host.as_bytes()).ok();
    if let Ok(uri) = http::Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

/// The `timeout` of a `Keep-Alive` header, in seconds (RFC 2068, section 19.7.1.1).
fn keep_alive(value: &str) -> Option<std::time::Duration> {
    let parameter = value.split(',').find_map(|part| part.trim().strip_prefix("timeout="))?;
    parameter.parse().ok().map(std::time::Duration::from_secs)
}
