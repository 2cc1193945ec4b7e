//! The privacy engine: finds personal data and secrets in bytes, and rewrites them. Pure: it reads no file and no clock.
//!
//! - [`mask`] rewrites bodies as they come.
//! - [`Engine`] is the rule set of all outputs, [`Scrubber`] its stream, [`Fields`] what it need not ask of names again.
//! - [`detect`] finds; a file a family of values. `decode` lets it read what is encoded, `context` the words beside a value.
//! - [`finding`] names what is found, [`Kinds`] sets of that, `checksum` tells numbers from digits.
//! - [`surname`] compares what people of a family are called.
//! - `operator` writes what stands in a value's place, with the [`keys`] of an epoch.

mod checksum;
mod context;
mod decode;
pub mod detect;
mod engine;
mod fields;
pub mod finding;
pub mod keys;
mod kinds;
mod lines;
pub mod mask;
mod operator;
mod scrubber;
pub mod settings;
pub mod surname;
mod tally;

pub use detect::Detector;
pub use engine::{Engine, Revealed, reveal};
pub use fields::Fields;
pub use finding::{Finding, Kind};
pub use keys::Keys;
pub use kinds::Kinds;
pub use lines::Lines;
pub use operator::canonical;
pub use scrubber::{HELD, Scrubber};
pub use settings::Operator;
pub use tally::Tally;
