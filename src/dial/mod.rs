//! Connections to anything: TCP, Unix, TLS; names resolved again.

pub mod dialer;
pub mod settings;
pub mod stream;

pub use dialer::{Dialer, Error};
pub use settings::Settings;
pub use stream::Stream;
