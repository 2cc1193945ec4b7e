//! The application behind a route: which endpoint, which connection, what counts as its failure.
//!
//! [`shared`] is what all workers know of an application (health, ejection, resolved names); [`cluster`] is one worker's
//! way to it (pools, turns, retries); [`http1`] is how an exchange goes over HTTP/1.1, [`extended`] how an upgrade goes over HTTP/2.

pub mod balance;
pub mod cluster;
pub mod extended;
pub mod health;
pub mod http1;
pub mod pool;
pub mod settings;
pub mod shared;
pub mod source;

pub use settings::Settings;
