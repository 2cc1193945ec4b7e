//! What opens a case: rules over the records of the journal, in their order.
//!
//! [`fact`] is what of a record counts, [`rule`] the rules, [`detector`] all of them together. A file a family: [`volume`], [`enumeration`],
//! [`whereabouts`], [`snooping`], [`bulk`], [`exposure`], [`integrity`]. [`past`] keeps what everybody has done, [`usual`] says what is usual of that
//! by means that one odd day doesn't move, [`recent`] counts within a time that slides along. All of that is pure and reads no clock: a replay says
//! what was said live. [`feed`] is what reads records as they come ([`reading`]), and opens cases, unless an officer has muted a rule ([`mutes`]). `docs/SIGNALS.md` has the rules, and how often they are wrong.

pub mod bulk;
pub mod detector;
pub mod enumeration;
pub mod exposure;
pub mod fact;
pub mod feed;
pub mod found;
pub mod integrity;
pub mod mutes;
pub mod past;
pub mod reading;
pub mod recent;
pub mod rule;
pub mod settings;
pub mod snooping;
#[cfg(test)]
mod tests;
pub mod usual;
pub mod volume;
pub mod whereabouts;

pub use self::{
    detector::Detector,
    feed::Feed,
    found::{Found, Signal, Who},
    rule::Rule,
    settings::Settings,
    snooping::Lists,
};
