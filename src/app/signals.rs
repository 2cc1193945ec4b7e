//! The signals that the process answers to.

use std::io;

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP: take the configuration again.
    Reload,
    /// SIGUSR1: open the access log anew; it was moved away.
    Reopen,
    /// SIGTERM: end, with the delay that load balancers need.
    Terminate,
    /// SIGINT: end without that delay; somebody sits at a terminal.
    Interrupt,
}

/// The signals.
#[derive(Debug)]
pub struct Signals {
    hangup: Stream,
    user: Stream,
    terminate: Stream,
    interrupt: Stream,
}

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            user: signal(SignalKind::user_defined1())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.user.recv() => Signal::Reopen,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Interrupt,
        }
    }

    /// The next one that asks to end.
    pub async fn end(&mut self) {
        while matches!(self.next().await, Signal::Reload | Signal::Reopen) {}
    }
}
