//! Ways to a principal by what others vouch for: a provider, a token, a certificate; and the password file for machines.
//!
//! - [`settings`]: what a realm accepts, validated.
//! - [`jwt`], [`jwks`], [`claims`]: whether a token is genuine and for us, by which key, and which roles it gives. Pure.
//! - [`fetch`], [`provider`]: how an issuer's documents are got, and how they are kept fresh, off the path of requests.
//! - [`oidc`]: sign-in at a provider.
//! - [`basic`]: passwords that machines send along.
//! - [`methods`]: all of them, as a realm has them; `pages` what it answers for them.
//! - [`certificate`]: the name in a client certificate. Pure.

pub mod basic;
pub mod certificate;
pub mod claims;
pub mod fetch;
pub mod jwks;
pub mod jwt;
pub mod methods;
pub mod oidc;
mod pages;
pub mod provider;
pub mod settings;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
