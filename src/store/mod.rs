//! Room `store`: what replicas of Privet share, kept in Redis or Valkey.
//!
//! A [`Store`] lives once a process. Its connection is driven by the runtime that it was started on; workers on other runtimes ask
//! by [`Store::run`] over a channel, and what is asked at the same moment goes out together. While the server is away the answer is
//! [`Away`] at once, and whoever asked goes on with what it has itself: nothing ever waits longer than [`Settings::timeout`]. A task
//! (`keeper`) finds the server again by itself, also after a failover.
//!
//! [`script`]: Lua that runs by its hash. `link`: a connection to one server, to the master that sentinels name, or to a cluster.
//! [`counts`]: what is counted. [`probe`]: whether the server is there, asked once.

pub mod client;
pub mod counts;
mod keeper;
mod link;
pub mod probe;
pub mod script;
pub mod settings;
mod shared;

pub use client::Store;
pub use counts::Counts;
pub use link::Invalid;
pub use redis::Value;
pub use script::Script;
pub use settings::Settings;
pub use shared::Away;
