//! A collector of syslog that records are sent to, by TCP or TLS.

use std::{
    io::{self, Write},
    net::IpAddr,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use tokio::{io::AsyncWriteExt as _, runtime::Runtime, time::timeout};

use super::super::unavailable;
use crate::{
    common::authority::Authority,
    dial::{
        self, Dialer, Settings,
        settings::{Target, Tls},
    },
};

/// Longest time that the other side may take for anything.
const DEADLINE: Duration = Duration::from_secs(30);

/// Where.
#[derive(Debug, clap::Args)]
pub(super) struct ToArgs {
    /// A collector: `tls://HOST:6514` or `tcp://HOST:601`.
    #[arg(long, value_name = "URL", value_parser = place)]
    pub(super) to: Option<Place>,
    /// The only authorities believed, in PEM [default: the system's].
    #[arg(long, value_name = "FILE", requires = "to")]
    ca: Option<PathBuf>,
    /// Why cleartext beyond this machine is acceptable.
    #[arg(long, value_name = "TEXT", requires = "to")]
    cleartext_reason: Option<String>,
}

/// A host, a port, and whether TLS is spoken.
#[derive(Debug, Clone)]
pub(super) struct Place {
    host: String,
    port: u16,
    tls: bool,
}

fn place(text: &str) -> Result<Place, String> {
    let (tls, rest) = match text.split_once("://") {
        Some(("tls", rest)) => (true, rest),
        Some(("tcp", rest)) => (false, rest),
        _ => return Err("tls://HOST:PORT or tcp://HOST:PORT is expected".to_owned()),
    };
    let authority = Authority::parse(rest.trim_end_matches('/')).ok_or("it names no host")?;
    let port = authority.port.unwrap_or(if tls { 6514 } else { 601 });
    Ok(Place { host: authority.host.trim_matches(['[', ']']).to_ascii_lowercase(), port, tls })
}

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0} would be reached in cleartext beyond this machine")]
    Cleartext(String),
    #[error("the collector can't be used")]
    Settings(#[from] dial::Invalid),
    #[error("there is no connection to the collector")]
    Connect(#[from] dial::Error),
    #[error("there is no way to wait")]
    Runtime(#[from] io::Error),
}

impl Error {
    pub(super) fn told(&self) -> ExitCode {
        if let Self::Cleartext(_) = self {
            eprintln!(
                "privet audit: {self}\n    hint: use tls://, or say why it is acceptable here (--cleartext-reason)"
            );
            return ExitCode::from(2);
        }
        unavailable(self)
    }
}

/// A connection that is written to as a file is.
pub(super) struct Remote {
    stream: dial::Stream,
    runtime: Runtime,
}

impl Remote {
    pub(super) fn connect(place: &Place, args: &ToArgs) -> Result<Self, Error> {
        let here = place.host == "localhost"
            || place.host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
        let reason = args.cleartext_reason.as_ref().is_some_and(|reason| !reason.trim().is_empty());
        if !(place.tls || here || reason) {
            return Err(Error::Cleartext(place.host.clone()));
        }
        let tls = place.tls.then(|| Tls {
            ca: args.ca.clone(),
            server_name: place.host.clone(),
            certificate: None,
            alpn: Vec::new(),
        });
        let target = Target::Tcp { host: place.host.clone(), port: place.port };
        let dialer = Dialer::new(&Settings { target, tls, connect_timeout: DEADLINE, resolve_every: DEADLINE })?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stream = runtime.block_on(dialer.connect())?;
        Ok(Self { stream, runtime })
    }
}

impl Write for Remote {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let stream = &mut self.stream;
        self.runtime.block_on(async { timeout(DEADLINE, stream.write(bytes)).await })?
    }

    fn flush(&mut self) -> io::Result<()> {
        let stream = &mut self.stream;
        self.runtime.block_on(async { timeout(DEADLINE, stream.flush()).await })?
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // What was written has left; TLS says that this was all of it.
        let stream = &mut self.stream;
        let _ = self.runtime.block_on(async { timeout(DEADLINE, stream.shutdown()).await });
    }
}
