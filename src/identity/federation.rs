//!
//! - [`settings`]: what a realm accepts, validated.
//! - [`jwt`], [`jwks`], [`claims`]: whether a token is genuine and for us, by which key, and which roles it gives. Pure.
//!   path of requests.

pub mod address;
pub mod claims;
pub mod jwks;
pub mod jwt;
pub mod settings;
#[cfg(test)]
pub(crate) mod testing;
