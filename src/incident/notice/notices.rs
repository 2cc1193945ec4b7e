//! The notices of a gateway: what decides, writes, and looks whether what is posted is there.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use tokio::sync::Mutex;

use super::{
    command::Command,
    decide::{Around, decide},
    delivery,
    denied::Denied,
    event::Event,
    page,
    settings::{INDEX, Page},
    state::State,
    wording::Language,
};
use crate::{
    dial::asker::Asker,
    identity::{
        Realm,
        order::{self, Order},
    },
    incident::{
        Cases,
        case::Outcome,
        command::{Actor, Command as OfCase},
        ledger::Ledger,
    },
    journal::{self, Stream},
    registry::{Error, Moment, Registry, Unread, pledge::sha256},
};

/// Longest time that a look at the page may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// Why an order is not carried out. Nobody's name is in the texts.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Who orders it can't prove who they are.
    #[error(transparent)]
    Unproved(#[from] order::Refused),
    /// It may not happen.
    #[error(transparent)]
    Denied(#[from] Denied),
}

impl Refused {
    /// How to mend it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unproved(refused) => refused.hint(),
            Self::Denied(denied) => denied.hint(),
        }
    }

    /// The exit code of a command that was refused so.
    #[must_use]
    pub fn exit(&self) -> u8 {
        match self {
            Self::Unproved(refused) => refused.exit(),
            Self::Denied(denied) if denied.is_trouble() => 3,
            Self::Denied(_) => 1,
        }
    }
}

/// The notices of a process that writes a journal.
#[derive(Debug)]
pub struct Notices {
    ledger: Arc<Ledger<State>>,
    cases: Arc<Cases>,
    registry: Arc<Registry>,
    /// One looks at the page at a time.
    looking: Mutex<()>,
}

impl Notices {
    /// Reads them from `stream`; `cases` are what they are about, and `registry` says who is an officer.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn open(stream: Stream, keys: &Path, cases: Arc<Cases>, registry: Arc<Registry>) -> Result<Arc<Self>, Error> {
        let ledger = Ledger::open(stream, keys)?;
        let missing = Ledger::<State>::unread(&ledger).missing();
        if missing > 0 {
            tracing::error!(missing, "records of notices can't be read: what they say does not hold");
        }
        Ok(Arc::new(Self { ledger, cases, registry, looking: Mutex::default() }))
    }

    /// All notices as they are now.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.ledger.state()
    }

    /// What could not be read when they were opened.
    #[must_use]
    pub fn unread(&self) -> Unread {
        self.ledger.unread()
    }

    /// Decides, writes down, and lets everybody see it once it is on disk. It goes on when whoever asks does not wait.
    ///
    /// # Errors
    /// When it may not happen, or can't be written down; nothing has happened then.
    pub async fn submit(
        self: &Arc<Self>,
        command: Command,
        actor: &Actor,
        now: SystemTime,
    ) -> Result<Vec<Event>, Denied> {
        let (notices, actor) = (Arc::clone(self), actor.clone());
        let task = tokio::spawn(async move {
            let (cases, registry) = (notices.cases.state(), notices.registry.state());
            let settings = &notices.cases.settings().notices;
            let around = Around { cases: &cases, registry: &registry, settings, now: now.into() };
            let done = notices.ledger.write(|state| decide(state, &around, command.clone(), &actor)).await?;
            for event in &done {
                notices.stop_clock(event, now).await;
            }
            Ok(done)
        });
        task.await.unwrap_or(Err(Denied::Journal(journal::Error::Closed)))
    }

    /// Carries out `order`; what has happened.
    ///
    /// # Errors
    /// When who orders it can't prove who they are, or may not.
    pub async fn carry_out(
        self: &Arc<Self>,
        realm: &Arc<Realm>,
        order: Order<Command>,
        now: SystemTime,
    ) -> Result<Vec<Event>, Refused> {
        let (person, command) = order.prove(realm, now).await?;
        Ok(self.submit(command, &Actor::Person(person), now).await?)
    }

    /// A duty is done once everybody in the list was told who can be; whoever bounces is for the public page, and an officer to say so.
    async fn stop_clock(&self, event: &Event, now: SystemTime) {
        let Event::Delivery { case, notice, .. } = event else { return };
        let state = self.state();
        let Some(notice) = state.of(*case).and_then(|papers| papers.notice(*notice)) else { return };
        let counts = notice.deliveries.counts();
        let accepted = counts.get(&delivery::State::Accepted).copied().unwrap_or_default();
        if notice.sending.as_ref().is_none_or(|sending| sending.recipients > accepted) {
            return;
        }
        let cases = self.cases.state();
        if cases.case(*case).is_none_or(|case| case.settled(&notice.law, &notice.duty).is_some()) {
            return;
        }
        let (law, duty) = (notice.law.clone(), notice.duty.clone());
        let settle = OfCase::Settle { case: *case, law, duty, outcome: Outcome::Done, at: None, reference: None };
        if let Err(denied) = self.cases.submit(settle, &Actor::Gateway, now).await {
            tracing::warn!(case, %denied, "everybody was told, but the clock could not be stopped");
        }
    }

    /// Looks at the public page where that is due, and takes down what has been there for its time.
    ///
    /// # Errors
    /// When something can't be written down.
    pub async fn look(self: &Arc<Self>, now: SystemTime) -> Result<(), Denied> {
        let Ok(_one) = self.looking.try_lock() else { return Ok(()) };
        let (state, moment) = (self.state(), Moment::from(now));
        let settings = self.cases.settings();
        let page = &settings.notices.page;
        for (case, papers) in state.all() {
            let Some((posting, notice)) = papers.posted() else { continue };
            if posting.until <= moment {
                self.submit(Command::Expire { case }, &Actor::Gateway, now).await?;
            } else if let Some(page) = page.as_ref().filter(|page| posting.is_due(page.every, moment)) {
                let (seen, trouble) = self.see(page, &state, case, moment).await;
                let matches = trouble.is_none();
                if !matches {
                    tracing::error!(case, trouble, "the public page of a notice is not what it should be");
                }
                let seen = Command::Seen { case, notice: notice.number, seen, matches, trouble };
                self.submit(seen, &Actor::Gateway, now).await?;
            }
        }
        Ok(())
    }

    /// What somebody sees who asks for the page of a case, in each of its languages; and what is wrong with it.
    async fn see(&self, page: &Page, state: &State, case: u64, now: Moment) -> (Vec<String>, Option<String>) {
        let asker = Asker::new(page.ca.clone(), DEADLINE);
        let mut seen = Vec::new();
        for language in page::languages(state, case) {
            let Some((expected, _)) = page::html(state, case, language, now) else { continue };
            match ask(&asker, page, case, language).await {
                Ok(body) => {
                    let found = sha256(&String::from_utf8_lossy(&body));
                    let differs = found != sha256(&expected);
                    seen.push(found);
                    if differs {
                        return (seen, Some("it shows something else".to_owned()));
                    }
                }
                Err(trouble) => return (seen, Some(trouble)),
            }
        }
        (seen, None)
    }
}

async fn ask(asker: &Asker, page: &Page, case: u64, language: Language) -> Result<Bytes, String> {
    let address = page.address.below(&format!("{INDEX}/{case}")).map_err(|error| error.to_string())?;
    let mut request = Request::new(Full::from(Bytes::new()));
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.insert(header::ACCEPT, HeaderValue::from_static("text/html"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("privet-notice-probe"));
    let answer = asker.ask(&address, request).await.map_err(|error| error.to_string())?;
    match answer.status() {
        StatusCode::OK => Ok(answer.into_body()),
        status => Err(format!("it answers with {}", status.as_u16())),
    }
}
