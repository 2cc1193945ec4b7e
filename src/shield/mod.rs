//! Intrusion prevention: rules in `SecLang`, as the OWASP Core Rule Set is written in, compiled once into a plan; and bans.
//!
//! Pure but for bans: a request goes in, a verdict comes out. Whoever asks decides what becomes of it.

pub mod ban;
pub mod bytes;
pub mod fields;
