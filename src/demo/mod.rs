//! The legacy application that `serve --demo` protects: plain HTTP, old habits, 5,000 made-up customers.
//!
//! It does on purpose what old applications do: cookies without flags, absolute redirects to `http://`, personal data in
//! queries, banners and stack traces. Nobody in it is real. `docs` and tests rely on its paths and credentials.

mod customers;
mod pages;
mod respond;
mod serve;
mod upload;
mod websocket;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    thread::JoinHandle,
};

use tokio::{sync::oneshot, task::LocalSet};

/// What protects it, as a configuration would say it.
pub const SAFEGUARDS: &str = include_str!("safeguards.toml");

/// The running application. Dropping it ends it.
#[derive(Debug)]
pub struct Application {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Application {
    /// Starts it on a thread of its own; port 0 takes any that is free.
    ///
    /// # Errors
    /// When the address can't be bound or the thread not be made.
    pub fn start(listen: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("demo".to_owned()).spawn(move || {
            let set = LocalSet::new();
            set.block_on(&runtime, async move {
                tokio::select! {
                    () = serve::accept(listener) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Already ended when nobody listens.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
