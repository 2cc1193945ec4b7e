//! Limits on attempts at an application's own login.
//!
//! A [`Rule`] tells which requests are attempts, whose account they name and what an answer says of their outcome. The [`Guard`] lets an
//! attempt through or not, and charges what came of it: failures, not attempts. How it decides is in `docs/LOGIN.md`.
//!
//! - [`rule`]: one login made ready: [`username`] reads bodies, [`judge`] answers, [`learn`] what answers are like.
//! - [`guard`]: the decision; [`ledger`] says what an attempt is judged by, [`state`] has the arithmetic of a key, [`memory`] keeps
//!   states, [`mod@redis`] shares them between replicas, [`pace`] bounds the speed of attempts, [`device`] makes clients familiar,
//!   [`challenge`] gives whoever has solved one a further attempt, [`tarpit`] lets refusals take their time.
//! - [`breached`]: whether a password is one that breaches have made public.
//! - [`stuffed`]: a sign-in that many failures came before.
//! - [`event`]: what others are told; [`top`] and `source` look for offenders, and for a sign that addresses are not the clients'.

mod answer;
pub mod breached;
pub mod challenge;
pub mod device;
pub mod event;
pub mod guard;
pub mod judge;
pub mod key;
mod known;
pub mod learn;
pub mod ledger;
pub mod memory;
pub mod pace;
pub mod preset;
pub mod redis;
pub mod refused;
pub mod rule;
pub mod settings;
mod source;
pub mod state;
pub mod stuffed;
mod table;
pub mod tarpit;
pub mod top;
pub mod username;

pub use guard::{Guard, Reservation, Settled};
pub use judge::Judged;
pub use refused::Refused;
pub use rule::Rule;
pub use settings::Settings;
