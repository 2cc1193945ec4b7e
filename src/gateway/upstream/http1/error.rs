//! What can go wrong on the way.

use std::io;

use super::head::{FIELDS, HEAD};
use crate::{
    common::http1::{receiving, sending},
    gateway::body::Broken,
};

/// Why an exchange broke. Nothing of what was sent or read is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel, or TLS, says so.
    #[error("reading failed")]
    Read(#[source] io::Error),
    /// The same of the other direction.
    #[error("writing failed")]
    Write(#[source] io::Error),
    /// The application closed the connection too early.
    #[error("the connection ended before the answer did")]
    Ended,
    /// What came is no answer.
    #[error("the head of the answer is malformed")]
    Head,
    /// A field of the answer has a name or value that HTTP has not.
    #[error("a field of the answer is malformed")]
    Field,
    /// There is too much of it.
    #[error("the head of the answer has more than {HEAD} bytes or {FIELDS} fields")]
    HeadTooLarge,
    /// Its end can't be told for sure.
    #[error("the length of the answer is told badly, or in two ways")]
    Length,
    /// The frame of its body is broken.
    #[error("the chunks of the answer are malformed")]
    Chunks,
    /// The request's own body broke off.
    #[error("the body of the request broke off")]
    Request(#[source] Box<Broken>),
    /// It has not the length that was announced.
    #[error("the body of the request has another length than its head says")]
    RequestLength,
}

impl From<sending::Fault<Broken>> for Error {
    fn from(fault: sending::Fault<Broken>) -> Self {
        match fault {
            sending::Fault::Write(error) => Self::Write(error),
            sending::Fault::Body(broken) => Self::Request(Box::new(broken)),
            sending::Fault::Length => Self::RequestLength,
        }
    }
}

impl From<receiving::Fault> for Error {
    fn from(fault: receiving::Fault) -> Self {
        match fault {
            receiving::Fault::Malformed => Self::Chunks,
            receiving::Fault::Ended => Self::Ended,
        }
    }
}
