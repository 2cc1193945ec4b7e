//! Passkeys: Web Authentication (W3C, Level 3) for the accounts of the staff file.
//!
//! Reading and checking what a browser brings is pure: [`ceremony`] holds what it is checked against. No library does it, because those
//! that there are bring OpenSSL or a second set of ciphers; the signatures are aws-lc's.
//!
//! - [`cbor`], [`cose`], [`authenticator`], [`client`]: the four forms that it comes in.
//! - [`challenge`]: what has to be signed, and for whom.
//! - [`ceremony`]: enrolment and sign-in, checked step by step.
//! - [`credential`], [`used`]: what is kept of a passkey, and that nothing counts twice.
//! - [`page`], [`serve`], [`enrol`]: what people see of it, and the answers to it.

pub mod authenticator;
pub mod cbor;
pub mod ceremony;
pub mod challenge;
pub mod client;
pub mod cose;
pub mod credential;
pub mod enrol;
pub mod page;
pub mod serve;
pub mod used;

#[cfg(test)]
mod testing;
