//! Who has agreed, as the application says at an address of its own (`[access.consent.endpoint]`): asked again and again.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::Full;

use crate::{
    access::{
        consent::{Desk, Source},
        consent_list::{self, read},
        settings::Endpoint,
        subject::{Subject, Subjects},
    },
    config::Config,
    dial::asker::{self, Asker},
    journal,
    seal::Ring,
};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most bytes of an answer.
const LONGEST: usize = 64 << 20;

/// Why nothing was learned. Nothing of an answer is in the text.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("it can't be asked")]
    Ask(#[from] asker::Error),
    #[error("it answers with {0}")]
    Status(StatusCode),
    #[error("`authorization` holds what a header can't")]
    Authorization,
    #[error("its answer can't be read")]
    List(#[from] consent_list::Error),
    #[error("its answer was not read to the end")]
    Thread(#[from] tokio::task::JoinError),
    #[error("what it says could not be kept")]
    Journal(#[from] journal::Error),
}

/// One application that is asked, for as long as this lives.
#[derive(Debug)]
pub(super) struct Asking {
    endpoint: Endpoint,
    task: tokio::task::AbortHandle,
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Asks whom the configuration names; `known` goes on where it is still the same one.
///
/// # Errors
/// When the keys that name people can't be used.
pub(super) fn of(config: &Config, desk: Option<&Arc<Desk>>, known: Option<Asking>) -> anyhow::Result<Option<Asking>> {
    let endpoint = config.access.as_ref().and_then(|access| access.endpoint.as_ref());
    let (Some(endpoint), Some(desk), Some(keys)) = (endpoint, desk, &config.seal.key_file) else { return Ok(None) };
    if let Some(known) = known.filter(|known| known.endpoint == *endpoint) {
        return Ok(Some(known));
    }
    let learning = Learning {
        endpoint: endpoint.clone(),
        asker: Asker::new(endpoint.ca.clone(), PATIENCE).up_to(LONGEST),
        subjects: Arc::new(Subjects::of(&Ring::load_or_make(keys)?)),
        last: HashMap::new(),
        desk: Arc::downgrade(desk),
    };
    let task = tokio::spawn(learning.run()).abort_handle();
    Ok(Some(Asking { endpoint: endpoint.clone(), task }))
}

/// What has been learned of one.
struct Learning {
    endpoint: Endpoint,
    asker: Asker,
    subjects: Arc<Subjects>,
    /// What it said last.
    last: HashMap<Subject, bool>,
    desk: Weak<Desk>,
}

impl Learning {
    async fn run(mut self) {
        let mut well = true;
        loop {
            let Some(desk) = self.desk.upgrade() else { return };
            let outcome = self.ask(&desk).await;
            drop(desk);
            match &outcome {
                Err(error) if well => {
                    let cause = std::error::Error::source(error).map_or_else(String::new, ToString::to_string);
                    tracing::error!(%error, cause, "the application does not say who has agreed; what it said last holds");
                }
                Ok(()) if !well => tracing::info!("the application says again who has agreed"),
                _ => {}
            }
            well = outcome.is_ok();
            tokio::time::sleep(self.endpoint.every).await;
        }
    }

    async fn ask(&mut self, desk: &Desk) -> Result<(), Error> {
        let mut request = Request::new(Full::<Bytes>::default());
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static("privet/1"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/csv, application/json"));
        if let Some(authorization) = &self.endpoint.authorization {
            let mut value = HeaderValue::from_str(authorization.expose()).map_err(|_| Error::Authorization)?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let answer = self.asker.ask(&self.endpoint.address, request).await?;
        if answer.status() != StatusCode::OK {
            return Err(Error::Status(answer.status()));
        }
        let (columns, subjects) = (self.endpoint.columns.clone(), Arc::clone(&self.subjects));
        // A list of a million takes a second.
        let read = tokio::task::spawn_blocking(move || read(answer.body(), &columns, &subjects)).await?;
        let (said, unread) = read?;
        if unread > 0 {
            tracing::warn!(unread, "lines of what the application says of consent name nobody, or are not clear");
        }
        for agreed in [false, true] {
            let people: Vec<Subject> = said
                .iter()
                .filter(|(one, now)| **now == agreed && self.is_news(desk, one, agreed))
                .map(|(one, _)| *one)
                .collect();
            desk.consents.change(&desk.stream, &self.endpoint.purpose, &people, agreed, Source::Endpoint).await?;
        }
        self.last = said;
        Ok(())
    }

    /// Whether it changes what is known. A withdrawal that came another way is not taken back by an application that has not heard of it: it has to
    /// have said no itself before it says yes.
    fn is_news(&self, desk: &Desk, subject: &Subject, agreed: bool) -> bool {
        match desk.consents.standing(&self.endpoint.purpose, subject) {
            None => true,
            Some(standing) if standing.agreed == agreed => false,
            Some(_) => !agreed || self.last.get(subject) == Some(&false),
        }
    }
}
