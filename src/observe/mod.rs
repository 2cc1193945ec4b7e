//! What is counted, and how it is shown.

pub mod map;
pub mod metrics;
