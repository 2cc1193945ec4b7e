//! Intrusion prevention: rules in `SecLang`, as the OWASP Core Rule Set is written in, compiled once into a plan; and bans.
//!
//! Pure but for bans: a request goes in, a verdict comes out. Whoever asks decides what becomes of it.

pub mod ban;
pub mod bank;
pub mod body;
pub mod bytes;
pub mod decision;
pub mod engine;
pub mod fields;
pub mod injection;
pub mod literal;
pub mod operator;
pub mod parse;
pub mod pattern;
pub mod plan;
pub mod rule;
pub mod ruleset;
pub mod settings;
pub mod source;
pub mod texts;
pub mod transaction;
pub mod transform;
pub mod variable;

pub use self::{
    decision::{Decision, Verdict},
    ruleset::Ruleset,
    transaction::Transaction,
};
