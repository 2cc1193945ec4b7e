//! Small shared things without policy: units, coarse clock, counters, the peer of a connection.

pub mod unit;
