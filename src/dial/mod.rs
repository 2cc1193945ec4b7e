//! Room `dial`: connections to anything: TCP, Unix, TLS; names resolved again.
//!
//! A [`Dialer`] is made once from [`Settings`] and shared; [`Dialer::connect`] gives a [`Stream`]
//! that is ready for a protocol. [`pem`] reads certificates and keys, here and for the room `tls`.
//! [`mail`] hands messages over to a mail server.

pub mod address;
pub mod asker;
pub mod dialer;
pub mod error;
pub mod mail;
pub mod names;
pub mod pem;
pub mod settings;
pub mod stream;
#[cfg(test)]
pub(crate) mod testing;

pub use dialer::Dialer;
pub use error::{Error, Invalid};
pub use names::Refresh;
pub use settings::Settings;
pub use stream::Stream;
