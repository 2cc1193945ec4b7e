//! Room `tls`: certificates, profiles, client certificates, the development CA.
//!
//! A [`Store`] holds what is in use and follows its files; an [`Acceptor`] shakes hands with it.

pub mod acceptor;
mod certificate;
pub mod client_auth;
pub mod dev_ca;
pub mod handshake;
mod profile;
mod resolver;
pub mod settings;
pub mod store;
#[cfg(test)]
mod testing;
mod watch;

pub use acceptor::Acceptor;
pub use dev_ca::Development;
pub use handshake::{Error, Handshake};
pub use settings::Settings;
pub use store::{Event, Store};
