//! What is written down of requests and of Privet itself, what is counted, and how both are shown.

pub mod access_log;
pub mod map;
pub mod metrics;
pub mod otlp;
pub mod route_counts;
pub mod scrub_layer;
pub mod trace;
pub mod upstream_counts;
