//! One sealing at rest for everything that Privet keeps, and two for files that people take along.
//!
//! - [`keys`]: a ring of keys in a file of mode 0600; the last seals, all open.
//! - [`stream`]: a file as a chain of AEAD segments. What is sealed can be read, a change is found, a cut is told.
//! - [`zip`] and [`age`]: a file that a passphrase opens, or one person's key.

pub mod age;
pub mod keys;
pub mod settings;
pub mod stream;
pub mod zip;

pub use keys::Ring;
pub use settings::Settings;
pub use stream::{Opener, Purpose, Sealer};

#[cfg(test)]
mod tests;
