//! Limits on attempts at an application's own login.
//!
//! A failure is charged, not an attempt; an attempt under way holds a place. [`guard`] asks and settles; the rest is what it needs:
//! - [`rule`]: one `[[login]]`: which requests are attempts, [`username`]: whom they are for, [`judge`]: what the answer means,
//!   [`learn`]: where nobody has said what answers mean;
//! - [`ledger`]: failures and attempts under way by [`key`], the arithmetic of one key in [`state`]; [`pace`]: how fast attempts come;
//! - [`device`]: the cookie of a familiar client, whom nobody can lock out; [`top`]: who fails most.
//!
//! Nobody's name is kept or shown: keys are keyed hashes.

pub mod device;
pub mod guard;
mod json;
pub mod judge;
pub mod key;
pub mod learn;
pub mod ledger;
pub mod pace;
pub mod rule;
pub mod settings;
pub mod state;
pub mod top;
pub mod username;

pub use guard::{Attempt, Guard, Refused, Settled, Verdict, Who};
pub use ledger::End;
pub use rule::Rule;

#[cfg(test)]
mod testing;
