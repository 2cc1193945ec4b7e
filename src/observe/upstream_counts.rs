//! What one worker counts of one endpoint of an application.

use crate::common::meter::{Counter, Gauge};

/// Counters of one endpoint on one worker.
#[derive(Debug, Default)]
pub struct UpstreamCounts {
    /// Connections made, or tried.
    pub connections: Counter,
    /// Connections that are open.
    pub open: Gauge,
    /// Connections that wait in the pool for a request.
    pub idle: Gauge,
    /// Requests that hold a connection, or wait for one.
    pub in_flight: Gauge,
}
