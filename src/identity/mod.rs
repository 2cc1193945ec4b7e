//! Who asks.

pub mod federation;
pub mod keys;
pub mod principal;
