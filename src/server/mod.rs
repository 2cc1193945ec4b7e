//! Listeners, one worker a core, connections and the way down.
//!
//! A worker is an OS thread with a `current_thread` runtime, its own `SO_REUSEPORT` listeners, upstream pools and deadlines:
//! a plain request takes no lock and crosses no thread. [`worker`] accepts, [`connection`] speaks HTTP: [`http1`] by what [`framing`] lets pass, [`http2`] behind [`preface`]. [`admission`] counts connections, [`listener`] binds, [`inherited`] takes what is bound already.

pub mod admission;
pub mod connection;
pub mod framing;
pub mod http1;
pub mod http2;
pub mod inherited;
pub mod listener;
pub mod patient;
pub mod preface;
pub mod proxy_protocol;
pub mod settings;
pub mod worker;

pub use settings::Settings;
