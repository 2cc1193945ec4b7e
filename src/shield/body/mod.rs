//! Bodies for rules to look at: whole, bounded, in memory. An attacker writes them, so readers are as lenient as applications are, and say what was odd.
//!
//! The readers of [`crate::format`] have another purpose: what they can't read safely goes nowhere. Here whatever an application might make
//! of a body is to be seen.

mod boundary;
mod budget;
mod cookie;
mod disposition;
mod flags;
mod form;
mod json;
mod multipart;
mod parsed;
mod processor;
mod xml;

pub use self::{flags::Flags, parsed::Parsed, processor::Processor};
use super::fields::{Bounds, Fields};

/// Reads a body.
#[must_use]
pub fn read(processor: Processor, content_type: &[u8], body: &[u8], bounds: Bounds) -> Parsed {
    let mut parsed = Parsed::default();
    match processor {
        Processor::UrlEncoded => parsed.exceeded = form::read(body, bounds.arguments, &mut parsed.arguments),
        Processor::Json => json::read(body, bounds, &mut parsed),
        Processor::Multipart => multipart::read(content_type, body, bounds, &mut parsed),
        Processor::Xml => xml::read(body, bounds, &mut parsed),
    }
    parsed
}

/// Reads a query, behind its `?`; whether there were more arguments than the bounds allow, those already in `into` included.
pub fn query(query: &[u8], bounds: Bounds, into: &mut Fields) -> bool {
    form::read(query, bounds.arguments, into)
}

/// Reads one `Cookie` header.
pub fn cookies(header: &[u8], into: &mut Fields) {
    cookie::read(header, into);
}
