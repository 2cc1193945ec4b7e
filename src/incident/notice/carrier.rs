//! What carries a message to a person: a mail server, or a service of the operator's own.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use lettre::address::Address;

use super::{
    delivery::{State, Way},
    draft::Document,
    list::Recipient,
    message::Notice,
    settings::{Channel, Mail, Webhook},
    wording::{Audience, Language},
};
use crate::dial::{
    asker::{self, Asker},
    mail::{self, Connection, Handed},
};

/// Longest time that a step may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// Carries messages of one notice.
#[derive(Debug)]
pub struct Carrier<'a> {
    notice: Notice<'a>,
    documents: &'a [Document],
    organisation: Option<&'a str>,
    by: By<'a>,
    away: u32,
    trouble: Option<String>,
}

#[derive(Debug)]
enum By<'a> {
    Mail { settings: &'a Mail, from: Address, connection: Option<Box<Connection>> },
    Webhook { settings: &'a Webhook, asker: Asker },
}

/// Why nothing can be carried.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Who writes has no address.
    #[error("`from` of [incident.mail] is no address")]
    From,
    /// The server can't be spoken to.
    #[error("{0}")]
    Mail(#[from] mail::Error),
    /// The service can't be spoken to.
    #[error("{0}")]
    Asker(#[from] asker::Error),
}

impl<'a> Carrier<'a> {
    /// One for the documents of a notice.
    ///
    /// # Errors
    /// When who writes has no address.
    pub fn new(
        channel: &'a Channel,
        notice: Notice<'a>,
        documents: &'a [Document],
        organisation: Option<&'a str>,
    ) -> Result<Self, Error> {
        let by = match channel {
            Channel::Mail(settings) => {
                By::Mail { settings, from: settings.from.parse().map_err(|_| Error::From)?, connection: None }
            }
            Channel::Webhook(settings) => By::Webhook { settings, asker: Asker::new(settings.ca.clone(), DEADLINE) },
        };
        Ok(Self { notice, documents, organisation, by, away: 0, trouble: None })
    }

    /// Looks whether the server is there, and wants us. Nothing is sent.
    ///
    /// # Errors
    /// When it is not.
    pub async fn probe(&self) -> Result<(), Error> {
        match &self.by {
            By::Mail { settings, .. } => Connection::open(&settings.server, DEADLINE).await?.close().await,
            By::Webhook { settings, asker } => asker.prepare(&settings.address)?,
        }
        Ok(())
    }

    /// How often in a row there was no connection.
    #[must_use]
    pub fn away(&self) -> u32 {
        self.away
    }

    /// What was the matter the last time.
    #[must_use]
    pub fn trouble(&self) -> String {
        self.trouble.clone().unwrap_or_else(|| "there is no connection".to_owned())
    }

    /// What somebody is told: in their language where it is written in it, else in the first that is.
    #[must_use]
    pub fn document(&self, recipient: &Recipient) -> Option<&'a Document> {
        let audience = if recipient.possible { Audience::Possible } else { Audience::Confirmed };
        let of = |language: Option<Language>| {
            let fits = |document: &&Document| language.is_none_or(|language| document.language == language);
            self.documents.iter().filter(|document| document.audience == audience).find(fits)
        };
        recipient.language.and_then(|language| of(Some(language))).or_else(|| of(None))
    }

    /// Hands the message to one person over; what has become of it, and what the server has answered.
    pub async fn hand_over(&mut self, recipient: &Recipient) -> (State, Option<u16>) {
        let Some(document) = self.document(recipient) else { return (State::Unaddressed, None) };
        match &mut self.by {
            By::Mail { settings, from, connection } => {
                let to = recipient.address.parse::<Address>().ok().filter(|to| AsRef::<str>::as_ref(to).is_ascii());
                let Some(to) = to else { return (State::Unaddressed, None) };
                let mail = self.notice.mail(recipient.subject, document, (self.organisation, from), &to);
                let Some(mail) = mail else { return (State::Unaddressed, None) };
                let mut open = match connection.take().filter(|open| !open.is_broken()) {
                    Some(open) => open,
                    None => match Connection::open(&settings.server, DEADLINE).await {
                        Ok(open) => Box::new(open),
                        Err(error) => {
                            (self.away, self.trouble) = (self.away + 1, Some(error.to_string()));
                            return (State::Deferred, None);
                        }
                    },
                };
                self.away = 0;
                let handed = open.hand_over(from, &to, &mail).await;
                *connection = Some(open);
                match handed {
                    Handed::Accepted => (State::Accepted, None),
                    Handed::Later(code) => (State::Deferred, code),
                    Handed::Never(code) => (State::Bounced, Some(code)),
                    Handed::Unknown => (State::Unknown, None),
                }
            }
            By::Webhook { settings, asker } => {
                let object = self.notice.object(recipient.subject, recipient.possible, document, &recipient.address);
                let key = self.notice.key(recipient.subject);
                let Some(request) = request(settings, &key, object.to_string()) else {
                    return (State::Unaddressed, None);
                };
                match asker.ask(&settings.address, request).await {
                    Ok(answer) => {
                        self.away = 0;
                        answered(answer.status())
                    }
                    // Nothing was asked.
                    Err(error @ (asker::Error::Connect(_) | asker::Error::Settings(_))) => {
                        (self.away, self.trouble) = (self.away + 1, Some(error.to_string()));
                        (State::Deferred, None)
                    }
                    Err(_) => (State::Unknown, None),
                }
            }
        }
    }

    /// Takes leave of the server, until there is more.
    pub async fn rest(&mut self) {
        if let By::Mail { connection, .. } = &mut self.by
            && let Some(connection) = connection.take()
        {
            connection.close().await;
        }
    }
}

impl Channel {
    /// As records tell it.
    #[must_use]
    pub fn way(&self) -> Way {
        match self {
            Self::Mail(_) => Way::Mail,
            Self::Webhook(_) => Way::Webhook,
        }
    }
}

fn request(settings: &Webhook, key: &str, body: String) -> Option<Request<Full<Bytes>>> {
    let mut request = Request::new(Full::from(Bytes::from(body)));
    *request.method_mut() = Method::POST;
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("idempotency-key", HeaderValue::from_str(key).ok()?);
    if let Some(value) = &settings.authorization {
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value.expose()).ok()?);
    }
    Some(request)
}

fn answered(status: StatusCode) -> (State, Option<u16>) {
    let state = match status {
        status if status.is_success() => return (State::Accepted, None),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => State::Deferred,
        status if status.is_server_error() => State::Deferred,
        _ => State::Bounced,
    };
    (state, Some(status.as_u16()))
}
