//! The privacy engine: finds personal data and secrets in bytes, and rewrites them. Pure: it reads no file and no clock.
//!
//! - [`detect`] finds; a file a family of values. `decode` lets it read what is encoded, `context` the words beside a value.
//! - [`finding`] names what is found, `checksum` tells numbers from digits.

mod checksum;
mod context;
mod decode;
pub mod detect;
pub mod finding;
pub mod settings;

pub use detect::Detector;
pub use finding::{Finding, Kind};
