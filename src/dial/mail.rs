//! Mail to a server that takes it: never in clear to another machine, unless somebody has said why; and honest about what has become of each message.

use std::{
    fmt::{self, Write as _},
    fs, io,
    path::PathBuf,
    time::Duration,
};

use lettre::{
    address::Address,
    transport::smtp::{
        self,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
        commands::{Data, Mail, Quit, Rcpt, Rset},
        extension::ClientId,
    },
};
use tokio::time::timeout;

use crate::common::secret::Secret;

/// How much longer than any other step a server may take to say that it has a whole message: it may look through it first (RFC 5321, section 4.5.3.2.6).
const PATIENCE: u32 = 10;

/// A mail server.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub security: Security,
    /// PEM bundle of the only authorities believed; `None` takes the system's.
    pub ca: Option<PathBuf>,
    /// Name and password there.
    pub credentials: Option<(String, Secret)>,
}

/// Without our name there.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({}:{}, {:?})", self.host, self.port, self.security)
    }
}

/// How a mail server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS after `STARTTLS`, or not at all.
    StartTls,
    /// In clear; on this machine alone, or where somebody has said why.
    Clear,
}

/// Why a server can't be spoken to. What it says may repeat an address, so nothing of it is in the text but the code.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The authorities can't be used.
    #[error("the authorities can't be used: {0}")]
    Authorities(io::Error),
    /// The server does not take it.
    #[error("the mail server does not take it: {0}")]
    Server(String),
}

impl From<smtp::Error> for Error {
    fn from(error: smtp::Error) -> Self {
        let code = error.status().map(|code| format!("it answers with {code}"));
        let what = if error.is_timeout() {
            "there was no answer in time"
        } else if error.is_tls() {
            "TLS has failed"
        } else {
            "there is no connection, or no sense in what it answers"
        };
        Self::Server(code.unwrap_or_else(|| what.to_owned()))
    }
}

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    /// The server has it, and is responsible for it from now on.
    Accepted,
    /// Not now, with the server's code where there is one; it does not have it.
    Later(Option<u16>),
    /// Never.
    Never(u16),
    /// The connection broke after the message and before the answer: nobody can tell.
    Unknown,
}

/// A connection over which messages go, one after the other.
pub struct Connection {
    smtp: AsyncSmtpConnection,
    deadline: Duration,
    broken: bool,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection(broken: {})", self.broken)
    }
}

impl Connection {
    /// Connects, secures and signs in, each within `deadline`.
    ///
    /// # Errors
    /// When the server can't be reached, or secured, or does not want us.
    pub async fn open(server: &Server, deadline: Duration) -> Result<Self, Error> {
        let late = |_| Error::Server("there was no answer in time".to_owned());
        let hello = ClientId::default();
        let wrapped = if server.security == Security::Tls { Some(parameters(server)?) } else { None };
        let to = (server.host.as_str(), server.port);
        let connecting = AsyncSmtpConnection::connect_tokio1(to, Some(deadline), &hello, wrapped, None);
        let mut smtp = timeout(deadline, connecting).await.map_err(late)??;
        if server.security == Security::StartTls {
            timeout(deadline, smtp.starttls(parameters(server)?, &hello)).await.map_err(late)??;
        }
        if let Some((name, password)) = &server.credentials {
            let credentials = Credentials::new(name.clone(), password.expose().to_owned());
            timeout(deadline, smtp.auth(DEFAULT_MECHANISMS, &credentials)).await.map_err(late)??;
        }
        Ok(Self { smtp, deadline, broken: false })
    }

    /// Whether it is of no more use.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Hands a message over, for one recipient.
    pub async fn hand_over(&mut self, from: &Address, to: &Address, message: &str) -> Handed {
        let before = async {
            self.smtp.command(Mail::new(Some(from.clone()), Vec::new())).await?;
            self.smtp.command(Rcpt::new(to.clone(), Vec::new())).await?;
            self.smtp.command(Data).await
        };
        let handed = match timeout(self.deadline, before).await {
            Ok(Ok(_)) => match timeout(self.deadline * PATIENCE, self.smtp.message(message.as_bytes())).await {
                Ok(Ok(_)) => return Handed::Accepted,
                Ok(Err(error)) => said(&error).unwrap_or(Handed::Unknown),
                Err(_) => Handed::Unknown,
            },
            Ok(Err(error)) => said(&error).unwrap_or(Handed::Later(None)),
            Err(_) => Handed::Later(None),
        };
        let closing = matches!(handed, Handed::Later(Some(421)));
        if closing || matches!(handed, Handed::Unknown | Handed::Later(None)) {
            self.broken = true;
        } else {
            // What was begun is over, so that the next can begin.
            self.broken = !matches!(timeout(self.deadline, self.smtp.command(Rset)).await, Ok(Ok(_)));
        }
        handed
    }

    /// Takes leave.
    pub async fn close(mut self) {
        if !self.broken {
            let _ = timeout(self.deadline, self.smtp.command(Quit)).await;
        }
    }
}

/// What a server has answered, where it is an answer.
fn said(error: &smtp::Error) -> Option<Handed> {
    let code = error.status()?.to_string().parse().ok()?;
    Some(if error.is_transient() { Handed::Later(Some(code)) } else { Handed::Never(code) })
}

fn parameters(server: &Server) -> Result<TlsParameters, Error> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(ca) = &server.ca {
        let unusable = |error| Error::Authorities(io::Error::other(error));
        let authority = Certificate::from_pem(&fs::read(ca).map_err(Error::Authorities)?).map_err(unusable)?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    Ok(builder.build()?)
}

/// Appends `plain` in quoted-printable (RFC 2045, section 6.7): lines of any length and signs of any language.
pub fn quoted(plain: &str, out: &mut String) {
    for line in plain.lines() {
        let mut length = 0;
        for (at, byte) in line.bytes().enumerate() {
            // A dot alone on a line ends a mail, and blanks at an end are lost on the way.
            let safe = matches!(byte, b'!'..=b'~' | b' ') && byte != b'=';
            let safe = safe && !(byte == b'.' && length == 0) && !(byte == b' ' && at + 1 == line.len());
            if length >= 72 {
                out.push_str("=\r\n");
                length = 0;
            }
            if safe {
                out.push(char::from(byte));
                length += 1;
            } else {
                let _ = write!(out, "={byte:02X}");
                length += 3;
            }
        }
        out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_written_so_that_mail_leaves_it_alone() {
        let mut out = String::new();
        quoted(&format!("a=b \n.\n\u{2014} {}\n", "x".repeat(100)), &mut out);
        assert!(out.starts_with("a=3Db=20\r\n=2E\r\n=E2=80=94 xxx"), "{out}");
        assert!(out.lines().all(|line| line.len() <= 76), "{out}");
        assert_eq!(out.replace("=\r\n", "").matches('x').count(), 100);
    }
}
