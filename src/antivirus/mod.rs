//! Anti-virus: what people send, and where a route asks for it what they get, goes through clamd, an ICAP server or both before anybody has it.
//!
//! A body is held ([`spool`], in a bounded [`room`]) until all of it is here, is taken apart into files ([`reading`], [`parts`], [`texts`], [`base64`]),
//! and each is shown to the [`engines`], [`clamd`] and [`icap`] over a [`wire`], by a [`scan`] when it is its turn ([`scanner`]). So a client that
//! sends slowly keeps nobody from them, and what is
//! held goes on ([`replay`]) or does not. [`signatures`] knows how old signatures are, [`outbreak`] brings new ones at once, [`seen`] remembers
//! hashes, and [`quarantine`] keeps infected files. `docs/ANTIVIRUS.md` tells operators.

pub mod base64;
pub mod clamd;
pub mod engines;
pub mod event;
pub mod icap;
pub mod outbreak;
pub mod parts;
pub mod quarantine;
pub mod reading;
pub mod replay;
pub mod room;
pub mod scan;
pub mod scanner;
pub mod seen;
pub mod settings;
pub mod signatures;
pub mod spool;
pub mod texts;
pub mod verdict;
pub mod wire;
pub mod yara;

pub use self::{
    event::Event,
    reading::Reading,
    scanner::{About, Scanned, Scanner},
    settings::{Mode, OnRoute, Settings},
    verdict::{Decision, Direction, Verdict},
};
