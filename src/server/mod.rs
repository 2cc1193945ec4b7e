//! Listeners, one worker a core, connections and the way down.
//!
//! A worker is an OS thread with a `current_thread` runtime, its own `SO_REUSEPORT` listeners, upstream pools and deadlines:
//! a plain request takes no lock and crosses no thread. [`worker`] accepts, [`connection`] speaks HTTP: [`http1`] by what [`framing`] lets pass, [`http2`]. [`admission`] counts connections, [`listener`] binds, [`inherited`] takes what is bound already.

pub mod admission;
pub mod connection;
pub mod framing;
pub mod http1;
pub mod http2;
pub mod inherited;
pub mod listener;
pub mod patient;
pub mod proxy_protocol;
pub mod reading;
pub mod settings;
pub mod worker;

use http::request::Parts;

pub use settings::Settings;

use crate::gateway::{incoming::Incoming, refusal::Kind};

/// A request on its way to the service.
#[derive(Debug)]
pub struct Request {
    /// What its head says, or that of a harmless one where it is refused.
    pub parts: Box<Parts>,
    /// Its body.
    pub body: Incoming,
    /// Why it is refused.
    pub refused: Option<Kind>,
}
