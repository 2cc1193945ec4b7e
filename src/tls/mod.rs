//! Room `tls`: certificates, profiles, client certificates, ACME, the development CA.
//!
//! A [`Store`] holds what is in use and follows its files; an [`Acceptor`] shakes hands with it.

pub mod acceptor;
pub mod acme;
mod certificate;
pub mod client_auth;
pub mod dev_ca;
#[cfg(target_arch = "x86_64")]
mod gcm;
pub mod handshake;
pub mod inspect;
mod profile;
mod resolver;
pub mod settings;
pub mod store;
pub mod table;
#[cfg(test)]
mod testing;
mod watch;

pub use acceptor::Acceptor;
pub use dev_ca::Development;
pub use handshake::{Error, Handshake};
pub use settings::Settings;
pub use store::{Event, Store};
pub use table::{Listed, Source};
