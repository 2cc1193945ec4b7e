//! Vulnerability analysis: what an application, or Privet's own configuration, gives away or leaves open.
//!
//! [`rules`] is the table, one entry a [`rule`]: what it is called, how grave it is, why it matters, how it is mended, which of Privet's settings mends it now, and what it
//! looks at. The same passive rules look at an [`exchange`] that a client has had ([`watch`]) and at one that [`probe`] has asked for. A [`finding`] is
//! written by [`report`]; a [`baseline`] says which of them are known. A [`recipient`] is who else hears of it. What is personal in a sample is told by an [`Eye`](exchange::Eye), which whoever asks hands in.

pub mod baseline;
pub mod exchange;
pub mod finding;
pub mod grade;
pub mod library;
pub mod page;
pub mod passive;
pub mod probe;
pub mod recipient;
pub mod report;
pub mod rule;
pub mod rules;
pub mod settings;
pub mod watch;

pub use self::{
    finding::{Finding, Seen},
    rule::{Rule, Severity},
    watch::Watch,
};
