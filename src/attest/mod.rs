//! The truth of the policy: its clauses, the controls that make each true, what shows that they are, and the evidence to take along.
//!
//! `settings` has the policy and the names of controls, `control` a look for each of them, a file a family. What looks is a `Looking`: it sends
//! requests of Privet's own (`gateway::probe`) through its own front door by `prober`, to the `origin` that stands in for applications, and reads
//! records. `report` is what came of it, `attestor` runs it and remembers the last; `pack` is all of it in one signed archive (`docs/ATTEST.md`).

pub mod attestor;
pub mod control;
pub mod grounds;
pub mod looking;
pub mod origin;
pub mod pack;
pub mod person;
pub mod prober;
pub mod report;
pub mod settings;

#[cfg(test)]
mod tests;

pub use attestor::Attestor;
pub use grounds::{Facts, Grounds, Live};
pub use report::{Report, Standing};
pub use settings::Settings;
