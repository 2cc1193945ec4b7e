//! Bans: who has misbehaved, or is on a list, is refused for a while. How it decides is in `docs/BANS.md`.
//!
//! - [`bans`]: one word over all of it; [`who`] says what is counted and banned, [`scenario`] for what.
//! - [`table`]: who is counted, in [`bucket`]s; [`order`]: what operators have ordered; [`list`]: lists of others, from a [`mod@file`] or a
//!   [`crowdsec`] agent, as [`networks`].
//! - [`shared`]: the same for all replicas; [`seal`]: what addresses are kept under.

pub mod bans;
pub mod bucket;
pub mod crowdsec;
pub mod file;
pub mod list;
pub mod networks;
pub mod order;
pub mod paths;
pub mod scenario;
pub mod seal;
pub mod settings;
pub mod shared;
pub mod table;
pub mod who;

pub use bans::{Ban, Bans, Source};
pub use scenario::Scenario;
pub use settings::Settings;
pub use who::{Session, Who};
