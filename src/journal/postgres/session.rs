//! One connection to the database, for threads that wait: it lives on a thread of its own, so that whoever asks may be anywhere, and nobody
//! waits for an answer for ever.

use std::{
    io,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use futures_util::stream::{self, StreamExt as _};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};
use tokio_postgres::{
    AsyncMessage, Client, NoTls, Row, Socket,
    error::SqlState,
    tls::MakeTlsConnect,
    types::{ToSql, Type},
};

use super::{settings::Postgres, tls::Tls};
use crate::dial::{Invalid, dialer::believing};

/// Longest time that connecting takes, by each host.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait for a small answer. A record waits for so long when the database has just gone.
pub(super) const SHORT: Duration = Duration::from_secs(5);
/// Longest wait for a file.
pub(super) const LONG: Duration = Duration::from_secs(60);
/// What holds for every connection. A commit has to be on disk, a lock of a machine that is gone has to become free, and nothing hangs for ever.
const BEGIN: &str = "SET synchronous_commit = on; SET statement_timeout = '60s'; SET lock_timeout = '3s'; \
     SET idle_in_transaction_session_timeout = '5min'; SET client_min_messages = warning; SET search_path = pg_catalog; \
     SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 20000";

/// Why the database does not do what is asked of it. Nothing of a record is in the text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The authorities can't be used.
    #[error("the connection to the database can't be prepared")]
    Tls(#[from] Invalid),
    /// There is no thread.
    #[error("the connection to the database can't be prepared")]
    Thread(#[from] io::Error),
    /// Too slow.
    #[error("the database did not answer in time")]
    Timeout,
    /// The connection is gone.
    #[error("the connection to the database is lost")]
    Lost,
    /// It answers that it does not.
    #[error("the database refuses ({code}): {message}")]
    Refused {
        /// The SQLSTATE.
        code: String,
        /// In its words.
        message: String,
    },
    /// Another Privet has made the tables.
    #[error("the tables in the database are of version {0}, which a later Privet has made")]
    Version(i64),
    /// Another fault, on the way.
    #[error("the database can't be asked: {0}")]
    Way(String, io::ErrorKind),
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(refusal) = error.as_db_error() {
            return Self::Refused { code: refusal.code().code().to_owned(), message: refusal.message().to_owned() };
        }
        let source = std::error::Error::source(&error);
        let kind = source.and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
        match source.map(ToString::to_string) {
            None if error.is_closed() => Self::Lost,
            why => Self::Way(why.unwrap_or_else(|| error.to_string()), kind.unwrap_or(io::ErrorKind::Other)),
        }
    }
}

impl Error {
    /// Whether another connection is of use: this one is not any more.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Timeout | Self::Lost | Self::Way(..) => true,
            // Shut down, failed over to a server that takes no writes, or too long within a transaction.
            Self::Refused { code, .. } => {
                code.starts_with("57P") || code.starts_with("08") || code == "25006" || code == "25P03"
            }
            Self::Tls(_) | Self::Thread(_) | Self::Version(_) => false,
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Timeout => io::ErrorKind::TimedOut,
            Error::Lost => io::ErrorKind::NotConnected,
            Error::Way(_, kind) => *kind,
            Error::Refused { code, .. } if *code == *SqlState::DISK_FULL.code() => io::ErrorKind::StorageFull,
            Error::Refused { code, .. } if *code == *SqlState::INSUFFICIENT_PRIVILEGE.code() => {
                io::ErrorKind::PermissionDenied
            }
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// What is put into a statement.
#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    Bytes(Vec<u8>),
}

impl Value {
    fn typed(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Text(text) => (text, Type::TEXT),
            Self::Number(number) => (number, Type::INT8),
            Self::Bytes(bytes) => (bytes, Type::BYTEA),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

/// A connection.
pub(super) struct Session {
    client: Option<Arc<Client>>,
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Session {
    /// Connects. `heard` is called for every notification, on the connection's thread.
    pub(super) fn open(settings: &Postgres, heard: impl Fn() + Send + 'static) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("postgres".to_owned()).spawn(move || {
            // Ends when it is told to.
            let _ = runtime.block_on(stopped);
            // A name that is looked up for long is nobody's concern any more.
            runtime.shutdown_background();
        })?;
        let mut session = Self { client: None, runtime: handle, stop: Some(stop), thread: Some(thread) };
        let mut config = settings.config().clone();
        config.connect_timeout(CONNECT).tcp_user_timeout(CONNECT).keepalives_idle(Duration::from_secs(10));
        let hosts = u32::try_from(config.get_hosts().len()).unwrap_or(1);
        let tls = settings.is_encrypted().then(|| believing(settings.ca())).transpose()?;
        let tls = tls.map(|config| Tls(Arc::new(config.with_no_client_auth())));
        let connected = async move {
            match tls {
                Some(tls) => connect(config, tls, heard).await,
                None => connect(config, NoTls, heard).await,
            }
        };
        session.client = Some(Arc::new(session.wait(CONNECT * hosts + SHORT, connected)?));
        session.batch(BEGIN)?;
        Ok(session)
    }

    /// Statements without values, at once.
    pub(super) fn batch(&self, sql: &'static str) -> Result<(), Error> {
        let client = self.client()?;
        self.wait(SHORT, async move { client.batch_execute(sql).await })
    }

    /// A statement; how many rows it has changed.
    pub(super) fn execute<const N: usize>(&self, sql: &'static str, values: [Value; N]) -> Result<u64, Error> {
        let client = self.client()?;
        self.wait(SHORT, async move { client.execute_typed(sql, &values.each_ref().map(Value::typed)).await })
    }

    /// The rows that a statement gives.
    pub(super) fn query<const N: usize>(&self, sql: &'static str, values: [Value; N]) -> Result<Vec<Row>, Error> {
        let client = self.client()?;
        self.wait(LONG, async move { client.query_typed(sql, &values.each_ref().map(Value::typed)).await })
    }

    /// Whether it is known to be gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.as_ref().is_none_or(|client| client.is_closed())
    }

    fn client(&self) -> Result<Arc<Client>, Error> {
        self.client.clone().ok_or(Error::Lost)
    }

    fn wait<T: Send + 'static>(
        &self,
        longest: Duration,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = mpsc::sync_channel(1);
        let task = self.runtime.spawn(async move {
            // Nobody may wait any more.
            let _ = reply.send(asked.await);
        });
        match answer.recv_timeout(longest) {
            Ok(outcome) => Ok(outcome?),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                task.abort();
                Err(Error::Timeout)
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(Error::Lost),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.client = None;
        if let Some(stop) = self.stop.take() {
            // Already ended when nobody listens.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Connects, and calls `heard` for every notification as long as the connection lives.
async fn connect<T>(
    config: tokio_postgres::Config,
    tls: T,
    heard: impl Fn() + Send + 'static,
) -> Result<Client, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, mut connection) = config.connect(tls).await?;
    tokio::spawn(async move {
        let mut messages = stream::poll_fn(move |cx| connection.poll_message(cx));
        while let Some(Ok(message)) = messages.next().await {
            if matches!(message, AsyncMessage::Notification(_)) {
                heard();
            }
        }
    });
    Ok(client)
}
